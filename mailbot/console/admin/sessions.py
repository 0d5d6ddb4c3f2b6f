"""Who is logged in, and which programs have tokens: list, end a session, revoke a token."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailbot.console.admin.queues import act, said_of
from mailbot.console.desk import desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page
from mailbot.domain.people.access import Viewer, find_viewer
from mailbot.operations.mail_queues import What
from mailbot.store.console import sessions, tokens


async def list_(request: Request, viewer: Viewer) -> Response:
    """List the sessions, the last used first, and the tokens that are in force."""
    desk = desk_of(request)
    listed = await desk.read(tokens.list_tokens)
    found = await desk.read(sessions.list_of, "", desk.now())
    return page(
        request,
        "admin/sessions.html",
        found=[(each, find_viewer(each.address, desk.policy)) for each in found],
        tokens=[each for each in listed if each.state(desk.now()) == "active"],
        own=request.state.session.digest,
        said=request.query_params.get("said", ""),
    )


async def end(request: Request, viewer: Viewer) -> Response:
    """End a session, or revoke a token: whoever has it is refused from now on."""
    form = await request.form()
    token = str(form.get("token", ""))
    what = What.REVOKE_TOKEN if token.isdecimal() and len(token) < 19 else What.END_SESSION
    outcome = await act(request, viewer, what, token or str(form.get("digest", "")))
    return RedirectResponse(f"/admin/sessions?said={said_of(what, outcome)}", 303)


ROUTES = [
    Route("/admin/sessions", for_admins(list_), methods=["GET"]),
    Route("/admin/sessions", for_admins(end), methods=["POST"]),
]
