"""One request of a program: who asks, what for, and the description by which pages and OpenAPI show the endpoint.

Theory of operation. `for_programs(description)` wraps each endpoint. It looks the token up, counts the request, checks
the verb, and reads query and body into the types of the description. Cookies are never read, so no form of another
page can act. What an endpoint returns is encoded as JSON; bytes are JSON already.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from mailbot.console.api.allowance import Allowance
from mailbot.console.api.read_request import read_body, read_query
from mailbot.console.desk import Desk, desk_of
from mailbot.console.guards import Audience, Endpoint
from mailbot.console.problems import Problem
from mailbot.domain import ticket_number
from mailbot.domain.model import Ticket
from mailbot.domain.people.access import Viewer, find_viewer
from mailbot.domain.people.token_scope import READ, TokenScope
from mailbot.store import queries
from mailbot.store.console import tokens
from mailbot.store.console.sessions import digest_of
from mailbot.store.console.tokens import PREFIX, Token
from mailbot.views.json_form import to_json

LARGE = 200_000  # bytes of a body
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="mailbot"'}


class NoQuery(msgspec.Struct, frozen=True):
    """No parameters."""


@dataclass(frozen=True, slots=True)
class Description:
    """What an endpoint is for.

    - `answer`: the type of its answer; None for a file. `verb`: what its token needs, "" for any token.
    - `query`, `body`: the types of its parameters and its body. `kinds`: of its own problems.
    - `status`: of its answer.
    """

    summary: str
    answer: Any
    verb: str = READ
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] | None = None
    kinds: tuple[str, ...] = ()
    status: int = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with header fields of its own."""

    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be answered. `raw`: its body as it came; `body`: the same as the description's type."""

    request: Request
    desk: Desk
    viewer: Viewer
    token: Token
    query: Any
    body: Any
    raw: bytes

    async def ticket(self) -> Ticket:
        """Return the ticket that the address names. Raises Problem, the same for one that may not be seen."""
        number = ticket_number.normalise(self.request.path_params["number"])
        found = await self.desk.read(queries.ticket, number) if number else None
        if found is None or not self.viewer.may_see(found):
            raise Problem("not-found", "There is no such ticket.")
        return found

    async def read(self, query: Callable[..., Any], *args: Any) -> bytes:
        """Return what `query(connection, *args)` finds as JSON, made on the reader's thread."""

        def read(connection: Connection) -> bytes:
            return encode(query(connection, *args))

        return await self.desk.read(read)

    def zone(self, team: str = "") -> str:
        return self.desk.policy.zone_of(team)


def encode(value: Any) -> bytes:
    return msgspec.json.encode(to_json(value))


Handler = Callable[[Call], Awaitable[Any]]


def for_programs(description: Description) -> Callable[[Handler], Endpoint]:
    """Serve programs with a token that has the description's verb."""

    def wrap(handler: Handler) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            desk = desk_of(request)
            token, viewer = await _find_caller(request, desk)
            if description.verb and not scope_of(token).allows(description.verb):
                raise _lacks(description.verb)
            raw = await request.body() if description.body else b""
            query = read_query(request.query_params.multi_items(), description.query)
            body = await _read_body(raw, description.body) if description.body else None
            result = await handler(Call(request, desk, viewer, token, query, body, raw))
            return _respond(result, description.status)

        endpoint.audience = Audience.PROGRAMS  # type: ignore[attr-defined]
        endpoint.description = description  # type: ignore[attr-defined]
        return endpoint

    return wrap


async def _read_body(raw: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Read a body; a large one, which has files, on another thread: the event loop also serves SMTP."""
    return await asyncio.to_thread(read_body, raw, kind) if len(raw) > LARGE else read_body(raw, kind)


def scope_of(token: Token) -> TokenScope:
    return TokenScope(frozenset(token.verbs), frozenset(token.teams))


async def _find_caller(request: Request, desk: Desk) -> tuple[Token, Viewer]:
    """Return the token and in whose name it acts. Raises Problem where it is not valid or used too often."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    secret, now = secret.strip(), desk.now()
    if scheme.lower() != "bearer" or not secret.startswith(PREFIX):
        raise Problem("no-token", headers=CHALLENGE)
    token = await desk.read(tokens.find, digest_of(secret))
    viewer = find_viewer(token.address, desk.policy) if token else None
    if token is None or viewer is None or token.state(now) != "active":
        raise Problem("no-token", headers=CHALLENGE)
    allowance: Allowance = request.app.state.allowance
    if wait := allowance.take(token.id, now):
        raise Problem("too-many", headers={"Retry-After": str(ceil(wait.total_seconds()))})
    if token.used_at is None or now - token.used_at >= tokens.USED_EVERY:
        await desk.write(tokens.mark_used, (token.id, now))
    return token, replace(viewer, within=frozenset(token.teams))


def _lacks(verb: str) -> Problem:
    return Problem(
        "forbidden",
        f"This token lacks the verb {verb}: make one with `mailbot token create --verb {verb}`."
        if verb != READ
        else "This token may not read: it was made with --no-read.",
    )


def _respond(result: Any, status: int) -> Response:
    if isinstance(result, Response):
        return result
    answer = result if isinstance(result, Answer) else Answer(result)
    content = answer.content if isinstance(answer.content, bytes) else encode(answer.content)
    return Response(content, status, headers=answer.headers, media_type="application/json")
