"""Removes what webhooks need no more: attempts and events of the feed that are a month old."""

from datetime import timedelta
from typing import Final

from mailbot.store.webhooks import states
from mailbot.store.webhooks.states import Old
from mailbot.workers.runtime import Deps

KEPT = timedelta(days=30)
EVERY = timedelta(hours=1)
TOGETHER = 2_000  # rows of each table in one transaction: some milliseconds


class WebhookCleanup:
    """The worker. Several nodes may run it: the second finds nothing. `names`: the webhooks of the configuration."""

    name: Final = "webhook_cleanup"
    stop_stage: Final = "background"

    def __init__(self, deps: Deps, names: tuple[str, ...]) -> None:
        self._deps, self._names = deps, names

    async def run_once(self) -> timedelta:
        old = Old(self._deps.now() - KEPT, self._names, TOGETHER)
        removed = await self._deps.store.write(states.remove_old, old, alone=True)
        return timedelta(seconds=1) if removed >= TOGETHER else EVERY
