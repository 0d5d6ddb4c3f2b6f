"""What the fetcher does with one IMAP folder: log in, open it, list mails, mark those that are stored."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mailbot.channels.imap.client import (
    ImapConnection,
    ImapConnectionLost,
    ImapRefused,
    Item,
    Response,
    internal_date,
    mailbox_name,
    quoted,
    sequence,
)
from mailbot.config.model import ImapAccount
from mailbot.store.service.imap_folders import Position

NO_NEXT_UID = 1 << 32  # above every UID


class LoginRefused(Exception):
    """The server does not accept the user with this password."""


@dataclass(frozen=True, slots=True)
class ListedMail:
    """A mail in the folder that is to be fetched."""

    uid: int
    size: int
    received_at: datetime | None


async def log_in(connection: ImapConnection, user: str, password: str) -> None:
    """Log in by LOGIN or AUTHENTICATE PLAIN.

    Raises LoginRefused, or ImapRefused when the server has trouble of its own.
    """
    plain = (user + password).isascii()
    try:
        if not connection.capabilities:
            await connection.command(b"CAPABILITY")
        if plain and "LOGINDISABLED" not in connection.capabilities:
            await connection.command(b"LOGIN", quoted(user), quoted(password))
        else:  # RFC 4616, RFC 6855: LOGIN takes ASCII only
            secret = base64.b64encode(f"\0{user}\0{password}".encode())
            await connection.command(b"AUTHENTICATE", b"PLAIN", secret=secret)
    except ImapRefused as refusal:
        if refusal.code in ("UNAVAILABLE", "INUSE", "LIMIT"):  # RFC 5530: not because of the password
            raise
        raise LoginRefused(str(refusal)) from refusal


async def select(connection: ImapConnection, folder: str) -> tuple[int, int]:
    """Open a folder. Return its UIDVALIDITY and the UID of its next new mail."""
    codes: dict[bytes, int] = {}

    def note(response: Response) -> None:
        words = response.line.upper().split()
        if words[:2] == [b"*", b"OK"] and len(words) > 3 and words[3].rstrip(b"]").isdigit():
            codes[words[2].lstrip(b"[")] = int(words[3].rstrip(b"]"))

    await connection.command(b"SELECT", mailbox_name(folder), on_response=note)
    if b"UIDVALIDITY" not in codes:
        raise ImapConnectionLost("the server gives no UIDVALIDITY, so its mails can't be told apart for good")
    return codes[b"UIDVALIDITY"], codes.get(b"UIDNEXT", NO_NEXT_UID)


def read_listed(items: Mapping[bytes, Item], position: Position) -> ListedMail | None:
    """Read a listed mail from a response. None unless it is new, or unread from before we began."""
    uid, flags = read_number(items.get(b"UID")), items.get(b"FLAGS")
    if not uid or not isinstance(flags, list):
        return None
    marks = {flag.lower() for flag in flags if isinstance(flag, bytes)}
    received_at = internal_date(items.get(b"INTERNALDATE"))
    new = uid >= position.first_uid or (received_at is not None and received_at >= position.started_at)
    pending = uid > position.uid or uid in position.skipped
    if not pending or b"\\deleted" in marks or (b"\\seen" in marks and not new):
        return None
    return ListedMail(uid, read_number(items.get(b"RFC822.SIZE")), received_at)


def read_number(value: object) -> int:
    return int(value) if isinstance(value, bytes) and value.isdigit() else 0


async def mark(connection: ImapConnection, account: ImapAccount, uids: list[int]) -> None:
    """Apply the account's `after` to stored mails. Raises ImapRefused."""
    mails = sequence(uids)
    match account.after:
        case "seen":
            await connection.command(b"UID STORE", mails, b"+FLAGS.SILENT", b"(\\Seen)")
        case "move":
            await _move(connection, mails, mailbox_name(account.move_to))
        case "delete":
            await _delete(connection, mails)


async def _move(connection: ImapConnection, mails: bytes, target: bytes) -> None:
    command = b"UID MOVE" if "MOVE" in connection.capabilities else b"UID COPY"
    try:
        await connection.command(command, mails, target)
    except ImapRefused as refusal:
        if refusal.code != "TRYCREATE":
            raise
        await connection.command(b"CREATE", target)
        await connection.command(command, mails, target)
    if command == b"UID COPY":
        await _delete(connection, mails)


async def _delete(connection: ImapConnection, mails: bytes) -> None:
    await connection.command(b"UID STORE", mails, b"+FLAGS.SILENT", b"(\\Deleted)")
    if (
        "UIDPLUS" in connection.capabilities
    ):  # a bare EXPUNGE would also delete what other clients have marked
        await connection.command(b"UID EXPUNGE", mails)
