"""A policy that only looks on: each new ticket routed by it as well, what it says otherwise is recorded.

Nothing here is on the way of a mail. It is told of a ticket after the commit, does its work on a thread of
its own, leaves tickets out when they come faster than it can look, and after a fault of its own stays silent
until another policy is put in its place.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mailbot import log
from mailbot.analysis.replay import light
from mailbot.domain.decisions import customer_of
from mailbot.domain.events import TicketRouted
from mailbot.domain.model import CustomerHistory
from mailbot.domain.policy import Policy
from mailbot.domain.policy_diff import Case, Change, compared, placed, recorded
from mailbot.domain.routing.conditions import LOOKED_UP
from mailbot.metrics import Metrics
from mailbot.store import customer_history, shadows
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime
from mailbot.workers.ticketing import Processed

AT_ONCE = 200
WAITING = 2_000  # tickets that may wait to be looked at
ROOM = 8_000_000  # characters that their mails may have, all together
IDLE = timedelta(seconds=1)  # nobody waits for it: what gathers meanwhile shares a transaction


class Shadow:
    """The worker. `saw` is for intake, `take` puts another policy in place (None: nobody looks on)."""

    name = "shadow"

    def __init__(self, store: Store, runtime: Runtime, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._store, self._runtime, self._metrics, self._now = store, runtime, metrics, now
        self._policy: Policy | None = None
        self._at_work: Policy | None = None  # still set when a turn begins: it failed the last time
        self._waiting: list[Case] = []
        self._room, self._missed = ROOM, 0

    def take(self, policy: Policy | None) -> None:
        self._policy, self._room, self._missed = policy, ROOM, 0
        self._waiting.clear()

    def saw(self, filed: Processed) -> None:
        """A mail was filed, and committed."""
        if self._policy is None or filed.before is not None:
            return
        routed = next((e for e in filed.decided.decision.events if isinstance(e, TicketRouted)), None)
        if routed is None or routed.customer_history is None:
            return
        mail = light(filed.mail)
        if len(self._waiting) >= WAITING or len(mail.text) + len(mail.visible) > self._room:
            self._missed += 1
            return
        self._room -= len(mail.text) + len(mail.visible)
        number, version = filed.decided.decision.ticket.number, filed.snapshot.policy.version
        envelope, known = filed.claimed.envelope, routed.customer_history
        self._waiting.append(Case(number, routed.at, mail, envelope, known, routed, version))

    async def run_once(self) -> timedelta | float:
        policy, cases, missed = self._policy, self._waiting[:AT_ONCE], self._missed
        del self._waiting[:AT_ONCE]
        self._missed = 0
        if not self._waiting:
            self._room = ROOM
        if policy is None or policy is self._at_work or not (cases or missed):
            return IDLE
        cases, live = await self._completed(cases, policy), self._runtime.policy
        self._at_work = policy  # a fault is told by the loop, once
        changes = await asyncio.to_thread(_changes, cases, policy, live)
        self._at_work = None
        await self._record(cases, changes, missed, policy)
        return 0 if self._waiting else IDLE

    async def _completed(self, cases: Sequence[Case], policy: Policy) -> list[Case]:
        """With what this policy asks of the store and the one in force did not."""
        if LOOKED_UP.isdisjoint(policy.asked):
            return list(cases)
        return [replace(case, customer_history=await self._store.read(_recalled, case)) for case in cases]

    async def _record(
        self, cases: Sequence[Case], changes: Sequence[Change], missed: int, policy: Policy
    ) -> None:
        versions, missed_all = {case.name: case.policy for case in cases}, missed
        for live in dict.fromkeys([*versions.values()] or [self._runtime.policy.version]):
            mine = [change for change in changes if versions[change.name] == live]
            agreed = sum(version == live for version in versions.values()) - len(mine)
            await self._store.write(
                shadows.record, shadows.Looked(policy.version, live, self._now(), agreed, missed, mine)
            )
            missed = 0
        self._metrics.shadow.labels("agreed").inc(len(cases) - len(changes))
        self._metrics.shadow.labels("differed").inc(len(changes))
        self._metrics.shadow.labels("missed").inc(missed_all)
        for change in changes:
            log.shadow_differs(
                number=change.name, kind=change.kind, rule=change.old_rule, shadow_rule=change.new_rule
            )


def _changes(cases: Sequence[Case], policy: Policy, live: Policy) -> list[Change]:
    found = []
    for case in cases:
        assert case.routed
        decided_by = live if live.version == case.policy else None
        if change := compared(case, recorded(case.routed, decided_by), placed(policy, case)):
            found.append(change)
    return found


def _recalled(connection: Connection, case: Case) -> CustomerHistory:
    customer = customer_of(case.mail, case.envelope)
    return customer_history.recalled(connection, customer, case.name, case.at, case.customer_history)
