"""All routes of the API, with its own description for programs (OpenAPI) and for people."""

from functools import cache

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mailbot.console.api import acts, messages, reads
from mailbot.console.api.call import encode
from mailbot.console.api.openapi import BASE, described, document, path_of
from mailbot.console.desk import desk_of
from mailbot.console.guards import public
from mailbot.console.problems import KINDS
from mailbot.console.respond import page


@public
async def open_api(request: Request) -> Response:
    """Return the description that programs and generators of clients read."""
    return Response(_open_api(desk_of(request).url), media_type="application/json")


@cache
def _open_api(url: str) -> bytes:
    return encode(document(ROUTES, url))  # 12 ms, for everybody who asks


@public
async def overview(request: Request) -> Response:
    """Show people what there is."""
    endpoints = [(method, path_of(route), each) for route, method, each in described(ROUTES)]
    return page(request, "api/overview.html", endpoints=endpoints, kinds=KINDS, base=BASE)


@public
async def to_overview(request: Request) -> Response:
    return RedirectResponse(f"{BASE}/", 308)


def _below(routes: list[BaseRoute]) -> list[BaseRoute]:
    return [
        Route(BASE + each.path, each.endpoint, methods=sorted(each.methods or ()))
        for each in routes
        if isinstance(each, Route)
    ]


ROUTES: list[BaseRoute] = [
    Route(BASE, to_overview),
    Route(f"{BASE}/", overview),
    Route(f"{BASE}/openapi.json", open_api),
    *_below(reads.ROUTES),
    *_below(acts.ROUTES),
    *_below(messages.ROUTES),
]
