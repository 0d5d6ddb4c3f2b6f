"""What an archive of mails says of each one by its header: who wrote it to whom, when, and to what it belongs."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from mailbot.domain.importing import old_numbers
from mailbot.domain.model import Contact, Direction
from mailbot.mail.parsing import encoded_words, header_fields
from mailbot.mail.parsing.addresses import parse_addresses
from mailbot.mail.parsing.header_fields import Fields
from mailbot.operations.importing.model import ReadContext

LARGEST = 64 << 20  # bytes of one mail
FIRST_YEAR = 1990  # an earlier Date is a clock that was never set
LEFT_OUT = frozenset(
    {"draft", "drafts", "trash", "deleted items", "deleted messages", "junk", "spam", "bulk mail"}
)
_ID = re.compile(r"<[^<>\s\x00-\x20\x7f]{1,250}>")
_TO = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
_MOST_REFERENCES = 50
_DELETED = 0x0008  # of X-Mozilla-Status
_SUBJECT = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of a mail are. `length` None: the whole file. `quoted`: ">From " stands for "From " in it.

    `fallback`: when it was filed there, in case that it has no usable Date.
    """

    path: Path
    start: int
    length: int | None
    quoted: bool
    fallback: datetime

    def __str__(self) -> str:
        return self.path.name if self.length is None else f"{self.path.name}, byte {self.start:,}"

    def read(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.start)
            raw = file.read(LARGEST if self.length is None else self.length)
        return _QUOTED.sub(rb"\1", raw) if self.quoted else raw


_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)  # mboxrd; of mboxo the same for one ">"


@dataclass(frozen=True, slots=True)
class Head:
    """The header of one mail, as far as the archive is put in order by it.

    - `key`: the same for each copy of the mail, whatever its mail program noted in its header.
    - `message_id`, `references`: with angle brackets. `numbers`: of the former desk, as they stand in the subject.
    - `mailbox`: ours that it was sent to or by, "" for none. `outside`: the first recipient who is none of us.
    """

    place: Place
    key: str
    at: datetime
    direction: Direction
    sender: Contact
    subject: str
    message_id: str
    references: tuple[str, ...]
    numbers: tuple[str, ...]
    mailbox: str
    outside: str


def read_head(place: Place, raw: bytes, context: ReadContext, now: datetime) -> Head | str:
    """Return the header of a mail, or why it is left out, for a person."""
    fields, _ = header_fields.read(raw, 0, len(raw))
    if reason := _why_left_out(fields):
        return reason
    senders = [
        each for value in fields.get_all("from")[:2] for each in parse_addresses(value) if each.address
    ]
    if not senders:
        return "From names nobody"
    people = [
        each.address for name in _TO for value in fields.get_all(name)[:4] for each in parse_addresses(value)
    ]
    sender, outside = senders[0], next((each for each in people if each and not is_ours(each, context)), "")
    ours = is_ours(sender.address, context)
    direction = Direction.IN if not ours else Direction.OUT if outside else Direction.NOTE
    subject = encoded_words.decode_line(fields.get("subject")[: header_fields.VALUE_LIMIT], _SUBJECT)
    message_id = next(iter(_ID.findall(fields.get("message-id")[:1000])), "")
    return Head(
        place,
        _key(fields, raw, message_id),
        _time(fields, place.fallback, now),
        direction,
        sender,
        subject,
        message_id,
        _references(fields),
        _numbers(subject),
        next((box for each in (*people, sender.address) if (box := bare(each)) in context.mailboxes), ""),
        outside,
    )


def is_ours(address: str, context: ReadContext) -> bool:
    """Check for one of our mailboxes, with any +tag, or an agent."""
    return context.is_ours(address) or bare(address) in context.mailboxes


def bare(address: str) -> str:
    """Return the address without its +tag."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _why_left_out(fields: Fields) -> str:
    if not fields.rows:
        return "it has no header"
    labels = {each.strip().lower() for each in fields.get("x-gmail-labels")[:1000].split(",")}
    if labels & LEFT_OUT:
        return f"it is marked as {min(labels & LEFT_OUT)}"
    status = fields.get("x-mozilla-status")[:4]
    if re.fullmatch("[0-9A-Fa-f]{4}", status) and int(status, 16) & _DELETED:
        return "it was deleted"
    return ""


def _key(fields: Fields, raw: bytes, message_id: str) -> str:
    parts = [message_id, fields.get("from"), fields.get("date"), fields.get("subject")]
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace"))
    if not message_id:
        digest.update(hashlib.sha256(raw.partition(b"\n\n")[2]).digest())
    return digest.hexdigest()[:32]


def _numbers(subject: str) -> tuple[str, ...]:
    """Return the old numbers in a subject; of "[Ticket#12]" without the brackets, by which it is found as well."""
    found = old_numbers.find(subject)
    return tuple(each for each in found if not any(other != each and other in each for other in found))


def _references(fields: Fields) -> tuple[str, ...]:
    named = (*_ID.findall(fields.get("references")[:16_000]), *_ID.findall(fields.get("in-reply-to")[:1000]))
    return tuple(dict.fromkeys(named))[-_MOST_REFERENCES:]


def _time(fields: Fields, fallback: datetime, now: datetime) -> datetime:
    """Return when the mail was written, by Date, else by the newest Received, else when it was filed."""
    for at in _times(fields):
        if at.year >= FIRST_YEAR and at <= now + timedelta(days=1):
            return min(at, now)
    return min(fallback, now)


def _times(fields: Fields) -> Iterator[datetime]:
    for value in (fields.get("date"), fields.get("received").rpartition(";")[2]):
        try:
            at = parsedate_to_datetime(value.strip()[:100])
            yield (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue  # anybody may write anything there
