"""Read the words of a text as the index keeps them: stems in their order, and numbers in one spelling.

Theory of operation. A text becomes words of letters and digits, in one case, without accents, as stems. Separators
are not kept: an address or an order number is found as its parts one after the other. Numbers that people write in
many ways get one more word at the end, in one spelling: "Rp 1.250.000" and "1,25 juta" are also 1250000,
"+62 812-3456-7890" is also 81234567890. A search reads what it looks for in the same way.
"""

import re
from collections.abc import Iterator
from itertools import islice

from mailbot.domain.routing.text import fold_accents
from mailbot.domain.search.stem import stems

MOST_NUMBERS = 100  # of one text

_WORD = re.compile(r"[^\W_]+")
# Each of these letters is a word: there are no spaces between them.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_DIGIT = re.compile("[0-9]")
# It begins with a digit: what precedes is looked at afterwards, which takes a tenth of the time.
_NUMBER = re.compile(
    r"[0-9]+(?:(?:[.,/]|[ ()\-]{1,3})[0-9]+)*(?: ?(ribu|rb|k|juta|jt|miliar|milyar)(?:an)?\b)?"
)
_SCALES = {"ribu": 3, "rb": 3, "k": 3, "juta": 6, "jt": 6, "miliar": 9, "milyar": 9}
_SCALED = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,3}))?")
_AMOUNT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{4,})(?:[.,][0-9]{1,2})?")
_SEPARATORS = re.compile(r"[^0-9]+")
_SHORTEST, _LONGEST = 4, 24  # digits of a number
_PARTED = range(9, 17)  # digits of one that is written in parts, with spaces: a phone, a card


def words_of(text: str) -> list[str]:
    """Return the words of a text in order, then its numbers. Total and linear."""
    folded = fold_accents(text)
    found = split(folded)
    if _DIGIT.search(folded):
        found += dict.fromkeys(islice(numbers(folded), MOST_NUMBERS))
    return found


def split(folded: str) -> list[str]:
    """Return the stems of a text that `fold_accents` has read."""
    found = _WORD.findall(folded)
    if not folded.isascii() and _UNSPACED.search(folded):
        found = [part for word in found for part in (word if _UNSPACED.search(word) else (word,))]
    return list(map(stems.__getitem__, found))


def numbers(folded: str) -> Iterator[str]:
    """Return the numbers that may be written in other ways, each in one spelling, as digits."""
    return (digits for digits, _ in numbers_at(folded))


def numbers_at(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Return numbers with the span in which each stands."""
    for match in _NUMBER.finditer(text):
        yield from ((digits, match.span()) for digits in _read(text, match))


def _read(text: str, match: re.Match[str]) -> Iterator[str]:
    written, scale = match[0], match[1]
    if scale:
        yield from _scaled(written[: match.start(1) - match.start()].strip(), _SCALES[scale])
        return
    parts = written.split(" ")
    is_stuck = text[max(0, match.start() - 1) : match.start()].isalpha()  # Rp50000
    for part in parts:
        if digits := _number(part, always=is_stuck):
            yield digits
    if len(parts) > 1 and len(digits := _SEPARATORS.sub("", written)) in _PARTED:
        yield phone(digits)


def _scaled(written: str, power: int) -> Iterator[str]:
    match = _SCALED.fullmatch(written)
    if match is None:
        return
    whole, fraction = match[1], match[2] or ""
    if len(fraction) == 3 and power == 3:  # 1.250 ribu: thousands of thousands
        yield whole + fraction + "000"
    else:
        yield (whole + fraction.ljust(power, "0")).lstrip("0")


def _number(part: str, *, always: bool) -> str:
    """Return the digits of an amount, a phone or another number; "" for the word itself, unless `always`."""
    if amount := _AMOUNT.fullmatch(part):
        digits = phone(amount[1].replace(".", "").replace(",", ""))
    else:
        digits = phone(_SEPARATORS.sub("", part))
    return digits if _SHORTEST <= len(digits) <= _LONGEST and (always or digits != part) else ""


def is_amount(folded: str) -> bool:
    """Check for one number that is written as an amount: with thousands, a fraction or a scale."""
    match = _NUMBER.fullmatch(folded)
    return bool(match and (match[1] or (("." in folded or "," in folded) and _AMOUNT.fullmatch(folded))))


def phone(digits: str) -> str:
    """Return an Indonesian number as it is behind 0 or +62; other digits as they are."""
    if len(digits) >= 9:
        for start in ("0062", "62", "0"):
            if digits.startswith(start) and digits.startswith(("8", "2", "3", "7"), len(start)):
                return digits[len(start) :]
    return digits
