"""Keep a second daemon off a SQLite store, by whatever name it was given (promise P11).

Theory of operation. One lock lies on a byte of the database itself, so it follows the file through symbolic and hard
links, relative paths and containers that share a volume, and no deletion frees it. An OFD lock (fcntl(2)) belongs to
our descriptor: SQLite's own locks, on other bytes, and its closing of the file do not touch it. A second lock on
`<file>.lock` names the holder, keeps out daemons of earlier versions, and holds while the database is replaced.
"""

import errno
import fcntl
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

from mailbot.errors import AlreadyRunning

_BYTE = 1 << 62  # SQLite locks bytes from 1 << 30 on (its file format, 1.3 and "The Lock-Byte Page")
_HELD = (errno.EAGAIN, errno.EACCES)
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "lustre", "fuse.sshfs", "fuse.glusterfs")


class LifeLock:
    """Holds a SQLite file while it is open, and creates it. Raises AlreadyRunning when another process holds it."""

    def __init__(self, database: str) -> None:
        path = Path(os.path.realpath(database))
        self._database = _open(path, path.parent)
        try:
            _lock_byte(self._database, path)
            self._file = _lock_file(path)
        except BaseException:
            os.close(self._database)
            raise

    def __enter__(self) -> "LifeLock":
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._file)
        os.close(self._database)


def _open(path: Path, owner: Path) -> int:
    """Open a file, or create it for its owner alone. What root creates belongs to whoever owns `owner`."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    if os.geteuid() == 0:  # else a command of root would lock the daemon's user out of its own store
        found = owner.stat()
        os.fchown(file, found.st_uid, found.st_gid)
    return file


def _lock_byte(file: int, path: Path) -> None:
    wanted = struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, _BYTE, 1, 0)  # struct flock
    try:
        try:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, wanted)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a kernel without OFD locks, as gVisor
    except OSError as error:
        if error.errno in _HELD:
            raise _refusal(path) from error
        raise OSError(
            error.errno, f"{path} can't be locked: {error.strerror}. Keep it on a local disk"
        ) from error


def _lock_file(path: Path) -> int:
    file = _open(_name(path), path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise _refusal(path) from error
    os.truncate(file, 0)
    os.write(file, f"{os.getpid()} on {socket.gethostname()}".encode())
    return file


def _name(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _refusal(path: Path) -> AlreadyRunning:
    return AlreadyRunning(
        f"{path} is in use by {_holder(path)}: a SQLite file takes one daemon. "
        "Stop that one, or put the store on PostgreSQL to run several."
    )


def _holder(path: Path) -> str:
    """Return who has the file: by its lock file, else by what processes have open here."""
    with suppress(OSError):
        if text := _name(path).read_text(errors="replace").strip()[:100]:
            return f"process {text}"
    with suppress(OSError):
        wanted = path.stat()
        for opened in Path("/proc").glob("[0-9]*/fd/*"):
            with suppress(OSError):  # it ended, or is another user's
                if os.path.samestat(opened.stat(), wanted) and "OFDLCK" in _locks(opened):
                    return f"process {opened.parts[2]}"
    return "another process"


def _locks(opened: Path) -> str:
    return Path(*opened.parts[:3], "fdinfo", opened.name).read_text()


def make_private(database: str) -> list[Path]:
    """Take the files of a store from all but their owner. Returns those that others could read."""
    path, changed = os.path.realpath(database), []
    for each in (Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm", ".lock")):
        with suppress(FileNotFoundError):
            if each.stat().st_mode & 0o077:
                each.chmod(0o600)
                changed.append(each)
    return changed


def network_file_system(path: Path | str) -> str:
    """Return the kind of the network file system that holds this file, "" on a local disk."""
    whole, found = os.path.realpath(path), ("", "")
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text().splitlines():
            _, mount, kind, *_ = line.split(" ")
            if whole.startswith(mount.rstrip("/") + "/") and len(mount) >= len(found[0]):
                found = mount, kind
    return found[1] if found[1] in NETWORK else ""
