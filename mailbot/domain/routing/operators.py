"""Define the operators of conditions: what each takes in YAML, its check and its test.

Everything is checked and compiled when the rules are loaded; a test can't fail when a mail comes. A new
operator is one entry in OPERATORS.
"""

import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import re2

from mailbot.domain.routing import learned
from mailbot.domain.routing import text_operators as on_text
from mailbot.domain.routing.field_types import AddressList, Context, Hits, Kind, Prepare, Prepared
from mailbot.domain.routing.money import Money
from mailbot.domain.routing.money import read as read_money
from mailbot.domain.routing.text import Text, fold
from mailbot.domain.routing.text_operators import OPTIONS, WORDS
from mailbot.domain.worktime import MIDNIGHT, Interval, clock_span, is_open, read_weekdays


@dataclass(frozen=True, slots=True)
class Shape:
    """What an operator takes in YAML: `read` returns its single values or raises ValueError."""

    schema: Mapping[str, object]  # JSON Schema
    read: Callable[[object], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator and the kinds of fields that it fits."""

    name: str
    kinds: frozenset[Kind]
    takes: Shape
    doc: str
    prepare: Prepare
    takes_for: Mapping[Kind, Shape] = field(default_factory=dict)  # where it differs from `takes`
    joiner: str = " or "  # between several values in the text of a condition

    def shape(self, kind: Kind) -> Shape:
        """Return what it takes for a field of that kind."""
        return self.takes_for.get(kind, self.takes)


# --- operators that do not test text; the others are in `text_operators` ----------------------------------


def _is(items: tuple[Any, ...], kind: Kind, context: Context) -> Prepared:
    if kind is Kind.LEARNED:
        return _learned(items, kind, context)
    if kind is not Kind.TRUTH:
        return on_text.is_one_of(items, kind, context)
    expected = items[0]
    return Prepared(lambda value, hits=None: items if value is expected else ())


def _learned(items: tuple[Any, ...], kind: Kind, context: Context) -> Prepared:
    category, at_least = items
    return Prepared(learned.prepare(category, at_least, context.learned))


def _comparing(compare: Callable[[Any, Any], bool]) -> Prepare:
    def prepare(items: tuple[str | int, ...], kind: Kind, context: Context) -> Prepared:
        limit = _limit(items[0], kind)
        if not isinstance(limit, Money):
            return Prepared(lambda number, hits=None: items if compare(number, limit) else ())

        def test(amounts: Iterable[Money], hits: Hits | None = None) -> tuple[object, ...]:
            # Amounts of another currency never match: currencies are not converted.
            same = (amount for amount in amounts if amount.currency == limit.currency)
            return items if any(compare(amount, limit) for amount in same) else ()

        return Prepared(test)

    return prepare


def _limit(written: str | int, kind: Kind) -> Any:
    if kind is Kind.AMOUNT:
        return read_money(str(written))
    return octets(written) if kind is Kind.SIZE else int(written)


def _within(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    intervals = [(day, interval, item) for item in items for day, interval in week_hours(item)]

    def test(at: datetime, hits: Hits | None = None) -> tuple[object, ...]:
        today = at.weekday()
        since = timedelta(0, at.hour * 3600 + at.minute * 60 + at.second, at.microsecond)
        fitting = (
            item for day, hours, item in intervals if day == today and hours.start <= since < hours.end
        )
        return _first(fitting)

    return Prepared(test)


def _in_calendar(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    calendars = _named(items, context.calendars, "calendar")
    return Prepared(lambda at, hits=None: _first(name for name in items if is_open(calendars[name], at)))


def _outside_calendar(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    calendars = _named(items, context.calendars, "calendar").values()
    return Prepared(lambda at, hits=None: () if any(is_open(each, at) for each in calendars) else items)


def _listed_in(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    lists = _named(items, context.lists, "list")

    def test(texts: Iterable[Text], hits: Hits | None = None) -> tuple[object, ...]:
        folded = [text.folded for text in texts]
        return _first(name for name in lists if any(_is_listed(lists[name], text) for text in folded))

    return Prepared(test)


def _is_listed(listed: AddressList, text: str) -> bool:
    """Check for the address, its domain (or the domain that it is), or a domain above that."""
    if text in listed.addresses:
        return True
    domain = text.rpartition("@")[2].rstrip(".")
    while domain and listed.domains:
        if domain in listed.domains:
            return True
        domain = domain.partition(".")[2]
    return False


def _named(items: tuple[str, ...], known: Mapping[str, Any] | None, what: str) -> dict[str, Any]:
    if known is None:
        return {}
    for item in items:
        if item not in known:
            raise ValueError(f"there is no {what} {item!r}{suggestion(item, known)}")
    return {item: known[item] for item in items}


def suggestion(unknown: str, known: Collection[str]) -> str:
    """Return the end of a message about an unknown name: the name that may be meant, else all names."""
    close = get_close_matches(unknown, known, n=2)
    if close:
        return f"; did you mean {' or '.join(map(repr, close))}?"
    return f"; known here: {', '.join(known)}" if known else ""


def _exists(items: tuple[bool, ...], kind: Kind, context: Context) -> Prepared:
    expected = items[0]
    if kind is Kind.AMOUNT:
        return Prepared(lambda amounts, hits=None: items if bool(amounts) is expected else ())
    return Prepared(lambda texts, hits=None: items if any(text.folded for text in texts) is expected else ())


def _first(matches: Iterable[object]) -> tuple[object, ...]:
    return next(((match,) for match in matches), ())


# --- values in YAML ---------------------------------------------------------------------------------------


def octets(written: str | int) -> int:
    """Read bytes: a number, or "5 MB" (10^6), "5 MiB" (2^20). ValueError for anything else."""
    if isinstance(written, int):
        return written
    found = _SIZE.fullmatch(written.strip())
    if not found:
        raise ValueError(f"{written!r} is not a size; write it like 500 KB or 5 MB")
    return int(Decimal(found[1].replace(",", ".")) * _UNITS[found[2].upper()])


def week_hours(written: str) -> list[tuple[int, Interval]]:
    """Read "mon-fri 08:00-17:00", "sat, sun", "22:00-06:00" as (weekday, Monday 0, interval). ValueError."""
    start = next((at for at, letter in enumerate(written) if letter.isdigit()), len(written))
    days = _weekdays(written[:start], written)
    if start == len(written):
        return [(day, Interval(timedelta(), MIDNIGHT)) for day in days]
    opens, closes = clock_span(written[start:])
    if opens < closes:
        return [(day, Interval(opens, closes)) for day in days]
    late = [(day, Interval(opens, MIDNIGHT)) for day in days]  # past midnight, into the next day
    return late + [((day + 1) % 7, Interval(timedelta(), closes)) for day in days if closes]


def _weekdays(written: str, whole: str) -> list[int]:
    if not written.strip(" ,"):
        if not whole.strip()[:1].isdigit():
            raise ValueError(f"{whole!r}: write it like mon-fri 08:00-17:00")
        return list(range(7))
    try:
        return read_weekdays(written.strip(" ,"))
    except ValueError as error:
        days = "mon, tue, wed, thu, fri, sat, sun, or senin to minggu"
        raise ValueError(f"{whole!r}: {str(error)!r} is not a day; days are {days}") from None


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
        raise ValueError(f"{_yaml(value)} is not a count; write a whole number, such as 3")
    return (value,)


def _read_amount(value: object) -> tuple[str, ...]:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{_yaml(value)} is not an amount; write it like Rp1.000.000, 1,5 juta or USD 50")
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
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int | float) else "no text"


_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_SIZE = re2.compile(r"([0-9]{1,12}(?:[.,][0-9]{1,6})?)\s*([KMG]?B|[KMG]iB)", OPTIONS)
_ONE_TEXT = {"type": "string", "minLength": 1}
_ONE_OR_MORE = {"anyOf": [_ONE_TEXT, {"type": "array", "items": _ONE_TEXT, "minItems": 1}]}
_BYTES = {"type": "string", "pattern": r"^[0-9]+([.,][0-9]+)? ?([KMGkmg][iI]?)?[Bb]$"}
TEXTS = Shape(_ONE_OR_MORE, _read_texts)
SIZE = Shape({"anyOf": [{"type": "integer", "minimum": 0}, _BYTES]}, _read_size)
TRUTH = Shape({"type": "boolean"}, _read_truth)
LEARNED = Shape(_ONE_TEXT, learned.read_condition)
COUNT = Shape({"type": "integer", "minimum": 0}, _read_count)
AMOUNT = Shape(_ONE_TEXT, _read_amount)

_NUMBERS = {Kind.COUNT: COUNT, Kind.AMOUNT: AMOUNT}
_WORDS = frozenset({Kind.TEXT, Kind.NAMES})
_STRINGS = _WORDS | {Kind.ADDRESS, Kind.DOMAIN}
_EQUALS = _STRINGS | WORDS.keys() | {Kind.TRUTH, Kind.LEARNED, Kind.CHANNEL}
_MEASURES = frozenset({Kind.SIZE, *_NUMBERS})
_NOMINAL = frozenset({Kind.ADDRESS, Kind.DOMAIN})
_DOMAIN = frozenset({Kind.DOMAIN})
_MOMENT = frozenset({Kind.MOMENT})
_over, _below = _comparing(operator.gt), _comparing(operator.lt)

OPERATORS: Mapping[str, Operator] = {
    each.name: each
    for each in (
        Operator("contains", _STRINGS, TEXTS, "any of these is somewhere in it", on_text.contains),
        Operator(
            "contains_all", _STRINGS, TEXTS, "all of these are in it", on_text.contains_all, joiner=" and "
        ),
        Operator("mentions", _WORDS, TEXTS, "any of these is in it as a whole word", on_text.mentions),
        Operator(
            "matches",
            _STRINGS,
            TEXTS,
            "any of these RE2 patterns is found in it, in any case",
            on_text.matches,
        ),
        Operator(
            "is",
            _EQUALS,
            TEXTS,
            "it is one of these, in any case",
            _is,
            {Kind.TRUTH: TRUTH, Kind.LEARNED: LEARNED},
        ),
        Operator(
            "at_least",
            frozenset({Kind.LEARNED}),
            LEARNED,
            "beside `is`: so sure, as 0.95 precision",
            _learned,
        ),
        Operator("starts_with", _STRINGS, TEXTS, "it starts with one of these", on_text.starts_with),
        Operator("ends_with", _STRINGS, TEXTS, "it ends with one of these", on_text.ends_with),
        Operator("under", _DOMAIN, TEXTS, "it is one of these or below one", on_text.under),
        Operator("listed_in", _NOMINAL, TEXTS, "it, or its domain, is in one of these `lists`", _listed_in),
        Operator("over", _MEASURES, SIZE, "it is more than this: 5 MB, 3, Rp1.000.000", _over, _NUMBERS),
        Operator("below", _MEASURES, SIZE, "it is less than this: 10 KB, 3, USD 50", _below, _NUMBERS),
        Operator("within", _MOMENT, TEXTS, "then, as in mon-fri 08:00-17:00", _within),
        Operator("in_calendar", _MOMENT, TEXTS, "in the hours of one of these calendars", _in_calendar),
        Operator(
            "outside_calendar",
            _MOMENT,
            TEXTS,
            "outside the hours of all these calendars",
            _outside_calendar,
            joiner=" and ",
        ),
        Operator("exists", _STRINGS | {Kind.AMOUNT}, TRUTH, "there is any (true) or none (false)", _exists),
    )
}
