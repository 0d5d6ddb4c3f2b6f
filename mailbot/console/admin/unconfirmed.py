"""Messages of web forms that wait until their sender confirms the address. Nobody but the sender lets them in."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailbot.console.desk import desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page
from mailbot.domain.people.access import Viewer
from mailbot.store.console import unconfirmed_posts
from mailbot.views.formats import format_size

SHOWN = 100  # rows


async def list_(request: Request, viewer: Viewer) -> Response:
    """List them, newest first, without their text: anybody may have written it in anybody's name."""
    desk = desk_of(request)
    found = await desk.read(unconfirmed_posts.list_waiting, desk.now(), SHOWN)
    return page(request, "admin/unconfirmed.html", found=found, size=format_size)


ROUTES = [Route("/admin/unconfirmed", for_admins(list_))]
