"""One SMTP or LMTP session: the connection, its timer, and a command loop that runs as the bytes come.

Theory of operation. A session is no task: what arrives is run at once, in `data_received`, as far as it goes. Only what
takes time is a task of its own (`work`): a TLS handshake, a proxy's header, a large mail. Replies are queued and
leave together when no further command has arrived (RFC 2920). An internal error is answered 451 or 421, never 5xx.
`Phase` is what the session waits for: the timer and the drain end a session that waits for a command, and let
a mail under way finish. The commands themselves are in `commands`, a mail's text is read in `transfer`.
"""

import asyncio
import enum
from asyncio import IncompleteReadError
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mailbot import log
from mailbot.channels.smtp.data import NOT_KEPT
from mailbot.channels.smtp.limits import plain_address
from mailbot.channels.smtp.server import MAX_LINGERING, PUT_OUT, SHUTTING_DOWN, TOO_MANY, ServerState
from mailbot.errors import Refused

MAX_COMMAND = 2048  # bytes: RFC 5321 4.5.3.1.4 wants 512 and what extensions add
BUFFER = 65536  # bytes: longer mails are taken in parts of at least this size
WITHOUT_TLS = frozenset({"EHLO", "HELO", "LHLO", "NOOP", "QUIT", "RSET", "STARTTLS"})  # RFC 3207 4

Command = Callable[["Session", str], None]


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

    PLACE = enum.auto()  # a place among all sessions
    HEADER = enum.auto()  # the proxy's header
    COMMAND = enum.auto()  # the client's next command
    TEXT = enum.auto()  # the client's mail
    HANDSHAKE = enum.auto()  # the client's part of a TLS handshake
    BUSY = enum.auto()  # our own work


class EndSession(Exception):
    """The session ends with this reply; "" sends none."""


class Transfer(Protocol):
    """What the session needs of a mail that is coming in."""

    def read(self) -> bool: ...
    def seconds_left(self) -> float: ...
    def close(self) -> None: ...


class Session(asyncio.Protocol):
    """Speaks with one client. No failure on our side is answered with 5xx (promise P4)."""

    def __init__(self, server: ServerState, protocol: MailProtocol, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self.server, self.protocol = loop, server, protocol
        self.transport: asyncio.Transport | None = None
        self.peer = ""
        self.front = self.greeted = self.secured = False
        self.phase = Phase.COMMAND
        self.errors = self.unproductive = self.mails = 0
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.accepted = 0  # RCPT commands answered 250: `recipients` holds each address once
        self.unread = bytearray()
        self.transfer: Transfer | None = None
        self._closing = self._at_eof = self._is_slow = self._is_paused = False
        self._tls = server.tls  # a reload renews that of new sessions
        self._header: asyncio.StreamReader | None = None  # of a proxy, until it is read
        self._work: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._progress_at = 0.0  # when the client last sent what we wait for, by the loop's clock
        self._buffered = 0  # unread bytes then
        self._replies: list[str] = []

    @property
    def offers_tls(self) -> bool:
        return self._tls is not None and not self.secured

    # --- the connection -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the client and greet it, or refuse it."""
        assert isinstance(transport, asyncio.Transport)
        name = transport.get_extra_info("peername")
        self.peer = plain_address(name[0]) if isinstance(name, tuple) else ""
        self.transport = transport
        refusal = self.server.enter(self)
        if refusal:
            self._reject(transport, refusal)
        elif refusal is None:
            self.phase = Phase.PLACE
            self._timer = self.loop.call_later(self.server.timeouts.place.total_seconds(), self._insist)
        else:
            self.welcome()

    def _insist(self) -> None:
        """Take the place of a silent client after a long wait, or give up."""
        self.server.make_room()
        if self in self.server.waiting:
            self._give_up()

    def _give_up(self) -> None:
        self.server.leave(self)
        self.unread.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self.transport is not None:
            self._reject(self.transport, TOO_MANY)

    def welcome(self) -> None:
        """Begin the dialogue: there is a place."""
        if self._closing:
            return
        if self._timer is not None:
            self._timer.cancel()
        self.await_command()
        if self.server.is_proxy(self.peer):
            self._header = asyncio.StreamReader(limit=BUFFER, loop=self.loop)
            self._header.feed_data(bytes(self.unread))
            self.unread.clear()
            if self._at_eof:
                self._header.feed_eof()
            self.work(self._read_proxy_header(self._header), Phase.HEADER)
        else:
            self._greet()
        self._look()

    def _greet(self) -> None:
        self.front = self.server.is_front(self.peer)
        self._replies.append(f"220 {self.server.hostname} {self.protocol.name} mailbot")
        self.process()

    def _reject(self, transport: asyncio.Transport, refusal: str) -> None:
        """Refuse a client before the greeting. The connection stays half open until the client has read why."""
        self._closing = True
        transport.write(f"{refusal}\r\n".encode())
        self._log_refusal(refusal)
        if len(self.server.lingering) >= MAX_LINGERING or not transport.can_write_eof():
            transport.close()
            return
        self.server.lingering.add(transport)
        _close_our_half(transport)
        self.loop.call_later(self.server.timeouts.close.total_seconds(), transport.abort)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the client. A mail that is being kept is kept all the same."""
        self._closing = True
        if self.transport is not None:
            self.server.lingering.discard(self.transport)
        if self._timer is not None:
            self._timer.cancel()
        self._drop_work()
        self.server.leave(self)

    def _drop_work(self) -> None:
        if self.transfer is not None:
            self.transfer.close()
        if self._work is not None:
            self._work.cancel()

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client, and run what they complete."""
        if self._closing:
            return None
        if self._header is not None:
            return self._header.feed_data(data)
        self.unread += data
        if self.phase is Phase.PLACE and len(self.unread) > MAX_COMMAND:
            return (
                self._give_up()
            )  # many that wait could fill the memory, and nobody may talk before the greeting
        if self.phase is Phase.COMMAND or self.phase is Phase.TEXT:
            self.process()
        elif len(self.unread) > 2 * BUFFER and not self._is_paused and self.transport is not None:
            self._is_paused = True
            self.transport.pause_reading()
        return None

    def eof_received(self) -> bool:
        """Note that the client sends no more. What it sent is still run."""
        self._at_eof = True
        keep_open = not self.secured and not self._closing  # TLS can't be closed by halves
        if self._header is not None:
            self._header.feed_eof()
        elif keep_open:
            self.process()
        return keep_open

    def pause_writing(self) -> None:
        """Run no further command: the client does not read its replies."""
        self._is_slow = True

    def resume_writing(self) -> None:
        self._is_slow = False
        self.loop.call_soon(self.process)

    def drain(self) -> None:
        """Let a mail under way finish, and end any other session now."""
        if self.phase in (Phase.COMMAND, Phase.HANDSHAKE, Phase.HEADER, Phase.PLACE):
            self.end(SHUTTING_DOWN)

    def idle_seconds(self) -> float:
        """Return for how long the client has left us waiting for a command or a handshake; 0 when it does not."""
        waits = self.phase in (Phase.COMMAND, Phase.HANDSHAKE, Phase.HEADER) and not self._closing
        return self.loop.time() - self._progress_at if waits else 0.0

    def put_out(self) -> None:
        """End a silent session, so that another client gets its place."""
        self._log_refusal(PUT_OUT)
        self.end(PUT_OUT)

    def hurry(self) -> None:
        """Look at the client's silence now: patience has become shorter."""
        if self._timer is not None and not self._closing:
            self._timer.cancel()
            self._look()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def end(self, reply: str) -> None:
        """Send the last reply and close.

        What a refused client still sends is read and dropped for a while. Closing with unread bytes would
        reset the connection, and the client might never see the reply.
        """
        transport = self.transport
        if transport is None or self._closing:
            return
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        if self.phase is Phase.HANDSHAKE:  # it takes no reply in the clear
            transport.abort()
        else:
            self._write(reply)
            if reply[:1] in ("4", "5") and not self._at_eof and transport.can_write_eof():
                _close_our_half(transport)
                transport.resume_reading()
            else:
                transport.close()
            self._timer = self.loop.call_later(self.server.timeouts.close.total_seconds(), transport.abort)
        self._drop_work()

    # --- the timer ----------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Close a session that is silent for too long, or that sends a mail too slowly.

        One timer looks from time to time, instead of one for each command.
        """
        if self._closing:
            return None
        server, timeouts = self.server, self.server.timeouts
        silence, text = self.loop.time() - self._progress_at, server.patience(timeouts.text)
        delay = min(text, timeouts.keep.total_seconds())
        if self.phase is Phase.COMMAND:
            usual = timeouts.command if self.greeted else min(timeouts.command, timeouts.first_command)
            command = server.patience(usual)
            if silence >= command:
                return self.end("421 4.4.2 Nothing heard for too long")
            delay = min(delay, command - silence)
        elif self.phase is Phase.TEXT and silence >= text:
            if len(self.unread) - self._buffered < server.minimum_rate * silence:
                self._log_refusal("421 4.4.2 Too slow")
                return self.end("421 4.4.2 Too slow, try again later")
            self.await_text()
        elif self.phase is Phase.TEXT:
            delay = min(delay, text - silence)
        elif self.transfer is not None and (left := self.transfer.seconds_left()) <= 0:
            self.process(NOT_KEPT)
            return self._look()
        elif self.transfer is not None:
            delay = min(delay, left)
        self._timer = self.loop.call_later(delay, self._look)
        return None

    def await_text(self) -> None:
        """Require the minimum rate for the client's text from now on."""
        self.phase = Phase.TEXT
        self._progress_at, self._buffered = self.loop.time(), len(self.unread)

    def await_command(self) -> None:
        self.phase, self._progress_at = Phase.COMMAND, self.loop.time()

    # --- what takes time ----------------------------------------------------------------------------------

    def work(self, job: Coroutine[Any, Any, None], phase: Phase = Phase.BUSY) -> None:
        """Run a coroutine, and then what came meanwhile. It sets the phase that follows."""
        self.phase = phase
        self._work = self.loop.create_task(job)
        self._work.add_done_callback(self._worked)

    def _worked(self, task: asyncio.Task[None]) -> None:
        self._work = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._leave(error)
        else:
            self.process()

    async def _read_proxy_header(self, reader: asyncio.StreamReader) -> None:
        """Read the PROXY header before anything else; the client that it names becomes the peer.

        With LOCAL (a health check of the proxy) the proxy stays the peer.
        """
        from mailbot.channels.smtp import proxy  # few installations stand behind one

        try:
            async with asyncio.timeout(self.server.timeouts.proxy_header.total_seconds()):
                client = await proxy.read_client(reader)
        except TimeoutError:
            raise EndSession("421 4.4.2 No PROXY header came in time") from None
        except proxy.BadHeader as error:  # a set-up gone wrong: no customer's mail may bounce for it
            raise EndSession(f"421 4.3.5 {error}") from None
        if client:
            if refusal := self.server.change_peer(self.peer, client):
                raise EndSession(refusal)
            self.peer = client
        self._header = None
        self.unread += reader._buffer  # type: ignore[attr-defined]
        self.await_command()
        self._greet()

    def start_tls(self) -> None:
        """Begin a TLS handshake. What was sent in the clear after the command is discarded (RFC 3207 4.2)."""
        assert self.transport
        self.transport.pause_reading()
        self.unread.clear()
        self._write("220 Ready to start TLS")
        self.work(self._shake_hands(self.transport), Phase.HANDSHAKE)

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        assert self._tls
        secured = None
        seconds = self.server.patience(self.server.timeouts.handshake)
        try:
            secured = await self.loop.start_tls(
                transport, self, self._tls, server_side=True, ssl_handshake_timeout=seconds
            )
        except OSError:  # ssl.SSLError is one
            pass
        finally:
            if secured is None:  # also without an error, when the connection is lost just now
                transport.abort()
                self.connection_lost(None)  # the TLS layer reports it only after a handshake
        if secured is not None:
            self.transport, self.secured, self.greeted = secured, True, False
            self.reset()
            self.await_command()

    # --- the dialogue -------------------------------------------------------------------------------------

    def process(self, reply_to_mail: str = "") -> None:
        """Run what has come as far as it goes, then send the replies: first that to the mail before it."""
        try:
            if reply_to_mail and not self._closing:
                self.conclude(reply_to_mail)
            while not self._closing and not self._is_slow and self._next():
                pass
        except Exception as error:
            self._leave(error)
        if not self._closing:
            self._write("")

    def _next(self) -> bool:
        """Run the next command, or read on in a mail. Return False when more must come first."""
        if self.phase is Phase.COMMAND:
            if self.server.draining:
                self.end(SHUTTING_DOWN)
                return False
            if line := self._next_line():
                self._run(line)
                return True
        elif self.phase is not Phase.TEXT or self.transfer is None:
            return False
        elif self.transfer.read():
            return True
        if self._at_eof:
            raise EndSession
        if self._is_paused and self.transport is not None:
            self._is_paused = False
            self.transport.resume_reading()
        return False

    def _next_line(self) -> bytes:
        end = self.unread.find(b"\n")
        if max(end, len(self.unread) if end < 0 else 0) > BUFFER:
            raise EndSession("500 5.5.2 Line too long")
        line = bytes(self.unread[: end + 1])
        del self.unread[: end + 1]
        return line

    def _run(self, line: bytes) -> None:
        name, _, argument = line.strip().partition(b" ")
        verb = name.decode("ascii", "replace").upper()
        command = self.protocol.commands.get(verb)
        self._progress_at = self.loop.time()
        try:
            if len(line) > MAX_COMMAND:
                raise Refused(500, "5.5.2 Line too long")
            if command is None:
                raise Refused(500, "5.5.2 Command not recognised")
            if self._needs_tls() and verb not in WITHOUT_TLS:
                raise Refused(530, "5.7.0 Must issue a STARTTLS command first")
            command(self, argument.strip().decode("utf-8", "surrogateescape"))
        except Refused as refusal:
            self.refuse(str(refusal))
        except EndSession:
            raise
        except Exception as error:  # this is a loop: whatever our own fault, the client shall try again
            log.session_failed(peer=self.peer, error=error)
            self.reset()
            self.reply("451 4.3.0 Trouble on our side, try again later")

    def _needs_tls(self) -> bool:
        """Check whether TLS is missing where the admin requires it. A local socket needs none."""
        return self.server.require_tls and not self.secured and self.peer != ""

    def reset(self) -> None:
        self.sender, self.recipients, self.accepted = None, [], 0

    def conclude(self, reply: str) -> None:
        """Answer the end of a mail; in LMTP once for each recipient, since one commit holds for all."""
        count = self.reply_count()
        if self.transfer is not None:
            self.transfer.close()
            self.transfer = None
        self.reset()
        self.await_command()
        if reply.startswith("250"):
            self.unproductive = 0
            self.reply(reply)
        else:
            self.refuse(reply)
        self._replies += [reply] * (count - 1)

    def _leave(self, error: BaseException) -> None:
        """End the session. After an error of ours what is left of a mail must not be taken for commands."""
        reply = ""
        if isinstance(error, EndSession):
            reply = str(error)
        elif not isinstance(error, IncompleteReadError | ConnectionError):
            log.session_failed(peer=self.peer, error=error)
            reply = "421 4.3.0 Trouble on our side, try again later"
        if not self._closing:
            self._log_refusal(reply.partition("\r\n")[0])
            self.end(reply)

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

    def reply_count(self) -> int:
        """Count the replies to the end of a mail."""
        return self.accepted if self.protocol.reply_per_recipient else 1

    def _log_refusal(self, reply: str) -> None:
        code, _, reason = reply.partition(" ")
        if code >= "4":
            log.mail_refused(peer=self.peer, code=int(code), reason=reason)
            self.server.count_refusal(int(code))

    def _write(self, reply: str) -> None:
        """Send the queued replies and this one."""
        lines = [*self._replies, reply] if reply else self._replies
        if lines and self.transport is not None:
            self._replies = []
            self.transport.write(("\r\n".join(lines) + "\r\n").encode())


def _close_our_half(transport: asyncio.WriteTransport) -> None:
    try:
        transport.write_eof()
    except OSError:  # the client has reset the connection, and the event loop has not seen it yet
        transport.abort()
