"""Log in by OpenID Connect: send the browser to the provider, and judge what it brings back.

What the answer is checked by is kept in the store under its state, for the asking browser alone, and is used once.
"""

import asyncio
import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot import log
from mailbot.config.model import Oidc
from mailbot.console.desk import desk_of
from mailbot.console.guards import begin_session, keep_session, public
from mailbot.console.log_in.browser import is_too_often, keep, recognize
from mailbot.console.log_in.by_link import show_log_in
from mailbot.console.log_in.own_paths import own_path
from mailbot.operations import log_in
from mailbot.operations.log_in import new_secret
from mailbot.store.console.sessions import digest_of

BACK = "/login/oidc/callback"


@public
async def go_to_provider(request: Request) -> Response:
    """Lead to the provider's own log-in."""
    oidc = await _oidc(request)
    from mailbot.console.log_in.provider import ProviderFailed, talk_with

    desk, browser = desk_of(request), recognize(request)
    to = own_path(request.query_params.get("next", ""))
    if is_too_often(request):
        return show_log_in(request, "often", to)
    state, nonce, verifier = new_secret(), new_secret(), new_secret()
    try:
        async with talk_with(oidc, f"{desk.url}{BACK}") as provider:
            url = provider.authorization_url(state, nonce, verifier)
    except ProviderFailed as failure:
        return _fail(request, failure.reason, str(failure), to)
    data = json.dumps({"to": to, "nonce": nonce, "verifier": verifier})
    await desk.transact(lambda transaction: log_in.expect_answer(transaction, state, browser, data))
    return keep(request, RedirectResponse(url, 303))


@public
async def take_answer(request: Request) -> Response:
    """Log in whom the provider names. Its answer counts once, in the browser that asked."""
    oidc = await _oidc(request)
    from mailbot.console.log_in.provider import ProviderFailed, talk_with

    desk, browser, query = desk_of(request), recognize(request), request.query_params
    state = digest_of(query.get("state", ""))
    expected = await desk.transact(lambda transaction: log_in.use_answer(transaction, state, browser))
    if expected is None:
        return _fail(request, "answer", "nobody waits for this answer")
    data = json.loads(expected.data)
    if "error" in query or not query.get("code"):
        return _fail(
            request, "refused", f"the provider answers {query.get('error', 'nothing')!r}", data["to"]
        )
    try:
        async with talk_with(oidc, f"{desk.url}{BACK}") as provider:
            provider.check_answer(query.get("iss"))
            claims = await provider.claims(query["code"], data["nonce"], data["verifier"], desk.now())
    except ProviderFailed as failure:
        return _fail(request, failure.reason, str(failure), data["to"])
    return await _log_in(request, claims, data["to"])


async def _log_in(request: Request, claims: Mapping[str, Any], to: str) -> Response:
    address, verified = str(claims.get("email", "")).strip().lower(), claims.get("email_verified")
    if not address or not (verified is True or verified == "true"):
        return _fail(request, "unverified", "the provider has not verified the address", to)
    if await begin_session(request, address, "oidc") is None:
        return _fail(request, "stranger", f"{address} is neither agent nor admin", to)
    return keep_session(request, RedirectResponse(to, 303))


def _fail(request: Request, notice: str, detail: str, to: str = "") -> Response:
    log.log_in_failed(way="oidc", reason=detail)
    return show_log_in(request, notice, to)


async def _oidc(request: Request) -> Oidc:
    """Return the provider's settings; a 404 where there are none. Imports what speaks with it in a thread: that
    takes 0.2 s, and this loop serves SMTP.
    """
    if (oidc := desk_of(request).console.oidc) is None:
        raise HTTPException(404)
    await asyncio.to_thread(import_module, "mailbot.console.log_in.provider")
    return oidc
