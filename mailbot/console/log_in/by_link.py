"""Log in by a mailed link. The page of the link has a button: programs that read mail open links, people press.

The answer to the form is the same for every address, and goes out before anything is looked up.
"""

from datetime import datetime
from functools import partial

from starlette.background import BackgroundTask
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot import log
from mailbot.console.desk import desk_of
from mailbot.console.guards import enter, former_session, keep_session, public
from mailbot.console.log_in.browser import is_own_form, is_too_often, keep, recognize
from mailbot.console.log_in.own_paths import own_path
from mailbot.console.proxies import user_of
from mailbot.console.respond import page, reader_of
from mailbot.domain.people.access import find_viewer
from mailbot.operations import log_in
from mailbot.operations.log_in import NewSession
from mailbot.operations.log_in_mail import LinkRequest, mail_link
from mailbot.store.console import log_ins
from mailbot.store.console.log_ins import LogIn
from mailbot.store.console.sessions import digest_of

LONGEST = 320  # letters of an address

# What the page shows beside its form -> status.
NOTICES = {
    "": 200,
    "out": 200,
    "address": 400,
    "answer": 400,
    "again": 403,
    "refused": 403,
    "stranger": 403,
    "unverified": 403,
    "often": 429,
    "down": 503,
}


def show_log_in(request: Request, notice: str = "", to: str = "") -> Response:
    """Render the page of the log-in, with what happened before."""
    recognize(request)
    oidc, user = desk_of(request).console.oidc is not None, user_of(request) or ""
    shown = page(
        request, "log_in/login.html", status=NOTICES[notice], notice=notice, to=to, oidc=oidc, user=user
    )
    return keep(request, shown)


@public
async def log_in_page(request: Request) -> Response:
    """Offer the ways to log in, or lead on who is logged in."""
    to = own_path(request.query_params.get("next", ""))
    if "out" in request.query_params:
        return show_log_in(request, "out", to)
    if await enter(request):
        return keep_session(request, RedirectResponse(to, 303))
    return show_log_in(request, "stranger" if user_of(request) else "", to)


@public
async def ask_for_link(request: Request) -> Response:
    """Mail a link to the address where it is an agent's or an admin's, and answer the same in any case."""
    browser = recognize(request)
    form = await request.form()
    to = own_path(_field(form, "next"))
    if not await is_own_form(request):
        return show_log_in(request, "again", to)
    address = _field(form, "address").strip().lower()
    if "@" not in address or len(address) > LONGEST:
        return show_log_in(request, "address", to)
    desk = desk_of(request)
    if is_too_often(request) or not await desk.transact(partial(log_in.take_attempt, address=address)):
        return show_log_in(request, "often", to)
    wanted = LinkRequest(address, browser, to, desk.url, reader_of(request).language)
    work = BackgroundTask(desk.transact, lambda transaction: mail_link(transaction, wanted))
    return keep(request, RedirectResponse("/login/sent", 303, background=work))


@public
async def sent_page(request: Request) -> Response:
    """Show where to look for the link."""
    return page(request, "log_in/sent.html")


@public
async def link_page(request: Request) -> Response:
    """Show a button that logs in. Opening the page uses nothing up."""
    browser = recognize(request)
    key = request.query_params.get("key", "")
    return await _show_link(request, key, browser)


@public
async def use_link(request: Request) -> Response:
    """Log in whose link it is."""
    browser = recognize(request)
    key = _field(await request.form(), "key")
    if not await is_own_form(request):
        return await _show_link(request, key, browser, status=403)
    desk, secret = desk_of(request), log_in.new_secret()
    wanted = NewSession(secret, "", "link", former_session(request))
    used = await desk.transact(partial(log_in.use_link, key=key, browser=browser, wanted=wanted))
    if used is None:
        log.log_in_failed(way="link", reason="not usable")
        return await _show_link(request, key, browser, status=403)
    log.logged_in(staff=used.address, way="link")
    request.state.begun = secret
    return keep_session(request, RedirectResponse(own_path(used.data), 303))


async def _show_link(request: Request, key: str, browser: str, status: int = 200) -> Response:
    desk = desk_of(request)
    found = await desk.read(log_ins.find, digest_of(key))
    person = find_viewer(found.address, desk.policy) if found else None
    state = _state(found, browser, desk.now()) if person else "over"
    return keep(
        request, page(request, "log_in/link.html", status=status, state=state, key=key, person=person)
    )


def _state(found: LogIn | None, browser: str, now: datetime) -> str:
    if found is None or found.ends_at <= now:
        return "over"
    if not found.is_for(browser):
        return "foreign"
    return "used" if found.used_at else "open"


def _field(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
