"""One IMAP connection: commands out, responses in, never more of them in memory than was asked for.

RFC 3501 and RFC 9051 in the part that fetching mail needs. A response that can't be understood is trouble
with the connection: nothing is guessed.
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

LONGEST_LINE = 1 << 20  # bytes without the literals; a mail's own lines are none of these
CHUNK = 1 << 16
FAREWELL = 0.2  # seconds

_ANNOUNCED = re.compile(rb"\{(\d{1,10})\+?\}\r\n\Z")
_STATUS = re.compile(rb"(?:\S+ (?:OK|NO|BAD|BYE|PREAUTH)|\+)(?: |\r\n)", re.IGNORECASE)
_FETCH = re.compile(rb"\* \d+ FETCH \(", re.IGNORECASE)
_TOKEN = re.compile(rb' *(?:([()])|"((?:[^"\\]|\\.)*)"|~?(\{\d+\+?\})|([^\s()"]+))')
_CAPABILITIES = re.compile(rb"(?:\* CAPABILITY|\S+ (?:OK|PREAUTH) \[CAPABILITY) ([^\]\r\n]*)", re.IGNORECASE)
_NEWS = re.compile(rb"\* \d+ EXISTS", re.IGNORECASE)

Item = bytes | None | list[Any]


class ImapConnectionLost(Exception):
    """The connection is of no use any more: it could not be made, broke, or carries no IMAP."""


class ImapRefused(Exception):
    """The server answered NO or BAD to one command. The connection stays usable; `code` is the response code."""

    def __init__(self, command: bytes, answer: bytes) -> None:
        found = re.match(rb"\[([^\]\s]+)[^\]]*\] *", answer)
        self.code = found[1].decode("ascii", "replace").upper() if found else ""
        said = readable(answer)
        super().__init__(f"{command.decode('ascii', 'replace')}: {said or 'refused without a word'}")


@dataclass(frozen=True, slots=True)
class Response:
    """`line` keeps each literal's announcement in its place; a literal is None when it was too long."""

    line: bytes
    literals: tuple[bytes | None, ...] = ()

    def fetched(self) -> dict[bytes, Item]:
        """Return the items of a FETCH response by name in capitals; {} for any other response."""
        start = _FETCH.match(self.line)
        if not start:
            return {}
        items = _nested(self.line, start.end(), iter(self.literals))
        names = (name.upper() if isinstance(name, bytes) else b"" for name in items[::2])
        return dict(zip(names, items[1::2], strict=False))


def _nested(line: bytes, at: int, literals: Any) -> list[Any]:
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
    """An open connection. `silence` is how many seconds the server may keep us waiting for its next bytes.

    `news` turns true when the server reports that the folder has grown.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silence: float) -> None:
        self._reader, self._writer, self._silence = reader, writer, silence
        self._count = 0
        self._farewell = b""
        self._idling: asyncio.Task[None] | None = None
        self.capabilities: frozenset[str] = frozenset()
        self.news = False

    async def read_greeting(self) -> bool:
        """Read the greeting. Return True when the server regards us as logged in."""
        first = await self._response(0)
        if first.line[:4].upper() == b"* OK":
            return False
        if first.line[:9].upper() == b"* PREAUTH":
            return True
        raise ImapConnectionLost(f"the server greets with: {readable(first.line)}")

    async def command(
        self,
        *words: bytes,
        each: Callable[[Response], None] | None = None,
        room: int = 0,
        secret: bytes = b"",
    ) -> bytes:
        """Send one command and wait for its end. Untagged responses go to `each`.

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
            elif each:
                each(response)
            seen += 1
            if seen % 25 == 0:
                await asyncio.sleep(0)  # a long list that has come already must not stop everybody else

    async def idle(self, on_news: Callable[[], None]) -> None:
        """Start IDLE (RFC 2177). `on_news` is called when the folder grows, and when IDLE ends."""
        tag = self._send((b"IDLE",))
        while not (response := await self._response(0)).line.startswith(b"+"):
            if response.line.startswith(tag + b" "):
                _check_status(response.line[len(tag) + 1 :], b"IDLE")
                return
        self._idling = asyncio.create_task(self._listen(tag, on_news), name="imap idle")
        if self.news:
            on_news()

    async def resume(self) -> None:
        """Stop `idle`, if it is on. Raises ImapConnectionLost when the connection is lost."""
        if idling := self._idling:
            self._idling = None
            if not idling.done():
                self._writer.write(b"DONE\r\n")
            try:
                async with asyncio.timeout(self._silence):
                    await idling
            except TimeoutError:
                raise ImapConnectionLost("the server does not come back from IDLE") from None

    async def _listen(self, tag: bytes, on_news: Callable[[], None]) -> None:
        try:
            while not (await self._response(0, patient=True)).line.startswith(tag + b" "):
                if self.news:
                    on_news()
        finally:
            if self._idling:  # not by our own `resume`
                on_news()

    async def close(self) -> None:
        """Log out, and wait no longer than needed to close the socket."""
        if self._idling:
            self._idling.cancel()
            await asyncio.gather(self._idling, return_exceptions=True)
            self._writer.write(b"DONE\r\n")
        self._send((b"LOGOUT",))
        self._writer.close()
        try:
            async with asyncio.timeout(FAREWELL):
                await self._writer.wait_closed()
        except OSError:  # and TimeoutError: it has gone, or does not listen
            self._writer.transport.abort()

    def _send(self, words: tuple[bytes, ...]) -> bytes:
        self._count += 1
        tag = b"m%d" % self._count
        self._writer.write(b" ".join((tag, *words)) + b"\r\n")
        return tag

    async def _response(self, room: int, *, patient: bool = False) -> Response:
        try:
            response = await self._read(room, None if patient else self._silence)
        except TimeoutError:
            raise ImapConnectionLost(f"the server sent nothing for {self._silence:g} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            said = f": {readable(self._farewell)}" if self._farewell else ""
            raise ImapConnectionLost(f"the server closed the connection{said}") from None
        except (asyncio.LimitOverrunError, OSError) as error:
            raise ImapConnectionLost(str(error)) from error
        self._note(response.line)
        return response

    async def _read(self, room: int, silence: float | None) -> Response:
        line, literals = b"", list[bytes | None]()
        while True:
            async with asyncio.timeout(silence):
                line += await self._reader.readuntil(b"\r\n")
            # Words for people may end in anything: only data has literals.
            announced = None if _STATUS.match(line) else _ANNOUNCED.search(line)
            if not announced:
                return Response(line, tuple(literals))
            if len(line) > LONGEST_LINE:
                raise ImapConnectionLost("a response without end")
            line = line[:-2]
            literal = await self._literal(int(announced[1]), room, silence)
            room -= len(literal or b"")
            literals.append(literal)

    async def _literal(self, size: int, room: int, silence: float | None) -> bytes | None:
        """Read a literal. Return None for one that does not fit; the connection stays usable."""
        parts: list[bytes] = []
        left = size
        while left:
            async with asyncio.timeout(silence):
                part = await self._reader.read(min(left, CHUNK))
            if not part:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(part)
            if size <= room:
                parts.append(part)
        return b"".join(parts) if size <= room else None

    def _note(self, line: bytes) -> None:
        if _NEWS.match(line):
            self.news = True
        if found := _CAPABILITIES.match(line):
            self.capabilities = frozenset(found[1].decode("ascii", "replace").upper().split())
        if line[:5].upper() == b"* BYE":
            self._farewell = line[5:]


def _check_status(answer: bytes, command: bytes) -> bytes:
    status, _, text = answer.strip().partition(b" ")
    if status.upper() == b"OK":
        return text
    if status.upper() in (b"NO", b"BAD"):
        raise ImapRefused(command, text)
    raise ImapConnectionLost(f"an answer that is none: {readable(answer)}")


async def connect(
    host: str, port: int, tls: ImapTls, context: ssl.SSLContext | None, *, silence: float
) -> tuple[ImapConnection, bool]:
    """Open a connection before the login. Return it, and whether the server regards us as logged in.

    With "starttls" only STARTTLS is sent or believed in clear text. What an attacker sends before it, or
    together with the answer, ends the connection or is ignored. Raises ImapConnectionLost.
    """
    try:
        async with asyncio.timeout(silence):
            connected = await _connected(host, port)
            if tls == "starttls":
                await _request_tls(connected)
            secure = None if tls == "none" else context or ssl.create_default_context()
            reader, writer = await asyncio.open_connection(
                sock=connected, ssl=secure, server_hostname=host if secure else None, limit=LONGEST_LINE
            )
    except TimeoutError:
        raise ImapConnectionLost(f"no answer within {silence:g} s") from None
    except OSError as error:  # ssl.SSLError and DNS errors, too
        raise ImapConnectionLost(str(error)) from error
    connection = ImapConnection(reader, writer, silence)
    if tls == "starttls":
        return connection, False
    try:
        return connection, await connection.read_greeting()
    except BaseException:
        writer.close()
        raise


async def _connected(host: str, port: int) -> socket.socket:
    trouble: OSError = OSError(f"there is no address for {host}")
    for family, kind, protocol, _, address in await _addresses(host, port):
        connecting = socket.socket(family, kind, protocol)
        connecting.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connecting, address)
        except OSError as error:
            connecting.close()
            trouble = error
        except BaseException:
            connecting.close()
            raise
        else:
            connecting.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return connecting
    raise trouble


async def _addresses(host: str, port: int) -> list[Any]:
    """Resolve a host on a thread of its own: a slow name server must not block the shared pool or the exit."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Any]] = loop.create_future()

    def settle(result: list[Any], error: OSError | None) -> None:
        if not found.done():
            found.set_result(result) if error is None else found.set_exception(error)

    def ask() -> None:
        result, trouble = list[Any](), None
        try:
            result = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            trouble = error
        with suppress(RuntimeError):  # the loop is closed, and no task waits any more
            loop.call_soon_threadsafe(settle, result, trouble)

    threading.Thread(target=ask, name=f"dns {host}", daemon=True).start()
    return await found


async def _request_tls(connected: socket.socket) -> None:
    try:
        greeting = await _plain_line(connected)
        if greeting[:4].upper() != b"* OK":
            raise OSError(f"the server greets with: {readable(greeting)}")
        await asyncio.get_running_loop().sock_sendall(connected, b"m0 STARTTLS\r\n")
        while not (answer := await _plain_line(connected)).startswith(b"m0 "):
            pass
        if answer[3:5].upper() != b"OK":
            raise OSError(f"the server refuses STARTTLS: {readable(answer[3:])}")
    except BaseException:
        connected.close()
        raise


async def _plain_line(connected: socket.socket) -> bytes:
    """Read one line byte by byte. What follows belongs to TLS, which refuses anything that was injected."""
    line = b""
    while not line.endswith(b"\n"):
        byte = await asyncio.get_running_loop().sock_recv(connected, 1)
        if not byte or len(line) > CHUNK:
            raise OSError("the server hung up before TLS")
        line += byte
    return line
