"""The page on which an agent opens a ticket for a customer who called or came by."""

import secrets
from datetime import datetime

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailbot.console.desk import desk_of
from mailbot.console.guards import for_agents
from mailbot.console.respond import page
from mailbot.domain.people.access import Viewer
from mailbot.domain.people.identities import read_identity
from mailbot.domain.reasons import Refusal, render
from mailbot.mail.parsing import charsets
from mailbot.operations.open_ticket import OpenTicketCommand, open_in_turn
from mailbot.operations.ticket_commands import ON_A_PAGE

TEXTS = dict.fromkeys(("said", "note", "answer"), 50_000)
LONGEST = {"customer": 254, "mailbox": 254, "name": 80, "subject": 200, **TEXTS}
CHOICES = ("acknowledge", "take")


@for_agents
async def form(request: Request, viewer: Viewer) -> Response:
    """Show the form. The query may fill in `customer` and `name`."""
    given = {name: request.query_params.get(name, "")[:most] for name, most in LONGEST.items()}
    return _form(request, {**given, "acknowledge": "", "take": "on"})


@for_agents
async def create(request: Request, viewer: Viewer) -> Response:
    """Open the ticket and lead to it; a refusal shows the form again with all that was typed."""
    desk, typed = desk_of(request), await request.form()
    given = {name: _text(typed, name, most) for name, most in LONGEST.items()}
    given |= {name: "on" if name in typed else "" for name in CHOICES}
    opened = await open_in_turn(
        desk.deps.store, desk.deps.runtime, _command(given, typed, viewer, desk.now())
    )
    desk.wake()
    if isinstance(opened, Refusal):
        return _form(request, given, render(opened.reason, viewer.language), status=422)
    return RedirectResponse(f"/tickets/{opened}", 303)


def _command(given: dict[str, str], typed: FormData, viewer: Viewer, now: datetime) -> OpenTicketCommand:
    return OpenTicketCommand(
        customer=read_identity(given["customer"]) or given["customer"].lower(),
        subject=given["subject"],
        by=viewer.actor,
        now=now,
        said=given["said"],
        name=given["name"],
        mailbox=given["mailbox"].lower(),
        note=given["note"],
        answer=given["answer"],
        acknowledge=bool(given["acknowledge"]),
        take=bool(given["take"]),
        once=_text(typed, "once", 64),
        source=ON_A_PAGE,
    )


def _form(request: Request, given: dict[str, str], refusal: str = "", status: int = 200) -> Response:
    boxes = [(box.address, box.brand) for box in desk_of(request).policy.mailboxes.values()]
    once = secrets.token_urlsafe(24)
    return page(request, "opening.html", status=status, given=given, boxes=boxes, refusal=refusal, once=once)


def _text(typed: FormData, name: str, most: int) -> str:
    """Return what was typed into a field, without control characters."""
    value = typed.get(name, "")
    return charsets.clean(value[: most + 1]).strip()[:most] if isinstance(value, str) else ""


ROUTES = [
    Route("/tickets/new", form, methods=["GET"]),
    Route("/tickets/new", create, methods=["POST"]),
]
