"""Serves the metrics for Prometheus and a health check, on a loopback port."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence, Set
from datetime import timedelta
from ipaddress import ip_address
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, generate_latest

from mailbot import log
from mailbot.errors import StoreUnavailable
from mailbot.metrics import Figures, Metrics
from mailbot.workers.health.troubles import CLOSES_DOOR, REMARKS, Code, Trouble
from mailbot.workers.loop import Loop

PATIENCE = 5.0  # seconds for one whole request, the store's figures included
FRESH = 1.0  # seconds between two queries of the store, however many requests come
LARGEST_REQUEST = 8192  # bytes
MOST_AT_ONCE = 32  # connections: another program must not use up the descriptors that mail needs


PATHS = "/metrics, /healthz, /readyz or /livez\n"
REFUSING = {  # by path: the troubles that make the answer 503
    "/healthz": frozenset(Code) - REMARKS,
    "/readyz": CLOSES_DOOR,
    "/livez": frozenset({Code.LOOP_STUCK}),
}


class Watched(Protocol):
    """What the monitor asks about this node. It must answer at once, whatever the store does."""

    def troubles(self) -> Sequence[Trouble]: ...

    def show(self, metrics: Metrics) -> None: ...


class OtherProcesses(Protocol):
    """The processes beside this one. `refresh` asks them, and takes a second at most."""

    async def refresh(self) -> object: ...

    def write_page(self, registry: CollectorRegistry) -> bytes: ...


class Monitor:
    """The service behind GET /metrics, /healthz, /readyz and /livez, one request a connection.

    `figures` reads the store and may raise StoreUnavailable. `sockets`: listening ones in place of host and port.
    Raises ValueError for a host that is not a loopback address: the answers are for this machine alone.
    """

    name: Final = "monitor"
    stop_stage: Final = "background"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        metrics: Metrics,
        figures: Callable[[], Awaitable[Figures]],
        health: Watched,
        loops: Sequence[Loop] = (),
        others: OtherProcesses | None = None,
        sockets: Sequence[socket.socket] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._others, self._sockets = others, sockets
        self._host, self.port = _loopback(host), port
        self._metrics, self._figures, self._health, self._loops = metrics, figures, health, loops
        self._monotonic = monotonic
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()  # scrapes that come together share one query of the store
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; port 0 takes a free one, which `port` then holds. A taken port is logged: mail matters
        more.
        """
        try:
            listening = self._sockets[0] if self._sockets else open_port(self._host, self.port)
            self._server = await asyncio.start_server(self._serve, sock=listening, limit=LARGEST_REQUEST)
        except OSError as error:
            log.monitor_unavailable(error=error)
            return
        self.port = self._server.sockets[0].getsockname()[1]
        log.monitor_listening(host=self._host, port=self.port)

    async def stop(self, span: timedelta = timedelta()) -> None:
        if self._server:
            self._server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        if len(self._open) >= MOST_AT_ONCE:
            return writer.close()
        self._open.add(task)
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(await self._answer(await _request_line(reader)))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client is slow or gone, or `stop` ends this task
        finally:
            writer.close()
            self._open.discard(task)

    async def _answer(self, request: str) -> bytes:
        if self._others:
            await self._others.refresh()
        method, _, rest = request.partition(" ")
        path, _, query = rest.split(" ")[0].partition("?")
        match method, path:
            case "GET", "/metrics":
                return _response("200 OK", await self._scrape(), "text/plain; version=0.0.4; charset=utf-8")
            case "GET", _ if path in REFUSING:
                return self._check(REFUSING[path], verbose="verbose" in query)
            case "GET", _ if path.startswith("/"):
                return _response("404 Not Found", PATHS.encode())
        return _response("400 Bad Request", f"GET {PATHS}".encode())

    def _check(self, refusing: Set[Code], *, verbose: bool) -> bytes:
        """Answer "ok" or the reasons, a line each. `verbose` adds what does not change the answer."""
        troubles = self._health.troubles()
        reasons = [trouble.text for trouble in troubles if trouble.code in refusing]
        remarks = [f"note: {trouble.text}" for trouble in troubles if trouble.code not in refusing]
        lines = [*(reasons or ["ok"]), *(remarks if verbose else [])]
        body = "".join(f"{line}\n" for line in lines).encode()
        return _response("503 Service Unavailable" if reasons else "200 OK", body)

    async def _scrape(self) -> bytes:
        async with self._reading:
            now = self._monotonic()
            if now - self._read_at >= FRESH:
                self._metrics.show(await self._read())
                self._read_at = now
        self._health.show(self._metrics)
        self._metrics.show_loops({loop.name: now - loop.turned_at for loop in self._loops})
        registry = self._metrics.registry
        return self._others.write_page(registry) if self._others else generate_latest(registry)

    async def _read(self) -> Figures | None:
        try:
            async with asyncio.timeout(PATIENCE / 2):
                return await self._figures()
        except (TimeoutError, StoreUnavailable):
            return None


def open_port(host: str, port: int) -> socket.socket:
    """Bind and listen on a loopback address. Raises OSError, or ValueError for any other address."""
    host = _loopback(host)
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def _response(status: str, body: bytes, media_type: str = "text/plain; charset=utf-8") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode() + body


async def _request_line(reader: asyncio.StreamReader) -> str:
    """Read the first line of a request. Return "" when its head is longer than LARGEST_REQUEST bytes."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return ""
    return head.partition(b"\r\n")[0].decode("latin-1")


def _loopback(host: str) -> str:
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    if not ip_address(host).is_loopback:
        raise ValueError(f"the monitor listens on a loopback address only, not on {host}")
    return host
