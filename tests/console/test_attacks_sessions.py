"""Attacks on sessions and links: fixation, guesses, stolen digests, cookies that others could read or set."""

import asyncio
import secrets
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import httpx
import pytest

from mailbot.config.model import Console
from mailbot.console.guards import cookie_name
from mailbot.store.console.sessions import digest_of
from tests.builders import RINA, SARI
from tests.console.attacks import contents, targets
from tests.console.office import Office
from tests.console.test_log_in_link import CSRF, ask, key_of, mailed


async def test_a_session_that_an_attacker_chose_is_never_taken(office: Office) -> None:
    chosen = secrets.token_urlsafe(32)
    async with office.visitor() as victim, office.visitor() as attacker:
        for visitor in (victim, attacker):
            visitor.client.cookies.set(cookie_name(office.desk), chosen)
        await ask(victim, RINA.address)
        answer = await victim.post("/login/link", {"key": key_of(mailed(office)[0])})
        own = SimpleCookie(answer.headers["set-cookie"])[cookie_name(office.desk)].value
        assert own != chosen
        assert len(own) >= 43
        assert (await attacker.get("/logout")).status_code == 303


async def test_each_log_in_has_a_secret_of_its_own(office: Office) -> None:
    found = set()
    for _ in range(5):
        async with office.visitor() as rina:
            await ask(rina, RINA.address)
            await rina.post("/login/link", {"key": key_of(mailed(office)[-1])})
            found |= {rina.client.cookies[cookie_name(office.desk)], rina.client.cookies["mailbot-browser"]}
    assert len(found) == 10


@pytest.mark.parametrize("length", [0, 1, 42, 43, 64, 3000])
async def test_a_guessed_session_is_nobody(office: Office, length: int) -> None:
    office.begin_session()
    async with office.visitor() as visitor:
        for letters in ("A", "%00", "\xe9", "' OR 1=1 --"):
            cookie = f"{cookie_name(office.desk)}={(letters * length)[:length]}".encode("latin-1")
            answer = await visitor.get("/logout", headers=[(b"cookie", cookie)])
            assert answer.status_code == 303


async def test_what_the_store_keeps_logs_nobody_in(office: Office) -> None:
    """Who reads the store, or a backup of it, has digests alone."""
    digest = digest_of(office.begin_session())
    async with office.visitor() as rina, office.visitor() as thief:
        await ask(rina, RINA.address)
        thief.client.cookies.set(cookie_name(office.desk), digest)
        assert (await thief.get("/logout")).status_code == 303
        (row,) = contents(office)["log_ins"]
        answer = await rina.post("/login/link", {"key": row[0]})
        assert answer.status_code == 403
        assert not any(cookie in repr(contents(office)) for cookie in rina.client.cookies.values())


@pytest.mark.parametrize("key", ["", "x", "A" * 43, "\u0131" * 43, "%00", "' OR ''='", "A" * 10_000])
async def test_a_guessed_link_logs_nobody_in(office: Office, key: str) -> None:
    async with office.visitor() as visitor:
        await ask(visitor, RINA.address)
        assert "tidak berlaku" in (await visitor.get("/login/link", params={"key": key})).text
        answer = await visitor.post("/login/link", {"key": key})
        assert answer.status_code == 403
        assert (await visitor.get("/logout")).status_code == 303


async def test_a_link_that_two_browsers_use_at_once_logs_in_one(office: Office) -> None:
    async with office.visitor() as rina:
        await ask(rina, RINA.address)
        key = key_of(mailed(office)[0])
        answers = await asyncio.gather(*(rina.post("/login/link", {"key": key}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [303] + [403] * 7
    assert len(contents(office)["sessions"]) == 1


async def test_cookies_are_for_this_host_and_https_and_no_script(office: Office) -> None:
    secure = Office(office.store, console=Console("127.0.0.1", 0, public_url="https://desk.example"))
    async with secure.visitor() as rina:
        answers = [await ask(rina, RINA.address)]
        answers.append(await rina.post("/login/link", {"key": key_of(mailed(secure)[0])}))
        rina.csrf = CSRF.search((await rina.get("/logout")).text)[1]
        answers.append(await rina.post("/logout"))
    cookies = [cookie for answer in answers for cookie in answer.headers.get_list("set-cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Host-mailbot", "__Host-mailbot-browser"}
    for cookie in cookies:
        flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
        assert {"httponly", "secure", "samesite=lax", "path=/"} <= flags
        assert not any(flag.startswith("domain") for flag in flags)


async def test_the_mailed_link_leads_to_our_own_address_whatever_host_was_asked(office: Office) -> None:
    async with office.visitor() as visitor:
        visitor.csrf = CSRF.search((await visitor.get("/login")).text)[1]
        hosts = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
        await visitor.post("/login", {"address": RINA.address}, headers=hosts)
    assert "evil.example" not in mailed(office)[0].as_string()


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "/%0a/evil.example",
        "%5C%5Cevil",
    ],
)
async def test_no_way_of_logging_in_leads_away_from_us(office: Office, wanted: str) -> None:
    async with office.visitor(RINA.address) as known, office.visitor() as rina:
        answers = [await known.get(f"/login?next={wanted}")]
        await ask(rina, RINA.address, str(httpx.URL(f"http://x/?n={wanted}").params["n"]))
        answers.append(await rina.post("/login/link", {"key": key_of(mailed(office)[0])}))
    for answer in answers:
        to = urlsplit(answer.headers["location"])
        assert (to.scheme, to.netloc, to.path) == ("", "", "/tickets")


async def test_no_answer_leads_to_the_host_that_a_request_names(office: Office) -> None:
    office.desk.leaving.set()  # streams end at once
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    async with office.visitor(SARI.address) as sari, office.visitor() as nobody:
        for visitor in (sari, nobody):
            for target in targets(office.app):
                for path in (target.filled(), f"{target.filled()}/", f"//evil.example{target.filled()}"):
                    answer = await visitor.client.request(target.method, path, headers=evil)
                    led = answer.headers.get("location", "") + answer.headers.get("hx-redirect", "")
                    assert not led.startswith(("//", "http")), path


async def test_a_page_that_is_left_by_logging_out_is_not_kept(office: Office) -> None:
    async with office.visitor(RINA.address) as rina:
        secret = rina.client.cookies[cookie_name(office.desk)]
        await rina.post("/logout")
        rina.client.cookies.set(cookie_name(office.desk), secret)
        answer = await rina.get("/logout")
    assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
