"""The page of one ticket: what came, who has it, by when we answer, our answers, a reply with files, the survey."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot.channels.web import uploads
from mailbot.channels.web.submit import LONGEST_TEXT, Post, submit
from mailbot.channels.web.uploads import MOST_FILES, Unfit
from mailbot.console.customers.visits import Visit, box_of, find_visit, may_send, no_report, show, texts_for
from mailbot.console.desk import Desk, desk_of
from mailbot.console.guards import public
from mailbot.domain.model import Attachment, Authentication
from mailbot.domain.notify import missing_details
from mailbot.domain.policy import Policy
from mailbot.domain.replies.status_answer import where_it_stands
from mailbot.domain.replies.subjects import base_subject
from mailbot.mail.compose.cleaning import body_text, header_text
from mailbot.mail.compose.mime_writer import ComposeRefused
from mailbot.mail.compose.notice_values import size_text
from mailbot.mail.parsing.attachments import is_dangerous
from mailbot.store import conversation
from mailbot.store.console import customer_page
from mailbot.store.console.customer_page import PageContent, PageFile, PageMessage

LONGEST_COMMENT = 2_000  # characters
READ_FILES = 60  # of a form: more are not even read
FIELD_SIZE = 8 * LONGEST_TEXT  # bytes
SENT = ("reply", "rating")  # what the page thanks for
_AT_ONCE = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "application/pdf"})


class _Refused(Exception):
    """A form that can't be taken. `problem` names the sentence with the reason."""

    def __init__(self, problem: str, name: str = "", text: str = "") -> None:
        super().__init__(problem)
        self.problem, self.name, self.text = problem, name, text


@public
async def ticket_page(request: Request) -> Response:
    """Show the page."""
    visit = await find_visit(request)
    if visit is None:
        return no_report(request)
    sent = request.query_params.get("sent", "")
    return await _show(request, visit, sent=sent if sent in SENT else "")


@public
async def reply(request: Request) -> Response:
    """Keep what the visitor writes, with files, as a mail of theirs."""
    visit = await find_visit(request)
    if visit is None:
        return no_report(request)
    try:
        form = await _read_form(request, visit)
        text = _text(form, "text")
        files = await _read_files(form, desk_of(request), text)
        if not text and not files:
            raise _Refused("nothing")
        await _submit(request, visit, await _load(desk_of(request), visit), text, form, files)
    except _Refused as refused:
        return await _show(request, visit, refused=refused)
    return _done(visit, "reply")


@public
async def rate(request: Request) -> Response:
    """Keep the visitor's rating as the mail that the survey asks for. It counts once."""
    visit = await find_visit(request)
    if visit is None:
        return no_report(request)
    try:
        form = await _read_form(request, visit)
        score, comment = str(form.get("score", "")), _text(form, "comment")[:LONGEST_COMMENT]
        if score not in ("1", "2", "3", "4", "5"):
            raise _Refused("no_score")
        content = await _load(desk_of(request), visit)
        if content.survey and visit.reader.is_customer:
            rating = f"{score}\n\n{comment}".strip()
            await _submit(request, visit, content, rating, form, is_rating=True)
    except _Refused as refused:
        return await _show(request, visit, refused=refused)
    return _done(visit, "rating")


@public
async def file(request: Request) -> Response:
    """Serve a file of the visitor, to be saved and never shown in our name."""
    visit = await find_visit(request)
    if visit is None:
        return no_report(request)
    desk = desk_of(request)
    content = await _load(desk, visit)
    wanted = request.path_params["message"], request.path_params["position"]
    found = {
        (message.id, each.position): each
        for message in _shown(desk, content.messages)
        for each in message.files
    }.get(wanted)
    if found is None or not _is_served(found):
        return no_report(request)
    data = (await desk.read(conversation.contents_of, [found.digest])).get(found.digest)
    if data is None:
        return no_report(request)
    kind = found.type if found.type in _AT_ONCE else "application/octet-stream"
    named = f"attachment; filename*=utf-8''{quote(header_text(found.name), safe='')}"
    headers = {"Content-Disposition": named, "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(data, media_type=kind, headers=headers)


# --- what is shown ----------------------------------------------------------------------------------------


async def _load(desk: Desk, visit: Visit) -> PageContent:
    return await desk.read(customer_page.load, visit.reader, desk.policy.forms)


async def _show(
    request: Request, visit: Visit, *, sent: str = "", refused: _Refused | None = None
) -> Response:
    desk, ticket = desk_of(request), visit.ticket
    content, box = await _load(desk, visit), box_of(desk, ticket)
    language = texts_for(request, ticket.language).language
    names_subject = ticket.proven or not _checks_senders(desk) or ticket.first_response_at
    return show(
        request,
        "ticket.html",
        status=422 if refused else 200,
        language=ticket.language,
        visit=visit,
        brand=box.brand,
        subject=header_text(base_subject(ticket.subject)) if names_subject else "",
        stands={"until": None, "promised_at": None, "missed_at": None, "team": {}, "level": {}}
        | where_it_stands(ticket, box, desk.policy, desk.now()),
        needed=_needed(visit, desk.policy, language),
        messages=_shown(desk, content.messages),
        survey=content.survey and visit.reader.is_customer,
        sent=sent,
        refused=refused,
        once=secrets.token_urlsafe(18),
        accept=uploads.ENDINGS,
        most_files=MOST_FILES,
        room=size_text(_room(desk)),
        size=size_text,
        is_served=_is_served,
        switch=visit.url(lang="en" if language == "id" else "id"),
    )


def _checks_senders(desk: Desk) -> bool:
    trust = desk.deps.runtime.snapshot.trust
    return bool(trust.authserv_ids) or trust.verify


def _shown(desk: Desk, messages: Sequence[PageMessage]) -> list[PageMessage]:
    """Hide what anybody may have written in the visitor's name: else our page would show a forger's words."""
    hidden = {Authentication.FAIL} | ({Authentication.NONE} if _checks_senders(desk) else set())
    return [
        replace(each, text="", files=(), hidden=True) if each.own and each.authentication in hidden else each
        for each in messages
    ]


def _needed(visit: Visit, policy: Policy, language: str) -> list[str]:
    if visit.ticket.closed_at or not visit.reader.is_customer:
        return []
    labels = (policy.details[name].labels for name in missing_details(visit.ticket, policy))
    return [names.get(language) or next(iter(names.values()), "") for names in labels]


def _is_served(found: PageFile) -> bool:
    risky = is_dangerous(Attachment(found.name, found.type, found.size, found.digest))
    return not (found.gone or risky)


# --- what is sent -----------------------------------------------------------------------------------------


async def _read_form(request: Request, visit: Visit) -> FormData:
    if not may_send(request, visit):
        raise _Refused("often")
    try:
        return await request.form(max_files=READ_FILES, max_fields=20, max_part_size=FIELD_SIZE)
    except HTTPException:
        raise _Refused("unreadable") from None


def _text(form: FormData, name: str) -> str:
    given = form.get(name, "")
    text = body_text(given).strip() if isinstance(given, str) else ""
    if len(text) > LONGEST_TEXT:
        raise _Refused("long", text=text)
    return text


async def _read_files(form: FormData, desk: Desk, text: str) -> tuple[Attachment, ...]:
    given = [each for each in form.getlist("files") if isinstance(each, UploadFile) and each.filename]
    if len(given) > MOST_FILES:
        raise _Refused(Unfit.MANY, text=text)
    if sum(each.size or 0 for each in given) > _room(desk):
        raise _Refused(Unfit.LARGE, text=text)
    files = []
    for each in given:
        read = await asyncio.to_thread(uploads.read, each.filename or "", await each.read())
        if isinstance(read, Unfit):
            raise _Refused(read, header_text(each.filename or "", 80), text)
        files.append(read)
    return tuple(files)


def _room(desk: Desk) -> int:
    """Return how many bytes of files fit into a mail, where they take a third more."""
    return desk.settings.limits.size * 7 // 10


async def _submit(
    request: Request,
    visit: Visit,
    content: PageContent,
    text: str,
    form: FormData,
    files: tuple[Attachment, ...] = (),
    *,
    is_rating: bool = False,
) -> None:
    desk, ticket = desk_of(request), visit.ticket
    post = Post(
        ticket.number,
        visit.reader.address,
        text,
        subject=base_subject(ticket.subject),
        name=content.name,
        files=files,
        in_reply_to=content.answered_id,
        references=content.references,
        is_rating=is_rating,
        once=str(form.get("once", ""))[:100],
    )
    try:
        keys = desk.deps.runtime.snapshot.keys
        await submit(post, box_of(desk, ticket), keys, desk.keep_mail, desk.now())
    except ComposeRefused:
        raise _Refused("unreadable", text=text) from None


def _done(visit: Visit, what: str) -> Response:
    """Lead back to the page, so that a reload sends nothing again."""
    return RedirectResponse(f"{visit.url(sent=what)}#sent", 303)
