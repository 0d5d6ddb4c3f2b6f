"""Read one YAML file as plain data together with the place of every key and value.

YAML 1.2 without anchors, aliases, merge keys, tags, directives and second documents: what an admin reads on a
line is what holds. Keys are always text; `NO` and `17:30` stay text.

libyaml divides the text into its parts; what a part means is decided here, since PyYAML reads `NO` as False.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from mailbot.config.content import content
from mailbot.errors import Problem

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # without libyaml it takes twenty times as long
MAX_BYTES = 1024 * 1024
MAX_DEPTH = 30
MAX_EXCERPT = 160

Place = tuple[str | int, ...]
Mark = tuple[int, int]  # line and column, from 1

_INT = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,18}|[0-9]{1,18}(\.[0-9]{0,18})?)([eE][-+]?[0-9]{1,2})?")
_HIDDEN_BREAK = re.compile("[\x85\u2028\u2029]")  # libyaml ends a line there, as YAML 1.1 did
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_SECRET = re.compile(r"(?i)((?:pass|secret|token|credential)[a-z_-]*['\"]?\s*[:=]\s*)\S.*")
_URL_SECRET = re.compile(r"(://[^\s/:@]*:)[^\s/@]+@")
# Part of libyaml's message -> what it means to an admin.
_MESSAGES = (
    ("mapping values are not allowed", "a colon is not allowed here", "text with `: ` in it needs quotes"),
    ("expected key", "this line does not fit the lines above it", "look at its indentation"),
    ("expected '-' indicator", "this line does not fit the list above it", "look at its indentation"),
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
    ("expected node content", "a value is missing here", ""),
    ("sequence entries are not allowed", "a list's item can't begin here", "`- ` begins a line of its own"),
    (
        "unknown escape character",
        "an unknown escape",
        "in double quotes `\\` begins one: put patterns in single quotes",
    ),
    ("expected <document start>", "the file goes on where it should have ended", "look at its indentation"),
    ("cannot start any token", "this character can't begin a value", "put the text in quotes"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """`data` is None when the file can't be read. `values` and `keys` hold the place of each."""

    file: str
    data: object = None
    lines: tuple[str, ...] = ()
    digest: str = ""  # sha256 of the bytes
    raw: bytes = field(default=b"", repr=False)
    values: dict[Place, Mark] = field(default_factory=dict)
    keys: dict[Place, Mark] = field(default_factory=dict)

    def at_value(self, place: Place, message: str, hint: str = "") -> Problem:
        """Report a problem with the value at `place`, or with the nearest value around it."""
        while place not in self.values and place:
            place = place[:-1]
        return self.at(self.values.get(place, (0, 0)), message, hint)

    def at_key(self, place: Place, message: str, hint: str = "") -> Problem:
        """Report a problem with the key itself; for an item of a list, with the item."""
        if place not in self.keys:
            return self.at_value(place, message, hint)
        return self.at(self.keys[place], message, hint)

    def line_of(self, place: Place) -> int:
        return self.values.get(place, (0, 0))[0]

    def at(self, mark: Mark, message: str, hint: str = "") -> Problem:
        return Problem(self.file, *mark, message, hint, _excerpt(self.lines, mark))


@dataclass(slots=True)
class _Parser:
    """Turn the events of one document into data; collects what is not allowed in it."""

    source: Source
    events: Iterator[Event]
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, event: Event, message: str, hint: str = "") -> None:
        self.problems.append(self.source.at(_mark(event), message, hint))


class _TooDeep(Exception):
    def __init__(self, mark: Mark) -> None:
        self.mark = mark


def read(path: Path) -> tuple[Source, list[Problem]]:
    """Read the file as data, with its problems as YAML. Never raises, whatever the file or its path."""
    name = str(path)
    try:
        raw = content(path, MAX_BYTES + 1)
    except FileNotFoundError:
        return _unreadable(name, "there is no such file", "`mailbot init DIR` writes a working set")
    except OSError as error:
        return _unreadable(name, f"can't be read: {error.strerror}")
    if len(raw) > MAX_BYTES:
        return _unreadable(name, f"is larger than {MAX_BYTES // 1024} KB")
    return parse(raw, name)


def _unreadable(name: str, message: str, hint: str = "", at: Mark = (0, 0)) -> tuple[Source, list[Problem]]:
    return Source(name), [Problem(name, *at, message, hint)]


def parse(raw: bytes, name: str) -> tuple[Source, list[Problem]]:
    """Parse as `read` does, from bytes."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        return _unreadable(name, "is not UTF-8", "save the file as UTF-8", (line, column))
    source = Source(name, None, tuple(text.splitlines()), sha256(raw).hexdigest(), raw)
    if hidden := _HIDDEN_BREAK.search(text):
        message = "a line ends here by a character that few editors show"
        return source, [source.at(_mark_after(text[: hidden.start()]), message, "remove it")]
    try:
        return _document(source, text)
    except ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        message = "a control character is not allowed here: the file must be text"
        return source, [Problem(name, *_mark_after(before), message)]
    except MarkedYAMLError as error:
        return source, [_syntax(source, error)]
    except _TooDeep as deep:
        return source, [source.at(deep.mark, f"is nested deeper than {MAX_DEPTH} levels")]
    except YAMLError as error:
        return source, [Problem(name, 0, 0, f"is not YAML: {str(error)[:200]}")]


def _document(source: Source, text: str) -> tuple[Source, list[Problem]]:
    parser = _Parser(source, iter(yaml.parse(text, Loader=_LOADER)))
    data: object = None
    documents = 0
    for event in parser.events:
        if not isinstance(event, DocumentStartEvent):
            continue
        documents += 1
        if documents > 1:
            hint = "one file holds one document: remove the `---`"
            parser.refuse(event, "a second document begins here", hint)
            break
        if event.version or event.tags:
            parser.refuse(event, "directives (lines with `%`) are not allowed")
        data = _value(parser, next(parser.events), (), 0)
    if data is None and not parser.problems:
        hint = "`mailbot init DIR` writes a working set"
        parser.problems.append(Problem(source.file, 0, 0, "is empty", hint))
    return replace(source, data=data), parser.problems


def _value(parser: _Parser, event: Event, place: Place, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise _TooDeep(_mark(event))
    parser.source.values[place] = _mark(event)
    if isinstance(event, AliasEvent):
        parser.refuse(
            event, f"aliases (`*{event.anchor}`) are not allowed", "write the value out where it is used"
        )
        return None
    _refuse_extras(parser, event)
    if isinstance(event, MappingStartEvent):
        return _mapping(parser, place, depth)
    if isinstance(event, SequenceStartEvent):
        items: list[object] = []
        while not isinstance(item := next(parser.events), SequenceEndEvent):
            items.append(_value(parser, item, (*place, len(items)), depth + 1))
        return items
    return _scalar(event)


def _mapping(parser: _Parser, place: Place, depth: int) -> dict[str, object]:
    data: dict[str, object] = {}
    while not isinstance(event := next(parser.events), MappingEndEvent):
        key = _key(parser, event, depth)
        inner = (*place, key)
        first = parser.source.keys.get(inner)
        if first:
            parser.refuse(event, f"`{key}` is here twice", f"the first is on line {first[0]}")
            _value(parser, next(parser.events), _nowhere(event), depth + 1)
            continue
        parser.source.keys[inner] = _mark(event)
        data[key] = _value(parser, next(parser.events), inner, depth + 1)
    return data


def _key(parser: _Parser, event: Event, depth: int) -> str:
    if not isinstance(event, ScalarEvent):
        parser.refuse(event, "a key must be text")
        _value(parser, event, _nowhere(event), depth + 1)  # an alias, a list, a mapping: skip it
        return "\0"  # in no file
    _refuse_extras(parser, event)
    if event.value == "<<" and not event.style:
        parser.refuse(event, "merge keys (`<<`) are not allowed", "write the values out where they are used")
    return str(event.value)


def _nowhere(event: Event) -> Place:
    """Return a place that no file has, for a value that is only skipped."""
    return "\0", *_mark(event)


def _refuse_extras(parser: _Parser, event: Any) -> None:
    if event.anchor:
        parser.refuse(
            event, f"anchors (`&{event.anchor}`) are not allowed", "write the value out where it is used"
        )
    if event.tag is not None:
        parser.refuse(event, "tags (words with `!`) are not allowed", "quotes make a text of anything")


def _scalar(event: Any) -> object:
    text = str(event.value)
    if event.style:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _mark_after(text: str) -> Mark:
    lines = text.splitlines() or [""]
    return len(lines), len(lines[-1]) + 1


def _mark(event: Any) -> Mark:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _syntax(source: Source, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    at = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    line = source.lines[at[0] - 1] if 0 < at[0] <= len(source.lines) else ""
    if line[at[1] - 1 : at[1]] == "\t":
        return source.at(at, "a tab is not allowed here: YAML needs spaces")
    text = " ".join(filter(None, (error.problem, error.context))).strip() or "is not YAML"
    found = ((message, hint) for pattern, message, hint in _MESSAGES if pattern in text)
    return source.at(at, *next(found, (text, "")))


def _excerpt(lines: tuple[str, ...], mark: Mark) -> str:
    """Return the line for a message: without control characters and secrets, cut at MAX_EXCERPT."""
    line, column = mark
    if not 0 < line <= len(lines) or column > MAX_EXCERPT:
        return ""
    text = "".join(c if c.isprintable() else " " for c in lines[line - 1][:MAX_EXCERPT])
    return _URL_SECRET.sub(r"\1***@", _SECRET.sub(r"\1***", text)).rstrip()
