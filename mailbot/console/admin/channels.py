"""What the providers of channels sent and could not be read: list, read again, give up."""

import secrets

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailbot.console.admin.queues import SHOWN, act, said_of
from mailbot.console.desk import desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page
from mailbot.domain.model import InboxState
from mailbot.domain.people.access import Viewer
from mailbot.operations.mail_queues import What
from mailbot.store.channels.overview import EventEntry, channel_statuses, list_events

STATES = (InboxState.PARKED, InboxState.NEW)
WHAT = {"retry": What.RETRY_EVENT, "drop": What.DROP_EVENT}


async def list_(request: Request, viewer: Viewer) -> Response:
    """List how the channels stand, and events that are parked or wait."""
    desk, asked = desk_of(request), request.query_params.get("state", "")
    state = InboxState.NEW if asked == InboxState.NEW else InboxState.PARKED

    def find(connection: Connection) -> list[EventEntry]:
        return list_events(connection, states=[state], limit=SHOWN)

    return page(
        request,
        "admin/channels.html",
        channels=await desk.read(channel_statuses),
        found=await desk.read(find),
        state=state,
        states=STATES,
        said=request.query_params.get("said", ""),
        once=secrets.token_urlsafe(),
        shown=SHOWN,
    )


async def act_on_event(request: Request, viewer: Viewer) -> Response:
    """Read a parked event again, or give it up."""
    form = await request.form()
    what, event = WHAT.get(str(form.get("do"))), str(form.get("event", ""))
    if what is None or not (event.isascii() and event.isdecimal() and len(event) < 19):
        raise HTTPException(400)
    outcome = await act(request, viewer, what, event)
    return RedirectResponse(f"/admin/channels?said={said_of(what, outcome)}", 303)


ROUTES = [
    Route("/admin/channels", for_admins(list_), methods=["GET"]),
    Route("/admin/channels", for_admins(act_on_event), methods=["POST"]),
]
