"""Find what a reply quotes of our mails: text below a line that names one of our addresses."""

import re
from collections.abc import Collection, Iterator

_LINES = 2000  # of a mail that are read
_QUOTE = 100  # lines below such a line
_QUOTE_MARKS = " \t>|"
_FIELD = re.compile(r"[^\W\d_][\w -]{0,24}\s?[:：]")  # "From:", "Dari :", "差出人："


def quotes_of_ours(text: str, own_addresses: Collection[str]) -> str:
    """Return the quoted lines of mails that were from or to us, "" when none are.

    A line begins such a quote when it names one of our addresses and is an attribution ("... wrote:") or a
    field of a copied header ("From: ..."). Nothing proves that the quote is genuine.
    """
    lowered = text.lower()
    if not any(address in lowered for address in own_addresses):
        return ""
    lines = text.splitlines()[:_LINES]
    starts = [number for number in range(len(lines)) if _begins_quote(lines, number, own_addresses)]
    return "\n".join(dict.fromkeys(line for start in starts for line in _below(lines, start)))


def _begins_quote(lines: list[str], number: int, own_addresses: Collection[str]) -> bool:
    line = lines[number].lower()
    if not any(address in line for address in own_addresses):
        return False
    clean = line.strip(_QUOTE_MARKS)
    following = lines[number + 1].strip() if number + 1 < len(lines) else ""
    # An attribution may be wrapped behind our address: "TokoDompet <support@...>" / "wrote:".
    ends = clean.endswith((":", "：")) or (len(following) < 40 and following.endswith((":", "：")))
    return ends or _FIELD.match(clean) is not None


def _below(lines: list[str], start: int) -> Iterator[str]:
    for line in lines[start + 1 : start + 1 + _QUOTE]:
        yield line.strip(_QUOTE_MARKS)
