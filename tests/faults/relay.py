"""A relay in memory that speaks SMTP by script, cuts connections and keeps silent."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email import policy
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

LATENCY = 0.002  # seconds
CUT = ""  # as a reply: the connection is closed instead
SILENCE = None  # as a reply: none ever comes

# (phase, recipient, 1 for the first mail of the recipient) -> a reply, CUT or SILENCE
Script = Callable[[str, str], str | None]
USUAL = {
    "connect": "220 relay.example ESMTP",
    "ehlo": "250-relay.example\r\n250-PIPELINING\r\n250 SIZE 52428800",
    "mail": "250 2.1.0 OK",
    "rcpt": "250 2.1.5 OK",
    "data": "354 go ahead",
    "dot": "250 2.0.0 OK queued",
    "rset": "250 2.0.0 OK",
    "quit": "221 2.0.0 bye",
}


def usual(phase: str, recipient: str) -> str | None:
    return USUAL[phase]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail that came with its dot. `reply` is what the relay said, or would have said."""

    recipient: str
    content: bytes
    at: float
    reply: str | None

    @property
    def headers(self) -> Message:
        return BytesHeaderParser(policy=policy.default).parsebytes(self.content)

    @property
    def message_id(self) -> str:
        return str(self.headers["Message-ID"])


@dataclass
class MemoryRelay:
    """`reply` decides each answer, `cut` (at each write of the client: action) what happens to the connection:
    None, "before" (nothing is read), "after" (no reply comes back), "silent before", "silent after".
    """

    reply: Script = usual
    interrupt: Callable[[str], str | None] = lambda action: None
    arrived: list[Arrived] = field(default_factory=list)
    opened: int = 0
    sessions: list["Session"] = field(default_factory=list)

    @property
    def taken(self) -> list[Arrived]:
        return [mail for mail in self.arrived if (mail.reply or "").startswith("2")]

    async def dial(self, factory: Callable[[], asyncio.BaseProtocol]) -> Any:
        self.opened += 1
        how = self.interrupt("connect")
        await asyncio.sleep(LATENCY)
        if how == "before":
            raise ConnectionRefusedError("simulated: connection refused")
        if how and how.startswith("silent"):
            await asyncio.get_running_loop().create_future()
        protocol = factory()
        session = Session(self, protocol)
        self.sessions.append(session)
        protocol.connection_made(session)
        if how == "after":
            session.cut()
        else:
            session.answer("connect")
        return session, protocol


class Session(asyncio.Transport):
    """Both ends of one connection: the client's transport, and the server behind it."""

    def __init__(self, relay: MemoryRelay, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._relay, self._protocol = relay, protocol
        self._closed = False
        self._input = self._output = b""
        self._recipient = ""
        self._in_data = self._silent = False

    # --- what the client does ---

    def write(self, data: Any) -> None:
        if self._closed or self._silent:
            return
        how = self._relay.interrupt(self._action(bytes(data)))
        if how in (None, "after", "silent after"):
            self._input += data
            self._read(answer=how is None)
        if how in ("before", "after"):
            self.cut()
        elif how:
            self._silent = True

    def close(self) -> None:
        self.cut()

    def abort(self) -> None:
        self.cut()

    def is_closing(self) -> bool:
        return self._closed

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def cut(self) -> None:
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    # --- what the server does ---

    def answer(self, phase: str) -> str | None:
        reply = self._relay.reply(phase, self._recipient)
        self._send(reply)
        return reply

    def _send(self, reply: str | None) -> None:
        if reply is SILENCE:
            self._silent = True
        elif reply == CUT:
            self.cut()
        else:
            self._output += f"{reply}\r\n".encode()
            asyncio.get_running_loop().call_later(LATENCY, self._deliver)

    def _deliver(self) -> None:
        data, self._output = self._output, b""  # timers of one moment come in any order
        if data and not self._closed and not self._silent:
            self._protocol.data_received(data)  # type: ignore[attr-defined]
            if data.startswith(b"421"):
                self.cut()

    def _action(self, data: bytes) -> str:
        if self._in_data:
            return "finish"
        verb = data[:4].decode("latin-1").lower()
        return "offer" if verb in ("mail", "rset") else verb

    def _read(self, *, answer: bool) -> None:
        while self._input and not self._closed:
            if self._in_data:
                end = self._input.find(b"\r\n.\r\n")
                if end < 0:
                    return
                content, self._input = self._input[: end + 2], self._input[end + 5 :]
                self._take(content, answer=answer)
            else:
                line, _, self._input = self._input.partition(b"\r\n")
                self._command(line.decode(), answer=answer)

    def _command(self, line: str, *, answer: bool) -> None:
        phase = line[:4].lower()
        if phase == "rcpt":
            self._recipient = line.partition("<")[2].partition(">")[0]
        elif phase in ("mail", "rset"):
            self._recipient = ""
        if phase == "data" and not self._recipient:
            return self._send("503 5.5.1 no recipients") if answer else None
        reply = self._relay.reply(phase, self._recipient)
        if phase == "rcpt" and not (reply or "").startswith("2"):
            self._recipient = ""
        self._in_data = phase == "data" and bool(reply) and str(reply).startswith("3")
        if answer:
            self._send(reply)
        if phase == "quit":
            asyncio.get_running_loop().call_later(2 * LATENCY, self.cut)
        return None

    def _take(self, content: bytes, *, answer: bool) -> None:
        self._in_data = False
        content = re.sub(rb"(?m)^\.", b"", content)
        reply = self._relay.reply("dot", self._recipient)
        now = asyncio.get_running_loop().time()
        self._relay.arrived.append(Arrived(self._recipient, content, now, reply))
        if answer:
            self._send(reply)
