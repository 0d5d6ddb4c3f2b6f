"""Records that this node is alive, and releases what dead nodes had claimed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from mailbot import log
from mailbot.store.service import nodes
from mailbot.store.store import Store
from mailbot.workers.health.store_probe import StoreProbe

EVERY = timedelta(seconds=5)  # a twelfth of the silence after which a node counts as dead


class Heartbeat:
    """The worker. `node` describes this node, in case others took it for dead. `wake` is called when rows came free.
    `probe` measures the commit: one small write every few seconds shows whether the store takes any.

    It stops last, so that no claim is taken from us.
    """

    name: Final = "heartbeat"
    stop_stage: Final = "background"

    def __init__(
        self,
        store: Store,
        node: Callable[[], nodes.Node],
        wake: Callable[[], None],
        probe: StoreProbe | None = None,
    ) -> None:
        self._store, self._node, self._wake = store, node, wake
        self._probe = probe or StoreProbe()

    async def run_once(self) -> timedelta:
        node = self._node()
        with self._probe.measure():
            released = await self._store.write(nodes.record_heartbeat, node)
        if released:
            log.claims_released(node=node.id, rows=released)
            self._wake()
        return EVERY
