"""Write a mail as bytes, and verify the written header.

EmailMessage is not used: it takes fifty times as long, and its serialiser allowed header injection.
"""

import binascii
import re
from base64 import b64encode, encodebytes
from collections.abc import Sequence
from functools import lru_cache
from textwrap import wrap
from urllib.parse import quote

from mailbot.domain.model import Attachment
from mailbot.mail.compose.cleaning import header_text

Headers = Sequence[tuple[str, str]]

_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
# Unambiguous, so that re (a twentieth of re2's cost per call) never backtracks.
_ADDRESS = re.compile(f"{_ATOM}(?:[.]{_ATOM})*@{_LABEL}(?:[.]{_LABEL})*")
_HEADER = re.compile(rb"([ -~]{1,998}(?:\r\n[ -~]{1,998})*)\r\n\r\n")
_ID = re.compile("<[!-;=?-~]{1,250}>")
_TYPE = re.compile("[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}")
_MULTIPART = ("MIME-Version", "Content-Type")
_SINGLE_PART = (*_MULTIPART, "Content-Transfer-Encoding")


class ComposeRefused(ValueError):
    """The mail can't be written as intended, so it is not sent. The text is the reason."""


def is_ascii_address(text: str) -> bool:
    """Check for a plain ASCII `local@domain` of RFC 5321's lengths."""
    local = text.rpartition("@")[0]
    whole = len(text) <= 254 and len(local) <= 64 and "=?" not in text
    return whole and _ADDRESS.fullmatch(text) is not None


def require_ascii_address(text: str) -> str:
    """Return `text` if it is a plain ASCII `local@domain` of RFC 5321's lengths. Raises ComposeRefused.

    Quoted local parts, address literals and non-ASCII (SMTPUTF8, RFC 6531) are refused: a mistake in them
    would send the mail to another recipient.
    """
    if not is_ascii_address(text):
        raise ComposeRefused(f"can't write to {header_text(text)!r}: not a plain ASCII address")
    return text


def safe_message_id(text: str) -> str:
    """Return a foreign Message-ID if it is safe in our header, else ""."""
    return text if _ID.fullmatch(text) and "=?" not in text else ""


@lru_cache(maxsize=64)  # one for each mailbox
def format_mailbox(name: str, address: str) -> str:
    """Format `"Name" <address>`, without characters that make the name look like another address."""
    shown = " ".join(header_text(name).translate(dict.fromkeys(map(ord, '"\\<>@,;:()[]'), " ")).split())
    if not shown:
        return address
    return f'"{shown}" <{address}>' if shown.isascii() else f"{_encoded(shown)} <{address}>"


def format_subject(text: str, fixed: str) -> str:
    """Format a subject: `text` from anybody, cleaned, then `fixed` (our ASCII), folded below 78 characters.

    The words come first: a phone shows the first 35 to 40 characters.
    """
    clean = header_text(text)
    if not clean.isascii():
        return f"{_encoded(clean)}\r\n {fixed}" if fixed else _encoded(clean)
    if len(fixed) + len(clean) < 66:
        return f"{clean} {fixed}".strip()
    # "Subject: " is on the first line too.
    return "\r\n ".join(wrap(f"{clean} {fixed}", 66, break_long_words=False, break_on_hyphens=False))


def write_mail(
    headers: Headers,
    text: str,
    html: str,
    boundary: str,
    attachments: Sequence[Attachment] = (),
    pictures: Sequence[Attachment] = (),
    files: Sequence[bytes] = (),
) -> bytes:
    """Write the mail: multipart/alternative, or only text when `html` is "", then `attachments`.

    `pictures` are shown inside of the HTML, by their Content-ID (RFC 2387). `files` are written already, see
    `attachment_part`.
    """
    body = _part("plain", text)
    if html:
        page = _part("html", html)
        if pictures:
            page = _multipart("related", f"{boundary}.r", [page, *map(_picture, pictures)])
        inner = f"{boundary}.a" if attachments or files else boundary
        body = _multipart("alternative", inner, [body, page])
    if attachments or files:
        body = _multipart("mixed", boundary, [body, *map(attachment_part, attachments), *files])
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{head}MIME-Version: 1.0\r\n".encode("ascii") + body


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    edge = boundary.encode("ascii")
    line = b"\r\n--" + edge
    inside = b"".join(line + b"\r\n" + part for part in parts) + line + b"--\r\n"
    if inside.count(line + b"\r\n") + inside.count(line + b"--") != len(parts) + 1:
        raise ComposeRefused("a text contains the boundary of the parts")
    kind = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (subtype.encode("ascii"), edge)
    return kind + inside[2:]


def _picture(attachment: Attachment) -> bytes:
    return attachment_part(attachment, attachment.content_id)


def attachment_part(attachment: Attachment, content_id: str = "") -> bytes:
    """Write an attachment (RFC 2183, its name by RFC 2231). An odd type becomes application/octet-stream.

    With a `content_id`, which is ours, it is shown inside of the HTML.
    """
    kind = attachment.type if _TYPE.fullmatch(attachment.type) else "application/octet-stream"
    # A mail inside a mail may not be in base64 (RFC 2046 section 5.2.1), and should not be opened as a mail.
    if kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"
    # The end of a long name is kept, with its extension: a line may hold 998 octets (RFC 5322 section 2.1.1).
    name = quote(header_text(attachment.name)[-80:] or "attachment", safe="")
    shown = (
        f"Content-ID: <{content_id}>\r\nContent-Disposition: inline"
        if content_id
        else "Content-Disposition: attachment"
    )
    head = (
        f"Content-Type: {kind}\r\n{shown};\r\n filename*=utf-8''{name}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode("ascii") + encodebytes(attachment.content).replace(b"\n", b"\r\n")


def verify_header(content: bytes, headers: Headers, to: str, mailbox: str, cc: Sequence[str] = ()) -> None:
    """Read the written header again. Raises ComposeRefused unless it has exactly the intended fields.

    `to`: the one address in To; `cc`: those in Cc, which is missing when there are none.

    Printable ASCII between CRLFs is unambiguous (RFC 5322 section 2.2). The tests compare with Python's
    parser.
    """
    block = _HEADER.match(content)
    if not block:
        raise ComposeRefused("the header has a control character, non-ASCII text or a line that is too long")
    fields = [line.partition(": ") for line in block[1].decode("ascii").replace("\r\n ", " ").split("\r\n")]
    read = {name: value for name, _, value in fields}
    expected = tuple(name for name, _ in headers)
    if len(read) != len(fields) or tuple(read) not in (expected + _MULTIPART, expected + _SINGLE_PART):
        raise ComposeRefused("the header has other lines than were written")
    named = read.get("Cc", "").split(", ") if "Cc" in read else []
    if read["To"] != to or named != list(cc) or any(each.count("@") != 1 for each in (to, *cc)):
        raise ComposeRefused("the written mail has another recipient")
    sender = read["From"]
    if sender.count("@") != 1 or sender.rpartition(" ")[2].strip("<>") != mailbox:
        raise ComposeRefused("the written mail has another sender")


def _part(subtype: str, text: str) -> bytes:
    encoding, body = _body(text if text.endswith("\n") else text + "\n")
    return (
        b"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n"
        % (subtype.encode("ascii"), encoding)
        + body
    )


def _body(text: str) -> tuple[bytes, bytes]:
    """Return encoding and body with CRLF. b2a_qp gets LF: it takes its soft line ends from the first line."""
    data = text.encode("utf-8", "replace")
    if text.isascii() and max(map(len, data.split(b"\n"))) < 990:
        return b"7bit", data.replace(b"\n", b"\r\n")
    return b"quoted-printable", binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")


def _encoded(text: str) -> str:
    """Encode as RFC 2047 words of at most 75 characters, one on each line, without splitting a character."""
    words, piece = [], b""
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(piece) + len(octets) > 39:
            words.append(piece)
            piece = b""
        piece += octets
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in [*words, piece])
