"""A mail as bytes: header lines, bodies, and the second look that compares it with what was meant.

Written by hand: an EmailMessage takes fifty times as long, and its serialiser is where headers were injected.
"""

import binascii
import re
from base64 import b64encode, encodebytes
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from mailbot.domain.model import Attachment
from mailbot.mail.compose.template_values import header_text

Headers = Sequence[tuple[str, str]]

_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
# Each letter fits in one place only, so that re (a twentieth of re2's cost a call) never goes back.
_ADDRESS = re.compile(f"{_ATOM}(?:[.]{_ATOM})*@{_LABEL}(?:[.]{_LABEL})*")
_HEADER = re.compile(rb"([ -~]{1,998}(?:\r\n[ -~]{1,998})*)\r\n\r\n")
_ID = re.compile("<[!-;=?-~]{1,250}>")
_TYPE = re.compile("[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}")
_MULTIPART = ("MIME-Version", "Content-Type")
_PLAIN = (*_MULTIPART, "Content-Transfer-Encoding")


class ComposeRefused(ValueError):
    """This mail would not be what was meant (or can't be addressed): it is not sent. The text says why."""


def bare_address(text: str) -> str:
    """The address itself when it is a plain ASCII `local@domain` of RFC 5321's lengths, else ComposeRefused.

    Quoted local parts, address literals and non-ASCII (SMTPUTF8, RFC 6531) are refused: to write them wrongly
    would be to write to somebody else.
    """
    local = text.rpartition("@")[0]
    if len(text) > 254 or len(local) > 64 or not _ADDRESS.fullmatch(text) or "=?" in text:
        raise ComposeRefused(f"can't write to {header_text(text)!r}: not a plain ASCII address")
    return text


def message_id_or_nothing(text: str) -> str:
    """A Message-ID as somebody else wrote it, "" unless it is fit to stand in a header of ours."""
    return text if _ID.fullmatch(text) and "=?" not in text else ""


@lru_cache(maxsize=64)  # there are as many as mailboxes
def mailbox_text(name: str, address: str) -> str:
    """`"Name" <address>`; the name loses all that could make it look like another address."""
    shown = " ".join(header_text(name).translate(dict.fromkeys(map(ord, '"\\<>@,;:()[]'), " ")).split())
    if not shown:
        return address
    return f'"{shown}" <{address}>' if shown.isascii() else f"{_encoded(shown)} <{address}>"


def unstructured(fixed: str, text: str) -> str:
    """A subject: `fixed` (ASCII, ours) and then anybody's text, cleaned, folded below 78 characters."""
    clean = header_text(text)
    if not clean.isascii():
        return f"{fixed}\r\n {_encoded(clean)}" if fixed else _encoded(clean)
    if len(fixed) + len(clean) < 66:
        return f"{fixed} {clean}".strip()
    lines = [""]
    for word in [fixed, *clean.split()]:
        if len(lines[-1]) + len(word) > 66 and lines[-1]:  # the first line holds the name of the header too
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def mail(
    headers: Headers, text: str, html: str, boundary: str, attachments: Sequence[Attachment] = ()
) -> bytes:
    """The whole mail: multipart/alternative, or text alone when `html` is "", with `attachments` after it."""
    said = _part("plain", text)
    if html:
        inner = f"{boundary}.a" if attachments else boundary
        said = _multipart("alternative", inner, [said, _part("html", html)])
    if attachments:
        said = _multipart("mixed", boundary, [said, *map(_attached, attachments)])
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{head}MIME-Version: 1.0\r\n".encode("ascii") + said


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    edge = boundary.encode("ascii")
    line = b"\r\n--" + edge
    inside = b"".join(line + b"\r\n" + part for part in parts) + line + b"--\r\n"
    if inside.count(line + b"\r\n") + inside.count(line + b"--") != len(parts) + 1:
        raise ComposeRefused("a text holds the boundary between the parts")
    kind = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (subtype.encode("ascii"), edge)
    return kind + inside[2:]


def _attached(attachment: Attachment) -> bytes:
    """RFC 2183, the name by RFC 2231. What is no plain `type/subtype` goes as bytes of no known kind."""
    kind = attachment.type if _TYPE.fullmatch(attachment.type) else "application/octet-stream"
    # A mail inside a mail may not be in base64 (RFC 2046 section 5.2.1), and nobody should open it as one.
    if kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"
    # The end of a long name: there its kind stands, and a line may hold 998 octets (RFC 5322 section 2.1.1).
    name = quote(header_text(attachment.name)[-80:] or "attachment", safe="")
    head = (
        f"Content-Type: {kind}\r\nContent-Disposition: attachment;\r\n filename*=utf-8''{name}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode("ascii") + encodebytes(attachment.content).replace(b"\n", b"\r\n")


def verify(content: bytes, headers: Headers, recipient: str, mailbox: str) -> None:
    """Reads the written header again; ComposeRefused unless it is what was meant (promise P7).

    Printable ASCII between CRLFs leaves no two ways to read it (RFC 5322 section 2.2); the tests let Python's
    own parser agree.
    """
    found = _HEADER.match(content)
    if not found:
        raise ComposeRefused("the header holds a control, a non-ASCII character or a line that is too long")
    fields = [line.partition(": ") for line in found[1].decode("ascii").replace("\r\n ", " ").split("\r\n")]
    read = {name: value for name, _, value in fields}
    meant = tuple(name for name, _ in headers)
    if len(read) != len(fields) or tuple(read) not in (meant + _MULTIPART, meant + _PLAIN):
        raise ComposeRefused("the header reads back with other lines than were written")
    if read["To"] != recipient or recipient.count("@") != 1:
        raise ComposeRefused("the mail reads back with another recipient")
    sender = read["From"]
    if sender.count("@") != 1 or sender.rpartition(" ")[2].strip("<>") != mailbox:
        raise ComposeRefused("the mail reads back with another sender")


def _part(subtype: str, text: str) -> bytes:
    encoding, body = _body(text if text.endswith("\n") else text + "\n")
    return (
        b"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n"
        % (subtype.encode("ascii"), encoding)
        + body
    )


def _body(text: str) -> tuple[bytes, bytes]:
    """Lines end in CRLF. b2a_qp is given LF alone, since it takes its soft line ends from the first line."""
    data = text.encode("utf-8", "replace")
    if text.isascii() and max(map(len, data.split(b"\n"))) < 990:
        return b"7bit", data.replace(b"\n", b"\r\n")
    return b"quoted-printable", binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")


def _encoded(text: str) -> str:
    """RFC 2047 words of at most 75 characters, each with whole characters, one to a line."""
    words, piece = [], b""
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(piece) + len(octets) > 39:
            words.append(piece)
            piece = b""
        piece += octets
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in [*words, piece])
