"""Find the ticket that an address names. What somebody may not see looks like what is not there."""

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailbot.console.desk import desk_of
from mailbot.domain import ticket_number
from mailbot.domain.model import Ticket
from mailbot.domain.people.access import Viewer
from mailbot.store import queries

_MOST = 2**62  # the engines have no larger integers


async def find_ticket(request: Request, viewer: Viewer) -> Ticket:
    """Return the ticket in the path, its number in any spelling. Raises HTTPException 404."""
    number = ticket_number.normalise(request.path_params["number"])
    found: Ticket | None = await desk_of(request).read(find_visible, number, viewer) if number else None
    if found is None:
        raise HTTPException(404)
    return found


def find_visible(connection: Connection, number: str, viewer: Viewer) -> Ticket | None:
    """Return the ticket with this number where this person may see it."""
    ticket = queries.ticket(connection, number)
    return ticket if ticket and viewer.may_see(ticket) else None


def path_id(request: Request, name: str) -> int:
    """Return the id in the path. Raises HTTPException 404 for one that no row can have."""
    found: int = request.path_params[name]
    if found > _MOST:
        raise HTTPException(404)
    return found


def merge_target(connection: Connection, ticket: Ticket) -> Ticket | None:
    """Return the ticket that this one was merged into, through chains; None where it was not."""
    passed, found = {ticket.number}, None
    while ticket.merged_into and ticket.merged_into not in passed:
        passed.add(ticket.merged_into)
        into = queries.ticket(connection, ticket.merged_into)
        if into is None:
            break
        found = ticket = into
    return found
