"""Decide which lines of a customer's reply are hidden, by what we sent to that person.

Theory of operation. `new_text` guesses by patterns what a reply quotes. Here each guess needs a proof:

- A quote is ours when its head names us, or when it holds lines that we sent. Of a quote whose text we hold, the
  lines that we sent are hidden. What else stands in it or below it is new.
- A quote of others is the customer's text and stays, except for lines that are on the ticket already.
- What we sent is hidden even where no pattern knows the mail program that quotes it.

No line gets lost: each is in the visible text or among the `folded_lines`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import unescape

from mailbot.domain.replies.folded_lines import HISTORY, hidden_lines, quote_depth
from mailbot.mail.replies import quotes, reply_heads
from mailbot.mail.replies.known_text import NOTHING, KnownText, is_telling
from mailbot.mail.replies.new_text import without_quotes
from mailbot.mail.replies.quotes import ATTRIBUTION_LINES, BLANK
from mailbot.mail.replies.reply_heads import SentToAgent
from mailbot.mail.replies.signatures import strip_device_line, strip_signature

_COMPARED = 1_000  # lines of a mail that are compared; below them the guess holds
_MARKS = ">|"
_RUN = 3  # lines one after the other that we sent are a quote, even without any mark
_MOSTLY = 0.7  # of the lines of a quote are on the ticket: so are its short ones


@dataclass(frozen=True)
class SentToCustomer:
    """`ours`: our addresses, and what we sent on a ticket. `recipients`: to whom, in lower case.

    `on_ticket`: all that its customer wrote or received.
    """

    ours: SentToAgent
    recipients: tuple[str, ...] = ()
    on_ticket: KnownText = NOTHING

    @cached_property
    def heads(self) -> SentToAgent:
        """Return what the head of a quoted mail of ours may name: us, and whom we wrote to."""
        return replace(self.ours, addresses=(*self.ours.addresses, *self.recipients))


@dataclass(frozen=True, slots=True)
class Folded:
    """`unproven`: something is hidden that only its form shows to be a quote."""

    visible: str
    unproven: bool = False


@dataclass(frozen=True, slots=True)
class _Block:
    """A quote from its head on: lines `start` to `end`, the text from `body` on. `ours` None: no head."""

    start: int
    body: int
    end: int
    ours: bool | None


def fold(text: str, sent: SentToCustomer, *, is_reply: bool = True) -> Folded:
    """Return the visible part of a mail. Of one that is no reply, only what we sent is hidden."""
    lines = text.split("\n")
    guess = without_quotes(text) if is_reply else text
    hidden = hidden_lines(lines, guess)
    guessed = list(hidden)
    bare = [_bare(line) for line in lines[:_COMPARED]]
    unproven = False
    for start, end in list(_regions(lines, hidden)):
        for block in _blocks(lines, bare, start, min(end, _COMPARED), sent):
            unproven |= _judge(lines, bare, hidden, block, sent)
    _hide_known(lines, bare, hidden, sent)
    if hidden == guessed:
        return Folded(guess or text, unproven)
    visible = "\n".join(strip_device_line(_visible(lines, hidden).split("\n")))
    return Folded(visible or text, unproven)


def _bare(line: str) -> str:
    """Return a line without quote marks and entities."""
    line = line.strip(BLANK)
    if reply_heads.is_marked(line):
        line = line.lstrip(f"{_MARKS}{BLANK}")
    return unescape(line) if "&" in line and ";" in line else line


def _regions(lines: Sequence[str], hidden: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of hidden lines that follow each other, over blank lines between them."""
    start = end = None
    for number, line in enumerate(lines):
        if hidden[number]:
            start, end = number if start is None else start, number + 1
        elif line.strip(BLANK) and start is not None and end is not None:
            yield start, end
            start = None
    if start is not None and end is not None:
        yield start, end


def _blocks(
    lines: Sequence[str], bare: Sequence[str], start: int, end: int, sent: SentToCustomer
) -> Iterator[_Block]:
    """Split a region at the heads in it. What stands above the first is its introduction, or a signature."""
    first = body = start
    ours: bool | None = None
    number = start
    while number < end:
        head = _head(bare, number, sent)
        if head is None:
            number += 1
            continue
        head_end, head_ours = head
        above = number - first
        if above and not (body == start and _is_introduction(lines[first:number])):
            yield _Block(first, body, number, ours)
            first = number
        number = body = min(head_end, end)
        ours = head_ours
    if first < end:
        yield _Block(first, body, end, ours)


def _is_introduction(above: Sequence[str]) -> bool:
    """Check for lines that belong to the head below them: a rule, or "The seller answered this:"."""
    return not any(map(reply_heads.is_marked, above)) and not _is_signature(above)


def _is_signature(lines: Sequence[str]) -> bool:
    return not any(line.strip(BLANK) for line in strip_signature(list(lines)))


def _head(bare: Sequence[str], number: int, sent: SentToCustomer) -> tuple[int, bool] | None:
    """Return the line after the head that begins here, and whether it names us; None where none begins."""
    line = bare[number]
    if not line:
        return None
    if reply_heads.is_marker(line):
        return number + 1, True
    if quotes.SEPARATOR.match(line[: quotes.LONGEST_LINE]):
        below = next((n for n in range(number + 1, min(number + 3, len(bare))) if bare[n]), None)
        return _named_head(bare, below, sent) if below else None
    return _named_head(bare, number, sent)


def _named_head(bare: Sequence[str], number: int, sent: SentToCustomer) -> tuple[int, bool] | None:
    line = bare[number]
    if quotes.is_from_line(line) and (end := quotes.header_block_end(bare, number)):
        wrapped = bare[number + 1] if number + 1 < end and ":" not in bare[number + 1] else ""
        return end, _is_ours(f"{line} {wrapped}", sent)
    for length in range(1, min(ATTRIBUTION_LINES, len(bare) - number) + 1):
        if quotes.attribution_length(bare[number : number + length]) == length:
            return number + length, _is_ours(" ".join(bare[number : number + length]), sent)
    if quotes.introduces(line) and number + 1 < len(bare):
        return number + 1, _is_ours(line, sent)
    known_end = reply_heads.head_end(bare, number, sent.heads)
    return (known_end, True) if known_end and known_end > number else None


def _is_ours(author: str, sent: SentToCustomer) -> bool:
    """Check for our address or token. Our brand alone counts only where there is no other address."""
    ours = replace(sent.ours, brands=()) if "@" in author else sent.ours
    return reply_heads.names_us(author, ours)


def _judge(
    lines: Sequence[str], bare: Sequence[str], hidden: list[bool], block: _Block, sent: SentToCustomer
) -> bool:
    """Show again what is not proven to be a quote of ours. Return whether something unproven stays hidden."""
    inside = range(block.body, block.end)
    filled = [number for number in inside if bare[number]]
    if block.ours is None and _is_signature(lines[block.start : block.end]):
        return False
    held = any(sent.ours.notices.has(bare[number]) for number in filled)
    if held and block.ours is not False:
        for number in filled:
            hidden[number] = _is_sent(bare[number], sent)
        return False
    deep = [number for number in filled if quote_depth(lines[number]) >= HISTORY]
    if block.ours or (block.ours is None and deep):
        return bool(filled)
    known = [number for number in filled if _is_on_ticket(bare[number], sent)]
    mostly = len(known) >= _MOSTLY * sum(is_telling(bare[number]) for number in filled)
    for number in filled:
        stays = number in deep or number in known
        hidden[number] = stays or (bool(known) and mostly and _is_on_ticket(bare[number], sent, inside=True))
    if not all(hidden[number] for number in filled) or not filled:
        for number in range(block.start, block.body):
            hidden[number] = False
    return any(hidden[number] for number in filled)


def _is_sent(line: str, sent: SentToCustomer) -> bool:
    return (
        sent.ours.notices.has(line, inside=True) or reply_heads.is_marker(line) or reply_heads.has_token(line)
    )


def _is_on_ticket(line: str, sent: SentToCustomer, *, inside: bool = False) -> bool:
    return sent.on_ticket.has(line, inside=inside) or sent.ours.notices.has(line, inside=inside)


def _hide_known(lines: Sequence[str], bare: Sequence[str], hidden: list[bool], sent: SentToCustomer) -> None:
    """Hide what we sent below a head of any language, or several lines of it, where no pattern saw a quote."""
    number = 0
    while number < len(bare):
        if hidden[number] or not bare[number]:
            number += 1
            continue
        body = reply_heads.head_end(bare, number, sent.heads) or number
        run = _sent_run(bare, body, sent, inside=body > number)
        below = number > 0 and hidden[number - 1]  # a program wrapped a line, and lost its mark
        if run and (body > number or below or len(run) >= _RUN):
            for at in (*range(number, body), *run):
                hidden[at] = True
            number = run[-1] + 1
        else:
            number += 1


def _sent_run(bare: Sequence[str], number: int, sent: SentToCustomer, *, inside: bool) -> list[int]:
    """List the filled lines from `number` on that we sent, up to the first that we did not.

    `inside`: they stand below a head of ours, so that the first may be short.
    """
    run: list[int] = []
    for at in range(number, len(bare)):
        if bare[at]:
            if not sent.ours.notices.has(bare[at], inside=inside or bool(run)):
                break
            run.append(at)
    return run if any(is_telling(bare[at]) for at in run) else []


def _visible(lines: Sequence[str], hidden: Sequence[bool]) -> str:
    """Join what stays; one blank line stands where something is hidden."""
    kept: list[str] = []
    gap = False
    for line, is_hidden in zip(lines, hidden, strict=True):
        filled = bool(line.strip(BLANK))
        if is_hidden:
            gap = True
        elif filled or not gap:
            if gap:
                while kept and not kept[-1]:
                    kept.pop()
                kept += [""] if kept else []
                gap = False
            kept.append(line if filled else "")
    return "\n".join(kept).strip("\n").rstrip()
