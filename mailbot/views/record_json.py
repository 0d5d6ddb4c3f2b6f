"""Records of the store as JSON: tickets, their events and deadlines, mails of the inbox and the outbox.

The keys are a contract with programs that read them.
"""

from typing import Any

from mailbot.domain.model import OutboxState, Ticket
from mailbot.store.lists.ticket_list import TicketDeadline
from mailbot.store.outbox_queries import Entry
from mailbot.store.queries import InboxEntry
from mailbot.views.json_form import to_json

TICKET = (
    *("number", "status", "customer", "reply_to", "subject", "mailbox", "language", "category", "urgency"),
    *("complexity", "priority", "tags", "team", "level", "assignee", "ladder", "rule", "opened_at"),
    *("first_response_at", "closed_at", "cause", "satisfaction", "merged_into", "held_for", "events"),
    *("turn", "turn_until", "turn_why", "unanswered", "answered_at", "answered_by", "informed_until"),
    *("snoozed_until", "incident", "channel"),
)
OUTBOX = (
    *("id", "ticket", "kind", "state", "recipient", "attempts", "unknown", "requested_at", "due_at"),
    *("dot_at", "settled_at", "code", "reply", "reason", "message_id", "claimed_by", "claimed_at"),
    *("deleted_at", "deleted_digest", "arrival"),
)
INBOX = (
    *("id", "state", "received_at", "sender", "recipients", "peer", "size", "ticket", "reason"),
    *("attempts", "claimed_by", "claimed_at", "fingerprint", "deleted_at", "deleted_digest"),
)

DELETED = {"deleted_digest": "deleted_sha256"}
TICKET_KEYS = {"events": "events_count", "satisfaction": "rating"}
OUTBOX_KEYS = {"requested_at": "asked_at", **DELETED}


def ticket_json(ticket: Ticket, deadline: TicketDeadline | None = None) -> dict[str, Any]:
    """Return a ticket as JSON. `deadline` is the next one, null when no clock runs."""
    form = to_json(ticket, only=TICKET, rename=TICKET_KEYS)
    return {**form, "deadline": to_json(deadline, only=("due_at", "target", "step", "state", "reason"))}


def outbox_json(entry: Entry) -> dict[str, Any]:
    """Return a mail of the outbox as JSON.

    `unknown` counts connections that died after the final dot. `sent_at` is when the relay took it. `arrival` is
    "delivered" or "read", as the provider of a chat reports it.
    """
    form = to_json(entry, only=OUTBOX, rename=OUTBOX_KEYS)
    reason = form["reason"] or None
    return {
        **form,
        "reason": reason,
        "sent_at": form["settled_at"] if entry.state == OutboxState.SENT else None,
        "undo_until": entry.undo_until,
    }


def inbox_json(entry: InboxEntry) -> dict[str, Any]:
    form: dict[str, Any] = to_json(entry, only=INBOX, rename={"attempts": "strikes", **DELETED})
    return form
