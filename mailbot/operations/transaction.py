"""How every command becomes one transaction: load with locks, decide by one snapshot, record.

Theory of operation. A command never sees half of a reload: the snapshot is taken once, when its transaction
begins. Who changed a ticket between the load and the record makes the store raise Outdated, and then the
command is decided again on what the ticket is by now.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from mailbot.store import tickets
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime
from mailbot.workers.transaction import Transaction

R = TypeVar("R")
Decide = Callable[[Transaction], R]


def transact(store: Store, runtime: Runtime, now: datetime, decide: Decide[R]) -> R:
    """Run `decide` in a transaction of its own, in the caller's thread, and return its result.

    Raises Outdated when others were first several times in a row.
    """
    return tickets.decide_now(store, _attempt(runtime, now), decide)


async def transact_in_turn(store: Store, runtime: Runtime, now: datetime, decide: Decide[R]) -> R:
    """Do the same on the store's own thread: inside the daemon, mail that waits for its commit comes first."""
    return await tickets.decide_in_turn(store, _attempt(runtime, now), decide)


def _attempt(runtime: Runtime, now: datetime) -> Callable[[Connection, Decide[R]], R]:
    def attempt(connection: Connection, decide: Decide[R]) -> R:
        return decide(Transaction(connection, runtime.snapshot, now))

    return attempt
