"""One YAML file as plain data together with the place of every key and value.

YAML 1.2, and less: no anchors, aliases, merge keys, tags, directives or second documents. What an admin reads
in the file is what holds, on the line where it stands. Keys are always text; `NO` and `17:30` stay text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from errno import EINVAL
from hashlib import sha256
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from mailbot.errors import Problem

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 30
MAX_EXCERPT = 160

Place = tuple[str | int, ...]
Mark = tuple[int, int]  # line and column, from 1

_INT = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,18}|[0-9]{1,18}(\.[0-9]{0,18})?)([eE][-+]?[0-9]{1,2})?")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_SECRET = re.compile(r"(?i)((?:pass|secret|token|credential)[a-z_-]*['\"]?\s*[:=]\s*)\S.*")
_URL_SECRET = re.compile(r"(://[^\s/:@]*:)[^\s/@]+@")
# What ruamel says, what that means to somebody who edits the file.
_PLAIN_WORDS = (
    (r"character '\t'", "a tab stands here: YAML wants spaces", ""),
    (
        "mapping values are not allowed",
        "a colon where none can be",
        "text with `: ` in it needs quotes around it",
    ),
    ("expected <block end>", "this line does not belong to what stands above it", "look at its indentation"),
    ("could not find expected ':'", "a colon is missing", "write `name: value`"),
    ("found unexpected end of stream", "the file ends inside a quoted text", "a closing quote is missing"),
    (
        "expected ',' or ']'",
        "a list that begins with `[` is not closed",
        "a comma or `]` is missing before this",
    ),
    (
        "expected ',' or '}'",
        "a mapping that begins with `{` is not closed",
        "a comma or `}` is missing before this",
    ),
    ("expected the node content", "a value is missing here", ""),
    ("sequence entries are not allowed", "a list's item can't begin here", "`- ` begins a line of its own"),
    (
        "unknown escape character",
        "an unknown escape",
        "in double quotes `\\` begins one: put patterns in single quotes",
    ),
    ("expected '<document start>'", "the file goes on where it should have ended", "look at its indentation"),
    ("cannot start any token", "this character can't begin a value", "put the text in quotes"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """`data` is None when the file can't be read. `values` and `keys` say where each one stands."""

    file: str
    data: object = None
    lines: tuple[str, ...] = ()
    digest: str = ""  # sha256 of the bytes
    raw: bytes = field(default=b"", repr=False)
    values: dict[Place, Mark] = field(default_factory=dict)
    keys: dict[Place, Mark] = field(default_factory=dict)

    def at_value(self, place: Place, message: str, hint: str = "") -> Problem:
        """A problem with the value at `place`, or with the nearest thing around it that is in the file."""
        while place not in self.values and place:
            place = place[:-1]
        return self.at(self.values.get(place, (0, 0)), message, hint)

    def at_key(self, place: Place, message: str, hint: str = "") -> Problem:
        """A problem with the key itself; of a list's item, with the item."""
        return (
            self.at(self.keys[place], message, hint)
            if place in self.keys
            else self.at_value(place, message, hint)
        )

    def at(self, mark: Mark, message: str, hint: str = "") -> Problem:
        return Problem(self.file, *mark, message, hint, _excerpt(self.lines, mark))


@dataclass(slots=True)
class _Reading:
    """The events of one document being turned into data; collects what must not stand there."""

    source: Source
    events: Iterator[Event]
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, event: Event, message: str, hint: str = "") -> None:
        self.problems.append(self.source.at(_mark(event), message, hint))


class _TooDeep(Exception):
    def __init__(self, mark: Mark) -> None:
        self.mark = mark


def read(path: Path) -> tuple[Source, list[Problem]]:
    """The file as data, and what is wrong with it as YAML. Never raises for what is in or around the file."""
    name = str(path)
    try:
        raw = content(path, MAX_BYTES + 1)
    except FileNotFoundError:
        return Source(name), [
            Problem(name, 0, 0, "there is no such file", "`mailbot init DIR` writes a working set")
        ]
    except OSError as error:
        return Source(name), [Problem(name, 0, 0, f"can't be read: {error.strerror}")]
    if len(raw) > MAX_BYTES:
        return Source(name), [Problem(name, 0, 0, f"is larger than {MAX_BYTES // 1024} KB")]
    return parse(raw, name)


def content(path: Path, most: int) -> bytes:
    """The first `most` bytes of a file. OSError for what is none: to open a pipe would wait for ever."""
    if path.exists() and not path.is_file():
        raise OSError(EINVAL, "is not a file")
    with path.open("rb") as file:
        return file.read(most)


def parse(raw: bytes, name: str) -> tuple[Source, list[Problem]]:
    """As `read`, of bytes that are already here."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        return Source(name), [Problem(name, line, column, "is not UTF-8", "save the file as UTF-8")]
    source = Source(name, None, tuple(text.splitlines()), sha256(raw).hexdigest(), raw)
    try:
        return _document(source, text)
    except ReaderError as error:
        before = text[: error.position].splitlines() or [""]
        mark = (len(before), len(before[-1]) + 1)
        return source, [
            Problem(name, *mark, "a control character stands here: only text can be in this file")
        ]
    except MarkedYAMLError as error:
        return source, [_syntax(source, error)]
    except _TooDeep as deep:
        return source, [source.at(deep.mark, f"is nested deeper than {MAX_DEPTH} levels")]
    except (YAMLError, ValueError, OverflowError, RecursionError) as error:
        # ruamel lets int() and chr() speak for themselves on broken escapes (`"\UFFFFFFFF"`).
        return source, [Problem(name, 0, 0, f"is not YAML: {str(error)[:200]}")]


def _document(source: Source, text: str) -> tuple[Source, list[Problem]]:
    reading = _Reading(source, iter(YAML(typ="safe", pure=True).parse(text)))
    data: object = None
    documents = 0
    for event in reading.events:
        if not isinstance(event, DocumentStartEvent):
            continue
        documents += 1
        if documents > 1:
            reading.refuse(
                event, "a second document begins here", "one file holds one document: remove the `---`"
            )
            break
        if event.version or event.tags:
            reading.refuse(event, "directives (lines with `%`) can't be used")
        data = _value(reading, next(reading.events), (), 0)
    if data is None and not reading.problems:
        reading.problems.append(
            Problem(source.file, 0, 0, "is empty", "`mailbot init DIR` writes a working set")
        )
    return replace(source, data=data), reading.problems


def _value(reading: _Reading, event: Event, place: Place, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise _TooDeep(_mark(event))
    reading.source.values[place] = _mark(event)
    if isinstance(event, AliasEvent):
        reading.refuse(
            event, f"aliases (`*{event.anchor}`) can't be used", "write the value out where it holds"
        )
        return None
    _refuse_decoration(reading, event)
    if isinstance(event, MappingStartEvent):
        return _mapping(reading, place, depth)
    if isinstance(event, SequenceStartEvent):
        items: list[object] = []
        while not isinstance(item := next(reading.events), SequenceEndEvent):
            items.append(_value(reading, item, (*place, len(items)), depth + 1))
        return items
    return _scalar(event)


def _mapping(reading: _Reading, place: Place, depth: int) -> dict[str, object]:
    data: dict[str, object] = {}
    while not isinstance(event := next(reading.events), MappingEndEvent):
        key = _key(reading, event, depth)
        inner = (*place, key)
        first = reading.source.keys.get(inner)
        if first:
            reading.refuse(event, f"`{key}` stands here twice", f"the first is on line {first[0]}")
            _value(reading, next(reading.events), _aside(event), depth + 1)
            continue
        reading.source.keys[inner] = _mark(event)
        data[key] = _value(reading, next(reading.events), inner, depth + 1)
    return data


def _key(reading: _Reading, event: Event, depth: int) -> str:
    if not isinstance(event, ScalarEvent):
        reading.refuse(event, "a key can only be text")
        _value(reading, event, _aside(event), depth + 1)  # an alias, a list, a mapping: read past it
        return "\0"  # in no file
    _refuse_decoration(reading, event)
    if event.value == "<<" and not event.style:
        reading.refuse(event, "merge keys (`<<`) can't be used", "write the values out where they hold")
    return str(event.value)


def _aside(event: Event) -> Place:
    """A place that no file has: for what is read only to get past it."""
    return "\0", *_mark(event)


def _refuse_decoration(reading: _Reading, event: Any) -> None:
    if event.anchor:
        reading.refuse(
            event, f"anchors (`&{event.anchor}`) can't be used", "write the value out where it holds"
        )
    if event.tag is not None:
        reading.refuse(event, "tags (words with `!`) can't be used", "quotes make a text of anything")


def _scalar(event: Any) -> object:
    text = str(event.value)
    if event.style:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _mark(event: Event) -> Mark:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _syntax(source: Source, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    said = " ".join(filter(None, (error.problem, error.context))).strip() or "is not YAML"
    for pattern, message, hint in _PLAIN_WORDS:
        if pattern in said:
            return source.at((mark.line + 1, mark.column + 1) if mark else (0, 0), message, hint)
    return source.at((mark.line + 1, mark.column + 1) if mark else (0, 0), said)


def _excerpt(lines: tuple[str, ...], mark: Mark) -> str:
    """The line as far as it can be shown: no control characters, no secrets, not a whole screen."""
    line, column = mark
    if not 0 < line <= len(lines) or column > MAX_EXCERPT:
        return ""
    text = "".join(c if c.isprintable() else " " for c in lines[line - 1][:MAX_EXCERPT])
    return _URL_SECRET.sub(r"\1***@", _SECRET.sub(r"\1***", text)).rstrip()
