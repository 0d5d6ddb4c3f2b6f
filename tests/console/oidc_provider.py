"""A provider of log-ins that speaks OpenID Connect Core 1.0 with PKCE, and fails on request.

It answers over a real socket on loopback. People log in there by `approve`, which takes the place of their browser.
"""

import asyncio
import base64
import hashlib
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "mailbot", "the client's secret"


@dataclass
class OidcProvider:
    """What the provider knows. A test changes `faults`, claims that differ, before the code is exchanged.

    `sign`: makes the ID token of claims. `broken`: paths that answer 500. `codes`: code -> the query that asked.
    """

    now: Callable[[], datetime]
    email: str = ""
    issuer: str = ""
    faults: dict[str, Any] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None

    def __post_init__(self) -> None:
        self.key, self.other = _keys()

    def approve(self, url: str) -> str:
        """Log in at the address that the browser was sent to. Return where it goes back to, without the host."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT)
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        back = urlsplit(query["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(self.now().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": "248289761001",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            "email": self.email,
            "email_verified": True,
        }
        claims = {name: value for name, value in (claims | self.faults).items() if value is not None}
        return self.sign(claims) if self.sign else self.signed(claims)

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    async def discovery(self, request: Request) -> Response:
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        return JSONResponse(found | self.configuration)

    async def keys(self, request: Request) -> Response:
        return JSONResponse(KeySet([self.other, self.key]).as_dict(private=False))

    async def token(self, request: Request) -> Response:
        form = await request.form()
        asked = self.codes.pop(str(form["code"]), None)  # a code is good once
        if not await self._knows(request) or asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (challenge, form["redirect_uri"]) != (asked["code_challenge"], asked["redirect_uri"]):
            return JSONResponse({"error": "invalid_grant"}, 400)
        answer = {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(asked)}
        return JSONResponse(answer)

    async def _knows(self, request: Request) -> bool:
        given = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        form = await request.form()
        return given == f"{CLIENT}:{SECRET}" or (form.get("client_id"), form.get("client_secret")) == (
            CLIENT,
            SECRET,
        )

    def _or_broken(self, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            if request.url.path in self.broken:
                return Response("<h1>Bad gateway</h1>", 502)
            return await endpoint(request)  # type: ignore[no-any-return]

        return answer

    @asynccontextmanager
    async def served(self) -> AsyncIterator["OidcProvider"]:
        """Answer on a free port."""
        routes = [
            Route("/.well-known/openid-configuration", self._or_broken(self.discovery)),
            Route("/keys", self._or_broken(self.keys)),
            Route("/token", self._or_broken(self.token), methods=["POST"]),
        ]
        listening = socket.create_server(("127.0.0.1", 0))
        self.issuer = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = _Server(uvicorn.Config(Starlette(routes=routes), lifespan="off", log_config=None))
        task = asyncio.create_task(server.serve([listening]))
        yield self
        server.should_exit = True
        await task


@cache
def _keys() -> tuple[RSAKey, ECKey]:
    first = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    return first, ECKey.generate_key("P-256", {"kid": "two", "use": "sig", "alg": "ES256"})


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to the tests."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
