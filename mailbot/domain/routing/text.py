"""Normalise text for rules and ticket numbers: one spelling for letters that look alike."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any
from unicodedata import normalize

from mailbot.domain.routing.patterns import Pattern

# Invisible characters that mail programs leave inside words: soft hyphens, zero-width and direction marks.
_SPANS = ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F))
_SINGLE = (0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF)
_INVISIBLE = [*_SINGLE, *chain.from_iterable(range(first, last + 1) for first, last in _SPANS)]
# These two ligatures become 18 and 8 letters: a text of them takes seconds. All others become at most 6.
_HUGE = (0xFDFA, 0xFDFB)
_REPLACED = dict.fromkeys(_INVISIBLE) | dict.fromkeys(_HUGE, " ")
# Normalising sorts each run of combining marks by insertion, so 40,000 of them take 5 s (measured, 3.11). A
# letter has at most 30 (UAX 15, stream-safe text). The two half-width kana marks turn into such marks.
_ACCENTS = Pattern(r"[\x{300}-\x{36F}]+")
_LETTERS = (("ł", "l"), ("ø", "o"), ("đ", "d"), ("ı", "i"))
_MARK = r"[\p{M}\x{FF9E}\x{FF9F}]"
_TOO_MANY_MARKS = Pattern(rf"({_MARK}{{30}}){_MARK}+")
# One of these is rare, and looking for it costs a tenth of replacing it.
_RARE = Pattern(rf"[{''.join(map(chr, _REPLACED))}]|{_MARK}{{31}}")
_KEPT_LENGTH = 64 * 1024  # characters of a text whose folded form is kept for the next who asks


def options(**values: Any) -> Any:
    """Return RE2's options: these, and no errors on stderr."""
    import re2

    made = re2.Options()
    for name, value in {"log_errors": False, **values}.items():
        setattr(made, name, value)
    return made


def plain(text: str) -> str:
    """Return NFKC without invisible characters: full-width letters and digits become ASCII. Total, linear."""
    if text.isascii():
        return text
    try:
        has_rare = _RARE.search(text)
    except UnicodeEncodeError:  # lone surrogates have no UTF-8, which RE2 needs
        text = text.encode(errors="replace").decode()
        has_rare = _RARE.search(text)
    if has_rare:
        text = _TOO_MANY_MARKS.sub(r"\1", text.translate(_REPLACED))
    return normalize("NFKC", text)


def fold(text: str) -> str:
    """Return `plain` for comparing: in one case, runs of white space as one space, stripped."""
    return _fold_once(text) if len(text) <= _KEPT_LENGTH else _in_one_case(plain(text))


def fold_accents(text: str) -> str:
    """Return `fold` without the accents of Latin letters: for words of many languages."""
    folded = fold(text)
    if folded.isascii():
        return folded
    # Only these marks: those of Japanese kana make other letters.
    for letter, plain_letter in _LETTERS:  # `str.translate` takes ten times as long
        folded = folded.replace(letter, plain_letter)
    return normalize("NFC", _ACCENTS.sub("", normalize("NFD", folded)))


@lru_cache(maxsize=16)  # the texts of one mail, which rules, incidents and remarks read in turn
def _fold_once(text: str) -> str:
    return _in_one_case(plain(text))


def _in_one_case(text: str) -> str:
    folded = text.casefold()
    if not folded.isascii():
        # Small letters combine with accents that stay separate from capitals.
        folded = normalize("NFKC", folded)
    return " ".join(folded.split())


@dataclass(frozen=True)
class Text:
    """A text that many rules read: normalised once, when the first rule needs it."""

    raw: str

    @cached_property
    def plain(self) -> str:
        return plain(self.raw)

    @cached_property
    def one_line(self) -> str:
        """Return `plain` as patterns read it: white space, also line ends, as single spaces."""
        return " ".join(self.plain.split())

    @cached_property
    def folded(self) -> str:
        return fold(self.raw)
