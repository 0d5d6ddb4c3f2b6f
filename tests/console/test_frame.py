"""What holds for every page: headers, guards, tokens of forms, errors, the frame in a browser."""

import asyncio
import socket
from contextlib import closing
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailbot.console import app as application
from mailbot.console import guards, respond
from mailbot.console.service import ConsoleService
from mailbot.domain.people.access import Viewer
from mailbot.errors import CommitUnknown, StoreUnavailable
from mailbot.store.console import sessions
from tests.builders import DEWI, RINA, SARI
from tests.console.office import Office


async def _whoami(request: Request, viewer: Viewer) -> Response:
    form = await request.form() if request.method == "POST" else {}
    return Response(f"{viewer.name} {form.get('word', '')}")


async def _failing(request: Request, viewer: Viewer) -> Response:
    raise {"unknown": CommitUnknown("x"), "down": StoreUnavailable("x")}.get(
        request.path_params["how"], ValueError("a secret detail")
    )


@pytest.fixture
def office(office: Office) -> Office:
    """Add routes of each kind to the application."""
    office.app.router.routes += [
        Route("/staff", guards.for_staff(_whoami), methods=["GET", "POST"]),
        Route("/managers", guards.for_managers(_whoami)),
        Route("/admins", guards.for_admins(_whoami)),
        Route("/failing/{how}", guards.for_staff(_failing)),
    ]
    return office


async def test_who_is_not_logged_in_is_sent_to_the_log_in_and_back(office: Office) -> None:
    async with office.visitor() as nobody:
        answer = await nobody.get("/staff?page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/staff%3Fpage%3D2")


@pytest.mark.parametrize(
    ("path", "address", "status"),
    [
        ("/staff", RINA.address, 200),
        ("/managers", RINA.address, 403),
        ("/managers", SARI.address, 200),
        ("/admins", SARI.address, 403),
        ("/staff", "left@tim.example", 303),
    ],
)
async def test_a_page_opens_for_its_audience_alone(
    office: Office, path: str, address: str, status: int
) -> None:
    async with office.visitor(address) as visitor:
        assert (await visitor.get(path)).status_code == status


async def test_a_session_ends_with_its_time_and_with_the_agents_place_in_the_policy(office: Office) -> None:
    async with office.visitor(RINA.address) as rina:
        office.intake.clock += sessions.LASTS
        assert (await rina.get("/staff")).status_code == 303
    async with office.visitor(DEWI.address) as dewi:
        assert (await dewi.get("/staff")).status_code == 200
        policy = office.desk.policy
        teams = {name: team for name, team in policy.teams.items() if name != "payments"}
        office.intake.runtime.replace(
            type(policy)(**{**_fields(policy), "teams": teams}),
            office.intake.runtime.snapshot.composer.templates,
        )
        assert (await dewi.get("/staff")).status_code == 303


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


async def test_a_change_needs_the_token_of_our_own_form(office: Office) -> None:
    async with office.visitor(RINA.address) as rina, office.visitor(DEWI.address) as dewi:
        assert (await rina.post("/staff", {"word": "halo"})).text == "Rina halo"
        assert (await rina.client.post("/staff", data={"word": "halo"})).status_code == 403
        assert (await rina.post("/staff", {"csrf": dewi.csrf})).status_code == 403
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert (await rina.post("/staff", headers=foreign)).status_code == 403


async def test_every_answer_forbids_foreign_scripts_and_frames(office: Office) -> None:
    async with office.visitor(RINA.address) as rina:
        for path in ("/staff", "/nowhere", "/failing/fault"):
            headers = (await rina.get(path)).headers
            assert "unsafe" not in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        ("unknown", 503, "Mungkin sudah dilakukan"),
        ("down", 503, "Tidak ada yang berubah"),
        ("fault", 500, "Ada yang salah di pihak kami"),
    ],
)
async def test_an_error_says_what_became_of_the_work_and_nothing_internal(
    office: Office, how: str, status: int, words: str
) -> None:
    async with office.visitor(RINA.address) as rina:
        answer = await rina.get(f"/failing/{how}")
    assert answer.status_code == status
    assert words in answer.text
    assert "secret detail" not in answer.text


async def test_a_request_that_is_too_large_is_refused(office: Office) -> None:
    async with office.visitor(RINA.address) as rina:
        large = {"word": "x" * (office.desk.settings.limits.size + 1)}
        assert (await rina.post("/staff", large)).status_code == 413


def test_a_route_without_a_guard_is_refused(office: Office) -> None:
    async def bare(request: Request) -> Response:
        return Response()

    with pytest.raises(ValueError, match="/bare does not say whom it is for"):
        application.check_audiences([Route("/bare", bare)])


def test_the_frame_has_no_script_error_in_a_browser(open_page: Any) -> None:
    errors: list[str] = []
    page = open_page("/static/icon.svg")
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto("/nowhere")
    assert "Halaman ini tidak ada" in page.content()
    assert [each for each in errors if "404" not in each] == []


def test_all_scripts_are_small() -> None:
    assert sum(path.stat().st_size for path in application.STATIC.glob("*.js")) <= 60 * 1024


def test_an_unknown_language_reads_indonesian() -> None:
    assert respond.LANGUAGES[0] == "id"


async def test_an_answer_does_not_wait_for_the_client(office: Office) -> None:
    """Without TCP_NODELAY the end of each answer on an open connection came 40 ms late."""
    listening = socket.create_server(("127.0.0.1", 0))
    service = ConsoleService(office.desk, [listening])
    await service.start()
    assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await service.stop()


@pytest.mark.parametrize("turns", range(5))
async def test_a_visitor_who_comes_as_we_stop_is_answered_by_us_or_by_our_successor(
    office: Office, turns: int
) -> None:
    def ask(visitor: socket.socket) -> bytes:
        with closing(visitor), visitor.makefile("rb") as answer:
            visitor.settimeout(5)
            visitor.sendall(b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return answer.readline()

    with socket.create_server(("127.0.0.1", 0)) as given:
        old, new = (ConsoleService(office.desk, [given.dup()]) for _ in range(2))
        await old.start()
        visitors = [socket.create_connection(given.getsockname()) for _ in range(3)]
        for _ in range(turns):  # of the event loop: readable, accepted, a connection
            await asyncio.sleep(0)
        stopping = asyncio.create_task(old.stop())
        await new.start()
        await asyncio.sleep(0.2)
        answers = await asyncio.gather(*(asyncio.to_thread(ask, each) for each in visitors))
        assert answers == [b"HTTP/1.1 200 OK\r\n"] * 3
        await stopping
        await new.stop()
