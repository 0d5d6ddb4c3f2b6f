"""Why a port can't be opened, and what to do about it."""

import errno
import os
import re
from pathlib import Path

from mailbot.errors import ConfigError, Problem

NO_RIGHT = """one of these helps:
    - let systemd open it: systemctl enable --now mailbot.socket
    - give the service the right, in `systemctl edit mailbot.service`:
        [Service]
        PrivateUsers=no
        CapabilityBoundingSet=CAP_NET_BIND_SERVICE
        AmbientCapabilities=CAP_NET_BIND_SERVICE
    - listen on a port from 1024 on, and redirect this one to it"""
LISTENING = "0A"  # TCP_LISTEN in /proc/net/tcp


def explain(error: OSError, host: str, port: int) -> Exception:
    """Return what to raise: ConfigError where no other try would help, else OSError."""
    where = f"port {port} on {host or 'all addresses'}"
    if error.errno in (errno.EACCES, errno.EPERM):
        message = f"`listen`: no right to open {where}"
        return ConfigError([Problem("mailbot.yaml", 0, 0, message, NO_RIGHT)])
    if error.errno == errno.EADDRINUSE:
        return OSError(f"`listen`: {where} is in use{_by(port)}. Stop that program, or choose another port.")
    if error.errno == errno.EADDRNOTAVAIL:
        return OSError(f"`listen`: {host} is no address of this machine, `ip address` lists those it has")
    return OSError(f"`listen`: can't open {where}: {error.strerror or error}")


def _by(port: int) -> str:
    owners = {owner for inode in _inodes(port) if (owner := _owner(inode))}
    if owners:
        return f" by {', '.join(sorted(owners))}"
    return f"; `ss -ltnp 'sport = :{port}'` as root names the program" if port else ""


def _inodes(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on a port, proc(5)."""
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def _owner(inode: str) -> str:
    """Return "NAME (pid N)" of a process that holds a socket; "" where we may not look."""
    for process in Path("/proc").iterdir():
        if not re.fullmatch("[0-9]+", process.name):
            continue
        try:
            if any(os.readlink(fd) == f"socket:[{inode}]" for fd in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:  # another user's, or gone by now
            continue
    return ""
