"""The filters of a search as conditions on tickets and messages."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, text, true, union_all

from mailbot.domain.model import OVER, Status
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.identities import read_identity
from mailbot.domain.search.query import Filter, Query
from mailbot.store.channels.identities import tickets_of_linked
from mailbot.store.lists.ticket_list import has_tag
from mailbot.store.schema import deadlines, search_documents, tickets

Condition = ColumnElement[bool]
_LIVE = tickets.c.status.not_in([status.value for status in OVER])
_STATUSES = frozenset(status.value for status in Status) - {Status.OPEN.value}
# What closed tickets never are.
_OF_LIVE = frozenset({"open", "escalated", "unanswered", "unassigned", "overdue"})


def of_messages(query: Query) -> list[Condition]:
    """Return the conditions about the message itself."""
    found: list[Condition] = []
    if query.since:
        found.append(search_documents.c.at >= query.since)
    if query.until:
        found.append(search_documents.c.at < query.until)
    if query.has_files is not None:
        found.append(search_documents.c.has_files.is_(query.has_files))
    return found


def of_tickets(query: Query, dialect: str, now: datetime) -> list[Condition]:
    """Return the conditions about the ticket of a message."""
    return [_condition(each, dialect, now) for each in query.filters]


def statuses(query: Query) -> list[str]:
    """Return the statuses that its tickets can have: each is walked apart, and most tickets are closed."""
    found = {status.value for status in Status}
    for wanted in query.filters:
        if wanted.name == "is" and not wanted.excludes:
            found &= set().union(*map(_statuses_of, wanted.values))
    return sorted(found)


def _statuses_of(state: str) -> set[str]:
    if state in _STATUSES:
        return {state}
    return {status.value for status in Status if state not in _OF_LIVE or status not in OVER}


def _condition(wanted: Filter, dialect: str, now: datetime) -> Condition:
    any_of = or_(*(_value(wanted.name, value, dialect, now) for value in wanted.values))
    return not_(any_of) if wanted.excludes else any_of


def _value(name: str, value: str, dialect: str, now: datetime) -> Condition:
    match name:
        case "is":
            return _state(value, now)
        case "tag":
            return has_tag(value, dialect)
        case "customer":
            return _customer(value)
        case "assignee":
            return _assignee(value)
        case "mailbox":
            return _address(tickets.c.mailbox, value)
    return func.lower(tickets.c[name]) == value


def _customer(value: str) -> Condition:
    """Return the condition for tickets of a customer, by all identities."""
    person = owner(read_identity(value) or value)
    mine = select(tickets.c.number).where(tickets.c.person == person)
    return tickets.c.number.in_(union_all(mine, tickets_of_linked(person)))


def _assignee(value: str) -> Condition:
    if value in ("none", "nobody", "-"):
        return tickets.c.assignee.is_(None)
    return func.coalesce(_address(tickets.c.assignee, value), False)


def _address(column: Any, value: str) -> Condition:
    """Match a whole address, or what stands before its @."""
    if "@" in value:
        return column == value  # type: ignore[no-any-return]
    return column.startswith(f"{value}@", autoescape=True)  # type: ignore[no-any-return]


def _state(value: str, now: datetime) -> Condition:
    if value in _STATUSES:
        return tickets.c.status == value
    conditions: dict[str, Condition] = {
        "open": _LIVE,
        "escalated": and_(_LIVE, tickets.c.escalated > 0),
        "reopened": tickets.c.reopened > 0,
        "unanswered": and_(_LIVE, tickets.c.unanswered.is_(true())),
        "unassigned": and_(_LIVE, tickets.c.assignee.is_(None)),
        "snoozed": tickets.c.snoozed_until > now,
        "incident": tickets.c.incident.is_not(None),
        "overdue": exists().where(
            deadlines.c.ticket == tickets.c.number,
            text("deadlines.state = 'armed'"),
            deadlines.c.due_at <= now,
        ),
    }
    return func.coalesce(conditions[value], False)
