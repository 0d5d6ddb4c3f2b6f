"""Hands tickets of absent agents to colleagues, where a promise ends before they are back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain import ladder, reasons
from mailbot.domain.assignment import NEVER
from mailbot.domain.day import absence, day_plan
from mailbot.domain.day.absence import HandOver
from mailbot.domain.model import Direction
from mailbot.domain.notices import AgentWorklist
from mailbot.domain.notify import language_of
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import LABEL, Reason
from mailbot.mail.compose.template_values import LANGUAGES
from mailbot.mail.compose.times import local_time
from mailbot.store import conversation, outbox, tickets
from mailbot.store.lists import worklists
from mailbot.workers import outbox_rows
from mailbot.workers.day.mornings import with_reply_addresses
from mailbot.workers.loop import process_isolating_failures
from mailbot.workers.runtime import Deps, load_missing_ladders
from mailbot.workers.ticket_context import Draft

LOOK_AGAIN = timedelta(seconds=30)
EXCERPT = 300  # characters of the customer's newest message


class Absences:
    """The worker. Several nodes may run it: a ticket that another hands over is locked, or has a new owner."""

    name: Final = "absences"
    stop_stage: Final = "process"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store

    async def run_once(self) -> timedelta:
        absent = absence.absences(self._deps.runtime.policy, self._deps.now())
        if absent and (numbers := await self._store.read(self._find, absent)):
            await process_isolating_failures(numbers, self._hand_over, self._log_failure)
        return LOOK_AGAIN

    def _find(self, connection: Connection, absent: dict[str, datetime]) -> list[str]:
        """Return the tickets that can go to somebody else."""
        live = [ticket for agent in absent for ticket in worklists.live_tickets(connection, agent)]
        snapshot = load_missing_ladders(connection, self._deps.runtime.snapshot, live)
        policy, now, loads = snapshot.policy, self._deps.now(), snapshot.agent_loads.loads
        moving = (ticket for ticket in live if absence.must_move(ticket, absent, policy))
        return [each.number for each in moving if absence.find_colleague(each, absent, policy, now, loads)]

    async def _hand_over(self, numbers: Sequence[str]) -> None:
        if count := await self._store.write(self._record, tuple(numbers), alone=True):
            log.absent_agents_relieved(tickets=count)
            self._deps.wake_delivery()

    async def _log_failure(self, number: str, error: Exception) -> None:
        log.hand_over_failed(number=number, error=error)

    def _record(self, connection: Connection, items: Sequence[Sequence[str]]) -> list[int]:
        return [self._record_batch(connection, numbers) for numbers in items]

    def _record_batch(self, connection: Connection, numbers: Sequence[str]) -> int:
        now = self._deps.now()
        loaded = tickets.load_free(connection, numbers)
        snapshot = load_missing_ladders(connection, self._deps.runtime.snapshot, loaded.values())
        policy, loads = snapshot.policy, snapshot.agent_loads
        loads.refresh(connection, policy)
        absent = absence.absences(policy, now)
        moves: dict[str, list[HandOver]] = {}
        for ticket in loaded.values():
            if not absence.must_move(ticket, absent, policy):
                continue
            if move := absence.find_colleague(ticket, absent, policy, now, loads.loads):
                moves.setdefault(move.agent.address, []).append(move)
                loads.add(ticket, replace(ticket, assignee=move.agent.address, assigned_at=now))
        drafts = [
            Draft(move.ticket, absence.hand_over(move, policy, now, notified_apart=len(own) > 1))
            for own in moves.values()
            for move in own
        ]
        tickets.record(connection, outbox_rows.build_all(connection, drafts, snapshot, now))
        lists = [
            _list(own, policy, now, _excerpts(connection, own)) for own in moves.values() if len(own) > 1
        ]
        rows = [
            outbox_rows.build_row(with_reply_addresses(each, snapshot), snapshot, now, now) for each in lists
        ]
        if rows:
            outbox.enqueue(connection, rows)
        return len(drafts)


def _excerpts(connection: Connection, moves: Sequence[HandOver]) -> dict[str, str]:
    """Return the beginning of each customer's newest message."""
    found: dict[str, str] = {}
    for each in conversation.newest_entries(connection, {move.ticket.number for move in moves}):
        if each.entry.direction is Direction.IN:
            found.setdefault(each.ticket, each.entry.text[:EXCERPT])
    return found


def _list(
    moves: Sequence[HandOver], policy: Policy, now: datetime, excerpts: Mapping[str, str]
) -> AgentWorklist:
    """Return one mail about all tickets that go to an agent, those of one absent colleague together."""
    agent = moves[0].agent
    promised = [(move.owner.name, ladder.promised_at(move.ticket, policy) or NEVER, move) for move in moves]
    entries = [
        replace(
            day_plan.entry(move.ticket, _heading(move, policy, now), at),
            excerpt=excerpts.get(move.ticket.number, ""),
        )
        for _, at, move in sorted(promised, key=lambda each: each[:2])
    ]
    return AgentWorklist(
        number="",
        mailbox=day_plan.mailbox_of(entries, policy),
        to=agent.address,
        language=language_of(agent),
        title=reasons.of("handed_to_you", count=len(entries)),
        entries=tuple(entries[: day_plan.MOST]),
        older=max(0, len(entries) - day_plan.MOST),
    )


def _heading(move: HandOver, policy: Policy, now: datetime) -> Reason:
    """Say until when the colleague is away, with the time as people read it."""
    zone = policy.agent_calendars[move.agent.address].zone
    until = Reason(LABEL, {each: local_time(move.back, each, zone, now) for each in LANGUAGES})
    return reasons.of("away_until", agent=move.owner.name, until=until)
