"""The daemons that run on a store: which of them live, and those of this host, which can be woken."""

import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from mailbot.store import queries
from mailbot.store.service.claims import DEAD_AFTER
from mailbot.store.store import Store

ROLES = ("listener", "imap", "intake", "delivery", "deadlines", "console", "channels")  # what a daemon can do
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


def processes_of(node: queries.NodeStatus, proc: Path = Path("/proc")) -> dict[str, int]:
    """Return the processes beside a daemon of this host under its supervisor, by name; none where it has none.

    The kernel knows them: fronts are not in the store.
    """
    if node.host != socket.gethostname() or not _name_of(proc / str(node.pid)):
        return {}
    supervisor = _parent_of(proc / str(node.pid))
    siblings = (each for each in proc.glob("[0-9]*") if _parent_of(each) == supervisor)
    return dict(sorted((name, int(each.name)) for each in siblings if (name := _name_of(each))))


def _parent_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])  # proc(5)
    except (OSError, ValueError, IndexError):
        return 0  # it has just ended


def _name_of(process: Path) -> str:
    """Return the name that a supervisor gave a process, "" for any other."""
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    return words[words.index("--as") + 1] if "mailbot" in words and "--as" in words[:-1] else ""


def wake(store: Store) -> None:
    """Ask the daemons of this host to look for work now. Others find it by themselves within a second."""
    for node in of_this_host(store.read_now(queries.list_nodes)):
        try:
            os.kill(node.pid, WAKE)
        except OSError:
            pass  # it has just ended, or belongs to another user


def ask_to_reload(node: queries.NodeStatus) -> str:
    """Send SIGHUP. Return why it could not be sent, else "".

    The signal would end another program that has the process number by now, so the command line is checked.
    """
    try:
        command = Path(f"/proc/{node.pid}/cmdline").read_bytes()
    except OSError:
        command = b"mailbot"  # no such file system here
    if b"mailbot" not in command:
        return f"process {node.pid} is no mailbot any more: the daemon was killed"
    try:
        os.kill(node.pid, signal.SIGHUP)
    except ProcessLookupError:
        return f"process {node.pid} has just ended"
    except PermissionError:
        return f"process {node.pid} is not yours: `systemctl reload mailbot`, or run this as root"
    return ""
