"""A proxy in front of PostgreSQL that cuts connections around COMMIT, or stands still."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from sqlalchemy import make_url

BARE_REQUESTS = (80877103, 80877104)  # for TLS and GSSAPI, answered by one byte; a start message follows
COMMIT = b"COMMIT\0"


class Fault(StrEnum):
    """What happens to a COMMIT."""

    NONE = "none"
    BEFORE = "before"  # the server never sees it
    AFTER = "after"  # the server does it, the client's connection is reset
    SWALLOW = "swallow"  # the server does it, the client waits for a reply that never comes


class PostgresProxy:
    """Listens on `port`. `choose` is asked at each COMMIT. While `frozen`, no byte moves either way."""

    def __init__(self, url: str, choose: Callable[[], Fault] = lambda: Fault.NONE) -> None:
        self._target, self.choose = make_url(url), choose
        self.frozen = False
        self.counts: dict[Fault, int] = dict.fromkeys(Fault, 0)
        self.port = 0
        self._lines: set[_Line] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postgres-proxy", daemon=True)

    def __enter__(self) -> "PostgresProxy":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def url(self) -> str:
        """Return the URL of the same database through here."""
        query = {name: value for name, value in self._target.query.items() if name != "host"}
        through = self._target.set(host="127.0.0.1", port=self.port, query=query)
        return through.render_as_string(hide_password=False)

    def fail_once(self, fault: Fault) -> None:
        """Let the next COMMIT meet this fault, and no other."""

        def choose() -> Fault:
            self.choose = lambda: Fault.NONE
            return fault

        self.choose = choose

    def cut_all(self) -> None:
        """Reset every connection."""
        self._loop.call_soon_threadsafe(lambda: [line.cut() for line in tuple(self._lines)])

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for line in self._lines:
            line.cut()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await self._connect()
        except OSError:
            return writer.transport.abort()
        line = _Line(self, (reader, writer), upstream)
        self._lines.add(line)
        try:
            await line.run()
        finally:
            self._lines.discard(line)
        return None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = str(self._target.host or self._target.query.get("host", ""))
        port = self._target.port or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy: PostgresProxy, client: Any, server: Any) -> None:
        self._proxy = proxy
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._fault = Fault.NONE  # that the COMMIT under way meets

    async def run(self) -> None:
        """Pass bytes on until one side ends."""
        pumps = {asyncio.create_task(self._requests()), asyncio.create_task(self._answers())}
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for writer in (self._to_client, self._to_server):
                writer.transport.abort()

    def cut(self) -> None:
        """Reset the client's connection and end the server's."""
        connection = self._to_client.get_extra_info("socket")
        if connection is not None and connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._to_client.transport.abort()
        self._to_server.transport.abort()

    async def _requests(self) -> None:
        try:
            started = False
            while True:
                head = await self._from_client.readexactly(4 if not started else 5)
                (size,) = struct.unpack("!I", head[-4:])
                body = await self._from_client.readexactly(size - 4)
                if not started:
                    started = struct.unpack("!I", body[:4])[0] not in BARE_REQUESTS
                elif head[:1] == b"Q" and body == COMMIT and self._meets_fault():
                    return
                await self._thawed()
                self._to_server.write(head + body)
                await self._to_server.drain()
        except (asyncio.IncompleteReadError, OSError):
            return

    def _meets_fault(self) -> bool:
        """Return whether the COMMIT ends here."""
        self._fault = self._proxy.choose()
        self._proxy.counts[self._fault] += 1
        if self._fault is Fault.BEFORE:
            self.cut()
        return self._fault is Fault.BEFORE

    async def _answers(self) -> None:
        try:
            while part := await self._from_server.read(1 << 16):
                await self._thawed()
                if self._fault is Fault.AFTER:
                    return self.cut()
                if self._fault is not Fault.SWALLOW:
                    self._to_client.write(part)
                    await self._to_client.drain()
        except OSError:
            return None
        return None

    async def _thawed(self) -> None:
        while self._proxy.frozen:  # noqa: ASYNC110 (another thread sets it)
            await asyncio.sleep(0.01)
