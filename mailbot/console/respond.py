"""Answers of pages: a rendered template, an error that explains what happened to the visitor's work."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailbot import log
from mailbot.console.desk import desk_of
from mailbot.console.problems import Problem, of_http_error
from mailbot.console.render import Reader
from mailbot.console.security import PROGRAMS
from mailbot.domain.people.access import Viewer
from mailbot.errors import CommitUnknown, StoreUnavailable
from mailbot.store.tickets import Outdated

LANGUAGES = ("id", "en")


def reader_of(request: Request, viewer: Viewer | None = None) -> Reader:
    """Return how texts are written for this visitor: an agent's language and zone, else what the browser asks for."""
    desk = desk_of(request)
    viewer = viewer or getattr(request.state, "viewer", None)
    if viewer:
        return Reader(viewer.language, viewer.zone, desk.policy, desk.now())
    zone = desk.policy.zone_of()
    return Reader(_asked_language(request), zone, desk.policy, desk.now())


def _asked_language(request: Request) -> str:
    """Return the first of our languages in Accept-Language; Indonesian where it names none."""
    for part in request.headers.get("Accept-Language", "").lower().split(","):
        language = part.partition(";")[0].strip().partition("-")[0]
        if language in LANGUAGES:
            return language
    return "id"


def page(
    request: Request, template: str, *, status: int = 200, reader: Reader | None = None, **values: object
) -> HTMLResponse:
    """Render `pages/TEMPLATE`. Templates also get `viewer`, `csrf` and `path`."""
    reader = reader or reader_of(request)
    standing = {
        "viewer": getattr(request.state, "viewer", None),
        "csrf": getattr(request.state, "csrf", ""),
        "path": request.url.path,
    }
    return HTMLResponse(
        desk_of(request).renderer.render(template, reader, {**standing, **values}), status_code=status
    )


# --- errors -----------------------------------------------------------------------------------------------


def is_for_programs(request: Request) -> bool:
    """Check whether a program asks, which reads JSON."""
    return request.url.path.startswith(PROGRAMS)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer a refused or unknown request. What somebody may not see looks like what is not there."""
    assert isinstance(error, HTTPException)
    if is_for_programs(request):
        return of_http_error(error).response()
    return page(request, "error.html", status=error.status_code, reason=_reason(error.status_code))


async def on_problem(_request: Request, error: Exception) -> Response:
    """Answer a program with the problem that ended its request."""
    assert isinstance(error, Problem)
    return error.response()


async def on_store_unavailable(request: Request, error: Exception) -> Response:
    """Show whether the work of the visitor was kept: nothing was, or it is not known."""
    reason = "in_doubt" if isinstance(error, CommitUnknown) else "store"
    log.page_failed(path=request.url.path, error=error)
    if is_for_programs(request):
        return Problem(reason.replace("_", "-")).response()
    return page(request, "error.html", status=503, reason=reason)


async def on_outdated(request: Request, error: Exception) -> Response:
    """Others changed the ticket several times in between: nothing was done."""
    if is_for_programs(request):
        return Problem("outdated").response()
    return page(request, "error.html", status=409, reason="outdated")


class Faults:
    """Answers where our own code failed: nothing of it leaks, the log has it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began = False

        async def send_noting(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:  # as in a loop: one request fails alone
            request = Request(scope)
            log.page_failed(path=request.url.path, error=error)
            if began:
                raise
            await _fault(request)(scope, receive, send)


def _fault(request: Request) -> Response:
    if is_for_programs(request):
        return Problem("fault").response()
    return page(request, "error.html", status=500, reason="fault")


HANDLERS = {
    HTTPException: on_http_error,
    Problem: on_problem,
    StoreUnavailable: on_store_unavailable,
    Outdated: on_outdated,
}


def _reason(status: int) -> str:
    return {403: "forbidden", 404: "missing", 405: "missing", 400: "unreadable"}.get(status, "refused")
