"""The application: all routes of the console, with what holds for each answer.

Theory of operation. A part of the console is a module with a list `ROUTES`; `app` joins these lists. Each endpoint is
wrapped by one of the functions in `guards`, which decides who may open it. `build` refuses a route without one.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from mailbot.console import opening
from mailbot.console.acting import routes as acting
from mailbot.console.admin import routes as admin
from mailbot.console.api import routes as api
from mailbot.console.api.allowance import Allowance
from mailbot.console.board import routes as board
from mailbot.console.channels import routes as channels
from mailbot.console.customers import routes as customers
from mailbot.console.desk import Desk
from mailbot.console.forms import routes as forms
from mailbot.console.forms.frame import framing_origins
from mailbot.console.guards import public
from mailbot.console.lists import routes as lists
from mailbot.console.log_in import routes as log_in
from mailbot.console.render import STATIC
from mailbot.console.respond import HANDLERS, Faults
from mailbot.console.security import BodyLimit, SecurityHeaders
from mailbot.console.ticket import pages as ticket

KEPT = "public, max-age=31536000, immutable"  # the address of a file changes with its content


class _Files(StaticFiles):
    """Files of the pages, kept by browsers for good where their address names their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if b"v=" in scope["query_string"]:
            response.headers["Cache-Control"] = KEPT
        return response


@public
async def first_page(request: Request) -> Response:
    """Lead to the list of the person who is logged in."""
    return RedirectResponse("/tickets", 303)


def routes() -> list[BaseRoute]:
    """List the routes of all parts."""
    return [
        Route("/", first_page),
        Mount("/static", _Files(directory=STATIC), name="static"),
        *opening.ROUTES,
        *log_in.ROUTES,
        *admin.ROUTES,
        *customers.ROUTES,
        *channels.ROUTES,
        *forms.ROUTES,
        *api.ROUTES,
        *lists.ROUTES,
        *board.ROUTES,
        *acting.ROUTES,
        *ticket.ROUTES,  # after what else begins with /tickets/
    ]


def build(desk: Desk) -> Starlette:
    """Build the application. Raises ValueError for a route without a guard."""
    found = routes()
    check_audiences(found)
    middleware = [
        Middleware(SecurityHeaders, origins=partial(framing_origins, desk)),
        Middleware(Faults),
        Middleware(BodyLimit, most=desk.settings.limits.size),
    ]
    app = Starlette(routes=found, middleware=middleware, exception_handlers=HANDLERS)
    app.router.redirect_slashes = False  # it leads to whatever host a request names, and to http
    app.state.desk, app.state.allowance, app.state.reporting = desk, Allowance(), asyncio.Lock()
    return app


def check_audiences(found: Sequence[BaseRoute]) -> None:
    """Raise ValueError for a route whose endpoint was not wrapped by a guard."""
    for route in found:
        if isinstance(route, Route) and not hasattr(route.endpoint, "audience"):
            raise ValueError(f"{route.path} does not say whom it is for")
