"""Read an event: what a customer wrote, or what became of a message of ours."""

import mimetypes
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from mailbot.channels.chat_files import Wanted, fetch_all
from mailbot.channels.loose import at, items_at, moment_at, number_at, text_at
from mailbot.channels.message import ChannelMessage
from mailbot.channels.notes import card, note, place
from mailbot.channels.seam import Event, Found, Nothing, Status, Unreadable
from mailbot.channels.whatsapp.api import LARGEST_FILE, Api
from mailbot.channels.whatsapp.errors import explain
from mailbot.domain.people.identities import identity
from mailbot.mail.compose.cleaning import body_text, header_text

NAME = "whatsapp"
FILE_PATIENCE = timedelta(hours=2)  # then the words go on without the file
OLDEST = timedelta(days=14)  # WhatsApp repeats a call for seven days
FILES = ("image", "video", "audio", "document", "sticker")
SILENT = frozenset({"reaction", "system", "request_welcome"})
STATUSES = frozenset({"sent", "delivered", "read", "failed"})
_NUMBER = re.compile("[0-9]{5,20}")


async def read(api: Api, number: str, event: Event) -> Sequence[Found]:
    """Return what an event says; `number` is the id of ours. Raises ReadLater for want of a file, and Unreadable."""
    try:
        kept = msgspec.json.decode(event.content)
    except (ValueError, RecursionError):
        raise Unreadable("it is no JSON") from None
    ours = text_at(kept, "metadata", "phone_number_id")
    message, status = at(kept, "message"), at(kept, "status")
    if message is None and status is None:
        raise Unreadable("neither a message nor a status")
    if ours != number:
        return [Nothing(f"about another number, with the id {header_text(ours, 30)!r}")]
    if status is not None:
        return [_status(status, event.received_at or api.now())]
    return [await _message(api, message, text_at(kept, "contacts", 0, "profile", "name"), event)]


def _status(status: Any, received_at: datetime) -> Found:
    name, error = text_at(status, "status"), at(status, "errors", 0)
    if name not in STATUSES:
        return Nothing(f"a status that says nothing to us: {header_text(name, 30)!r}")
    reason = explain(error) if name == "failed" else ""
    return Status(text_at(status, "id"), name, moment_at(status, "timestamp") or received_at, reason)


async def _message(api: Api, message: Any, name: str, event: Event) -> Found:
    author, kind = text_at(message, "from"), text_at(message, "type")
    moment, received_at = moment_at(message, "timestamp"), event.received_at or api.now()
    if not _NUMBER.fullmatch(author) or not text_at(message, "id"):
        raise Unreadable("a message without a phone number or without an id")
    if moment and received_at - moment > OLDEST:
        return Nothing(f"written at {moment:%Y-%m-%d %H:%M} UTC: too old to come for the first time")
    if kind in SILENT:
        return Nothing(f"no message: {kind}")
    language = "id" if author.startswith("62") else "en"
    is_patient = api.now() - received_at < FILE_PATIENCE
    files, notes = await fetch_all(_wanted(api, message), LARGEST_FILE, language, is_patient=is_patient)
    lines = [*filter(str.strip, _lines(message, language)), *notes]
    if not lines and not files:
        lines = [note("unsupported", language, header_text(kind, 30))]
    if at(message, "context", "forwarded") is True:
        lines.insert(0, note("forwarded", language))
    return ChannelMessage(
        NAME,
        identity(NAME, f"+{author}"),
        text_at(message, "id"),
        body_text("\n\n".join(lines)),
        header_text(name, 80),
        files=tuple(files),
        answers=text_at(message, "context", "id"),
        at=moment,
    )


def _lines(message: Any, language: str) -> Iterator[str]:
    """Yield the paragraphs that a message makes, in the author's words and in ours."""
    yield text_at(message, "text", "body")
    yield from (text_at(message, kind, "caption") for kind in FILES)
    yield text_at(message, "button", "text")
    for reply in ("button_reply", "list_reply", "nfm_reply"):
        words = (text_at(message, "interactive", reply, key) for key in ("title", "description", "body"))
        yield "\n".join(filter(None, words))
    if there := at(message, "location"):
        where = number_at(there, "latitude"), number_at(there, "longitude")
        yield place(language, *where, text_at(there, "name"), text_at(there, "address"))
    for person in items_at(message, "contacts"):
        phones = (text_at(each, "phone") for each in items_at(person, "phones"))
        yield card(language, text_at(person, "name", "formatted_name"), *phones)


def _wanted(api: Api, message: Any) -> Iterator[Wanted]:
    for kind in FILES:
        if name := text_at(message, kind, "id"):
            mime = text_at(message, kind, "mime_type").partition(";")[0].strip()
            file_name = text_at(message, kind, "filename") or f"{kind}{mimetypes.guess_extension(mime) or ''}"
            yield Wanted(file_name, 0, partial(api.fetch, name, text_at(message, kind, "sha256")))
