"""The lives that a large desk is copied from: decided by a real policy, with their mails, read back as rows."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, update

from mailbot.analysis.simulate import synthetic
from mailbot.analysis.simulate.cases import scenario_of_policy
from mailbot.analysis.simulate.engine import run_together
from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.model import Direction, InboxState, OutboxState, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON
from mailbot.reports.figures.api import Period
from mailbot.store import migrate, outbox, tickets
from mailbot.store.schema import inbox as inbox_table
from mailbot.store.schema import outbox as outbox_table
from mailbot.store.store import Store
from mailbot.store.tickets import Message, TicketChange

RECENT = 4  # weeks from which lives are taken; they are cut off at the end, so the open ones are young
# A desk that is on time: most tickets are closed, and a reminder is the exception.
HABITS = replace(
    synthetic.USUAL,
    first_answer={name: span / 3 for name, span in synthetic.USUAL.first_answer.items()},
    replies=0.1,
    closes=3 * synthetic.HOUR,
)
TEXT, MAIL = "@@TEXT@@", b"@@MAIL@@"
COPIED = ("tickets", "participants", "inbox", "messages", "events", "deadlines", "outbox", "attempts")
SENT_AFTER = timedelta(seconds=2)
SIZE = 5_000  # bytes of a customer's mail

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Life:
    """The rows of one ticket, by table, as the driver has them. It began `week` weeks before the end."""

    number: str
    customer: str
    opened_at: datetime
    week: int
    rows: dict[str, list[Row]]


def lives(policy: Policy, folder: Path, count: int, end: datetime, seed: int) -> list[Life]:
    """Make `count` lives of the weeks before `end`, oldest first."""
    url = f"sqlite:///{folder}/lives.db"
    migrate.upgrade(url)
    changes = sorted(_changes(policy, count, end, seed), key=lambda change: change.after.opened_at)
    store = Store(url)
    store.write_now(_record, changes)
    rows = store.read_now(_rows)
    store.close()
    return [
        Life(
            change.after.number,
            change.after.customer,
            change.after.opened_at,
            min((end - change.after.opened_at).days // 7, RECENT - 1),
            rows[change.after.number],
        )
        for change in changes
    ]


def _changes(policy: Policy, count: int, end: datetime, seed: int) -> Iterator[TicketChange]:
    period = Period(end - RECENT * timedelta(days=7), end, "Asia/Jakarta")
    feed = ([script] for script in synthetic.generate(policy, period, count, seed, HABITS))
    lived: dict[str, list[e.Event]] = defaultdict(list)
    for _, _, outcome in run_together([scenario_of_policy(policy)], feed, end):
        lived[outcome.script.number] += outcome.events
        if outcome.over:
            ticket, events = outcome.after, tuple(lived.pop(outcome.script.number))
            yield TicketChange(None, ticket, events, policy.version, ladder.next_deadline(ticket, policy))


def _record(connection: Connection, items: Sequence[list[TicketChange]]) -> list[None]:
    for change in (change for changes in items for change in changes):
        written = [each for each in change.events if isinstance(each, _WRITTEN)]
        messages = [_message(connection, change.after, *each) for each in enumerate(written)]
        people = ((change.after.customer, "customer"),)
        owed = tuple(_owed(change))
        tickets.record(connection, [replace(change, message=messages[0], owed=owed, participants=people)])
        tickets._add_messages(connection, [replace(change, message=each) for each in messages[1:]])
    _send(connection)
    return [None] * len(items)


_WRITTEN = (e.TicketOpened, e.CustomerWrote, e.AgentAnswered)


def _message(connection: Connection, ticket: Ticket, place: int, event: Any) -> Message:
    """File a mail in the inbox and return its message."""
    agent = event.agent if isinstance(event, e.AgentAnswered) else ""
    row = {
        "fingerprint": f"{ticket.number}.{place}",
        "state": InboxState.DONE,
        "received_at": event.at,
        "sender": agent or ticket.customer,
        "recipients": [ticket.mailbox],
        "peer": "192.0.2.7",
        "size": SIZE,
        "ticket": ticket.number,
    }
    key = connection.execute(insert(inbox_table), row).inserted_primary_key
    return Message(
        at=event.at,
        direction=Direction.OUT if agent else Direction.IN,
        author=agent or ticket.customer,
        subject=f"Re: {ticket.subject}" if place else ticket.subject,
        text=TEXT,
        visible=TEXT,
        message_id=f"<{ticket.number}.{place}@contoh.example>",
        inbox_id=key[0] if key else None,
        turn="customer" if agent else "ours",
        addresses={"to": [["", ticket.mailbox]], "name": "Wahyu Nugroho"},
    )


def _owed(change: TicketChange) -> Iterator[outbox.OutboxMail]:
    """Make the mails that the events asked for, in the order of the events."""
    customer = change.after.answers_to
    for place, event in enumerate(change.events):
        match event:
            case e.AcknowledgementEnqueued():
                yield _mail(change.after, f"{place}", "acknowledgement", 0, customer, event.at)
            case e.AgentAnswered():
                yield _mail(change.after, f"{place}", "answer", 1, customer, event.at)
            case e.PeopleNotified() if customer not in event.recipients:
                for index, to in enumerate(event.recipients):
                    yield _mail(change.after, f"{place}.{index}", "team", 2, to, event.at, event.why.value)


def _mail(
    ticket: Ticket, key: str, kind: str, lane: int, to: str, at: datetime, why: str = ""
) -> outbox.OutboxMail:
    nonce = f"{ticket.number}:{key}"
    message_id = f"<{nonce}@dukungan.example>"
    return outbox.OutboxMail(
        nonce, message_id, ticket.number, kind, lane, ticket.mailbox, to, MAIL, NO_REASON, at, at, why
    )


def _send(connection: Connection) -> None:
    """Let all mail be sent at its first attempt."""
    reply = {"code": 250, "reply": "2.0.0 Ok: queued as 4Z1x2y3z"}
    moment = SENT_AFTER // timedelta(microseconds=1)
    connection.execute(update(outbox_table).values(state=OutboxState.SENT, attempts=1, **reply))
    connection.exec_driver_sql(
        f"UPDATE outbox SET settled_at = requested_at + {moment}, dot_at = requested_at"
    )
    connection.exec_driver_sql(
        "INSERT INTO attempts (outbox_id, at, node, outcome, code, reply) "
        "SELECT id, settled_at, '0123456789ab', 'sent', code, reply FROM outbox"
    )


def _rows(connection: Connection) -> dict[str, dict[str, list[Row]]]:
    """Read the rows of each ticket by table: moments are integers, JSON is text."""
    found: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    owners: dict[int, str] = {}
    for name in COPIED:
        for row in connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY rowid").mappings():
            if name == "outbox":
                owners[row["id"]] = row["ticket"]
            number = row["number"] if name == "tickets" else row.get("ticket") or owners[row["outbox_id"]]
            found[number][name].append(dict(row))
    return found
