"""What header values say once decoded: encoded words (RFC 2047) and parameters (RFC 2045 5.1, RFC 2231)."""

import binascii
import re
from urllib.parse import unquote_to_bytes

from mailbot.mail.parsing import charsets, transfer_encoding

# Some encode a "?" as itself, so the text may hold one, but never another "=?": so the scan stays linear.
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?((?:[^=?]|=(?!\?[^=])|\?(?!=))*)\?=")
# An unclosed quote takes all the rest: with no second way to match, the scan stays linear.
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_SEGMENT = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?\Z")
_TYPE = re.compile(r"\s*([a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,80})\s*(?:;|\(|,|\s|\Z)", re.IGNORECASE)
_ESCAPED = re.compile(r'\\(["\\])')


def decoded(value: str) -> str:
    """`value` with its encoded words decoded, as leniently as mail programs do. Not yet `clean`."""
    last = value.rfind("?=")
    if last < 0 or "=?" not in value:
        return value
    out: list[str] = []
    pending: list[tuple[str, bytes]] = []  # adjacent words: one character may be spread over two of them
    at = 0
    for match in _WORD.finditer(value, 0, last + 2):
        between = value[at : match.start()]
        if between.strip() or not pending:
            out += (_join(pending), between)
            pending = []
        pending.append((match[1].lower(), _word(match[2], match[3])))
        at = match.end()
    out += (_join(pending), value[at:])
    return "".join(out)


def _word(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        return transfer_encoding.undo(data, "base64")
    return binascii.a2b_qp(data, header=True)


def _join(words: list[tuple[str, bytes]]) -> str:
    text = ""
    while words:
        label = words[0][0]
        same = next((i for i, word in enumerate(words) if word[0] != label), len(words))
        text += charsets.decode(b"".join(data for _, data in words[:same]), label)
        words = words[same:]
    return text


def content_type(value: str, default: str = "text/plain") -> tuple[str, dict[str, str]]:
    """A Content-Type as ("multipart/mixed", {"boundary": ...}); a senseless one reads as `default`."""
    found = _TYPE.match(value)
    if found is None:
        return default, parameters(value) if ";" in value else {}
    return found[1].lower(), parameters(value) if ";" in value else {}


def parameters(value: str) -> dict[str, str]:
    """The parameters behind the first ";", names in lower case, continuations joined, charsets decoded."""
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for match in _PARAMETER.finditer(value):
        name = match[1].lower()
        text = match[3].strip() if match[2] is None else _ESCAPED.sub(r"\1", match[2])
        segment = _SEGMENT.match(name) if "*" in name else None
        if segment is None:
            plain.setdefault(name, text)
        else:
            pieces.setdefault(segment[1], {}).setdefault(int(segment[2] or 0), (bool(segment[3]), text))
    for name, parts in pieces.items():  # RFC 2231 beats the plain form, which stands for old readers
        plain[name] = _continued(parts) or plain.get(name, "")
    return plain


def _continued(parts: dict[int, tuple[bool, str]]) -> str:
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
