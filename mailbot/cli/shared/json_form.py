"""What --json shows: dictionaries with stable keys. Moments are ISO 8601 in UTC, spans seconds."""

from collections.abc import Sequence
from typing import Any

from mailbot.cli.shared.event_text import event_text
from mailbot.cli.shared.ladder_text import deadline_text
from mailbot.domain import ladder, reasons
from mailbot.domain.events import Event
from mailbot.domain.matching import Match
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.states import OutboxState
from mailbot.store.codec import event_data
from mailbot.store.outbox_queries import Entry
from mailbot.store.queries import InboxEntry, TicketDeadline
from mailbot.store.tickets import RecordedEvent

Shape = dict[str, Any]


def ticket_json(ticket: Ticket, armed: TicketDeadline | None = None) -> Shape:
    """`deadline` is the next one; null when no clock runs."""
    names = (
        *("number", "status", "customer", "subject", "mailbox", "language", "category", "urgency"),
        *("complexity", "priority", "tags", "team", "level", "assignee", "ladder", "rule", "opened_at"),
        *("first_response_at", "closed_at", "merged_into", "held_for"),
    )
    shape: Shape = {name: getattr(ticket, name) for name in names}
    return {**shape, "events_count": ticket.events, "deadline": _armed(armed)}


def _armed(armed: TicketDeadline | None) -> Shape | None:
    if armed is None:
        return None
    return {name: getattr(armed, name) for name in ("due_at", "target", "step", "state", "reason")}


def deadlines_json(ticket: Ticket, policy: Policy) -> list[Shape]:
    """All that will fall due if nothing else happens. `step` counts from 1; null: the promise itself."""
    calendar = ladder.calendar_of(ticket, policy)
    return [
        {
            "due_at": each.due_at,
            "target": each.target.value,
            "step": each.step + 1 if each.step != ladder.MISSED else None,
            "does": deadline_text(each, ticket, policy, calendar.zone),
            "moved_from": each.moved_from,
        }
        for each in ladder.deadlines(ticket, ladder.ladder_of(ticket, policy), calendar)
    ]


def events_json(recorded: Sequence[RecordedEvent], zone: str) -> list[Shape]:
    return [
        {
            "seq": each.seq,
            "kind": each.event.kind,
            "at": each.event.at,
            "by": each.event.by,
            "policy": each.policy,
            "sentence": event_text(each.event, zone),
            "data": _event_data(each.event),
        }
        for each in recorded
    ]


def _event_data(event: Event) -> Shape:
    """Return what the store keeps of the event, with the reason in English and its code beside it."""
    data, reason = event_data(event), getattr(event, "reason", None)
    return data if reason is None else {**data, "reason": str(reason), "reason_code": reason.code}


def match_json(match: Match) -> Shape:
    """Return why a message is where it is, and the clues that were compared."""
    clues = [
        {
            "kind": str(reasons.of(clue.kind)),
            "named": clue.named,
            "counted": clue.counted,
            "why": str(clue.reason),
        }
        for clue in match.clues
    ]
    names = ("confidence", "claims", "suggests", "followed")
    shape = {name: getattr(match, name) for name in names}
    return {"because": str(match.reason), "reason_code": match.reason.code, **shape, "clues": clues}


def outbox_json(entry: Entry) -> Shape:
    """`unknown`: how often the connection died after the final dot; `sent_at`: when the relay took it."""
    return {
        "id": entry.id,
        "ticket": entry.ticket,
        "kind": entry.kind,
        "state": entry.state,
        "recipient": entry.recipient,
        "attempts": entry.attempts,
        "unknown": entry.unknown,
        "asked_at": entry.requested_at,
        "due_at": entry.due_at,
        "dot_at": entry.dot_at,
        "settled_at": entry.settled_at,
        "sent_at": entry.settled_at if entry.state == OutboxState.SENT else None,
        "code": entry.code,
        "reply": entry.reply,
        "reason": entry.reason or None,
        "message_id": entry.message_id,
    }


def inbox_json(entry: InboxEntry) -> Shape:
    names = (
        *("id", "state", "received_at", "sender", "recipients", "peer", "size", "ticket", "reason"),
        *("claimed_by", "fingerprint"),
    )
    return {"strikes": entry.attempts} | {name: getattr(entry, name) for name in names}
