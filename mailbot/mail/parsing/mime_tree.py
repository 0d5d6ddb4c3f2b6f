"""The MIME tree of a mail (RFC 2046 5.1), read in one pass over its boundary lines, bounded before any work.

Not the `email` package: it needs limits on parts and depth before it sees a mail, and to know those one has
to read the tree. The tests hold the two against each other on mails that both can read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mailbot.mail.parsing import encoded_words
from mailbot.mail.parsing import header_fields as fields
from mailbot.mail.parsing.header_fields import BLOCK_LIMIT, VALUE_LIMIT, Fields

PART_LIMIT = 500
DEPTH_LIMIT = 30
LINE_LIMIT = 100_000  # lines looked at because a boundary might stand on them
_BOUNDARY_LIMIT = 250  # RFC 2046 allows 70


@dataclass(frozen=True, slots=True)
class Part:
    """A part without parts of its own: bytes `start` to `end` of the mail, still transfer-encoded.

    `choice` is the number of the outermost multipart/alternative around it, 0 outside of any.
    """

    fields: Fields
    type: str  # lower case, "text/plain"
    parameters: dict[str, str]
    start: int
    end: int
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Structure:
    """`types` are the multipart types met, outermost first; `complete` is False when a limit was hit."""

    parts: tuple[Part, ...]
    types: tuple[str, ...]
    complete: bool


@dataclass(slots=True)
class _Open:
    """A multipart whose end was not met yet."""

    part: Part
    boundary: bytes
    choice: int
    empty: bool = True


@dataclass(slots=True)
class _Walk:
    raw: bytes
    end: int
    parts: list[Part] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    levels: dict[bytes, int] = field(default_factory=dict)  # boundary -> its place on the stack
    current: Part | None = None
    complete: bool = True


def read(raw: bytes, top: Fields, body: int, end: int) -> Structure:
    """The parts of the mail whose header fields are `top` and whose body is `raw[body:end]`."""
    walk = _Walk(raw, end)
    _begin(walk, top, body, "text/plain")
    if walk.stack:
        _follow_boundaries(walk, body)
    _close_down_to(walk, 0, end)
    return Structure(tuple(walk.parts), tuple(walk.types), walk.complete)


def _follow_boundaries(walk: _Walk, body: int) -> None:
    ahead = body  # what was read as the header block of a part holds no boundary
    for seen, (at, after, line) in enumerate(_dashed_lines(walk.raw, body, walk.end)):
        if seen == LINE_LIMIT:
            walk.complete = False
            return
        level, closing = _whose(walk, line)
        if level < 0 or at < ahead:
            continue
        _close_down_to(walk, level + 1, _before_line_end(walk.raw, at))
        if closing:
            _close_down_to(walk, level, at)
            if not walk.stack:
                return
        elif len(walk.parts) + len(walk.types) >= PART_LIMIT:
            walk.complete = False
            return
        else:
            ahead = _begin_after(walk, walk.stack[level], after)


def _before_line_end(raw: bytes, at: int) -> int:
    """The line end before a boundary belongs to the boundary (RFC 2046 5.1.1)."""
    return at - 2 if raw[at - 2 : at] == b"\r\n" else at - 1


def _begin_after(walk: _Walk, inside: _Open, after: int) -> int:
    """Reads the header block of the part whose boundary line ended at `after`; where its body starts."""
    inside.empty = False
    default = "message/rfc822" if inside.part.type == "multipart/digest" else "text/plain"
    window = min(walk.end, after + BLOCK_LIMIT)
    part_fields, start = fields.read(walk.raw, after, window)
    for at, _, line in _dashed_lines(walk.raw, after, start):
        if _whose(walk, line)[0] >= 0:  # the part ends before its header block does
            part_fields, start = fields.read(walk.raw, after, at)
            break
    walk.complete = walk.complete and part_fields.complete and start < after + BLOCK_LIMIT
    _begin(walk, part_fields, start, default)
    return start


def _begin(walk: _Walk, part_fields: Fields, start: int, default: str) -> None:
    value = part_fields.get("content-type")
    kind, parameters = encoded_words.content_type(value[:VALUE_LIMIT], default)
    choice = walk.stack[-1].choice if walk.stack else 0
    part = Part(part_fields, kind, parameters, start, start, choice)
    boundary = parameters.get("boundary", "")[:_BOUNDARY_LIMIT].rstrip().encode("utf-8", "surrogateescape")
    if not kind.startswith("multipart/") or not boundary or boundary in walk.levels:
        walk.current = part
    elif len(walk.stack) == DEPTH_LIMIT:
        walk.types.append(kind)
        walk.complete = False
    else:
        walk.types.append(kind)
        if not choice and kind == "multipart/alternative":
            choice = len(walk.types)
        walk.levels[boundary] = len(walk.stack)
        walk.stack.append(_Open(part, boundary, choice))


def _close_down_to(walk: _Walk, level: int, at: int) -> None:
    """Ends the part being read, and every open multipart from `level` on, at byte `at`."""
    if walk.current is not None:
        _keep(walk, walk.current, at)
        walk.current = None
    while len(walk.stack) > level:
        ended = walk.stack.pop()
        del walk.levels[ended.boundary]
        if ended.empty:  # no boundary line came: what is there is text (RFC 2045 5.2, in its spirit)
            _keep(walk, ended.part, at)


def _keep(walk: _Walk, part: Part, at: int) -> None:
    kind = "text/plain" if part.type.startswith("multipart/") else part.type
    walk.parts.append(Part(part.fields, kind, part.parameters, part.start, max(part.start, at), part.choice))


def _dashed_lines(raw: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    """Each line that starts with "--": where it starts, where the next one does, and what it says."""
    at = start if raw.startswith(b"--", start, end) else raw.find(b"\n--", start, end) + 1
    while at > 0:  # a body never starts at 0: what makes it a multipart stands before it
        newline = raw.find(b"\n", at, end)
        after = newline + 1 if newline >= 0 else end
        yield at, after, raw[at : min(after, at + _BOUNDARY_LIMIT + 8)].rstrip(b" \t\r\n")
        at = raw.find(b"\n--", after - 1, end) + 1


def _whose(walk: _Walk, line: bytes) -> tuple[int, bool]:
    """The level of the open multipart that the line divides (-1: none), and whether it is its last line."""
    token = line[2:]
    level = walk.levels.get(token, -1)
    if level < 0 and token.endswith(b"--"):
        return walk.levels.get(token[:-2], -1), True
    return level, False
