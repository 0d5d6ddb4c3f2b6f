"""Opens incidents, joins their complaints, reports how they grow, answers all when they are over.

Theory of operation. Each turn reads what other nodes opened, then does what is due, in transactions of their
own. Incidents are opened under one lock of the database, so that a storm over several nodes makes one. What is
left to do is read from the store each time: a turn that was cut off is taken up by the next, on any node.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain import reasons
from mailbot.domain.incidents import complaints, incident
from mailbot.domain.incidents.window import DAY, Complaint, Rise
from mailbot.domain.incidents.words import significant_words
from mailbot.domain.model import Direction, Role, Ticket
from mailbot.store import incidents, queries, tickets
from mailbot.store.codec import REASON
from mailbot.store.incidents import Incident, Opened
from mailbot.store.tickets import Message
from mailbot.workers import outbox_rows
from mailbot.workers.incidents import resolution
from mailbot.workers.incidents.watch import StormWatch
from mailbot.workers.loop import process_isolating_failures
from mailbot.workers.runtime import Deps, Snapshot, load_missing_ladders
from mailbot.workers.ticket_context import Draft
from mailbot.workers.ticket_numbers import draw_numbers

LOOK_AGAIN = timedelta(seconds=0.5)
IDLE = timedelta(seconds=5)  # where no mailbox has incidents
OVERLAP = timedelta(seconds=10)  # a transaction may commit that much later than it was dated
MOST_READ = 5_000  # complaints
CHUNK = 200  # complaints that join in one transaction
LATE = timedelta(minutes=10)  # how long after its end a complaint may still join, decided by a node that lags
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class _Step:
    """One transaction of the worker."""

    snapshot: Snapshot
    now: datetime


@dataclass(frozen=True, slots=True)
class _Opening(_Step):
    rise: Rise


@dataclass(frozen=True, slots=True)
class _Joining(_Step):
    incident: Incident
    complaints: Sequence[Complaint]


@dataclass(frozen=True, slots=True)
class _Reporting(_Step):
    """`last`: nothing is reported after that."""

    number: str
    last: bool = False


class Incidents:
    """The worker. Several nodes may run it."""

    name: Final = "incidents"
    stop_stage: Final = "process"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store
        self._read_until: datetime | None = None
        self._read: dict[str, str | None] = {}  # number -> incident, of the tickets of the last read
        self._failed: set[str] = set()  # complaints that our code fails on: they went to a person

    async def run_once(self) -> timedelta | float:
        snapshot, now = self._deps.runtime.snapshot, self._deps.now()
        known = await self._store.read(incidents.not_done)
        boxes = [address for address, box in snapshot.policy.mailboxes.items() if box.incident]
        if not boxes and not known:
            snapshot.storms.know(())
            return IDLE
        opened = [each for each in known if not each.resolved_at]
        await self._learn(snapshot, opened, boxes, now)
        for rise in snapshot.storms.rises(now):
            await self._write(_open, _Opening(snapshot, now, rise))
        for each in opened:
            await self._join(snapshot, each, now)
        for each in known:
            if incident.is_report_due(each.opened_at, each.reported_at, now):
                await self._write(_report, _Reporting(snapshot, now, each.number))
        resolved = [each for each in known if _is_final(each, snapshot, now)]
        is_busy = [await self._answer(snapshot, each, now) for each in resolved]
        return 0 if any(is_busy) else LOOK_AGAIN

    async def _learn(
        self, snapshot: Snapshot, opened: Sequence[Incident], boxes: Sequence[str], now: datetime
    ) -> None:
        """Read what other nodes know: open incidents, and the complaints that they took."""
        storms = snapshot.storms
        for number in storms.know(opened):
            storms.add_people(number, await self._store.read(incidents.people_of, number))
        longest = max((_period(snapshot, box) for box in boxes), default=timedelta())
        since = self._read_until - OVERLAP if self._read_until else now - DAY - longest
        listed = await self._store.read(incidents.opened_since, boxes, since, MOST_READ) if boxes else []
        # Each turn lists the tickets of the last seconds again: words are read of what is new here alone.
        new = [each.number for each in listed if self._is_new(each, storms)]
        for complaint, joined in await self._store.read(_complaints, new) if new else []:
            rule = snapshot.policy.mailboxes[complaint.mailbox].incident
            if rule:
                storms.add(complaint, rule.after, joined)
        self._read = {each.number: each.incident for each in listed}
        latest = max((each.opened_at for each in listed), default=self._read_until or since + OVERLAP)
        self._read_until = latest
        storms.ready = True

    def _is_new(self, each: Opened, storms: StormWatch) -> bool:
        """Check for a ticket that neither intake of this node nor an earlier turn took over as it is now."""
        if each.number in self._read:
            return self._read[each.number] != each.incident
        return each.incident is not None or not storms.counts(each.number)

    async def _join(self, snapshot: Snapshot, each: Incident, now: datetime) -> None:
        """Join the complaints that came before the incident was known."""
        found = snapshot.storms.to_join(each, snapshot.policy, now)
        for start in range(0, len(found), CHUNK):
            chunk = found[start : start + CHUNK]
            joined, others = await self._store.write(_join, _Joining(snapshot, now, each, chunk), alone=True)
            mine = [complaint for complaint in chunk if complaint.number in joined]
            snapshot.storms.see_to(each, mine, others)

    async def _answer(self, snapshot: Snapshot, each: Incident, now: datetime) -> bool:
        """Answer some complaints of an incident that is over. Return whether there may be more."""
        number = each.number
        left = await self._store.read(incidents.live, number, resolution.PEOPLE, self._failed)
        if left:

            async def answer(chunk: Sequence[str]) -> None:
                await self._write(resolution.answer, resolution.Answering(snapshot, now, number, chunk))

            async def park(ticket: str, error: Exception) -> None:
                self._failed.add(ticket)
                self._deps.metrics.parked.inc()
                log.complaint_parked(number=ticket, incident=number, error=error)
                await self._write(resolution.release, resolution.Answering(snapshot, now, number, [ticket]))

            await process_isolating_failures(left, answer, park)
        elif each.resolved_at and each.resolved_at + LATE <= now:
            await self._write(_report, _Reporting(snapshot, now, number, last=True))
        return bool(left)

    async def _write(self, op, item) -> None:  # type: ignore[no-untyped-def]
        if await self._store.write(op, item, alone=True):
            self._deps.wake_delivery()


def _is_final(each: Incident, snapshot: Snapshot, now: datetime) -> bool:
    """Check for an incident that is over, and whose end can't be taken back any more."""
    box = snapshot.policy.mailboxes.get(each.mailbox)
    undo = box.undo if box else timedelta()
    return each.resolved_at is not None and each.resolved_at + undo <= now


def _period(snapshot: Snapshot, box: str) -> timedelta:
    rule = snapshot.policy.mailboxes[box].incident
    return rule.after.period if rule else timedelta()


def _complaints(connection: Connection, numbers: Sequence[str]) -> list[tuple[Complaint, str | None]]:
    """Read tickets as complaints with the incidents that they belong to."""
    return [
        (
            Complaint(
                each.number,
                each.mailbox,
                each.category,
                each.person,
                each.opened_at,
                significant_words(each.subject, each.text),
            ),
            each.incident,
        )
        for each in incidents.load_new(connection, numbers)
        if complaints.may_be_folded(each.priority, each.urgency, each.tags)
    ]


# --- transactions -----------------------------------------------------------------------------------------


def _open(connection: Connection, items: Sequence[_Opening]) -> list[bool]:
    return [_open_one(connection, item) for item in items]


def _open_one(connection: Connection, item: _Opening) -> bool:
    """Open an incident, unless another node was first. Return whether there is mail to send."""
    incidents.lock(connection)
    place = item.rise.complaints[-1].place
    for each in incidents.not_done(connection):
        if (each.mailbox, each.category) == place and not each.resolved_at and each.words & item.rise.words:
            # The same storm, seen by another node or in other words: a second language, most of all.
            incidents.add_words(connection, each.number, item.rise.words)
            return False
    there = tickets.used_numbers(connection, [each.number for each in item.rise.complaints])
    stored = [each for each in item.rise.complaints if each.number in there]
    box = item.snapshot.policy.mailboxes[place[0]]
    if box.incident is None or len({each.person for each in stored}) < box.incident.after.count:
        return False  # some were decided, and rolled back
    like = queries.ticket(connection, stored[-1].number)
    assert like is not None
    (number,) = draw_numbers(connection, [box])
    snapshot = load_missing_ladders(connection, item.snapshot, [like])
    snapshot.agent_loads.refresh(connection, snapshot.policy)
    loads = snapshot.agent_loads.loads
    decision = incident.open_incident(number, item.rise, like, loads, snapshot.policy, item.now)
    snapshot.agent_loads.add(None, decision.ticket)
    nobody = (("", Role.CUSTOMER.value),)  # a ticket without participants counts as none
    draft = Draft(None, decision, _examples(connection, stored, item.now), participants=nobody)
    tickets.record(connection, outbox_rows.build_all(connection, [draft], snapshot, item.now))
    log.incident_opened(number=number, category=like.category, complaints=item.rise.people)
    return True


def _examples(connection: Connection, found: Sequence[Complaint], now: datetime) -> Message:
    """Return a note with the beginnings of some complaints: who is paged reads what it is about."""
    parts = []
    for complaint in found[-EXAMPLES:]:
        texts = queries.messages_of(connection, complaint.number, longest=300)
        first = texts[0] if texts else None
        if first:
            parts.append(f"{complaint.number}: {first.subject}\n{first.text.strip()}")
    text = "\n\n".join(parts)
    evidence = {"reason": REASON.dump(reasons.of("similar_complaint"))}
    return Message(now, Direction.NOTE, "mailbot", "", text, text, evidence=evidence)


def _join(connection: Connection, items: Sequence[_Joining]) -> list[tuple[set[str], set[str]]]:
    return [_join_some(connection, item) for item in items]


def _join_some(connection: Connection, item: _Joining) -> tuple[set[str], set[str]]:
    """Join complaints to their incident. Return the numbers of those that belong to one, and of the others."""
    loaded = tickets.load_free(connection, [each.number for each in item.complaints])
    once = incidents.ever_joined(connection, loaded)
    joining = [each for number, each in loaded.items() if number not in once and complaints.may_join(each)]
    numbers = [ticket.number for ticket in joining]
    belong = {number for number, each in loaded.items() if each.incident} | set(numbers)
    others = set(loaded) - belong
    if not joining:
        return belong, others
    snapshot = load_missing_ladders(connection, item.snapshot, joining)
    drafts = [
        Draft(ticket, complaints.joined(ticket, item.incident.number, snapshot.policy, item.now))
        for ticket in joining
    ]
    tickets.record(connection, outbox_rows.build_all(connection, drafts, snapshot, item.now))
    incidents.withhold_notices(connection, numbers, item.incident.number, item.now)
    return belong, others


def _report(connection: Connection, items: Sequence[_Reporting]) -> list[bool]:
    return [_report_one(connection, item) for item in items]


def _report_one(connection: Connection, item: _Reporting) -> bool:
    """Report what came since the last time, if no other node did. Return whether there is mail to send."""
    ticket = tickets.load(connection, [item.number])[item.number]
    found = next((each for each in incidents.not_done(connection) if each.number == item.number), None)
    if found is None:
        return False
    if not item.last and not incident.is_report_due(found.opened_at, found.reported_at, item.now):
        return False
    total = incidents.count(connection, item.number)
    again = tuple(incidents.wrote_again(connection, item.number, found.reported_at))
    growth = incident.Growth(found.opened_at, found.reported_at, found.reported, total, again)
    is_reported = _record_report(connection, ticket, growth, item)
    incidents.mark_reported(connection, item.number, item.now, total)
    if item.last:
        incidents.mark_done(connection, item.number, item.now)
    return is_reported


def _record_report(connection: Connection, ticket: Ticket, growth: incident.Growth, item: _Reporting) -> bool:
    snapshot = load_missing_ladders(connection, item.snapshot, [ticket])
    decision = incident.report(ticket, growth, snapshot.policy, item.now)
    if decision.events:
        drafts = [Draft(ticket, decision)]
        tickets.record(connection, outbox_rows.build_all(connection, drafts, snapshot, item.now))
    return bool(decision.events)
