"""Serve the console: uvicorn in our own event loop, without its handling of signals."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import uvicorn

from mailbot import log
from mailbot.channels.stop_accepting import stop_accepting
from mailbot.console.app import build
from mailbot.console.desk import Desk
from mailbot.workers.health.http_monitor import open_port

KEEP_ALIVE = 30  # seconds that a browser's connection may rest
DRAIN = 10  # seconds for requests under way when the daemon stops
LAST = 0.5  # seconds for a request that is on its way then: a proxy on this machine brings it
MOST_AT_ONCE = 500  # connections: the descriptors that mail needs stay free


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to the daemon. `ready` is set once it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nobody more, answer those who are connected once more, then close.

        uvicorn hangs up on a connection without a request, though one may be on its way.
        """
        await stop_accepting(self.servers)
        self.server_state.default_headers.append((b"connection", b"close"))
        end = asyncio.get_running_loop().time() + LAST
        while self.server_state.connections and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ConsoleService:
    """The service behind the pages. `sockets`: listening ones in place of host and port."""

    name: Final = "console"
    stop_stage: Final = "accept"

    def __init__(self, desk: Desk, sockets: Sequence[socket.socket] = ()) -> None:
        self._desk, self._sockets = desk, list(sockets)
        self._task: asyncio.Task[None] | None = None
        self.port = desk.console.port
        config = uvicorn.Config(
            build(desk),
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=DRAIN,
            limit_concurrency=MOST_AT_ONCE,
            ws="none",
        )
        self._server = _Server(config)

    async def start(self) -> None:
        """Listen; port 0 takes a free one, which `port` then holds. A taken port is logged: mail matters more."""
        host = self._desk.console.host
        try:
            listening = self._sockets or [open_port(host, self._desk.console.port)]
        except OSError as error:
            log.console_unavailable(error=error)
            return
        for each in listening:  # connections inherit it: the end of an answer would wait 40 ms for the client
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listening[0].getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(listening), name="console")
        await self._server.ready.wait()
        log.console_listening(host=host, port=self.port)

    async def stop(self, span: timedelta = timedelta()) -> None:
        """Finish the requests under way, end streams, and close."""
        self._desk.leaving.set()
        await self._desk.admin.trials.close()
        if self._task:
            self._server.should_exit = True
            await self._task
