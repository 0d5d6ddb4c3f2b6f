"""Separate the new text of a mail from the mail that it quotes, in English and Indonesian.

Theory of operation. A customer's mail is folded for display: a doubtful line stays, so that nothing gets
lost. The mail is read line by line; `quotes` knows how mail programs introduce a quote. An agent's reply is cut
by other rules, see `answer`.
"""

import re
from typing import NamedTuple

from mailbot.mail.replies import quotes
from mailbot.mail.replies.quotes import ATTRIBUTION_LINES, BLANK, LONGEST_LINE
from mailbot.mail.replies.reply_heads import MARKER
from mailbot.mail.replies.signatures import strip_signature

MARKERS = {"id": "##- Balas di atas baris ini -##", "en": "##- Please reply above this line -##"}

# First and last characters by which most lines are skipped without a pattern.
_SEPARATOR_STARTS = frozenset("#-_=*|")  # also of a marker
_QUOTE_STARTS = frozenset("#-_=*|[FfDdVvOoPpBbAa")
_ATTRIBUTION_ENDS = frozenset(":：*_-")
FORWARD_STARTS = frozenset("-_=BbAa")
_FROM_STARTS = frozenset("FfDdVvPp*_|[")
_ON_STARTS = frozenset("OoPp")
LINE_LIMIT = 20_000

# The end of our own mails (templates/*/*.txt.j2). It shows where a quote without ">" ends, and new text begins.
_OUR_LAST_SENTENCE = re.compile(
    r"(?:tercantum\s+pada\s+judul\s+\(subjek\)\s+email|leave\s+the\s+number\s+in\s+the\s+subject\s+line)([.,])"
)
_OUR_SIGNATURE = re.compile(r"\n(?:Salam hangat|Kind regards),\s*\n[^\n]{1,150}\n[^\n@]{1,80}@[^\n]{1,150}")
_OUR_SIGNATURE_DISTANCE = 2_000  # characters from the sentence to the signature


class _Quote(NamedTuple):
    """The start of a quote: `above` lines before it belong to it, and the lines up to `body`."""

    above: int
    body: int


def has_marker(text: str) -> bool:
    """Check for a marker line of our own mails, which shows that this is a reply."""
    return "##" in text and MARKER.search(text.lower()) is not None


def extract_new_text(text: str, *, is_reply: bool) -> str:
    """Return the lines of `text` that are not quoted, or `text` itself when no line would be left.

    Answers between and below lines quoted with ">" stay. A quote without such marks takes all lines after it,
    except those below the end of our own mail.
    """
    return (without_quotes(text) or text) if is_reply else text


def without_quotes(text: str) -> str:
    """Return the lines of a reply that no pattern takes for a quote, "" when there are none."""
    pieces = [strip_signature(piece) for piece in unquoted(text.split("\n", LINE_LIMIT))]
    texts = ("\n".join(piece).strip("\n").rstrip() for piece in map(strip_blank_lines, pieces) if piece)
    return "\n\n".join(texts)


def unquoted(lines: list[str]) -> list[list[str]]:
    """Return the runs of lines between quotes."""
    pieces: list[list[str]] = []
    kept: list[str] = []
    number, last, searched_end = 0, len(lines), False
    while number < last:
        line = lines[number]
        number += 1
        stripped = line.strip(BLANK)
        if not stripped:
            kept.append("")
        elif stripped[0] == ">":
            if kept:
                _drop_introduction(kept)
                pieces.append(kept)
                kept = []
        elif stripped[0] in _QUOTE_STARTS or stripped[-1] in _ATTRIBUTION_ENDS:
            if stripped[0] in FORWARD_STARTS and quotes.FORWARDED.match(stripped[:LONGEST_LINE]):
                kept += lines[number - 1 :]  # a forwarded mail is the content
                break
            quote = _quote_start(lines, number - 1, stripped, kept)
            if quote is None:
                kept.append(line)
                continue
            del kept[len(kept) - quote.above :]
            _drop_blank(kept)
            pieces.append(kept)
            kept = []
            number = quote.body
            if _next_line(lines, number)[:1] != ">":
                number = last if searched_end else _after_our_mail(lines, number)
                searched_end = True  # only once, or this would be quadratic
        else:
            kept.append(line)
    return [*pieces, kept]


def _quote_start(lines: list[str], number: int, stripped: str, kept: list[str]) -> _Quote | None:
    """Return the quote that certainly begins with this line, else None."""
    first = stripped[0]
    if first in _SEPARATOR_STARTS and len(stripped) <= LONGEST_LINE:
        if "##" in stripped and MARKER.search(stripped.lower()):
            return _Quote(_introduction_length(kept), number + 1)
        if quotes.SEPARATOR.match(stripped):
            return _Quote(0, _after_headers(lines, number + 1))
    if stripped[-1] in _ATTRIBUTION_ENDS:
        length = quotes.attribution_length([*kept[1 - ATTRIBUTION_LINES :], stripped])
        if length and _quote_follows(lines, number, stripped, kept, length):
            return _Quote(length - 1, number + 1)
    if first in _FROM_STARTS and quotes.is_from_line(stripped):
        end = quotes.header_block_end(lines, number)
        return _Quote(0, end) if end else None
    if first in _ON_STARTS and "@" in stripped and quotes.has_inline_quote(stripped):
        return _Quote(0, number + 1)
    return None


def _quote_follows(lines: list[str], number: int, stripped: str, kept: list[str], length: int) -> bool:
    """Check whether a quote follows this attribution of `length` lines, with ">" or certainly without."""
    follows = _next_line(lines, number + 1)
    if follows[:1] == ">":
        return True
    if "##" in follows and MARKER.search(follows.lower()):
        return False  # the quote begins at the marker
    start = len(kept) - length + 1
    attribution = " ".join(line.strip(BLANK) for line in (*kept[start:], stripped))
    if quotes.has_address(attribution):
        return True
    above = kept[start - 1] if start else ""
    below = lines[number + 1].strip(BLANK) if number + 1 < len(lines) else ""
    return not above and not below and quotes.has_formatted_date(attribution)


def _after_headers(lines: list[str], number: int) -> int:
    """Return the line after the headers or the attribution below a separator."""
    for at in range(number, min(number + 3, len(lines))):
        if lines[at].strip(BLANK):
            if quotes.is_from_line(lines[at].strip(BLANK)):
                return quotes.header_block_end(lines, at) or number
            for length in range(1, ATTRIBUTION_LINES + 1):
                if quotes.attribution_length(lines[at : at + length]) == length:
                    return at + length
            break
    return number


def _after_our_mail(lines: list[str], number: int) -> int:
    """Return the line after our own mail, which is quoted from `number` on, else the end of `lines`."""
    quoted = "\n".join(lines[number:])
    sentence = _OUR_LAST_SENTENCE.search(quoted)
    if sentence is None:
        return len(lines)
    signature = _OUR_SIGNATURE.search(quoted, sentence.end(), sentence.end() + _OUR_SIGNATURE_DISTANCE)
    if signature is None and sentence[1] == ",":  # the sentence goes on, and the mail with it
        return len(lines)
    return number + quoted.count("\n", 0, (signature or sentence).end()) + 1


def _drop_introduction(kept: list[str]) -> None:
    """Remove "On ... wrote:" from the end, however it is wrapped, and the blank lines around it."""
    _drop_blank(kept)
    length = _introduction_length(kept)
    if length:
        del kept[len(kept) - length :]
        _drop_blank(kept)


def _introduction_length(kept: list[str]) -> int:
    """Return how many lines at the end of `kept` introduce a quote, with the blank ones below them."""
    blank = next((n for n, line in enumerate(reversed(kept)) if line.strip(BLANK)), len(kept))
    above = kept[max(0, len(kept) - blank - ATTRIBUTION_LINES) : len(kept) - blank]
    last = above[-1].strip(BLANK) if above else ""
    if last[-1:] not in _ATTRIBUTION_ENDS or not last:
        return 0
    length = quotes.attribution_length(above) or int(quotes.introduces(last))
    return length + blank if length else 0


def _drop_blank(kept: list[str]) -> None:
    while kept and (not kept[-1].strip(BLANK) or quotes.RULE.match(kept[-1].strip(BLANK))):
        kept.pop()


def strip_blank_lines(piece: list[str]) -> list[str]:
    end = len(piece)
    while end and not piece[end - 1].strip(BLANK):
        end -= 1
    start = next((n for n in range(end) if piece[n].strip(BLANK)), end)
    return piece[start:end]


def _next_line(lines: list[str], number: int) -> str:
    for line in lines[number : number + 3]:
        if line.strip(BLANK):
            return line.strip(BLANK)
    return ""
