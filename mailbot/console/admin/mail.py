"""Where a mail would go and why: paste, upload or pick one. It is a dry run of the daemon's own code."""

import asyncio
from dataclasses import replace

from sqlalchemy import Connection
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailbot.console.admin.mail_result import MailResult, condition_text, value_text
from mailbot.console.admin.queues import unread
from mailbot.console.desk import Desk, desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page, reader_of
from mailbot.domain import ticket_number
from mailbot.domain.people.access import Viewer
from mailbot.domain.policy import Policy
from mailbot.mail.compose.sample_mail import write_mail
from mailbot.store import queries
from mailbot.views import dry_run
from mailbot.views.clean_text import clean
from mailbot.views.dry_run import Context, DryRun, TrialMail, Unfit
from mailbot.views.wording import PageWording
from mailbot.workers.agent_loads import AgentLoads
from mailbot.workers.incidents.watch import StormWatch

RECENT = 10  # mails to pick from


async def form(request: Request, viewer: Viewer) -> Response:
    """Show the form, with mails to pick; `?inbox=ID` explains a stored one."""
    desk, asked = desk_of(request), request.query_params.get("inbox", "")
    if not asked:
        return await _form(request, desk)
    trial = await desk.read(dry_run.stored_mail, int(asked)) if asked.isdigit() and len(asked) < 19 else None
    if trial is None:
        raise HTTPException(404)
    return await _explain(request, viewer, trial)


async def explain(request: Request, viewer: Viewer) -> Response:
    """Explain the mail in the form."""
    trial = await _trial_of(await request.form(), desk_of(request).policy)
    if trial is None:
        return await _form(request, desk_of(request), fault="empty")
    try:
        return await _explain(request, viewer, trial)
    except Unfit as unfit:
        return await _form(request, desk_of(request), fault=unfit.what)


async def _form(request: Request, desk: Desk, fault: str = "") -> Response:
    asked = request.query_params.get("number", "")
    number = ticket_number.normalise(asked) if asked else ""

    def find(connection: Connection) -> list[queries.InboxEntry]:
        return queries.list_inbox(connection, number=number or asked[:40], limit=RECENT)

    recent = await desk.read(find)
    return page(
        request,
        "admin/mail_form.html",
        status=400 if fault else 200,
        recent=recent,
        asked=asked,
        fault=fault,
        boxes=tuple(desk.policy.mailboxes),
    )


async def _trial_of(form: FormData, policy: Policy) -> TrialMail | None:
    """Return the mail that was uploaded, pasted or typed; None for an empty form."""
    recipient = str(form.get("to", "")) or None
    upload = form.get("file")
    raw = await upload.read() if isinstance(upload, UploadFile) else b""
    raw = raw or str(form.get("raw", "")).encode()
    if raw.strip():
        return TrialMail(raw, recipient=recipient)
    text, subject = str(form.get("text", "")), str(form.get("subject", ""))
    if not (text.strip() or subject.strip()):
        return None
    sender = clean(form.get("from", "")) or dry_run.DEFAULT_SENDER
    raw = write_mail(sender, recipient or next(iter(policy.mailboxes)), clean(subject), text)
    return TrialMail(raw, recipient=recipient)


async def _explain(request: Request, viewer: Viewer, trial: TrialMail) -> Response:
    desk = desk_of(request)
    result = await asyncio.to_thread(try_mail, desk, trial)
    words = PageWording(desk.policy, viewer.language, viewer.zone, desk.now())
    view = MailResult(result, desk.policy, words, reader_of(request), desk.admin)
    stored = trial.envelope is not None
    return page(
        request,
        "admin/mail_result.html",
        result=result,
        view=view,
        stored=stored,
        text=condition_text,
        value=value_text,
        unread=unread,
    )


def try_mail(desk: Desk, trial: TrialMail) -> DryRun:
    """Decide about the mail without keeping anything: not in the store, nor in what this node remembers."""
    snapshot = replace(desk.deps.runtime.snapshot, agent_loads=AgentLoads(), storms=StormWatch())
    at = trial.envelope.received_at if trial.envelope else desk.now()

    def decide(connection: Connection) -> DryRun:
        return dry_run.dry_run(Context(snapshot.policy, snapshot, connection, at), trial)

    return desk.deps.store.read_now(decide)


ROUTES = [
    Route("/admin/mail", for_admins(form), methods=["GET"]),
    Route("/admin/mail", for_admins(explain), methods=["POST"]),
]
