"""The recorded past, read in a stream: what reports are counted from. Nothing of the mails themselves.

A year holds a million events. So the rows come as they are stored, and of each event is read what a report
looks at: the general codec takes three times as long.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby
from operator import itemgetter
from typing import Any, get_type_hints

from msgspec import defstruct, json
from msgspec.structs import astuple
from sqlalchemy import BigInteger, Connection, Select, Text, and_, cast, or_, select, type_coerce, union

from mailbot.domain import events as e
from mailbot.domain.acts.agent_act import without_undone
from mailbot.domain.events import EVENT_KINDS, Event
from mailbot.domain.model import OVER, OutboxState, Status
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason
from mailbot.domain.worktime import Calendar
from mailbot.reports.figures.api import Maker, Period, Report
from mailbot.reports.figures.build import OPENING, WEEKS_BEFORE
from mailbot.reports.figures.cause_actions import COMPARED, Effect, effect
from mailbot.reports.figures.ticket_facts import KINDS
from mailbot.store import compensations
from mailbot.store.codec import REASON, actor_of, event_of
from mailbot.store.schema import EPOCH, events, outbox, tickets
from mailbot.store.service import cause_actions

AT_ONCE = 2_000  # rows held in memory
MOST_ACTIONS = 20  # newest ones, of those about causes

Life = tuple[str, Sequence[Event]]  # a ticket's number and its events
Acknowledged = tuple[datetime, datetime | None]  # receipt of the mail, when the relay took the answer to it


def lives(connection: Connection, since: datetime, until: datetime, kinds: Collection[str]) -> Iterator[Life]:
    """Yield the events before `until` of each ticket that lived in [since, until), of the kinds named.

    A ticket lived then when something happened to it, or when it was open at the beginning. Tickets come one
    after the other, each from its first event on. Consume it before the connection is used for
    anything else.
    """
    return _read(connection, lived(since, until), until, kinds)


def openings(connection: Connection, since: datetime, until: datetime) -> Iterator[Life]:
    """Yield the OPENING events, before `until`, of each ticket that came in [since, until)."""
    opening = events.c.kind.in_((e.TicketOpened.kind, e.TicketReleased.kind))
    came = select(events.c.ticket).where(events.c.at >= since, events.c.at < until, opening)
    return _read(connection, came, until, OPENING)


def _read(
    connection: Connection, numbers: Select[Any], until: datetime, kinds: Collection[str]
) -> Iterator[Life]:
    at, data = type_coerce(events.c.at, BigInteger), cast(events.c.data, Text)
    query = (
        select(events.c.ticket, events.c.seq, events.c.kind, at, events.c.by, data)
        .where(events.c.ticket.in_(numbers), events.c.kind.in_(sorted(kinds)), events.c.at < until)
        .order_by(events.c.ticket, events.c.seq)  # as the primary key has it: nothing is sorted
    )
    moment, moment_at = -1, EPOCH
    for number, rows in groupby(_stream(connection, query), key=itemgetter(0)):
        life: list[Event] = []
        places: list[int] = []
        for _, place, kind, micros, by, data in rows:
            if micros != moment:  # one decision has several events
                moment, moment_at = micros, EPOCH + timedelta(microseconds=micros)
            life.append(READ[kind](moment_at, by, data))
            places.append(place)
        yield number, without_undone(life, places)


def _stream(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    return iter(connection.execute(query, execution_options={"yield_per": AT_ONCE}))


def lived(since: datetime, until: datetime) -> Select[Any]:
    """Select the numbers of tickets to which something happened then, or which were open at the beginning."""
    touched = select(events.c.ticket).where(events.c.at >= since, events.c.at < until)
    live = [status.value for status in Status if status not in OVER]
    # Closed or merged since then without a trace in between, where the report is about long ago.
    over = and_(tickets.c.status == Status.CLOSED.value, tickets.c.closed_at >= until)
    standing = select(tickets.c.number).where(
        tickets.c.opened_at < since,
        or_(tickets.c.status.in_(live), over, tickets.c.status == Status.MERGED.value),
    )
    return select(union(touched, standing).subquery().c[0])


def acknowledgements(connection: Connection, since: datetime, until: datetime) -> Iterator[Acknowledged]:
    """Read the acknowledgements of mails received in [since, until), without suppressed ones.

    The moment when the relay took it counts, however often it was tried.
    """
    query = select(outbox.c.requested_at, outbox.c.settled_at, outbox.c.state).where(
        outbox.c.kind == "acknowledgement",
        outbox.c.requested_at >= since,
        outbox.c.requested_at < until,
        outbox.c.state != OutboxState.SUPPRESSED,
    )
    for requested_at, settled_at, state in _stream(connection, query):
        yield requested_at, settled_at if state == OutboxState.SENT else None


def report(
    connection: Connection, period: Period, policy: Policy, made_at: datetime, team: str = ""
) -> Report:
    """Build the report of a period, of all teams or of one; work time is by the calendars of `policy`."""
    maker = Maker(period, partial(calendar_of, policy), team)
    before = period.before().since
    for life in lives(connection, before, period.until, KINDS):
        maker.add(*life)
    for life in openings(connection, period.before(WEEKS_BEFORE).since, before):
        maker.opened(*life)
    for line in compensations.entries(connection, period.since, period.until):
        maker.compensated(line.entry)
    if not team:  # a mail is acknowledged before anybody has it
        for received_at, left_at in acknowledgements(connection, before, period.until):
            maker.acknowledged(received_at, left_at)
    effects = _effects(connection, period.until, team)
    return replace(maker.report(made_at), actions=effects, labels=_labels(policy))


def _labels(policy: Policy) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return what people read in place of keys, for agents their names."""
    names = {agent.address: {"id": agent.name, "en": agent.name} for agent in policy.agents.values()}
    return {**policy.labels, "agent": names}


def _effects(connection: Connection, until: datetime, team: str) -> tuple[Effect, ...]:
    """Read what was done about causes, newest first, and the closings around it."""
    done = cause_actions.actions(connection, until)[-MOST_ACTIONS:]
    if not done:
        return ()
    first, causes = cause_actions.first_ticket_at(connection), {each.cause for each in done}
    since = min(each.at for each in done) - COMPARED
    closed = cause_actions.closings(connection, causes, since, until, team)
    return tuple(
        effect(
            each.cause, each.at, each.text, (at for name, at in closed if name == each.cause), first, until
        )
        for each in reversed(done)
    )


def any_before(connection: Connection, at: datetime) -> bool:
    """Check whether there was any ticket before that moment."""
    return connection.scalar(select(tickets.c.number).where(tickets.c.opened_at < at).limit(1)) is not None


def calendar_of(policy: Policy, team: str) -> Calendar:
    """Return a team's calendar; the first team's when a reload removed that team."""
    known = policy.teams.get(team) or next(iter(policy.teams.values()))
    return policy.calendars[known.calendar]


# --- rows to events ---------------------------------------------------------------------------------------

_Read = Callable[[datetime, str, str], Event]  # (at, by, data as JSON)


@lru_cache(maxsize=4096)
def _parse_strings(data: str) -> dict[str, Any]:
    """Parse data of strings and perhaps a reason, cached: the same few values come again and again."""
    values: dict[str, Any] = json.decode(data)
    if "reason" in values:
        values["reason"] = REASON.load(values["reason"])
    return values


def _reader(kind: type[Any]) -> _Read:
    hints, named = get_type_hints(kind), [each for each in fields(kind) if each.name not in ("at", "by")]
    if all(hints[each.name] in (str, Reason) for each in named):
        return lambda at, by, data: kind(at=at, by=actor_of(by), **_parse_strings(data))
    # The values alone: their JSON becomes the domain's types without a dict in between.
    values = defstruct(kind.__name__, [_typed(each, hints[each.name]) for each in named])
    decode = json.Decoder(values).decode

    def read(at: datetime, by: str, data: str) -> Event:
        try:
            found = decode(data)
        except ValueError:  # as old versions wrote it
            return event_of(kind.kind, at, by, json.decode(data))
        return kind(at, actor_of(by), *astuple(found))  # type: ignore[no-any-return]

    return read


def _typed(of: Field[Any], kind: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    return (of.name, kind) if of.default is MISSING else (of.name, kind, of.default)


# Kind -> its event from a row.
READ: dict[str, _Read] = {kind: _reader(event) for kind, event in EVENT_KINDS.items()}
