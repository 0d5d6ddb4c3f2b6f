"""Which permanent refusals are believed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mailbot.delivery.refusals import PATIENCE, Refusals
from mailbot.delivery.smtp_client import Reply
from mailbot.store.outbox import Claimed

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def row(n: int, kind: str = "acknowledgement", **changes: Any) -> Claimed:
    recipient = changes.get("recipient", f"user{n}@mail.example")
    values = (b"x", False, n, f"T-{n}", kind, 0, "", recipient, "mail.example", NOW, NOW, 0, 0)
    return Claimed(*values)


def refuse(refusals: Refusals, n: int, text: str, at: float, **changes: Any) -> bool:
    return refusals.is_final(row(n, **changes), Reply(550, text), at)


@pytest.mark.parametrize(
    ("text", "accepted", "believed"),
    [
        ("5.1.1 unknown", "acknowledgement", True),
        ("5.1.1 unknown", "team", True),
        ("5.2.1 disabled", "team", True),
        ("5.1.8 bad sender", "team", False),
        ("5.7.1 relay access denied", "team", False),
        ("5.7.1 relay access denied", "answer", True),
        ("no", "team", False),
        ("no", "acknowledgement", True),
    ],
)
def test_a_refusal_is_believed_after_a_mail_that_shows_the_relay_works(
    text: str, accepted: str, believed: bool
) -> None:
    refusals = Refusals()
    assert not refuse(refusals, 1, text, 100)
    refusals.accept(row(2, accepted), 101)
    assert refuse(refusals, 1, text, 102) is believed


def test_a_mail_offered_before_the_refusal_proves_nothing() -> None:
    refusals = Refusals()
    assert not refuse(refusals, 1, "no", 100)
    refusals.accept(row(2), 99)
    assert not refuse(refusals, 1, "no", 102)


@pytest.mark.parametrize(
    ("refused", "text", "believed"), [(2, "5.1.1 no", 2), (3, "5.1.1 no", 0), (1, "no", 0)]
)
def test_a_mail_accepted_a_moment_before_confirms_a_blamed_recipient_or_two(
    refused: int, text: str, believed: int
) -> None:
    refusals = Refusals()
    refusals.accept(row(9), 99)
    assert not any(refuse(refusals, n, text, 100) for n in range(refused))
    assert sum(refuse(refusals, n, text, 102) for n in range(refused)) == believed


def test_a_lone_refusal_is_believed_after_an_hour_but_never_while_many_are_refused() -> None:
    lone, many = Refusals(), Refusals()
    assert not refuse(lone, 1, "no", 0)
    assert not refuse(lone, 1, "no", PATIENCE - 1)
    assert refuse(lone, 1, "no", PATIENCE)
    for n in range(3):
        refuse(many, n, "no", 0)
    assert not any(refuse(many, n, "no", 10 * PATIENCE) for n in range(3))


def test_three_recipients_or_nine_that_are_blamed_are_the_relays_trouble() -> None:
    for text, needed in (("5.7.1 denied", 3), ("5.1.1 unknown", 9)):
        refusals = Refusals()
        found = []
        for n in range(needed):
            found.append(refusals.refuses_all)
            refuse(refusals, n, text, n)
        assert not any(found)
        assert refusals.refuses_all
        assert refusals.reason == f"the relay refuses all mail: 550 {text}"


def test_many_mails_to_one_recipient_are_one_refusal() -> None:
    refusals = Refusals()
    for n in range(50):
        refuse(refusals, n, "no", n, recipient="gone@bank.example")
    assert not refusals.refuses_all
    assert refusals.reason == ""


def test_a_mail_accepted_has_the_refused_ones_tried_again_once() -> None:
    refusals = Refusals()
    assert refusals.accept(row(9), 1)  # some may wait since before our start
    assert not refusals.accept(row(9), 2)
    refuse(refusals, 1, "no", 3)
    assert [refusals.accept(row(9), at) for at in (4, 5)] == [True, False]
