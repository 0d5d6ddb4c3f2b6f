"""Answers clients on sockets of systemd when the configuration refuses a start.

systemd keeps its socket open when the service has failed, and starts it again for the next connection. Without
an answer the client would see silence, and its connection would start us again at once until systemd's start
limit (5 starts in 10 s) closes the port for good. So we answer for a while: each start then takes long enough.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable

SECONDS = 3.0
REPLY = b"421 4.3.0 Not ready, try again later\r\n"
MOST_OPEN = 200  # clients that have their reply and have not hung up


def answer(sockets: Iterable[socket.socket], seconds: float = SECONDS) -> int:
    """Answer 421 to whoever connects within `seconds`. Return how many did. No sockets: at once."""
    open_: deque[socket.socket] = deque()
    count, until = 0, time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for listening in sockets:
            listening.setblocking(False)
            selector.register(listening, selectors.EVENT_READ, listening)
        while selector.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if client := _answer_next(key.data):
                    open_.append(client)
                    count += 1
            while len(open_) > MOST_OPEN:
                _close(open_.popleft())
    for client in open_:
        _close(client)
    return count


def _answer_next(listening: socket.socket) -> socket.socket | None:
    try:
        client, _ = listening.accept()
    except OSError:  # it has gone, or we are out of descriptors
        return None
    try:
        client.setblocking(False)
        client.send(REPLY)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        client.close()
        return None
    return client


def _close(client: socket.socket) -> None:
    """Close after reading what has come: else the reply would be lost in a reset."""
    try:
        for _ in range(8):
            if not client.recv(65536):
                break
    except OSError:
        pass
    client.close()
