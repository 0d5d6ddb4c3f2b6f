"""Log out: here, or in every browser. The page shows where one is logged in."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot.console.desk import desk_of
from mailbot.console.guards import cookie_name, for_staff
from mailbot.console.respond import page
from mailbot.domain.people.access import Viewer
from mailbot.store.console import sessions


@for_staff
async def sessions_page(request: Request, viewer: Viewer) -> Response:
    """Show the sessions of this person."""
    found = await desk_of(request).read(sessions.list_of, viewer.address, desk_of(request).now())
    return page(request, "log_in/sessions.html", sessions=found, own=request.state.session.digest)


@for_staff
async def log_out(request: Request, viewer: Viewer) -> Response:
    """End this session."""
    await desk_of(request).write(sessions.end, request.state.session.digest)
    return _leave(request)


@for_staff
async def log_out_everywhere(request: Request, viewer: Viewer) -> Response:
    """End all sessions of this person."""
    await desk_of(request).write(sessions.end_of_address, viewer.address)
    return _leave(request)


def _leave(request: Request) -> Response:
    response = RedirectResponse("/login?out=1", 303)
    desk = desk_of(request)
    response.delete_cookie(cookie_name(desk), secure=desk.secure, httponly=True, samesite="lax")
    return response
