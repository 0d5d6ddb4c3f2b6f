"""The largest mail that is accepted is a fact of the proofs, and example mails stay small."""

from typing import Any

import pytest

from mailbot.analysis.lint.checks import Budget, Finding, Severity, check
from mailbot.mail.compose.sample_mail import LARGEST_EXAMPLE, write_example
from tests.analysis.lint.rule_sets import policy_of

LIMIT = 25 * 1024 * 1024
MUCH = 10**9


def found(*whens: Any, largest: int | None = LIMIT) -> list[Finding]:
    """Check rules of these conditions. Nothing may take long, so the budget is small."""
    rules = [
        {"name": f"rule {at}", "when": when, "then": {"team": "payments"}} for at, when in enumerate(whens)
    ]
    last = {"name": "everything else", "then": {"team": "frontline"}}
    every = check(policy_of({"rules": [*rules, last]}), Budget(steps=100_000), largest=largest)
    return [each for each in every if each.severity in (Severity.FAULT, Severity.UNDECIDED)]


@pytest.mark.parametrize("when", [{"size": {"over": "100 MB"}}, {"attachments": {"over": MUCH}}])
def test_what_no_accepted_mail_can_have_never_matches(when: Any) -> None:
    [finding] = found(when)
    assert finding.kind == "contradiction"
    assert finding.message.endswith("(no mail of more than 26,214,400 bytes is accepted: `limits.size`)")


def test_a_size_at_the_limit_itself_is_possible() -> None:
    assert not found({"size": {"over": LIMIT - 1}})
    assert found({"size": {"over": LIMIT}})


def test_a_rule_that_takes_all_sizes_within_the_limit_shadows_those_below() -> None:
    [finding] = found({"size": {"below": "30 MB"}}, {"text": {"contains": ["zzz"]}})
    assert finding.kind == "never-matches"
    assert finding.message.endswith("`limits.size`)")
    assert not found({"size": {"below": "20 MB"}}, {"text": {"contains": ["zzz"]}})


def test_the_limit_is_not_named_where_the_proof_does_without() -> None:
    [finding] = found({"size": {"over": "2 MB"}}, {"size": {"over": "3 MB"}})
    assert "limits.size" not in finding.message


@pytest.mark.parametrize(
    "when",
    [
        {"size": {"below": "999 GB"}, "text": {"contains": ["zzz"]}},
        {"attachments": {"below": MUCH}, "text": {"contains": ["zzz"]}},
        {"size": {"over": "24 MB"}, "text": {"contains": ["zzz"]}},
        {"open_tickets": {"over": MUCH}, "text": {"contains": ["zzz"]}},
    ],
)
def test_examples_stay_small_whatever_a_rule_asks(when: Any) -> None:
    [finding] = found(when, {"all": [when, {"language": {"is": "unsure"}}]})
    assert finding.witness
    assert finding.witness.mail
    assert len(finding.witness.mail.attachment_names) < 10
    assert len(write_example(finding.witness.mail)) <= LARGEST_EXAMPLE


def test_too_many_attachments_for_an_example_are_not_decided() -> None:
    for largest in (LIMIT, None):
        [finding, *_] = found({"attachments": {"over": 100_000}}, largest=largest)
        assert finding.severity is Severity.UNDECIDED
        assert "100001 attachments" in finding.message


def test_without_a_limit_every_size_is_possible() -> None:
    assert not found({"size": {"over": "999 GB"}}, largest=None)
