"""Who is logged in: list, end a session."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailbot.console.admin.queues import act, said_of
from mailbot.console.desk import desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page
from mailbot.domain.people.access import Viewer, find_viewer
from mailbot.operations.mail_queues import What
from mailbot.store.console import sessions


async def list_(request: Request, viewer: Viewer) -> Response:
    """List the sessions, the last used first."""
    desk = desk_of(request)
    found = await desk.read(sessions.list_of, "", desk.now())
    return page(
        request,
        "admin/sessions.html",
        found=[(each, find_viewer(each.address, desk.policy)) for each in found],
        own=request.state.session.digest,
        said=request.query_params.get("said", ""),
    )


async def end(request: Request, viewer: Viewer) -> Response:
    """End a session: its browser has to log in again."""
    form = await request.form()
    outcome = await act(request, viewer, What.END_SESSION, str(form.get("digest", "")))
    return RedirectResponse(f"/admin/sessions?said={said_of(What.END_SESSION, outcome)}", 303)


ROUTES = [
    Route("/admin/sessions", for_admins(list_), methods=["GET"]),
    Route("/admin/sessions", for_admins(end), methods=["POST"]),
]
