"""The page of a ticket, what of it refreshes itself, its history, and one message in full."""

from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailbot.console.acting.panel import panel_values
from mailbot.console.desk import desk_of
from mailbot.console.guards import for_staff
from mailbot.console.respond import page, reader_of
from mailbot.console.ticket import files
from mailbot.console.ticket.band import Scene, band_of
from mailbot.console.ticket.dialogue import Writer
from mailbot.console.ticket.find import find_ticket, merge_target, path_id
from mailbot.console.ticket.load import Dialogue, Facts, dialogue_of, load_page
from mailbot.console.ticket.side import groups, owner_of, place_of, reasons_of
from mailbot.domain import ticket_number
from mailbot.domain.model import Direction, Ticket
from mailbot.domain.people.access import Viewer
from mailbot.domain.reasons import term
from mailbot.store import outbox_queries
from mailbot.store.codec import match_of
from mailbot.store.lists import dialogue, ticket_rows
from mailbot.views.clean_text import clean
from mailbot.views.event_text import page_event_text
from mailbot.views.wording import PageWording, capitalised

_ABOVE = 3  # messages
_START = 256 * 1024  # bytes of a mail in which a header of HTML is looked for
_EVENTS, _MAILS = 300, 100  # newest that the history shows
_FORWARDED = "from"  # the number of a merged ticket that led here


async def ticket_page(request: Request, viewer: Viewer) -> Response:
    """Show the ticket. Another spelling of the number, or a merged ticket, leads to the right page."""
    desk, ticket = desk_of(request), await find_ticket(request, viewer)
    into = await desk.read(merge_target, ticket) if ticket.merged_into else None
    if into and viewer.may_see(into):
        query = f"&{request.url.query}" if request.url.query else ""  # the outcome of a form, as a merge
        return RedirectResponse(f"/tickets/{into.number}?{_FORWARDED}={ticket.number}{query}", 303)
    if request.path_params["number"] != ticket.number:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/tickets/{ticket.number}{query}", 303)
    values = await _values(request, viewer, ticket)
    values |= await panel_values(request, desk, viewer, ticket)
    return page(request, "ticket/ticket.html", **values)


async def live_parts(request: Request, viewer: Viewer) -> Response:
    """Show what changes by itself: the ticket's state, its dialogue, its facts. Not what an agent is writing."""
    ticket = await find_ticket(request, viewer)
    return page(request, "ticket/live.html", **await _values(request, viewer, ticket))


async def _values(request: Request, viewer: Viewer, ticket: Ticket) -> dict[str, Any]:
    before = request.query_params.get("before", "")
    found, facts = await desk_of(request).read(
        load_page, ticket, int(before[:18]) if before.isdecimal() and before.isascii() else None
    )
    return _words(request, viewer, ticket, found, facts)


def _words(request: Request, viewer: Viewer, ticket: Ticket, found: Dialogue, facts: Facts) -> dict[str, Any]:
    reader, before = reader_of(request, viewer), request.query_params.get("before", "")
    newest = next((each for each in found.messages if each.direction is Direction.IN), None)
    scene = Scene(ticket, facts, newest, _customer(ticket, found), reader, viewer)
    writer = Writer(ticket.number, reader, found)
    shown = [writer.shown(each) for each in found.messages]
    first = 0 if before else _unread(found)
    status = term("status", ticket.status, reader.language)
    return {
        "ticket": ticket,
        "subject": clean(ticket.subject, 300) or reader.t("(tanpa judul)", "(no subject)"),
        "status_text": capitalised(status),
        "owner": owner_of(scene, ticket),
        "place": place_of(scene, ticket),
        "band": band_of(scene),
        "newest": shown[:first],
        "earlier": shown[first:],
        "older": found.messages[-1].id if found.older else None,
        "before": before,
        "groups": groups(scene),
        "reasons": reasons_of(scene),
        "merged_from": ticket_number.normalise(request.query_params.get(_FORWARDED, "")),
    }


def _unread(found: Dialogue) -> int:
    """Count the messages above the answer: to the newest that came in, a few at most."""
    places = [place for place, each in enumerate(found.messages, 1) if each.direction is Direction.IN]
    return places[0] if places and places[0] <= _ABOVE else 1


def _customer(ticket: Ticket, found: Dialogue) -> str:
    """Return the customer's name where a mail gives one, else the address."""
    own = (each for each in found.messages if each.author == ticket.customer)
    names = (str(each.addresses.get("name", "")) for each in own)
    return clean(next(filter(None, names), ticket.customer), 60)


async def history(request: Request, viewer: Viewer) -> Response:
    """Show every event of the ticket, and what became of all our mails about it."""
    ticket = await find_ticket(request, viewer)
    recorded, mails = await desk_of(request).read(_load_history, ticket.number)
    reader = reader_of(request, viewer)
    words = PageWording(reader.policy, reader.language, reader.zone, reader.now)
    writer = Writer(ticket.number, reader, Dialogue(mails=mails))
    newest = recorded[: -_EVENTS - 1 : -1]
    events = [(row.event.at, page_event_text(row.event, words)) for row in newest]
    sent = [(term("kind", mail.kind, reader.language), mail, writer.delivery(mail)) for mail in mails]
    return page(
        request,
        "ticket/history.html",
        ticket=ticket,
        events=events,
        left_out=len(recorded) - len(newest),
        mails=sent,
    )


def _load_history(
    connection: Connection, number: str
) -> tuple[list[ticket_rows.RecordedEvent], list[outbox_queries.Entry]]:
    return (
        ticket_rows.events_of(connection, number),
        outbox_queries.list_entries(connection, ticket=number, limit=_MAILS),
    )


async def whole_message(request: Request, viewer: Viewer) -> Response:
    """Show one message with all of its text, and its HTML as it came."""
    ticket = await find_ticket(request, viewer)
    loaded = await desk_of(request).read(_load_message, ticket, path_id(request, "message"))
    if loaded is None:
        raise HTTPException(404)
    message, found, start = loaded
    writer = Writer(ticket.number, reader_of(request, viewer), found)
    because = match_of(message.evidence).reason
    return page(
        request,
        "ticket/message.html",
        ticket=ticket,
        message=writer.shown(message),
        because=writer.words.reason(because) if message.direction is Direction.IN else "",
        has_html=bool(start and b"text/html" in start.lower()),
        has_raw=start is not None,
    )


def _load_message(
    connection: Connection, ticket: Ticket, id_: int
) -> tuple[dialogue.PageMessage, Dialogue, bytes | None] | None:
    message = dialogue.whole(connection, ticket.number, id_)
    if message is None:
        return None
    start = dialogue.raw_start(connection, message.inbox_id, _START) if message.inbox_id else None
    return message, dialogue_of(connection, ticket.number, [message]), start


ROUTES = [
    Route("/tickets/{number}", for_staff(ticket_page)),
    Route("/tickets/{number}/parts", for_staff(live_parts)),
    Route("/tickets/{number}/history", for_staff(history)),
    Route("/tickets/{number}/files/{position:int}", for_staff(files.received_file)),
    Route("/tickets/{number}/messages/{message:int}", for_staff(whole_message)),
    Route("/tickets/{number}/messages/{message:int}/html", for_staff(files.html)),
    Route("/tickets/{number}/messages/{message:int}/raw", for_staff(files.raw_mail)),
    Route("/tickets/{number}/messages/{message:int}/files/{digest}", for_staff(files.sent_file)),
]
