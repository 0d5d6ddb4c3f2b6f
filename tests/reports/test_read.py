"""The past as reports read it, on both engines: which tickets, which events, in what order."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from mailbot.domain.commands import Close
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.events import (
    Event,
)
from mailbot.domain.ladder import next_deadline
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Ticket
from mailbot.domain.reasons import NO_REASON, Reason, of
from mailbot.domain.ticket_number import make
from mailbot.reports import read as history
from mailbot.reports.figures.api import Period
from mailbot.reports.figures.ticket_facts import KINDS
from mailbot.store import outbox, tickets
from mailbot.store.outbox import OutboxMail
from mailbot.store.store import Store
from mailbot.store.tickets import TicketChange
from tests.builders import EKO, NOW, envelope, facts, mail, policy

DAY = timedelta(days=1)
ALL = (NOW - 100 * DAY, NOW + 100 * DAY)


def keep(store: Store, before: Ticket | None, decision: Decision) -> Ticket:
    deadline = next_deadline(decision.ticket, policy())
    with store.engine.begin() as connection:
        tickets.record(connection, [TicketChange(before, decision.ticket, decision.events, "v1", deadline)])
    return decision.ticket


def opened(store: Store, digits: str, days: float, *, closed_after: float | None = None) -> str:
    """Open a ticket so many days after NOW and return its number."""
    number, at = make("TOKO", digits), NOW + days * DAY
    ticket = keep(store, None, on_mail(None, mail(), envelope(), facts(number=number), policy(), at).decision)
    ticket = keep(store, ticket, on_deadline(ticket, policy(), at + DAY / 24))
    if closed_after is not None:
        done = on_command(ticket, Close(), EKO, policy(), at + closed_after * DAY)
        assert isinstance(done, Decision)
        keep(store, ticket, done)
    return number


def read(store: Store, since: float, until: float) -> list[Sequence[Event]]:
    span = (NOW + since * DAY, NOW + until * DAY)
    return store.read_now(lambda c: [life for _, life in history.lives(c, *span, KINDS)])


def test_a_ticket_is_read_as_its_recorded_events_in_order(store: Store) -> None:
    for digits in ("11111111", "22222222", "33333333"):
        opened(store, digits, 0, closed_after=1)

    recorded = [
        [each.event for each in store.read_now(tickets.events_of, make("TOKO", digits))]
        for digits in ("11111111", "22222222", "33333333")
    ]
    wanted = [[event for event in life if event.kind in KINDS] for life in recorded]
    assert sorted(read(store, -1, 10), key=str) == sorted(wanted, key=str)
    assert all(len(life) > 5 for life in wanted)


@pytest.mark.parametrize(
    ("days", "closed_after", "lived"),
    [
        (-20.0, 5.0, False),  # over before the period
        (-20.0, 11.0, True),  # closed in it
        (-20.0, None, True),  # open all through it, and still
        (-20.0, 40.0, True),  # closed after it
        (-5.0, None, True),  # opened in it
        (1.0, None, False),  # opened after it
    ],
)
def test_a_ticket_is_read_when_it_was_open_in_the_period(
    store: Store, days: float, closed_after: float | None, lived: bool
) -> None:
    opened(store, "11111111", days, closed_after=closed_after)

    found = read(store, -10, 0)
    assert bool(found) is lived
    assert all(event.at < NOW for life in found for event in life)


def test_acknowledgements_have_the_time_of_receipt_and_of_sending(store: Store) -> None:
    def row(nonce: str, reason: Reason = NO_REASON, kind: str = "acknowledgement") -> OutboxMail:
        return OutboxMail(nonce, f"<{nonce}>", nonce, kind, 0, "a@x", "b@x", b"x", reason, NOW, NOW)

    with store.engine.begin() as connection:
        outbox.enqueue(
            connection, [row("sent"), row("due"), row("kept", of("spread")), row("other", kind="team")]
        )
        sent = {"state": "sent", "settled_at": NOW + DAY}
        connection.execute(outbox.outbox.update().where(outbox.outbox.c.nonce == "sent").values(sent))

    found = store.read_now(lambda c: list(history.acknowledgements(c, *ALL)))
    assert sorted(found, key=str) == sorted([(NOW, NOW + DAY), (NOW, None)], key=str)
    assert store.read_now(lambda c: list(history.acknowledgements(c, NOW + DAY, NOW + 2 * DAY))) == []


def test_a_report_is_built_from_the_store(store: Store) -> None:
    opened(store, "11111111", -1, closed_after=0.5)
    opened(store, "22222222", -2)
    opened(store, "33333333", -9)

    period = Period(NOW - 7 * DAY, NOW, "Asia/Jakarta")
    made = store.read_now(history.report, period, policy(), NOW)
    assert (made.figures.opened, made.figures.closed, made.figures.open_at_end) == (2, 1, 2)
    assert (made.before.opened, made.before.open_at_end) == (1, 1)
    assert made.figures.escalated == 2
    assert store.read_now(history.any_before, NOW - 8 * DAY)
    assert not store.read_now(history.any_before, NOW - 10 * DAY)
