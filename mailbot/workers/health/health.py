"""Watches this node: reads what only the store knows now and then, and names every trouble at once.

Theory of operation. Whoever asks is answered from memory: a store that hangs must not hang `/healthz`. A
worker reads the store's figures every few seconds; the heartbeat's commit shows whether the store takes writes.
What is cheap (disk, descriptors, sessions) is measured at each question.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from mailbot.config.model import Settings
from mailbot.metrics import Metrics
from mailbot.store import queries
from mailbot.store.queries import StoreStatus
from mailbot.store.store import Store
from mailbot.workers.health import troubles
from mailbot.workers.health.store_probe import StoreProbe
from mailbot.workers.health.troubles import Code, Space, Trouble

EVERY = timedelta(seconds=5)
SHARE = 20  # it rests so many times as long as its query took: a large backlog is not counted all the time
PATIENCE = timedelta(seconds=10)  # for the figures of the store


class Health:
    """The worker, and what answers. `stuck` names the loops whose turn does not end, `disk` is the store's directory.

    `door` returns how many sessions are open. `name_trouble` adds what others know: the delivery, an IMAP folder.
    """

    name: Final = "health"
    stop_stage: Final = "background"

    def __init__(
        self,
        store: Store,
        settings: Settings,
        probe: StoreProbe,
        *,
        stuck: Callable[[], Sequence[str]],
        disk: Path | None,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._settings, self._probe, self._now = store, settings, probe, now
        self._stuck, self._disk = stuck, disk
        self.door: Callable[[], int] | None = None
        self.of_processes: Callable[[], Iterable[Trouble]] = tuple  # beside this one, under one supervisor
        self._others: list[tuple[Code, Callable[[], str]]] = []
        self.certificate_end: Callable[[], datetime | None] = lambda: None
        self._status = StoreStatus()
        self._confirmed: dict[str, int] = {}  # stuck rows that two readings in a row found

    def name_trouble(self, code: Code, text: Callable[[], str]) -> None:
        """Ask `text` too, which returns "" while all is well."""
        self._others.append((code, text))

    async def run_once(self) -> timedelta:
        began = self._now()
        found = await self._store.read(queries.store_status, began, patience=PATIENCE)
        before, self._status = self._status.stuck, found
        self._confirmed = {place: min(count, before.get(place, 0)) for place, count in found.stuck.items()}
        return max(EVERY, SHARE * (self._now() - began))

    def stuck_loops(self) -> list[str]:
        """Name the loops that do not turn, for the watchdog too.

        While the store hangs there are none: they wait for it, and a restart would wait for it as well.
        """
        return [] if self._probe.hangs else list(self._stuck())

    def troubles(self) -> list[Trouble]:
        """Name everything that is wrong, what keeps mail from flowing first."""
        found = [*self.of_node(), *troubles.of_store(replace(self._status, stuck=self._confirmed))]
        return sorted(found, key=lambda trouble: trouble.is_remark)

    def published(self) -> list[str]:
        """Name what only this node knows, for `status` on any node."""
        return [trouble.text for trouble in self.of_node() if trouble.code in troubles.PUBLISHED]

    def of_node(self) -> Iterator[Trouble]:
        """Name what only this node knows."""
        for name in self.stuck_loops():
            yield Trouble(Code.LOOP_STUCK, f"{name} is stuck: restart mailbot")
        yield from _present(
            self._probe.trouble(),
            troubles.full_disk(self._space(), self._settings.limits.space_needed),
            troubles.full_door(self.door(), self._settings.limits.sessions) if self.door else None,
            troubles.few_descriptors(*troubles.count_descriptors()),
            troubles.ending_certificate(self.certificate_end(), self._now()),
            troubles.old_sqlite() if self._store.sqlite else None,
        )
        yield from self.of_processes()
        for code, ask in self._others:
            if text := ask():
                yield Trouble(code, text)

    def _space(self) -> Space:
        return troubles.read_space(self._disk)

    def show(self, metrics: Metrics) -> None:
        """Set the gauges of what this node knows by itself."""
        space, end = self._space(), self.certificate_end()
        metrics.store_write_seconds.set(self._probe.seconds)
        metrics.store_free.set(_number(space.free))
        metrics.store_free_inodes.set(_number(space.inodes))
        metrics.store_needed.set(self._settings.limits.space_needed if self._disk else math.nan)
        metrics.sessions.set(self.door() if self.door else 0)
        metrics.sessions_limit.set(self._settings.limits.sessions)
        metrics.certificate_end.set(end.timestamp() if end else math.nan)
        metrics.show_troubles({trouble.code for trouble in self.troubles()}, tuple(Code))


def _present(*found: Trouble | None) -> Iterable[Trouble]:
    return filter(None, found)


def _number(value: int | None) -> float:
    """Return NaN for what is not known: no alert compares with it."""
    return math.nan if value is None else value
