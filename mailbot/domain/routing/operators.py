"""How a rule can ask: the table of operators, each with what it takes in YAML, its check and its test.

Everything is checked and compiled when the rules are loaded; a test can't fail when a mail comes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import re2

from mailbot.domain.routing import text_operators
from mailbot.domain.routing.field_types import Context, Found, Listed, Prepared
from mailbot.domain.routing.field_types import Kind as Kind
from mailbot.domain.routing.field_types import Test as Test
from mailbot.domain.routing.money import Money
from mailbot.domain.routing.money import read as read_money
from mailbot.domain.routing.text import Text, fold
from mailbot.domain.routing.text_operators import OPTIONS, WORDS
from mailbot.domain.routing.text_operators import compiled_pattern as compiled_pattern
from mailbot.domain.worktime import DAY_NAMES, MIDNIGHT, Interval, clock_span, is_open


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
    prepare: Callable[[tuple[Any, ...], Kind, Context], Prepared]  # raises ValueError
    joint: str = " or "  # between several values when the condition is read aloud
    takes_of: Mapping[Kind, Shape] = field(default_factory=dict)  # where a kind is written in another way

    def shape(self, kind: Kind) -> Shape:
        """What it takes when a field of that kind is asked."""
        return self.takes_of.get(kind, self.takes)


# --- those that do not look at text; the others stand in `phrases` ----------------------------------------


def _is(items: tuple[Any, ...], kind: Kind, context: Context) -> Prepared:
    if kind is not Kind.TRUTH:
        return text_operators.is_one_of(items, kind, context)
    wanted = items[0]
    return Prepared(lambda value, found=None: items if value is wanted else ())


def _over(items: tuple[str | int, ...], kind: Kind, context: Context) -> Prepared:
    limit = _limit(items[0], kind)
    if isinstance(limit, Money):
        return Prepared(
            lambda amounts, found=None: items if any(a > limit for a in _like(amounts, limit)) else ()
        )
    return Prepared(lambda number, found=None: items if number > limit else ())


def _below(items: tuple[str | int, ...], kind: Kind, context: Context) -> Prepared:
    limit = _limit(items[0], kind)
    if isinstance(limit, Money):
        return Prepared(
            lambda amounts, found=None: items if any(a < limit for a in _like(amounts, limit)) else ()
        )
    return Prepared(lambda number, found=None: items if number < limit else ())


def _limit(written: str | int, kind: Kind) -> Any:
    if kind is Kind.AMOUNT:
        return read_money(str(written))
    return octets(written) if kind is Kind.SIZE else int(written)


def _like(amounts: Iterable[Money], limit: Money) -> Iterable[Money]:
    """Of the amounts those that can be compared: currencies are never converted."""
    return (each for each in amounts if each.currency == limit.currency)


def _within(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    stretches = [(day, interval, item) for item in items for day, interval in week_hours(item)]

    def test(at: datetime, found: Found | None = None) -> tuple[object, ...]:
        today = at.weekday()
        since = timedelta(0, at.hour * 3600 + at.minute * 60 + at.second, at.microsecond)
        return _first(
            item for day, hours, item in stretches if day == today and hours.start <= since < hours.end
        )

    return Prepared(test)


def _in_calendar(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    calendars = _named(items, context.calendars, "calendar")
    return Prepared(
        lambda at, found=None: _first(name for name, each in calendars.items() if is_open(each, at))
    )


def _outside_calendar(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    calendars = _named(items, context.calendars, "calendar")
    return Prepared(
        lambda at, found=None: items if not any(is_open(each, at) for each in calendars.values()) else ()
    )


def _listed_in(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    lists = _named(items, context.lists, "list")

    def test(texts: Iterable[Text], found: Found | None = None) -> tuple[object, ...]:
        folded = [text.folded for text in texts]
        return _first(name for name, each in lists.items() if any(_stands_in(each, text) for text in folded))

    return Prepared(test)


def _stands_in(listed: Listed, text: str) -> bool:
    """Is the address, its domain (or the domain that it is), or one above that, in the list?"""
    if text in listed.addresses:
        return True
    domain = text.rpartition("@")[2].rstrip(".")
    while domain and listed.domains:
        if domain in listed.domains:
            return True
        domain = domain.partition(".")[2]
    return False


def _named(items: tuple[str, ...], known: Mapping[str, Any] | None, what: str) -> dict[str, Any]:
    for item in items:
        if known is not None and item not in known:
            raise ValueError(f"there is no {what} {item!r}{instead(item, known)}")
    return {item: known[item] for item in items} if known is not None else {}


def instead(wrong: str, right: Collection[str]) -> str:
    """For a name that is none: which may be meant, or which there are."""
    close = get_close_matches(wrong, right, n=2)
    if close:
        return f"; did you mean {' or '.join(map(repr, close))}?"
    return f"; there are {', '.join(right)}" if right else ""


def _exists(items: tuple[bool, ...], kind: Kind, context: Context) -> Prepared:
    wanted = items[0]
    if kind is Kind.AMOUNT:
        return Prepared(lambda amounts, found=None: items if bool(amounts) is wanted else ())
    return Prepared(lambda texts, found=None: items if any(text.folded for text in texts) is wanted else ())


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
        raise ValueError(f"{written!r} is not a size; write it like 500 KB or 5 MB")
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
        raise ValueError(f"{_yaml(value)} is not a size; write it like 500 KB or 5 MB")
    return (value,)


def _read_count(value: object) -> tuple[int, ...]:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{_yaml(value)} is no count; write a whole number, as 3")
    return (value,)


def _read_amount(value: object) -> tuple[str, ...]:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{_yaml(value)} is no amount; write it like Rp1.000.000, 1,5 juta or USD 50")
    read_money(str(value))
    return (str(value),)


def _read_truth(value: object) -> tuple[bool, ...]:
    if not isinstance(value, bool):
        raise ValueError(f"{_yaml(value)}: only true or false")
    return (value,)


def _yaml(value: object) -> str:
    if isinstance(value, tuple):
        return "a list"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)


def _type(value: object) -> str:
    return (
        "true or false"
        if isinstance(value, bool)
        else "a number"
        if isinstance(value, int | float)
        else "no text"
    )


_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_SIZE = re2.compile(r"([0-9]{1,12}(?:[.,][0-9]{1,6})?)\s*([KMG]?B|[KMG]iB)", OPTIONS)
_ONE_TEXT = {"type": "string", "minLength": 1}
_ONE_OR_MORE = {"anyOf": [_ONE_TEXT, {"type": "array", "items": _ONE_TEXT, "minItems": 1}]}
_BYTES = {"type": "string", "pattern": r"^[0-9]+([.,][0-9]+)? ?([KMGkmg][iI]?)?[Bb]$"}
TEXTS = Shape(_ONE_OR_MORE, _read_texts)
SIZE = Shape({"anyOf": [{"type": "integer", "minimum": 0}, _BYTES]}, _read_size)
TRUTH = Shape({"type": "boolean"}, _read_truth)
COUNT = Shape({"type": "integer", "minimum": 0}, _read_count)
AMOUNT = Shape(_ONE_TEXT, _read_amount)

_NUMBERS = {Kind.COUNT: COUNT, Kind.AMOUNT: AMOUNT}
_WORDS = frozenset({Kind.TEXT, Kind.NAMES})
_STRINGS = _WORDS | {Kind.ADDRESS, Kind.DOMAIN}
_EQUALS = _STRINGS | WORDS.keys() | {Kind.TRUTH}
_MEASURES = frozenset({Kind.SIZE, *_NUMBERS})
_NOMINAL = frozenset({Kind.ADDRESS, Kind.DOMAIN})
_MOMENT = frozenset({Kind.MOMENT})

OPERATORS: Mapping[str, Operator] = {
    each.name: each
    for each in (
        Operator("contains", _STRINGS, TEXTS, "any of these stands somewhere in it", text_operators.contains),
        Operator(
            "contains_all",
            _STRINGS,
            TEXTS,
            "all of these stand somewhere in it",
            text_operators.contains_all,
            joint=" and ",
        ),
        Operator(
            "mentions", _WORDS, TEXTS, "any of these stands in it as a whole word", text_operators.mentions
        ),
        Operator(
            "matches",
            _STRINGS,
            TEXTS,
            "any of these RE2 patterns is found in it, in any case",
            text_operators.matches,
        ),
        Operator(
            "is",
            _EQUALS,
            TEXTS,
            "it is one of these, in any case",
            _is,
            takes_of={Kind.TRUTH: TRUTH},
        ),
        Operator("starts_with", _STRINGS, TEXTS, "it starts with one of these", text_operators.starts_with),
        Operator("ends_with", _STRINGS, TEXTS, "it ends with one of these", text_operators.ends_with),
        Operator(
            "under",
            frozenset({Kind.DOMAIN}),
            TEXTS,
            "it is one of these or lies below one",
            text_operators.under,
        ),
        Operator(
            "listed_in", _NOMINAL, TEXTS, "it, or its domain, stands in one of these `lists`", _listed_in
        ),
        Operator(
            "over", _MEASURES, SIZE, "it is more than this: 5 MB, 3, Rp1.000.000", _over, takes_of=_NUMBERS
        ),
        Operator(
            "below", _MEASURES, SIZE, "it is less than this: 10 KB, 3, USD 50", _below, takes_of=_NUMBERS
        ),
        Operator("within", _MOMENT, TEXTS, "then, as in mon-fri 08:00-17:00", _within),
        Operator("in_calendar", _MOMENT, TEXTS, "in the hours of one of these calendars", _in_calendar),
        Operator(
            "outside_calendar",
            _MOMENT,
            TEXTS,
            "outside the hours of all these calendars",
            _outside_calendar,
            joint=" and ",
        ),
        Operator("exists", _STRINGS | {Kind.AMOUNT}, TRUTH, "there is any (true) or none (false)", _exists),
    )
}
