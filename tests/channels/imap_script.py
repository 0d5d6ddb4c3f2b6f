"""An IMAP server that misbehaves on demand, for what a good one never does."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class BadServer:
    """Serve `mails` by UID from one folder. The other fields hold the faults to simulate."""

    mails: dict[int, bytes]
    dies_on: set[int] = field(default_factory=set)  # hangs up in the middle of these
    refuses: set[int] = field(default_factory=set)
    listed_size: int = 0  # of each mail; 0: the truth
    forms: dict[int, bytes] = field(default_factory=dict)  # in place of the literal
    capabilities: bytes = b"IMAP4rev1 IDLE"
    greeting: bytes = b"* OK hello"
    answers: dict[bytes, bytes] = field(default_factory=dict)  # to a command, in place of the usual ones
    between: bytes = b""  # sent before each answer
    received: list[bytes] = field(default_factory=list)  # lines of the client
    seen: set[int] = field(default_factory=set)
    port: int = 0

    async def __aenter__(self) -> "BadServer":
        self._writers: set[asyncio.StreamWriter] = set()
        self._arrived = asyncio.Event()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            writer.write(self.greeting + b"\r\n")
            while line := await reader.readline():
                self.received.append(line.strip())
                self._arrived.set()
                if not self._answer(line.strip(), writer):
                    break
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def wait_for(self, fits: Callable[[bytes], bool]) -> bytes:
        """Wait for a line of the client that fits."""
        async with asyncio.timeout(5):
            while not (lines := [line for line in self.received if fits(line)]):
                self._arrived.clear()
                await self._arrived.wait()
        return lines[0]

    def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer a command; return False to close the connection."""
        tag, _, command = line.partition(b" ")
        writer.write(self.between)
        scripted = next((text for name, text in self.answers.items() if command.startswith(name)), None)
        if line == b"DONE":
            writer.write(self._idling + b" OK done\r\n")
            return True
        if scripted is not None:
            writer.write(scripted.replace(b"TAG", tag))
            return True
        for name, answer in self._known.items():
            if command.startswith(name):
                return answer(self, tag, command, writer)
        return command != b"LOGOUT"

    def _capability(self, tag: bytes, _: bytes, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"* CAPABILITY %s\r\n%s OK done\r\n" % (self.capabilities, tag))
        return True

    def _select(self, tag: bytes, _: bytes, writer: asyncio.StreamWriter) -> bool:
        writer.write(
            b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 1] next\r\n" % len(self.mails)
        )
        writer.write(tag + b" OK [READ-WRITE] done\r\n")
        return True

    def _list(self, tag: bytes, command: bytes, writer: asyncio.StreamWriter) -> bool:
        for position, uid in enumerate(self._named(command), 1):
            size, flags = self.listed_size or len(self.mails[uid]), b"\\Seen" if uid in self.seen else b""
            writer.write(
                b'* %d FETCH (UID %d FLAGS (%s) INTERNALDATE "21-Nov-2026 22:00:00 +0000" RFC822.SIZE %d)\r\n'
                % (position, uid, flags, size)
            )
        writer.write(tag + b" OK done\r\n")
        return True

    def _fetch(self, tag: bytes, command: bytes, writer: asyncio.StreamWriter) -> bool:
        refused = False
        for position, uid in enumerate(self._named(command), 1):
            if uid in self.refuses:
                refused = True
                continue
            mail = self.mails[uid]
            if uid in self.dies_on:
                writer.write(b"* %d FETCH (UID %d BODY[] {%d}\r\n%s" % (position, uid, len(mail), mail[:9]))
                return False
            form = self.forms.get(uid, b"{%d}\r\n%s" % (len(mail), mail))
            writer.write(b"* %d FETCH (UID %d BODY[] %s)\r\n" % (position, uid, form))
        writer.write(tag + (b" NO [SERVERBUG] broken" if refused else b" OK done") + b"\r\n")
        return True

    def _store(self, tag: bytes, command: bytes, writer: asyncio.StreamWriter) -> bool:
        self.seen |= set(self._named(command))
        writer.write(tag + b" OK done\r\n")
        return True

    def _idle(self, tag: bytes, _: bytes, writer: asyncio.StreamWriter) -> bool:
        self._idling = tag
        writer.write(b"+ idling\r\n")
        return True

    def _accept(self, tag: bytes, _: bytes, writer: asyncio.StreamWriter) -> bool:
        writer.write(tag + b" OK done\r\n")
        return True

    def _named(self, command: bytes) -> list[int]:
        """List the existing UIDs of the set in "UID FETCH 1:3,7 ..."; "n:*" has at least the last one."""
        found = set()
        for low, high in re.findall(rb"(\d+)(?::(\d+|\*))?", command.split()[2]):
            top = max(self.mails, default=0) if high == b"*" else int(high or low)
            first, last = sorted((int(low), top))
            found |= {uid for uid in self.mails if first <= uid <= last}
        return sorted(found)

    _known: "dict[bytes, Callable[[BadServer, bytes, bytes, asyncio.StreamWriter], bool]]" = field(
        default_factory=lambda: {
            b"CAPABILITY": BadServer._capability,
            b"LOGIN": BadServer._accept,
            b"AUTHENTICATE": BadServer._accept,
            b"SELECT": BadServer._select,
            b"UID STORE": BadServer._store,
            b"IDLE": BadServer._idle,
        }
    )

    def __post_init__(self) -> None:
        self._known = {
            **self._known,
            b"UID FETCH": lambda server, tag, command, writer: (
                server._fetch(tag, command, writer)
                if b"PEEK" in command
                else server._list(tag, command, writer)
            ),
        }
