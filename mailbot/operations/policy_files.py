"""The files of a policy: read a folder of them, unpack an upload, and replace them by new ones.

Theory of operation. New files are written beside the old ones and then renamed, each at once. The old ones are
copied to `.former/` before that, and come back when a rename fails or the daemon refuses the whole. A daemon that ends
between two renames starts with files of both; it refuses what does not fit together, and `.former/` has the rest.
"""

import hashlib
import io
import os
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from mailbot.config.shipped import FILES

MACHINE = FILES[0]  # mailbot.yaml: ports, keys and paths of the machine are the operator's
SUFFIXES = frozenset({".yaml", ".txt", ".j2", ".eml"})
LARGEST = 1024 * 1024  # bytes of a file
MOST_FILES, MOST_BYTES, DEEPEST = 1_000, 16 * 1024 * 1024, 4
FORMER = ".former"
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}")

Files = Mapping[str, bytes]  # by their path in the folder: "routing.yaml", "templates/id/status.txt.j2"


class Unusable(ValueError):
    """An upload can't be used. `why` is a code, `name` the file that is meant."""

    def __init__(self, why: str, name: str = "") -> None:
        super().__init__(f"{why}: {name}")
        self.why, self.name = why, name


class FilesChanged(Exception):
    """The files were changed since the new ones were checked."""


def is_policy_file(name: str) -> bool:
    """Check whether this path leads to a file of a policy, in the folder and not out of it."""
    parts = name.split("/")
    fits = len(parts) <= DEEPEST and all(_PART.fullmatch(part) for part in parts)
    return fits and PurePosixPath(name).suffix in SUFFIXES


def read_folder(directory: Path) -> dict[str, bytes]:
    """Read the files of a policy in a folder. Raises OSError, Unusable."""
    return _limited(
        (name, path.read_bytes()) for name, path in list_folder(directory) if is_plain(name, path)
    )


def list_folder(directory: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file of a folder and of those below, with its path in it, and links to folders. Nothing hidden."""
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        links = [each for each in folders if (Path(folder) / each).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(folder) / name
            yield path.relative_to(directory).as_posix(), path


def is_plain(name: str, path: Path) -> bool:
    """Check whether a file belongs to a policy and can be read as it is: no link, no pipe, not too large."""
    if not is_policy_file(name) or path.is_symlink() or not path.is_file():
        return False
    return path.stat().st_size <= LARGEST


def unpack(uploads: Files) -> dict[str, bytes]:
    """Return the files of an upload: YAML, templates and lists by name, or a zip with them. Raises Unusable."""
    found: list[tuple[str, bytes]] = []
    for name, content in uploads.items():
        if name.lower().endswith(".zip"):
            found += _zipped(name, content)
        else:
            found.append((name, content))
    for name, _ in found:
        if not is_policy_file(name):
            raise Unusable("name", name)
    return _limited(found)


def _zipped(name: str, content: bytes) -> list[tuple[str, bytes]]:
    """Return what is in a zip, without a folder around all of it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            if len(members) > MOST_FILES or sum(each.file_size for each in members) > MOST_BYTES:
                raise Unusable("large", name)
            found = [(each.filename, _read(archive, each)) for each in members]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise Unusable("zip", name) from error
    tops = {PurePosixPath(each).parts[0] for each, _ in found}
    if len(tops) == 1 and all("/" in each for each, _ in found):
        found = [(each.partition("/")[2], inside) for each, inside in found]
    return found


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        content = file.read(LARGEST + 1)  # the size in the directory may be a lie
    if len(content) > LARGEST:
        raise Unusable("large", member.filename)
    return content


def _limited(found: Iterator[tuple[str, bytes]] | list[tuple[str, bytes]]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for name, content in found:
        files[name] = content
        total += len(content)
        if len(content) > LARGEST or len(files) > MOST_FILES or total > MOST_BYTES:
            raise Unusable("large", name)
    return files


def digest(files: Files) -> str:
    """Return a digest of all these files together."""
    parts = (f"{name} {hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files))
    return hashlib.sha256("".join(parts).encode()).hexdigest()


# --- new files ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewFiles:
    """Files for a folder. `base`: the digest of all that was in it when they were checked."""

    directory: Path
    files: Files
    base: str

    def put_in_place(self, now: datetime) -> Path | None:
        """Replace the files, and return the folder with the old ones. Raises FilesChanged, Unusable, OSError.

        None: they are in place already, as after a form that was sent twice.
        """
        current = read_folder(self.directory)
        if all(current.get(name) == content for name, content in self.files.items()):
            return None
        if digest(current) != self.base:
            raise FilesChanged
        self.check_links()
        former = self.directory / FORMER / now.astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        places = [self.directory / name for name in self.files]
        try:
            for name, place in zip(self.files, places, strict=True):
                _stage(place, self.files[name])
            _copy({name: content for name, content in current.items() if name in self.files}, former)
            self._replace(places, former)
        finally:
            for place in places:
                with suppress(OSError):
                    _beside(place).unlink()  # what an error has left
        return former

    def check_links(self) -> None:
        """Raise Unusable where a link is in a file's place, or leads out of the folder: others look after it."""
        inside = self.directory.resolve()
        for name in self.files:
            place = self.directory / name
            if place.is_symlink() or not place.parent.resolve().is_relative_to(inside):
                raise Unusable("link", name)

    def _replace(self, places: Sequence[Path], former: Path) -> None:
        try:
            for place in places:
                _beside(place).replace(place)
        except OSError:
            self.put_back(former)
            raise
        for folder in {place.parent for place in places}:
            _sync(folder)

    def put_back(self, former: Path) -> None:
        """Bring the old files back, and remove those that were not there before."""
        for name in self.files:
            place, before = self.directory / name, former / name
            if before.is_file():
                _stage(place, before.read_bytes())
                _beside(place).replace(place)
            elif place.is_file():
                place.unlink()


def _copy(files: Files, folder: Path) -> None:
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_bytes(content)


def _beside(place: Path) -> Path:
    """Return where a new file waits until it takes its place."""
    return place.with_name(f".{place.name}.new")


def _stage(place: Path, content: bytes) -> None:
    """Write a file beside its place, as readable as the one that is there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with _beside(place).open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if place.exists():
        shutil.copymode(place, _beside(place))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_writable(directory: Path) -> bool:
    """Check whether this process may write there; systemd's ProtectSystem forbids it for /etc."""
    return os.access(directory, os.W_OK | os.X_OK)
