"""What the acting part of a ticket's page shows: what this person can do now."""

from starlette.requests import Request

from mailbot.console.desk import Desk
from mailbot.domain.model import Ticket
from mailbot.domain.people.access import Viewer


async def panel_values(request: Request, desk: Desk, viewer: Viewer, ticket: Ticket) -> dict[str, object]:
    """Return what `pages/acting/panel.html` reads."""
    return {}
