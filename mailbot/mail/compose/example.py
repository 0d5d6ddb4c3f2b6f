"""What rules are asked about, written as a mail that reads so: for the examples that an analysis found."""

from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from mailbot.domain.routing.conditions import RoutingFacts

# What the first bytes of a file must be for its type to be believed (see `mail.attachments`).
_BEGINS = {
    "application/pdf": b"%PDF-1.4\n",
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "image/gif": b"GIF89a\1\0\1\0",
    "application/zip": b"PK\3\4",
}
_LINE = 70  # characters of padding on a line
_IN_HEADER = 4_000  # bytes of padding that a header may hold


def written(facts: RoutingFacts) -> bytes:
    """A mail in which `facts` stand, as large as they say unless its words alone are larger. What no mail
    holds (who the customer is, when it comes in) is not in it."""
    bare = _message(facts).as_bytes()
    missing = facts.size - len(bare)
    if missing < 0:
        bare = _short(facts) or bare
        missing = facts.size - len(bare)
        return _padded_header(bare, facts.size) if 0 < missing <= _IN_HEADER else bare
    if not missing:
        return bare
    mail = _message(facts)
    if missing <= _IN_HEADER:
        return _padded_header(bare, facts.size)
    if not mail.is_multipart():
        mail.make_mixed()
    mail.epilogue = ""
    missing = facts.size - len(mail.as_bytes())
    lines, rest = divmod(missing, _LINE)
    mail.epilogue = ("x" * (_LINE - 1) + "\n") * lines + "x" * rest
    return mail.as_bytes()


def _short(facts: RoutingFacts) -> bytes:
    """The same in as few bytes as a plain mail takes; nothing where it is no plain mail of ASCII."""
    lines = (
        [f"From: {formataddr((facts.sender_name, facts.sender))}"] if facts.sender else ["Return-Path: <>"]
    )
    lines += [f"To: {facts.mailbox}", f"Subject: {facts.subject}"]
    lines += [f"{name}: {value}" for name, values in facts.headers.items() for value in values]
    plain = all(line.isprintable() for line in lines) and not facts.attachment_names
    text = "\n".join([*lines, "", facts.text])
    return text.encode() if plain and text.isascii() else b""


def _padded_header(raw: bytes, size: int) -> bytes:
    """Padding goes behind the last header line, by hand: to the byte."""
    head, _, body = raw.partition(b"\n\n")
    name = b"\nX-Padding: "
    missing = size - len(raw) - len(name)
    if missing < 0:
        return raw
    lines = b"\n ".join(b"x" * (_LINE - 2) for _ in range(missing // _LINE + 1))[:missing]
    if lines.endswith((b"\n", b"\n ")):
        lines = lines[:-2] + b"xx" if lines.endswith(b"\n ") else lines[:-1] + b"x"
    return head + name + lines + b"\n\n" + body


def _message(facts: RoutingFacts) -> EmailMessage:
    mail = EmailMessage()
    if facts.sender:
        mail["From"] = formataddr((facts.sender_name, facts.sender))
    else:
        mail["Return-Path"] = "<>"
    mail["To"] = facts.mailbox
    mail["Subject"] = facts.subject
    mail["Date"] = format_datetime(facts.local_time)
    for name, values in facts.headers.items():
        for value in values if name not in mail else ():
            mail.add_header(name, value)
    mail.set_content(facts.text)
    for name, kind in zip(facts.attachment_names, facts.attachment_types, strict=False):
        _attach(mail, name, kind)
    return mail


def _attach(mail: EmailMessage, name: str, kind: str) -> None:
    main, _, sub = kind.partition("/")
    content = _BEGINS.get(kind, b"example\n")
    mail.add_attachment(content, maintype=main or "application", subtype=sub or "octet-stream", filename=name)
