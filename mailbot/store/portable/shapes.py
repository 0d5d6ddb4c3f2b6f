"""The kinds of records in an export: of which tables, in which order, and what stays behind.

Theory of operation. A record is a row, with the rows of other tables that belong to it. All names are those of the
schema, so a new column is exported without a line here. A new table must be named below: in `SHAPES`, or in
`LEFT_OUT` with the reason. Kinds stand in the order in which they can be inserted again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Select, Table, or_, select

from mailbot.domain.model import UNDER_WAY_STATES, WAITING_STATES
from mailbot.store import schema
from mailbot.store.schema import attachments, channel_messages, events, inbox, messages, outbox, tickets

_CLAIM = frozenset({"claimed_by", "claimed_at", "attempts"})  # of a node that works on the row


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of `table` that belong to a record: their column `owner` has its key. `single`: there is one at most."""

    table: Table
    owner: str
    single: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of record. `omit`: columns that stay behind. `shared`: a new installation may have the row already."""

    kind: str
    table: Table
    parts: Mapping[str, Part] = field(default_factory=dict)
    omit: frozenset[str] = frozenset()
    where: ColumnElement[bool] | None = None
    shared: bool = False

    @property
    def key(self) -> str:
        """Return the name of the primary key, of one column."""
        (column,) = self.table.primary_key
        return column.name


def _of_ticket(table: Table, *, single: bool = False) -> Part:
    return Part(table, "ticket", single)


SHAPES = (
    Shape("policy", schema.policies, shared=True),
    Shape("ladder", schema.ladders, shared=True),
    Shape("file", schema.contents),
    Shape(
        "mail",
        inbox,
        {
            "raw": Part(schema.raw_mails, "inbox_id", single=True),
            "attachments": Part(attachments, "inbox_id"),
        },
        _CLAIM,
    ),
    Shape(
        "sent",
        outbox,
        {"channel_messages": Part(channel_messages, "outbox_id")},
        _CLAIM | {"dot_at", "unknown", "unknown_in_a_row"},
        outbox.c.state.not_in(sorted({*WAITING_STATES, *UNDER_WAY_STATES})),
    ),
    Shape(
        "ticket",
        tickets,
        {
            "participants": _of_ticket(schema.participants),
            "links": _of_ticket(schema.links),
            "messages": _of_ticket(messages),
            "history": _of_ticket(events),  # the column `events` counts them
            "deadline": _of_ticket(schema.deadlines, single=True),
            "aliases": _of_ticket(schema.number_aliases),
            "imported": _of_ticket(schema.imported),
            "acts": _of_ticket(schema.acts),
            "drafts": _of_ticket(schema.drafts),
            "incident_report": _of_ticket(schema.incidents, single=True),
            "legal_hold": _of_ticket(schema.legal_holds, single=True),
            "revoked_links": _of_ticket(schema.revoked_links),
        },
    ),
    Shape("compensation", schema.compensations),
    Shape("deleted_ticket", schema.deleted_tickets),
    Shape("suppression", schema.suppressions),
    Shape("identity", schema.identities),
    Shape("contact", schema.channel_contacts),
    Shape("channel_event", schema.channel_events, omit=frozenset({"attempts"})),
    Shape("cause_action", schema.cause_actions),
)

_KEYS = "keys and secrets, or what proves who somebody is"
_OWN = "of this installation and its machines"
_WAITS = "mail that waits to be sent, with links that act: its old store sends it"
_DERIVED = "made again from the records"
LEFT_OUT: Mapping[Table, str] = {
    **dict.fromkeys((schema.installation, schema.sessions, schema.log_ins, schema.api_tokens), _KEYS),
    **dict.fromkeys((schema.taps, schema.unconfirmed_posts), _KEYS),
    **dict.fromkeys((schema.nodes, schema.imap_folders, schema.rate_limits, schema.presence), _OWN),
    **dict.fromkeys((schema.done_forms, schema.channel_states, schema.attempts), _OWN),
    **dict.fromkeys((schema.event_feed, schema.webhooks, schema.webhook_attempts), _OWN),
    **dict.fromkeys((schema.shadow_runs, schema.shadow_differences), _OWN),
    **dict.fromkeys((schema.frozen_mails, schema.frozen_files, schema.digest_items), _WAITS),
    **dict.fromkeys(schema.DERIVED, _DERIVED),
}


def tables(shape: Shape) -> tuple[Table, ...]:
    """Return the tables of a kind, those that others refer to first."""
    return shape.table, *(part.table for part in shape.parts.values())


def changed_since(shape: Shape, moment: object) -> ColumnElement[bool] | None:
    """Return which records of a kind an export since a moment has; None: all.

    Those are the tickets with an event since then, with all that is theirs, and the mails that came since.
    """
    changed = select(events.c.ticket).where(events.c.at >= moment)
    of_changed: Select[int] = select(messages.c.inbox_id).where(
        messages.c.ticket.in_(changed), messages.c.inbox_id.is_not(None)
    )
    mails = or_(inbox.c.received_at >= moment, inbox.c.id.in_(of_changed))
    match shape.kind:
        case "ticket":
            return tickets.c.number.in_(changed)
        case "mail":
            return mails
        case "file":
            digests = select(attachments.c.digest).join(inbox, inbox.c.id == attachments.c.inbox_id)
            return schema.contents.c.digest.in_(digests.where(mails))
        case "sent":
            return outbox.c.ticket.in_(changed)
    return None
