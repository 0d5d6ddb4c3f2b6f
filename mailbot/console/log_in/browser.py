"""What a browser keeps before anybody is logged in: it binds links, answers of providers and forms to the browser."""

from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailbot.console.desk import Desk, desk_of
from mailbot.console.guards import check_origin, csrf_token
from mailbot.console.proxies import client_of
from mailbot.domain.policy import Rate
from mailbot.operations.log_in import new_secret
from mailbot.store.console.sessions import digest_of

PER_CLIENT = Rate(60, timedelta(minutes=10))  # an office of fifty may share one address
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


def is_too_often(request: Request) -> bool:
    """Count an attempt to log in of this client. True when there were too many."""
    desk = desk_of(request)
    return not desk.clients.take(f"log-in {client_of(request)}", PER_CLIENT, desk.now())


async def is_own_form(request: Request) -> bool:
    """Check whether a form of the log-in in this browser was sent."""
    try:
        await check_origin(request)
    except HTTPException:
        return False
    return True
