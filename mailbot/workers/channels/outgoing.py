"""Read a composed mail as the message that a channel sends: its text and its files."""

from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from mailbot.channels.seam import Outgoing
from mailbot.domain.model import Attachment
from mailbot.domain.people.identities import is_identity
from mailbot.mail.parsing import attachments
from mailbot.store.channels.sent import Past
from mailbot.store.outbox import Claimed


def read_outgoing(row: Claimed, past: Past) -> Outgoing:
    """Return the message of a row.

    Raises ValueError with what an operator reads, for a row that can't be sent.
    """
    if row.content is None:
        raise ValueError("its frozen bytes are missing")
    if not is_identity(row.recipient):
        raise ValueError(f"{row.recipient} is nobody in a channel")
    mail = _read(row.content)
    return Outgoing(
        to=row.recipient,
        key=str(mail["Message-ID"]),
        kind=row.kind,
        language=str(mail.get("Content-Language", "id")),
        subject=str(mail["Subject"]),
        text=text_in(row.content),
        files=files_in(row.content),
        number=row.ticket,
        wrote_at=past.wrote_at,
        called_at=past.called_at,
        taken=past.taken,
    )


def text_in(content: bytes) -> str:
    """Return the text of a composed mail. Raises ValueError for one without."""
    body = _read(content).get_body(("plain",))
    if body is None:
        raise ValueError("it has no text")
    return str(body.get_content()).replace("\r\n", "\n").strip()


def files_in(content: bytes) -> tuple[Attachment, ...]:
    """Return the files of a composed mail."""
    return tuple(map(_file, _read(content).iter_attachments()))


def _read(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def _file(part: Message) -> Attachment:
    content = part.get_payload(decode=True)
    name = part.get_filename() or "file"
    return attachments.make(name, part.get_content_type(), content if isinstance(content, bytes) else b"")
