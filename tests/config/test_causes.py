"""Test the causes that closing a ticket may name, and the closing word of a mailbox."""

from pathlib import Path

import pytest

from mailbot.domain.labels import label
from mailbot.domain.policy import Cause
from tests.config.faults import brief, loaded, problems
from tests.config.test_actions import TREE, desk, rules

BANK = """causes:
  bank-delay: {id: Bank lambat, en: Slow bank, category: payment}
  spam: {id: Spam, en: Spam, silent: yes}
"""


def test_causes_have_labels_a_category_and_may_be_silent(tmp_path: Path) -> None:
    policy = loaded(desk(tmp_path, rules("team: frontline, category: general", TREE + BANK))).policy

    assert policy.causes == {
        "bank-delay": Cause("bank-delay", "payment"),
        "spam": Cause("spam", silent=True),
    }
    assert label(policy, "cause", "bank-delay", "id") == "Bank lambat"


@pytest.mark.parametrize(
    ("causes", "found"),
    [
        (
            "bank: {id: Bank, en: Bank, category: paymet}",
            "routing.yaml:2:47: there is no category `paymet` | did you mean `payment`?",
        ),
        (
            "a: {id: Bank lambat, en: A}, b: {id: B, en: bank-lambat}",
            "routing.yaml:2:54: `bank-lambat` would mean two causes | the other is `a` on line 2",
        ),
        (
            "a: {id: B, en: A}, b: {id: C, en: D}",
            "routing.yaml:2:18: `B` would mean two causes | the other is `b` on line 2",
        ),
        ("a: {id: A}", "routing.yaml:2:13: `en` is missing here | it is: in English: Double payment"),
        ("a: {id: A, en: A, silent: perhaps}", "routing.yaml:2:36: `perhaps` is neither yes nor no"),
    ],
)
def test_a_fault_in_a_cause_is_reported_at_its_place(tmp_path: Path, causes: str, found: str) -> None:
    text = rules("team: frontline, category: general", f"{TREE}causes: {{{causes}}}\n")

    assert [brief(each) for each in problems(desk(tmp_path, text))] == [found]


@pytest.mark.parametrize("key", ["closing_word", "survey"])
def test_a_mailbox_sends_a_closing_word_with_a_survey_unless_told_otherwise(tmp_path: Path, key: str) -> None:
    place = desk(tmp_path, rules("team: frontline"))
    path = place / "mailbot.yaml"
    (usual,) = loaded(place).policy.mailboxes.values()
    path.write_text(path.read_text().replace("prefix: TOKO", f"prefix: TOKO\n    {key}: no", 1))
    (changed,) = loaded(place).policy.mailboxes.values()

    assert (getattr(usual, key), getattr(changed, key)) == (True, False)
