"""Acts of agents: kept while they can be taken back, and withdrawn with their mails and their message."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from mailbot.domain import reasons
from mailbot.domain.acts.agent_act import ActMail, AgentAct
from mailbot.domain.acts.undo import UndoFacts
from mailbot.domain.events import (
    ActUndone,
    CustomerChanged,
    ParticipantsAdded,
    ParticipantsRemoved,
    TicketAssigned,
    TicketEscalated,
    TicketHandedOver,
    roles_of,
)
from mailbot.domain.model import ActState, Direction, OutboxState, Role, Ticket
from mailbot.store.codec import Codec, event_of, reason_text
from mailbot.store.schema import acts, events, messages, outbox

WITHDRAWN = "withdrawn"  # flag of a message that never left
# From these a mail can still be withdrawn, unless an attempt ended without an answer.
_NOT_LEFT = (OutboxState.DUE, OutboxState.DEFERRED, OutboxState.FAILED)
_TICKET = Codec(Ticket)
_ROLE_KINDS = [each.kind for each in (ParticipantsAdded, ParticipantsRemoved, CustomerChanged, ActUndone)]


def add(connection: Connection, items: Sequence[AgentAct]) -> None:
    connection.execute(insert(acts), [_row(item) for item in items])


def _row(item: AgentAct) -> dict[str, Any]:
    row = {each.name: getattr(item, each.name) for each in fields(AgentAct)}
    around = {name: _TICKET.dump_text(row[name]) for name in ("before", "after")}
    return {**row, **around}


def newest(
    connection: Connection, ticket: str, agent: str, states: Collection[ActState] = (ActState.DONE,)
) -> AgentAct | None:
    """Load the newest act of the agent on the ticket that is in one of these states."""
    wanted = (acts.c.ticket == ticket, acts.c.agent == agent, acts.c.state.in_(states))
    row = connection.execute(select(acts).where(*wanted).order_by(acts.c.last.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    around = {name: _TICKET.load_text(getattr(row, name)) for name in ("before", "after")}
    return AgentAct(**{**row._mapping, **around})


@dataclass(frozen=True, slots=True)
class HeldMail:
    """A mail that its author may send after all. `text`: what its author wrote; `inbox_id`: the raw mail."""

    id: str  # of the act
    text: str
    inbox_id: int | None


def held_mail(connection: Connection, ticket: str, agent: str, now: datetime) -> HeldMail | None:
    """Load the newest held mail of the agent on the ticket, None where there is none or its time is over."""
    columns = (acts.c.id, messages.c.visible.label("text"), messages.c.inbox_id)
    wanted = (
        acts.c.ticket == ticket,
        acts.c.agent == agent,
        acts.c.state == ActState.HELD,
        acts.c.until > now,
    )
    query = select(*columns).join(messages, messages.c.act == acts.c.id).where(*wanted)
    here = query.where(messages.c.ticket == ticket).order_by(acts.c.last.desc()).limit(1)
    row = connection.execute(here).one_or_none()
    return HeldMail(*row) if row else None


def mark_sent(connection: Connection, id_: str) -> None:
    """Record that a held mail was sent after all: it is sent once. `id_`: "" for none."""
    if not id_:
        return
    connection.execute(update(acts).where(acts.c.id == id_).values(state=ActState.SENT))


_OWNERS = (TicketAssigned.kind, TicketHandedOver.kind, TicketEscalated.kind)


def lost_since(connection: Connection, ticket: str, agent: str, since: datetime) -> datetime | None:
    """Return when the ticket was taken from the agent after that moment, None where it was not."""
    changes = (events.c.ticket == ticket, events.c.kind.in_(_OWNERS))
    query = select(events.c.at, events.c.kind, events.c.data).where(*changes).order_by(events.c.seq)
    owner: str = ""
    lost_at: datetime | None = None
    for at, kind, data in connection.execute(query):
        before, owner = owner, data["assignee"] if kind == TicketAssigned.kind else ""
        if owner == agent:
            lost_at = None
        elif before == agent and at > since:
            lost_at = at
    return lost_at


def load_undo(connection: Connection, ticket: str, agent: str) -> UndoFacts:
    """Load what taking the newest act back depends on. Its mails stay locked: none leaves meanwhile."""
    act = newest(connection, ticket, agent)
    if act is None:
        return UndoFacts()
    rows = connection.execute(
        select(events.c.seq, events.c.kind, events.c.at, events.c.by, events.c.data)
        .where(
            events.c.ticket == ticket,
            events.c.seq <= act.last,
            or_(events.c.seq >= act.first, events.c.kind.in_(_ROLE_KINDS)),
        )
        .order_by(events.c.seq)
    ).all()
    recorded = [(row.seq, event_of(row.kind, row.at, row.by, row.data)) for row in rows]
    roles = {act.before.customer: Role.CUSTOMER}
    for place, event in recorded:
        roles |= roles_of(event) if place < act.first else {}
    own = tuple(event for place, event in recorded if place >= act.first)
    return UndoFacts(act, tuple(mails_of(connection, act)), own, roles, _held_since(connection, act))


def _held_since(connection: Connection, act: AgentAct) -> tuple[str, ...]:
    held = (acts.c.ticket == act.ticket, acts.c.state == ActState.HELD, acts.c.last > act.last)
    found = connection.scalars(select(acts.c.agent).where(*held).order_by(acts.c.last))
    return tuple(dict.fromkeys(each for each in found if each != act.agent))


def mails_of(connection: Connection, act: AgentAct) -> list[ActMail]:
    """Load the mails of an act and lock them: a sender waits, or has claimed them before."""
    columns = ("recipient", "state", "unknown", "dot_at", "settled_at", "due_at")
    query = select(*(outbox.c[name] for name in columns)).where(*_of(act.ticket, act.id)).with_for_update()
    return [_mail(row) for row in connection.execute(query.order_by(outbox.c.id))]


def _mail(row: Any) -> ActMail:
    if row.state == OutboxState.SUPPRESSED or (row.state in _NOT_LEFT and not row.unknown):
        return ActMail(row.recipient, row.state)
    return ActMail(row.recipient, row.state, row.settled_at or row.dot_at or row.due_at)


def _of(ticket: str, act: str) -> tuple[Any, Any]:
    return outbox.c.ticket == ticket, outbox.c.act == act


class ActLeft(Exception):
    """A mail of the act was claimed although its row was locked: a bug, so nothing is recorded."""


def withdraw(connection: Connection, event: ActUndone) -> None:
    """Withdraw the mails of an act, and make its message a note. Raises ActLeft."""
    number = event.restored.number
    reason = reason_text(reasons.of("withdrawn", actor=str(event.by)))
    changed = connection.execute(
        update(outbox)
        .where(*_of(number, event.act), outbox.c.state.in_(_NOT_LEFT), outbox.c.unknown == 0)
        .values(state=OutboxState.SUPPRESSED, reason=reason, settled_at=event.at)
    ).rowcount
    if changed != len(event.withdrawn):
        raise ActLeft(f"{changed} of {len(event.withdrawn)} mails of {number}")
    connection.execute(update(acts).where(acts.c.id == event.act).values(state=ActState.UNDONE))
    own = (messages.c.ticket == number, messages.c.act == event.act, messages.c.direction == Direction.OUT)
    for row in connection.execute(select(messages.c.id, messages.c.flags).where(*own)).all():
        changes = {"direction": Direction.NOTE, "turn": "", "flags": [*row.flags, WITHDRAWN]}
        connection.execute(update(messages).where(messages.c.id == row.id).values(changes))


def remove_expired(connection: Connection, before: datetime) -> int:
    """Remove acts whose time to be taken back ended before that moment."""
    return connection.execute(delete(acts).where(acts.c.until < before)).rowcount
