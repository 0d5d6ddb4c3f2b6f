"""An SMTP session without a network: any bytes, cut anywhere, and all replies.

Each letter in the first line of an input sets an option:

- `l` LMTP, `p` behind a proxy, `f` an own MTA in front
- `t` STARTTLS offered, `r` TLS required
- `e` the client closes its half at the end
- `x` the store fails, `o` the store is full

Its numbers are the sizes of the pieces in which the rest arrives, in turn. Anything else in it is ignored.
"""

import asyncio
import re
import selectors
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_network
from itertools import cycle
from typing import Any

from mailbot.channels.smtp.commands import ESMTP, LMTP
from mailbot.channels.smtp.limits import ConnectionLimits, MemoryBudget
from mailbot.channels.smtp.server import ServerState, Timeouts
from mailbot.channels.smtp.session import Session
from mailbot.config.model import Limits
from mailbot.domain.model import Envelope
from mailbot.domain.policy import Mailbox, Policy
from mailbot.errors import StoreFull, StoreUnavailable

SUPPORT = "support@dukungan.example"
POLICY = Policy("v1", {SUPPORT: Mailbox(SUPPORT, "TokoDompet", "TOKO")}, ("L1",), {}, (), {}, {}, {})
LIMITS = Limits(size=1000, recipients=5, mails_per_session=5, in_flight=3000, free_space=0)
PEER = "192.0.2.7"
HOUSE = (ip_network("192.0.2.0/24"),)
MOST_PIECES = 4000  # so many are fed one after the other, and then the rest at once

_REPLY = re.compile(rb"[2-5][0-9][0-9][ -][\x20-\x7e]*\Z")
_INSIDES = re.compile(rb"Error|Traceback|Exception|\bNone\b|object at |mailbot\.|Trouble on our side")
_BAD_HEADER = re.compile(rb"(?<=421 4\.3\.5 PROXY header ).*")  # names the first wrong byte
_KEPT = re.compile(rb"250 2\.0\.0 Ok: kept as (\d+)\Z")


class Clock(asyncio.SelectorEventLoop):
    """An event loop with a simulated clock, which never waits."""

    def __init__(self) -> None:
        self.moment = 0.0
        super().__init__(selectors.SelectSelector())

    def time(self) -> float:
        return self.moment

    def settle(self, turns: int = 6) -> None:
        """Let everything happen that can happen now."""
        for _ in range(turns):
            self.call_soon(self.stop)
            self.run_forever()

    def pass_by(self, span: timedelta, steps: int = 12) -> None:
        for _ in range(steps):
            self.moment += span.total_seconds() / steps
            self.settle(4)


class Wire(asyncio.Transport):
    """The client's end of the connection: `output` is what the server wrote, until it closed."""

    _start_tls_compatible = True

    def __init__(self, loop: Clock) -> None:
        super().__init__()
        self._loop, self._protocol = loop, None
        self.output = bytearray()
        self.closed = self.ended = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (PEER, 40000) if name == "peername" else default

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def arrive(self, data: bytes) -> None:
        if not isinstance(self._protocol, asyncio.BufferedProtocol):
            self._protocol.data_received(data)
            return
        while data:  # the TLS layer
            room = self._protocol.get_buffer(len(data))
            count = min(len(room), len(data))
            room[:count] = data[:count]
            self._protocol.buffer_updated(count)
            data = data[count:]

    def end(self) -> None:
        if not self._protocol.eof_received():
            self.close()

    def write(self, data: Any) -> None:
        assert not self.ended, f"written after the end: {data!r}"
        if not self.closed:
            self.output += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closed

    def _force_close(self, error: BaseException | None) -> None:  # asyncio's TLS layer asks for it
        if not self.closed:
            self.closed = True
            self._loop.call_soon(lambda: self._protocol.connection_lost(error))

    def close(self) -> None:
        self._force_close(None)

    abort = close

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def is_reading(self) -> bool:
        return not self.closed

    def get_write_buffer_size(self) -> int:
        return 0


@dataclass
class Script:
    """An input taken apart."""

    how: frozenset[str]
    sizes: tuple[int, ...]
    text: bytes

    @classmethod
    def of(cls, data: bytes) -> "Script":
        head, newline, text = data.partition(b"\n")
        if not newline or len(head) > 40:
            head, text = b"", data
        words = head.decode("latin-1").split()
        sizes = tuple(int(word) for word in words if word.isdecimal() and word.isascii() and len(word) < 6)
        letters = frozenset(letter for word in words for letter in word if letter in "lpftrexo")
        return cls(letters, tuple(size for size in sizes if size), text)

    def pieces(self) -> Iterator[bytes]:
        at = 0
        for number, size in enumerate(cycle(self.sizes or (len(self.text) or 1,))):
            if at >= len(self.text):
                return
            size = size if number < MOST_PIECES else len(self.text)
            yield self.text[at : at + size]
            at += size


@dataclass
class Heard:
    """What came of it."""

    output: bytes
    mails: list[tuple[Envelope, bytes]] = field(default_factory=list)


@cache
def clock() -> Clock:
    return Clock()


@cache
def load_certificate() -> ssl.SSLContext:
    import trustme  # slow to load, and needed by few

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("mx.dukungan.example").configure_cert(context)
    return context


def server_for(script: Script, heard: Heard) -> ServerState:
    async def keep(envelope: Envelope, raw: bytes) -> int:
        if "x" in script.how:
            raise StoreUnavailable("secret Error: in None")
        if "o" in script.how:
            raise StoreFull("secret Error: in None")
        await asyncio.sleep(0)
        heard.mails.append((envelope, raw))
        return len(heard.mails)

    timeouts = Timeouts()
    return ServerState(
        hostname="mx.dukungan.example",
        limits=LIMITS,
        fronts=HOUSE if "f" in script.how else (),
        proxies=HOUSE if "p" in script.how else (),
        policy=lambda: POLICY,
        keep=keep,
        free_space=lambda: 1 << 40,
        count_refusal=lambda code: None,
        now=lambda: datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=clock().time()),
        timeouts=timeouts,
        connection_limits=ConnectionLimits(LIMITS),
        memory=MemoryBudget(LIMITS.in_flight, timeouts.turn),
        tls=load_certificate() if "t" in script.how else None,
        require_tls="r" in script.how,
    )


def talk(script: Script, sizes: tuple[int, ...] | None = None) -> Heard:
    """Play a script and check what must hold for every input."""
    if sizes is not None:
        script = Script(script.how, sizes, script.text)
    loop, heard = clock(), Heard(b"")
    troubles: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: troubles.append(context))
    server = server_for(script, heard)
    wire = Wire(loop)
    session = Session(server, LMTP if "l" in script.how else ESMTP, loop)
    wire.set_protocol(session)
    loop.call_soon(session.connection_made, wire)
    loop.settle()
    _feed(loop, wire, script)
    loop.pass_by(timedelta(minutes=12))
    heard.output = bytes(wire.output)
    assert not troubles, troubles
    assert wire.closed, "the session never ended"
    assert not server.sessions, "the session never left"
    assert server.memory.used == 0, "memory was not given back"
    _check(script, heard)
    return heard


def _feed(loop: Clock, wire: Wire, script: Script) -> None:
    for piece in script.pieces():
        if wire.closed:
            return
        loop.call_soon(wire.arrive, piece)
        loop.settle(3 if len(piece) < 3 else 6)
    loop.settle(30)
    if "e" in script.how and not wire.closed:
        loop.call_soon(wire.end)
    loop.settle(30)


def _check(script: Script, heard: Heard) -> None:
    clear, tls, _ = heard.output.partition(b"220 Ready to start TLS\r\n")
    _check_replies(clear, len(heard.mails))
    if tls:
        assert "t" in script.how
    dots = (b"\r\n" + script.text).count(b"\r\n.\r\n")
    assert len(heard.mails) <= dots, "more mails than final dots"
    for envelope, raw in heard.mails:
        assert envelope.recipients
        assert all(POLICY.mailbox_for(address) for address in envelope.recipients), envelope.recipients
        assert envelope.sender.isprintable()
        assert len(raw) <= LIMITS.size * 2
        assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    if script.how & {"x", "o"}:
        assert not heard.mails


def _check_replies(output: bytes, kept: int) -> None:
    assert not output or output.endswith(b"\r\n"), output[-80:]
    in_data = False
    for line in output.split(b"\r\n")[:-1]:
        assert _REPLY.match(line), line
        assert not _INSIDES.search(line), line
        number = _KEPT.match(line)
        if number:
            assert 1 <= int(number[1]) <= kept, line
        elif in_data:
            assert not line.startswith(b"250"), "250 for a mail that was not kept"
        in_data = line.startswith(b"354")


def same_however_cut(script: Script) -> None:
    """Check that the same bytes one by one lead to the same replies and mails as all at once.

    STARTTLS is left out: it drops the bytes that came with it.
    """
    if script.how & {"t"} or len(script.text) > 1500:
        return
    whole, single = talk(script, ()), talk(script, (1,))
    assert [mail for _, mail in whole.mails] == [mail for _, mail in single.mails]
    assert _BAD_HEADER.sub(b"", whole.output) == _BAD_HEADER.sub(b"", single.output), (
        whole.output,
        single.output,
    )


Target = Callable[[bytes], None]


def dialogue(data: bytes) -> None:
    """Run the target with any bytes."""
    script = Script.of(data)
    if script.sizes:
        talk(script)
    else:
        same_however_cut(script)
        if "t" in script.how or len(script.text) > 1500:
            talk(script)
