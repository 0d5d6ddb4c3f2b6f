"""The connection of a process to main: it names itself, reports when asked, and connects again by itself."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mailbot.channels.front.frames import Frame, Frames

RECONNECT = 0.05  # seconds between two tries to reach main

# What a process reports: "metrics" (`metrics_page.export`), and what is set below of it.
Report = Mapping[str, Any]


class Far(Protocol):
    """What handles the frames of a link that it does not answer itself."""

    def on_frame(self, main: Frames, frame: Frame) -> None: ...

    def on_end(self, main: Frames) -> None: ...


class Link:
    """Stays connected to main at `address` while `run` runs. `report` is called when main asks."""

    def __init__(self, address: str, name: str, report: Callable[[], Report], far: Far | None = None) -> None:
        self._address, self._name, self._report, self._far = address, name, report, far
        self._main: Frames | None = None
        self._lost = asyncio.Event()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._lost.clear()
            try:
                _, self._main = await loop.create_unix_connection(
                    lambda: Frames(self._on_frame, self._on_end), self._address
                )
            except OSError:  # its backlog is full, or the supervisor has ended
                await asyncio.sleep(RECONNECT)
                continue
            self._main.send("hello", self._name)
            await self._lost.wait()
            await asyncio.sleep(RECONNECT)

    def close(self) -> None:
        """Hang up, after what was sent has left."""
        if self._main:
            self._main.close()

    def _on_frame(self, main: Frames, frame: Frame) -> None:
        match frame:
            case ("report", int(number)):
                main.send("report", number, dict(self._report()))
            case _ if self._far:
                self._far.on_frame(main, frame)

    def _on_end(self, main: Frames) -> None:
        if self._far:
            self._far.on_end(main)
        self._lost.set()
