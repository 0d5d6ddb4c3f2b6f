"""Define the operators that test text.

Every test works alone. With the hits of `prefilter` it looks only for values that can be in the mail, so that
a condition with thousands of values costs as much as one with ten. The result is the same.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

import re2

from mailbot.domain.people.identities import is_channel
from mailbot.domain.routing.field_types import Captures, Context, Hits, Kind, Prepare, Prepared
from mailbot.domain.routing.text import Text, fold, options

CAPTURE_LIMIT = 200  # characters of a named group
_TRIES = 64  # occurrences of a word that are checked one by one before RE2 searches the rest

Texts = Iterable[Text]
Values = Mapping[str, str]  # folded -> as the admin wrote it, in the admin's order


def _folded_and(holds: Callable[[str, str], bool]) -> Prepare:
    return lambda items, kind, context: _any_of(_values(items), holds)


contains = _folded_and(lambda value, text: value in text)
starts_with = _folded_and(lambda value, text: text.startswith(value))
ends_with = _folded_and(lambda value, text: text.endswith(value))


def under(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    domains = _values(items, lambda item: exact(item, kind))
    return _any_of(domains, lambda domain, text: text == domain or text.endswith("." + domain))


def _any_of(values: Values, holds: Callable[[str, str], bool]) -> Prepared:
    """Match the first of the values that holds for any text."""
    possible = _possible(values)

    def test(texts: Texts, hits: Hits | None = None) -> tuple[object, ...]:
        here = possible(hits.words if hits else None)
        folded = [text.folded for text in texts] if here else ()
        for value in here:
            for text in folded:
                if holds(value, text):
                    return (values[value],)
        return ()

    return Prepared(test, tuple(values))


def contains_all(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    values = [fold(item) for item in items]

    def test(texts: Texts, hits: Hits | None = None) -> tuple[object, ...]:
        folded = [text.folded for text in texts]
        return items if all(any(value in text for text in folded) for value in values) else ()

    # For the prefilter one word is enough: without it the condition fails. The longest is the rarest.
    return Prepared(test, (max(values, key=len),))


def mentions(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    """Match the leftmost of the words in the first text that has any; of two at one place the longer."""
    values = _values(items)
    possible = _possible(values)

    def test(texts: Texts, hits: Hits | None = None) -> tuple[object, ...]:
        here = possible(hits.words if hits else None)
        for text in texts if here else ():
            places = ((word_at(text.folded, value), -len(value), value) for value in here)
            first = min((place for place in places if place[0] >= 0), default=None)
            if first:
                return (values[first[2]],)
        return ()

    return Prepared(test, tuple(values))


def is_one_of(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    values = _values(items, lambda item: exact(item, kind))

    def test(texts: Texts, hits: Hits | None = None) -> tuple[object, ...]:
        return next(((values[text.folded],) for text in texts if text.folded in values), ())

    return Prepared(test, () if kind in WORDS else tuple(values))


def matches(items: tuple[str, ...], kind: Kind, context: Context) -> Prepared:
    """Match the first of the patterns that is found in any text."""
    with_groups = tuple(item for item in items if _group_names(item))
    possible = _possible(items)

    def test(texts: Texts, hits: Hits | None = None) -> tuple[object, ...]:
        for item in possible(hits.patterns if hits else None):
            found_in = _finder(item)
            if any(found_in(text.one_line) for text in texts):
                return (item,)
        return ()

    return Prepared(
        test, patterns=tuple(dict.fromkeys(items)), captures=_capturing(with_groups) if with_groups else None
    )


def _capturing(patterns: tuple[str, ...]) -> Captures:
    def captures(texts: Texts) -> tuple[tuple[str, str], ...]:
        taken: dict[str, str] = {}
        for item in patterns:
            pattern = compiled_pattern(item)
            hit = next((each for text in texts if (each := pattern.search(text.one_line))), None)
            for name, value in hit.groupdict("").items() if hit else ():
                if value := " ".join(value.split())[:CAPTURE_LIMIT].rstrip():
                    taken.setdefault(name, value)
        return tuple(taken.items())

    return captures


def _group_names(pattern: str) -> tuple[str, ...]:
    """Return the named groups of a pattern; ValueError for a name that no detail can have."""
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


def _possible(values: Iterable[str]) -> Callable[[frozenset[str] | None], Collection[str]]:
    """Return what lists the values that can be in a mail, by its hits, in the admin's order."""
    order = {value: position for position, value in enumerate(dict.fromkeys(values))}
    known = frozenset(order)

    def possible(hits: frozenset[str] | None) -> Collection[str]:
        if hits is None:
            return order
        return sorted(known & hits, key=order.__getitem__) if not known.isdisjoint(hits) else ()

    return possible


# --- whole words ------------------------------------------------------------------------------------------


def word_at(text: str, word: str) -> int:
    """Find `word` in `text` without a letter or digit at either side; -1 when it is nowhere."""
    at, length = text.find(word), len(word)
    for _ in range(_TRIES):
        if at < 0:
            return -1
        end = at + length
        if not ((at and _is_letter(text[at - 1])) or (end < len(text) and _is_letter(text[end]))):
            return at
        at = text.find(word, at + 1)
    # A hostile text, or a syllable as a word: one linear pass for the rest.
    match = _edged(word).search(text)
    return int(match.start(1)) if match else -1


def _is_letter(char: str) -> bool:
    return char.isalnum() if char.isascii() else _is_rare_letter(char)


@lru_cache(maxsize=4096)
def _is_rare_letter(char: str) -> bool:
    return _LETTER.fullmatch(char) is not None  # by RE2's Unicode version, which differs from Python's


@lru_cache(maxsize=64)
def _edged(word: str) -> Any:
    return re2.compile(rf"(?:^|[^\pL\pN])({re2.escape(word)})(?:[^\pL\pN]|$)")


# --- values in YAML ---------------------------------------------------------------------------------------

WORDS: Mapping[Kind, Mapping[str, str]] = {
    Kind.LANGUAGE: {"id": "id", "en": "en", "unsure": ""},
    Kind.AUTHENTICATION: {each: each for each in ("pass", "fail", "none")},
    Kind.AUTHOR: {each: each for each in ("person", "machine", "report")},
}


def exact(written: str, kind: Kind) -> str:
    """Return the folded value that `is` and `under` compare with. ValueError when it does not fit the
    kind.
    """
    word = fold(written)
    if kind is Kind.ADDRESS and "@" not in word:
        raise ValueError(f"{written!r} is not an address; use sender_domain for a domain")
    if kind is Kind.DOMAIN and ("@" in word or word[0] in ".*"):
        raise ValueError(f"{written!r}: write a domain like bank.co.id; `under` includes those below it")
    if kind in WORDS and word not in WORDS[kind]:
        raise ValueError(f"{written!r} is no {kind}; known here: {', '.join(WORDS[kind])}")
    if kind is Kind.CHANNEL and not is_channel(word):
        raise ValueError(f"{written!r} is no name of a channel, such as mail, form or whatsapp")
    return WORDS[kind][word] if kind in WORDS else word


@lru_cache(maxsize=2000)  # those in use; a policy may hold more
def compiled_pattern(written: str) -> Any:
    """Compile an admin's RE2 pattern, in any case. ValueError says what is wrong with it."""
    try:
        return re2.compile(written, OPTIONS)
    except re2.error as error:
        text = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        more = " (RE2 has no look-around)" if "(?" in text else ""
        raise ValueError(f"{written!r} is not an RE2 pattern: {text}{more}") from error


@lru_cache(maxsize=2000)
def _finder(written: str) -> Callable[[str], bool]:
    """Return what looks for an admin's pattern in a text. A set takes a third of the time of `search`."""
    matcher, pattern = search_set(("", written), options(case_sensitive=False)), compiled_pattern(written)

    def found_in(text: str) -> bool:
        hits = (matcher.Match(text) if matcher else None) or ()
        # Without a hit for "" the set ran out of memory.
        return 1 in hits if 0 in hits else pattern.search(text) is not None

    return found_in


def search_set(patterns: Iterable[str], by: Any) -> Any | None:
    """Make a set that tells which of the patterns are in a text; None where RE2 can't."""
    made = re2.Set.SearchSet(by)
    try:
        for each in patterns:
            made.Add(each)
        made.Compile()
    except re2.error:
        return None
    return made


# `max_mem`: bytes that a compiled pattern may take, a huge one is refused.
OPTIONS = options(case_sensitive=False, max_mem=4 << 20)

_NAME = re2.compile(r"[a-z][a-z0-9_]{0,39}")
_LETTER = re2.compile(r"[\pL\pN]")
