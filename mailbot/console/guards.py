"""Who may open which page. Each endpoint names its audience; a route without one is refused at the start.

Theory of operation. The session is looked up for each request, and its person by the policy in force: who was
dropped from teams.yaml is out with the reload. A request that changes something also needs the token of the session's
own forms, and must come from our own pages.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from enum import StrEnum
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot import log
from mailbot.console.desk import Desk, desk_of
from mailbot.console.proxies import user_of
from mailbot.domain.people.access import Role, Viewer, find_viewer
from mailbot.operations import log_in
from mailbot.operations.log_in import NewSession
from mailbot.store.console import sessions
from mailbot.store.console.sessions import Session, digest_of

SAFE = frozenset({"GET", "HEAD"})
FIELD, HEADER = "csrf", "X-CSRF-Token"

Endpoint = Callable[[Request], Awaitable[Response]]
Page = Callable[[Request, Viewer], Awaitable[Response]]


class Audience(StrEnum):
    """The audience of an endpoint."""

    EVERYBODY = "everybody"  # it checks by itself what a visitor may see
    STAFF = "staff"  # agents and admins
    AGENTS = "agents"
    MANAGERS = "managers"
    ADMINS = "admins"
    PROGRAMS = "programs"  # with a token


_ROLES: dict[Audience, frozenset[Role]] = {
    Audience.STAFF: frozenset(Role),
    Audience.AGENTS: frozenset({Role.AGENT}),
    Audience.MANAGERS: frozenset({Role.MANAGER, Role.ADMIN}),
    Audience.ADMINS: frozenset({Role.ADMIN}),
}


def cookie_name(desk: Desk) -> str:
    """Return the name of the session's cookie. `__Host-`: no other host of the domain can set it."""
    return "__Host-mailbot" if desk.secure else "mailbot"


def set_cookie(response: Response, desk: Desk, secret: str) -> None:
    """Let the browser keep the session's secret."""
    response.set_cookie(
        cookie_name(desk),
        secret,
        max_age=int(sessions.LASTS.total_seconds()),
        secure=desk.secure,
        httponly=True,
        samesite="lax",
    )


def keep_session(request: Request, response: Response) -> Response:
    """Let the browser keep the session that began with this request, if one did."""
    if secret := getattr(request.state, "begun", ""):
        set_cookie(response, desk_of(request), secret)
    return response


def csrf_token(secret: str) -> str:
    """Return what the session's forms carry. It follows from the secret and does not give it away."""
    return hashlib.sha256(f"csrf {secret}".encode()).hexdigest()


def public(endpoint: Endpoint) -> Endpoint:
    """Serve everybody: the endpoint checks by itself what a visitor may see and do."""
    return _for(Audience.EVERYBODY, endpoint)


def for_staff(page: Page) -> Endpoint:
    """Serve agents and admins who are logged in; others are sent to the log-in."""
    return _guarded(page, Audience.STAFF)


def for_agents(page: Page) -> Endpoint:
    """Serve agents: admins who answer no customers get 403."""
    return _guarded(page, Audience.AGENTS)


def for_managers(page: Page) -> Endpoint:
    """Serve managers and admins."""
    return _guarded(page, Audience.MANAGERS)


def for_admins(page: Page) -> Endpoint:
    """Serve admins."""
    return _guarded(page, Audience.ADMINS)


def _guarded(page: Page, audience: Audience) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        viewer = await enter(request)
        if viewer is None:
            return _log_in_first(request)
        if not viewer.roles & _ROLES[audience]:
            raise HTTPException(403)
        if request.method not in SAFE:
            await check_origin(request)
        return keep_session(request, await page(request, viewer))

    return _for(audience, endpoint)


def _for(audience: Audience, endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint with its audience, and close the files of a form that it was sent."""

    async def closing(request: Request) -> Response:
        try:
            return await endpoint(request)
        finally:
            await request.close()

    closing.audience = audience  # type: ignore[attr-defined]
    return closing


async def enter(request: Request) -> Viewer | None:
    """Return who is logged in, None for nobody. Who is logged in at the web server needs no more than a page."""
    viewer, user = await find_session(request), user_of(request)
    if viewer or not user or request.method not in SAFE:
        return viewer
    secret = await begin_session(request, user, "proxy")
    if secret is None:
        return None
    return await _admit(request, secret, sessions.begin(secret, user, "proxy", desk_of(request).now()))


async def find_session(request: Request) -> Viewer | None:
    """Return whose session it is, None for nobody's. Puts the session and its form token into `request.state`.

    Where the web server in front names somebody else, the session does not count, nor one that began there when it
    names nobody any more.
    """
    desk, user = desk_of(request), user_of(request)
    secret = request.cookies.get(cookie_name(desk), "")
    session = await desk.read(sessions.find, digest_of(secret), desk.now()) if secret else None
    return await _admit(request, secret, session) if session and _counts(session, user) else None


async def _admit(request: Request, secret: str, session: Session) -> Viewer | None:
    desk, now = desk_of(request), desk_of(request).now()
    viewer = find_viewer(session.address, desk.policy)
    if viewer is None:  # dropped from the policy since
        await desk.write(sessions.end, session.digest)
        return None
    if now - session.seen_at >= sessions.SEEN_EVERY:
        await desk.write(sessions.mark_seen, (session.digest, now))
    request.state.session, request.state.viewer = session, viewer
    request.state.csrf = csrf_token(secret)
    return viewer


def _counts(session: Session, user: str | None) -> bool:
    return session.way != "proxy" if user is None else session.address == user


async def begin_session(request: Request, address: str, way: str) -> str | None:
    """Begin a session in place of the one that the browser has. Return its secret, None for who may not log in."""
    secret = log_in.new_secret()
    wanted = NewSession(secret, address, way, former_session(request))
    if not await desk_of(request).transact(lambda transaction: log_in.begin_session(transaction, wanted)):
        return None
    log.logged_in(staff=address, way=way)
    request.state.begun = secret
    return secret


def former_session(request: Request) -> str:
    """Return the digest of the session that the browser has, "" for none."""
    secret = request.cookies.get(cookie_name(desk_of(request)))
    return digest_of(secret) if secret else ""


async def check_origin(request: Request) -> None:
    """Raise HTTPException 403 for a request that our own pages did not send."""
    if not is_from_here(request):
        raise HTTPException(403)
    given = request.headers.get(HEADER)
    if given is None:
        given = str((await request.form()).get(FIELD, ""))
    if not hmac.compare_digest(given.encode(), request.state.csrf.encode()):
        raise HTTPException(403)


def is_from_here(request: Request) -> bool:
    """Check that no page of another site sends the form; browsers say so (W3C Fetch Metadata)."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


def _log_in_first(request: Request) -> Response:
    """Send to the log-in, and back to the page afterwards. A part of a page asks for the whole page instead."""
    if request.headers.get("HX-Request"):
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    if request.method not in SAFE:
        return RedirectResponse("/login", 303)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/login?next={quote(request.url.path + query)}", 303)
