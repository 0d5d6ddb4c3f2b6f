"""Mail that is parked, failed or stuck, and addresses that get no automatic mail: list, show, retry, drop, lift."""

import asyncio
import secrets
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailbot.console.desk import Desk, desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page
from mailbot.console.ticket.find import path_id
from mailbot.domain import reasons
from mailbot.domain.model import UNDER_WAY_STATES, WAITING_STATES, InboundMail, InboxState, OutboxState
from mailbot.domain.people.access import Viewer
from mailbot.mail.compose.notice_words import UNREAD
from mailbot.mail.parsing.parse import parse
from mailbot.operations.mail_queues import Outcome, QueueCommand, What, carry_out
from mailbot.store import outbox_queries, queries, suppressions
from mailbot.views.clean_text import clean
from mailbot.views.formats import format_size

SHOWN = 100  # rows of a list
BECAUSE = 150  # characters of a reason
HOURS = ("1", "6", "24", "168")  # since which failed mail is tried again
STUCK = "stuck"  # beside the states: claimed, and in nobody's hand
INBOX_STATES = (InboxState.PARKED, STUCK, InboxState.NEW)
OUTBOX_STATES: dict[str, tuple[OutboxState, ...]] = {
    OutboxState.FAILED: (OutboxState.FAILED,),
    OutboxState.DEFERRED: (OutboxState.DEFERRED,),
    STUCK: (),
    "waiting": (*WAITING_STATES, *UNDER_WAY_STATES),
}


async def inbox(request: Request, viewer: Viewer) -> Response:
    """List mail that came in: what is parked, stuck, or waits."""
    state = _chosen(request, INBOX_STATES)

    def find(connection: Connection) -> list[queries.InboxEntry]:
        states = () if state == STUCK else (state,)
        return queries.list_inbox(connection, states=states, stuck=state == STUCK, limit=SHOWN)

    mails = await desk_of(request).read(find)
    return _list(request, "admin/inbox.html", mails, state, INBOX_STATES)


async def inbox_mail(request: Request, viewer: Viewer) -> Response:
    """Show one mail that came in, and how it is read."""
    desk, mail_id = desk_of(request), path_id(request, "mail_id")
    entry = await desk.read(queries.find_inbox_entry, mail_id)
    if entry is None:
        raise HTTPException(404)
    raw = await desk.read(queries.raw_mail, mail_id)
    mail = await asyncio.to_thread(_parsed, desk, raw) if raw else None
    return _mail_page(request, "admin/inbox_mail.html", entry=entry, mail=mail)


async def outbox(request: Request, viewer: Viewer) -> Response:
    """List mail of ours that failed, is deferred, stuck, or waits."""
    state = _chosen(request, tuple(OUTBOX_STATES))

    def find(connection: Connection) -> list[outbox_queries.Entry]:
        states = OUTBOX_STATES[state]
        return outbox_queries.list_entries(connection, states=states, stuck=state == STUCK, limit=SHOWN)

    mails = await desk_of(request).read(find)
    return _list(request, "admin/outbox.html", mails, state, tuple(OUTBOX_STATES))


async def outbox_mail(request: Request, viewer: Viewer) -> Response:
    """Show one mail of ours: its attempts and its text."""
    desk, mail_id = desk_of(request), path_id(request, "mail_id")
    entry = await desk.read(outbox_queries.find_entry, mail_id)
    if entry is None:
        raise HTTPException(404)
    raw = await desk.read(queries.frozen_mail, mail_id)
    mail = await asyncio.to_thread(_parsed, desk, raw) if raw else None
    attempts = await desk.read(outbox_queries.attempts_of, mail_id)
    return _mail_page(request, "admin/outbox_mail.html", entry=entry, mail=mail, attempts=attempts)


async def suppressed(request: Request, viewer: Viewer) -> Response:
    """List the addresses that get no automatic mail."""
    desk = desk_of(request)
    found = await desk.read(suppressions.list_active, desk.now(), SHOWN)
    return _list(request, "admin/suppressions.html", found, "", ())


def _parsed(desk: Desk, raw: bytes) -> InboundMail:
    trust = desk.deps.runtime.snapshot.trust
    return parse(raw, trust.authserv_ids, desk.policy.mailboxes.keys())


def unread(mail: InboundMail, language: str) -> str:
    """Return in words what could not be read of a mail."""
    return " ".join(UNREAD[language][flag] for flag in mail.flags if flag in UNREAD[language])


def _chosen(request: Request, states: tuple[str, ...]) -> str:
    asked = request.query_params.get("state", "")
    return asked if asked in states else states[0]


def _list(request: Request, template: str, found: list[Any], state: str, states: tuple[str, ...]) -> Response:
    """Render a list. `said`: what was done by the form that led here."""
    said = request.query_params.get("said", "")
    return page(
        request,
        template,
        found=found,
        state=state,
        states=states,
        said=said,
        once=secrets.token_urlsafe(),
        shown=SHOWN,
        why=reasons.render,
    )


def _mail_page(request: Request, template: str, **values: Any) -> Response:
    said = request.query_params.get("said", "")
    return page(
        request,
        template,
        said=said,
        once=secrets.token_urlsafe(),
        size=format_size,
        why=reasons.render,
        unread=unread,
        **values,
    )


# --- what the forms do --------------------------------------------------------------------------------------


async def act_on_inbox(request: Request, viewer: Viewer) -> Response:
    """Retry or drop a mail that came in."""
    what = {"retry": What.RETRY_INBOX, "drop": What.DROP_INBOX}
    return await _act_on_mail(request, viewer, "/admin/inbox", what)


async def act_on_outbox(request: Request, viewer: Viewer) -> Response:
    """Retry or drop a mail of ours."""
    what = {"retry": What.RETRY_OUTBOX, "drop": What.DROP_OUTBOX}
    return await _act_on_mail(request, viewer, "/admin/outbox", what)


async def retry_failed(request: Request, viewer: Viewer) -> Response:
    """Try all mail again that failed since some hours, as after a relay that refused everybody."""
    hours = str((await request.form()).get("hours", ""))
    if hours not in HOURS:
        raise HTTPException(400)
    outcome = await act(request, viewer, What.RETRY_FAILED, hours)
    return RedirectResponse(f"/admin/outbox?said={said_of(What.RETRY_FAILED, outcome)}", 303)


async def _act_on_mail(request: Request, viewer: Viewer, back: str, what: dict[str, What]) -> Response:
    form = await request.form()
    if form.get("do") not in what:
        raise HTTPException(400)
    mail_id = path_id(request, "mail_id")
    outcome = await act(request, viewer, what[str(form["do"])], str(mail_id))
    return RedirectResponse(f"{back}/{mail_id}?said={said_of(what[str(form['do'])], outcome)}", 303)


async def lift(request: Request, viewer: Viewer) -> Response:
    """Send automatic mail to an address again."""
    form = await request.form()
    outcome = await act(request, viewer, What.LIFT, str(form.get("address", "")))
    return RedirectResponse(f"/admin/suppressions?said={said_of(What.LIFT, outcome)}", 303)


async def act(request: Request, viewer: Viewer, what: What, target: str) -> Outcome:
    """Carry out what a form asks for, once by its key."""
    desk, form = desk_of(request), await request.form()
    because = clean(form.get("because", ""), BECAUSE)
    once = str(form.get("once", ""))[:100]
    command = QueueCommand(what, target, viewer.actor, desk.now(), because, once)
    outcome: Outcome = await desk.write(carry_out, command)
    desk.wake()
    return outcome


def said_of(what: What, outcome: Outcome) -> str:
    """Return the text of the next page: what was done, also where the same form did it before."""
    return "refused" if outcome is Outcome.REFUSED else what


ROUTES = [
    Route("/admin/inbox", for_admins(inbox)),
    Route("/admin/inbox/{mail_id:int}", for_admins(inbox_mail), methods=["GET"]),
    Route("/admin/inbox/{mail_id:int}", for_admins(act_on_inbox), methods=["POST"]),
    Route("/admin/outbox", for_admins(outbox), methods=["GET"]),
    Route("/admin/outbox", for_admins(retry_failed), methods=["POST"]),
    Route("/admin/outbox/{mail_id:int}", for_admins(outbox_mail), methods=["GET"]),
    Route("/admin/outbox/{mail_id:int}", for_admins(act_on_outbox), methods=["POST"]),
    Route("/admin/suppressions", for_admins(suppressed), methods=["GET"]),
    Route("/admin/suppressions", for_admins(lift), methods=["POST"]),
]
