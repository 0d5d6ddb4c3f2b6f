"""Removes what has no use any more: answer limits and suppressions that are over, acts that nobody takes back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot.domain.commands.taps import VALID_FOR
from mailbot.store import rate_limits, suppressions
from mailbot.store.agents import acts, taps
from mailbot.store.channels import events
from mailbot.store.console import forms, log_ins, presence, sessions, unconfirmed_posts
from mailbot.workers.runtime import Deps

EVERY = timedelta(hours=1)
EVENTS_KEPT = timedelta(days=30)  # longer than a provider repeats one
ACTS_KEPT = timedelta(days=14)  # longer than a mail is tried


class Cleanup:
    """The worker. Several nodes may run it: the second finds nothing."""

    name: Final = "cleanup"
    stop_stage: Final = "background"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store

    async def run_once(self) -> timedelta:
        await self._store.write(_forget, self._deps.now())
        return EVERY


def _forget(connection: Connection, items: Sequence[datetime]) -> list[int]:
    return [
        rate_limits.remove_expired(connection, now)
        + suppressions.remove_expired(connection, now)
        + acts.remove_expired(connection, now - ACTS_KEPT)
        + taps.remove_expired(connection, now - 2 * VALID_FOR)
        + sessions.remove_expired(connection, now)
        + log_ins.remove_expired(connection, now)
        + forms.remove_expired(connection, now)
        + presence.remove_expired(connection, now)
        + unconfirmed_posts.remove_expired(connection, now)
        + events.delete_done(connection, [now - EVENTS_KEPT])[0]
        for now in items
    ]
