"""A relay that accepts everything at once, with few cycles and no streams or tasks."""

import asyncio
from collections.abc import Callable

HELLO = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 52428800\r\n"
OK = b"250 2.0.0 OK\r\n"
DOT = b"\r\n.\r\n"

Arrived = Callable[[str, bytes], None]  # recipient, header block


class Sink:
    """Listens while entered. `arrived` gets each mail before the daemon gets the reply."""

    def __init__(self, port: int = 0) -> None:
        self.arrived: Arrived = lambda recipient, header: None
        self.port = port  # 0: one that is free, known once entered
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()

    async def __aenter__(self) -> "Sink":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Session(self), "127.0.0.1", self.port, backlog=256)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server:
            self._server.close()
        for transport in list(self._open):
            transport.abort()
        await asyncio.sleep(0)

    def came(self, transport: asyncio.Transport) -> None:
        self._open.add(transport)

    def went(self, transport: asyncio.Transport) -> None:
        self._open.discard(transport)


class _Session(asyncio.Protocol):
    """One connection; commands may come many in one write (RFC 2920)."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._in_body = self._said_bye = False
        self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sink.came(transport)
        transport.write(b"220 sink.example ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self._sink.went(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        replies = []
        while (reply := self._body() if self._in_body else self._command()) is not None:
            replies.append(reply)
        self._transport.write(b"".join(replies))
        if self._said_bye:
            self._transport.close()

    def _command(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        match line[:4].upper():
            case b"EHLO":
                return HELLO
            case b"RCPT":
                self._recipient = line[line.find(b"<") + 1 : line.rfind(b">")].decode("utf-8", "replace")
            case b"DATA":
                self._in_body = True
                # So that an empty mail ends with DOT too. The header block is looked at, nothing else.
                self._buffer[:0] = b"\r\n"
                return b"354 go ahead\r\n"
            case b"QUIT":
                self._said_bye = True
                return b"221 2.0.0 bye\r\n"
        return OK

    def _body(self) -> bytes | None:
        end = self._buffer.find(DOT)
        if end < 0:
            return None
        header = bytes(self._buffer[2 : max(2, self._buffer.find(b"\r\n\r\n", 2, end))])
        del self._buffer[: end + len(DOT)]
        self._in_body = False
        self._sink.arrived(self._recipient, header)
        return OK
