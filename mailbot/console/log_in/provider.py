"""Speak OpenID Connect with the provider: discovery, the authorization code with PKCE, the ID token.

Specifications: OpenID Connect Core 1.0 section 3.1 and Discovery 1.0, RFC 6749 section 4.1, RFC 7636, RFC 9207.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from authlib.oauth2.claims import ClaimsOption
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from mailbot.config.model import Oidc

TIMEOUT = 10  # seconds for each answer
LEEWAY = 60  # seconds that clocks may differ
SCOPE = "openid email"
# Signatures by the provider's private key. Neither `none` nor HS256, whose key could be a public one.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderFailed(Exception):
    """The provider does not answer, or not as it has to. `reason`: down, refused."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Provider:
    """The provider, and how we stand with it. `back`: where it sends people back to."""

    def __init__(self, oidc: Oidc, back: str, client: httpx.AsyncClient, found: Mapping[str, Any]) -> None:
        self._oidc, self._back, self._client, self._found = oidc, back, client, found

    def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Return where the browser goes to log in."""
        endpoint = str(self._found["authorization_endpoint"])
        query = {
            "response_type": "code",
            "client_id": self._oidc.client_id,
            "redirect_uri": self._back,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    def check_answer(self, issuer: str | None) -> None:
        """Raise ProviderFailed for an answer of another provider (RFC 9207)."""
        needed = bool(self._found.get("authorization_response_iss_parameter_supported"))
        if issuer != self._found["issuer"] and (needed or issuer is not None):
            raise ProviderFailed("refused", f"the answer is of another issuer: {issuer!r}")

    async def claims(self, code: str, nonce: str, verifier: str, now: datetime) -> Mapping[str, Any]:
        """Exchange the code, and return the claims of a valid ID token. Raises ProviderFailed."""
        tokens = await self._exchange(code, verifier)
        keys = await _json(self._client.get(self._found["jwks_uri"]))
        try:
            token = jwt.decode(str(tokens.get("id_token", "")), KeySet.import_key_set(keys), [*ALGORITHMS])  # type: ignore[arg-type]
            wanted: dict[str, ClaimsOption] = {
                "iss": {"essential": True, "value": self._found["issuer"]},
                "aud": {"essential": True, "value": self._oidc.client_id},
            }
            params = {"nonce": nonce, "client_id": self._oidc.client_id}
            params["access_token"] = str(tokens.get("access_token", ""))
            claims = CodeIDToken(token.claims, token.header, wanted, params)
            claims.validate(int(now.timestamp()), LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderFailed("refused", f"the ID token does not count: {error!r}") from error
        return dict(claims)

    async def _exchange(self, code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": verifier,
        }
        known = self._oidc.client_id, self._oidc.secret
        methods = self._found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        endpoint = self._found["token_endpoint"]
        if "client_secret_basic" in methods:
            return await _json(self._client.post(endpoint, data=form, auth=known))
        form |= dict(zip(("client_id", "client_secret"), known, strict=True))
        return await _json(self._client.post(endpoint, data=form))


@asynccontextmanager
async def talk_with(oidc: Oidc, back: str) -> AsyncIterator[Provider]:
    """Read the provider's configuration, and keep a client open for what follows. Raises ProviderFailed."""
    trusted = await asyncio.to_thread(ssl.create_default_context)  # reads all certificates: takes a while
    async with httpx.AsyncClient(timeout=TIMEOUT, verify=trusted, trust_env=False) as client:
        found = await _json(client.get(f"{oidc.issuer}/.well-known/openid-configuration"))
        if str(found.get("issuer", "")).rstrip("/") != oidc.issuer:
            raise ProviderFailed("down", f"the configuration is of another issuer: {found.get('issuer')!r}")
        if missing := [name for name in _NEEDED if not isinstance(found.get(name), str)]:
            raise ProviderFailed("down", f"the configuration lacks {', '.join(missing)}")
        yield Provider(oidc, back, client, found)


async def _json(request: Awaitable[httpx.Response]) -> Mapping[str, Any]:
    """Return the object that the provider answers. Raises ProviderFailed."""
    try:
        async with asyncio.timeout(TIMEOUT):
            response = await request
        found = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        raise ProviderFailed("down", f"no answer: {error!r}") from error
    if response.is_success and isinstance(found, dict):
        return found
    refused = response.is_client_error and isinstance(found, dict)
    detail = found.get("error") if refused else response.status_code
    raise ProviderFailed("refused" if refused else "down", f"the provider answers {detail!r}")
