"""Reading by the API: lists, pages, whole tickets in the shell's shapes, files, search, figures."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.config.model import Console
from mailbot.console.app import build
from mailbot.console.desk import Desk
from mailbot.domain.people.token_scope import ALL, READ
from mailbot.store.store import Store
from tests import empty_store
from tests.builders import RINA, SARI
from tests.cli.test_merge import Shell
from tests.console.office import Office, shipped_settings
from tests.console.program import Program, make_token, program

AYU = "ayu.lestari@staf.dukungan.example"


def robot_of(office: Office, address: str = SARI.address) -> Any:
    return program(office.app, make_token(office.store, office.intake.clock, address, READ, ALL))


async def numbers(robot: Program, query: str = "") -> list[str]:
    return [each["number"] for each in (await robot.get(f"/tickets{query}")).json()]


async def test_a_list_is_narrowed_by_each_filter(office: Office) -> None:
    money, other = await office.receive(Subject="saldo hilang"), await office.receive()
    third = await office.receive(sender="siti@pelanggan.example")
    async with robot_of(office) as robot:
        await robot.post(f"/tickets/{other.number}/close")
        await robot.post(f"/tickets/{third.number}/tag", {"add": ["vip"]})
        found = {
            "": {money.number, other.number, third.number},
            "?team=payments": {money.number},
            "?status=closed": {other.number},
            "?status=closed&status=new&team=frontline": {other.number, third.number},
            "?customer=siti@pelanggan.example": {third.number},
            "?priority=high": {money.number},
            "?category=payment": {money.number},
            "?level=L1&tag=vip": {third.number},
            f"?agent={RINA.address}": {other.number, third.number},
            "?unassigned=true": set(),
            "?turn=customer": set(),
            "?automatic=1": set(),
            "?late=true": set(),
        }
        for query, expected in found.items():
            assert set(await numbers(robot, query)) == expected, query
        office.intake.clock += timedelta(days=1)
        assert set(await numbers(robot, "?late=true")) == {money.number, third.number}


async def test_pages_lead_to_their_neighbours(office: Office) -> None:
    for n in range(3):
        await office.receive(Subject=f"Barang {n}", sender=f"c{n}@pelanggan.example")
    async with robot_of(office) as robot:
        first = await robot.get("/tickets?limit=2&team=frontline")
        assert first.headers["link"] == '</api/v1/tickets?limit=2&team=frontline&page=2>; rel="next"'
        second = await robot.get("/tickets?limit=2&team=frontline&page=2")
        assert second.headers["link"] == '</api/v1/tickets?limit=2&team=frontline&page=1>; rel="prev"'
        assert len(first.json() + second.json()) == 3


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("stauts=new", "stauts: there is no such field; did you mean status?"),
        ("status=nw", "status[0]: Invalid enum value 'nw'"),
        ("limit=1000", "limit: Expected `int` <= 200"),
        ("page=x", "page: Expected `int`"),
        ("page=10000&limit=200", "a list shows 10,000 tickets at most"),
        ("late=perhaps", "late: Expected `bool`"),
        ("team=a%00b", "the character NUL"),
    ],
)
async def test_a_wrong_parameter_is_named(office: Office, query: str, words: str) -> None:
    async with robot_of(office) as robot:
        answer = await robot.get(f"/tickets?{query}")
    assert (answer.status_code, words in answer.json()["detail"]) == (422, True), answer.text


async def test_a_search_finds_words_and_explains_a_bad_filter(office: Office) -> None:
    ticket = await office.receive(body="Panci saya penyok.")
    async with robot_of(office) as robot:
        (found,) = (await robot.get("/search?q=penyok")).json()
        assert (found["number"], "«penyok»" in found["found"]["snippet"]) == (ticket.number, True)
        assert (await robot.get("/search?q=nirwana")).json() == []
        for bad in ("", "?q=%20", "?q=has:wings", "?sort=oldest&q=x"):
            assert (await robot.get(f"/search{bad}")).status_code == 422


async def test_a_search_for_the_number_of_a_foreign_ticket_finds_nothing(office: Office) -> None:
    foreign = (await office.receive(Subject="saldo hilang")).number
    async with robot_of(office, RINA.address) as robot:
        for words in (foreign, foreign.split("-")[1], "saldo", "customer:budi@pelanggan.example"):
            assert (await robot.get("/search", params={"q": words})).json() == []
    async with robot_of(office) as robot:
        assert len((await robot.get("/search", params={"q": foreign})).json()) == 1


async def test_a_file_is_listed_and_fetched_as_attachment(office: Office) -> None:
    mail = (
        "--b\r\nContent-Type: text/plain\r\n\r\nTerlampir.\r\n--b\r\nContent-Type: text/html\r\n"
        'Content-Disposition: attachment; filename="bukti bayar.html"\r\n\r\n<script>1</script>\r\n--b--'
    )
    headers = {"MIME-Version": "1.0", "Content-Type": "multipart/mixed; boundary=b"}
    number = (await office.receive(body=mail, **headers)).number
    async with robot_of(office) as robot:
        (listed,) = (await robot.get(f"/tickets/{number}/files")).json()
        assert (listed["position"], listed["name"]) == (1, "bukti bayar.html")
        content = await robot.get(f"/tickets/{number}/files/1")
        assert "<script>1</script>" in content.text
        assert content.headers["content-disposition"] == "attachment; filename*=UTF-8''bukti%20bayar.html"
        assert content.headers["x-content-type-options"] == "nosniff"
        for missing in ("2", "0", "99999999999999999999", "x"):
            assert (await robot.get(f"/tickets/{number}/files/{missing}")).status_code == 404


async def test_figures_are_those_of_the_report(office: Office) -> None:
    await office.receive()
    office.intake.clock += timedelta(minutes=1)
    async with robot_of(office) as robot:
        assert (await robot.get("/figures?since=1d")).json()["figures"]["opened"] == 1
        assert (await robot.get("/figures?since=1d&team=payments")).json()["figures"]["opened"] == 0
        for bad in ("since=soon", "since=2026-11-24", "team=nobody"):
            assert (await robot.get(f"/figures?{bad}")).status_code == 422


async def test_names_for_arguments_can_be_read(office: Office) -> None:
    async with robot_of(office) as robot:
        teams = {each["name"]: each for each in (await robot.get("/teams")).json()}
        assert [each["name"] for each in teams["frontline"]["agents"]] == ["Rina", "Bayu"]
        assert "checking" in {each["name"] for each in (await robot.get("/macros")).json()}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


async def test_a_program_reads_what_the_shell_prints(shell: Shell) -> None:
    number = (await shell.desk.receive(Subject="Saldo terpotong dua kali")).number
    shell.run("ticket", "assign", number, AYU)
    shell.run("ticket", "compensate", number, "50000", "--because", "rusak", "--as", AYU)
    shell.run("ticket", "answer", number, "--as", AYU, "--text", "Halo, sedang kami periksa.")
    app = build(Desk(shell.desk.deps, shipped_settings(), Console("127.0.0.1", 0)))
    manager = next(each for each in shell.desk.runtime.policy.agents.values() if each.level == "management")
    secret = make_token(shell.store, shell.desk.clock, manager.address, READ)
    async with program(app, secret) as robot:
        whole = (await robot.get(f"/tickets/{number.replace('-', ' ')}")).json()
        assert whole == shell.shown("ticket", "show", number)
        assert whole["compensation"]
        assert whole["messages"] == (await robot.get(f"/tickets/{number}/messages")).json()
        assert whole["events"] == (await robot.get(f"/tickets/{number}/events")).json()
        assert (await robot.get("/tickets")).json() == shell.shown("ticket", "list")
        assert (await robot.get("/search?q=terpotong")).json() == shell.shown("ticket", "search", "terpotong")
        figures = (await robot.get("/figures")).json()
        report = json.loads(shell.run("report", "--json"))
        assert figures["figures"].keys() == report["figures"].keys()


_TEXTS = st.text(max_size=30) | st.sampled_from(
    ["team:x", "since:7d", "2026-11-01", "1d", '"a b"', "-x", "a OR b", "9" * 20]
)


@given(
    path=st.sampled_from(["/tickets", "/search", "/figures"]),
    query=st.dictionaries(
        st.sampled_from(["q", "since", "until", "team", "customer", "incident", "tag", "page", "sort"]),
        _TEXTS,
    ),
    number=_TEXTS,
)
def test_no_address_makes_a_fault_of_ours(
    path: str, query: dict[str, str], number: str, tmp_path_factory: Any
) -> None:
    store = Store(empty_store.sqlite_url(tmp_path_factory.mktemp("fuzz")))

    async def send() -> list[int]:
        async with robot_of(Office(store)) as robot:
            answers = [
                await robot.get(path, params=query),
                await robot.get(f"/tickets/{quote(number or 'x', safe='')}/files/1"),
            ]
        return [each.status_code for each in answers]

    try:
        assert all(status < 500 for status in asyncio.run(send()))
    finally:
        store.close()
