"""Files of answers written on pages: what is listed of them on the ticket, and where their bytes are.

The mail that left is the only copy: a file goes with it when retention deletes it.
"""

import hashlib
from collections.abc import Mapping
from email import message_from_bytes
from typing import Any

from sqlalchemy import Connection, select

from mailbot.domain.model import Attachment
from mailbot.store import frozen
from mailbot.store.queries import AttachmentView
from mailbot.store.schema import outbox

_KINDS = ("answer", "closing")
_LISTED = ("name", "type", "size", "digest")


def describe(file: Attachment) -> dict[str, Any]:
    """Return what a message keeps of a file."""
    return {name: getattr(file, name) for name in _LISTED}


def listed(evidence: Mapping[str, Any]) -> list[AttachmentView]:
    """Return the files of a message of ours, by `evidence` of its row. `load` finds their bytes."""
    return [AttachmentView(**each) for each in evidence.get("files", ())]


def load(connection: Connection, home: str, digest: str) -> bytes | None:
    """Return the bytes of a file, None where no kept mail has it. `home`: of the message that lists it."""
    own = (outbox.c.ticket == home, outbox.c.kind.in_(_KINDS))
    newest_first = select(outbox.c.nonce).where(*own).order_by(outbox.c.id.desc())
    for nonce in connection.scalars(newest_first).all():
        for mail in frozen.load(connection, [nonce]).values():
            if found := _find(mail, digest):
                return found
    return None


def _find(mail: bytes, digest: str) -> bytes | None:
    for part in message_from_bytes(mail).walk():
        content = part.get_payload(decode=True) if part.get_filename() else None
        if isinstance(content, bytes) and hashlib.sha256(content).hexdigest() == digest:
            return content
    return None
