"""The messages that webhooks get: an event and its ticket, in the shapes of `--json` and of the API.

The keys are a contract with programs that read them; `views.webhook_schema` describes them.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, tuple_

from mailbot.config.model import Webhook
from mailbot.domain import events as e
from mailbot.domain.policy import Policy
from mailbot.domain.webhooks.event_types import KINDS, TEST, TYPES, VERSION
from mailbot.store.codec import event_of
from mailbot.store.lists import ticket_list
from mailbot.store.lists.ticket_rows import RecordedEvent
from mailbot.store.schema import events
from mailbot.store.webhooks.feed import FeedEntry
from mailbot.views.event_json import events_json
from mailbot.views.json_form import to_json
from mailbot.views.record_json import ticket_json

OMITTED: Mapping[type[e.Event], tuple[str, ...]] = {
    e.ActUndone: ("restored",)
}  # fields of `data` that are about the work inside
NOTE_ADDED = "a note was added"  # instead of its text


def bodies(
    connection: Connection, entries: Sequence[FeedEntry], webhook: Webhook, policy: Policy
) -> list[bytes | None]:
    """Return the message for each entry: None where the webhook does not want it, or the ticket was deleted.

    The ticket is as it is now, the event as it was recorded.
    """
    recorded = _events_of(connection, entries, webhook)
    listed = ticket_list.listed(connection, {number for number, _ in recorded})
    found: list[bytes | None] = []
    for entry in entries:
        row, ticket = recorded.get((entry.ticket, entry.seq)), listed.get(entry.ticket)
        if row is None or ticket is None or (webhook.teams and ticket.ticket.team not in webhook.teams):
            found.append(None)
            continue
        zone = policy.zone_of(ticket.ticket.team)
        data = {
            "ticket": ticket_json(ticket.ticket, ticket.deadline),
            "event": event_json(row, zone, notes=webhook.notes),
        }
        found.append(body(TYPES[type(row.event)], row.event.at, data))
    return found


def body(type_: str, at: datetime, data: dict[str, Any]) -> bytes:
    """Return a message as it is sent."""
    return msgspec.json.encode(to_json({"type": type_, "version": VERSION, "timestamp": at, "data": data}))


def trial_body(at: datetime) -> bytes:
    """Return the message of `mailbot webhooks test`, which is about no ticket."""
    return body(TEST, at, {})


def event_json(row: RecordedEvent, zone: str, *, notes: bool) -> dict[str, Any]:
    """Return the event. The text of an internal note is left out unless `notes`."""
    form = events_json([row], zone)[0]
    left_out = OMITTED.get(type(row.event), ())
    data = {name: value for name, value in form["data"].items() if name not in left_out}
    if isinstance(row.event, e.NoteAdded) and not notes:
        return {**form, "sentence": NOTE_ADDED, "data": {**data, "text": ""}}
    return {**form, "data": data}


def _events_of(
    connection: Connection, entries: Sequence[FeedEntry], webhook: Webhook
) -> dict[tuple[str, int], RecordedEvent]:
    """Load the events that the webhook wants."""
    wanted = [kind for kind, name in KINDS.items() if not webhook.events or name in webhook.events]
    rows = connection.execute(select(events).where(_is_one_of(entries), events.c.kind.in_(wanted)))
    return {
        (row.ticket, row.seq): RecordedEvent(
            row.seq, row.policy, event_of(row.kind, row.at, row.by, row.data)
        )
        for row in rows
    }


def _is_one_of(entries: Collection[FeedEntry]) -> Any:
    places = [(entry.ticket, entry.seq) for entry in entries]
    return tuple_(events.c.ticket, events.c.seq).in_(places)
