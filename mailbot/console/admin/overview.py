"""The first page for admins: what `mailbot status` says."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailbot.console.desk import desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page
from mailbot.domain.people.access import Viewer
from mailbot.operations.daemons import is_alive
from mailbot.views.formats import format_size
from mailbot.views.status import read_status


async def overview(request: Request, viewer: Viewer) -> Response:
    """Show whether mail is flowing, and what is wrong."""
    desk = desk_of(request)
    store, settings = desk.deps.store, desk.settings
    found = await asyncio.to_thread(read_status, store, settings, desk.policy, desk.now())
    return page(
        request,
        "admin/overview.html",
        status=200,
        found=found,
        figures=found.figures,
        nodes=[(node, is_alive(node)) for node in found.nodes],
        policy=desk.policy,
        size=format_size,
    )


ROUTES = [Route("/admin", for_admins(overview))]
