"""One SMTP or LMTP session: aiosmtpd's connection and STARTTLS with a command loop of our own.

Theory of operation. Replies are queued and leave together when no further command has arrived (RFC 2920).
An internal error is answered 451 or 421, never 5xx. `Phase` is what the session waits for: the timer and the
drain end a session that waits for a command, and let a mail under way finish. 250 follows only the commit of
the mail. The commands themselves are in `commands`.
"""

import asyncio
import enum
from asyncio import IncompleteReadError, LimitOverrunError
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from aiosmtpd.smtp import SMTP, TLSSetupException

from mailbot import log
from mailbot.channels.smtp import proxy
from mailbot.channels.smtp.data import END, DataBuffer, too_big
from mailbot.channels.smtp.limits import plain_address
from mailbot.channels.smtp.server import MAX_LINGERING, PUT_OUT, SHUTTING_DOWN, ServerState
from mailbot.errors import Refused

MAX_COMMAND = 2048  # bytes: RFC 5321 4.5.3.1.4 wants 512 and what extensions add
BUFFER = 65536  # bytes: longer mails are taken in parts of at least this size
WITHOUT_TLS = frozenset({"EHLO", "HELO", "LHLO", "NOOP", "QUIT", "RSET", "STARTTLS"})  # RFC 3207 4

Command = Callable[["Session", str], Awaitable[None]]


@dataclass(frozen=True, slots=True, eq=False)
class MailProtocol:
    """The protocol of a socket: its name in our greeting, and its commands, that of the greeting first.

    `reply_per_recipient`: the end of a mail is answered for each accepted RCPT (RFC 2033 4.2).
    """

    name: str
    commands: Mapping[str, Command]
    reply_per_recipient: bool


class Phase(enum.Enum):
    """What a session waits for; the drain and the timer depend on it."""

    COMMAND = enum.auto()  # the client's next command
    TEXT = enum.auto()  # the client's mail
    HANDSHAKE = enum.auto()  # the client's part of a TLS handshake
    BUSY = enum.auto()  # our own work


class EndSession(Exception):
    """The session ends with this reply; "" sends none."""


def shared_attributes(server: ServerState, loop: asyncio.AbstractEventLoop) -> Mapping[str, Any]:
    """Return the attributes that aiosmtpd gives every session alike.

    Its constructor inspects all attributes of session and handler each time, a fifth of the cost of a mail on
    a new connection. So it is called once, and the sessions copy what it set.
    """
    example = SMTP(None, hostname=server.hostname, tls_context=server.tls, loop=loop)
    reader = asyncio.StreamReader(loop=loop)
    base = vars(asyncio.StreamReaderProtocol(reader, lambda reader, writer: None, loop))
    bound = {"_smtp_methods", "_auth_methods", "_handle_hooks"}  # bound to the example
    shared = {name: value for name, value in vars(example).items() if name not in base and name not in bound}
    return MappingProxyType(shared | {"_handle_hooks": MappingProxyType({})})


class Session(SMTP):
    """Speaks with one client. No failure on our side is answered with 5xx (promise P4)."""

    def __init__(self, server: ServerState, shared: Mapping[str, Any], protocol: MailProtocol) -> None:
        loop: asyncio.AbstractEventLoop = shared["loop"]
        vars(self).update(shared)
        reader = asyncio.StreamReader(limit=BUFFER, loop=loop)
        asyncio.StreamReaderProtocol.__init__(self, reader, self._cb_client_connected, loop)
        self._unread: bytearray = reader._buffer  # type: ignore[attr-defined]  # aiosmtpd reaches for it, too
        self.transport: asyncio.Transport | None = None
        self.server, self.protocol = server, protocol
        self.peer = ""
        self.front = self.greeted = self._closing = self._at_eof = self._proxied = False
        self.phase = Phase.COMMAND
        self.errors = self.unproductive = self.mails = 0
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.accepted = 0  # RCPT commands answered 250: `recipients` holds each address once
        self._progress_at = 0.0  # when the client last sent what we wait for, by the loop's clock
        self._buffered = 0  # bytes in the reader's buffer then
        self._replies: list[str] = []

    # --- the connection -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the client. Called again with TLS: then all before it is discarded (RFC 3207 4.2)."""
        if self._original_transport is None:
            name = transport.get_extra_info("peername")
            self.peer = plain_address(name[0]) if isinstance(name, tuple) else ""
            if refusal := self.server.enter(self, self.peer):
                self._reject(transport, refusal)
                return
            self._proxied = self.server.is_proxy(self.peer)
            self.front = not self._proxied and self.server.is_front(self.peer)
        self.greeted = False
        super().connection_made(transport)

    def _reject(self, transport: Any, refusal: str) -> None:
        """Refuse a client before the greeting. The connection stays half open until the client has read why."""
        self.transport, self._closing = transport, True
        transport.write(f"{refusal}\r\n".encode())
        self._log_refusal(refusal)
        if len(self.server.lingering) >= MAX_LINGERING or not transport.can_write_eof():
            transport.close()
            return
        self.server.lingering.add(transport)
        _close_our_half(transport)
        self.loop.call_later(self.server.timeouts.close.total_seconds(), transport.abort)

    def connection_lost(self, error: Exception | None) -> None:
        if self.session is not None:
            super().connection_lost(error)
            self.server.leave(self, self.peer)
        elif self.transport is not None:  # a rejected client never had a session
            self.server.lingering.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        if not self._closing:
            super().data_received(data)

    def eof_received(self) -> bool:
        """Note that the client sends no more. What it sent is still processed, unlike in aiosmtpd."""
        self._at_eof = True
        self._reader.feed_eof()
        return self._tls_protocol is None and not self._closing  # TLS can't be closed by halves

    def _set_rset_state(self) -> None:
        super()._set_rset_state()  # type: ignore[no-untyped-call]
        self.sender, self.recipients, self.accepted = None, [], 0

    reset = _set_rset_state

    def drain(self) -> None:
        """Let a mail under way finish, and end any other session now."""
        if self.phase in (Phase.COMMAND, Phase.HANDSHAKE):
            self._end(SHUTTING_DOWN)

    def idle_seconds(self) -> float:
        """Return for how long the client has left us waiting for a command or a handshake; 0 when it does not."""
        waits = self.phase in (Phase.COMMAND, Phase.HANDSHAKE) and not self._closing
        return self.loop.time() - self._progress_at if waits else 0.0

    def put_out(self) -> None:
        """End a silent session, so that another client gets its place."""
        self._log_refusal(PUT_OUT)
        self._end(PUT_OUT)

    def hurry(self) -> None:
        """Look at the client's silence now: patience has become shorter."""
        if self._timeout_handle is not None and not self._closing:
            self._timeout_handle.cancel()
            self._timeout_cb()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _end(self, reply: str) -> None:
        """Send the last reply and close.

        What a refused client still sends is read and dropped for a while. Closing with unread bytes would
        reset the connection, and the client might never see the reply.
        """
        transport = self.transport
        if transport is None or self._closing:
            return
        self._closing = True
        self._write(reply)
        if reply[:1] in ("4", "5") and not self._at_eof and transport.can_write_eof():
            _close_our_half(transport)
            transport.resume_reading()
        else:
            transport.close()
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        seconds = self.server.timeouts.close.total_seconds()
        self._timeout_handle = self.loop.call_later(seconds, transport.abort)
        if self._handler_coroutine and self._handler_coroutine is not asyncio.current_task():
            self._handler_coroutine.cancel()

    # --- the timer ----------------------------------------------------------------------------------------

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Keep one timer for each session instead of one for each command."""
        self._progress_at = self.loop.time()
        if self._timeout_handle is None:
            self._timeout_cb()

    def _timeout_cb(self) -> None:
        """Close a session that is silent for too long, or that sends a mail too slowly."""
        server, timeouts = self.server, self.server.timeouts
        silence, text = self.loop.time() - self._progress_at, server.patience(timeouts.text)
        delay = text
        if self.phase is Phase.COMMAND:
            usual = timeouts.command if self.greeted else min(timeouts.command, timeouts.first_command)
            command = server.patience(usual)
            if silence >= command:
                return self._end("421 4.4.2 Nothing heard for too long")
            delay = min(delay, command - silence)
        elif self.phase is Phase.TEXT and silence >= text:
            if len(self._unread) - self._buffered < server.minimum_rate * silence:
                self._log_refusal("421 4.4.2 Too slow")
                return self._end("421 4.4.2 Too slow, try again later")
            self._await_text()
        elif self.phase is Phase.TEXT:
            delay -= silence
        self._timeout_handle = self.loop.call_later(delay, self._timeout_cb)
        return None

    def _await_text(self) -> None:
        """Require the minimum rate for the client's text from now on."""
        self.phase = Phase.TEXT
        self._progress_at, self._buffered = self.loop.time(), len(self._unread)

    # --- the dialogue -------------------------------------------------------------------------------------

    async def _handle_client(self) -> None:
        """Run one command after another until either side leaves.

        Replaces aiosmtpd's loop, which answers 500 to our own errors, counts neither errors nor commands, and
        stops at EOF with commands unanswered.
        """
        try:
            if self._proxied:
                await self._read_proxy_header()
            self._replies.append(f"220 {self.hostname} {self.protocol.name} mailbot")
            while True:
                if b"\n" not in self._unread:  # RFC 2920: replies to a group leave together
                    await self.flush()
                if self.server.draining:
                    return self._end(SHUTTING_DOWN)
                await self._run(await self._read_command())
        except EndSession as reply:
            self._log_refusal(str(reply).partition("\r\n")[0])
            self._end(str(reply))
        except (IncompleteReadError, ConnectionError):
            self._end("")
        except TLSSetupException:
            self.abort()
            self.connection_lost(None)  # the TLS layer reports it only after a handshake

    async def _read_proxy_header(self) -> None:
        """Read the PROXY header before anything else; the client that it names becomes the peer.

        With LOCAL (a health check of the proxy) the proxy stays the peer.
        """
        try:
            async with asyncio.timeout(self.server.timeouts.proxy_header.total_seconds()):
                client = await proxy.read_client(self._reader)
        except TimeoutError:
            raise EndSession("421 4.4.2 No PROXY header came in time") from None
        except proxy.BadHeader as error:  # a set-up gone wrong: no customer's mail may bounce for it
            raise EndSession(f"421 4.3.5 {error}") from None
        if client:
            if refusal := self.server.change_peer(self.peer, client):
                raise EndSession(refusal)
            self.peer = client
        self.front = self.server.is_front(self.peer)

    async def _read_command(self) -> bytes:
        try:
            return await self._reader.readuntil(b"\n")
        except LimitOverrunError:
            raise EndSession("500 5.5.2 Line too long") from None

    async def _run(self, line: bytes) -> None:
        name, _, argument = line.strip().partition(b" ")
        verb = name.decode("ascii", "replace").upper()
        command = self.protocol.commands.get(verb)
        try:
            if len(line) > MAX_COMMAND:
                raise Refused(500, "5.5.2 Line too long")
            if command is None:
                raise Refused(500, "5.5.2 Command not recognised")
            if self._needs_tls() and verb not in WITHOUT_TLS:
                raise Refused(530, "5.7.0 Must issue a STARTTLS command first")
            await command(self, argument.strip().decode("utf-8", "surrogateescape"))
        except Refused as refusal:
            self.refuse(str(refusal))
        except (EndSession, IncompleteReadError, ConnectionError, TLSSetupException):
            raise
        except Exception as error:  # this is a loop: whatever our own fault, the client shall try again
            self._report_error(error)
        finally:
            self.phase, self._progress_at = Phase.COMMAND, self.loop.time()

    def _needs_tls(self) -> bool:
        """Check whether TLS is missing where the admin requires it. A local socket needs none."""
        return self.server.require_tls and self._tls_protocol is None and self.peer != ""

    def _report_error(self, error: Exception) -> None:
        log.session_failed(peer=self.peer, error=error)
        self.reset()
        if self.phase is not Phase.COMMAND:  # what is left of a mail's text must not be taken for commands
            raise EndSession("421 4.3.0 Trouble on our side, try again later")
        self.reply("451 4.3.0 Trouble on our side, try again later")

    async def read_text(self, buffer: DataBuffer) -> None:
        """Read a mail up to the final dot in parts, not lines: most mails are a single part.

        aiosmtpd reads line by line, half of the cost of a mail. What follows the dot stays in the reader.
        """
        self._unread[:0] = b"\r\n"  # so that a dot on the first line is found like any other
        complete = False
        while not complete:
            self._await_text()
            try:
                part, complete = await self._reader.readuntil(END), True
            except LimitOverrunError as overrun:  # `consumed` leaves what may be the beginning of END
                part = await self._reader.readexactly(overrun.consumed)
            self.phase = Phase.BUSY
            await buffer.add(part)
            if buffer.hopeless:
                raise EndSession("\r\n".join([str(too_big(self.server.limits.size))] * self.reply_count()))

    # --- replies ------------------------------------------------------------------------------------------

    def reply(self, text: str) -> None:
        """Add a reply to the queue. Too many errors, or too many commands without a mail, end the session."""
        self.errors += text.startswith("5")
        self.unproductive += 1
        if self.errors > self.server.max_errors:
            raise EndSession("421 4.7.0 Too many errors")
        if self.unproductive > self.server.most_unproductive:
            raise EndSession("421 4.7.0 Too many commands without a mail")
        self._replies.append(text)

    def refuse(self, text: str) -> None:
        """Log a refusal and add it to the queue."""
        self._log_refusal(text)
        self.reply(text)

    def reply_to_mail(self, text: str) -> None:
        """Answer the end of a mail; in LMTP once for each recipient, since one commit holds for all."""
        count = self.reply_count()
        self.reset()
        if text.startswith("250"):
            self.unproductive = 0
            self.reply(text)
        else:
            self.refuse(text)
        self._replies += [text] * (count - 1)

    def reply_count(self) -> int:
        """Count the replies to the end of a mail."""
        return self.accepted if self.protocol.reply_per_recipient else 1

    def _log_refusal(self, reply: str) -> None:
        code, _, reason = reply.partition(" ")
        if code >= "4":
            log.mail_refused(peer=self.peer, code=int(code), reason=reason)
            self.server.count_refusal(int(code))

    async def flush(self) -> None:
        """Send the queued replies, and wait while the client doesn't read."""
        self._write("")
        await self._writer.drain()

    def _write(self, reply: str) -> None:
        lines = [*self._replies, reply] if reply else self._replies
        if lines:
            self._replies = []
            self._writer.write(("\r\n".join(lines) + "\r\n").encode())

    async def push(self, status: Any) -> None:
        """Reply for aiosmtpd's STARTTLS."""
        self.reply(status)
        await self.flush()


def _close_our_half(transport: asyncio.WriteTransport) -> None:
    try:
        transport.write_eof()
    except OSError:  # the client has reset the connection, and the event loop has not seen it yet
        transport.abort()
