"""Decode Content-Transfer-Encoding (RFC 2045 section 6), leniently and in linear time."""

import binascii
import re

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_FIRST_LINE = 500  # bytes in which it is searched
_SHORTEST_LINE = 16
_UU_NAMES = ("x-uuencode", "uuencode", "x-uue", "uue")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.MULTILINE)
_UU_LINE_LIMIT = 500_000  # lines of up to 45 bytes
_UU_BROKEN_LIMIT = 100  # with more broken lines it is not uuencoded


def decode(data: bytes, encoding: str) -> bytes:
    """Return the content of a part whose body is `data`, unchanged for an unknown encoding. Never raises."""
    words = encoding.lower().split(None, 1)
    name = words[0].strip("\"';") if words else ""
    if name == "base64":
        return _decode_base64(data)
    if name == "quoted-printable":
        return binascii.a2b_qp(data)
    if name in _UU_NAMES:
        return _decode_uu(data)
    return data


def _decode_base64(data: bytes) -> bytes:
    if _is_plain_text(data):
        return data
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:  # wrong padding: decode the complete groups
        digits = _NOT_BASE64.sub(b"", data)
        usable = len(digits) - (len(digits) % 4 == 1)
        return binascii.a2b_base64(digits[:usable] + b"==")


def _is_plain_text(data: bytes) -> bool:
    """Check for a text under a wrong label of base64, by its first line."""
    line = data[:_FIRST_LINE].strip().partition(b"\n")[0].rstrip()
    return len(line) >= _SHORTEST_LINE and len(_NOT_BASE64.findall(line.rstrip(b"="))) * 12 > len(line)


def _decode_uu(data: bytes) -> bytes:
    begin = _UU_BEGIN.search(data, max(0, data.find(b"begin ")))
    if begin is None:
        return data
    out = []
    broken = 0
    for line in data[begin.end() :].split(b"\n", _UU_LINE_LIMIT)[:_UU_LINE_LIMIT]:
        line = line.rstrip(b"\r")
        if line in (b"end", b"`", b"") or broken > _UU_BROKEN_LIMIT:
            break
        declared = (((line[0] - 32) & 63) * 4 + 5) // 3  # characters, by the length byte
        if len(line) * 2 < declared:  # a2b_uu would fill it up with NULs
            broken += 1
            continue
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:  # longer than declared, from a broken encoder
            broken += 1
            out.append(_decode_uu_line(line[:declared]))
    return b"".join(out)


def _decode_uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return b""
