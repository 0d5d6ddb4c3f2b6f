"""The daemons that run on a store: which of them live, and those of this host, which can be woken."""

import os
import signal
import socket
from collections.abc import Sequence

from mailbot.store import queries
from mailbot.store.service.claims import DEAD_AFTER
from mailbot.store.store import Store

# Ignored by every program that does not ask for it: a process that has the number by now comes to no harm.
WAKE = signal.SIGURG


def is_alive(node: queries.NodeStatus) -> bool:
    """Check a daemon's heartbeat, and on this host its process too."""
    if node.silent_for > DEAD_AFTER:
        return False
    if node.host != socket.gethostname():
        return True
    try:
        os.kill(node.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # the process exists and belongs to another user
    return True


def of_this_host(nodes: Sequence[queries.NodeStatus]) -> list[queries.NodeStatus]:
    return [node for node in nodes if node.host == socket.gethostname() and is_alive(node)]


def wake(store: Store) -> None:
    """Ask the daemons of this host to look for work now. Others find it by themselves within a second."""
    for node in of_this_host(store.read_now(queries.list_nodes)):
        try:
            os.kill(node.pid, WAKE)
        except OSError:
            pass  # it has just ended, or belongs to another user
