"""How long things are kept: what is written, what is refused, what is warned of."""

from datetime import timedelta
from pathlib import Path

import pytest

from mailbot.domain.policy import Retention
from tests.config.faults import BASE, brief, lay, loaded, problems

DAY = timedelta(days=1)
ON_TOP = "store: mailbot.db\n"
MAILBOX = "    prefix: TOKO\n"


def written(target: Path, *replaced: tuple[str, str]) -> Path:
    """Write the base with `retention:` on top, with the mailbox, or both."""
    text = (BASE / "mailbot.yaml").read_text()
    for old, new in replaced:
        assert old in text
        text = text.replace(old, old + new, 1)
    (lay(target) / "mailbot.yaml").write_text(text)
    return target


def test_without_a_word_everything_is_kept_for_good(tmp_path: Path) -> None:
    policy = loaded(lay(tmp_path)).policy
    assert {policy.retention, *(each.retention for each in policy.mailboxes.values())} == {Retention()}


def test_a_mailbox_overrides_single_spans_and_no_keeps_for_good(tmp_path: Path) -> None:
    top = "retention: {raw_mail: 90 days, attachments: 60 days, attempts: 30 days, closed_tickets: 5 years}\n"
    own = "    retention: {raw_mail: 30 days, attempts: no}\n"
    policy = loaded(written(tmp_path, (ON_TOP, top), (MAILBOX, own))).policy

    assert policy.retention == Retention(90 * DAY, 60 * DAY, 5 * 366 * DAY, 30 * DAY)
    mailbox = next(each for each in policy.mailboxes.values() if each.prefix == "TOKO")
    assert mailbox.retention == Retention(30 * DAY, 60 * DAY, 5 * 366 * DAY, None)


@pytest.mark.parametrize(
    ("top", "own", "expected"),
    [
        ("retention: {raw_mail: 12 h}\n", "", "`12 h` is shorter than a day | write it like 90 days"),
        ("retention: {raw_mail: 90}\n", "", "`90` has no unit | a time span is written like `90 days`"),
        ("retention: {mails: 90 days}\n", "", "unknown key `mails` | did you mean `raw_mail`?"),
        ("retention: {closed_tickets: 11 years}\n", "", "`11 years` is longer than ten years"),
        (
            "retention: {closed_tickets: 3 days}\n",
            "",
            "a ticket is deleted after 3 days, but a reply reopens it for 14 days | keep closed tickets longer",
        ),
        (
            "retention: {closed_tickets: 20 days}\n",
            "    reopen_within: 30 days\n",
            "a ticket is deleted after 20 days, but a reply reopens it for 30 days",
        ),
        (
            "",
            "    retention: {closed_tickets: 1 day}\n    reopen_within: 36 h\n",
            "a ticket is deleted after 24 h, but a reply reopens it for 36 h",
        ),
    ],
)
def test_a_span_that_makes_no_sense_is_refused_where_it_is_written(
    top: str, own: str, expected: str, tmp_path: Path
) -> None:
    found = list(map(brief, problems(written(tmp_path, (ON_TOP, top), (MAILBOX, own)))))
    assert len(found) == 1
    assert expected in found[0]
    assert found[0].startswith("mailbot.yaml:")


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ("raw_mail: 2 years, closed_tickets: 1 year", "732 days are longer than `closed_tickets`, 366 days"),
        ("raw_mail: 90 days, attachments: 30 days", "90 days are longer than `attachments`, 30 days"),
    ],
)
def test_a_span_without_effect_is_warned_of(spans: str, expected: str, tmp_path: Path) -> None:
    found = list(map(brief, loaded(written(tmp_path, (ON_TOP, f"retention: {{{spans}}}\n"))).warnings))
    assert len(found) == 1
    assert expected in found[0]
