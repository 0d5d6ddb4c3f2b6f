"""The cache of one user: small files that nobody else can have written."""

import os
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

MOST = 32  # files that are kept
MAX_BYTES = 64 * 1024 * 1024
_DIGEST = 64  # letters of the SHA-256 before the content


def place(env: Mapping[str, str], *, makes: bool = False) -> Path | None:
    """Return the folder of the cache: this user's own, closed to all others."""
    for folder in _folders(env):
        try:
            if makes:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
            return folder
    return None


def _folders(env: Mapping[str, str]) -> list[Path]:
    own = env.get("XDG_CACHE_HOME") or (f"{env['HOME']}/.cache" if env.get("HOME") else "")
    roots = (env.get("CACHE_DIRECTORY", "").partition(":")[0], own)
    return [Path(root) / "mailbot" for root in roots if os.path.isabs(root)]


def read(path: Path) -> bytes | None:
    """Read a file that nobody else can have written and that is whole."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(number, "rb") as file:
        found = os.fstat(number)
        is_own = found.st_uid == os.geteuid() and not found.st_mode & 0o077 and found.st_nlink == 1
        if not is_own or not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            return None
        digest, content = file.read(_DIGEST), file.read()
    return content if sha256(content).hexdigest().encode() == digest else None


def write(folder: Path, key: str, content: bytes) -> None:
    try:
        _rename_into(folder, key, content)
    except OSError:
        pass  # a full disk, a file system to read from alone: the next command reads the YAML


def _rename_into(folder: Path, key: str, content: bytes) -> None:
    part = folder / f".{key}.{os.getpid()}"
    number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(number, "wb") as file:
            file.write(sha256(content).hexdigest().encode() + content)
        part.rename(folder / key)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in kept[MOST:]:
        old.unlink(missing_ok=True)
