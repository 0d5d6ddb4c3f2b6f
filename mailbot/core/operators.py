"""How a rule can ask: the table of operators, each with what it takes in YAML, its check and its test.

Everything is checked and compiled when the rules are loaded; a test can't fail when a mail comes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

import re2

from mailbot.core.text import Text, fold
from mailbot.core.worktime import DAY_NAMES, MIDNIGHT, Interval, clock_span


class Kind(StrEnum):
    """What sort of value a field holds: it decides which operators fit, and what a test is handed."""

    TEXT = "text"  # tuple[Text, ...], and so are the next four
    ADDRESS = "address"
    DOMAIN = "domain"
    LANGUAGE = "language"
    NAMES = "names"
    SIZE = "size"  # int, bytes
    MOMENT = "moment"  # datetime, on the wall clock of the default calendar


Test = Callable[[Any], tuple[object, ...]]  # which of the admin's values matched; () when none did


@dataclass(frozen=True, slots=True)
class Shape:
    """What an operator takes in YAML: `read` gives its single values and raises ValueError."""

    schema: Mapping[str, object]  # JSON Schema
    read: Callable[[object], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    kinds: frozenset[Kind]
    takes: Shape
    doc: str
    prepare: Callable[[tuple[Any, ...], Kind], Test]  # raises ValueError
    joint: str = " or "  # between several values when the condition is read aloud


def _contains(items: tuple[str, ...], kind: Kind) -> Test:
    needles = [(fold(item), item) for item in items]

    def test(texts: Iterable[Text]) -> tuple[object, ...]:
        folded = [text.folded for text in texts]
        for needle, item in needles:  # plain loops: rules ask for hundreds of phrases a mail
            for text in folded:
                if needle in text:
                    return (item,)
        return ()

    return test


def _contains_all(items: tuple[str, ...], kind: Kind) -> Test:
    needles = [fold(item) for item in items]

    def test(texts: Iterable[Text]) -> tuple[object, ...]:
        return items if all(any(needle in text.folded for text in texts) for needle in needles) else ()

    return test


def _mentions(items: tuple[str, ...], kind: Kind) -> Test:
    words = {fold(item): item for item in items}
    longest_first = "|".join(re2.escape(word) for word in sorted(words, key=len, reverse=True))
    pattern = compiled_pattern(rf"(?:^|[^\pL\pN])({longest_first})(?:[^\pL\pN]|$)")

    def test(texts: Iterable[Text]) -> tuple[object, ...]:
        found = (pattern.search(text.folded) for text in texts)
        return _first(words[match[1]] for match in found if match)

    return test


def _matches(items: tuple[str, ...], kind: Kind) -> Test:
    patterns = [(compiled_pattern(item), item) for item in items]

    def test(texts: Iterable[Text]) -> tuple[object, ...]:
        return _first(item for pattern, item in patterns if any(pattern.search(text.plain) for text in texts))

    return test


def _is(items: tuple[str, ...], kind: Kind) -> Test:
    wanted = {_exact(item, kind): item for item in items}

    def test(texts: Iterable[Text]) -> tuple[object, ...]:
        return _first(wanted[text.folded] for text in texts if text.folded in wanted)

    return test


def _starts_with(items: tuple[str, ...], kind: Kind) -> Test:
    starts = [(fold(item), item) for item in items]

    def test(texts: Iterable[Text]) -> tuple[object, ...]:
        return _first(item for start, item in starts if any(text.folded.startswith(start) for text in texts))

    return test


def _ends_with(items: tuple[str, ...], kind: Kind) -> Test:
    ends = [(fold(item), item) for item in items]

    def test(texts: Iterable[Text]) -> tuple[object, ...]:
        return _first(item for end, item in ends if any(text.folded.endswith(end) for text in texts))

    return test


def _under(items: tuple[str, ...], kind: Kind) -> Test:
    domains = [("." + _exact(item, kind), item) for item in items]

    def test(texts: Iterable[Text]) -> tuple[object, ...]:
        dotted = ["." + text.folded for text in texts]
        return _first(item for domain, item in domains if any(each.endswith(domain) for each in dotted))

    return test


def _over(items: tuple[str | int, ...], kind: Kind) -> Test:
    limit = octets(items[0])
    return lambda size: items if size > limit else ()


def _below(items: tuple[str | int, ...], kind: Kind) -> Test:
    limit = octets(items[0])
    return lambda size: items if size < limit else ()


def _within(items: tuple[str, ...], kind: Kind) -> Test:
    stretches = [(day, interval, item) for item in items for day, interval in week_hours(item)]

    def test(at: datetime) -> tuple[object, ...]:
        today = at.weekday()
        since = timedelta(0, at.hour * 3600 + at.minute * 60 + at.second, at.microsecond)
        return _first(
            item for day, hours, item in stretches if day == today and hours.start <= since < hours.end
        )

    return test


def _exists(items: tuple[bool, ...], kind: Kind) -> Test:
    wanted = items[0]
    return lambda texts: items if any(text.folded for text in texts) is wanted else ()


def _first(hits: Iterable[object]) -> tuple[object, ...]:
    for hit in hits:
        return (hit,)
    return ()


# --- what admins write ------------------------------------------------------------------------------------


def octets(written: str | int) -> int:
    """Bytes: a number, or "5 MB" (10^6), "5 MiB" (2^20). ValueError for anything else."""
    if isinstance(written, int):
        return written
    found = _SIZE.fullmatch(written.strip())
    if not found:
        raise ValueError(f"{written!r} is no size; write it like 500 KB or 5 MB")
    return int(Decimal(found[1].replace(",", ".")) * _UNITS[found[2].upper()])


def week_hours(written: str) -> list[tuple[int, Interval]]:
    """(weekday, Monday 0, and interval) of "mon-fri 08:00-17:00", "sat, sun", "22:00-06:00". ValueError."""
    start = next((at for at, letter in enumerate(written) if letter.isdigit()), len(written))
    days = _weekdays(written[:start], written)
    if start == len(written):
        return [(day, Interval(timedelta(), MIDNIGHT)) for day in days]
    opens, closes = clock_span(written[start:])
    if opens < closes:
        return [(day, Interval(opens, closes)) for day in days]
    late = [(day, Interval(opens, MIDNIGHT)) for day in days]  # over midnight, into the next day
    return late + [((day + 1) % 7, Interval(timedelta(), closes)) for day in days if closes]


def _weekdays(written: str, whole: str) -> list[int]:
    days = []
    for part in filter(None, (part.strip() for part in written.lower().split(","))):
        first, _, last = part.partition("-")
        start, end = _weekday(first, whole), _weekday(last or first, whole)
        days += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    if not days and not whole.strip()[:1].isdigit():
        raise ValueError(f"{whole!r}: write it like mon-fri 08:00-17:00")
    return days or list(range(7))


def _weekday(written: str, whole: str) -> int:
    word = written.strip()
    fitting = [number for number, name in enumerate(DAY_NAMES) if len(word) > 2 and name.startswith(word)]
    if not fitting:
        raise ValueError(f"{whole!r}: {word!r} is no day; days are mon, tue, wed, thu, fri, sat, sun")
    return fitting[0]


def _exact(written: str, kind: Kind) -> str:
    """The folded value that `is` and `under` compare with, checked against the kind. ValueError."""
    word = fold(written)
    if kind is Kind.ADDRESS and "@" not in word:
        raise ValueError(f"{written!r} is no address; ask sender_domain for a domain")
    if kind is Kind.DOMAIN and ("@" in word or word[0] in ".*"):
        raise ValueError(
            f"{written!r}: a domain is written like bank.co.id; `under` takes those below it too"
        )
    if kind is Kind.LANGUAGE and word not in _LANGUAGES:
        raise ValueError(f"{written!r} is no language here; there are {', '.join(_LANGUAGES)}")
    return _LANGUAGES[word] if kind is Kind.LANGUAGE else word


@lru_cache(maxsize=20_000)
def compiled_pattern(written: str) -> Any:
    """The RE2 pattern that an admin wrote, which looks at no case. ValueError says what is wrong with it."""
    try:
        return re2.compile(written, _OPTIONS)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        more = " (RE2 looks neither ahead nor behind)" if "(?" in said else ""
        raise ValueError(f"{written!r} is no RE2 pattern: {said}{more}") from error


def _read_texts(value: object) -> tuple[str, ...]:
    items = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not items:
        raise ValueError("the list is empty, so it could never match")
    for item in items:
        if not isinstance(item, str):
            raise ValueError(f"{_yaml(item)} is read as {_type(item)}; put quotes around it")
        if not fold(item):
            raise ValueError("an empty text would match every mail")
    return items


def _read_size(value: object) -> tuple[str | int, ...]:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{_yaml(value)} is no size; write it like 500 KB or 5 MB")
    return (value,)


def _read_truth(value: object) -> tuple[bool, ...]:
    if not isinstance(value, bool):
        raise ValueError(f"{_yaml(value)}: only true or false")
    return (value,)


def _yaml(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)


def _type(value: object) -> str:
    return (
        "true or false"
        if isinstance(value, bool)
        else "a number"
        if isinstance(value, int | float)
        else "no text"
    )


_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.case_sensitive = False
_OPTIONS.max_mem = 4 << 20  # bytes a pattern may grow to: the admin's worst costs a refusal, not the machine

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_SIZE = re2.compile(r"([0-9]{1,12}(?:[.,][0-9]{1,6})?)\s*([KMG]?B|[KMG]iB)", _OPTIONS)
_LANGUAGES = {"id": "id", "en": "en", "unsure": ""}

_ONE_TEXT = {"type": "string", "minLength": 1}
_ONE_OR_MORE = {"anyOf": [_ONE_TEXT, {"type": "array", "items": _ONE_TEXT, "minItems": 1}]}
_BYTES = {"type": "string", "pattern": r"^[0-9]+([.,][0-9]+)? ?([KMGkmg][iI]?)?[Bb]$"}
TEXTS = Shape(_ONE_OR_MORE, _read_texts)
SIZE = Shape({"anyOf": [{"type": "integer", "minimum": 0}, _BYTES]}, _read_size)
TRUTH = Shape({"type": "boolean"}, _read_truth)

_WORDS = frozenset({Kind.TEXT, Kind.NAMES})
_STRINGS = _WORDS | {Kind.ADDRESS, Kind.DOMAIN}
_EQUALS = _STRINGS | {Kind.LANGUAGE}

OPERATORS: Mapping[str, Operator] = {
    each.name: each
    for each in (
        Operator("contains", _STRINGS, TEXTS, "any of these stands somewhere in it", _contains),
        Operator(
            "contains_all", _STRINGS, TEXTS, "all of these stand somewhere in it", _contains_all, " and "
        ),
        Operator("mentions", _WORDS, TEXTS, "any of these stands in it as a whole word", _mentions),
        Operator(
            "matches", _STRINGS, TEXTS, "any of these RE2 patterns is found in it, in any case", _matches
        ),
        Operator("is", _EQUALS, TEXTS, "it is one of these, in any case", _is),
        Operator("starts_with", _STRINGS, TEXTS, "it starts with one of these", _starts_with),
        Operator("ends_with", _STRINGS, TEXTS, "it ends with one of these", _ends_with),
        Operator("under", frozenset({Kind.DOMAIN}), TEXTS, "it is one of these or lies below one", _under),
        Operator("over", frozenset({Kind.SIZE}), SIZE, "it is larger than this, as in 5 MB", _over),
        Operator("below", frozenset({Kind.SIZE}), SIZE, "it is smaller than this, as in 10 KB", _below),
        Operator("within", frozenset({Kind.MOMENT}), TEXTS, "then, as in mon-fri 08:00-17:00", _within),
        Operator("exists", _STRINGS, TRUTH, "there is any (true) or none (false)", _exists),
    )
}
