"""A small real SMTP server for tests that accepts mail and misbehaves on demand."""

import asyncio
import base64
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

DROP = ""  # as a reply: the connection is cut instead

# A reply ("450 later"), DROP, or a coroutine function that looks around and gives one; None: the usual reply.
Step = str | Callable[["Dialogue"], Awaitable[str | None]]

USUAL = {
    "connect": "220 sink.example ESMTP",
    "rset": "250 2.0.0 OK",
    "mail": "250 2.1.0 OK",
    "rcpt": "250 2.1.5 OK",
    "data": "354 go ahead",
    "dot": "250 2.0.0 OK queued",
    "quit": "221 2.0.0 bye",
    "auth": "235 2.7.0 OK",
}


@dataclass(frozen=True, slots=True)
class SunkMail:
    """A mail that came with its dot. `content` has no doubled dots; `reply` "": the connection was cut."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    reply: str
    tls: bool


@dataclass
class Dialogue:
    """One session so far: what a step may look at."""

    number: int  # sessions count from 1
    commands: list[str] = field(default_factory=list)
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    content: bytes = b""
    tls: bool = False


class SinkSmtp:
    """Reply by script: `on[phase]` is a step for every time, or a list of steps, then the usual reply again.

    Phases: connect, ehlo, auth, rset, mail, rcpt, data, body (after the reply 354, before the body is read;
    only DROP and waiting make sense), dot, quit. `mails` holds what came with its dot, for any reply.
    """

    def __init__(
        self,
        *,
        extensions: tuple[str, ...] = ("PIPELINING", "SIZE 52428800", "8BITMIME"),
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        login: str = "",
    ) -> None:
        self.on: dict[str, Step | list[Step]] = {}
        self.mails: list[SunkMail] = []
        self.dialogues: list[Dialogue] = []
        self.port = 0
        self._extensions, self._tls, self._implicit, self._login = extensions, tls, implicit_tls, login
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Condition()

    @property
    def taken(self) -> list[SunkMail]:
        """Return the mails that were answered 250."""
        return [mail for mail in self.mails if mail.reply.startswith("2")]

    async def start(self) -> "SinkSmtp":
        """Listen, after a `stop` on the same port as before."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._tls if self._implicit else None, limit=1 << 25
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Cut every session."""
        if self._server:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close their sockets in the loop's next turn

    async def __aenter__(self) -> "SinkSmtp":
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def wait_for(self, count: int, seconds: float = 10) -> list[SunkMail]:
        """Return `mails` when there are so many. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.mails) >= count)
        return self.mails

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        dialogue = Dialogue(len(self.dialogues) + 1, tls=self._implicit)
        self.dialogues.append(dialogue)
        try:
            await self._talk(dialogue, reader, writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            pass  # cut, by the client or by us
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _talk(
        self, dialogue: Dialogue, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        reply = await self._reply("connect", dialogue)
        while reply != DROP:
            writer.write(f"{reply}\r\n".encode())
            if reply.startswith(("221", "421")):
                return await writer.drain()
            if reply.startswith("220") and dialogue.commands[-1:] == ["STARTTLS"]:
                await writer.drain()
                await writer.start_tls(self._tls)  # type: ignore[arg-type]
                dialogue.tls = True
            if reply.startswith("354"):
                reply = await self._take(dialogue, reader, writer)
            else:
                line = (await reader.readuntil(b"\r\n")).decode().removesuffix("\r\n")
                dialogue.commands.append(line)
                reply = await self._answer(line, dialogue)
        return None

    async def _answer(self, line: str, dialogue: Dialogue) -> str:
        verb = line.partition(" ")[0].lower()
        if verb in ("ehlo", "helo"):
            return await self._reply("ehlo", dialogue)
        if verb == "starttls" and self._tls:
            return "220 2.0.0 ready"
        if verb == "auth":
            return await self._authenticate(line, dialogue)
        if (verb == "mail" and dialogue.sender) or (verb == "rcpt" and not dialogue.sender):
            return "503 5.5.1 wrong order"
        reply = await self._reply(verb, dialogue) if verb in USUAL else "500 5.5.1 what?"
        if reply.startswith(("2", "3")):
            return self._changed(verb, line, dialogue) or reply
        return reply

    def _changed(self, verb: str, line: str, dialogue: Dialogue) -> str:
        address = re.search(r"<(.*?)>", line)
        if verb == "mail" and address:
            dialogue.sender = address[0]
        elif verb == "rcpt" and address:
            dialogue.recipients.append(address[1])
        elif verb == "rset":
            dialogue.sender, dialogue.recipients = "", []
        elif verb == "data" and not dialogue.recipients:
            return "503 5.5.1 no recipients"
        return ""

    async def _take(
        self, dialogue: Dialogue, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> str:
        await writer.drain()
        if await self._reply("body", dialogue) == DROP:
            return DROP
        body = b""
        while not (body == b".\r\n" or body.endswith(b"\r\n.\r\n")):
            body += await reader.readuntil(b".\r\n")
        dialogue.content = re.sub(rb"(?m)^\.", b"", body[:-3])
        reply = await self._reply("dot", dialogue)
        sender, recipients = dialogue.sender[1:-1], tuple(dialogue.recipients)
        async with self._arrived:
            self.mails.append(SunkMail(sender, recipients, dialogue.content, reply, dialogue.tls))
            self._arrived.notify_all()
        dialogue.sender, dialogue.recipients = "", []
        return reply

    async def _reply(self, phase: str, dialogue: Dialogue) -> str:
        step = self.on.get(phase)
        if isinstance(step, list):
            step = step.pop(0) if step else None
        said = await step(dialogue) if callable(step) else step
        if said is not None:
            return said
        return self._hello(dialogue) if phase == "ehlo" else USUAL.get(phase, "250 OK")

    def _hello(self, dialogue: Dialogue) -> str:
        offers = ["sink.example", *self._extensions]
        if self._tls and not dialogue.tls:
            offers.append("STARTTLS")
        if self._login:
            offers.append("AUTH PLAIN")
        return "\r\n".join(f"250{' ' if n == len(offers) else '-'}{each}" for n, each in enumerate(offers, 1))

    async def _authenticate(self, line: str, dialogue: Dialogue) -> str:
        user, _, password = base64.b64decode(line.split(" ")[-1])[1:].decode().partition("\0")
        if f"{user}:{password}" != self._login:
            return "535 5.7.8 wrong"
        return await self._reply("auth", dialogue)
