"""The header fields of a mail or of one of its parts, split and unfolded within limits (RFC 5322 2.2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mailbot.mail.parsing import charsets

BLOCK_LIMIT = 64 * 1024  # bytes of a header block that are looked at
COUNT_LIMIT = 1000  # fields of a block that are looked at
VALUE_LIMIT = 4 * 1024  # characters of a structured field that are parsed

_BLANK = re.compile(rb"\n\r?\n")
_CHARSET = re.compile(rb"charset\s*=\s*\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_REAL_FIELD = re.compile(
    rb"^(?:content-[a-z-]+|from|to|subject|date|mime-version|message-id|received|return-path)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_NAME = re.compile(r"[!-9;-~]+\Z")


@dataclass(frozen=True, slots=True)
class Fields:
    """A header block. `rows` are (name in lower case, unfolded value), top first; `first` has the topmost
    value of each name; `complete` is False when a limit cut some off. Values are text as it stood: encoded
    words are not decoded, nothing is cleaned."""

    rows: tuple[tuple[str, str], ...] = ()
    first: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True

    def get(self, name: str) -> str:
        """The value of the topmost field of that (lower case) name, stripped; "" when there is none."""
        return self.first.get(name, "")

    def get_all(self, name: str) -> list[str]:
        return [value for row, value in self.rows if row == name]


def read(raw: bytes, start: int, end: int) -> tuple[Fields, int]:
    """The fields of the block that begins at `start`, and where the body begins (at most `end`)."""
    start = _after_mbox_line(raw, start, end)
    if raw.startswith((b"\n", b"\r\n"), start, end):
        return Fields(), raw.index(b"\n", start) + 1
    blank = _BLANK.search(raw, start, end)
    stop, body = (blank.start() + 1, blank.end()) if blank else (end, end)
    block = raw[start : min(stop, start + BLOCK_LIMIT)]
    if len(block) < stop - start:
        fields, _ = _split(block[: block.rfind(b"\n") + 1])
        return Fields(fields.rows, fields.first, complete=False), body
    fields, bogus = _split(block)
    if bogus:  # no field and none follows: the blank line is missing, the body begins here
        body = start + _offset_of_bogus(block)
    return fields, body


def _after_mbox_line(raw: bytes, start: int, end: int) -> int:
    if not raw.startswith((b"From ", b">From "), start, end):
        return start
    return (raw.find(b"\n", start, end) + 1) or end


def _split(block: bytes) -> tuple[Fields, bool]:
    """The fields of `block`; True when a line stopped us that is no field and that no field follows."""
    text = _text(block).replace("\r\n", "\n")
    if "\n " in text or "\n\t" in text:
        text = text.replace("\n ", " ").replace("\n\t", "\t")
    rows: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    stray = False
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t").lower()
        if not colon or not _NAME.match(name):
            if not stray and line.strip("\r"):
                stray = True
                if not _REAL_FIELD.search(block, _offset_of_bogus(block)):
                    return Fields(tuple(rows), first), True
            continue
        if len(rows) == COUNT_LIMIT:
            return Fields(tuple(rows), first, complete=False), False
        value = value.strip()
        rows.append((name, value))
        first.setdefault(name, value)
    return Fields(tuple(rows), first), False


def _text(block: bytes) -> str:
    """Raw 8-bit fields are UTF-8 (RFC 6532), else in the charset that the block declares for the body."""
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


def _offset_of_bogus(block: bytes) -> int:
    """Where the first line of `block` begins that is neither a field nor a continuation."""
    at = 0
    for line in block.split(b"\n"):
        name, colon, _ = line.partition(b":")
        folded = line[:1] in (b" ", b"\t") and at > 0
        if line.strip(b"\r") and not folded and not (colon and _NAME.match(_ascii(name))):
            return at
        at += len(line) + 1
    return len(block)


def _ascii(name: bytes) -> str:
    return name.decode("latin-1").rstrip(" \t")
