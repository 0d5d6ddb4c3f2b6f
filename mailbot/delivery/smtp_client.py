"""A connection to the relay that stays open: aiosmtplib opens it, then a mail takes two round trips.

aiosmtplib greets, starts TLS and logs in. After that its transport speaks to `_Replies`, because it has no
way to send MAIL, RCPT and DATA in one write (RFC 2920): four round trips and its parsing of addresses cost
0.25 ms of CPU a mail, this costs 0.07 (measured, aiosmtplib 5.1.3).
"""

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from mailbot.config.model import Relay

MAX_REPLY = 32_768  # bytes of one reply: a relay can't fill our memory

# What may stand between < and > of MAIL and RCPT. Quoted local parts with spaces are not worth the risk.
_ADDRESS = re.compile(r"[!-;=?-~]{1,320}")
_REPLY = re.compile(rb"([2-5]\d\d)(-| |$)(.*)", re.DOTALL)
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, from RFC 5321 section 4.5.3.2; a shorter `dot` makes copies of mails that the relay has."""

    opening: float = 60  # until greeted, secured and logged in
    reply: float = 300
    dot: float = 600


@dataclass(frozen=True, slots=True)
class Reply:
    """The relay's reply. Several lines are joined by spaces."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """`command` is "MAIL", "RCPT" or "DATA"."""

    command: str
    reply: Reply


class ConnectionLost(Exception):
    """The connection is lost: closed, timed out, 421, or not SMTP. `code` is the relay's, or 0."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.text, self.code = text, code


class ConnectFailed(ConnectionLost):
    """No connection could be opened: refused, not greeted, no TLS as configured, not logged in."""


def sendable(sender: str, recipient: str) -> bool:
    """Check whether both can stand in SMTP commands as they are. The null sender is ""."""
    return bool((not sender or _ADDRESS.fullmatch(sender)) and _ADDRESS.fullmatch(recipient))


def on_wire(content: bytes) -> bytes:
    """Encode `content` as it follows DATA: CRLF line ends, dots doubled, the final dot (RFC 5321 4.5.2)."""
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends:
        content = _LINE_END.sub(b"\r\n", content)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    if content.startswith(b"."):
        content = b"." + content
    return content.replace(b"\r\n.", b"\r\n..") + b".\r\n"


class RelaySession:
    """Sends mails one after another: `offer`, then `finish`. Any ConnectionLost ends it; see `alive`."""

    def __init__(self, replies: "_Replies", extensions: frozenset[str], timeouts: Timeouts) -> None:
        self._replies, self._extensions, self._timeouts = replies, extensions, timeouts
        self._unfinished = False  # a refused transaction is still open at the relay's end
        self._body = b""

    @property
    def alive(self) -> bool:
        return self._replies.error is None

    async def offer(self, sender: str, recipient: str, content: bytes) -> Refusal | None:
        """Send MAIL, RCPT and DATA. None: the relay waits for the body; `finish` or `abort` comes next."""
        self._body = on_wire(content)
        commands = {"RSET": "RSET"} if self._unfinished else {}
        commands["MAIL"] = f"MAIL FROM:<{sender}>{self._parameters(content)}"
        commands["RCPT"] = f"RCPT TO:<{recipient}>"
        commands["DATA"] = "DATA"
        replies = await self._ask(commands)
        self._unfinished = False
        for command, reply in replies.items():
            if reply.code // 100 != (3 if command == "DATA" else 2):
                return self._refused(command, replies)
        return None

    async def finish(self) -> Reply:
        """Send the body and the final dot. After ConnectionLost the relay may or may not have the mail."""
        try:
            (reply,) = await self._replies.ask(self._body, 1, self._timeouts.dot)
        except ConnectionLost as error:
            if error.code == 421:  # closing, but it has judged this mail
                return Reply(421, error.text)
            raise
        self._unfinished = reply.code // 100 != 2
        return reply

    def abort(self) -> None:
        """Cut the connection: a body that the relay waits for is not sent."""
        self._replies.fail("ended by us")

    def quit(self) -> None:
        self._replies.quit()

    def _parameters(self, content: bytes) -> str:
        size = f" SIZE={len(content)}" if "size" in self._extensions else ""
        return size if content.isascii() or "8bitmime" not in self._extensions else f"{size} BODY=8BITMIME"

    async def _ask(self, commands: dict[str, str]) -> dict[str, Reply]:
        lines = [f"{line}\r\n".encode("ascii") for line in commands.values()]
        if "pipelining" in self._extensions:
            replies = await self._replies.ask(b"".join(lines), len(lines), self._timeouts.reply)
            return dict(zip(commands, replies, strict=True))
        answers: dict[str, Reply] = {}
        for command, line in zip(commands, lines, strict=True):
            (answers[command],) = await self._replies.ask(line, 1, self._timeouts.reply)
            if answers[command].code >= 400:
                break
        return answers

    def _refused(self, command: str, replies: dict[str, Reply]) -> Refusal:
        if command == "RSET":
            self._replies.fail(f"RSET refused: {replies[command].code}")
            raise ConnectionLost("RSET refused")
        self._unfinished = True
        if "DATA" in replies and replies["DATA"].code // 100 == 3:
            self.abort()  # it waits for a body although it accepted no recipient (RFC 2920 section 3.1)
        return Refusal(command, replies[command])


class _Replies(asyncio.Protocol):
    """Reads the relay's replies."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.error: ConnectionLost | None = None
        self._transport = transport
        self._buffer = b""
        self._lines: list[str] = []  # of a reply that continues
        self._code = 0  # of that reply
        self._ready: list[Reply] = []
        self._expected = 0
        self._waiter: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._patience = self._until = 0.0  # for the replies we wait for, and the moment when that ends

    async def ask(self, data: bytes, count: int, seconds: float) -> list[Reply]:
        """Write `data`, then wait for `count` replies. Raises ConnectionLost."""
        if self.error is None:
            self._ready, self._expected = [], count
            self._waiter = self._loop.create_future()
            self._wait_at_most(seconds)
            try:
                self._transport.write(data)
                await self._waiter
            except asyncio.CancelledError:
                self.fail("ended by us")
                raise
            finally:
                self._waiter, self._expected = None, 0
        if self.error is not None:
            raise ConnectionLost(self.error.text, self.error.code)
        return self._ready

    def _wait_at_most(self, seconds: float) -> None:
        """Keep one timer for the connection: one for each question costs as much as the question."""
        self._patience, self._until = seconds, self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._until:
            self._stop_timer()
            self._timer = self._loop.call_at(self._until, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None:
            return  # nothing is asked: the next question sets the timer
        if self._loop.time() >= self._until:
            self.fail(f"no reply within {self._patience:g} s")
        else:
            self._timer = self._loop.call_at(self._until, self._look)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if self.error is None:
                self._take(line.rstrip(b"\r"))
        if len(self._buffer) + sum(map(len, self._lines)) > MAX_REPLY:
            self.fail("a reply without end")

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(f"connection lost{f': {exc}' if exc else ''}")

    def fail(self, text: str, code: int = 0) -> None:
        if self.error is None:
            self.error = ConnectionLost(text, code)
            self._stop_timer()
            self._transport.abort()
            self._wake()

    def quit(self) -> None:
        if self.error is None:
            self.error = ConnectionLost("closed by us")
            self._stop_timer()
            self._transport.write(b"QUIT\r\n")
            self._transport.close()

    def _take(self, line: bytes) -> None:
        match = _REPLY.match(line)
        if match is None:
            return self.fail("no SMTP reply")
        code, continues = int(match[1]), match[2] == b"-"
        if self._lines and code != self._code:
            return self.fail("a reply of several codes")
        self._code = code
        self._lines.append(match[3].decode("utf-8", "replace"))
        if continues:
            return None
        reply = Reply(code, " ".join(self._lines))
        self._lines = []
        if code == 421:
            return self.fail(reply.text, code)
        if len(self._ready) >= self._expected:
            return self.fail(f"a reply to nothing: {code}")
        self._ready.append(reply)
        return self._wake() if len(self._ready) == self._expected else None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def open_session(
    relay: Relay, *, hostname: str, tls: ssl.SSLContext | None = None, timeouts: Timeouts | None = None
) -> RelaySession:
    """Open a connection that is ready for mail. Raises ConnectFailed.

    `hostname` is our name at the relay; `tls` replaces the context of `tls_context`.
    """
    timeouts = timeouts or Timeouts()
    smtp = aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        username=relay.user or None,
        password=relay.password if relay.user else None,
        local_hostname=hostname,
        timeout=timeouts.opening,
        use_tls=relay.tls == "implicit",
        start_tls=_start_tls(relay),
        tls_context=tls or tls_context(relay),
    )
    try:
        async with asyncio.timeout(timeouts.opening):
            await smtp.connect()
            await _greet(smtp)
    except aiosmtplib.SMTPResponseException as error:
        smtp.close()
        raise ConnectFailed(f"{error.code} {error.message}", error.code) from error
    except (aiosmtplib.SMTPException, OSError) as error:  # TimeoutError is an OSError
        smtp.close()
        raise ConnectFailed(str(error) or f"not ready within {timeouts.opening:g} s") from error
    transport = cast(asyncio.Transport, smtp.transport)
    replies = _Replies(transport)
    transport.set_protocol(replies)
    return RelaySession(replies, frozenset(smtp.esmtp_extensions), timeouts)


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    if smtp.is_ehlo_or_helo_needed:
        try:
            await smtp.ehlo()
        except aiosmtplib.SMTPHeloError:
            await smtp.helo()


def _start_tls(relay: Relay) -> bool | None:
    """Return None for STARTTLS where it is offered. A password is never sent without TLS."""
    if relay.tls == "starttls":
        return True if relay.user else None
    return relay.tls == "required"


def tls_context(relay: Relay) -> ssl.SSLContext | None:
    """Build the TLS context once, for all connections (it reads the system's authorities). None: no TLS.

    Certificates are checked wherever TLS is required. Where it is only taken when offered, an attacker who
    could forge one could also hide the offer (RFC 7435).
    """
    if relay.tls == "none":
        return None
    context = ssl.create_default_context()
    if relay.tls == "starttls" and not relay.user:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
