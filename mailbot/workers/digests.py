"""Sends the collected notices of agents with `notify: digest`: one mail to each when its time has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain import ladder, notify
from mailbot.domain.model import OVER, Ticket
from mailbot.domain.notices import Bulletin
from mailbot.domain.policy import Policy
from mailbot.mail.compose.digest import DigestTicket, digest
from mailbot.store import digests, outbox, tickets
from mailbot.store.digests import DigestItem
from mailbot.workers import outbox_rows
from mailbot.workers.runtime import Deps, Snapshot, load_missing_ladders

LOOK_AGAIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Flush:
    snapshot: Snapshot
    now: datetime


class Digests:
    """The worker. Several nodes may run it: each collected notice is taken by one."""

    name: Final = "digests"
    stop_stage: Final = "process"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store

    async def run_once(self) -> timedelta:
        snapshot, now = self._deps.runtime.snapshot, self._deps.now()
        if _due(await self._store.read(digests.waiting_since), snapshot.policy, now):
            sent = await self._store.write(_flush, _Flush(snapshot, now), alone=True)
            if sent:
                log.digests_queued(mails=sent)
                self._deps.wake_delivery()
        return LOOK_AGAIN


def _due(since: dict[str, datetime], policy: Policy, now: datetime) -> list[str]:
    """Return the agents whose time has come, and all who left or want each notice at once now."""
    spans = {address: agent.notify for address, agent in policy.agents.items()}
    return [address for address, at in since.items() if at + spans.get(address, timedelta()) <= now]


def _flush(connection: Connection, items: Sequence[_Flush]) -> list[int]:
    return [_send(connection, item.snapshot, item.now) for item in items]


def _send(connection: Connection, snapshot: Snapshot, now: datetime) -> int:
    due = _due(digests.waiting_since(connection), snapshot.policy, now)
    taken = digests.take(connection, due)
    loaded = tickets.load(connection, {item.ticket for item in taken})
    snapshot = load_missing_ladders(connection, snapshot, loaded.values())
    rows = []
    for agent in dict.fromkeys(item.agent for item in taken):
        if agent not in snapshot.policy.agents:
            continue
        listed = _tickets([item for item in taken if item.agent == agent], loaded, snapshot)
        if listed:
            rows.append(outbox_rows.build_row(_mail(agent, listed, loaded, snapshot), snapshot, now, now))
    if rows:
        outbox.enqueue(connection, rows)
    return len(rows)


def _tickets(
    items: Sequence[DigestItem], loaded: dict[str, Ticket], snapshot: Snapshot
) -> list[DigestTicket]:
    """Join what was collected for one agent, in the order in which it began; closed tickets are left out."""
    found = []
    for number in dict.fromkeys(item.ticket for item in items):
        ticket = loaded[number]
        own = [item for item in items if item.ticket == number]
        if ticket.status in OVER or ticket.mailbox not in snapshot.policy.mailboxes:
            continue
        found.append(
            DigestTicket(
                number=number,
                subject=ticket.subject,
                customer=ticket.customer,
                why=tuple(dict.fromkeys(item.why for item in own)),
                promised_at=ladder.promised_at(ticket, snapshot.policy),
                excerpt=next((item.excerpt for item in reversed(own) if item.excerpt), ""),
                reply_to=snapshot.keys.reply_address(ticket.mailbox, number, own[0].agent),
            )
        )
    return found


def _mail(
    agent: str, listed: Sequence[DigestTicket], loaded: dict[str, Ticket], snapshot: Snapshot
) -> Bulletin:
    policy = snapshot.policy
    language = notify.language_of(policy.agents[agent])
    return digest(
        listed, agent, loaded[listed[0].number].mailbox, language, policy.agent_calendars[agent].zone
    )
