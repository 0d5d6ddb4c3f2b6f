"""A program with a token, whose every answer is checked against what the API says of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.routing import Match, Route

from mailbot.console.api.call import Description
from mailbot.console.api.openapi import OF_ALL, ProblemDetails
from mailbot.console.problems import KINDS, MEDIA_TYPE
from mailbot.store.console import tokens
from mailbot.store.console.sessions import digest_of
from mailbot.store.store import Store

URL = "http://console.example"
BASE = "/api/v1"
ROUTING = frozenset({404, 405})  # of addresses that are no endpoint


class Program:
    """Sends requests below /api/v1 and checks status, type and shape of each answer."""

    def __init__(self, client: httpx.AsyncClient, app: Starlette) -> None:
        self.client, self._app = client, app

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if body is not None:
            options["json"] = body
        return await self.send("POST", path, **options)

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = await self.client.request(method, BASE + path, **options)
        check(answer, self._description(answer))
        return answer

    def _description(self, answer: httpx.Response) -> Description | None:
        request = answer.request
        scope = {"type": "http", "path": request.url.path, "method": request.method}
        for route in self._app.routes:
            if isinstance(route, Route) and route.matches(scope)[0] is Match.FULL:
                return getattr(route.endpoint, "description", None)
        return None


def check(answer: httpx.Response, described: Description | None) -> None:
    """Check an answer by its description, none for an address that does not exist."""
    if answer.is_error:
        assert answer.headers["content-type"] == MEDIA_TYPE, answer.text
        problem = msgspec.json.decode(answer.content, type=ProblemDetails)
        known = {int(KINDS[kind].status) for kind in (*OF_ALL, *described.kinds)} if described else ROUTING
        assert problem.status == answer.status_code
        assert answer.status_code in known, answer.text
        assert problem.detail
    elif described and described.answer is not None:
        msgspec.json.decode(answer.content, type=described.answer)


def make_token(
    store: Store,
    now: datetime,
    address: str,
    *verbs: str,
    teams: tuple[str, ...] = (),
    lasts: timedelta | None = timedelta(days=90),
) -> str:
    """Keep a token in the store and return its secret."""
    made = len(store.read_now(tokens.list_tokens))
    secret = f"{tokens.PREFIX}secret-{made}"
    ends_at = now + lasts if lasts is not None else None
    new = tokens.NewToken(digest_of(secret), "test", address, verbs, teams, now, "operator:eko", ends_at)
    store.write_now(tokens.add, new)
    return secret


@asynccontextmanager
async def program(app: Starlette, secret: str, **headers: str) -> AsyncIterator[Program]:
    """Open a program with this token; "" for none."""
    sent = {**headers, **({"Authorization": f"Bearer {secret}"} if secret else {})}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=URL, headers=sent) as client:
        yield Program(client, app)
