"""Mails agents the plan of their day: once a day each, from whichever node is first, never long after its time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain.day import day_plan
from mailbot.domain.day.day_plan import Approval, DayFacts
from mailbot.domain.model import Ticket
from mailbot.domain.notices import AgentWorklist
from mailbot.domain.policy import Agent, Policy
from mailbot.store import compensations, outbox
from mailbot.store.lists import worklists
from mailbot.store.service import installation
from mailbot.workers import outbox_rows
from mailbot.workers.pending_requests import chain_of, last_asked
from mailbot.workers.runtime import Deps, Snapshot, load_missing_ladders

LOOK_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Plans:
    """The mails of agents whose time has come, None for a day without anything to say."""

    mails: Sequence[tuple[str, date, AgentWorklist | None]]
    snapshot: Snapshot
    now: datetime


class Mornings:
    """The worker. Several nodes may run it: a mark for each agent's day decides which one sends."""

    name: Final = "mornings"
    stop_stage: Final = "process"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store
        self._planned: dict[str, date] = {}  # the newest day of each agent that this node knows to be done

    async def run_once(self) -> timedelta:
        snapshot, now = self._deps.runtime.snapshot, self._deps.now()
        due = [
            (agent, day)
            for agent in snapshot.policy.agents.values()
            if (day := day_plan.due_day(agent, snapshot.policy, now))
            and self._planned.get(agent.address) != day
        ]
        if due:
            plans = await self._store.read(_plan, due, snapshot, now)
            if sent := await self._store.write(_send, plans, alone=True):
                log.day_plans_queued(mails=sent)
                self._deps.wake_delivery()
            self._planned |= {agent.address: day for agent, day in due}
        return LOOK_AGAIN


def _plan(
    connection: Connection, due: Sequence[tuple[Agent, date]], snapshot: Snapshot, now: datetime
) -> _Plans:
    live = worklists.live_tickets(connection)
    snapshot = load_missing_ladders(connection, snapshot, live)
    by_owner: dict[str, list[Ticket]] = {}
    for ticket in live:
        by_owner.setdefault(ticket.assignee or "", []).append(ticket)
    facts = DayFacts(live, _approvals(connection, snapshot.policy), by_owner)
    mails = []
    for agent, day in due:
        plan = day_plan.plan(agent, facts, snapshot.policy, now)
        mails.append((agent.address, day, with_reply_addresses(plan, snapshot) if plan else None))
    return _Plans(mails, snapshot, now)


def _approvals(connection: Connection, policy: Policy) -> list[Approval]:
    """Return the open requests, each with those who were asked and have not signed."""
    found = []
    for request in compensations.open_requests(connection) if policy.authority.per_ticket else ():
        chain = chain_of(connection, request.ticket)
        if chain and (last := last_asked(connection, request, chain)):
            asked = frozenset(last.recipients) - set(request.signed)
            found.append(Approval(chain[-1], str(request.amount), asked))
    return found


def with_reply_addresses(mail: AgentWorklist, snapshot: Snapshot) -> AgentWorklist:
    """Return the list with its reader's reply address for each ticket of a mailbox that still exists."""
    boxes, keys = snapshot.policy.mailboxes, snapshot.keys
    entries = (
        replace(each, reply_to=keys.reply_address(each.mailbox, each.number, mail.to))
        if each.mailbox in boxes
        else each
        for each in mail.entries
    )
    return replace(mail, entries=tuple(entries))


def _send(connection: Connection, items: Sequence[_Plans]) -> list[int]:
    return [_send_one(connection, item) for item in items]


def _send_one(connection: Connection, plans: _Plans) -> int:
    now, rows = plans.now, []
    for agent, day, mail in plans.mails:
        if installation.mark_day(connection, f"day plan of {agent}", day, now) and mail:
            rows.append(outbox_rows.build_row(mail, plans.snapshot, now, now))
    if rows:
        outbox.enqueue(connection, rows)
    return len(rows)
