"""One IMAP connection: commands out, responses in, never more of them in memory than was asked for.

Covers the part of RFC 3501 and RFC 9051 that fetching mail needs. A response that can't be understood ends
the connection: nothing is guessed. The standard library's imaplib, also under imap-tools, reads every literal
whole, takes a status text that ends in {5} for data, and blocks a thread for each account.
"""

import asyncio
import base64
import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailbot.config.model import ImapTls

MAX_LINE = 1 << 20  # bytes without the literals; a mail's own lines are none of these
CHUNK = 1 << 16
LOGOUT_TIMEOUT = 0.2  # seconds

_LITERAL = re.compile(rb"\{(\d{1,10})\+?\}\r\n\Z")
_STATUS = re.compile(rb"(?:\S+ (?:OK|NO|BAD|BYE|PREAUTH)|\+)(?: |\r\n)", re.IGNORECASE)
_FETCH = re.compile(rb"\* \d+ FETCH \(", re.IGNORECASE)
_TOKEN = re.compile(rb' *(?:([()])|"((?:[^"\\]|\\.)*)"|~?(\{\d+\+?\})|([^\s()"]+))')
_CAPABILITIES = re.compile(rb"(?:\* CAPABILITY|\S+ (?:OK|PREAUTH) \[CAPABILITY) ([^\]\r\n]*)", re.IGNORECASE)
_EXISTS = re.compile(rb"\* \d+ EXISTS", re.IGNORECASE)

Item = bytes | None | list[Any]


class ImapConnectionLost(Exception):
    """The connection can't be used: it could not be opened, broke, or carries no IMAP."""


class ImapRefused(Exception):
    """The server answered NO or BAD to one command. The connection stays usable.

    `code` is the response code in capitals (RFC 5530), or "".
    """

    def __init__(self, command: bytes, answer: bytes) -> None:
        found = re.match(rb"\[([^\]\s]+)[^\]]*\] *", answer)
        self.code = found[1].decode("ascii", "replace").upper() if found else ""
        text = readable(answer) or "refused without a reason"
        super().__init__(f"{command.decode('ascii', 'replace')}: {text}")


@dataclass(frozen=True, slots=True)
class Response:
    """`line` keeps each literal's announcement in its place; a literal is None when it was too long."""

    line: bytes
    literals: tuple[bytes | None, ...] = ()

    def fetch_items(self) -> dict[bytes, Item]:
        """Return the items of a FETCH response by name in capitals; {} for any other response."""
        start = _FETCH.match(self.line)
        if not start:
            return {}
        items = _parse_list(self.line, start.end(), iter(self.literals))
        names = (name.upper() if isinstance(name, bytes) else b"" for name in items[::2])
        return dict(zip(names, items[1::2], strict=False))


def _parse_list(line: bytes, at: int, literals: Any) -> list[Any]:
    """Parse the items of the list that opened before `at`."""
    open_lists: list[list[Any]] = [[]]
    while token := _TOKEN.match(line, at):
        at = token.end()
        mark, quoted, literal, atom = token.groups()
        if mark == b"(":
            open_lists.append([])
        elif mark == b")":
            done = open_lists.pop()
            if not open_lists:
                return done
            open_lists[-1].append(done)
        elif literal is not None:
            open_lists[-1].append(next(literals, None))
        elif quoted is not None:
            open_lists[-1].append(re.sub(rb"\\(.)", rb"\1", quoted))
        else:
            open_lists[-1].append(None if atom.upper() == b"NIL" else atom)
    raise ImapConnectionLost(f"a response that can't be read: {readable(line)}")


def internal_date(value: object) -> datetime | None:
    """Parse "17-Jul-1996 02:44:25 -0700"; None for anything else."""
    try:
        text = value.decode("ascii") if isinstance(value, bytes) else ""
        return datetime.strptime(text.strip(), "%d-%b-%Y %H:%M:%S %z")
    except (ValueError, OverflowError):
        return None


def readable(text: bytes) -> str:
    """Make a server's text fit for a log line."""
    plain = text.decode("utf-8", "replace").strip()
    return "".join(char if char.isprintable() else "�" for char in plain)[:200]


def quoted(text: str) -> bytes:
    """Write printable ASCII as a quoted string (RFC 3501 4.3)."""
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode("ascii") + b'"'


def mailbox_name(text: str) -> bytes:
    """Encode a folder's name in modified UTF-7 (RFC 3501 5.1.3), quoted."""

    def shifted(run: re.Match[str]) -> str:
        encoded = base64.b64encode(run[0].encode("utf-16-be"), b"+,").decode("ascii")
        return f"&{encoded.rstrip('=')}-"

    return quoted(re.sub(r"[^\x20-\x7e]+", shifted, text.replace("&", "&-")))


def sequence(uids: list[int]) -> bytes:
    """Format UIDs as a sequence set: 1, 2, 3, 7 as "1:3,7". No UID between the named ones is included."""
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(f"{a}:{b}" if b > a else f"{a}" for a, b in runs).encode("ascii")


class ImapConnection:
    """An open connection. `read_timeout` is how many seconds the server may take for its next bytes.

    `has_new_mail` turns true when the server reports that the folder has grown.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, read_timeout: float
    ) -> None:
        self._reader, self._writer, self._read_timeout = reader, writer, read_timeout
        self._count = 0
        self._bye = b""
        self._idling: asyncio.Task[None] | None = None
        self.capabilities: frozenset[str] = frozenset()
        self.has_new_mail = False

    async def read_greeting(self) -> bool:
        """Read the greeting. Return True when the server regards us as logged in."""
        first = await self._response(0)
        if first.line[:4].upper() == b"* OK":
            return False
        if first.line[:9].upper() == b"* PREAUTH":
            return True
        raise ImapConnectionLost(f"the server greets with: {readable(first.line)}")

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Continue with TLS. What the server sent in clear text is forgotten (RFC 3501 6.2.1)."""
        await self.command(b"STARTTLS")
        if self._reader._buffer:  # type: ignore[attr-defined]  # sent by an attacker to be read behind TLS
            raise ImapConnectionLost("the server went on in clear text after STARTTLS")
        await self._writer.start_tls(context, server_hostname=host)
        self.capabilities, self.has_new_mail = frozenset(), False

    async def command(
        self,
        *words: bytes,
        on_response: Callable[[Response], None] | None = None,
        room: int = 0,
        secret: bytes = b"",
    ) -> bytes:
        """Send one command and wait for its end. Untagged responses go to `on_response`.

        Literals are read while they fit into `room` bytes together. `secret` is sent when the server asks for
        more. Returns the text behind OK; raises ImapRefused, ImapConnectionLost.
        """
        tag = self._send(words)
        seen = 0
        while True:
            response = await self._response(room)
            room -= sum(len(literal) for literal in response.literals if literal)
            if response.line.startswith(tag + b" "):
                return _check_status(response.line[len(tag) + 1 :], words[0])
            if response.line.startswith(b"+"):
                if not secret:
                    raise ImapConnectionLost(f"the server wants more: {readable(response.line)}")
                self._writer.write(secret + b"\r\n")
                secret = b"*"  # asked again: cancel (RFC 3501 6.2.2)
            elif on_response:
                on_response(response)
            seen += 1
            if seen % 25 == 0:
                await asyncio.sleep(0)  # a long list that has come already must not stop other tasks

    async def idle(self, on_new_mail: Callable[[], None]) -> None:
        """Start IDLE (RFC 2177). `on_new_mail` is called when the folder grows, and when IDLE ends."""
        tag = self._send((b"IDLE",))
        while not (response := await self._response(0)).line.startswith(b"+"):
            if response.line.startswith(tag + b" "):
                _check_status(response.line[len(tag) + 1 :], b"IDLE")
                return
        self._idling = asyncio.create_task(self._listen(tag, on_new_mail), name="imap idle")
        if self.has_new_mail:
            on_new_mail()

    async def resume(self) -> None:
        """Stop `idle`, if it is on. Raises ImapConnectionLost when the connection is lost."""
        if idling := self._idling:
            self._idling = None
            if not idling.done():
                self._writer.write(b"DONE\r\n")
            try:
                async with asyncio.timeout(self._read_timeout):
                    await idling
            except TimeoutError:
                raise ImapConnectionLost("the server does not come back from IDLE") from None

    async def _listen(self, tag: bytes, on_new_mail: Callable[[], None]) -> None:
        try:
            while not (await self._response(0, idle=True)).line.startswith(tag + b" "):
                if self.has_new_mail:
                    on_new_mail()
        finally:
            if self._idling:  # not by our own `resume`
                on_new_mail()

    async def close(self) -> None:
        """Log out, and wait no longer than needed to close the socket."""
        if self._idling:
            self._idling.cancel()
            await asyncio.gather(self._idling, return_exceptions=True)
            self._writer.write(b"DONE\r\n")
        self._send((b"LOGOUT",))
        self._writer.close()
        try:
            async with asyncio.timeout(LOGOUT_TIMEOUT):
                await self._writer.wait_closed()
        except OSError:  # and TimeoutError: the server is gone, or does not read
            self._writer.transport.abort()

    def _send(self, words: tuple[bytes, ...]) -> bytes:
        self._count += 1
        tag = b"m%d" % self._count
        self._writer.write(b" ".join((tag, *words)) + b"\r\n")
        return tag

    async def _response(self, room: int, *, idle: bool = False) -> Response:
        try:
            response = await self._read(room, None if idle else self._read_timeout)
        except TimeoutError:
            raise ImapConnectionLost(f"the server sent nothing for {self._read_timeout:g} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            reason = f": {readable(self._bye)}" if self._bye else ""
            raise ImapConnectionLost(f"the server closed the connection{reason}") from None
        except (asyncio.LimitOverrunError, OSError) as error:
            raise ImapConnectionLost(str(error)) from error
        self._note_state(response.line)
        return response

    async def _read(self, room: int, read_timeout: float | None) -> Response:
        line, literals = b"", list[bytes | None]()
        while True:
            async with asyncio.timeout(read_timeout):
                line += await self._reader.readuntil(b"\r\n")
            # The text of a status response may end in anything: only data has literals.
            announced = None if _STATUS.match(line) else _LITERAL.search(line)
            if not announced:
                return Response(line, tuple(literals))
            if len(line) > MAX_LINE:
                raise ImapConnectionLost("a response without end")
            line = line[:-2]
            literal = await self._read_literal(int(announced[1]), room, read_timeout)
            room -= len(literal or b"")
            literals.append(literal)

    async def _read_literal(self, size: int, room: int, read_timeout: float | None) -> bytes | None:
        """Read a literal. Return None for one that does not fit; the connection stays usable."""
        parts: list[bytes] = []
        left = size
        while left:
            async with asyncio.timeout(read_timeout):
                part = await self._reader.read(min(left, CHUNK))
            if not part:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(part)
            if size <= room:
                parts.append(part)
        return b"".join(parts) if size <= room else None

    def _note_state(self, line: bytes) -> None:
        if _EXISTS.match(line):
            self.has_new_mail = True
        if found := _CAPABILITIES.match(line):
            self.capabilities = frozenset(found[1].decode("ascii", "replace").upper().split())
        if line[:5].upper() == b"* BYE":
            self._bye = line[5:]


def _check_status(answer: bytes, command: bytes) -> bytes:
    status, _, text = answer.strip().partition(b" ")
    if status.upper() == b"OK":
        return text
    if status.upper() in (b"NO", b"BAD"):
        raise ImapRefused(command, text)
    raise ImapConnectionLost(f"not an answer: {readable(answer)}")


async def connect(
    host: str, port: int, tls: ImapTls, context: ssl.SSLContext | None, *, read_timeout: float
) -> tuple[ImapConnection, bool]:
    """Open a connection before the login. Return it, and whether the server regards us as logged in.

    With "starttls" nothing but STARTTLS is sent in clear text. Raises ImapConnectionLost, ImapRefused.
    """
    secure = None if tls == "none" else context or ssl.create_default_context()
    try:
        async with asyncio.timeout(read_timeout):
            reader, writer = await _open(host, port, secure if tls == "implicit" else None)
            connection = ImapConnection(reader, writer, read_timeout)
            try:
                logged_in = await connection.read_greeting()
                if secure and tls == "starttls":
                    if logged_in:  # RFC 3501 6.2.1: STARTTLS must come before the login
                        raise ImapConnectionLost("the server greets with PREAUTH and so refuses STARTTLS")
                    await connection.start_tls(secure, host)
            except BaseException:
                writer.close()
                raise
    except TimeoutError:
        raise ImapConnectionLost(f"no answer within {read_timeout:g} s") from None
    except OSError as error:  # ssl.SSLError and DNS errors, too
        raise ImapConnectionLost(str(error)) from error
    return connection, logged_in


async def _open(
    host: str, port: int, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    last_error: OSError = OSError(f"there is no address for {host}")
    for address in await _resolve(host):
        try:
            reader, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host if context else None, limit=MAX_LINE
            )
        except OSError as error:
            last_error = error
        else:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return reader, writer
    raise last_error


async def _resolve(host: str) -> list[str]:
    """Return a host's IP addresses, asked for on a thread of its own.

    A slow name server must block neither the shared thread pool nor the exit of the process.
    """
    loop = asyncio.get_running_loop()
    addresses: asyncio.Future[list[str]] = loop.create_future()

    def finish(found: list[str], error: OSError | None) -> None:
        if not addresses.done():
            addresses.set_result(found) if error is None else addresses.set_exception(error)

    def look_up() -> None:
        found, failure = list[str](), None
        try:
            found = [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
        except OSError as error:
            failure = error
        with suppress(RuntimeError):  # the loop is closed, and no task waits any more
            loop.call_soon_threadsafe(finish, found, failure)

    threading.Thread(target=look_up, name=f"dns {host}", daemon=True).start()
    return await addresses
