"""Which node works for a channel: one at a time, so that messages keep their order and no provider is asked twice."""

import time
from collections.abc import Callable
from datetime import timedelta

from mailbot.store.channels import states
from mailbot.store.channels.states import HELD, Hold
from mailbot.store.store import Store

RENEW = HELD / 4  # so that a question of 25 s fits into what is left between two renewals
REST = timedelta(seconds=5)  # while another node has the channel


class Holder:
    """Takes a channel for this node, and keeps it. `monotonic` counts seconds."""

    def __init__(
        self, store: Store, channel: str, node: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._hold, self._monotonic = store, Hold(channel, node), monotonic
        self._renew_at = self._until = float("-inf")

    async def holds(self) -> bool:
        """Take the channel, or go on with it. Raises StoreUnavailable; until then nobody may assume to have it."""
        now = self._monotonic()
        if now < self._renew_at:
            return True
        taken = await self._store.write(states.hold, self._hold)
        self._renew_at = now + RENEW.total_seconds() if taken else float("-inf")
        self._until = now + (HELD - RENEW).total_seconds() if taken else float("-inf")
        return taken

    @property
    def seconds_left(self) -> float:
        """Return for how long the channel is ours for sure."""
        return self._until - self._monotonic()

    async def release(self) -> None:
        """Let another node have it at once."""
        self._renew_at = self._until = float("-inf")
        await self._store.write(states.release, self._hold)
