"""Log in by OpenID Connect, at a provider that answers as it should and as it should not."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from mailbot.config.model import Console, Oidc
from mailbot.store.console import log_ins
from tests.builders import RINA, SARI
from tests.console.office import Office, Visitor
from tests.console.oidc_provider import CLIENT, SECRET, OidcProvider

START = "/login/oidc?next=/search?q=saldo"


@pytest.fixture
async def provider(office: Office) -> AsyncIterator[OidcProvider]:
    async with OidcProvider(office.desk.now, RINA.address).served() as provider:
        yield provider


@pytest.fixture
def console(office: Office, provider: OidcProvider) -> Office:
    """Return an office that logs people in at the provider."""
    oidc = Oidc(provider.issuer, CLIENT, SECRET)
    return Office(office.store, console=Console("127.0.0.1", 8025, oidc=oidc))


async def log_in(visitor: Visitor, provider: OidcProvider, way: str = START) -> httpx.Response:
    """Go to the provider, log in there, come back."""
    return await visitor.get(provider.approve((await visitor.get(way)).headers["location"]))


async def test_who_the_provider_knows_is_logged_in_and_led_on(
    console: Office, provider: OidcProvider
) -> None:
    async with console.visitor() as rina:
        assert "/login/oidc?next=" in (await rina.get("/login?next=/board")).text
        answer = await log_in(rina, provider)
        assert (answer.status_code, answer.headers["location"]) == (303, "/search?q=saldo")
        assert ">Rina</a>" in (await rina.get("/logout")).text


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_the_client_proves_itself_as_the_provider_wants(
    console: Office, provider: OidcProvider, method: str
) -> None:
    provider.configuration["token_endpoint_auth_methods_supported"] = [method]
    async with console.visitor() as rina:
        assert (await log_in(rina, provider)).status_code == 303


@pytest.mark.parametrize(
    "fault",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"nbf": 9_999_999_999},
        {"at_hash": "wrong"},
    ],
    ids=str,
)
async def test_an_id_token_with_a_fault_logs_nobody_in(
    console: Office, provider: OidcProvider, fault: dict[str, Any]
) -> None:
    provider.faults = fault
    await assert_refused(console, provider, 403, "jawabannya tidak sah")


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"email_verified": False}, "belum memastikan"),
        ({"email_verified": None}, "belum memastikan"),
        ({"email_verified": "false"}, "belum memastikan"),
        ({"email_verified": 1}, "belum memastikan"),
        ({"email": None}, "belum memastikan"),
        ({"email": ["rina@tim.example"]}, "bukan petugas"),
        ({"email": "budi@pelanggan.example"}, "bukan petugas"),
    ],
    ids=str,
)
async def test_an_address_that_is_not_verified_or_not_known_logs_nobody_in(
    console: Office, provider: OidcProvider, claims: dict[str, Any], words: str
) -> None:
    provider.faults = claims
    await assert_refused(console, provider, 403, words)


def _unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
        + "."
    )


def _by_the_clients_secret(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(SECRET))


@cache
def _stranger() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "one"})


def _by_a_strangers_key(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, _stranger())


def _by_a_key_that_it_brings(claims: dict[str, Any]) -> str:
    header = {"alg": "RS256", "jwk": _stranger().as_dict(private=False)}
    return jwt.encode(header, claims, _stranger())


@pytest.mark.parametrize(
    "sign",
    [
        _unsigned,
        _by_the_clients_secret,
        _by_a_strangers_key,
        _by_a_key_that_it_brings,
        lambda claims: "",
        lambda claims: "a.b.c",
        lambda claims: "a.b.c.d.e",
    ],
)
async def test_an_id_token_that_the_provider_did_not_sign_logs_nobody_in(
    console: Office, provider: OidcProvider, sign: Callable[[dict[str, Any]], str]
) -> None:
    provider.sign = sign
    await assert_refused(console, provider, 403, "jawabannya tidak sah")


async def assert_refused(office: Office, provider: OidcProvider, status: int, words: str) -> None:
    async with office.visitor() as visitor:
        answer = await log_in(visitor, provider)
        assert (answer.status_code, words in answer.text) == (status, True)
        assert (await visitor.get("/logout")).status_code == 303


async def test_an_answer_counts_once_and_so_does_its_code(console: Office, provider: OidcProvider) -> None:
    async with console.visitor() as rina:
        back = provider.approve((await rina.get(START)).headers["location"])
        assert (await rina.get(back)).status_code == 303
        code = httpx.URL(back).params["code"]
        assert (await rina.get(back)).status_code == 400
        other = provider.approve((await rina.get(START)).headers["location"])
        provider.codes.pop(httpx.URL(other).params["code"])
        replayed = str(httpx.URL(other).copy_set_param("code", code))
        assert (await rina.get(replayed)).status_code == 403


async def test_an_answer_counts_in_the_browser_that_asked_and_in_time(
    console: Office, provider: OidcProvider
) -> None:
    async with console.visitor() as thief, console.visitor() as victim:
        back = provider.approve((await thief.get(START)).headers["location"])
        assert (await victim.get(back)).status_code == 400
        console.intake.clock += log_ins.LASTS
        assert (await thief.get(back)).status_code == 400
        for query in ("", "?state=x&code=y", "?error=access_denied"):
            assert (await thief.get(f"/login/oidc/callback{query}")).status_code == 400


async def test_a_stolen_code_is_of_no_use_in_another_log_in(console: Office, provider: OidcProvider) -> None:
    """PKCE: the code belongs to the verifier of the browser that asked."""
    async with console.visitor() as thief, console.visitor() as victim:
        stolen = httpx.URL(provider.approve((await victim.get(START)).headers["location"])).params["code"]
        own = httpx.URL(provider.approve((await thief.get(START)).headers["location"]))
        answer = await thief.get(str(own.copy_set_param("code", stolen)))
        assert answer.status_code == 403


async def test_what_the_provider_refuses_is_said(console: Office, provider: OidcProvider) -> None:
    async with console.visitor() as rina:
        url = httpx.URL((await rina.get(START)).headers["location"])
        answer = await rina.get(f"/login/oidc/callback?error=access_denied&state={url.params['state']}")
        assert (answer.status_code, "tidak memberi izin" in answer.text) == (403, True)


async def test_an_answer_of_another_provider_is_refused(console: Office, provider: OidcProvider) -> None:
    async with console.visitor() as rina:
        back = httpx.URL(provider.approve((await rina.get(START)).headers["location"]))
        answer = await rina.get(str(back.copy_set_param("iss", "https://evil.example")))
        assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
async def test_a_provider_that_is_down_gets_a_page_that_says_so(
    console: Office, provider: OidcProvider, path: str
) -> None:
    async with console.visitor() as rina:
        back = provider.approve((await rina.get(START)).headers["location"])
        provider.broken = {path}
        answer = await rina.get(back)
        assert (answer.status_code, "tidak menjawab" in answer.text) == (503, True)


@pytest.mark.parametrize(
    "configuration",
    [{"issuer": "https://evil.example"}, {"token_endpoint": None}, {"jwks_uri": 1}],
    ids=str,
)
async def test_a_configuration_that_can_not_be_used_counts_as_down(
    console: Office, provider: OidcProvider, configuration: dict[str, Any]
) -> None:
    provider.configuration = configuration
    async with console.visitor() as rina:
        assert (await rina.get(START)).status_code == 503


async def test_a_provider_that_nobody_reaches_gets_a_page_and_mail_still_works(office: Office) -> None:
    closed = Office(office.store, console=Console("127.0.0.1", 8025, oidc=Oidc("http://127.0.0.1:1", CLIENT)))
    async with closed.visitor() as rina:
        answer = await rina.get(START)
        assert (answer.status_code, 'name="address"' in answer.text) == (503, True)


async def test_an_issuer_with_a_slash_at_its_end_is_taken_by_its_word(
    console: Office, provider: OidcProvider
) -> None:
    provider.configuration["issuer"] = provider.faults["iss"] = f"{provider.issuer}/"
    async with console.visitor() as rina:
        back = httpx.URL(provider.approve((await rina.get(START)).headers["location"]))
        assert (await rina.get(str(back.copy_remove_param("iss")))).status_code == 303


async def test_without_a_provider_there_is_no_such_page(office: Office) -> None:
    async with office.visitor() as visitor:
        assert (await visitor.get("/login/oidc")).status_code == 404
        assert (await visitor.get("/login/oidc/callback?state=x&code=y")).status_code == 404


async def test_a_manager_is_a_manager_by_this_way_too(console: Office, provider: OidcProvider) -> None:
    provider.email = SARI.address.upper()
    async with console.visitor() as sari:
        await log_in(sari, provider)
        assert 'href="/board"' in (await sari.get("/logout")).text
