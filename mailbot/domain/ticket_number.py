"""Write and read ticket numbers: `TOKO-48217390-8` is prefix, random digits, Damm check digit.

Writing is strict, reading lenient: case, spaces, missing or other hyphens, full-width digits, brackets.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from mailbot.domain.routing.patterns import Pattern
from mailbot.domain.routing.text import plain

# The quasigroup of order 10 from H. Michael Damm, "Total anti-symmetrische Quasigruppen" (2004), page 111.
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)

NUMBER_LIMIT = 10  # numbers of each sort that are read from one text
MATCH_LIMIT = 200  # matches that are examined for them

# Every dash of Unicode that NFKC leaves, the minus sign, the hyphen bullet, Markdown's underscore.
_HYPHENS = dict.fromkeys(
    map(ord, "_\u058a\u05be\u1806\u2010\u2012\u2013\u2014\u2015\u2043\u2212\u301c\u3030"), "-"
)
_SEPARATORS = Pattern(r"[^\pL\pN]+")
_STRICT = Pattern(r"([A-Z]{2,10})-([0-9]{8,12})-([0-9])")
_COMPACT = Pattern(r"([A-Z]{2,10})([0-9]{8,12})([0-9])")


@dataclass(frozen=True, slots=True)
class FoundNumbers:
    """Numbers in a text, in order, without duplicates, in strict form.

    `mistyped` numbers have one of our prefixes, but a wrong or missing check digit (`TOKO-48217390`), or a
    digit too few or too many. They serve for "did you mean", never for finding a ticket.
    """

    valid: tuple[str, ...] = ()
    mistyped: tuple[str, ...] = ()


def damm(digits: str) -> str:
    """Return the check digit of ASCII digits. It detects each single wrong digit and each swap of
    neighbours.
    """
    check = 0
    for digit in digits:
        check = _DAMM[check][int(digit)]
    return str(check)


def make(prefix: str, digits: str) -> str:
    """Make a number of a prefix (2 to 10 letters A-Z) and 8 to 12 digits. Raises ValueError."""
    number = f"{prefix}-{digits}-{damm(digits) if digits.isascii() and digits.isdigit() else ''}"
    if not _STRICT.fullmatch(number):
        raise ValueError(f"no ticket number can be made of prefix {prefix!r} and digits {digits!r}")
    return number


def bracketed(number: str) -> str:
    """Return the number as a subject has it."""
    return f"[{number}]"


def normalise(text: str) -> str | None:
    """Return the number if the whole text is one, however it is spelled, else None."""
    if len(text) > 100:
        return None
    match = _COMPACT.fullmatch(_SEPARATORS.sub("", _simplify(text)))
    return _verified(*match.groups()) if match else None


def find(text: str, prefixes: Collection[str]) -> FoundNumbers:
    """Find the numbers with one of these prefixes in the text, at most ten of each sort. Linear."""
    if not prefixes:
        return FoundNumbers()
    names = tuple(sorted(prefixes))
    simple = _simplify(text)
    found = _find(simple, names)
    if found.valid or not any(f"{name}-".upper() in simple for name in names):
        return found
    unfolded = _find(_folded_pattern(names).sub(r"\1\2", simple), names)
    return unfolded if unfolded.valid else found


def _find(simple: str, names: tuple[str, ...]) -> FoundNumbers:
    valid: dict[str, None] = {}
    mistyped: dict[str, None] = {}
    for match in islice(_pattern(names).finditer(simple), MATCH_LIMIT):
        readings = _readings(*match.groups())
        good = [number for reading in readings if (number := _verified(*reading))]
        valid.update(dict.fromkeys(good))
        if not good:
            mistyped["-".join(filter(None, readings[0]))] = None
    return FoundNumbers(tuple(valid)[:NUMBER_LIMIT], tuple(mistyped)[:NUMBER_LIMIT])


def may_hold(text: str, prefixes: Collection[str]) -> bool:
    """Check quickly whether a text may hold a number: `find` takes long on a whole mail."""
    return bool(prefixes) and _hint(tuple(sorted(prefixes))).search(text) is not None


def replace_all(text: str, prefixes: Collection[str], replacement: str) -> str:
    """Return the text in capitals, as `find` reads it, with `replacement` for each number, mistyped or not."""
    replaced: str = _pattern(tuple(sorted(prefixes))).sub(replacement, _simplify(text))
    return replaced


def is_one_slip_apart(typed: str, number: str) -> bool:
    """Check for the same prefix and one slip: a wrong, missing or extra digit, or two swapped neighbours."""
    (prefix, left), (other, right) = ((each.partition("-")[0], _digits(each)) for each in (typed, number))
    return prefix == other and left != right and _one_slip(left, right)


def _digits(number: str) -> str:
    return number.partition("-")[2].replace("-", "")


def _one_slip(left: str, right: str) -> bool:
    if abs(len(left) - len(right)) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    if start is None:
        return True  # one has an extra digit at its end
    a, b = left[start:], right[start:]
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (len(a) == len(b) and swapped)


def _readings(prefix: str, digits: str, gap: str | None, check: str | None) -> list[tuple[str, str, str]]:
    """Return the possible readings, likeliest first: in "TOKO482173908 2 hari" the 2 may be a count."""
    whole = (prefix, digits[:-1], digits[-1])
    if gap is None or check is None:
        return [whole] if len(digits) > 8 else [(prefix, digits, "")]
    return [(prefix, digits, check)] if "-" in gap else [(prefix, digits, check), whole]


def _verified(prefix: str, digits: str, check: str) -> str | None:
    right = 8 <= len(digits) <= 12 and damm(digits) == check
    return f"{prefix}-{digits}-{check}" if right else None


def _simplify(text: str) -> str:
    """Return `text` with capitals, ASCII digits and plain hyphens."""
    return plain(text).upper().translate(_HYPHENS)


@lru_cache(maxsize=64)
def _pattern(prefixes: tuple[str, ...]) -> Any:
    names = "|".join(prefix.upper() for prefix in prefixes)
    return Pattern(rf"\b({names})[\s-]{{0,3}}([0-9]{{7,13}})(?:([\s-]{{1,3}})([0-9]))?\b")


@lru_cache(maxsize=64)
def _folded_pattern(prefixes: tuple[str, ...]) -> Any:
    """Return what finds a number that a mail program folded between two of its digits."""
    names = "|".join(prefix.upper() for prefix in prefixes)
    return Pattern(rf"\b((?:{names})-[0-9]{{1,11}})\s([0-9]{{1,11}}-[0-9]\b)")


@lru_cache(maxsize=64)
def _hint(prefixes: tuple[str, ...]) -> Any:
    names = "|".join(prefix for prefix in prefixes)
    return Pattern(rf"(?i)\b(?:{names})[^\pL]{{0,9}}\pN")
