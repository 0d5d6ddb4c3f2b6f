"""Take the content out of a Cryptographic Message Syntax object (RFC 5652), as S/MIME sends it.

No signature is verified: SPF, DKIM and DMARC decide what a mail proves about its sender. DER and BER are read.
The number of elements is bounded, so that lengths which lie cost nothing.
"""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

ELEMENT_LIMIT = 50_000
DEPTH_LIMIT = 20

_SEQUENCE, _OCTETS, _OCTETS_IN_PARTS, _OID, _EXPLICIT = 0x30, 0x04, 0x24, 0x06, 0xA0
_PKCS7 = bytes.fromhex("2a864886f70d0107")  # 1.2.840.113549.1.7, the types of content below it:
_SIGNED, _ENVELOPED, _ENCRYPTED = b"\2", b"\3", b"\6"
_AUTHENTICATED_ENVELOPED = bytes.fromhex("2a864886f70d0109100117")  # 1.2.840.113549.1.9.16.1.23


class Kind(Enum):
    SIGNED = "signed"
    ENCRYPTED = "encrypted"
    OTHER = "other"


class _Element(NamedTuple):
    tag: int
    start: int
    end: int
    next: int


def begins(data: bytes) -> bool:
    """Check whether `data` looks like such an object, whatever its sender calls it."""
    return data[:1] == b"0" and _PKCS7 in data[:40]


def read(data: bytes) -> tuple[Kind, bytes | None]:
    """Return the kind of the object, and the content of signed data, None without one. Never raises."""
    try:
        return _Reader(data).read()
    except (IndexError, ValueError, StopIteration):
        return Kind.OTHER, None


class _Reader:
    """`count` are the elements read so far: some are read again to find the end of one around them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.count = 0

    def read(self) -> tuple[Kind, bytes | None]:
        fields = self._children(self._element(0, len(self.data)), _SEQUENCE)
        kind = self._content(next(fields), _OID)
        if kind in (_PKCS7 + _ENVELOPED, _PKCS7 + _ENCRYPTED, _AUTHENTICATED_ENVELOPED):
            return Kind.ENCRYPTED, None
        if kind != _PKCS7 + _SIGNED:
            return Kind.OTHER, None
        signed = next(self._children(next(fields), _EXPLICIT))
        inside = next(field for field in self._children(signed, _SEQUENCE) if field.tag == _SEQUENCE)
        explicit = [field for field in self._children(inside, _SEQUENCE) if field.tag == _EXPLICIT]
        if not explicit:
            return Kind.SIGNED, None  # a signature of a content that is elsewhere
        return Kind.SIGNED, b"".join(self._octets(next(self._children(explicit[0], _EXPLICIT))))

    def _element(self, at: int, limit: int, depth: int = 0) -> _Element:
        """Read the element that begins at `at`. One that is cut ends at `limit`."""
        self.count += 1
        if self.count > ELEMENT_LIMIT or depth > DEPTH_LIMIT:
            raise ValueError("too complex")
        tag, length, start = self.data[at], self.data[at + 1], at + 2
        if length == 0x80:
            end = self._end_of_contents(start, limit, depth)
            return _Element(tag, start, end, end + 2)
        if length > 0x80:
            size = length & 0x7F
            length = int.from_bytes(self.data[start : start + size], "big")
            start += size
        end = min(start + length, limit)
        return _Element(tag, start, end, end)

    def _end_of_contents(self, at: int, limit: int, depth: int) -> int:
        while at < limit and self.data[at : at + 2] != b"\0\0":
            at = self._element(at, limit, depth + 1).next
        return at

    def _children(self, element: _Element, tag: int) -> Iterator[_Element]:
        if element.tag != tag:
            raise ValueError("another structure")
        at = element.start
        while at < element.end:
            child = self._element(at, element.end)
            yield child
            at = child.next

    def _content(self, element: _Element, tag: int) -> bytes:
        if element.tag != tag:
            raise ValueError("another structure")
        return self.data[element.start : element.end]

    def _octets(self, element: _Element, depth: int = 0) -> Iterator[bytes]:
        if element.tag == _OCTETS_IN_PARTS and depth < DEPTH_LIMIT:
            for part in self._children(element, _OCTETS_IN_PARTS):
                yield from self._octets(part, depth + 1)
        else:
            yield self._content(element, _OCTETS)
