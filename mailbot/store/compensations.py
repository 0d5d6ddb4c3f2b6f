"""The ledger of compensation: read and extended under one lock.

Theory of operation. No limit may be exceeded by two grants at once. So every transaction that adds to the
ledger takes `lock` before it reads anything, and holds it until its end. On SQLite that is the BEGIN
IMMEDIATE of all our transactions. On PostgreSQL it is an advisory lock of the transaction, released after its
commit is visible. In READ COMMITTED, the default, every statement after the lock sees all earlier grants. At
a stricter level a transaction that waited sees an older state and fails, because the next id is used already.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text

from mailbot.domain.compensation.authority import Spent, Windows
from mailbot.domain.compensation.requests import Entry, Facts, Kind, Request
from mailbot.domain.model import Ticket
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.persons import of_person
from mailbot.domain.routing.money import Money
from mailbot.store.channels import identities
from mailbot.store.codec import actor_of
from mailbot.store.lists.open_requests import undecided
from mailbot.store.lists.ticket_rows import family
from mailbot.store.schema import compensations
from mailbot.store.tickets import Outdated

_LOCK = 0x6D6F6E6579  # of PostgreSQL's advisory locks
_GRANTED = compensations.c.kind == Kind.GRANTED.value
_SUM = func.coalesce(func.sum(compensations.c.amount), 0)
_PLAIN = ("at", "request", "ticket", "customer", "category", "team", "agent", "level", "second", "because")


def lock(connection: Connection) -> None:
    """Lock the ledger until this transaction ends. Take this lock before others."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def facts(connection: Connection, ticket: Ticket, windows: Windows) -> Facts:
    """Load what a decision about compensation on `ticket` needs. Load the ticket after `lock`."""
    numbers = family(connection, ticket.number)
    requests = tuple(_open(connection, compensations.c.ticket.in_(numbers)))
    customers = {owner(ticket.customer), *(request.customer for request in requests)}
    next_id = (connection.scalar(select(func.max(compensations.c.id))) or 0) + 1
    return Facts(next_id, requests, _spent(connection, ticket, numbers, customers, windows))


def _spent(
    connection: Connection, ticket: Ticket, numbers: Collection[str], customers: set[str], windows: Windows
) -> Spent:
    at, columns = compensations.c.at, compensations.c
    in_month = (columns.team == ticket.team, at >= windows.month[0], at < windows.month[1])
    known = identities.load(connection, customers)
    people = {each: {each, *of_person(known, each)} for each in customers}
    everybody = sorted(set().union(*people.values()))
    lately = select(columns.customer, _SUM).where(columns.customer.in_(everybody), at > windows.since)
    rows = connection.execute(lately.where(_GRANTED).group_by(columns.customer))
    granted = {customer: int(amount) for customer, amount in rows}
    agents: dict[str, int] = {}
    for who in (columns.agent, columns.second):
        today = select(who, _SUM).where(_GRANTED, at >= windows.day[0], at < windows.day[1])
        for agent, amount in connection.execute(today.group_by(who)):
            agents[agent] = agents.get(agent, 0) + int(amount)
    return Spent(
        ticket=_money(connection.scalar(select(_SUM).where(_GRANTED, columns.ticket.in_(numbers)))),
        team=_money(connection.scalar(select(_SUM).where(_GRANTED, *in_month))),
        customers={
            each: _money(sum(granted.get(one, 0) for one in person)) for each, person in people.items()
        },
        agents={agent: _money(amount) for agent, amount in agents.items() if agent},
    )


def _money(amount: Any) -> Money:
    return Money(Decimal(int(amount)))


# --- adding -----------------------------------------------------------------------------------------------


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Append lines. The transaction must hold `lock` since before it read the facts of the decision.

    Raises Outdated when a request does not get the number that was decided.
    """
    last = connection.execute(
        select(compensations.c.id, compensations.c.digest).order_by(compensations.c.id.desc()).limit(1)
    ).one_or_none()
    before, digest = (last.id, last.digest) if last else (0, "")
    rows = []
    for id_, entry in enumerate(entries, before + 1):
        if entry.kind is Kind.ASKED and entry.request != id_:
            raise Outdated("the ledger went on meanwhile")
        row = {**_row(entry), "id": id_}
        digest = _digest(row, digest)
        rows.append({**row, "digest": digest})
    if rows:
        connection.execute(insert(compensations), rows)


def _row(entry: Entry) -> dict[str, Any]:
    plain = {name: getattr(entry, name) for name in _PLAIN}
    amount = int(entry.amount.amount)
    return plain | {
        "by": str(entry.by),
        "kind": entry.kind.value,
        "amount": amount,
        "limited_by": entry.limit,
    }


def _digest(row: dict[str, Any], before: str) -> str:
    """Compute the SHA-256 over the line and the digest before it, so that no line can be changed
    unnoticed.
    """
    said = {name: value for name, value in row.items() if name != "digest"}
    said["at"] = row["at"].isoformat()
    return hashlib.sha256(json.dumps([before, said], sort_keys=True).encode()).hexdigest()


# --- reading ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the ledger with its number."""

    id: int
    entry: Entry


def entries(
    connection: Connection, since: datetime | None = None, until: datetime | None = None
) -> list[Line]:
    """Load the lines of [since, until), oldest first."""
    query = select(compensations).order_by(compensations.c.id)
    if since:
        query = query.where(compensations.c.at >= since)
    if until:
        query = query.where(compensations.c.at < until)
    return [_line(row) for row in connection.execute(query)]


def of_ticket(connection: Connection, number: str) -> list[Line]:
    """Load the lines of a ticket and of those merged into it, oldest first."""
    query = select(compensations).where(compensations.c.ticket.in_(family(connection, number)))
    return [_line(row) for row in connection.execute(query.order_by(compensations.c.id))]


def open_requests(connection: Connection) -> list[Request]:
    """Load every request that waits for a decision, oldest first, also of tickets merged since."""
    return _open(connection)


def _open(connection: Connection, *where: Any) -> list[Request]:
    found = [_line(row) for row in connection.execute(undecided(*where))]
    signed = _signed(connection, [line.id for line in found])
    return [_request(line, signed.get(line.id, ())) for line in found]


def _signed(connection: Connection, requests: Collection[int]) -> dict[int, tuple[str, ...]]:
    if not requests:
        return {}
    query = select(compensations.c.request, compensations.c.agent).where(
        compensations.c.request.in_(requests), compensations.c.kind == Kind.APPROVED.value
    )
    found: dict[int, tuple[str, ...]] = {}
    for request, agent in connection.execute(query.order_by(compensations.c.id)):
        found[request] = (*found.get(request, ()), agent)
    return found


def _request(line: Line, signed: tuple[str, ...]) -> Request:
    names = ("ticket", "customer", "amount", "at", "by", "agent", "because")
    return Request(line.id, **{name: getattr(line.entry, name) for name in names}, signed=signed)


def _line(row: Row[Any]) -> Line:
    values: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
    values |= {"by": actor_of(row.by), "kind": Kind(row.kind), "amount": _money(row.amount)}
    return Line(row.id, Entry(**values, limit=row.limited_by))


def first_fault(connection: Connection) -> int | None:
    """Find the first line that is missing or changed; None when the whole ledger is sound."""
    digest, expected = "", 1
    for row in connection.execute(select(compensations).order_by(compensations.c.id)):
        said = {**_row(_line(row).entry), "id": row.id}
        digest = _digest(said, digest)
        if row.id != expected or row.digest != digest:
            return expected
        expected += 1
    return None
