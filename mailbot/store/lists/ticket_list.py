"""Lists of tickets for people, a page at a time: each is read by an index, however many tickets there are.

Theory of operation. A filter that names few tickets (a customer, an incident, a legal hold, what is overdue) begins
with those. All others walk `ix_tickets_newest`, status by status from the newest on, until the page is
full. That index holds what the filters ask for, so no row is read that the page does not show.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from mailbot.domain.model import DeadlineState, Status, Ticket, Turn
from mailbot.domain.people.addresses import owner
from mailbot.store.channels.identities import tickets_of_linked
from mailbot.store.lists.ticket_rows import ticket_of
from mailbot.store.schema import ARMED, deadlines, legal_holds, tickets

if TYPE_CHECKING:  # the shell lists without it
    from mailbot.domain.people.access import Viewer


@dataclass(frozen=True, slots=True)
class TicketDeadline:
    """A ticket's next deadline. `reason`: why it was parked, for `state` "parked"."""

    due_at: datetime
    target: str
    step: int
    state: DeadlineState
    reason: str | None


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A line of a list of tickets."""

    ticket: Ticket
    deadline: TicketDeadline | None


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets to list; what is empty asks for nothing. `page` of `limit` tickets, from 1 on.

    `seen_by`: only what this person may see. `category`: also those below it. `overdue_at`: due by then and not
    done. `incident`: this one and its complaints. `folded`: no complaint of an incident is listed, only the
    incident. `held`: under a legal hold.
    """

    statuses: Sequence[str] = ()
    team: str = ""
    assignee: str = ""
    customer: str = ""
    level: str = ""
    priority: str = ""
    category: str = ""
    tag: str = ""
    turn: Turn | None = None
    unassigned: bool = False
    seen_by: "Viewer | None" = None
    overdue_at: datetime | None = None
    channel: str = ""
    incident: str = ""
    folded: bool = False
    held: bool = False
    limit: int = 100
    page: int = 1


_DEADLINE = tuple(deadlines.c[name].label(f"deadline_{name}") for name in TicketDeadline.__dataclass_fields__)
# No complaint of an incident.
FOLDED = or_(tickets.c.incident.is_(None), tickets.c.incident == tickets.c.number)
_NEWEST_FIRST = (tickets.c.opened_at.desc(), tickets.c.number.desc())


def list_tickets(connection: Connection, wanted: TicketFilter) -> list[ListedTicket]:
    """List tickets, newest first; overdue ones by the longest overdue."""
    dialect = connection.dialect.name
    if wanted.overdue_at:
        query = _overdue(wanted, wanted.overdue_at, dialect)
    elif wanted.customer or wanted.incident or wanted.held:
        query = _few(wanted, dialect)
    else:
        query = select(tickets, *_DEADLINE).outerjoin(deadlines).order_by(*_NEWEST_FIRST)
        query = query.where(tickets.c.number.in_(_newest(wanted, dialect)))
    return [ListedTicket(ticket_of(row), _deadline_of(row)) for row in connection.execute(query)]


def listed(connection: Connection, numbers: Collection[str]) -> dict[str, ListedTicket]:
    """Return these tickets as lists show them, by number."""
    query = select(tickets, *_DEADLINE).outerjoin(deadlines).where(tickets.c.number.in_(numbers))
    return {row.number: ListedTicket(ticket_of(row), _deadline_of(row)) for row in connection.execute(query)}


def deadline(connection: Connection, number: str) -> TicketDeadline | None:
    """Return the next deadline of a ticket."""
    row = connection.execute(select(*_DEADLINE).where(deadlines.c.ticket == number)).one_or_none()
    return None if row is None else _deadline_of(row)


def _deadline_of(row: Row[Any]) -> TicketDeadline | None:
    if row.deadline_due_at is None:
        return None
    return TicketDeadline(*(getattr(row, f"deadline_{name}") for name in TicketDeadline.__dataclass_fields__))


def conditions(wanted: TicketFilter, dialect: str) -> list[ColumnElement[bool]]:
    """Return what the filter asks of a ticket, but for its status, deadline and legal hold."""
    names = ("team", "assignee", "level", "priority", "turn", "channel")
    equal = {name: getattr(wanted, name) for name in names}
    found: list[ColumnElement[bool]] = [tickets.c[name] == value for name, value in equal.items() if value]
    if wanted.category:
        below = tickets.c.category.startswith(f"{wanted.category}/", autoescape=True)
        found.append(or_(tickets.c.category == wanted.category, below))
    if wanted.tag:
        found.append(has_tag(wanted.tag, dialect))
    if wanted.customer:
        found.append(of_customer(wanted.customer))
    if wanted.incident:
        found.append(tickets.c.incident == wanted.incident)
    if wanted.unassigned:
        found.append(tickets.c.assignee.is_(None))
    if wanted.folded:
        found.append(FOLDED)
    return [*found, *(visible_to(wanted.seen_by) if wanted.seen_by else ())]


def of_customer(address: str) -> ColumnElement[bool]:
    """Return the condition for tickets of a customer: of this very address, or of an identity linked to it."""
    person = owner(address)
    exact = select(tickets.c.number).where(tickets.c.person == person, tickets.c.customer == address)
    return tickets.c.number.in_(union_all(exact, tickets_of_linked(person)))


def visible_to(viewer: "Viewer") -> tuple[ColumnElement[bool], ...]:
    """Return the condition for tickets that this person may see, as `Viewer.may_see` has it."""
    within = (tickets.c.team.in_(sorted(viewer.within)),) if viewer.within else ()
    if viewer.sees_all:
        return within
    return (
        *within,
        or_(tickets.c.team.in_(sorted(viewer.teams)), tickets.c.assignee == viewer.address),
    )


def has_tag(value: str, dialect: str) -> ColumnElement[bool]:
    """Return the condition that a ticket has this tag."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import JSONB  # takes 20 ms, and SQLite needs none of it

        return cast(tickets.c.tags, JSONB).contains(cast(literal([value], JSONB), JSONB))
    each = func.json_each(tickets.c.tags).table_valued("value")
    return exists(select(literal(1)).select_from(each).where(each.c.value == value))


def _newest(wanted: TicketFilter, dialect: str) -> Select[Any]:
    """Select the numbers on the page: of each status so many of the newest as the page may need."""
    most = wanted.limit * wanted.page
    newest = select(tickets.c.number, tickets.c.opened_at).where(*conditions(wanted, dialect))
    newest = newest.order_by(*_NEWEST_FIRST).limit(most)
    parts = [
        select(newest.where(tickets.c.status == status).subquery())
        for status in sorted(set(wanted.statuses or Status))
    ]
    found = union_all(*parts).subquery()
    page = select(found.c.number).order_by(found.c.opened_at.desc(), found.c.number.desc())
    return page.limit(wanted.limit).offset(most - wanted.limit)


def _few(wanted: TicketFilter, dialect: str) -> Select[Any]:
    """Select of the tickets that a customer, an incident or a legal hold names."""
    query = select(tickets, *_DEADLINE).outerjoin(deadlines)
    query = query.where(*conditions(wanted, dialect), _has_status(wanted))
    if wanted.held:
        query = query.where(tickets.c.number.in_(select(legal_holds.c.ticket)))
    return _page(query.order_by(*_NEWEST_FIRST), wanted)


def _overdue(wanted: TicketFilter, by: datetime, dialect: str) -> Select[Any]:
    query = (
        select(tickets, *_DEADLINE)
        .join(deadlines)
        .where(deadlines.c.state == ARMED, deadlines.c.due_at <= by)
    )
    query = query.where(*conditions(wanted, dialect), _has_status(wanted))
    return _page(query.order_by(deadlines.c.due_at, deadlines.c.ticket), wanted)


def _has_status(wanted: TicketFilter) -> ColumnElement[bool]:
    """Select the statuses in words that no index knows: SQLite would take that of the status for the better one."""
    status = tickets.c.status.concat("")
    return status.in_(wanted.statuses) if wanted.statuses else true()


def _page(query: Select[Any], wanted: TicketFilter) -> Select[Any]:
    return query.limit(wanted.limit).offset(wanted.limit * (wanted.page - 1))
