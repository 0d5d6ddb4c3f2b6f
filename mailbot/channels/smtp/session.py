"""One SMTP or LMTP session: aiosmtpd's connection and STARTTLS with a command loop of our own.

Theory of operation. Replies are queued and leave together when no further command has arrived (RFC 2920). An
internal error is answered 451 or 421, never 5xx. `Phase` is what the session waits for: the timer and the
drain end a session that waits for a command, and let a mail under way finish. 250 follows only the commit of
the mail.
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
from mailbot.channels.smtp import mail_and_rcpt, proxy
from mailbot.channels.smtp.data import END, DataBuffer, too_big
from mailbot.channels.smtp.limits import plain
from mailbot.channels.smtp.server import SHUTTING_DOWN, ServerState
from mailbot.domain.model import Envelope
from mailbot.errors import Refused, StoreFull

LONGEST_COMMAND = 2048  # RFC 5321 4.5.3.1.4 wants 512 and what extensions add
BUFFER = 65536  # longer mails are taken in parts of at least this size
WITHOUT_TLS = frozenset({"EHLO", "HELO", "LHLO", "NOOP", "QUIT", "RSET", "STARTTLS"})  # RFC 3207 4


class Phase(enum.Enum):
    """What a session waits for; the drain and the timer depend on it."""

    COMMAND = enum.auto()  # the client's next command
    TEXT = enum.auto()  # the client's mail
    OURS = enum.auto()  # ourselves


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
    ours = {name: value for name, value in vars(example).items() if name not in base and name not in bound}
    return MappingProxyType(ours | {"_handle_hooks": MappingProxyType({})})


class Session(SMTP):
    """Speaks with one client. Nothing that fails on our side is ever answered with 5xx (promise P4)."""

    def __init__(self, server: ServerState, common: Mapping[str, Any], protocol: "MailProtocol") -> None:
        loop: asyncio.AbstractEventLoop = common["loop"]
        vars(self).update(common)
        reader = asyncio.StreamReader(limit=BUFFER, loop=loop)
        asyncio.StreamReaderProtocol.__init__(self, reader, self._cb_client_connected, loop)
        self._unread: bytearray = reader._buffer  # type: ignore[attr-defined]  # aiosmtpd reaches for it, too
        self.transport: asyncio.Transport | None = None
        self.server, self.protocol = server, protocol
        self.peer = ""
        self.front = self.greeted = self._leaving = self._at_eof = self._proxied = False
        self.phase = Phase.COMMAND
        self.errors = self.unproductive = self.mails = 0
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.accepted = 0  # RCPT commands answered 250: `recipients` holds each address once
        self._seen_at = 0.0  # when the client last did what it should, by the loop's clock
        self._held = 0  # bytes in the reader's buffer then
        self._replies: list[str] = []

    # --- the connection -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the client. Called again with TLS: then all before it is discarded (RFC 3207 4.2)."""
        if self._original_transport is None:
            name = transport.get_extra_info("peername")
            self.peer = plain(name[0]) if isinstance(name, tuple) else ""
            if refusal := self.server.enter(self, self.peer):
                self._reject(transport, refusal)
                return
            self._proxied = self.server.is_proxy(self.peer)
            self.front = not self._proxied and self.server.is_front(self.peer)
        self.greeted = False
        super().connection_made(transport)

    def _reject(self, transport: Any, refusal: str) -> None:
        transport.write(f"{refusal}\r\n".encode())
        transport.close()
        self._log_refusal(refusal)

    def connection_lost(self, error: Exception | None) -> None:
        if self.session is not None:  # one that was turned away never had a session
            super().connection_lost(error)
            self.server.leave(self, self.peer)

    def data_received(self, data: bytes) -> None:
        if not self._leaving:
            super().data_received(data)

    def eof_received(self) -> bool:
        """Note that the client sends no more. What it sent is still processed, unlike in aiosmtpd."""
        self._at_eof = True
        self._reader.feed_eof()
        return self._tls_protocol is None and not self._leaving  # TLS can't be closed by halves

    def _set_rset_state(self) -> None:
        super()._set_rset_state()  # type: ignore[no-untyped-call]
        self.sender, self.recipients, self.accepted = None, [], 0

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Keep one timer for each session instead of one for each command."""
        self._seen_at = self.loop.time()
        if self._timeout_handle is None:
            self._timeout_cb()

    def _timeout_cb(self) -> None:
        """Close a session that is silent for too long, or that sends a mail too slowly."""
        patience, quiet = self.server.patience, self.loop.time() - self._seen_at
        look, idle = patience.text.total_seconds(), patience.idle.total_seconds()
        if self.phase is Phase.COMMAND:
            if quiet >= idle:
                return self._end("421 4.4.2 Nothing heard for too long")
            look = min(look, idle - quiet)
        elif self.phase is Phase.TEXT and quiet >= look:
            if len(self._unread) - self._held < self.server.limits.minimum_rate * quiet:
                self._log_refusal("421 4.4.2 Too slow")
                return self._end("421 4.4.2 Too slow, try again later")
            self._await_text()
        self._timeout_handle = self.loop.call_later(look, self._timeout_cb)
        return None

    def _await_text(self) -> None:
        """Require the minimum rate for the client's text from now on."""
        self.phase = Phase.TEXT
        self._seen_at, self._held = self.loop.time(), len(self._unread)

    def dismiss(self) -> None:
        """Drain: let a mail under way finish, and end any other session now."""
        if self.phase is Phase.COMMAND:
            self._end(SHUTTING_DOWN)

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _end(self, words: str) -> None:
        """Send the last reply and close.

        What a refused client still sends is read and dropped for a while. Closing with unread bytes would
        reset the connection, and the client might never see the reply.
        """
        transport = self.transport
        if transport is None or self._leaving:
            return
        self._leaving = True
        self._write(words)
        if words[:1] in ("4", "5") and not self._at_eof and transport.can_write_eof():
            transport.write_eof()
            transport.resume_reading()
        else:
            transport.close()
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        patience = self.server.patience.farewell.total_seconds()
        self._timeout_handle = self.loop.call_later(patience, transport.abort)
        if self._handler_coroutine and self._handler_coroutine is not asyncio.current_task():
            self._handler_coroutine.cancel()

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
        except EndSession as words:
            self._log_refusal(str(words).partition("\r\n")[0])
            self._end(str(words))
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
            async with asyncio.timeout(self.server.patience.header.total_seconds()):
                client = await proxy.read_client(self._reader)
        except TimeoutError:
            raise EndSession("421 4.4.2 No PROXY header came in time") from None
        except proxy.BadHeader as error:  # a set-up gone wrong: no customer's mail may bounce for it
            raise EndSession(f"421 4.3.5 {error}") from None
        if client:
            if refusal := self.server.rename(self.peer, client):
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
            if len(line) > LONGEST_COMMAND:
                raise Refused(500, "5.5.2 Line too long")
            if command is None:
                raise Refused(500, "5.5.2 Command not recognised")
            if self._needs_tls() and verb not in WITHOUT_TLS:
                raise Refused(530, "5.7.0 Must issue a STARTTLS command first")
            await command(self, argument.strip().decode("utf-8", "surrogateescape"))
        except Refused as refusal:
            self.refuse(f"{refusal.code} {refusal.text}")
        except (EndSession, IncompleteReadError, ConnectionError, TLSSetupException):
            raise
        except Exception as error:  # this is a loop: whatever our own fault, the client shall try again
            self._report_error(error)
        finally:
            self.phase, self._seen_at = Phase.COMMAND, self.loop.time()

    def _needs_tls(self) -> bool:
        """Check whether TLS is missing where the admin requires it. A local socket needs none."""
        return self.server.require_tls and self._tls_protocol is None and self.peer != ""

    def _report_error(self, error: Exception) -> None:
        log.session_failed(peer=self.peer, error=error)
        self._set_rset_state()
        if self.phase is not Phase.COMMAND:  # what is left of a mail's text must not be taken for commands
            raise EndSession("421 4.3.0 Trouble on our side, try again later")
        self.say("451 4.3.0 Trouble on our side, try again later")

    def say(self, reply: str) -> None:
        """Add a reply to the queue. Too many errors, or too many commands without a mail, end the session."""
        self.errors += reply.startswith("5")
        self.unproductive += 1
        if self.errors > self.server.errors:
            raise EndSession("421 4.7.0 Too many errors")
        if self.unproductive > self.server.unproductive:
            raise EndSession("421 4.7.0 Too many commands without a mail")
        self._replies.append(reply)

    def refuse(self, reply: str) -> None:
        """Log a refusal and add it to the queue."""
        self._log_refusal(reply)
        self.say(reply)

    def _log_refusal(self, reply: str) -> None:
        code, _, why = reply.partition(" ")
        if code >= "4":
            log.mail_refused(peer=self.peer, code=int(code), reason=why)
            self.server.refused(int(code))

    async def flush(self) -> None:
        """Send the queued replies, and wait while the client doesn't read."""
        self._write("")
        await self._writer.drain()

    def _write(self, words: str) -> None:
        lines = [*self._replies, words] if words else self._replies
        if lines:
            self._replies = []
            self._writer.write(("\r\n".join(lines) + "\r\n").encode())

    async def push(self, status: Any) -> None:
        """Reply for aiosmtpd's STARTTLS."""
        self.say(status)
        await self.flush()

    # --- commands -----------------------------------------------------------------------------------------

    async def smtp_EHLO(self, hostname: str) -> None:
        self._greet(hostname)
        lines = [
            "PIPELINING",
            f"SIZE {self.server.limits.size}",
            "8BITMIME",
            "ENHANCEDSTATUSCODES",
            "SMTPUTF8",
        ]
        if self.tls_context and self._tls_protocol is None:
            lines.append("STARTTLS")
        *first, last = [self.hostname, *lines]
        self.say("".join(f"250-{line}\r\n" for line in first) + f"250 {last}")

    smtp_LHLO = smtp_EHLO  # RFC 2033 4.1: the same in all but its name

    async def smtp_HELO(self, hostname: str) -> None:
        self._greet(hostname)
        self.say(f"250 {self.hostname}")

    def _greet(self, hostname: str) -> None:
        if not hostname:
            raise Refused(501, "5.5.4 Your hostname is missing")
        self._set_rset_state()
        self.greeted = True

    async def smtp_NOOP(self, _argument: str) -> None:
        self.say("250 2.0.0 Ok")

    async def smtp_RSET(self, _argument: str) -> None:
        self._set_rset_state()
        self.say("250 2.0.0 Ok")

    async def smtp_VRFY(self, _argument: str) -> None:
        self.say("252 2.0.0 Can't say; send the mail and see")

    async def smtp_EXPN(self, _argument: str) -> None:
        raise Refused(502, "5.5.1 EXPN is not offered")

    async def smtp_HELP(self, _argument: str) -> None:
        self.say(f"214 2.0.0 {' '.join(self.protocol.commands)}")

    async def smtp_QUIT(self, _argument: str) -> None:
        raise EndSession("221 2.0.0 Bye")

    async def smtp_STARTTLS(self, argument: str) -> None:
        if self.tls_context is None or self._tls_protocol is not None:
            raise Refused(503, "5.5.1 STARTTLS is not offered now")
        try:
            await super().smtp_STARTTLS(argument)  # discards what was sent in the clear after the command
        except asyncio.CancelledError:  # the drain; during a handshake the TLS layer reports no end
            raise TLSSetupException from None

    async def smtp_MAIL(self, argument: str) -> None:
        if not self.greeted:
            raise Refused(503, f"5.5.1 Say {next(iter(self.protocol.commands))} first")
        if self.sender is not None:
            raise Refused(503, "5.5.1 Nested MAIL")
        sender, parameters = mail_and_rcpt.sender(argument)
        self._check_parameters(parameters)
        if self.mails >= self.server.limits.mails_per_session:
            raise EndSession("421 4.7.0 Enough mails in one session, connect again")
        if not self.front and not self.server.caps.may_send(self.peer, self.server.now()):
            return self.refuse("450 4.7.1 Too many mails from your address, try again later")
        if not self.server.has_space():
            return self.refuse("452 4.3.1 Not enough space, try again later")
        self.sender = sender
        self.say("250 2.1.0 Ok")
        return None

    def _check_parameters(self, parameters: mail_and_rcpt.Parameters) -> None:
        for name, value in parameters.items():
            match name:
                case "SIZE" if value.isdecimal() and value.isascii() and len(value) <= 20:
                    if int(value) > self.server.limits.size:
                        raise too_big(self.server.limits.size)
                case "BODY" if value.upper() in ("7BIT", "8BITMIME"):
                    pass
                case "SMTPUTF8" if not value:
                    pass
                case "SIZE" | "BODY" | "SMTPUTF8":
                    raise Refused(501, f"5.5.4 Bad value for {name}")
                case _:
                    raise Refused(555, "5.5.4 MAIL parameter not recognised")

    async def smtp_RCPT(self, argument: str) -> None:
        if self.sender is None:
            raise Refused(503, "5.5.1 Say MAIL first")
        local, domain, parameters = mail_and_rcpt.recipient(argument)
        if parameters:
            raise Refused(555, "5.5.4 RCPT parameter not recognised")
        address = mail_and_rcpt.resolve_recipient(local, domain, self.server.policy())
        if address not in self.recipients:
            if len(self.recipients) >= self.server.limits.recipients:
                return self.refuse("452 4.5.3 Too many recipients, send the rest in another mail")
            self.recipients.append(address)
            self.unproductive -= 1  # a mail for a hundred is no misuse
        self.accepted += 1
        self.say("250 2.1.5 Ok")
        return None

    # --- the mail itself ----------------------------------------------------------------------------------

    async def smtp_DATA(self, argument: str) -> None:
        if argument:
            raise Refused(501, "5.5.4 DATA takes no argument")
        if not self.recipients:
            raise Refused(503, "5.5.1 No valid recipient yet")
        transfer = DataBuffer(self.server.memory, self.server.limits.size)
        more = self._reply_count() - 1
        self.say("354 End data with <CR><LF>.<CR><LF>")
        await self.flush()
        try:
            await self._read_text(transfer)
            reply = transfer.refusal or await self._keep(transfer)
        except Refused as refusal:
            reply = str(refusal)
        finally:
            transfer.close()
            self._set_rset_state()
        if reply.startswith("250"):
            self.unproductive = 0
            self.say(reply)
        else:
            self.refuse(reply)
        self._replies += [reply] * more  # one commit for all recipients: the same for each

    async def _read_text(self, transfer: DataBuffer) -> None:
        """Read up to the final dot in parts, not lines: most mails are a single part.

        aiosmtpd reads line by line, half of the cost of a mail. What follows the dot stays in the reader.
        """
        self._unread[:0] = b"\r\n"  # so that a dot on the first line is found like any other
        last = False
        while not last:
            self._await_text()
            try:
                part, last = await self._reader.readuntil(END), True
            except LimitOverrunError as more:
                part = await self._reader.readexactly(
                    more.consumed
                )  # leaves what may be the beginning of END
            self.phase = Phase.OURS
            await transfer.add(part)
            if transfer.hopeless:
                raise EndSession("\r\n".join([str(too_big(self.server.limits.size))] * self._reply_count()))

    def _reply_count(self) -> int:
        """Count the replies to the end of a mail."""
        return self.accepted if self.protocol.answers_each else 1

    async def _keep(self, transfer: DataBuffer) -> str:
        """Keep the mail. The reply is 250 only after that."""
        raw = transfer.whole(repair=self.front)
        server = self.server
        envelope = Envelope(self.sender or "", tuple(self.recipients), self.peer, server.now())
        task = server.store(envelope, raw, transfer.release_booking())
        # wait() leaves the task alone when time is up, and when we are cancelled because the client went away
        await asyncio.wait((task,), timeout=server.patience.keep.total_seconds())
        error = None if not task.done() or task.cancelled() else task.exception()
        if isinstance(error, StoreFull):
            return "452 4.3.1 Not enough space, try again later"
        if error or not task.done() or task.cancelled():
            return "451 4.3.0 Could not keep the mail, try again later"
        self.mails += 1
        return f"250 2.0.0 Ok: kept as {task.result()}"


Command = Callable[[Session, str], Awaitable[None]]


@dataclass(frozen=True, slots=True, eq=False)
class MailProtocol:
    """The protocol of a socket: its name in our greeting, and its commands, that of the greeting first.

    `answers_each`: the end of a mail is answered for each accepted RCPT (RFC 2033 4.2).
    """

    name: str
    commands: Mapping[str, Command]
    answers_each: bool


COMMON: Mapping[str, Command] = MappingProxyType(
    {
        "MAIL": Session.smtp_MAIL,
        "RCPT": Session.smtp_RCPT,
        "DATA": Session.smtp_DATA,
        "RSET": Session.smtp_RSET,
        "NOOP": Session.smtp_NOOP,
        "QUIT": Session.smtp_QUIT,
        "STARTTLS": Session.smtp_STARTTLS,
        "VRFY": Session.smtp_VRFY,
        "EXPN": Session.smtp_EXPN,
        "HELP": Session.smtp_HELP,
    }
)

ESMTP = MailProtocol(
    "ESMTP",
    MappingProxyType({"EHLO": Session.smtp_EHLO, "HELO": Session.smtp_HELO, **COMMON}),
    answers_each=False,
)
LMTP = MailProtocol(
    "LMTP", MappingProxyType({"LHLO": Session.smtp_LHLO, **COMMON}), answers_each=True
)  # no HELO, no EHLO: RFC 2033 4.1
