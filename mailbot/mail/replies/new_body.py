"""Separate what the writer of a mail wrote newly from what else stands in it: quotes, forwarded mail, footers.

Theory of operation. Rules that read a whole mail find words that nobody wrote for us: a disclaimer that threatens
with legal action, a quoted warning of fraud. Here only the writer's own words are left. Whoever forwards a mail
with hardly a word, or pastes one, lets that mail speak: then it counts as well, without its head and its footer.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailbot.mail.replies import quotes
from mailbot.mail.replies.footers import banner_end, footer_start
from mailbot.mail.replies.new_text import FORWARD_STARTS, LINE_LIMIT, strip_blank_lines, unquoted
from mailbot.mail.replies.quotes import BLANK, LONGEST_LINE

_FEW = 15  # words above a forwarded mail: "please see what I got"
_HEAD_LINES = 14
_HEAD_LINE = re.compile(r"[>*_| ]*[^\W\d_][\w -]{1,24}[*_]*\s?[:：]")
_MARK = re.compile(r"\s*> ?")


@dataclass(frozen=True, slots=True)
class Separated:
    """`new`: what the writer wrote. `footer`: signatures, contact data and small print."""

    new: str
    footer: str


def separate(text: str, *, is_reply: bool, is_forward: bool) -> Separated:
    """Separate the text of a mail. `is_reply`, `is_forward`: by its header."""
    lines = text.split("\n", LINE_LIMIT)
    banner = banner_end(lines)
    start, body = _forwarded(lines, is_forward=is_forward)
    own = lines[banner:start]
    pieces = unquoted(own)
    found = _separated(pieces)
    if not is_reply and len(found.new.split()) < _FEW:
        if start < len(lines):
            rest = _separated(unquoted(_unmarked(lines[body:])))
            found = Separated(_joined([found.new, rest.new]), _joined([found.footer, rest.footer]))
        elif pieces != [own]:  # pasted without a head that tells a forwarded mail from a quote
            found = _separated([own])
    return Separated(text if found.new == text else found.new, found.footer)


def _separated(pieces: list[list[str]]) -> Separated:
    ends = [footer_start(piece) for piece in pieces]
    return Separated(
        _joined(_text(piece[:end]) for piece, end in zip(pieces, ends, strict=True)),
        _joined(_text(_without_rules(piece[end:])) for piece, end in zip(pieces, ends, strict=True)),
    )


def _forwarded(lines: list[str], *, is_forward: bool) -> tuple[int, int]:
    """Return the lines with which a forwarded mail and its text begin, the end where nothing is forwarded."""
    for number, line in enumerate(lines):
        stripped = line.strip(BLANK)[:LONGEST_LINE]
        if stripped[:1] in FORWARD_STARTS and (
            quotes.FORWARDED.match(stripped) or (is_forward and quotes.SEPARATOR.match(stripped))
        ):
            return number, _head_end(lines, number + 1)
        if is_forward and quotes.is_from_line(stripped) and (end := quotes.header_block_end(lines, number)):
            return number, end
    return len(lines), len(lines)


def _head_end(lines: list[str], number: int) -> int:
    """Return the line after the head that follows within two blank lines."""
    start = next((at for at in range(number, min(number + 3, len(lines))) if lines[at].strip(BLANK)), number)
    end = start
    while end < min(start + _HEAD_LINES, len(lines)) and _HEAD_LINE.match(lines[end]):
        end += 1
    return end


def _unmarked(lines: list[str]) -> list[str]:
    """Remove the marks of a mail that is forwarded as a quote."""
    first = next((line for line in lines if line.strip(BLANK)), "")
    return [_MARK.sub("", line, count=1) for line in lines] if _MARK.match(first) else lines


def _without_rules(lines: list[str]) -> list[str]:
    """Remove the "-- " above a signature and lines that are only drawn."""
    return [line for line in lines if not line.strip(BLANK) or line.strip(f"{BLANK}-—_=*#")]


def _text(lines: list[str]) -> str:
    return "\n".join(strip_blank_lines(lines)).rstrip()


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, texts))
