"""Content-Transfer-Encoding undone (RFC 2045 section 6), forgivingly and in linear time."""

import binascii
import re

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_UU_NAMES = ("x-uuencode", "uuencode", "x-uue", "uue")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.MULTILINE)
_UU_LINES = 500_000  # of up to 45 bytes
_UU_BROKEN = 100  # lines: what has more is not uuencoded


def undo(data: bytes, encoding: str) -> bytes:
    """The content of a part whose body is `data`. An unknown encoding is taken for none. Never raises."""
    words = encoding.lower().split(None, 1)
    name = words[0].strip("\"';") if words else ""
    if name == "base64":
        return _base64(data)
    if name == "quoted-printable":
        return binascii.a2b_qp(data)
    if name in _UU_NAMES:
        return _uuencoded(data)
    return data


def _base64(data: bytes) -> bytes:
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:  # wrong padding: keep what there is
        digits = _NOT_BASE64.sub(b"", data)
        usable = len(digits) - (len(digits) % 4 == 1)
        return binascii.a2b_base64(digits[:usable] + b"==")


def _uuencoded(data: bytes) -> bytes:
    begin = _UU_BEGIN.search(data, max(0, data.find(b"begin ")))
    if begin is None:
        return data
    out = []
    broken = 0
    for line in data[begin.end() :].split(b"\n", _UU_LINES)[:_UU_LINES]:
        line = line.rstrip(b"\r")
        if line in (b"end", b"`", b"") or broken > _UU_BROKEN:
            break
        needed = (((line[0] - 32) & 63) * 4 + 5) // 3  # what the length byte promises
        if len(line) * 2 < needed:  # it would be filled up with NULs
            broken += 1
            continue
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:  # more than promised, from a broken encoder
            broken += 1
            out.append(_uu_or_nothing(line[:needed]))
    return b"".join(out)


def _uu_or_nothing(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return b""
