"""One transaction around a command about compensation: lock the ledger, decide on what it says, record."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain.commands import Compensation
from mailbot.domain.compensation.authority import windows
from mailbot.domain.compensation.requests import Actor, Ruling, on_compensation
from mailbot.store import compensations, tickets
from mailbot.store.store import Store
from mailbot.workers.outbox_rows import outcome
from mailbot.workers.runtime import Live


@dataclass(frozen=True, slots=True)
class Wanted:
    number: str
    command: Compensation
    actor: Actor
    now: datetime


def compensate(store: Store, live: Live, wanted: Wanted) -> Ruling | str | None:
    """What it led to, recorded; the refusal in words; None when there is no such ticket."""
    return tickets.decide_now(store, lambda connection, item: apply(connection, item, live), wanted)


def apply(connection: Connection, wanted: Wanted, live: Live) -> Ruling | str | None:
    """The same inside a transaction of the caller's, which has locked no ticket yet."""
    compensations.lock(connection)
    ticket = tickets.load(connection, [wanted.number]).get(wanted.number)
    if ticket is None:
        return None
    policy = live.policy
    facts = compensations.facts(connection, ticket, windows(policy, wanted.now))
    ruling = on_compensation(ticket, wanted.command, wanted.actor, facts, policy, wanted.now)
    if isinstance(ruling, Ruling):
        tickets.record(connection, [outcome(ticket, ruling.decision, live, wanted.now)])
        compensations.append(connection, ruling.entries)
    return ruling
