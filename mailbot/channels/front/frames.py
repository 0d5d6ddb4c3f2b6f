"""Frames between our own processes: a length, then a pickled tuple whose first item is its kind.

Only primitives go across, so that a process of the version before understands one of the next. Values of our own
classes are pickled by themselves, beside the `program` that wrote them. Both ends belong to
one supervisor, and a peer of another user is refused before its first byte is read: pickle runs what it is given.
"""

import asyncio
import hashlib
import os
import pickle
import socket
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from mailbot import log

_LENGTH = struct.Struct("!I")
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid

Frame = tuple[Any, ...]


@cache
def program() -> str:
    """Return a digest of this program's files: what is pickled with its classes is for the same program alone."""
    digest, home = hashlib.sha256(), Path(__file__).parents[2]
    for path in sorted(home.rglob("*.py")):
        found = path.stat()
        digest.update(f"{path.relative_to(home)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


class Frames(asyncio.Protocol):
    """One connection. `on_frame` is called with each frame, `on_end` once at its end."""

    def __init__(
        self, on_frame: Callable[["Frames", Frame], None], on_end: Callable[["Frames"], None]
    ) -> None:
        self._on_frame, self._on_end = on_frame, on_end
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._accepted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._accepted = _is_ours(transport.get_extra_info("socket"))
        if not self._accepted:
            log.foreign_process_refused()
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        begin = 0
        while self._accepted and len(self._buffer) >= begin + _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, begin)
            end = begin + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            with memoryview(self._buffer) as view, view[begin + _LENGTH.size : end] as part:
                frame = pickle.loads(part)
            begin = end
            self._on_frame(self, frame)
        del self._buffer[:begin]

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._accepted:
            self._on_end(self)

    def send(self, *frame: object) -> None:
        """Send a frame, or nothing on a connection that has ended."""
        if self._transport:
            data = pickle.dumps(frame, pickle.HIGHEST_PROTOCOL)
            self._transport.writelines([_LENGTH.pack(len(data)), data])

    def close(self) -> None:
        """End the connection after what was sent has left."""
        if self._transport:
            self._transport.close()


def _is_ours(connection: socket.socket) -> bool:
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(found)[1] == os.geteuid())
