"""What main knows of the processes beside it: whether they run, what they report, and one page for all of them."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

from prometheus_client import CollectorRegistry

from mailbot.channels.front.link import Link, Report
from mailbot.channels.front.server import FrontServer
from mailbot.metrics_page import export, of_processes, write_page
from mailbot.workers.health.troubles import Code, Trouble

EVERY = timedelta(seconds=5)
DOWN = 10.0  # seconds after which a process that does not run is a trouble; most are back before


class Others:
    """The worker that asks them, and what answers from its memory. `name` is the process that we are."""

    name: Final = "processes"
    stop_stage: Final = "background"

    def __init__(self, server: FrontServer, me: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._server, self._me, self._monotonic = server, me, monotonic
        self.state: list[dict[str, Any]] = []  # see `Supervisor.state`
        self._down_since: dict[str, float] = {}

    def note(self, state: bytes) -> None:
        """Note the supervisor's state of all processes."""
        self.state, now = json.loads(state), self._monotonic()
        down = {each["name"] for each in self.state if not each["ready"]}
        self._down_since = {name: self._down_since.get(name, now) for name in down}

    async def run_once(self) -> timedelta:
        await self._server.ask()
        return EVERY

    refresh = run_once

    @property
    def sessions(self) -> int:
        """Return how many sessions fronts and nodes have open."""
        return sum(report["sessions"] for report in self._server.reports.values())

    def troubles(self) -> Iterator[Trouble]:
        """Name what they report, and who does not run."""
        for name, report in self._server.reports.items():
            for code, text in report["troubles"]:
                yield Trouble(Code(code), f"{name}: {text}")
        fronts = [each["ready"] for each in self.state if each["name"].startswith("front")]
        if fronts and not any(fronts):
            yield Trouble(
                Code.NO_FRONT, "no front process runs, so no mail is accepted: the log has the reason"
            )
        for name, since in self._down_since.items():
            if (seconds := self._monotonic() - since) > DOWN:
                down = f"the process {name} has not run for {seconds:.0f} s"
                yield Trouble(Code.PROCESS_DOWN, f"{down}: the log says why, under `process_restarts`")

    def write_page(self, registry: CollectorRegistry) -> bytes:
        """Write the page of all processes, for Prometheus."""
        reports = {name: report["metrics"] for name, report in self._server.reports.items()}
        more = of_processes(self.state, {self._me: export(registry), **reports})
        return write_page(registry, reports.values(), more)


class MainLink:
    """The service of a node beside main that reports to it."""

    name: Final = "main link"
    stop_stage: Final = "background"

    def __init__(self, address: str, me: str, report: Callable[[], Report]) -> None:
        self._link = Link(address, me, report)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._link.run())

    async def stop(self, span: timedelta) -> None:
        if self._task:
            self._task.cancel()
        self._link.close()
