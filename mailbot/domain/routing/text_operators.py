"""The operators that look at text: how each is tested against the texts of a field.

Every test can do alone. Told what `prefilter` found in the mail, it looks only for the values that can be
there, so that a condition with thousands of them costs as much as one with ten; the answer is the same.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import re2

from mailbot.domain.routing.field_types import Captures, Context, Found, Kind, Prepared
from mailbot.domain.routing.text import Text, fold

CAPTURE_LIMIT = 200  # characters that a named group takes along
_TRIES = 64  # places of a word that are looked at one by one before RE2 looks at all of them

Texts = Iterable[Text]
Values = Mapping[str, str]  # folded -> as the admin wrote it, in that order


def contains(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    return _any_of(_values(items), lambda value, text: value in text)


def starts_with(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    return _any_of(_values(items), lambda value, text: text.startswith(value))


def ends_with(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    return _any_of(_values(items), lambda value, text: text.endswith(value))


def under(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    domains = _values(items, lambda item: exact(item, kind))
    return _any_of(domains, lambda domain, text: text == domain or text.endswith("." + domain))


def _any_of(values: Values, holds: Callable[[str, str], bool]) -> Prepared:
    """The first of the values that holds of any text."""
    order = _order(values)

    def test(texts: Texts, found: Found | None = None) -> tuple[object, ...]:
        folded = [text.folded for text in texts]
        for value in _possible(order, found.words if found else None):
            for text in folded:
                if holds(value, text):
                    return (values[value],)
        return ()

    return Prepared(test, tuple(values))


def contains_all(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    values = [fold(item) for item in items]

    def test(texts: Texts, found: Found | None = None) -> tuple[object, ...]:
        folded = [text.folded for text in texts]
        return items if all(any(value in text for text in folded) for value in values) else ()

    # One of them is enough to know that it can't hold: the longest is the rarest.
    return Prepared(test, (max(values, key=len),))


def mentions(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    """The leftmost of the words in the first text that has any, of two at one place the longer."""
    values = _values(items)
    order = _order(values)

    def test(texts: Texts, found: Found | None = None) -> tuple[object, ...]:
        possible = _possible(order, found.words if found else None)
        for text in texts:
            places = ((word_at(text.folded, value), -len(value), value) for value in possible)
            first = min((place for place in places if place[0] >= 0), default=None)
            if first:
                return (values[first[2]],)
        return ()

    return Prepared(test, tuple(values))


def is_one_of(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    values = _values(items, lambda item: exact(item, kind))

    def test(texts: Texts, found: Found | None = None) -> tuple[object, ...]:
        return next(((values[text.folded],) for text in texts if text.folded in values), ())

    return Prepared(test, () if kind in WORDS else tuple(values))


def matches(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    """The first of the patterns that is found in any text."""
    named = tuple(item for item in items if _groups(item))
    order = _order(dict.fromkeys(items, ""))

    def test(texts: Texts, found: Found | None = None) -> tuple[object, ...]:
        for item in _possible(order, found.patterns if found else None):
            pattern = compiled_pattern(item)
            if any(pattern.search(text.plain) for text in texts):
                return (item,)
        return ()

    return Prepared(test, patterns=tuple(order), captures=_capturing(named) if named else None)


def _capturing(patterns: tuple[str, ...]) -> Captures:
    def captures(texts: Texts) -> tuple[tuple[str, str], ...]:
        taken: dict[str, str] = {}
        for item in patterns:
            pattern = compiled_pattern(item)
            hit = next((each for text in texts if (each := pattern.search(text.plain))), None)
            for name, value in hit.groupdict("").items() if hit else ():
                if value := " ".join(value.split())[:CAPTURE_LIMIT].rstrip():
                    taken.setdefault(name, value)
        return tuple(taken.items())

    return captures


def _groups(pattern: str) -> tuple[str, ...]:
    """The named groups of a pattern; ValueError for a name that is none for a detail."""
    names = tuple(compiled_pattern(pattern).groupindex)
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{pattern!r}: a group's name is written like order_number, not {name!r}")
    return names


def _values(items: tuple[str, ...], spelled: Callable[[str], str] = fold) -> Values:
    values: dict[str, str] = {}
    for item in items:
        values.setdefault(spelled(item), item)
    return values


def _order(values: Values) -> Mapping[str, int]:
    return {value: position for position, value in enumerate(values)}


def _possible(order: Mapping[str, int], found: frozenset[str] | None) -> Iterable[str]:
    """The values that can be there, in the admin's order."""
    if found is None:
        return order
    if len(found) < len(order):
        return sorted((each for each in found if each in order), key=order.__getitem__)
    return [each for each in order if each in found]


# --- whole words ------------------------------------------------------------------------------------------


def word_at(text: str, word: str) -> int:
    """Where `word` first stands in `text` without a letter or digit at either side; -1 when nowhere."""
    at, length = text.find(word), len(word)
    for _ in range(_TRIES):
        if at < 0:
            return -1
        end = at + length
        if not ((at and _is_letter(text[at - 1])) or (end < len(text) and _is_letter(text[end]))):
            return at
        at = text.find(word, at + 1)
    # A text made to be slow, or a syllable for a word: one pass, linear whatever stands there.
    match = _edged(word).search(text)
    return int(match.start(1)) if match else -1


def _is_letter(char: str) -> bool:
    return char.isalnum() if char.isascii() else _is_rare_letter(char)


@lru_cache(maxsize=4096)
def _is_rare_letter(char: str) -> bool:
    return _LETTER.fullmatch(char) is not None  # as RE2 sees it: its Unicode and Python's differ in age


@lru_cache(maxsize=64)
def _edged(word: str) -> Any:
    return re2.compile(rf"(?:^|[^\pL\pN])({re2.escape(word)})(?:[^\pL\pN]|$)")


# --- what admins write ------------------------------------------------------------------------------------

WORDS: Mapping[Kind, Mapping[str, str]] = {
    Kind.LANGUAGE: {"id": "id", "en": "en", "unsure": ""},
    Kind.AUTHENTICATION: {each: each for each in ("pass", "fail", "none")},
}


def exact(written: str, kind: Kind) -> str:
    """The folded value that `is` and `under` compare with, checked against the kind. ValueError."""
    word = fold(written)
    if kind is Kind.ADDRESS and "@" not in word:
        raise ValueError(f"{written!r} is no address; ask sender_domain for a domain")
    if kind is Kind.DOMAIN and ("@" in word or word[0] in ".*"):
        raise ValueError(
            f"{written!r}: a domain is written like bank.co.id; `under` takes those below it too"
        )
    if kind in WORDS and word not in WORDS[kind]:
        raise ValueError(f"{written!r} is no {kind} here; there are {', '.join(WORDS[kind])}")
    return WORDS[kind][word] if kind in WORDS else word


@lru_cache(maxsize=2000)  # those in use; a policy may hold more
def compiled_pattern(written: str) -> Any:
    """The RE2 pattern that an admin wrote, which looks at no case. ValueError says what is wrong with it."""
    try:
        return re2.compile(written, OPTIONS)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        more = " (RE2 looks neither ahead nor behind)" if "(?" in said else ""
        raise ValueError(f"{written!r} is no RE2 pattern: {said}{more}") from error


OPTIONS = re2.Options()
OPTIONS.log_errors = False
OPTIONS.case_sensitive = False
OPTIONS.max_mem = 4 << 20  # bytes a pattern may grow to: the admin's worst costs a refusal, not the machine

_NAME = re2.compile(r"[a-z][a-z0-9_]{0,39}")
_LETTER = re2.compile(r"[\pL\pN]")
