"""Says that this node lives, and takes over what dead nodes held."""

from collections.abc import Callable
from datetime import timedelta

from mailbot import log
from mailbot.store import nodes
from mailbot.store.store import Store

EVERY = timedelta(seconds=10)  # a sixth of what a node may be silent


class Heartbeat:
    """The worker. `wake` is called when rows came free."""

    name = "heartbeat"

    def __init__(self, store: Store, node: str, wake: Callable[[], None]) -> None:
        self._store, self._node, self._wake = store, node, wake

    async def run_once(self) -> timedelta:
        freed = await self._store.write(nodes.beat, self._node)
        if freed:
            log.claims_released(node=self._node, rows=freed)
            self._wake()
        return EVERY
