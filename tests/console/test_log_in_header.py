"""Log in by a header of the web server in front: whom it names, and whose headers count."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select
from starlette.requests import Request

from mailbot.config.model import Console
from mailbot.console.guards import cookie_name
from mailbot.console.proxies import client_of
from mailbot.store.schema import sessions
from tests.builders import DEWI, RINA
from tests.console.office import Office, Visitor
from tests.console.test_log_in_link import CSRF

HEADER, PROXY = "Remote-Email", "10.1.2.3"


@pytest.fixture
def office(office: Office) -> Iterator[Office]:
    console = Console("127.0.0.1", 0, ("10.1.2.0/24", "::1/128"), HEADER, public_url="https://desk.example")
    return Office(office.store, console=console)


async def name_at(visitor: Visitor, *addresses: str, header: str = HEADER) -> str:
    """Return who is logged in by these headers, "" for nobody."""
    answer = await visitor.get("/logout", headers=[(header, each) for each in addresses])
    return next((name for name in ("Rina", "Dewi") if f">{name}</a>" in answer.text), "")


async def test_who_is_logged_in_at_the_web_server_is_logged_in(office: Office) -> None:
    async with office.visitor(peer=PROXY) as visitor:
        assert await name_at(visitor, RINA.address) == "Rina"
        assert await name_at(visitor, RINA.address.upper(), header=HEADER.lower()) == "Rina"


async def test_another_name_is_another_person_at_once_and_no_name_is_nobody(office: Office) -> None:
    async with office.visitor(peer=PROXY) as visitor:
        seen = [await name_at(visitor, *names) for names in ([RINA.address], [DEWI.address], [], [""])]
    assert seen == ["Rina", "Dewi", "", ""]


async def test_the_header_wins_over_the_session_of_somebody_else(office: Office) -> None:
    async with office.visitor(RINA.address, peer=PROXY) as visitor:
        assert await name_at(visitor, DEWI.address) == "Dewi"
        assert await name_at(visitor, "budi@pelanggan.example") == ""


async def test_the_header_of_others_is_ignored(office: Office) -> None:
    for peer in ("10.1.3.3", "203.0.113.9", "2001:db8::1", "not an address"):
        async with office.visitor(peer=peer) as visitor:
            assert await name_at(visitor, RINA.address) == ""
            forwarded = {HEADER: RINA.address, "X-Forwarded-For": PROXY, "Forwarded": f"for={PROXY}"}
            assert (await visitor.get("/logout", headers=forwarded)).status_code == 303


@pytest.mark.parametrize(
    "addresses",
    [
        (RINA.address, DEWI.address),
        (RINA.address, RINA.address),
        ("", RINA.address),
        (f"{RINA.address}, {DEWI.address}",),
        (f"Rina <{RINA.address}>",),
    ],
)
async def test_two_names_are_nobody(office: Office, addresses: tuple[str, ...]) -> None:
    async with office.visitor(peer=PROXY) as visitor:
        assert await name_at(visitor, *addresses) == ""


@pytest.mark.parametrize("header", ["Remote_Email", "X-Remote-Email", "Remote-Email-", "Remote-User"])
async def test_a_header_that_is_only_alike_is_ignored(office: Office, header: str) -> None:
    async with office.visitor(peer=PROXY) as visitor:
        assert await name_at(visitor, RINA.address, header=header) == ""


async def test_a_change_needs_the_token_of_a_page_all_the_same(office: Office) -> None:
    async with office.visitor(peer=PROXY, **{HEADER: RINA.address}) as rina:
        assert (await rina.client.post("/logout/everywhere")).headers["location"] == "/login"
        rina.csrf = CSRF.search((await rina.get("/logout")).text)[1]
        cookie = next(each for each in rina.client.cookies.jar if each.name == cookie_name(office.desk))
        assert (cookie.secure, cookie.domain_specified) == (True, False)
        assert (await rina.client.post("/logout/everywhere")).status_code == 403
        foreign = await rina.post("/logout/everywhere", headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403


async def test_one_session_serves_all_pages(office: Office) -> None:
    async with office.visitor(peer=PROXY, **{HEADER: RINA.address}) as rina:
        for _ in range(3):
            await rina.get("/logout")
    assert office.intake.one(select(func.count()).select_from(sessions))[0] == 1


async def test_the_log_in_leads_on_and_says_who_is_unknown(office: Office) -> None:
    async with office.visitor(peer=PROXY) as visitor:
        known = await visitor.get("/login?next=/board", headers={HEADER: RINA.address})
        assert (known.status_code, known.headers["location"]) == (303, "/board")
        unknown = await visitor.get("/login", headers={HEADER: "budi@pelanggan.example"})
        assert unknown.status_code == 403
        assert "mengenal Anda sebagai budi@pelanggan.example" in unknown.text


async def test_without_the_setting_no_header_counts(office: Office) -> None:
    plain = Office(office.store, console=Console("127.0.0.1", 0, ("10.1.2.0/24",)))
    async with plain.visitor(peer=PROXY) as visitor:
        assert await name_at(visitor, RINA.address) == ""


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        (PROXY, ["198.51.100.1"], "198.51.100.1"),
        (PROXY, ["invented, 198.51.100.1"], "198.51.100.1"),
        (PROXY, ["192.0.2.1", "198.51.100.1, 10.1.2.9"], "198.51.100.1"),
        (PROXY, ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        (PROXY, ["x"], "unknown"),
        (PROXY, [], PROXY),
    ],
)
def test_the_client_is_whom_the_web_servers_of_ours_saw(
    office: Office, peer: str, forwarded: list[str], client: str
) -> None:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    scope = {"type": "http", "app": office.app, "client": (peer, 1), "headers": headers}
    assert client_of(Request(scope)) == client


SMUGGLED = {
    "other letters": "Remote-Email: rina@tim.example\r\nREMOTE-EMAIL: dewi@tim.example",
    "an empty one first": "Remote-Email:\r\nRemote-Email: rina@tim.example",
    "an underscore": "Remote_Email: rina@tim.example",
    "a space before the colon": "Remote-Email : rina@tim.example",
    "a folded line": "X: a\r\n Remote-Email: rina@tim.example",
    "a NUL": "Remote-Email: rina@tim.example\0",
}


def test_a_header_that_is_smuggled_through_the_web_server_logs_nobody_in(office: Office) -> None:
    """By a socket: what the server in front may let pass is read by ours."""
    console = Console("127.0.0.1", 0, ("127.0.0.1",), HEADER)
    with Office(office.store, console=console).served() as served:
        assert b">Rina</a>" in _raw(served.url, f"{HEADER}: {RINA.address}")
        for name, lines in SMUGGLED.items():
            answer = _raw(served.url, lines)
            assert answer.startswith((b"HTTP/1.1 303", b"HTTP/1.1 400")), name
            assert b"tim.example" not in answer, name


def _raw(url: str, lines: str) -> bytes:
    where = urlsplit(url)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=10) as client:
        client.sendall(f"GET /logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n\r\n".encode())
        return b"".join(iter(lambda: client.recv(65_536), b""))
