"""The board: how tickets stand, what waits for a decision, and that one button decides it once."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from mailbot.console.board import now
from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.grammar import Act
from mailbot.domain.worktime import Calendar, hours
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import compensations
from mailbot.store.store import Store
from mailbot.workers.deadlines import Deadlines
from tests import empty_store
from tests.builders import BAYU, DEWI, RINA, SARI
from tests.console.conftest import PHONE
from tests.console.office import Office, Visitor
from tests.workers.test_decisions_by_mail import ALL_TEAMS, ASKING, LIMITS, PUTRI, rp

ADMIN = "admin@tim.example"
HOUR = timedelta(hours=1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Open an office where L2 is asked a question, and money has limits."""
    store = Store(empty_store.sqlite_url(tmp_path))
    policy: dict[str, Any] = {"teams": ALL_TEAMS, "authority": LIMITS, "admins": (ADMIN,)}
    yield Office(store, **policy, ladders={"standard": ASKING})
    store.close()


def act(office: Office, number: str, command: c.AnyCommand, agent: str = RINA.address) -> None:
    request = TicketCommand(number, Act((command,)), Actor.agent(agent), office.intake.clock, money=True)
    run_command(office.store, office.intake.runtime, request)


def kinds(office: Office) -> list[str]:
    return [str(each.entry.kind) for each in office.store.read_now(compensations.entries)]


def forms_of(answer: httpx.Response, word: str) -> dict[str, str]:
    """Return the hidden fields of the form that holds the word."""
    (form,) = [each for each in re.findall(r"<form.*?</form>", answer.text, re.S) if word in each]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


async def press(visitor: Visitor, word: str, **fields: str) -> httpx.Response:
    """Press the button of the board's form that holds the word."""
    data = {**forms_of(await visitor.get("/board"), word), **fields}
    return await visitor.post("/board/decide", data)


def numbers_in(text: str) -> set[str]:
    return set(re.findall(r'href="/tickets/(TOKO-[\d-]+)"', text))


async def test_the_board_is_for_managers_and_admins(office: Office) -> None:
    for address, status in ((RINA.address, 403), (SARI.address, 200), (ADMIN, 200)):
        async with office.visitor(address) as visitor:
            for path in ("/board", "/board/now", "/board/lately", "/board/report", "/board/tickets?now=open"):
                assert (await visitor.get(path)).status_code == status, path
            if status == 403:
                assert (await visitor.post("/board/decide", {"ticket": "x"})).status_code == 403


async def test_each_number_of_now_leads_to_the_tickets_that_it_counts(office: Office) -> None:
    first = await office.receive()
    await office.receive(sender="ani@pelanggan.example", Subject="saldo terpotong")
    office.intake.clock += timedelta(minutes=50)
    await office.receive(sender="tono@pelanggan.example")
    act(office, first.number, c.Assign(SARI.address))
    async with office.visitor(SARI.address) as sari:
        board = await sari.get("/board")
        links = re.findall(
            r'href="(/board/tickets\?now=[^"]*)"[^>]*>(?:<b class="number">)?(\d+)<', board.text
        )
        assert {count for _, count in links} >= {"1", "2", "3"}
        for address, count in links:
            listed = await sari.get(address.replace("&amp;", "&"))
            assert len(numbers_in(listed.text)) == int(count), address
        late = await sari.get("/board/tickets?now=soon&team=frontline&agent=sari%40tim.example")
    assert numbers_in(late.text) == {first.number}


async def test_the_board_narrows_to_a_team_and_an_unknown_one_is_not_there(office: Office) -> None:
    other = await office.receive(Subject="saldo terpotong")
    await office.receive(sender="ani@pelanggan.example")
    async with office.visitor(SARI.address) as sari:
        shown = await sari.get("/board?team=payments")
        assert "/board/tickets?now=open&amp;team=payments" in shown.text
        assert numbers_in((await sari.get("/board/tickets?now=open&team=payments")).text) == {other.number}
        assert (await sari.get("/board?team=nobody")).status_code == 404


async def test_only_what_changed_is_computed_anew(office: Office) -> None:
    await office.receive()
    before = await now.load(office.desk)
    second = await office.receive(sender="ani@pelanggan.example")
    assert await now.load(office.desk) is before  # two seconds are not over
    office.intake.clock += now.LASTS
    after = await now.load(office.desk)
    assert after.known.keys() - before.known.keys() == {second.number}
    assert all(after.known[number] is stands for number, stands in before.known.items())


async def test_a_request_is_approved_by_one_button_and_once(office: Office) -> None:
    ticket = await office.receive()
    act(office, ticket.number, c.Compensate(rp(300_000), "paket rusak"))
    async with office.visitor(SARI.address) as sari:
        board = await sari.get("/board")
        assert "paket rusak" in board.text
        assert "Rp0 dari Rp9.000.000" in board.text  # the limit of her level
        assert "Rp0 dari Rp4.000.000" in board.text  # the team's budget
        sent = forms_of(board, "Setujui Rp300.000")
        for _ in range(2):
            answer = await sari.post("/board/decide", sent)
            assert answer.status_code == 303
        said = await sari.get(answer.headers["location"])
    assert kinds(office) == ["asked", "approved", "granted"]
    assert "Sudah dicatat: permintaan kompensasi: disetujui" in said.text
    assert "Tidak ada yang menunggu keputusan" in said.text


async def test_a_large_amount_needs_two_and_says_so(office: Office) -> None:
    ticket = await office.receive()
    act(office, ticket.number, c.Compensate(rp(2_000_000)))
    async with office.visitor(SARI.address) as sari, office.visitor(PUTRI.address) as putri:
        assert "satu orang lagi harus menyetujui" in (await sari.get("/board")).text
        await press(sari, "Setujui")
        assert "sudah menyetujui" in (await sari.get("/board")).text
        assert kinds(office) == ["asked", "approved"]
        assert "Approved by Sari" in (await putri.get("/board")).text
        await press(putri, "Approve")
    assert kinds(office) == ["asked", "approved", "approved", "granted"]


async def test_a_request_is_refused_with_a_reason_alone(office: Office) -> None:
    ticket = await office.receive()
    act(office, ticket.number, c.Compensate(rp(300_000)))
    async with office.visitor(SARI.address) as sari:
        assert (await press(sari, "Tolak permintaan", verdict="refuse", because=" ")).status_code == 400
        assert (
            await press(sari, "Tolak permintaan", verdict="refuse", because="sudah dikirim ulang")
        ).status_code == 303
    assert kinds(office) == ["asked", "refused"]
    (line,) = office.store.read_now(compensations.entries)[1:]
    assert line.entry.because == "sudah dikirim ulang"


async def test_who_may_not_decide_sees_the_request_without_a_button(office: Office) -> None:
    ticket = await office.receive()
    act(office, ticket.number, c.Compensate(rp(300_000)))
    async with office.visitor(ADMIN) as admin:
        board = await admin.get("/board")
        assert ticket.number in board.text
        assert "/board/decide" not in board.text
        fields = {"ticket": ticket.number, "request": "1", "verdict": "approve", "once": "k"}
        forced = await admin.post("/board/decide", fields)
    assert (forced.status_code, kinds(office)) == (409, ["asked"])
    assert "Not done" in forced.text


async def test_a_limit_that_nobody_lifts_leaves_only_the_refusal(office: Office) -> None:
    first, second = await office.receive(), await office.receive(sender="ani@pelanggan.example")
    act(office, second.number, c.Compensate(rp(600_000)))
    for amount in (900_000, 900_000, 900_000, 900_000):
        act(office, first.number, c.Compensate(rp(amount)), SARI.address)
        act(office, first.number, c.Approve(), PUTRI.address)
    async with office.visitor(SARI.address) as sari:
        board = await sari.get("/board")
    assert "Anda tidak dapat menyetujuinya" in board.text
    assert 'value="approve"' not in board.text
    assert 'value="refuse"' in board.text


async def test_a_ladders_question_is_answered_on_the_board(office: Office) -> None:
    ticket = await office.receive()
    office.intake.clock += HOUR / 2 + timedelta(seconds=1)
    await Deadlines(office.desk.deps).run_once()
    async with office.visitor(SARI.address) as sari:
        board = await sari.get("/board")
        assert "Boleh dibekukan?" in board.text
        answer = await press(sari, "tunggu dulu", option="bekukan", because="saldo besar")
        assert answer.status_code == 303
        assert "Boleh dibekukan?" not in (await sari.get("/board")).text
        fields = {"ticket": ticket.number, "option": "bekukan", "once": "another"}
        assert (await sari.post("/board/decide", fields)).status_code == 409


async def test_forms_of_nobody_and_about_nothing_do_nothing(office: Office) -> None:
    ticket = await office.receive()
    act(office, ticket.number, c.Compensate(rp(300_000)))
    good = {"ticket": ticket.number, "request": "1", "verdict": "approve", "once": "k"}
    async with office.visitor(SARI.address) as sari:
        for change, status in (
            ({"ticket": "TOKO-00000000-0"}, 404),
            ({"request": "1e3"}, 400),
            ({"request": ""}, 400),
            ({"once": ""}, 400),
            ({"csrf": "x"}, 403),
        ):
            assert (await sari.post("/board/decide", {**good, **change})).status_code == status
    assert kinds(office) == ["asked"]


async def test_people_show_who_is_back_when_and_who_has_left(office: Office) -> None:
    ticket = await office.receive()
    act(office, ticket.number, c.Assign(DEWI.address))
    teams = {**ALL_TEAMS, "payments": replace(ALL_TEAMS["payments"], agents=(BAYU,))}
    del teams["frontline"]
    policy = replace(office.desk.policy, teams=teams, version="v2")
    office.intake.runtime.replace(policy, office.intake.runtime.snapshot.composer.templates)
    async with office.visitor(SARI.address) as sari:
        board = await sari.get("/board")
    assert "Bukan petugas lagi" in board.text
    assert f"agent={DEWI.address.replace('@', '%40')}" in board.text


async def test_who_is_off_duty_without_a_ticket_is_named_with_the_time_of_coming_back(office: Office) -> None:
    ticket = await office.receive()
    act(office, ticket.number, c.Assign(DEWI.address))
    hours_of = Calendar("always", "Asia/Jakarta", ((hours("13:00-17:00"),),) * 7)
    policy = replace(office.desk.policy, calendars={"always": hours_of}, version="v2")
    office.intake.runtime.replace(policy, office.intake.runtime.snapshot.composer.templates)
    async with office.visitor(SARI.address) as sari:
        text = " ".join((await sari.get("/board")).text.split())
    assert "Tidak bertugas dan tanpa tiket: Rina (kembali 13.00 WIB), Bayu (kembali 13.00 WIB)," in text
    assert re.search(r"Dewi <span[^>]*>Payments, L1, kembali <time[^>]*>13.00 WIB</time></span>", text)


async def test_admins_see_whether_mail_is_stuck(office: Office) -> None:
    async with office.visitor(ADMIN) as admin, office.visitor(SARI.address) as sari:
        assert "No mail is parked or failed" in (await admin.get("/board")).text
        assert "ditahan" not in (await sari.get("/board")).text


def test_the_board_refreshes_without_taking_a_text_that_is_being_written(
    open_page: Any, office: Office, served: Any
) -> None:
    ticket = served.receive()
    act(office, ticket.number, c.Compensate(rp(300_000), "paket rusak"))
    page = open_page("/board", address=SARI.address, size=PHONE)
    page.click("text=Tolak")
    page.fill("[name=because]", "belum ada bukti")
    office.intake.clock += now.LASTS
    served.receive(sender="ani@pelanggan.example")
    page.evaluate("document.querySelector('[data-live]').dispatchEvent(new Event('changed'))")
    page.wait_for_selector('.tile:has-text("Terbuka") b:text("2")')
    assert page.input_value("[name=because]") == "belum ada bukti"
    page.click("text=Tolak permintaan ini")
    page.wait_for_selector("text=Sudah dicatat")
    assert kinds(office) == ["asked", "refused"]
