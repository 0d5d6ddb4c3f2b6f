"""The forms in which DKIM hashes a mail (RFC 6376 section 3.4), in time that grows with its length alone.

Not dkimpy's: its relaxed body took 3.5 s for 40 KB of spaces and four times that for twice as many.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailbot.mail.parsing.header_fields import BLOCK_LIMIT, COUNT_LIMIT

_PIECE = 1 << 20  # bytes at once: between two pieces other threads have their turn

_SPACES = re.compile(rb" {2,}")
_NAME = re.compile(rb"[!-9;-~]+\Z")
_TABS = bytes.maketrans(b"\t", b" ")
_SIGNATURE = re.compile(rb"(^|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail cut up for hashing: `fields` are (name in lower case, the field as it stood without its end)."""

    fields: Sequence[tuple[bytes, bytes]]
    body: bytes

    def count(self, name: bytes) -> int:
        return sum(each == name for each, _ in self.fields)


def letter(raw: bytes) -> Letter | None:
    """`raw` with CRLF everywhere, cut up. None when its header can be read in more than one way, or is so
    long that `mail.parse` does not read it whole: then nothing that is signed in it is worth anything."""
    if raw.count(b"\n") != raw.count(b"\r\n"):
        raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head, blank, body = raw.partition(b"\r\n\r\n")
    head = head if blank else head.removesuffix(b"\r\n")
    if not head or len(head) > BLOCK_LIMIT or head[:1] in b" \t\r":
        return None
    fields: list[tuple[bytes, bytes]] = []
    for field in re.split(rb"\r\n(?![ \t])", head):
        name, colon, _ = field.partition(b":")
        name = name.rstrip(b" \t").lower()
        if not colon or not _NAME.match(name) or len(fields) == COUNT_LIMIT:
            return None
        fields.append((name, field))
    return Letter(tuple(fields), body)


def tags(text: str) -> Mapping[str, str] | None:
    """A tag list (section 3.2), white space around its parts removed; None when it is none."""
    found: dict[str, str] = {}
    for part in filter(str.strip, text.split(";")):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not _TAG.match(name) or name in found:
            return None
        found[name] = value.strip()
    return found


def header(source: Letter, names: Sequence[bytes], signature: bytes, *, relaxed: bool) -> bytes:
    """What a signature over these fields signs: each name takes the lowest field not taken yet (5.4.2), and
    at the end stands the signature's own field without its b= (3.5)."""
    waiting: dict[bytes, list[bytes]] = {}
    for name, field in source.fields:
        waiting.setdefault(name, []).append(field)
    taken = [waiting[name].pop() for name in names if waiting.get(name)]
    label, _, value = signature.partition(b":")
    own = label + b":" + _SIGNATURE.sub(rb"\1\2", value, count=1)
    form = _relaxed_field if relaxed else bytes
    return b"".join(form(field) + b"\r\n" for field in taken) + form(own)


def body(data: bytes, *, relaxed: bool) -> bytes:
    if relaxed:
        pieces = [_squeezed(data[at : at + _PIECE]) for at in range(0, len(data), _PIECE)]
        data = _squeezed(b"".join(pieces)).removesuffix(b" ")
    data = _without_empty_lines(data)
    if data in (b"", b"\r\n"):
        return b"" if relaxed else b"\r\n"
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def _squeezed(data: bytes) -> bytes:
    """White space as one space, none before a line end."""
    data = data.translate(_TABS)
    while b"  " in data:  # halves each run of spaces: never more than twice the work
        data = data.replace(b"  ", b" ")
    return data.replace(b" \r\n", b"\r\n")


def _without_empty_lines(data: bytes) -> bytes:
    """`data` with one CRLF at its end at most."""
    end = len(data)
    for count in (4096, 64, 1):
        lines = b"\r\n" * count
        while data.endswith(lines + b"\r\n", 0, end):
            end -= len(lines)
    return data[:end]


def _relaxed_field(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    value = _SPACES.sub(b" ", value.replace(b"\r\n", b"").translate(_TABS))
    return name.rstrip(b" \t").lower() + b":" + value.strip(b" ")
