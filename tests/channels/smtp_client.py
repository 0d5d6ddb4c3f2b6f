"""A raw SMTP client and a running listener, for tests that look at every byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from mailbot.channels.smtp.listener import Listener
from mailbot.channels.smtp.server import Timeouts
from mailbot.config.model import Limits, Listen, Relay, Settings, Trust
from mailbot.domain.model import Envelope
from mailbot.domain.policy import Mailbox, Policy

SUPPORT = "support@dukungan.example"
MAIL = b"From: <budi@pelanggan.example>\r\nSubject: Saldo\r\n\r\nSaldo saya belum masuk.\r\n"
LONG_TIMEOUTS = Timeouts(
    command=timedelta(seconds=10),
    text=timedelta(seconds=10),
    keep=timedelta(seconds=10),
    turn=timedelta(seconds=10),
    place=timedelta(milliseconds=50),
    close=timedelta(seconds=1),
)
LOOPBACK = (ip_network("127.0.0.0/8"),)


def policy(*addresses: str) -> Policy:
    boxes = {each: Mailbox(each, "TokoDompet", "TOKO") for each in addresses or (SUPPORT,)}
    return Policy("v1", boxes, ("L1",), {}, (), {}, {}, {})


def settings(
    limits: Limits | None = None,
    *,
    fronts: tuple[Any, ...] = (),
    proxies: tuple[Any, ...] = (),
    listen: Listen | None = None,
) -> Settings:
    return Settings(
        directory=Path("."),
        templates=Path("."),
        hostname="mx.dukungan.example",
        listen=listen or Listen("127.0.0.1", 0),
        store="sqlite://",
        relay=Relay("127.0.0.1", 25),
        trust=Trust(front_networks=fronts, proxy_networks=proxies),
        monitor=None,
        limits=limits or Limits(free_space=0),
        log="",
        secret=None,
    )


@dataclass
class Inbox:
    """Where kept mails go. `trouble` is raised, `hold` is waited for, before a mail is taken."""

    mails: list[tuple[Envelope, bytes]] = field(default_factory=list)
    trouble: BaseException | None = None
    hold: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    kept: asyncio.Event = field(default_factory=asyncio.Event)
    space: int = 1 << 60
    codes: list[int] = field(default_factory=list)

    async def keep(self, envelope: Envelope, raw: bytes) -> int:
        self.asked.set()
        if self.hold:
            await self.hold.wait()
        if self.trouble:
            raise self.trouble
        self.mails.append((envelope, raw))
        self.kept.set()
        return len(self.mails)

    @property
    def raw(self) -> bytes:
        """Return the only mail that was kept."""
        ((_, raw),) = self.mails
        return raw

    @property
    def envelope(self) -> Envelope:
        ((envelope, _),) = self.mails
        return envelope


class ClientSession:
    """One connection. `ask` sends a command and returns the whole reply without its last CRLF."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self) -> str:
        lines = []
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), 5)).decode()
            assert line.endswith("\r\n"), f"the connection ended: {lines} {line!r}"
            lines.append(line[:-2])
            if line[3] == " ":
                return "\n".join(lines)

    async def ask(self, command: str | bytes) -> str:
        self.send(command.encode() + b"\r\n" if isinstance(command, str) else command)
        return await self.reply()

    async def hello(self, verb: str = "EHLO") -> str:
        assert (await self.reply()).startswith("220 ")
        return await self.ask(f"{verb} pelanggan.example")

    async def begin(self, *recipients: str, sender: str = "<budi@pelanggan.example>") -> None:
        """Begin a mail, up to the reply 354."""
        assert (await self.ask(f"MAIL FROM:{sender}")).startswith("250 ")
        for each in recipients or (SUPPORT,):
            assert (await self.ask(f"RCPT TO:<{each}>")).startswith("250 ")
        assert (await self.ask("DATA")).startswith("354 ")

    async def mail(self, text: bytes = MAIL, *recipients: str) -> str:
        """Send a whole mail: `text` is sent as it is, then the final dot."""
        await self.begin(*recipients)
        return await self.ask(text + b".\r\n")

    async def ended(self) -> bytes:
        """Return what still arrived until the server closed."""
        try:
            return await asyncio.wait_for(self.reader.read(), 5)
        except ConnectionResetError:
            return b""

    async def start_tls(self, context: ssl.SSLContext) -> None:
        await self.writer.start_tls(context, server_hostname="mx.dukungan.example")

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.writer.transport.abort()


@asynccontextmanager
async def listening(
    inbox: Inbox,
    limits: Limits | None = None,
    *,
    timeouts: Timeouts = LONG_TIMEOUTS,
    fronts: tuple[Any, ...] = (),
    proxies: tuple[Any, ...] = (),
    listen: Listen | None = None,
    rules: Callable[[], Policy] = policy,
    **more: Any,
) -> AsyncIterator[Listener]:
    chosen = settings(limits, fronts=fronts, proxies=proxies, listen=listen)
    listener = Listener(
        chosen,
        rules,
        inbox.keep,
        lambda: inbox.space,
        count_refusal=inbox.codes.append,
        timeouts=timeouts,
        **more,
    )
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop(timedelta(milliseconds=200))


@asynccontextmanager
async def connect(way: Listener | int | Path) -> AsyncIterator[ClientSession]:
    """Open a connection to a listener's SMTP port, to a port, or to a local socket."""
    if isinstance(way, Path):
        session = ClientSession(*await asyncio.open_unix_connection(way))
    else:
        port = way if isinstance(way, int) else way.port
        session = ClientSession(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield session
    finally:
        session.writer.close()


@asynccontextmanager
async def greeted(inbox: Inbox, *args: Any, **options: Any) -> AsyncIterator[ClientSession]:
    """Start a listener with these options of `listening`, connect, and send EHLO."""
    async with listening(inbox, *args, **options) as listener, connect(listener) as session:
        await session.hello()
        yield session
