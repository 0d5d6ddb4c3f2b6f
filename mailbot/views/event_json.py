"""What happened to a ticket as JSON: its events, its messages and why they are on it, its deadlines.

The keys are a contract with programs that read them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mailbot.domain import events as e
from mailbot.domain import ladder, reasons
from mailbot.domain.matching import Match
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.store.codec import event_data, match_of
from mailbot.store.console import sent_files
from mailbot.store.lists.ticket_rows import RecordedEvent
from mailbot.store.queries import MessageView
from mailbot.views.event_text import event_text
from mailbot.views.json_form import to_json
from mailbot.views.ladder_text import deadline_text

# Fields of events that got another name and keep their key.
EVENT_KEYS = {"recipients": "whom", "customer_history": "circumstances"}
MATCH = ("confidence", "claims", "suggests", "mentions", "followed")
MESSAGE_KEYS = {"no_auto_reply": "automatic"}
KEYS_BY_EVENT: dict[type[e.Event], dict[str, str]] = {
    e.CustomerWrote: {"reason": "evidence"},
    e.DecisionRequested: {"level": "of"},
    e.DeliveryBounced: {"report": "kind"},
    e.DeliveryFailed: {"notice": "kind"},
    e.TicketRouted: {"reason": "because"},
    e.TicketAssigned: {"reason": "because"},
    e.TicketHandedOver: {"reason": "because"},
    e.TicketEscalated: {"reason": "because"},
    e.StepTaken: {"reason": "because"},
    e.DecisionMade: {"reason": "because"},
    e.TicketClosed: {"reason": "because"},
    e.LegalHoldPlaced: {"reason": "because"},
    e.LegalHoldReleased: {"reason": "because"},
    e.CompensationRequested: {"reason": "because"},
    e.CompensationApproved: {"reason": "because"},
    e.CompensationRefused: {"reason": "because"},
}


def deadlines_json(ticket: Ticket, policy: Policy) -> list[dict[str, Any]]:
    """Return all deadlines ahead if nothing else happens. `step` counts from 1; null: the target itself."""
    calendar = ladder.calendar_of(ticket, policy)
    return [
        {
            "due_at": deadline.due_at,
            "target": deadline.target.value,
            "step": deadline.step + 1 if deadline.step >= 0 else None,
            "does": deadline_text(deadline, ticket, policy, calendar.zone),
            "moved_from": deadline.moved_from,
        }
        for deadline in ladder.deadlines(ticket, ladder.ladder_of(ticket, policy), calendar)
    ]


def events_json(recorded: Sequence[RecordedEvent], zone: str) -> list[dict[str, Any]]:
    return [
        {
            "seq": row.seq,
            "kind": row.event.kind,
            "at": row.event.at,
            "by": row.event.by,
            "policy": row.policy,
            "sentence": event_text(row.event, zone),
            "data": event_json(row.event),
        }
        for row in recorded
    ]


def event_json(event: e.Event) -> dict[str, Any]:
    """Return the fields of the event as JSON, with the reason in English and its code beside it."""
    data, keys = event_data(event), EVENT_KEYS | KEYS_BY_EVENT.get(type(event), {})
    code = {}
    if reason := getattr(event, "reason", None):
        code = {"reason_code": reason.code}
    if "reason" in data:
        data = {**data, "reason": str(reason or "")}
    return {keys.get(name, name): value for name, value in data.items()} | code


def message_json(message: MessageView, *names: str) -> dict[str, Any]:
    """Return the named fields of a message, and why it belongs to its ticket."""
    attachments = [*message.attachments, *sent_files.listed(message.evidence)]
    form = to_json(replace(message, attachments=attachments), only=names, rename=MESSAGE_KEYS)
    return {
        **form,
        "machine_may_answer": not message.no_auto_reply,
        "evidence": match_json(match_of(message.evidence)),
    }


def match_json(match: Match) -> dict[str, Any]:
    """Return why a message belongs to its ticket, and the clues that were compared."""
    clues = [
        {
            "kind": str(reasons.of(clue.kind)),
            "named": clue.named,
            "counted": clue.counted,
            "why": str(clue.reason),
        }
        for clue in match.clues
    ]
    reason = {"because": str(match.reason), "reason_code": match.reason.code}
    return {**reason, **to_json(match, only=MATCH), "clues": clues}
