"""Split and unfold the header fields of a mail or of one of its parts, within limits (RFC 5322 section
2.2).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mailbot.mail.parsing import charsets, encoded_words

BLOCK_LIMIT = 64 * 1024  # bytes of a header block that are read
COUNT_LIMIT = 1000  # fields of a block that are read
VALUE_LIMIT = 4 * 1024  # characters of a structured field that are parsed
VALUES_LIMIT = 20  # fields of one name that a rule can read, from the top

_BLANK = re.compile(rb"\n\r?\n")
_CHARSET = re.compile(rb"charset\s*=\s*\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_KNOWN_FIELD = re.compile(
    rb"^(?:content-[a-z-]+|from|to|subject|date|mime-version|message-id|received|return-path)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_NAME = re.compile(r"[!-9;-~]+\Z")


@dataclass(frozen=True, slots=True)
class Fields:
    """A header block. Values are unfolded but neither decoded nor cleaned.

    - `rows`: (name in lower case, value), from the top.
    - `first`: the topmost value of each name.
    - `complete`: False when a limit cut some fields off.
    """

    rows: tuple[tuple[str, str], ...] = ()
    first: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True

    def get(self, name: str) -> str:
        """Return the stripped value of the topmost field of that (lower case) name, "" without one."""
        return self.first.get(name, "")

    def get_all(self, name: str) -> list[str]:
        return [value for row, value in self.rows if row == name]


class LazyHeaders(Mapping[str, tuple[str, ...]]):
    """Lower-case name -> its values, one clean line each, encoded words decoded.

    Values are decoded only when a rule reads them, so parsing a mail costs nothing more for it.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name not in self._fields.first:
            raise KeyError(name)
        return tuple(
            encoded_words.decode_line(value[:VALUE_LIMIT], VALUE_LIMIT)
            for value in self._fields.get_all(name)[:VALUES_LIMIT]
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields.first)

    def __len__(self) -> int:
        return len(self._fields.first)


def read(raw: bytes, start: int, end: int) -> tuple[Fields, int]:
    """Return the fields of the block that begins at `start`, and where the body begins (at most `end`)."""
    start = _after_mbox_line(raw, start, end)
    if raw.startswith((b"\n", b"\r\n"), start, end):
        return Fields(), raw.index(b"\n", start) + 1
    blank = _BLANK.search(raw, start, end)
    stop, body = (blank.start() + 1, blank.end()) if blank else (end, end)
    block = raw[start : min(stop, start + BLOCK_LIMIT)]
    if len(block) < stop - start:
        fields, _ = _split(block[: block.rfind(b"\n") + 1])
        return Fields(fields.rows, fields.first, complete=False), body
    fields, blank_is_missing = _split(block)
    if blank_is_missing:
        body = start + _first_text_line(block)
    return fields, body


def block_end(raw: bytes, start: int, end: int) -> int:
    """Return where the header block that begins at `start` ends: at its blank line, at most at `end`."""
    if raw.startswith((b"\n", b"\r\n"), start, end):
        return start
    blank = _BLANK.search(raw, start, end)
    return blank.start() if blank else end


def _after_mbox_line(raw: bytes, start: int, end: int) -> int:
    if not raw.startswith((b"From ", b">From "), start, end):
        return start
    return (raw.find(b"\n", start, end) + 1) or end


def _split(block: bytes) -> tuple[Fields, bool]:
    """Return the fields of `block`, and True when it stopped at a line of text that no field follows."""
    text = _decode(block).replace("\r\n", "\n")
    if "\n " in text or "\n\t" in text:
        text = text.replace("\n ", " ").replace("\n\t", "\t")
    rows: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    met_text = False
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t").lower()
        if not colon or not _NAME.match(name):
            if not met_text and line.strip("\r"):
                met_text = True
                if not _KNOWN_FIELD.search(block, _first_text_line(block)):
                    return Fields(tuple(rows), first), True
            continue
        if len(rows) == COUNT_LIMIT:
            return Fields(tuple(rows), first, complete=False), False
        value = value.strip()
        rows.append((name, value))
        first.setdefault(name, value)
    return Fields(tuple(rows), first), False


def _decode(block: bytes) -> str:
    """Decode raw 8-bit fields as UTF-8 (RFC 6532), else in the charset that the block declares for the
    body.
    """
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError:
        declared = _CHARSET.search(block)
        label = declared[1].decode("ascii") if declared else "windows-1252"
        return "\n".join(
            charsets.decode(line) if _is_utf8(line) else charsets.decode(line, label)
            for line in block.split(b"\n")
        )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _first_text_line(block: bytes) -> int:
    """Return where the first line begins that is neither a field nor a continuation."""
    at = 0
    for line in block.split(b"\n"):
        name, colon, _ = line.partition(b":")
        folded = line[:1] in (b" ", b"\t") and at > 0
        is_field = colon and _NAME.match(name.decode("latin-1").rstrip(" \t"))
        if line.strip(b"\r") and not folded and not is_field:
            return at
        at += len(line) + 1
    return len(block)
