"""Files of a ticket, its mails as they came, and the HTML of one: each an answer that no browser takes for a page."""

import asyncio
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mailbot.console.desk import desk_of
from mailbot.console.respond import reader_of
from mailbot.console.ticket import original
from mailbot.console.ticket.dialogue import PICTURES
from mailbot.console.ticket.find import find_ticket, path_id
from mailbot.domain.model import Ticket
from mailbot.domain.people.access import Viewer
from mailbot.mail.parsing import attachments
from mailbot.mail.parsing.html_source import read_html
from mailbot.store import conversation, queries
from mailbot.store.console import sent_files
from mailbot.store.lists import dialogue

ALONE = "default-src 'none'; sandbox; frame-ancestors 'none'"


async def received_file(request: Request, viewer: Viewer) -> Response:
    """Serve file N of the ticket, as `mailbot ticket attachment` counts them."""
    ticket = await find_ticket(request, viewer)
    found = await desk_of(request).read(_received, ticket.number, path_id(request, "position"))
    return _file(found)


def _received(connection: Connection, number: str, position: int) -> tuple[str, bytes] | None:
    files = conversation.files_of(connection, [number]).get(number, [])
    if not 1 <= position <= len(files):
        return None
    file = files[position - 1]
    content = conversation.contents_of(connection, [file.digest]).get(file.digest)
    return None if content is None else (file.name, content)


async def sent_file(request: Request, viewer: Viewer) -> Response:
    """Serve a file of an answer that was written on a page."""
    ticket = await find_ticket(request, viewer)
    id_, digest = path_id(request, "message"), request.path_params["digest"]
    return _file(await desk_of(request).read(_sent, ticket.number, id_, digest))


def _sent(connection: Connection, number: str, id_: int, digest: str) -> tuple[str, bytes] | None:
    message = dialogue.whole(connection, number, id_)
    listed = sent_files.listed(message.evidence) if message else []
    file = next((each for each in listed if each.digest == digest), None)
    content = sent_files.load(connection, message.home, digest) if message and file else None
    return (file.name, content) if file and content is not None else None


async def raw_mail(request: Request, viewer: Viewer) -> Response:
    """Serve a mail byte for byte as it came."""
    ticket = await find_ticket(request, viewer)
    id_ = path_id(request, "message")
    raw = await desk_of(request).read(load_raw, ticket, id_)
    if raw is None:
        raise HTTPException(404)
    return _attachment(f"{ticket.number}-{id_}.eml", raw, "message/rfc822")


def load_raw(connection: Connection, ticket: Ticket, id_: int) -> bytes | None:
    """Load the bytes of a message of this ticket; None where there are none, or no longer."""
    inbox_id = dialogue.inbox_of(connection, ticket.number, id_)
    return None if inbox_id is None else queries.raw_mail(connection, inbox_id)


async def html(request: Request, viewer: Viewer) -> Response:
    """Serve the HTML of a mail for the frame on its page."""
    ticket = await find_ticket(request, viewer)
    raw = await desk_of(request).read(load_raw, ticket, path_id(request, "message"))
    if raw is None:
        raise HTTPException(404)
    reader = reader_of(request, viewer)
    empty = reader.t("Tidak ada yang dapat ditampilkan.", "There is nothing to show.")
    cut_off = reader.t("[Sisanya dipotong: terlalu panjang.]", "[The rest was cut: it is too long.]")
    text = await asyncio.to_thread(
        lambda: original.document(read_html(raw), reader.language, str(empty), str(cut_off))
    )
    return HTMLResponse(text, headers=original.HEADERS)


def _file(found: tuple[str, bytes] | None) -> Response:
    """Serve a file for download. Pictures that a page may show have their type, all others none."""
    if found is None:
        raise HTTPException(404)
    name, content = found
    kind = attachments.detect_type(content, "")
    return _attachment(name, content, kind if kind in PICTURES else "application/octet-stream")


def _attachment(name: str, content: bytes, kind: str) -> Response:
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": ALONE,
    }
    return Response(content, media_type=kind, headers=headers)
