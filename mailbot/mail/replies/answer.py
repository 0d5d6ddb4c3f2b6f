"""Take an agent's answer out of a reply to an internal notice, by what we sent to that agent.

Theory of operation. We hold the text of the notices, so quoted lines are recognised in any language:

- A quote begins at the marker, at a mail head or an attribution that names us, or at lines of the notice.
- What stands above is the answer. Below a quote marked with ">" every line that we did not send is, too.
- Below a quote without marks only what follows the whole notice counts, and only when nothing stands above.
- Verbs on top are the agent's, also where a notice shows the same line.
- Nothing is guessed: where a line may belong to either side, `doubt` is set and nothing may be sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mailbot.domain import reasons
from mailbot.domain.commands.grammar import is_verb, shown
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.mail.replies import reply_heads
from mailbot.mail.replies.known_text import words_of
from mailbot.mail.replies.quotes import BLANK
from mailbot.mail.replies.reply_heads import SentToAgent
from mailbot.mail.replies.signatures import strip_device_line, strip_disclaimer, strip_signature

_LINE_LIMIT = 20_000
_COMPARED = 2_000  # lines of a mail that are compared with the notices
_RECOGNISED = 0.7  # of the lines of a quote are ours: it is the notice
_QUOTE_LINES = 5
_WORDS_OF_ANSWER = 3
_LETTERS_OF_ANSWER = 8  # where words are not separated
_SHOWN = 80  # characters of a doubtful line


@dataclass(frozen=True, slots=True)
class Extracted:
    """`text`: the answer, "" when there is none. `doubt`: why it may not be sent as it is."""

    text: str
    doubt: Reason = NO_REASON


@dataclass(slots=True)
class _Reading:
    """A mail that is being read. `pieces`: what stands above, between and below its quotes."""

    lines: list[str]
    sent: SentToAgent
    pieces: list[list[str]] = field(default_factory=lambda: [[]])
    quoted: int = 0  # marked lines with some words
    ours: int = 0  # those of them that are known
    wrapped: int = -1  # the last line that belongs to a marked one, though it has no mark
    doubt: Reason = NO_REASON

    def doubts(self, line: str) -> None:
        self.doubt = self.doubt or reasons.of("cut_in_doubt", line=line.strip(BLANK)[:_SHOWN])


def extract_answer(text: str, sent: SentToAgent, *, keep_signature: bool = False) -> Extracted:
    """Return what the agent wrote in a reply to one of the notices in `sent`."""
    reading = _Reading(text.split("\n", _LINE_LIMIT)[:_LINE_LIMIT], sent)
    _read(reading)
    strip = strip_device_line if keep_signature else _strip_end
    pieces = [_joined(strip(piece)) for piece in reading.pieces]
    if any(pieces[1:]) and reading.ours < max(1, reading.quoted * _RECOGNISED):
        reading.doubts(next(filter(None, pieces[1:])).partition("\n")[0])
    answer = "\n\n".join(filter(None, pieces))
    _search_rest(answer, reading)
    return Extracted(answer, reading.doubt)


def _strip_end(lines: list[str]) -> list[str]:
    return strip_disclaimer(strip_signature(strip_disclaimer(lines)))


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n").rstrip() if any(line.strip(f"{BLANK}-") for line in lines) else ""


def _read(reading: _Reading) -> None:
    lines, number = reading.lines, _end_of_verbs(reading.lines)
    reading.pieces[-1].extend(lines[:number])
    while number < len(lines):
        line = lines[number].strip(BLANK)
        piece = reading.pieces[-1]
        if reply_heads.is_marked(line):
            _end_piece(reading, line)
            _count(reading, line)
        elif line and len(reading.pieces) > 1 and number < _COMPARED and _is_wrapped(reading, number):
            reading.wrapped = number
        elif (body := _quote_start(reading, number) if line else None) is not None:
            _end_piece(reading, line)
            if not reply_heads.is_marked(reply_heads.next_line(lines, body)):
                _read_unmarked(reading, body)
                return
            number = body
            continue
        elif reply_heads.is_foreign_mail(lines, number):
            reading.doubt = reading.doubt or reasons.of("forwarded_mail")
            return
        else:
            piece.append(lines[number])
        number += 1


def _end_of_verbs(lines: Sequence[str]) -> int:
    """Return how many lines on top are verbs: agents copy them from our notices, whose text they are too."""
    end = 0
    for number, line in enumerate(lines[:_COMPARED]):
        if is_verb(shown(line)):
            end = number + 1
        elif line.strip(BLANK):
            break
    return end


def _end_piece(reading: _Reading, line: str) -> None:
    """End the piece above a quote. The attribution at its end may hold our reply address."""
    piece = reading.pieces[-1]
    reply_heads.drop_attribution(piece, line, reading.sent)
    if piece or len(reading.pieces) == 1:
        reading.pieces.append([])


def _count(reading: _Reading, line: str) -> None:
    if reading.quoted < _COMPARED and len(line.split()) > _WORDS_OF_ANSWER:
        reading.quoted += 1
        reading.ours += reading.sent.notices.has(line) or reading.sent.public.has(line)


def _is_wrapped(reading: _Reading, number: int) -> bool:
    """Check for the rest of a quoted line that a program wrapped; agents repeat public sentences, too."""
    line, sent = reading.lines[number], reading.sent
    if not sent.notices.has(line):
        return False
    follows = number - 1 == reading.wrapped or reply_heads.is_marked(reading.lines[number - 1].strip(BLANK))
    return follows or sent.is_internal(line)


def _quote_start(reading: _Reading, number: int) -> int | None:
    """Return the line after the head of a quote that begins here, None where no quote does."""
    lines = reading.lines
    body = reply_heads.head_end(lines, number, reading.sent)
    if body is not None or number >= _COMPARED or not reading.sent.is_internal(lines[number]):
        return body
    follows = reply_heads.next_line(lines, number + 1)
    goes_on = reading.sent.notices.has(follows, inside=True) or reply_heads.is_marker(follows)
    return number if follows and goes_on else None


def _read_unmarked(reading: _Reading, start: int) -> None:
    """Read a quote without marks. It has no end of its own, but we know the text of the notice."""
    lines = reading.lines
    filled = [n for n in range(start, min(len(lines), start + _COMPARED)) if lines[n].strip(BLANK)]
    ours = [_is_quoted(reading, lines[n]) for n in filled]
    last = _last_known(reading, filled, ours)
    recognised = sum(ours[: last + 1]) >= max(_QUOTE_LINES, _RECOGNISED * (last + 1))
    strange = [n for n, is_ours in zip(filled[: max(last, 0)], ours, strict=False) if not is_ours]
    after = filled[last + 1 :]
    # Above the notice's first line stand heads that nobody knows, and warnings of mail servers.
    first = ours.index(True) if True in ours else 0
    between = [n for n in strange if n > filled[first] and _is_sentence(lines[n])]
    if recognised and between:
        reading.doubts(lines[between[0]])
    elif any(map(_joined, map(strip_device_line, reading.pieces))):
        return  # what stands above is the answer
    elif after and recognised:
        reading.pieces.append(lines[after[0] :])
        reading.quoted, reading.ours = 1, 1
    elif unknown := [*strange, *after]:
        reading.doubts(lines[unknown[0]])


def _last_known(reading: _Reading, filled: list[int], ours: list[bool]) -> int:
    """Return the position of the notice's last line, else of the last line that is certainly ours."""
    seen = 0
    for at, n in enumerate(filled):
        seen += ours[at]
        if seen >= _QUOTE_LINES and ours[at] and reading.sent.notices.ends_with(reading.lines[n]):
            return at
    certain = [at for at, n in enumerate(filled) if ours[at] and reading.sent.notices.has(reading.lines[n])]
    last = certain[-1] if certain else -1
    while last + 1 < len(filled) and ours[last + 1] and words_of(reading.lines[filled[last + 1]]):
        last += 1
    return last


def _is_quoted(reading: _Reading, line: str) -> bool:
    return reply_heads.is_marked(line.strip(BLANK)) or reading.sent.notices.has(line, inside=True)


def _is_sentence(line: str) -> bool:
    return len(line.split()) >= _WORDS_OF_ANSWER or (not line.isascii() and len(line) > _LETTERS_OF_ANSWER)


def _is_rest(line: str, sent: SentToAgent) -> bool:
    return reply_heads.has_token(line) or reply_heads.is_head_line(line, sent) or sent.is_internal(line)


def _search_rest(answer: str, reading: _Reading) -> None:
    """Doubt an answer that still holds a line of the notice which the customer does not know."""
    lines = answer.split("\n", _COMPARED)[:_COMPARED]
    for line in lines[_end_of_verbs(lines) :]:
        if _is_rest(line, reading.sent):
            reading.doubts(line)
            return
