"""Read the files of another desk's export: JSON Lines, sorted by ticket, and files beside them.

Theory of operation. Lines are read one by one. Those of messages and files are sorted as those of tickets are, so
each ticket takes what is its own and memory holds one ticket. A line that can't be used becomes a problem with its
file and number, and the next one is read.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mailbot.mail.parsing.html_text import html_to_text
from mailbot.operations.importing.model import Problems, Unreadable

T = TypeVar("T")

LONGEST_LINE = 128 << 20  # bytes
LARGEST_FILE = 64 << 20
_LATEST = 4_102_444_800  # seconds since 1970: the year 2100


class Unfit(Exception):
    """A value that the format does not have. `place`: file and line."""

    def __init__(self, place: str, text: str) -> None:
        super().__init__(text)
        self.place = place


@dataclass(frozen=True, slots=True)
class Line:
    """An object of an export, with the place where it stands. Its methods raise Unfit."""

    values: dict[str, Any]
    place: str

    def text(self, name: str) -> str:
        """Return a text, or a number as one; "" where there is none."""
        value = self.values.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, int):
            return str(value)
        raise Unfit(self.place, f"{name} must be a text")

    def number(self, name: str) -> int:
        """Return a whole number of at least 0, which may be written as a text; 0 where there is none."""
        value = self.values.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
            value = int(value)
        if value is None or (isinstance(value, int) and 0 <= value < 1 << 63):
            return int(value or 0)
        raise Unfit(self.place, f"{name} must be a number")

    def key(self, name: str) -> int:
        """Return the number of a row, which is above 0."""
        if found := self.number(name):
            return found
        raise Unfit(self.place, f"{name} is missing")

    def flag(self, name: str) -> bool:
        return self.values.get(name) in (True, 1, "1")

    def moment(self, name: str, zone: tzinfo = UTC) -> datetime | None:
        """Return a moment in UTC: seconds since 1970, or a text in `zone` unless it names its own."""
        value = self.values.get(name)
        try:
            if value is None or value == "":
                return None
            if isinstance(value, int | float):
                return datetime.fromtimestamp(value, UTC) if 0 < value < _LATEST else None
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            raise Unfit(self.place, f"{name} must be a time such as 2024-05-01T10:00:00Z") from None

    def time(self, name: str, zone: tzinfo = UTC) -> datetime:
        """Return a moment that must be there."""
        if found := self.moment(name, zone):
            return found
        raise Unfit(self.place, f"{name} is missing")

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, which may stand as JSON in a text."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = msgspec.json.decode(value) if value else []
            except (msgspec.DecodeError, RecursionError):
                value = None
        if isinstance(value, dict):  # PHP writes a list with gaps so
            value = list(value.values())
        if name not in self.values or value == [] or self.values[name] is None:
            return ()
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        raise Unfit(self.place, f"{name} must be a list of texts")

    def parts(self, name: str) -> tuple["Line", ...]:
        """Return the objects of a list."""
        value = self.values.get(name) or []
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            return tuple(Line(each, f"{self.place}, {name} {at}") for at, each in enumerate(value, 1))
        raise Unfit(self.place, f"{name} must be a list of objects")


def required(folder: Path, name: str, how: str) -> Path:
    """Return the path of a file of an export. Raises Unreadable where it is missing."""
    path = folder / name
    if not path.is_file():
        raise Unreadable(f"{folder} has no file {name}: PATH must be the folder that {how} fills")
    return path


def read_lines(path: Path, problems: Problems, longest: int = LONGEST_LINE) -> Iterator[Line]:
    """Yield the objects of a file of JSON Lines. `longest`: bytes of a line that is read."""
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(longest):
            number += 1
            place = f"{path.name}:{number}"
            if not raw.endswith(b"\n") and len(raw) == longest:
                while raw and not raw.endswith(b"\n"):
                    raw = file.readline(longest)
                problems.add(place, f"the line has more than {longest:,} bytes")
            elif found := _object(raw, place, problems):
                yield found


def read_each(path: Path, problems: Problems, make: Callable[[Line], T]) -> Iterator[T]:
    """Yield what `make` makes of each object. One that it finds unfit becomes a problem."""
    for line in read_lines(path, problems):
        try:
            yield make(line)
        except Unfit as error:
            problems.add(error.place, f"passed by: {error}")


def _object(raw: bytes, place: str, problems: Problems) -> Line | None:
    if not raw.strip():
        return None
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        utf8 = _is_utf8(raw)
        problems.add(place, f"the line is no JSON: {error}" if utf8 else "the line is not UTF-8")
        return None
    if isinstance(value, dict):
        return Line(value, place)
    problems.add(place, "the line is no JSON object")
    return None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


class Belonging:
    """Lines of one file, sorted by the number of their ticket, handed out ticket by ticket."""

    def __init__(self, path: Path, owner: str, problems: Problems) -> None:
        self._lines, self._owner, self._problems = read_lines(path, problems), owner, problems
        self._next = self._advance(0)

    def take(self, ticket: int) -> list[Line]:
        """Return the lines of this ticket. Tickets must be asked for in order."""
        found: list[Line] = []
        while self._next and self._next[0] <= ticket:
            owner, line = self._next
            if owner == ticket:
                found.append(line)
            else:
                self._problems.add(line.place, f"there is no ticket {owner} for it in the export")
            self._next = self._advance(owner)
        return found

    def _advance(self, last: int) -> tuple[int, Line] | None:
        for line in self._lines:
            try:
                owner = line.key(self._owner)
            except Unfit as error:
                self._problems.add(error.place, str(error))
                continue
            if owner >= last:
                return owner, line
            self._problems.add(
                line.place, f"the lines are not sorted by {self._owner}: this one was passed by"
            )
        return None


class Merges:
    """Tickets that were merged into others, with the numbers that they had."""

    def __init__(self) -> None:
        self._into: dict[int, int] = {}
        self._known: set[int] = set()
        self._numbers: dict[int, str] = {}
        self._of: dict[int, list[str]] = {}

    def add(self, ticket: int, into: int) -> None:
        self._into[ticket] = into

    def name(self, ticket: int, number: str) -> None:
        """Record that there is such a ticket, and the number of one that was merged."""
        self._known.add(ticket)
        if ticket in self._into:
            self._numbers[ticket] = number

    def resolve(self, problems: Problems, file: str) -> None:
        """Find the ticket at the end of each chain. One that ends nowhere is a problem, and its ticket stays."""
        for ticket in sorted(self._into.keys() & self._known):
            seen, at = {ticket}, self._into[ticket]
            while at in self._into and at not in seen:
                seen.add(at)
                at = self._into[at]
            if at not in seen and at in self._known:
                self._of.setdefault(at, []).append(self._numbers[ticket])
                continue
            why = "in a circle" if at in seen else f"into {at}, which is not in the export"
            problems.add(file, f"ticket {ticket} was merged {why}: it is imported as one of its own")
            del self._into[ticket]

    def is_merged(self, ticket: int) -> bool:
        return ticket in self._into

    def numbers_of(self, ticket: int) -> tuple[str, ...]:
        """Return the numbers of those that were merged into this one."""
        return tuple(self._of.get(ticket, ()))


def plain_text(body: str, *, is_html: bool) -> str:
    """Return the text of a message."""
    return html_to_text(body)[0] if is_html else body


def angle(message_id: str) -> str:
    """Return a Message-ID with its brackets, "" for none."""
    bare = message_id.strip().strip("<>").strip()
    return f"<{bare}>" if bare and not any(map(str.isspace, bare)) else ""


def read_file(folder: Path, place: str, name: str) -> bytes:
    """Return the bytes of a file below `folder`, whatever the export names. Raises Unfit."""
    path = folder / name
    try:
        if not os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep):
            raise Unfit(place, f"the file {name!r} lies outside {folder.name}")
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise Unfit(place, f"{name!r} in {folder.name} is no file")
            if found.st_size > LARGEST_FILE:
                raise Unfit(place, f"the file {name!r} has more than {LARGEST_FILE >> 20} MiB")
            return file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unfit(place, f"the file {name!r} can't be read from {folder.name}: {reason}") from None
