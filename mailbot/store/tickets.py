"""Tickets with all that belongs to them: participants, messages, events. Written by `record` alone."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    bindparam,
    delete,
    func,
    literal,
    select,
    text,
    union_all,
    update,
)

from mailbot.domain.acts.agent_act import AgentAct
from mailbot.domain.events import (
    ActUndone,
    CustomerChanged,
    Event,
    IdentityLinked,
    IdentityUnlinked,
    IncidentOpened,
    IncidentResolved,
    links_of,
    roles_of,
)
from mailbot.domain.ladder import Deadline
from mailbot.domain.model import (
    OVER,
    TAKES_PART,
    Attachment,
    Authentication,
    Author,
    Direction,
    Post,
    Role,
    Status,
    Ticket,
)
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.participants import taking_part
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.replies.same_mail import ACTED, Earlier
from mailbot.store import deadlines, digests, incidents, outbox
from mailbot.store.agents import acts
from mailbot.store.channels import identities
from mailbot.store.codec import CLOCKS, actor_of, event_data, reason_text
from mailbot.store.database.prepared import Prepared, PreparedList, adding, adding_new, replacing
from mailbot.store.lists.ticket_rows import PLAIN, SHAPED
from mailbot.store.lists.ticket_rows import RecordedEvent as RecordedEvent
from mailbot.store.lists.ticket_rows import events_of as events_of
from mailbot.store.lists.ticket_rows import ticket_of as ticket_of
from mailbot.store.schema import (
    attachments,
    contents,
    deleted_tickets,
    events,
    inbox,
    links,
    messages,
    participants,
    tickets,
)
from mailbot.store.store import Store
from mailbot.store.webhooks import feed
from mailbot.store.writers import I, R

LOCK_SPACE = 9  # of advisory locks: others use one number, not two
_LOCK_IDS = text("SELECT pg_advisory_xact_lock(:space, key) FROM unnest(CAST(:keys AS integer[])) AS key")


@dataclass(frozen=True, slots=True)
class Message:
    """A mail or a note to be filed on a ticket."""

    at: datetime
    direction: Direction
    author: str
    subject: str
    text: str
    visible: str
    message_id: str = ""
    inbox_id: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)  # see `codec.match_data`
    turn: str = ""  # see `model.Post`
    no_auto_reply: Reason = NO_REASON
    flags: tuple[str, ...] = ()
    author_kind: Author = Author.PERSON
    author_reason: Reason = NO_REASON
    authentication: Authentication = Authentication.NONE
    addresses: Mapping[str, Any] = field(default_factory=dict)  # see the table
    attachments: tuple[Attachment, ...] = ()
    act: str | None = None  # the agent's act that it is part of
    channel: str = "mail"  # by which it came


@dataclass(frozen=True, slots=True)
class TicketChange:
    """All that one decision leads to, recorded in one transaction. `before` is None for a new ticket."""

    before: Ticket | None
    after: Ticket
    events: tuple[Event, ...]
    policy: str
    deadline: Deadline | None
    owed: tuple[outbox.OutboxMail, ...] = ()
    collected: tuple[digests.DigestItem, ...] = ()
    message: Message | None = None
    participants: tuple[tuple[str, str], ...] = ()  # (address, role) who join
    leaving: tuple[str, ...] = ()  # addresses that take part no longer
    came: tuple[tuple[int, str], ...] = ()  # (message, ticket it was on): moved to this ticket
    act: AgentAct | None = None  # what an agent may take back


class Outdated(Exception):
    """The ticket changed since it was loaded: decide again on its present state."""


def decide_now(store: Store, decide: Callable[[Connection, I], R], wanted: I) -> R:
    """Run one decision in a transaction of its own, in the caller's thread.

    It is decided again, a few times, when another writer was first; then raises Outdated.
    """

    def op(connection: Connection, items: Sequence[I]) -> list[R]:
        return [decide(connection, item) for item in items]

    for _ in range(4):
        try:
            return store.write_now(op, wanted)
        except Outdated:
            continue
    return store.write_now(op, wanted)


async def decide_in_turn(store: Store, decide: Callable[[Connection, I], R], wanted: I) -> R:
    """Do the same on the store's own thread, after the mail that waits there: for the daemon itself."""

    def op(connection: Connection, items: Sequence[I]) -> list[R]:
        return [decide(connection, item) for item in items]

    for _ in range(4):
        try:
            return await store.write(op, wanted, alone=True)
        except Outdated:
            continue
    return await store.write(op, wanted, alone=True)


def record(
    connection: Connection,
    outcomes: Sequence[TicketChange],
    allowance: outbox.Allowance | None = None,
    *,
    announced: bool = True,
) -> None:
    """Record decisions with a few bulk statements. Several may concern one ticket, in their order.

    Unless `announced`, no webhook hears of them: they happened long ago. Raises Outdated when a ticket is not what
    `before` assumes.
    """
    newest = {outcome.after.number: outcome.after for outcome in outcomes}
    first = {outcome.after.number: outcome.before for outcome in reversed(outcomes)}
    fresh = [_ticket_row(newest[number]) for number, before in first.items() if before is None]
    if fresh:
        _ADD_TICKETS.run(connection, fresh)
    _update(connection, [(before, newest[number]) for number, before in first.items() if before])
    recorded = [row for outcome in outcomes for row in _event_rows(outcome)]
    if recorded:
        _ADD_EVENTS.run(connection, recorded)
        if announced:
            feed.add(connection, recorded)
    _link(connection, outcomes)
    _add_participants(connection, outcomes)
    _add_messages(connection, outcomes)
    _move_messages(connection, outcomes)
    deadlines.arm(connection, {outcome.after.number: outcome.deadline for outcome in outcomes}, first)
    owed = [mail for outcome in outcomes for mail in outcome.owed]
    if owed:
        outbox.enqueue(connection, owed, allowance)
    if collected := [item for outcome in outcomes for item in outcome.collected]:
        digests.add(connection, collected)
    if kept := [outcome.act for outcome in outcomes if outcome.act]:
        acts.add(connection, kept)
    for event in (event for outcome in outcomes for event in outcome.events if isinstance(event, ActUndone)):
        acts.withdraw(connection, event)


_CONVERTED = (*sorted(SHAPED), "person")


def _ticket_row(ticket: Ticket) -> dict[str, Any]:
    return {
        **{name: getattr(ticket, name) for name in PLAIN},
        "person": owner(ticket.customer),
        "status": ticket.status.value,
        "tags": list(ticket.tags),
        "details": [list(pair) for pair in ticket.details],
        "clocks": CLOCKS.dump(ticket.clocks),
        "turn_why": reason_text(ticket.turn_why),
    }


_ADD_TICKETS = adding(tickets, (*PLAIN, *_CONVERTED))
_CHANGE = Prepared(
    lambda dialect: (
        update(tickets)
        # The number of events is the ticket's version: who decided on an older one must decide again.
        .where(tickets.c.number == bindparam("b_number"), tickets.c.events == bindparam("b_before"))
        .values({name: bindparam(f"b_{name}") for name in (*PLAIN, *_CONVERTED) if name != "number"})
    )
)


def _update(connection: Connection, changes: list[tuple[Ticket, Ticket]]) -> None:
    if not changes:
        return
    rows = [
        {f"b_{name}": value for name, value in {**_ticket_row(after), "before": before.events}.items()}
        for before, after in changes
    ]
    if _CHANGE.run(connection, rows) != len(rows):
        raise Outdated("a ticket was changed by somebody else meanwhile")


_ADD_EVENTS = adding(events, ("ticket", "seq", "policy", "kind", "at", "by", "data"))


def _event_rows(outcome: TicketChange) -> Iterable[dict[str, Any]]:
    start = outcome.after.events - len(outcome.events)
    for position, event in enumerate(outcome.events, start + 1):
        row = {"ticket": outcome.after.number, "seq": position, "policy": outcome.policy}
        yield {**row, "kind": event.kind, "at": event.at, "by": str(event.by), "data": event_data(event)}


_SET_ROLES = replacing(participants, ("ticket", "address", "role"), "ticket", "address")


def _add_participants(connection: Connection, outcomes: Sequence[TicketChange]) -> None:
    newest = {
        (outcome.after.number, address): role
        for outcome in outcomes
        for address, role in (
            *outcome.participants,
            *(pair for event in outcome.events for pair in roles_of(event).items()),
        )
    }
    if newest:
        rows = [
            {"ticket": number, "address": address, "role": role}
            for (number, address), role in sorted(newest.items())
        ]
        _SET_ROLES.run(connection, rows)
    for outcome in outcomes:
        if outcome.leaving:
            gone = participants.c.address.in_(outcome.leaving)
            here = participants.c.ticket == outcome.after.number
            connection.execute(delete(participants).where(here, gone))


_ADD_LINKS = adding_new(links, ("ticket", "kind", "other"))


def _link(connection: Connection, outcomes: Sequence[TicketChange]) -> None:
    rows = []
    for outcome in outcomes:
        for event in outcome.events:
            rows += [
                {"ticket": outcome.after.number, "kind": kind, "other": other}
                for kind, other in links_of(event)
            ]
            if isinstance(event, IncidentOpened | IncidentResolved | ActUndone):
                incidents.record(connection, outcome.after, event)
            if isinstance(event, IdentityLinked | IdentityUnlinked):
                identities.record(connection, event)
    if rows:
        _ADD_LINKS.run(connection, rows)


def _move_messages(connection: Connection, outcomes: Sequence[TicketChange]) -> None:
    """Move messages. Raises Outdated when a message is not where the decision assumed it."""
    moves = [
        {"b_id": id_, "b_from": origin, "b_to": outcome.after.number}
        for outcome in outcomes
        for id_, origin in outcome.came
    ]
    if not moves:
        return
    here = (messages.c.id == bindparam("b_id"), messages.c.ticket == bindparam("b_from"))
    moved = connection.execute(update(messages).where(*here).values(ticket=bindparam("b_to")), moves)
    if moved.rowcount != len(moves):
        raise Outdated("a message was moved by somebody else meanwhile")
    raw = select(messages.c.inbox_id).where(messages.c.id == bindparam("b_id")).scalar_subquery()
    connection.execute(update(inbox).where(inbox.c.id == raw).values(ticket=bindparam("b_to")), moves)


_CHANGED = ("no_auto_reply", "author_reason", "flags")  # not stored as they are
_OF_MESSAGE = [each.name for each in fields(Message) if each.name not in (*_CHANGED, "attachments")]
_FILE = ("name", "type", "size", "digest")
_ADD_MESSAGES = adding(messages, ("ticket", "home", *_CHANGED, *_OF_MESSAGE))
_ADD_CONTENTS = adding_new(contents, ("digest", "content"))
_ADD_ATTACHMENTS = adding(attachments, ("inbox_id", "position", *_FILE))


def _add_messages(connection: Connection, outcomes: Sequence[TicketChange]) -> None:
    filed = [(outcome.after.number, outcome.message) for outcome in outcomes if outcome.message]
    if filed:
        _ADD_MESSAGES.run(connection, [_message_row(number, message) for number, message in filed])
    kept = [
        (message.inbox_id, position, attachment)
        for _, message in filed
        for position, attachment in enumerate(message.attachments)
        if message.inbox_id is not None
    ]
    if not kept:
        return
    distinct = {attachment.digest: attachment.content for _, _, attachment in kept}
    # In one order everywhere, so that two nodes never wait for each other.
    _ADD_CONTENTS.run(
        connection, [{"digest": digest, "content": distinct[digest]} for digest in sorted(distinct)]
    )
    _ADD_ATTACHMENTS.run(
        connection,
        [
            {"inbox_id": inbox_id, "position": position, **{name: getattr(file, name) for name in _FILE}}
            for inbox_id, position, file in kept
        ],
    )


def _message_row(number: str, message: Message) -> dict[str, Any]:
    return {
        "ticket": number,
        "home": number,
        "no_auto_reply": reason_text(message.no_auto_reply),
        "author_reason": reason_text(message.author_reason),
        "flags": list(message.flags),
        **{name: getattr(message, name) for name in _OF_MESSAGE},
    }


def load(connection: Connection, numbers: Collection[str]) -> dict[str, Ticket]:
    """Load the tickets that exist among `numbers`, locked until the transaction ends where the engine can."""
    return _load(connection, _by_number(numbers).with_for_update()) if numbers else {}


def is_touched(connection: Connection, number: str) -> bool:
    """Check whether an agent or an operator has acted on the ticket."""
    by = connection.scalars(select(events.c.by).where(events.c.ticket == number).distinct())
    return any(actor_of(each).is_staff for each in by)


def load_with_merge_targets(connection: Connection, numbers: Collection[str]) -> dict[str, Ticket]:
    """Load and lock these tickets and those that they were merged into."""
    found = load(connection, numbers)
    while heirs := {each.merged_into for each in found.values() if each.merged_into} - found.keys():
        found |= load(connection, heirs)
    return found


def merge_target(number: str, loaded: Mapping[str, Ticket]) -> str:
    """Follow a ticket to the one that it was merged into, through chains; else return it."""
    passed: set[str] = set()
    while number in loaded and number not in passed and (into := loaded[number].merged_into):
        passed.add(number)
        number = into
    return number


def load_free(connection: Connection, numbers: Collection[str]) -> dict[str, Ticket]:
    """Load and lock these tickets, without those that another node is deciding about."""
    return _load(connection, _by_number(numbers).with_for_update(skip_locked=True)) if numbers else {}


def _by_number(numbers: Collection[str]) -> Select[Any]:
    # One order everywhere, so that two nodes never wait for each other.
    return select(tickets).where(tickets.c.number.in_(sorted(numbers))).order_by(tickets.c.number)


def _load(connection: Connection, query: Select[Any]) -> dict[str, Ticket]:
    return {row.number: ticket_of(row) for row in connection.execute(query)}


def used_numbers(connection: Connection, numbers: Collection[str]) -> set[str]:
    """Return which of these numbers are in use."""
    if not numbers:
        return set()
    return set(connection.scalars(select(tickets.c.number).where(tickets.c.number.in_(numbers))))


def given_numbers(connection: Connection, numbers: Collection[str]) -> set[str]:
    """Return which of these numbers were ever given, also to a ticket that retention deleted."""
    return {number for (number,) in _GIVEN.fetch(connection, numbers)}


_GIVEN = PreparedList(
    lambda numbers: union_all(
        *(select(each.c.number).where(each.c.number.in_(numbers)) for each in (tickets, deleted_tickets))
    )
)


def tickets_by_message_id(connection: Connection, message_ids: Collection[str]) -> dict[str, str]:
    """Map Message-IDs to tickets, for mails that are on a ticket."""
    if not message_ids:
        return {}
    query = select(messages.c.message_id, messages.c.ticket).where(messages.c.message_id.in_(message_ids))
    return {row.message_id: row.ticket for row in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail on a ticket: its id among messages, its Message-ID, its ticket, its author."""

    id: int
    message_id: str
    ticket: str
    author: str


def mails_by_message_id(connection: Connection, message_ids: Collection[str]) -> list[StoredMail]:
    """Find the mails on tickets that have these Message-IDs, in the order in which they came."""
    found = [StoredMail(*row) for row in _BY_MESSAGE_ID.fetch(connection, sorted(message_ids))]
    return sorted(found, key=attrgetter("id"))


_BY_MESSAGE_ID = PreparedList(
    lambda ids: select(*(messages.c[each.name] for each in fields(StoredMail))).where(
        messages.c.message_id.in_(ids)
    )
)


def earlier_mails(connection: Connection, ids: Collection[int]) -> dict[int, Earlier]:
    """Load what a further copy of these mails is compared with."""
    if not ids:
        return {}
    names = ("id", "ticket", "direction", "subject", "text", "authentication", "addresses", "flags")
    columns = (*(messages.c[name] for name in names), attachments.c.digest)
    files = attachments.c.inbox_id == messages.c.inbox_id
    rows = connection.execute(
        select(*columns).join_from(messages, attachments, files, isouter=True).where(messages.c.id.in_(ids))
    )
    found: dict[int, Earlier] = {}
    for row in rows:
        known = found[row.id].files if row.id in found else frozenset()
        reply_to = row.addresses.get("reply_to", "")
        files_until_now = known | ({row.digest} - {None})
        found[row.id] = Earlier(
            *(row.ticket, row.direction, row.subject, row.text, row.authentication, reply_to),
            files_until_now,
            acted=ACTED in row.flags,
        )
    return found


def former_customer(connection: Connection, number: str, at: datetime | None) -> str:
    """Return who was the ticket's customer at that moment, "" when it is the same one still."""
    if at is None:
        return ""
    changed = (events.c.ticket == number, events.c.kind == CustomerChanged.kind, events.c.at > at)
    data = connection.scalar(select(events.c.data).where(*changed).order_by(events.c.seq).limit(1))
    return str(data["former"]) if data else ""


def lock_message_ids(connection: Connection, message_ids: Collection[str]) -> None:
    """Let nobody else decide about a mail with one of these Message-IDs until this transaction ends.

    Two ways of one mail may reach two nodes at once. SQLite has one writer. In one order everywhere, so that
    two nodes never wait for each other; take this lock before that of tickets.
    """
    if connection.dialect.name == "postgresql" and message_ids:
        hashes = {hashlib.sha256(each.encode("utf-8", "replace")).digest()[:4] for each in message_ids}
        keys = sorted(int.from_bytes(each, "big", signed=True) for each in hashes)
        connection.execute(_LOCK_IDS, {"space": LOCK_SPACE, "keys": keys})


def participants_of(connection: Connection, numbers: Collection[str]) -> dict[str, set[str]]:
    """Map each existing ticket of `numbers` to the addresses that take part in it."""
    found = roles_of_tickets(connection, numbers)
    return {number: taking_part(roles) for number, roles in found.items()}


def roles_of_tickets(connection: Connection, numbers: Collection[str]) -> dict[str, dict[str, Role]]:
    """Map each existing ticket of `numbers` to what each address is on it.

    Identities that are linked to the customer are the customer, too.
    """
    if not numbers:
        return {}
    found, linked = _roles(connection, numbers)
    for number, known in linked.items():
        found[number] = _with_linked(found.get(number, {}), known)
    return found


def people_of(connection: Connection, number: str) -> tuple[dict[str, Role], dict[str, str]]:
    """Return what each address is on the ticket itself, and the identities linked to its customer, as written."""
    found, linked = _roles(connection, [number])
    return found.get(number, {}), linked.get(number, {})


def _roles(
    connection: Connection, numbers: Collection[str]
) -> tuple[dict[str, dict[str, Role]], dict[str, dict[str, str]]]:
    found: dict[str, dict[str, Role]] = {}
    others: dict[str, dict[str, str]] = {}
    for number, address, role, written in _ROLES.fetch(connection, sorted(numbers)):
        if written:
            others.setdefault(number, {})[address] = written
        else:
            found.setdefault(number, {})[address] = Role(role)
    return found, others


# In one statement: every batch of mails reads both.
_ROLES = PreparedList(
    lambda numbers: union_all(
        select(participants.c.ticket, participants.c.address, participants.c.role, literal("")).where(
            participants.c.ticket.in_(numbers)
        ),
        identities.linked_customers(numbers),
    )
)


def _with_linked(roles: Mapping[str, Role], linked: Mapping[str, str]) -> dict[str, Role]:
    """Return the roles with the customer's other identities as the customer, in whatever spelling they take part."""
    found = {address: Role.CUSTOMER if owner(address) in linked else role for address, role in roles.items()}
    known = {owner(address) for address in found}
    return found | {each: Role.CUSTOMER for address, each in linked.items() if address not in known}


_OPEN_NUMBERS = Prepared(
    lambda dialect: (
        select(tickets.c.number)
        .join(participants, participants.c.ticket == tickets.c.number)
        .where(
            participants.c.address == bindparam("b_address"),
            participants.c.role.in_([literal(each) for each in sorted(TAKES_PART)]),
            tickets.c.status.not_in([literal(status.value) for status in OVER]),
        )
        .order_by(tickets.c.opened_at.desc())
        .limit(200)
    )
)


def open_numbers_of(connection: Connection, addresses: Collection[str]) -> dict[str, set[str]]:
    """Map each address to the open tickets in which it takes part; the newest 200."""
    return {
        address: {number for (number,) in _OPEN_NUMBERS.fetch(connection, {"b_address": address})}
        for address in addresses
    }


def filed_since(connection: Connection, since: datetime) -> dict[str, list[str]]:
    """Map each mailbox to the tickets that were filed there since then, newest last."""
    found: dict[str, list[str]] = {}
    recent = (tickets.c.status == Status.FILED.value, tickets.c.opened_at > since)
    query = select(tickets.c.mailbox, tickets.c.number).where(*recent).order_by(tickets.c.opened_at)
    for row in connection.execute(query):
        found.setdefault(row.mailbox, []).append(row.number)
    return found


def posts_of(connection: Connection, numbers: Collection[str]) -> dict[str, list[Post]]:
    """Load what decisions about moving messages need: ticket -> its messages, oldest first."""
    names = ("id", "ticket", "home", "at", "turn", "direction", "author", "message_id", "subject")
    query = select(*(messages.c[name] for name in names)).where(messages.c.ticket.in_(sorted(numbers)))
    found: dict[str, list[Post]] = {number: [] for number in numbers}
    for row in connection.execute(query.order_by(messages.c.id)):
        found[row.ticket].append(Post(**row._mapping))
    return found


def ticket_of_message(connection: Connection, message: int) -> str | None:
    """Return the ticket that a message is on."""
    return connection.scalar(select(messages.c.ticket).where(messages.c.id == message))


def languages_of(connection: Connection, customers: Collection[str]) -> dict[str, str]:
    """Return the language that each of these customers last wrote in, where it is known."""
    if not customers:
        return {}
    people = {customer: owner(customer) for customer in customers}
    found: dict[str, str] = dict(_LANGUAGES.fetch(connection, sorted(set(people.values()))))
    return {customer: found[person] for customer, person in people.items() if person in found}


def _newest_languages(people: Sequence[BindParameter[str]]) -> Select[Any]:
    newest = (
        select(tickets.c.person, func.max(tickets.c.opened_at).label("opened_at"))
        .where(tickets.c.person.in_(people), tickets.c.language != "")
        .group_by(tickets.c.person)
        .subquery()
    )
    is_newest = (tickets.c.person == newest.c.person) & (tickets.c.opened_at == newest.c.opened_at)
    return select(tickets.c.person, tickets.c.language).join(newest, is_newest)


_LANGUAGES = PreparedList(_newest_languages)
