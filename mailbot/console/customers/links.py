"""Who has links to the customers' page of a ticket, and their end. The links are not shown: by one an agent would write
as the customer.
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot.console.desk import desk_of
from mailbot.console.respond import page
from mailbot.console.ticket.find import find_ticket
from mailbot.domain.people.access import Viewer
from mailbot.operations.customer_links import Revocation, readers, revoke_in_turn


async def links_page(request: Request, viewer: Viewer) -> Response:
    """List the people who read the ticket on their page."""
    desk, ticket = desk_of(request), await find_ticket(request, viewer)
    people = await desk.read(readers, ticket) if desk.policy.public_url else ()
    revoked = request.query_params.get("revoked", "")
    shown = revoked if revoked in people else ""
    return page(request, "customers/links.html", ticket=ticket, people=people, revoked=shown)


async def revoke_link(request: Request, viewer: Viewer) -> Response:
    """End the links of one of them."""
    desk, ticket = desk_of(request), await find_ticket(request, viewer)
    address = str((await request.form()).get("address", ""))
    if address in await desk.read(readers, ticket):
        revocation = Revocation(ticket.number, address, viewer.actor, desk.now())
        await revoke_in_turn(desk.deps.store, desk.deps.runtime, revocation)
    url = request.url.replace_query_params(revoked=address)
    return RedirectResponse(f"{url.path}?{url.query}", 303)
