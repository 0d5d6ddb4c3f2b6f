"""What somebody wrote this time, apart from the mail quoted around it, in English and Indonesian.

Two readers with opposite fears. `extract_new_text` folds a customer's mail for display: in doubt a line stays.
`extract_answer` takes what an agent wrote for the customer: in doubt a line goes, for the notice is internal.
"""

import re
from typing import NamedTuple

from mailbot.mail.replies import quotes
from mailbot.mail.replies.quotes import ATTRIBUTION_LINES, BLANK, LONGEST_LINE
from mailbot.mail.replies.signatures import without_signature, without_telephone

MARKERS = {"id": "##- Balas di atas baris ini -##", "en": "##- Please reply above this line -##"}

_MARKER = re.compile(
    r"(?:reply|type|write)\s+above\s+this\s+line|(?:balas|tulis)\s+di\s+atas\s+(?:baris|garis)\s+ini"
)
_DECORATED = frozenset("#-_=*|")  # how a marker or a separator begins
_MAY_OPEN = frozenset("#-_=*|[FfDdVvOoPpBbAa")  # ... and everything else that stands above quotes
_MAY_END = frozenset(":：*_-")
_FORWARDS = frozenset("-_=BbAa")
_FROM = frozenset("FfDdVvPp*_|[")
_ON = frozenset("OoPp")
_MOST_LINES = 20_000  # that are looked at
_KEYED = re.compile(r"\+[tb]\.[\w.-]{1,64}@")  # a reply address of ours with its tag: nobody types that

# How our own mails end (templates/*/*.txt.j2): what a customer wrote below one, quoted without ">", is found.
_OUR_LAST_WORDS = re.compile(
    r"(?:tercantum\s+pada\s+judul\s+\(subjek\)\s+email|leave\s+the\s+number\s+in\s+the\s+subject\s+line)([.,])"
)
_OUR_NAME = re.compile(r"\n(?:Salam hangat|Kind regards),\s*\n[^\n]{1,150}\n[^\n@]{1,80}@[^\n]{1,150}")
_OUR_LENGTH = 2_000  # characters from the one to the other


class _Quote(NamedTuple):
    """A quote begins: `above` lines before it and all from the line that shows it to `body` belong to it."""

    above: int
    body: int


def has_marker(text: str) -> bool:
    """Does the text hold one of our marker lines, so that it must be an answer to a mail of ours?"""
    return "##" in text and _MARKER.search(text.lower()) is not None


def extract_new_text(text: str, *, is_reply: bool) -> str:
    """The lines of `text` that its sender wrote this time; `text` itself where that would leave nothing.

    Answers between and below lines quoted with ">" stay. A quote without such marks takes all that follows,
    except what stands below the last words of a mail of ours.
    """
    if not is_reply:
        return text
    pieces = [without_signature(piece) for piece in _unquoted(text.split("\n", _MOST_LINES))]
    said = ("\n".join(piece).strip("\n").rstrip() for piece in map(_trimmed, pieces) if piece)
    return "\n\n".join(said) or text


def _unquoted(lines: list[str]) -> list[list[str]]:
    """The stretches of lines between quotes."""
    pieces: list[list[str]] = []
    kept: list[str] = []
    number, last, found_ours = 0, len(lines), False
    while number < last:
        line = lines[number]
        number += 1
        said = line.strip(BLANK)
        if not said:
            kept.append("")
        elif said[0] == ">":
            if kept:
                _drop_introduction(kept)
                pieces.append(kept)
                kept = []
        elif said[0] in _MAY_OPEN or said[-1] in _MAY_END:
            if said[0] in _FORWARDS and quotes.FORWARDED.match(said[:LONGEST_LINE]):
                kept += lines[number - 1 :]  # what somebody forwards to us is meant to be read
                break
            quote = _opened(lines, number - 1, said, kept)
            if quote is None:
                kept.append(line)
                continue
            del kept[len(kept) - quote.above :]
            _drop_blank(kept)
            pieces.append(kept)
            kept = []
            number = quote.body
            if _next_line(lines, number)[:1] != ">":
                number = last if found_ours else _behind_ours(lines, number)
                found_ours = True  # it is looked for once, lest this be quadratic
        else:
            kept.append(line)
    return [*pieces, kept]


def _opened(lines: list[str], number: int, said: str, kept: list[str]) -> _Quote | None:
    """The quote that this line begins, said so by its mail program without any doubt; else None."""
    first = said[0]
    if first in _DECORATED and len(said) <= LONGEST_LINE:
        if "##" in said and _MARKER.search(said.lower()):
            return _Quote(_introduction_length(kept), number + 1)
        if quotes.SEPARATOR.match(said):
            return _Quote(0, _behind_headers(lines, number + 1))
    if said[-1] in _MAY_END:
        length = quotes.attribution_length([*kept[1 - ATTRIBUTION_LINES :], said])
        if length and _opens(lines, number, said, kept, length):
            return _Quote(length - 1, number + 1)
    if first in _FROM and quotes.is_from_line(said):
        end = quotes.header_block_end(lines, number)
        return _Quote(0, end) if end else None
    if first in _ON and "@" in said and quotes.goes_on(said):
        return _Quote(0, number + 1)
    return None


def _opens(lines: list[str], number: int, said: str, kept: list[str], length: int) -> bool:
    """Does a quote follow this attribution of `length` lines: one with ">", or as surely one without?"""
    follows = _next_line(lines, number + 1)
    if follows[:1] == ">":
        return True
    if "##" in follows and _MARKER.search(follows.lower()):
        return False  # the marker takes it along
    start = len(kept) - length + 1
    attribution = " ".join(line.strip(BLANK) for line in (*kept[start:], said))
    if quotes.is_addressed(attribution):
        return True
    above = kept[start - 1] if start else ""
    below = lines[number + 1].strip(BLANK) if number + 1 < len(lines) else ""
    return not above and not below and quotes.is_printed(attribution)


def _behind_headers(lines: list[str], number: int) -> int:
    """Below a separator stand headers, or an attribution."""
    for at in range(number, min(number + 3, len(lines))):
        if lines[at].strip(BLANK):
            if quotes.is_from_line(lines[at].strip(BLANK)):
                return quotes.header_block_end(lines, at) or number
            for length in range(1, ATTRIBUTION_LINES + 1):
                if quotes.attribution_length(lines[at : at + length]) == length:
                    return at + length
            break
    return number


def _behind_ours(lines: list[str], number: int) -> int:
    """The line below the mail of ours that is quoted from `number` on; the last one's when no end is seen."""
    quoted = "\n".join(lines[number:])
    words = _OUR_LAST_WORDS.search(quoted)
    if words is None:
        return len(lines)
    name = _OUR_NAME.search(quoted, words.end(), words.end() + _OUR_LENGTH)
    if name is None and words[1] == ",":  # the rest of the sentence, and of the mail
        return len(lines)
    return number + quoted.count("\n", 0, (name or words).end()) + 1


def extract_answer(text: str) -> str:
    """What an agent wrote above the notice that was answered; "" when nothing stands there.

    Everything from the first sign of a quote on is left out, whatever follows it: it goes to a customer.
    """
    lines = text.split("\n", _MOST_LINES)[:_MOST_LINES]
    kept: list[str] = []
    for number, line in enumerate(lines):
        if line.lstrip(BLANK)[:1] in (">", "|") or _may_start_quote(lines, number):
            _drop_attribution(kept, line)
            break
        kept.append(line)
    kept = without_telephone(kept)
    answer = "\n".join(kept).strip("\n").rstrip()
    return answer if any(line.strip() not in ("", "--") for line in kept) else ""


def _may_start_quote(lines: list[str], number: int) -> bool:
    line = lines[number].strip(BLANK)
    if not line:
        return False
    if "##-" in line or _MARKER.search(" ".join(lines[number : number + 2]).lower()):
        return True
    head = line[:LONGEST_LINE]
    if quotes.SEPARATOR.match(head) or quotes.FORWARDED.match(head) or quotes.RULE.match(head):
        return True
    if _KEYED.search(line) or quotes.goes_on(line):
        return True
    if line[-1] in _MAY_END and quotes.ends_like_an_attribution(line):
        return True
    return quotes.may_be_header_block(lines, number)


def _drop_attribution(kept: list[str], line: str) -> None:
    """Takes the lines away that introduced an agent's quote: they may hold our reply address with its tag.
    `line` is the last of them if it is one and wasn't kept."""
    length = quotes.attribution_length([*kept[1 - ATTRIBUTION_LINES :], line])
    if length:
        del kept[len(kept) - length + 1 :]
    _drop_blank(kept)
    if not length:
        _drop_introduction(kept)


def _drop_introduction(kept: list[str]) -> None:
    """Takes "On ... wrote:" from the end, however it is wrapped, and the blank lines around it."""
    _drop_blank(kept)
    length = _introduction_length(kept)
    if length:
        del kept[len(kept) - length :]
        _drop_blank(kept)


def _introduction_length(kept: list[str]) -> int:
    """How many lines at the end of `kept` introduce a quote, blank ones below them included."""
    blank = next((n for n, line in enumerate(reversed(kept)) if line.strip(BLANK)), len(kept))
    above = kept[max(0, len(kept) - blank - ATTRIBUTION_LINES) : len(kept) - blank]
    last = above[-1].strip(BLANK) if above else ""
    if last[-1:] not in _MAY_END or not last:
        return 0
    length = quotes.attribution_length(above) or int(quotes.introduces(last))
    return length + blank if length else 0


def _drop_blank(kept: list[str]) -> None:
    while kept and (not kept[-1].strip(BLANK) or quotes.RULE.match(kept[-1].strip(BLANK))):
        kept.pop()


def _trimmed(piece: list[str]) -> list[str]:
    """Without the blank lines above and below; the last space of a line doesn't matter, its first one may."""
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
