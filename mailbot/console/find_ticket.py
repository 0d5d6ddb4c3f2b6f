"""Find the ticket that a page is about. What a person may not see looks like what is not there."""

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailbot.console.desk import desk_of
from mailbot.domain.model import Ticket
from mailbot.domain.people.access import Viewer
from mailbot.store import queries


async def find_ticket(request: Request, viewer: Viewer) -> Ticket:
    """Return the ticket whose number is in the address. Raises HTTPException 404."""
    number = str(request.path_params["number"]).upper()
    return visible(await desk_of(request).read(queries.ticket, number), viewer)


def visible(ticket: Ticket | None, viewer: Viewer) -> Ticket:
    """Return the ticket where this person may see it. Raises HTTPException 404."""
    if ticket is None or not viewer.may_see(ticket):
        raise HTTPException(404)
    return ticket


def find_visible(connection: Connection, number: str, viewer: Viewer) -> Ticket | None:
    """Return the ticket with this number where this person may see it."""
    ticket = queries.ticket(connection, number)
    return ticket if ticket and viewer.may_see(ticket) else None
