"""The customers' mail servers: send mails over SMTP at full speed or at a given rate.

The generator shares the machine with the daemon, so it does little work: mails exist in advance, and a
protocol without coroutines drives the dialogue. It does not pipeline, which is the worst case: seven round
trips for a new connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from random import Random

from tests.bench.ledger import Ledger
from tests.scenarios.harness import RECIPIENT

EHLO = b"EHLO mail.pelanggan.example\r\n"
RCPT = f"RCPT TO:<{RECIPIENT}>\r\n".encode()
DATA = b"DATA\r\n"

Send = Callable[[int, Ledger], Awaitable[None]]  # the daemon's port, what to send


class Refused(ConnectionError):
    """The daemon refused or closed the connection."""


class Session(asyncio.Protocol):
    """One connection. Call `deliver` for each mail, then `quit`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._buffer = b""
        self._greeted = self._introduced = False
        self._lines: list[bytes] = []  # lines still to be sent, last first
        self._data_at = 0.0
        self._done: asyncio.Future[float] | None = None
        self.usable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the daemon hung up")

    async def deliver(self, index: int) -> None:
        """Send a mail and record its 250 in the ledger. Raises Refused."""
        if not self.usable:
            raise Refused("the daemon hung up")
        mail = self._ledger.mails[index]
        self._lines = [mail.body, DATA, RCPT, mail.mail_from]
        if not self._introduced:
            self._lines.append(EHLO)
            self._introduced = True
        self._done = asyncio.get_running_loop().create_future()
        if self._greeted:
            self._say()
        taken_at = await self._done
        self._ledger.sent(index, self._data_at, taken_at)

    def quit(self) -> None:
        """Send QUIT without waiting for the reply."""
        self.usable = False
        if not self._transport.is_closing():
            self._transport.write(b"QUIT\r\n")

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\r\n")
        for line in lines:
            if line[3:4] != b"-":
                self._answered(line)

    def _answered(self, line: bytes) -> None:
        if line[:1] not in b"23":
            self._fail(line.decode("utf-8", "replace"))
            self._transport.abort()
        elif self._done is None or self._done.done():
            self._greeted = True  # or the reply to QUIT
        elif self._lines:
            self._greeted = True
            self._say()
        else:
            self._done.set_result(self._ledger.clock())

    def _say(self) -> None:
        line = self._lines.pop()
        if not self._lines:
            self._data_at = self._ledger.clock()
        self._transport.write(line)

    def _fail(self, why: str) -> None:
        self.usable = False
        if self._done and not self._done.done():
            self._done.set_exception(Refused(why))


async def _connect(port: int, ledger: Ledger) -> Session:
    loop = asyncio.get_running_loop()
    _, session = await loop.create_connection(lambda: Session(ledger), "127.0.0.1", port)
    return session


async def one_each(port: int, ledger: Ledger, *, connections: int) -> None:
    """Send all mails, each on a new connection, with a limit of connections at a time."""
    indexes = iter(range(len(ledger.mails)))
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_one_each(port, ledger, indexes))


async def _one_each(port: int, ledger: Ledger, indexes: Iterator[int]) -> None:
    for index in indexes:
        await _alone(port, ledger, index)


async def _alone(port: int, ledger: Ledger, index: int) -> None:
    ledger.began_at[index] = ledger.clock()
    try:
        session = await _connect(port, ledger)
        await session.deliver(index)
    except OSError as error:
        ledger.refused(str(error))
    else:
        session.quit()


async def kept(port: int, ledger: Ledger, *, connections: int) -> None:
    """Send all mails on a number of connections that stay open."""
    indexes = iter(range(len(ledger.mails)))
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_kept(port, ledger, indexes))


async def _kept(port: int, ledger: Ledger, indexes: Iterator[int]) -> None:
    session: Session | None = None
    for index in indexes:
        ledger.began_at[index] = ledger.clock()
        try:
            if session is None or not session.usable:
                session = await _connect(port, ledger)
            await session.deliver(index)
        except OSError as error:
            ledger.refused(str(error))
    if session:
        session.quit()


async def at_rate(port: int, ledger: Ledger, *, rate: float, seed: int = 1) -> None:
    """Send in an open loop: mails come at random (Poisson, `rate` a second), however slow the daemon is."""
    random, at = Random(seed), ledger.clock()
    async with asyncio.TaskGroup() as group:
        for index in range(len(ledger.mails)):
            at += random.expovariate(rate)
            ledger.wanted_at[index] = at
            if (pause := at - ledger.clock()) > 0:
                await asyncio.sleep(pause)
            group.create_task(_alone(port, ledger, index))
