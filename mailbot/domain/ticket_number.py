"""The ticket number as people write it: `TOKO-48217390-8`, prefix, random digits, Damm check digit.

Written strictly, read forgivingly: case, spaces, missing or other hyphens, full-width digits, brackets.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import re2

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

MOST = 10  # numbers that one text may name; what comes after them is nobody's ticket
MENTIONS = 200  # that are looked at for them

# Every dash of Unicode that NFKC leaves, the minus sign, the hyphen bullet, Markdown's underscore.
_HYPHENS = dict.fromkeys(
    map(ord, "_\u058a\u05be\u1806\u2010\u2012\u2013\u2014\u2015\u2043\u2212\u301c\u3030"), "-"
)
_FILLING = re2.compile(r"[^\pL\pN]+")
_WRITTEN = re2.compile(r"([A-Z]{2,10})-([0-9]{8,12})-([0-9])")
_SQUEEZED = re2.compile(r"([A-Z]{2,10})([0-9]{8,12})([0-9])")


@dataclass(frozen=True, slots=True)
class Found:
    """Numbers named in a text, in order, none twice, as they would be written.

    `mistyped` have one of our prefixes but a wrong check digit, none at all (`TOKO-48217390`), or a digit too
    few or too many: good for asking "did you mean", never for finding a ticket.
    """

    valid: tuple[str, ...] = ()
    mistyped: tuple[str, ...] = ()


def damm(digits: str) -> str:
    """The check digit of a string of ASCII digits: catches every single wrong digit and every swap of two."""
    check = 0
    for digit in digits:
        check = _DAMM[check][int(digit)]
    return str(check)


def make(prefix: str, digits: str) -> str:
    """The number made of a prefix (2 to 10 letters A-Z) and 8 to 12 digits. ValueError for anything else."""
    number = f"{prefix}-{digits}-{damm(digits) if digits.isascii() and digits.isdigit() else ''}"
    if not _WRITTEN.fullmatch(number):
        raise ValueError(f"no ticket number can be made of prefix {prefix!r} and digits {digits!r}")
    return number


def tagged(number: str) -> str:
    """The number as it stands in a subject."""
    return f"[{number}]"


def normalise(text: str) -> str | None:
    """The number that the whole text is, however it is spelled; None when it is none or mistyped."""
    if len(text) > 100:
        return None
    found = _SQUEEZED.fullmatch(_FILLING.sub("", _readable(text)))
    return _verified(*found.groups()) if found else None


def find(text: str, prefixes: Collection[str]) -> Found:
    """The numbers with one of these prefixes anywhere in the text, at most ten of each sort; linear."""
    if not prefixes:
        return Found()
    valid: dict[str, None] = {}
    mistyped: dict[str, None] = {}
    for found in islice(_looking_for(tuple(sorted(prefixes))).finditer(_readable(text)), MENTIONS):
        readings = _readings(*found.groups())
        good = [number for each in readings if (number := _verified(*each))]
        valid.update(dict.fromkeys(good))
        if not good:
            mistyped["-".join(filter(None, readings[0]))] = None
    return Found(tuple(valid)[:MOST], tuple(mistyped)[:MOST])


def is_one_slip_apart(typed: str, number: str) -> bool:
    """One slip apart: a wrong, a missing or an extra digit, or two neighbours swapped. Same prefix."""
    (prefix, left), (other, right) = ((each.partition("-")[0], _digits(each)) for each in (typed, number))
    return prefix == other and left != right and _one_slip(left, right)


def _digits(number: str) -> str:
    return number.partition("-")[2].replace("-", "")


def _one_slip(left: str, right: str) -> bool:
    if abs(len(left) - len(right)) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    if start is None:
        return True  # one has a digit more at its end
    a, b = left[start:], right[start:]
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (len(a) == len(b) and swapped)


def _readings(prefix: str, digits: str, gap: str | None, check: str | None) -> list[tuple[str, str, str]]:
    """What may be meant, likeliest first: "TOKO482173908 2 hari" ends in a check digit or in a count."""
    whole = (prefix, digits[:-1], digits[-1])
    if gap is None or check is None:
        return [whole] if len(digits) > 8 else [(prefix, digits, "")]
    return [(prefix, digits, check)] if "-" in gap else [(prefix, digits, check), whole]


def _verified(prefix: str, digits: str, check: str) -> str | None:
    right = 8 <= len(digits) <= 12 and damm(digits) == check
    return f"{prefix}-{digits}-{check}" if right else None


def _readable(text: str) -> str:
    """Capitals, usual digits, plain hyphens."""
    return plain(text).upper().translate(_HYPHENS)


@lru_cache(maxsize=64)
def _looking_for(prefixes: tuple[str, ...]) -> Any:
    names = "|".join(re2.escape(prefix.upper()) for prefix in prefixes)
    return re2.compile(rf"\b({names})[\s-]{{0,3}}([0-9]{{7,13}})(?:([\s-]{{1,3}})([0-9]))?\b")
