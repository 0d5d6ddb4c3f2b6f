"""The place of a text that a search has found, with the words marked."""

import re
from collections.abc import Iterator

from mailbot.domain.routing.text import fold_accents
from mailbot.domain.search.query import Phrase, Query
from mailbot.domain.search.stem import stems
from mailbot.domain.search.words import numbers_at

READ = 8_000  # characters in which a place is looked for
LENGTH, BEFORE = 160, 50  # characters of a snippet; of what stands before the first mark
OPEN, CLOSE = "\u00ab", "\u00bb"

_WORD = re.compile(r"[^\W_]+")


def snippet(text: str, query: Query) -> str:
    """Return the first place where words of the query stand together, else the beginning. On one line."""
    text = text[:READ]
    found = sorted(_places(text, query))
    start = _start(text, found)
    end = min(len(text), start + LENGTH)
    parts: list[str] = []
    at = start
    for first, last in found:
        if first >= at and last <= end:
            parts += (text[at:first], OPEN, text[first:last], CLOSE)
            at = last
    parts.append(text[at:end])
    line = " ".join("".join(parts).split())
    return f"{'…' if start else ''}{line}{'…' if end < len(text) else ''}"


def _start(text: str, found: list[tuple[int, int]]) -> int:
    """Return where the snippet begins: before the place with the most words of the query."""
    if not found:
        return 0
    best, most = found[0][0], 0
    for n, (first, _) in enumerate(found):
        inside = {text[a:b].lower() for a, b in found[n : n + 20] if b <= first + LENGTH - BEFORE}
        if len(inside) > most:
            best, most = first, len(inside)
    if best <= BEFORE:
        return 0
    space = text.find(" ", best - BEFORE, best)
    return space + 1 if space >= 0 else best - BEFORE


def _places(text: str, query: Query) -> Iterator[tuple[int, int]]:
    """Yield the places of words that some phrase of the query has."""
    phrases = [phrase for group in query.groups for phrase in group]
    whole = {word for phrase in phrases for word in phrase.words[: -1 if phrase.begins else None]}
    beginnings = tuple({phrase.words[-1] for phrase in phrases if phrase.begins})
    digits = [phrase for phrase in phrases if _is_number(phrase)]
    lower = text.lower()
    for match in _WORD.finditer(lower if len(lower) == len(text) else text):
        word = match[0] if match[0].isascii() else fold_accents(match[0])
        if stems[word] in whole or (beginnings and word.startswith(beginnings)):
            yield match.span()
    if digits:
        yield from (span for number, span in numbers_at(lower) if any(_fits(number, each) for each in digits))


def _is_number(phrase: Phrase) -> bool:
    return len(phrase.words) == 1 and phrase.words[0].isdigit()


def _fits(number: str, phrase: Phrase) -> bool:
    return number.startswith(phrase.words[0]) if phrase.begins else number == phrase.words[0]
