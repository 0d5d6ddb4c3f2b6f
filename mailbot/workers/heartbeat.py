"""Records that this node is alive, and releases what dead nodes had claimed."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from mailbot import log
from mailbot.store.service import nodes
from mailbot.store.store import Store
from mailbot.workers.health.store_probe import StoreProbe

EVERY = timedelta(seconds=5)  # a twelfth of the silence after which a node counts as dead
# So long it must have beaten itself before it takes another for dead. After a trouble of the database that all met,
# all are silent, and each needs time for its first beat: its loop may be at rest for 15 s.
JUDGES_AFTER = 30.0
GAP = 25.0  # seconds between two beats that count as one life


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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._node, self._wake, self._monotonic = store, node, wake, monotonic
        self._probe = probe or StoreProbe()
        self._beats_since = self._beat_at = monotonic()

    async def run_once(self) -> timedelta:
        now = self._monotonic()
        if now - self._beat_at > GAP:
            self._beats_since = now
        beat = nodes.Beat(self._node(), now - self._beats_since >= JUDGES_AFTER)
        with self._probe.measure():
            released = await self._store.write(nodes.record_heartbeat, beat)
        self._beat_at = self._monotonic()
        if released:
            log.claims_released(node=beat.node.id, rows=released)
            self._wake()
        return EVERY
