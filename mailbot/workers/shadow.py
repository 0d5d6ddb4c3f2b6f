"""Routes each new ticket by the shadow policy too, and records where it differs from the policy in force.

Theory of operation. Nothing here is on the path of a mail. A ticket is enqueued after its commit and examined
on a thread of its own. When tickets come faster than that, some are left out and counted as missed. After a
fault the worker does nothing until another shadow policy is put in its place.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.analysis.replay import without_content
from mailbot.domain.events import TicketRouted
from mailbot.domain.model import CustomerHistory
from mailbot.domain.people.customer import customer_of
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review.policy_diff import (
    Case,
    Change,
    compare_placements,
    place_mail,
    recorded_placement,
)
from mailbot.domain.routing.conditions import STORE_FIELDS
from mailbot.store import customer_history
from mailbot.store.service import shadows
from mailbot.workers.inbound.arrival import Processed
from mailbot.workers.runtime import Deps

BATCH = 200
MOST_WAITING = 2_000  # tickets
ROOM = 8_000_000  # characters that the mails of waiting tickets may have in all
IDLE = timedelta(seconds=1)  # tickets that gather within it share a transaction


class Shadow:
    """The worker. Intake calls `enqueue`, a reload calls `replace_policy` (None: there is no shadow
    policy).
    """

    name: Final = "shadow"
    stop_stage: Final = "background"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store
        self._policy: Policy | None = None
        self._at_work: Policy | None = None  # set at the start of a turn: the last turn failed
        self._waiting: list[Case] = []
        self._room, self._missed = ROOM, 0

    def replace_policy(self, policy: Policy | None) -> None:
        self._policy, self._room, self._missed = policy, ROOM, 0
        self._waiting.clear()

    def enqueue(self, processed: Processed) -> None:
        """Take a mail that opened a ticket, after its commit."""
        if self._policy is None or processed.before is not None:
            return
        decision = processed.decided.decision
        routed = next((event for event in decision.events if isinstance(event, TicketRouted)), None)
        if routed is None or routed.customer_history is None:
            return
        mail = without_content(processed.mail)
        size = len(mail.text) + len(mail.visible) + len(mail.new_body or "") + len(mail.footer)
        if len(self._waiting) >= MOST_WAITING or size > self._room:
            self._missed += 1
            return
        self._room -= size
        number, version = decision.ticket.number, processed.snapshot.policy.version
        envelope, history = processed.claimed.envelope, routed.customer_history
        self._waiting.append(Case(number, routed.at, mail, envelope, history, routed, version))

    async def run_once(self) -> timedelta | float:
        policy, cases, missed = self._policy, self._waiting[:BATCH], self._missed
        del self._waiting[:BATCH]
        self._missed = 0
        if not self._waiting:
            self._room = ROOM
        if policy is None or policy is self._at_work or not (cases or missed):
            return IDLE
        cases, in_force = await self._complete(cases, policy), self._deps.runtime.policy
        self._at_work = policy  # the loop logs a fault, once
        changes = await asyncio.to_thread(_changes, cases, policy, in_force)
        self._at_work = None
        await self._record(cases, changes, missed, policy)
        return 0 if self._waiting else IDLE

    async def _complete(self, cases: Sequence[Case], policy: Policy) -> list[Case]:
        """Add what this policy needs from the store and the one in force did not."""
        if STORE_FIELDS.isdisjoint(policy.asked_fields):
            return list(cases)
        return [
            replace(case, customer_history=await self._store.read(_history, (case, policy))) for case in cases
        ]

    async def _record(
        self, cases: Sequence[Case], changes: Sequence[Change], missed: int, policy: Policy
    ) -> None:
        self._deps.metrics.shadow.labels("agreed").inc(len(cases) - len(changes))
        self._deps.metrics.shadow.labels("differed").inc(len(changes))
        self._deps.metrics.shadow.labels("missed").inc(missed)
        for change in changes:
            log.shadow_differs(
                number=change.name, kind=change.kind, rule=change.old_rule, shadow_rule=change.new_rule
            )
        versions = {case.name: case.policy for case in cases}
        for version in dict.fromkeys([*versions.values()] or [self._deps.runtime.policy.version]):
            differing = [change for change in changes if versions[change.name] == version]
            agreed = sum(case.policy == version for case in cases) - len(differing)
            looked = shadows.ShadowResult(
                policy.version, version, self._deps.now(), agreed, missed, differing
            )
            await self._store.write(shadows.add_result, looked)
            missed = 0


def _changes(cases: Sequence[Case], policy: Policy, in_force: Policy) -> list[Change]:
    changes = []
    for case in cases:
        assert case.routed
        decided_by = in_force if in_force.version == case.policy else None
        if change := compare_placements(
            case, recorded_placement(case.routed, decided_by), place_mail(policy, case)
        ):
            changes.append(change)
    return changes


def _history(connection: Connection, wanted: tuple[Case, Policy]) -> CustomerHistory:
    case, policy = wanted
    customer = customer_of(case.mail, case.envelope, policy)
    return customer_history.recalled(connection, customer, case.name, case.at, case.customer_history)
