"""An office whose console has a ticket's page with the acting part alone."""

import re
from html import unescape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailbot.console.acting.panel import panel_values
from mailbot.console.desk import desk_of
from mailbot.console.find_ticket import find_ticket
from mailbot.console.guards import for_staff
from mailbot.console.respond import page
from mailbot.domain.people.access import Viewer
from tests.console.office import Office

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


async def _ticket_page(request: Request, viewer: Viewer) -> Response:
    ticket = await find_ticket(request, viewer)
    values = await panel_values(request, desk_of(request), viewer, ticket)
    return page(request, "acting_page.html", ticket=ticket, **values)


def add_ticket_page(office: Office) -> None:
    """Add the page, behind whatever the application has at its address."""
    from jinja2 import ChoiceLoader, DictLoader

    source = (
        "{% extends 'base.html' %}{% block main %}<h1>{{ ticket.subject }}</h1>"
        "{% include 'acting/panel.html' %}{% endblock %}"
    )
    environment: Any = office.desk.renderer._environment
    environment.loader = ChoiceLoader([environment.loader, DictLoader({"acting_page.html": source})])
    office.app.router.routes.append(Route("/tickets/{number}", for_staff(_ticket_page)))


def form_fields(html: str, marker: str) -> dict[str, str]:
    """Return the hidden fields of the first form that has this text in it."""
    for form in html.split("<form")[1:]:
        body = form.split("</form>")[0]
        if marker in body:
            return {name: unescape(value) for name, value in _HIDDEN.findall(body)}
    raise AssertionError(f"no form has {marker!r}")
