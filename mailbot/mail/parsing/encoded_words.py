"""Decode header values: encoded words (RFC 2047) and parameters (RFC 2045 section 5.1, RFC 2231).

`email.header` is not used: it decodes with any codec of Python and joins words less leniently.
"""

import binascii
import re
from itertools import groupby
from operator import itemgetter
from urllib.parse import unquote_to_bytes

from mailbot.mail.parsing import charsets, transfer_encoding

# Some senders leave "?" unencoded, so the text may hold it, but never another "=?": the scan stays linear.
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?((?:[^=?]|=(?!\?[^=])|\?(?!=))*)\?=")
# An unclosed quote takes all the rest: with no second way to match, the scan stays linear.
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_RAW_LETTERS = re.compile(r"([^\x00-\x7f]+)")
_SEGMENT = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?\Z")
_TYPE = re.compile(r"\s*([a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,80})\s*(?:;|\(|,|\s|\Z)", re.IGNORECASE)
_SHORT_TYPES = {"multipart": "multipart/mixed", "html": "text/html"}  # of programs that leave a half out
_ESCAPED = re.compile(r'\\(["\\])')


def decode_line(value: str, limit: int) -> str:
    """Decode `value` to one clean line of at most `limit` characters."""
    return charsets.clean_line(decode(value), limit)


def decode(value: str) -> str:
    """Decode the encoded words in `value`, as leniently as mail programs do. The result needs `clean`."""
    last = value.rfind("?=")
    if last < 0 or "=?" not in value:
        return value
    out: list[str] = []
    pending: list[tuple[str, bytes]] = []  # adjacent words: one character may be split over two of them
    at = 0
    for match in _WORD.finditer(value, 0, last + 2):
        between = value[at : match.start()]
        if between.strip() or not pending:
            out += (_join(pending), between)
            pending = []
        pending += _word(*match.groups())
        at = match.end()
    out += (_join(pending), value[at:])
    return "".join(out)


def _word(label: str, encoding: str, text: str) -> list[tuple[str, bytes]]:
    """Return the bytes of an encoded word and their codec. Raw letters in it are no part of its charset."""
    codec = charsets.codec_for(label)
    if encoding in "bB":
        return [(codec, transfer_encoding.decode(text.encode("utf-8", "surrogateescape"), "base64"))]
    return [
        (codec, binascii.a2b_qp(run.encode("ascii"), header=True)) if run.isascii()
        else ("utf_8", run.encode("utf-8", "surrogateescape"))
        for run in _RAW_LETTERS.split(text)
    ]  # fmt: skip


def _join(words: list[tuple[str, bytes]]) -> str:
    runs = groupby(words, key=itemgetter(0))
    return "".join(charsets.decode(b"".join(data for _, data in run), codec) for codec, run in runs)


def parse_content_type(value: str, default: str = "text/plain") -> tuple[str, dict[str, str]]:
    """Parse a Content-Type to ("multipart/mixed", {"boundary": ...}); an invalid type becomes `default`."""
    match = _TYPE.match(value)
    if match is None and "=?" in value:  # some programs encode the whole field
        value = decode(value)
        match = _TYPE.match(value)
    kind = match[1].lower() if match else _SHORT_TYPES.get(value.partition(";")[0].strip().lower(), default)
    return kind, parse_parameters(value) if ";" in value else {}


def parse_parameters(value: str) -> dict[str, str]:
    """Parse the parameters after the first ";": names in lower case, continuations joined and decoded."""
    plain: dict[str, str] = {}
    segments: dict[str, dict[int, tuple[bool, str]]] = {}
    for match in _PARAMETER.finditer(value):
        name = match[1].lower()
        text = match[3].strip() if match[2] is None else _ESCAPED.sub(r"\1", match[2])
        segment = _SEGMENT.match(name) if "*" in name else None
        if segment is None:
            plain.setdefault(name, text)
        else:
            segments.setdefault(segment[1], {}).setdefault(int(segment[2] or 0), (bool(segment[3]), text))
    for name, parts in segments.items():  # RFC 2231 has precedence over the plain form for old programs
        plain[name] = _join_segments(parts) or plain.get(name, "")
    return plain


def _join_segments(parts: dict[int, tuple[bool, str]]) -> str:
    label, data = "utf-8", b""
    for number in range(len(parts)):
        if number not in parts:
            break
        encoded, text = parts[number]
        if number == 0 and encoded and text.count("'") >= 2:
            label, _, text = text.split("'", 2)
        raw = text.encode("utf-8", "surrogateescape")
        data += unquote_to_bytes(raw) if encoded else raw
    return charsets.decode(data, label)
