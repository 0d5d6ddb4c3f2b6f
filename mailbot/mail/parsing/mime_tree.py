"""Read the MIME tree of a mail (RFC 2046 section 5.1) in one pass over its boundary lines.

Theory of operation. The `email` package needs limits on parts and depth before it sees a mail, and to know
those one has to read the tree. So this reader walks the lines that begin with "--", keeps the open multiparts
on a stack, and stops at a limit. The tests compare it with the `email` package on mails that both can read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from mailbot.mail.parsing import charsets, encoded_words, header_fields, transfer_encoding
from mailbot.mail.parsing.header_fields import BLOCK_LIMIT, VALUE_LIMIT, Fields

PART_LIMIT = 500
DEPTH_LIMIT = 30
FIELD_LIMIT = 20_000  # header fields of all parts
LINE_LIMIT = 100_000  # lines that might be boundaries
_GUESSED_LINES = 20  # of them, in search of a boundary that was not declared
_BOUNDARY_LIMIT = 250  # RFC 2046 allows 70


@dataclass(frozen=True, slots=True)
class Part:
    """A part without parts of its own: bytes `start` to `end` of the mail, still transfer-encoded.

    `alternative` is the number of the outermost multipart/alternative around it, 0 outside of any.
    """

    fields: Fields
    type: str  # lower case, "text/plain"
    parameters: dict[str, str]
    start: int
    end: int
    alternative: int = 0

    def content(self, raw: bytes, limit: int | None = None) -> bytes:
        """Return the decoded content of this part of the mail `raw`, at most `limit` bytes."""
        end = self.end if limit is None else min(self.end, self.start + limit)
        encoding = self.fields.get("content-transfer-encoding")
        return transfer_encoding.decode(raw[self.start : end], encoding)[:limit]

    def text(self, raw: bytes, limit: int) -> str:
        """Return the text of at most `limit` bytes of content, decoded as declared and clean."""
        return charsets.clean(charsets.decode(self.content(raw, limit), self.parameters.get("charset", "")))


@dataclass(frozen=True, slots=True)
class Structure:
    """`types` are the multipart types, outermost first; `complete` is False when a limit was reached."""

    parts: tuple[Part, ...]
    types: tuple[str, ...]
    complete: bool


@dataclass(slots=True)
class _OpenMultipart:
    part: Part
    boundary: bytes
    alternative: int
    empty: bool = True


@dataclass(slots=True)
class _Reader:
    raw: bytes
    end: int
    parts: list[Part] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    stack: list[_OpenMultipart] = field(default_factory=list)
    levels: dict[bytes, int] = field(default_factory=dict)  # boundary -> its index on the stack
    fields: int = 0  # of the parts so far
    current: Part | None = None
    complete: bool = True


def read_mail(raw: bytes) -> tuple[bytes, Fields, Structure]:
    """Return a mail with line ends that can be read, its header fields, and its parts."""
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    header, body = header_fields.read(raw, 0, len(raw))
    return raw, header, read(raw, header, body, len(raw))


def read(raw: bytes, top: Fields, body: int, end: int) -> Structure:
    """Return the parts of the mail whose header fields are `top` and whose body is `raw[body:end]`."""
    reader = _Reader(raw, end)
    _open_part(reader, top, body, "text/plain")
    if reader.stack:
        _follow_boundaries(reader, body)
    _close_to_level(reader, 0, end)
    return Structure(tuple(reader.parts), tuple(reader.types), reader.complete)


def _follow_boundaries(reader: _Reader, body: int) -> None:
    unread = body  # the header block of a part holds no boundary
    for count, (at, after, line) in enumerate(_dashed_lines(reader.raw, body, reader.end)):
        if count == LINE_LIMIT:
            reader.complete = False
            return
        level, closing = _match_boundary(reader, line)
        if level < 0 or at < unread:
            continue
        _close_to_level(reader, level + 1, _before_line_end(reader.raw, at))
        if closing:
            _close_to_level(reader, level, at)
            if not reader.stack:
                return
        elif len(reader.parts) + len(reader.types) >= PART_LIMIT or reader.fields > FIELD_LIMIT:
            reader.complete = False
            return
        else:
            unread = _open_part_after(reader, reader.stack[level], after)


def _before_line_end(raw: bytes, at: int) -> int:
    """Return `at` without the line end before it, which belongs to the boundary (RFC 2046 section 5.1.1)."""
    return at - 2 if raw[at - 2 : at] == b"\r\n" else at - 1


def _open_part_after(reader: _Reader, parent: _OpenMultipart, after: int) -> int:
    """Open the part whose boundary line ended at `after`. Return where its body starts."""
    parent.empty = False
    default = "message/rfc822" if parent.part.type == "multipart/digest" else "text/plain"
    limit = min(reader.end, after + BLOCK_LIMIT)
    for at, _, line in _dashed_lines(reader.raw, after, header_fields.block_end(reader.raw, after, limit)):
        if _match_boundary(reader, line)[0] >= 0:  # the part ends before its header block does
            limit = at
            break
    fields, start = header_fields.read(reader.raw, after, limit)
    reader.fields += len(fields.rows)
    reader.complete = reader.complete and fields.complete and start < after + BLOCK_LIMIT
    _open_part(reader, fields, start, default)
    return start


def _open_part(reader: _Reader, fields: Fields, start: int, default: str) -> None:
    value = fields.get("content-type")
    kind, parameters = encoded_words.parse_content_type(value[:VALUE_LIMIT], default)
    alternative = reader.stack[-1].alternative if reader.stack else 0
    part = Part(fields, kind, parameters, start, start, alternative)
    boundary = parameters.get("boundary", "")[:_BOUNDARY_LIMIT].rstrip().encode("utf-8", "surrogateescape")
    if kind.startswith("multipart/") and not reader.stack:
        boundary = _real_boundary(reader, boundary, start)
    if not kind.startswith("multipart/") or not boundary or boundary in reader.levels:
        reader.current = part
    elif len(reader.stack) == DEPTH_LIMIT:
        reader.types.append(kind)
        reader.complete = False
    else:
        reader.types.append(kind)
        if not alternative and kind == "multipart/alternative":
            alternative = len(reader.types)
        reader.levels[boundary] = len(reader.stack)
        reader.stack.append(_OpenMultipart(part, boundary, alternative))


def _real_boundary(reader: _Reader, declared: bytes, start: int) -> bytes:
    """Return the boundary that the body has: some programs declare another one, or none."""
    if declared and reader.raw.find(b"--" + declared, start, reader.end) >= 0:
        return declared
    limit = min(reader.end, start + BLOCK_LIMIT)
    for _, after, line in islice(_dashed_lines(reader.raw, start, limit), _GUESSED_LINES):
        if reader.raw[after : after + 8].lower() == b"content-":
            return line[2:]
    return declared


def _close_to_level(reader: _Reader, level: int, at: int) -> None:
    """End the current part, and every open multipart from `level` on, at byte `at`."""
    if reader.current is not None:
        _add_part(reader, reader.current, at)
        reader.current = None
    while len(reader.stack) > level:
        closed = reader.stack.pop()
        del reader.levels[closed.boundary]
        if closed.empty:  # no boundary line came: the content is text (as RFC 2045 section 5.2 suggests)
            _add_part(reader, closed.part, at)


def _add_part(reader: _Reader, part: Part, at: int) -> None:
    kind = "text/plain" if part.type.startswith("multipart/") else part.type
    end = max(part.start, at)
    reader.parts.append(Part(part.fields, kind, part.parameters, part.start, end, part.alternative))


def _dashed_lines(raw: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield each line that starts with "--": its start, the start of the next line, its text."""
    at = start if raw.startswith(b"--", start, end) else raw.find(b"\n--", start, end) + 1
    while at > 0:  # a body never starts at 0: the header that makes it a multipart is before it
        newline = raw.find(b"\n", at, end)
        after = newline + 1 if newline >= 0 else end
        yield at, after, raw[at : min(after, at + _BOUNDARY_LIMIT + 8)].rstrip(b" \t\r\n")
        at = raw.find(b"\n--", after - 1, end) + 1


def _match_boundary(reader: _Reader, line: bytes) -> tuple[int, bool]:
    """Return the level of the multipart that the line divides (-1: none), and whether the line closes it."""
    token = line[2:]
    level = reader.levels.get(token, -1)
    if level < 0 and token.endswith(b"--"):
        return reader.levels.get(token[:-2], -1), True
    return level, False
