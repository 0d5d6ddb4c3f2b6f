"""A ticket as JSON with all that belongs to it, and what a command did to it: the shapes of `--json` and of the API.

The keys are a contract with programs that read them.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from mailbot.domain.ladder import promised_at
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Ticket
from mailbot.domain.notices import recipient_of
from mailbot.domain.policy import Policy
from mailbot.store import outbox_queries, queries
from mailbot.store.lists import ticket_list, ticket_rows
from mailbot.store.retention import legal_holds
from mailbot.views.event_json import deadlines_json, events_json, message_json
from mailbot.views.json_form import to_json
from mailbot.views.record_json import outbox_json, ticket_json

MESSAGE = (
    *("id", "at", "direction", "author", "subject", "text", "length", "message_id", "inbox_id"),
    *("home", "no_auto_reply", "author_kind", "author_reason", "authentication", "addresses"),
    *("flags", "attachments", "channel"),
)
LONGEST = 1_000_000  # characters of a message


def whole_ticket_json(connection: Connection, ticket: Ticket, policy: Policy, zone: str) -> dict[str, Any]:
    """Return the ticket with its people, messages, events, deadlines and mails. `zone`: of times in sentences."""
    number = ticket.number
    return {
        **ticket_json(ticket, ticket_list.deadline(connection, number)),
        "promised_at": promised_at(ticket, policy),
        "participants": queries.participants_of(connection, number),
        "legal_hold": to_json(legal_holds.find(connection, number), only=("at", "by", "reason")),
        "links": queries.links_of(connection, number),
        "messages": messages_json(connection, number),
        "events": events_json(ticket_rows.events_of(connection, number), zone),
        "deadlines": deadlines_json(ticket, policy),
        "compensation": _compensation(connection, number),
        "outbox": [outbox_json(mail) for mail in mails_of(connection, number)],
    }


def messages_json(connection: Connection, number: str) -> list[dict[str, Any]]:
    """Return the messages of a ticket, and why each belongs to it."""
    found = queries.messages_of(connection, number, longest=LONGEST)
    return [message_json(message, *MESSAGE) for message in found]


def mails_of(connection: Connection, number: str) -> Sequence[outbox_queries.Entry]:
    """List our mails about the ticket, the oldest first."""
    return outbox_queries.list_entries(connection, ticket=number, limit=1000)[::-1]


def _compensation(connection: Connection, number: str) -> list[dict[str, Any]]:
    if not ticket_rows.has_compensation(connection, number):
        return []
    from mailbot.store import compensations  # few tickets are about money
    from mailbot.views.ledger_json import line_json

    return [line_json(line) for line in compensations.of_ticket(connection, number)]


def decision_json(connection: Connection, decision: Decision, version: str, zone: str) -> dict[str, Any]:
    """Return a recorded decision: the ticket, the new events, the mails. `version`: of the policy that decided."""
    ticket = decision.ticket
    first = ticket.events - len(decision.events)
    recorded = [
        ticket_rows.RecordedEvent(first + n, version, event) for n, event in enumerate(decision.events, 1)
    ]
    return {
        **ticket_json(ticket, ticket_list.deadline(connection, ticket.number)),
        "events": events_json(recorded, zone),
        "sends": [{"kind": notice.name, "to": recipient_of(notice)} for notice in decision.notices],
    }
