"""Tickets that ended long ago: deleted with all that belongs to them, the merged ones with their target.

What stays: the number with its moments (`deleted_tickets`), the lines of the ledger of compensation, and of each
mail its fingerprint without addresses, so that a copy of it opens no new ticket. Of what was imported its id at the
other desk stays, so that the next run does not bring it back.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    union,
    update,
)

from mailbot.domain.compensation.requests import Kind as LedgerKind
from mailbot.domain.model import OVER, Status
from mailbot.store.failures import UNREPORTED
from mailbot.store.lists.ticket_rows import family
from mailbot.store.retention import channels, mails
from mailbot.store.retention.legal_holds import held_numbers
from mailbot.store.retention.rules import Found, Key, Page, Rules, Slice
from mailbot.store.schema import (
    Moment,
    acts,
    attachments,
    attempts,
    compensations,
    deadlines,
    deleted_tickets,
    digest_items,
    drafts,
    events,
    frozen_mails,
    inbox,
    incidents,
    links,
    messages,
    number_aliases,
    outbox,
    participants,
    presence,
    raw_mails,
    revoked_links,
    shadow_differences,
    tickets,
)

PAGE = 200
MOST_BYTES = 8_000_000  # of raw mail, in one transaction
_ENDED = [Status.CLOSED.value, Status.FILED.value]
_OVER = [status.value for status in OVER]
_ENDED_AT = func.coalesce(tickets.c.closed_at, tickets.c.opened_at)


def find_tickets(connection: Connection, rules: Rules, after: Key | None) -> Page:
    """Find tickets that ended long ago, with the bytes of their mails, those that began first."""
    size = select(func.coalesce(func.sum(inbox.c.size), 0)).where(
        inbox.c.ticket == tickets.c.number, inbox.c.deleted_at.is_(None)
    )
    columns = (tickets.c.number, tickets.c.mailbox, tickets.c.opened_at, _ENDED_AT.label("at"))
    query = select(*columns, size.scalar_subquery().label("size")).where(*_goes(connection, rules))
    if isinstance(after, tuple):
        at, number = literal(after[0], Moment), after[1]
        further = and_(tickets.c.opened_at == at, tickets.c.number > number)
        query = query.where(or_(tickets.c.opened_at > at, further))
    rows = connection.execute(query.order_by(tickets.c.opened_at, tickets.c.number).limit(PAGE)).all()
    whole = _with_families(connection, [row.number for row in rows])
    found = [Found(row.number, row.mailbox, row.at, row.size) for row in rows if row.number in whole]
    return Page(found, (rows[-1].opened_at, rows[-1].number) if len(rows) == PAGE else None)


def _goes(connection: Connection, rules: Rules) -> tuple[ColumnElement[bool], ...]:
    cutoff = rules.closed_tickets.column()
    written = exists().where(messages.c.ticket == tickets.c.number, messages.c.at >= cutoff)
    return (
        tickets.c.status.in_(_ENDED),  # the index begins with the status
        tickets.c.opened_at < rules.closed_tickets.newest,
        cutoff > _ENDED_AT,
        ~written,
        tickets.c.number.not_in(held_numbers(connection)),
        _incident_is_over(cutoff),
        *_is_free(),
    )


def _incident_is_over(cutoff: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Select complaints whose incident may go as well, and incidents whose complaints are gone."""
    incident, complaint = tickets.alias("of_incident"), tickets.alias("complaint")
    younger = or_(incident.c.status.not_in(_OVER), func.coalesce(incident.c.closed_at, cutoff) >= cutoff)
    lives = exists().where(incident.c.number == tickets.c.incident, younger)
    belongs = exists().where(complaint.c.incident == tickets.c.number, complaint.c.number != tickets.c.number)
    return or_(
        tickets.c.incident.is_(None),
        and_(tickets.c.incident == tickets.c.number, ~belongs),
        and_(tickets.c.incident != tickets.c.number, ~lives),
    )


def _is_free() -> tuple[ColumnElement[bool], ...]:
    """Select tickets that nothing waits for: no mail, no open ticket that names them, no request for money."""
    other, decision = tickets.alias("other"), compensations.alias("decision")
    unsent = and_(outbox.c.ticket == tickets.c.number, or_(outbox.c.state.not_in(mails.FINAL), UNREPORTED))
    named = and_(links.c.other == tickets.c.number, other.c.number == links.c.ticket)
    decided = exists().where(
        decision.c.request == compensations.c.request,
        decision.c.kind.in_([LedgerKind.GRANTED.value, LedgerKind.REFUSED.value]),
    )
    asked = and_(compensations.c.ticket == tickets.c.number, compensations.c.kind == LedgerKind.ASKED.value)
    return (
        ~exists().where(unsent),
        ~exists().where(named, other.c.status.not_in(_OVER)),
        ~exists().where(asked, ~decided),
    )


def _with_families(connection: Connection, numbers: Collection[str]) -> dict[str, list[str]]:
    """Map tickets to all that were merged into them, the last ones first; without those that are needed."""
    families = {number: family(connection, number)[:0:-1] for number in numbers}
    members = [each for merged in families.values() for each in merged]
    free = set(connection.scalars(select(tickets.c.number).where(tickets.c.number.in_(members), *_is_free())))
    return {number: merged for number, merged in families.items() if free.issuperset(merged)}


# --- deleting ---------------------------------------------------------------------------------------------


def shed_bytes(connection: Connection, items: Sequence[Slice]) -> list[list[Key]]:
    """Delete some of the raw mails of tickets that go. Return those mails; none: there are few bytes left."""
    return [_shed_bytes(connection, item) for item in items]


def _shed_bytes(connection: Connection, item: Slice) -> list[Key]:
    numbers = _lock(connection, item)
    theirs = select(inbox.c.id, inbox.c.size).where(inbox.c.ticket.in_(numbers), inbox.c.deleted_at.is_(None))
    rows = connection.execute(theirs.order_by(inbox.c.size.desc())).all()
    if sum(row.size for row in rows) <= MOST_BYTES:
        return []
    chosen, size = [], 0
    for row in rows:
        chosen.append(row.id)
        size += row.size
        if size >= MOST_BYTES:
            break
    mails.drop_raw_mails(connection, chosen, item.rules)
    return list(chosen)


def delete_tickets(connection: Connection, items: Sequence[Slice]) -> list[list[Key]]:
    """Delete tickets with their families. Return the tickets that were asked for and are gone."""
    results: list[list[Key]] = []
    for item in items:
        numbers = _lock(connection, item)
        if numbers:
            _delete(connection, numbers, item.rules.now)
        results.append([each for each in item.keys if each in numbers])
    return results


def _lock(connection: Connection, item: Slice) -> list[str]:
    """Lock the tickets that still may go, and their families. What others hold is left for the next run."""
    goes = select(tickets.c.number).where(tickets.c.number.in_(item.keys), *_goes(connection, item.rules))
    free = connection.scalars(_skipping(goes)).all()
    families = _with_families(connection, free)
    members = sorted(each for merged in families.values() for each in merged)
    locked = set(connection.scalars(_skipping(select(tickets.c.number).where(tickets.c.number.in_(members)))))
    whole = {number: merged for number, merged in families.items() if locked.issuperset(merged)}
    return [each for number, merged in whole.items() for each in (*merged, number)]


def _skipping(query: Any) -> Any:
    return query.order_by(tickets.c.number).with_for_update(of=tickets, skip_locked=True)


_OF_TICKET = (
    *(messages, events, participants, deadlines, acts, digest_items, incidents, shadow_differences),
    *(drafts, presence, revoked_links, number_aliases),
    links,
)


def _delete(connection: Connection, numbers: Sequence[str], now: datetime) -> None:
    ours = outbox.c.ticket.in_(numbers)
    of_outbox = select(outbox.c.id).where(ours)
    people, persons = channels.people_of(connection, numbers), channels.persons_of(connection, numbers)
    channels.delete_sent(connection, of_outbox)
    connection.execute(delete(attempts).where(attempts.c.outbox_id.in_(of_outbox)))
    connection.execute(
        delete(frozen_mails).where(frozen_mails.c.nonce.in_(select(outbox.c.nonce).where(ours)))
    )
    connection.execute(delete(outbox).where(ours))
    _forget_mails(connection, numbers, now)
    for table in _OF_TICKET:
        connection.execute(delete(table).where(table.c.ticket.in_(numbers)))
    channels.delete_people(connection, people)
    connection.execute(delete(links).where(links.c.other.in_(numbers)))
    kept = ("number", "mailbox", "opened_at", "closed_at")
    stays = select(*(tickets.c[name] for name in kept), literal(now, Moment))
    those = tickets.c.number.in_(numbers)
    connection.execute(insert(deleted_tickets).from_select([*kept, "deleted_at"], stays.where(those)))
    connection.execute(delete(tickets).where(those))
    channels.delete_links(connection, persons)


def _forget_mails(connection: Connection, numbers: Sequence[str], now: datetime) -> None:
    """Delete the mails of tickets, but for their fingerprints (promise P2)."""
    here = select(inbox.c.id).where(inbox.c.ticket.in_(numbers))
    filed = select(messages.c.inbox_id).where(
        messages.c.ticket.in_(numbers), messages.c.inbox_id.is_not(None)
    )
    ids = connection.scalars(union(here, filed)).all()
    connection.execute(delete(attachments).where(attachments.c.inbox_id.in_(ids)))
    connection.execute(delete(raw_mails).where(raw_mails.c.inbox_id.in_(ids)))
    channels.empty_events(connection, ids)
    deleted_at = func.coalesce(inbox.c.deleted_at, literal(now, Moment))
    gone: dict[str, Any] = {
        "sender": "",
        "recipients": [],
        "peer": "",
        "reason": None,
        "deleted_at": deleted_at,
    }
    connection.execute(update(inbox).where(inbox.c.id.in_(ids)).values(gone))
