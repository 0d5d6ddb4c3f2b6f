"""POST /tickets/NUMBER/act: carry out a form, and show its outcome. What was typed is never lost.

Theory of operation. A form has a key (see `keys`), which is kept in the transaction of its act. Sent again, after a
second click, a reload or a crash, it leads to what came of the first. After a refusal, and where the database
gives no answer, the page comes back with all that was typed.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot import log
from mailbot.console.acting import joins, shown
from mailbot.console.acting.again import Trouble, again_page
from mailbot.console.acting.attempt import ANSWER, NOTE, Attempt, act_of, read_form
from mailbot.console.acting.files import read_files
from mailbot.console.desk import Desk, desk_of
from mailbot.console.respond import page, reader_of
from mailbot.console.ticket.find import find_ticket
from mailbot.domain import reasons
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.model import Ticket
from mailbot.domain.people.access import Viewer
from mailbot.domain.reasons import Refusal
from mailbot.errors import CommitUnknown, StoreUnavailable
from mailbot.mail.compose.times import local_time
from mailbot.operations.merge_split import MergeCommand, join_in_turn
from mailbot.operations.ticket_commands import ON_A_PAGE, TicketCommand
from mailbot.store import tickets
from mailbot.store.console import drafts, forms
from mailbot.store.console.drafts import Draft
from mailbot.store.console.forms import DoneForm
from mailbot.store.tickets import Outdated
from mailbot.workers.macros import languages_of


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a form. `ticket`: as it is afterwards, where this person sees it."""

    ticket: Ticket | None
    refusal: Refusal | None = None


async def act(request: Request, viewer: Viewer) -> Response:
    """Carry out the form of a ticket's page."""
    desk, form = desk_of(request), await request.form()
    attempt = read_form(form)
    try:
        ticket = await find_ticket(request, viewer)
    except HTTPException:
        if await desk.read(forms.find, attempt.key, viewer.actor):  # it gave the ticket to others
            return _show_apart(attempt.key, again=True)
        raise
    files = await read_files(form, desk.settings.limits.size)
    if isinstance(files, Refusal):
        return await _refused(request, viewer, ticket, attempt, files, had_files=True)
    return await act_on(request, viewer, ticket, replace(attempt, files=files))


async def act_on(request: Request, viewer: Viewer, ticket: Ticket, attempt: Attempt) -> Response:
    """Carry out what a form asks for on a ticket that this person may see, and lead to what came of it."""
    desk = desk_of(request)
    try:
        carried = await carry_out(desk, viewer, ticket, attempt)
    except (StoreUnavailable, Outdated) as error:
        log.page_failed(path=request.url.path, error=error)
        trouble = _trouble(error)
        kept = replace(attempt, again=attempt.key) if trouble is Trouble.IN_DOUBT else attempt
        return await again_page(request, viewer, ticket, kept, trouble)
    refusal = carried.refusal
    if refusal and refusal.reason.code != "already_done":
        return await _refused(request, viewer, ticket, attempt, refusal)
    return _lead_on(viewer, ticket, attempt, carried)


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, CommitUnknown):
        return Trouble.IN_DOUBT
    return Trouble.OUTDATED if isinstance(error, Outdated) else Trouble.STORE


async def _refused(
    request: Request,
    viewer: Viewer,
    ticket: Ticket,
    attempt: Attempt,
    refusal: Refusal,
    *,
    had_files: bool = False,
) -> Response:
    """Show the form again with all that was typed, which is kept as a draft as well."""
    if attempt.text and attempt.verb in (ANSWER, NOTE):
        desk = desk_of(request)
        draft = Draft(ticket.number, viewer.address, attempt.is_note, attempt.text, desk.now())
        with suppress(StoreUnavailable):  # the page has the text as well
            await desk.write(drafts.save, draft)
    trouble = Trouble.REFUSED
    return await again_page(request, viewer, ticket, attempt, trouble, refusal, had_files=had_files)


def _lead_on(viewer: Viewer, ticket: Ticket, attempt: Attempt, carried: Carried) -> Response:
    """Lead to the ticket with what was done; to a page of its own where this person sees the ticket no more."""
    after = carried.ticket or ticket
    if not viewer.may_see(after):
        return _show_apart(attempt.key, again=bool(carried.refusal))
    again = "&again=1" if carried.refusal else ""
    return RedirectResponse(f"/tickets/{after.number}?done={attempt.key}{again}#done", 303)


def _show_apart(key: str, *, again: bool) -> Response:
    return RedirectResponse(f"/tickets/done?key={key}{'&again=1' if again else ''}", 303)


async def done_page(request: Request, viewer: Viewer) -> Response:
    """Show what came of a form whose ticket went where its sender does not see it."""
    desk, key = desk_of(request), request.query_params.get("key", "")
    form: DoneForm | None = await desk.read(forms.find, key, viewer.actor)
    reader = reader_of(request, viewer)
    found = shown.of(form, reader, again=bool(request.query_params.get("again"))) if form else None
    number = form.ticket if form else ""
    return page(request, "acting/done.html", status=200 if form else 404, done=found, number=number)


# --- carrying out -----------------------------------------------------------------------------------------


async def carry_out(desk: Desk, viewer: Viewer, ticket: Ticket, attempt: Attempt) -> Carried:
    """Carry out a form on a ticket that this person may see. Raises StoreUnavailable, Outdated."""
    if attempt.verb in joins.JOINS:
        return await _join(desk, viewer, ticket, attempt)
    command = TicketCommand(
        number=ticket.number,
        act=act_of(attempt, _names_time(desk, ticket, attempt.text)),
        by=viewer.actor,
        now=desk.now(),
        money=attempt.about_money,
        anyway=attempt.anyway,
        once=attempt.key,
        files=attempt.files if attempt.verb == ANSWER else (),
        seen=attempt.seen,
        source=ON_A_PAGE,
    )
    result = await desk.run(command)
    if isinstance(result, Acted):
        return Carried(result.decision.ticket)
    if result is None:  # retention deleted it in between
        return Carried(None, reasons.refuse("no_ticket", ticket=ticket.number))
    return Carried(None, result)


def _names_time(desk: Desk, ticket: Ticket, text: str) -> Callable[[datetime], bool]:
    """Return a check whether the text still has the time that a macro put into it."""
    policy = desk.policy
    zone = policy.zone_of()

    def check(at: datetime) -> bool:
        now, languages = desk.now(), languages_of(ticket, policy)
        return at > now and any(local_time(at, each, zone, now) in text for each in languages)

    return check


async def _join(desk: Desk, viewer: Viewer, ticket: Ticket, attempt: Attempt) -> Carried:
    if refusal := await desk.read(_why_no_join, viewer, ticket, attempt):
        return Carried(None, refusal)
    given = (attempt.verb, attempt.words, attempt.messages)
    command = joins.command_of(*given, other=attempt.other_customer)
    number = attempt.words if attempt.verb == "unmerge" else ticket.number
    request = MergeCommand(number, command, viewer.actor, desk.now(), attempt.key, viewer.may_see)
    result = await join_in_turn(desk.deps.store, desk.deps.runtime, request)
    desk.wake()
    if result is None or isinstance(result, Refusal):
        return Carried(None, result or reasons.refuse("no_ticket", ticket=ticket.number))
    changed = {each.decision.ticket.number: each.decision.ticket for each in result}
    stays = attempt.verb in ("split", "move-message", "unmerge")
    return Carried(changed[ticket.number] if stays else result[-1].decision.ticket)


def _why_no_join(connection: Connection, viewer: Viewer, ticket: Ticket, attempt: Attempt) -> Refusal | None:
    """Refuse what is not on this ticket: a message, or a ticket that is part of another."""
    if forms.find(connection, attempt.key, viewer.actor):  # and therefore it is there no more
        return reasons.refuse("already_done")
    if attempt.verb == "unmerge":
        merged = (ticket.number, *joins.merged_into(connection, ticket.number))
        return None if attempt.words in merged else reasons.refuse("not_merged", ticket=attempt.words)
    if attempt.verb not in ("split", "move-message"):
        return None
    chosen = [each for each in attempt.messages if each.isascii() and each.isdigit()]
    if len(chosen) != len(attempt.messages) or not chosen:
        return reasons.refuse("no_message_chosen")
    strange = (each for each in chosen if tickets.ticket_of_message(connection, int(each)) != ticket.number)
    found = next(strange, "")
    return reasons.refuse("no_message", message=found, ticket=ticket.number) if found else None
