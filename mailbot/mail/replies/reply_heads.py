"""Recognise what a mail program puts above a quoted notice of ours, in any language, by what we sent."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from mailbot.mail.replies import quotes
from mailbot.mail.replies.known_text import NOTHING, KnownText, words_of
from mailbot.mail.replies.quotes import ATTRIBUTION_LINES, BLANK, LONGEST_LINE

MARKER = re.compile(
    r"(?:reply|type|write)\s+above\s+this\s+line|(?:balas|tulis)\s+di\s+atas\s+(?:baris|garis)\s+ini"
)
_TOKEN = re.compile(r"\+[tb]\.[\w.-]{1,64}@")  # in a reply address: it is never typed
_FIELD = re.compile(r"[*_|\[ ]*[^\W\d_][^\n\d,:：*_]{0,30}?\s?[*_\]]*\s?[:：](?!//)[*_ ]*(.*)")
_HEAD_LINES = 10  # of a mail head, wrapped ones included
_HEAD_FIELDS = 3
_WRAPPED = 2
_CLOCK = re.compile(r"\d[:.]\d\d|\d ?[時点时]")
_DATE = re.compile(r"\d{4}|\d[/.-]\d\d?[/.-]\d\d")
_EMAIL = re.compile(r"[^\s<>]+@[^\s<>]+")
_ATTRIBUTION_ENDS = (":", "：", "-", "*", "_")
_LIKELY = 2  # right above our notice
_CERTAIN = 3  # signs in a mail head that it is ours; a list of contacts may have two
_SUBJECT_WORDS = 8  # characters: "saldo" alone may stand anywhere


@dataclass(frozen=True, slots=True)
class SentToAgent:
    """What we sent to an agent on one ticket, newest first.

    - `addresses`: our mailboxes and the agent's own, in lower case. `brands`: our names in From.
    - `subjects` and `notices`: each text in each form in which a mail program may quote it.
    - `public`: what the customer wrote or received. A notice repeats it, and an answer may, too.
    """

    addresses: Collection[str] = ()
    brands: Collection[str] = ()
    subjects: tuple[str, ...] = ()
    notices: KnownText = NOTHING
    public: KnownText = NOTHING

    def is_internal(self, line: str) -> bool:
        """Check for a line of a notice that the customer does not know."""
        return self.notices.has(line) and not self.public.has(line)


def is_marked(line: str) -> bool:
    """Check for a quote mark; a line between two bars is the row of a table."""
    return line[:1] == ">" or (line[:1] == "|" and not (len(line) > 1 and line[-1] == "|"))


def is_marker(line: str) -> bool:
    return "##-" in line or MARKER.search(line.lower()) is not None


def has_token(line: str) -> bool:
    return "+" in line and _TOKEN.search(line) is not None


def head_end(lines: Sequence[str], number: int, sent: SentToAgent) -> int | None:
    """Return the line after the head of a quote of ours that begins with this line, else None."""
    line = lines[number].strip(BLANK)
    head = line[:LONGEST_LINE]
    wrapped_marker = "##" in line and is_marker(" ".join(lines[number : number + 2]))
    if is_marker(line) or wrapped_marker:
        return number + 1
    if quotes.RULE.match(line):  # Outlook draws one above its head
        below = next((n for n in range(number + 1, min(number + 4, len(lines))) if lines[n].strip(BLANK)), 0)
        return _mail_head_end(lines, below, sent) or None if below else None
    if end := _mail_head_end(lines, number, sent):
        return end
    if quotes.is_from_line(line) and names_us(line, sent) and (end := quotes.header_block_end(lines, number)):
        return end
    if quotes.SEPARATOR.match(head):
        return _fields(lines, number + 1, spaced=False)[1]
    if has_token(line) or quotes.has_inline_quote(line):
        return number + 1
    if line.endswith(_ATTRIBUTION_ENDS) and _is_attribution(lines, number, sent):
        return number + 1
    return None


def is_head_line(line: str, sent: SentToAgent) -> bool:
    """Check for a line of a mail head that certainly is none of the agent's own words."""
    found = _FIELD.match(line[:LONGEST_LINE].strip(BLANK))
    if found is None:
        return False
    return _is_subject(found[1], sent) or any(
        f"<{address}>" in found[1].lower() for address in sent.addresses
    )


def quote_follows(lines: Sequence[str], number: int, sent: SentToAgent) -> bool:
    """Check whether the next text is marked as a quote, our marker or a line of a notice."""
    return is_marked(next_line(lines, number)) or _notice_follows(lines, number, sent)


def _notice_follows(lines: Sequence[str], number: int, sent: SentToAgent) -> bool:
    line = next_line(lines, number)
    return not is_marked(line) and (is_marker(line) or sent.is_internal(line))


def is_foreign_mail(lines: Sequence[str], number: int) -> bool:
    """Recognise another person's mail: forwarded, or quoted with its head."""
    line = lines[number].strip(BLANK)
    if not line:
        return False
    if quotes.FORWARDED.match(line[:LONGEST_LINE]):
        return True
    return quotes.is_from_line(line) and bool(quotes.header_block_end(lines, number))


def _mail_head_end(lines: Sequence[str], number: int, sent: SentToAgent) -> int:
    """Return the line after a head like "From: ... Sent: ... Subject: ..." of our mail, 0 without one.

    Its words may be in any language. So at least three short names with values have to follow each other,
    with signs that it is ours: our address, the agent's, the date with a time, the notice's subject.
    """
    first = _FIELD.match(lines[number][:LONGEST_LINE].strip(BLANK))
    if first is None:
        return 0
    from_us = names_us(first[1], sent)
    if number and not from_us and _FIELD.match(lines[number - 1].strip(BLANK)):
        return 0  # inside a list
    spaced = from_us and number + 1 < len(lines) and not lines[number + 1].strip(BLANK)
    values, end = _fields(lines, number, spaced=spaced)
    later = any(map(quotes.is_from_line, lines[number + 1 : end])) if not from_us else False
    if later or (spaced and any("<" in value and names_us(value, sent) for value in values[1:])):
        return 0  # a list right above the head
    signs = sum(_sign(value, sent) for value in values)
    enough = _LIKELY if from_us and _notice_follows(lines, end, sent) else _CERTAIN
    return end if signs >= enough and len(values) >= _HEAD_FIELDS else 0


def _fields(lines: Sequence[str], number: int, *, spaced: bool) -> tuple[list[str], int]:
    """Return the values of a mail head and the line after it. `spaced`: a blank line before each field."""
    values: list[str] = []
    end, wrapped = number, 0
    for at in range(number, min(number + 2 * _HEAD_LINES, len(lines))):
        line = lines[at].strip(BLANK)
        found = _FIELD.match(line[:LONGEST_LINE])
        if found and len(values) < _HEAD_LINES and not (spaced and values and lines[at - 1].strip(BLANK)):
            values.append(found[1])
            end, wrapped = at + 1, 0
        elif not line and spaced and at == end:
            continue
        elif line and values and wrapped < _WRAPPED and at == end + wrapped:
            values[-1] += f" {line[:LONGEST_LINE]}"
            wrapped += 1
        else:
            break
    return values, end


def _sign(value: str, sent: SentToAgent) -> int:
    if has_token(value):
        return _CERTAIN
    if _is_subject(value, sent):
        return 2
    if "@" in value:
        return int(_has_address(value, sent))
    return int(_CLOCK.search(value) is not None and _DATE.search(value) is not None)


def _is_subject(value: str, sent: SentToAgent) -> bool:
    words = words_of(value)
    return len(words) >= _SUBJECT_WORDS and any(
        words == known or (len(known) >= _SUBJECT_WORDS and known in words)
        for known in map(words_of, sent.subjects)
    )


def _has_address(text: str, sent: SentToAgent) -> bool:
    lower = text.lower()
    return "@" in lower and any(address in lower for address in sent.addresses)


def names_us(text: str, sent: SentToAgent) -> bool:
    if has_token(text) or _has_address(text, sent):
        return True
    return any(brand in text for brand in sent.brands if brand)


def _is_attribution(lines: Sequence[str], number: int, sent: SentToAgent) -> bool:
    """Recognise "On DATE, WE wrote:" in any language, wrapped or not."""
    quoted = quote_follows(lines, number + 1, sent)
    for joined in _growing(lines[max(0, number + 1 - ATTRIBUTION_LINES) : number + 1]):
        if names_us(joined, sent) and (quoted or _has_date(joined)):
            return True
    return (
        quoted and quotes.attribution_length(lines[max(0, number + 1 - ATTRIBUTION_LINES) : number + 1]) > 0
    )


def _growing(lines: Sequence[str]) -> Iterator[str]:
    """Yield the last line, the last two joined, and so on up to a blank one."""
    joined = ""
    for line in reversed(lines):
        if not line.strip(BLANK) or len(joined) > LONGEST_LINE:
            return
        joined = f"{line.strip(BLANK)} {joined}".rstrip()
        yield joined


def drop_attribution(piece: list[str], line: str, sent: SentToAgent) -> None:
    """Remove the attribution at the end of `piece`. `line`, which is not in it, may be its last line."""
    last = [*piece[1 - ATTRIBUTION_LINES :], line]
    length = quotes.attribution_length(last)
    if not is_marked(line) and (line.endswith(_ATTRIBUTION_ENDS) or has_token(line)):
        length = max(length, _complete_length(last, sent))
    if length == 1 < len(last) and line.startswith("<") and last[-2].strip(BLANK):
        length = 2  # our name is on the line above
    if length:
        del piece[len(piece) - length + 1 :]
    drop_blank(piece)
    if not length and piece and piece[-1].strip(BLANK).endswith(_ATTRIBUTION_ENDS):
        last = piece[-ATTRIBUTION_LINES:]
        introduced = quotes.attribution_length(last) or _complete_length(last, sent)
        del piece[len(piece) - (introduced or int(quotes.introduces(piece[-1].strip(BLANK)))) :]
        drop_blank(piece)


def _complete_length(lines: Sequence[str], sent: SentToAgent) -> int:
    """Return how many of the last lines it takes to name us and a date, 0 when they don't."""
    for length, joined in enumerate(_growing(lines), 1):
        if names_us(joined, sent) and _has_date(joined):
            return length
    return 0


def _has_date(text: str) -> bool:
    return _DATE.search(_EMAIL.sub("", text)) is not None  # our token has digits


def drop_blank(piece: list[str]) -> None:
    while piece and (not piece[-1].strip(BLANK) or quotes.RULE.match(piece[-1].strip(BLANK))):
        piece.pop()


def next_line(lines: Sequence[str], number: int) -> str:
    """Return the next line with text, of three, without blanks around it; "" without one."""
    for line in lines[number : number + 3]:
        if line.strip(BLANK):
            return line.strip(BLANK)
    return ""
