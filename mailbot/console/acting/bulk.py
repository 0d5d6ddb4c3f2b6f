"""POST /tickets/bulk: the same on several tickets, each in a transaction of its own, with a line for each.

Without a verb the page asks what to do with the selection. So a list only needs checkboxes and one button.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from mailbot.console.acting.act import Carried, act_on, carry_out
from mailbot.console.acting.attempt import NOTE, Attempt, read_form
from mailbot.console.acting.fields import Place
from mailbot.console.acting.keys import fresh_key, key_of
from mailbot.console.acting.shown import sentence
from mailbot.console.acting.verbs import ON_MANY, forms_for_many
from mailbot.console.desk import Desk, desk_of
from mailbot.console.respond import page, reader_of
from mailbot.console.ticket.find import find_visible
from mailbot.domain import reasons
from mailbot.domain.model import Ticket
from mailbot.domain.people.access import Viewer
from mailbot.errors import CommitUnknown, StoreUnavailable
from mailbot.store.tickets import Outdated

MOST = 100


@dataclass(frozen=True, slots=True)
class Line:
    """What came of one ticket. `state`: done, again (it was done before), refused or unknown."""

    number: str
    subject: str
    state: str
    reason: str = ""


async def bulk(request: Request, viewer: Viewer) -> Response:
    """Ask what to do with the chosen tickets, or do it."""
    desk, form = desk_of(request), await request.form()
    numbers = _numbers(form)
    tickets = await desk.read(_load, numbers[:MOST], viewer)
    attempt = read_form(form)
    if attempt.verb == NOTE and not attempt.text:  # typed into the field of a list's bar
        attempt = replace(attempt, text=attempt.words)
    if attempt.verb not in ON_MANY or not tickets or len(numbers) > MOST:
        status = 422 if attempt.verb or len(numbers) > MOST else 200
        forms = forms_for_many(Place(reader_of(request, viewer), None), viewer.actor)
        return page(
            request,
            "acting/choose.html",
            status=status,
            tickets=tickets,
            forms_for_many=forms,
            once=fresh_key(),
            too_many=len(numbers) > MOST,
            most=MOST,
        )
    if len(numbers) == 1:  # the one button of a list's row
        return await act_on(request, viewer, tickets[0], attempt)
    lines = [await _carry_out(desk, request, viewer, ticket, attempt) for ticket in tickets]
    lines += [_unknown(number) for number in numbers if number not in {each.number for each in tickets}]
    return page(request, "acting/bulk.html", lines=lines)


def _numbers(form: FormData) -> list[str]:
    return list(dict.fromkeys(str(each).strip().upper()[:32] for each in form.getlist("number")))


def _load(connection: Connection, numbers: list[str], viewer: Viewer) -> list[Ticket]:
    return [ticket for each in numbers if (ticket := find_visible(connection, each, viewer))]


def _unknown(number: str) -> Line:
    """Return the same line for a ticket of others as for none."""
    return Line(number, "", "refused", "")


async def _carry_out(desk: Desk, request: Request, viewer: Viewer, ticket: Ticket, attempt: Attempt) -> Line:
    reader, head = reader_of(request, viewer), (ticket.number, ticket.subject)
    own = replace(attempt, once=key_of(attempt.once, (ticket.number,)))
    try:
        carried = await carry_out(desk, viewer, ticket, own)
    except CommitUnknown:
        return Line(*head, "unknown")
    except (StoreUnavailable, Outdated):
        carried = Carried(None, reasons.refuse("not_now"))
    if carried.refusal is None:
        return Line(*head, "done")
    if carried.refusal.reason.code == "already_done":
        return Line(*head, "again")
    return Line(*head, "refused", sentence(carried.refusal.reason, reader))
