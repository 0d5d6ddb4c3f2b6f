"""What a browser keeps before anybody is logged in: it binds links, answers of providers and forms to the browser."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailbot.console.desk import Desk, desk_of
from mailbot.console.guards import check_origin, csrf_token
from mailbot.operations.log_in import new_secret
from mailbot.store.console.sessions import digest_of

KEPT = 24 * 3600  # seconds; a page of the log-in may stay open for a day
LENGTH = len(new_secret())


def _cookie_name(desk: Desk) -> str:
    return "__Host-mailbot-browser" if desk.secure else "mailbot-browser"


def recognize(request: Request) -> str:
    """Return the digest of what the browser keeps, of something new for a browser that comes first.

    Puts the token of the log-in's forms into `request.state`.
    """
    secret = request.cookies.get(_cookie_name(desk_of(request)), "")
    if len(secret) != LENGTH:
        secret = new_secret()
    request.state.browser, request.state.csrf = secret, csrf_token(secret)
    return digest_of(secret)


def keep(request: Request, response: Response) -> Response:
    """Let the browser keep what `recognize` found."""
    desk = desk_of(request)
    response.set_cookie(
        _cookie_name(desk),
        request.state.browser,
        max_age=KEPT,
        secure=desk.secure,
        httponly=True,
        samesite="lax",
    )
    return response


async def is_own_form(request: Request) -> bool:
    """Check whether a form of the log-in in this browser was sent."""
    try:
        await check_origin(request)
    except HTTPException:
        return False
    return True
