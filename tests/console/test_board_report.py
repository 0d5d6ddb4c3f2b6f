"""The report as a page: each number leads to exactly the tickets that it counts, and the files are the shell's."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from mailbot.console.board.figures import Asked, load, read_asked
from mailbot.console.render import STATIC
from mailbot.domain import commands as c
from mailbot.reports import read, render
from mailbot.reports.figures.api import Period
from mailbot.reports.render import html
from mailbot.views.json_form import to_json
from mailbot.workers.deadlines import Deadlines
from tests.builders import RINA, SARI
from tests.console.office import Office, Visitor
from tests.console.test_board import HOUR, act, numbers_in
from tests.workers.test_decisions_by_mail import LIMITS, rp
from tests.workers.test_survey import closed, tap

LINK = re.compile(r'<a href="(/board/tickets\?[^"]*figure=[^"]*)"(?: aria-label="([^"]*)")?>([\d.]*)')


async def pass_hours(office: Office) -> None:
    """Let promises pass, and each step of the ladder that falls due."""
    office.intake.clock += 2 * HOUR
    for _ in range(4):
        await Deadlines(office.desk.deps).run_once()
    office.intake.clock += HOUR  # what happens at the end of a period is not in it


async def busy(office: Office) -> list[str]:
    """Fill the office: opened, late, escalated, answered, closed twice, compensated."""
    numbers = [(await office.receive(sender=f"c{n}@pelanggan.example")).number for n in range(4)]
    numbers.append((await office.receive(Subject="saldo terpotong")).number)
    await pass_hours(office)
    for command in (c.Close(), c.Reopen(), c.Close()):
        act(office, numbers[0], command)
        office.intake.clock += HOUR
    act(office, numbers[1], c.Correct(category="payment"))
    act(office, numbers[1], c.Compensate(rp(50_000), "rusak"))
    office.intake.clock += HOUR
    return numbers


async def links_of(visitor: Visitor, path: str) -> list[tuple[str, str, str]]:
    return [(unescape(link), tip, count) for link, tip, count in LINK.findall((await visitor.get(path)).text)]


async def test_each_number_of_the_report_leads_to_as_many_tickets(office: Office) -> None:
    await busy(office)
    async with office.visitor(SARI.address) as sari:
        found = await links_of(sari, "/board/report")
        assert len(found) > 30
        assert {"opened", "closed", "open", "missed", "escalated", "cause", "asked"} <= {
            re.findall("figure=([a-z]+)", address)[0] for address, *_ in found
        }
        for address, tip, shown in found:
            listed = await sari.get(address)
            assert listed.status_code == 200, address
            (whole,) = re.findall(r"<p>(?:(\d+) kali, pada )?(\d+) tiket</p>", listed.text)
            assert len(numbers_in(listed.text)) == int(whole[1]), address
            if shown:
                assert int(whole[0] or whole[1]) == int(shown), address
            elif "figure=cause" not in address:  # that chart shows shares
                assert int(whole[0] or whole[1]) == int(tip.rpartition(": ")[2].split()[0]), tip
        twice = {address for address, _, shown in found if address.endswith("figure=closed") and shown == "2"}
        assert "2 kali, pada 1 tiket" in (await sari.get(twice.pop())).text


async def test_a_list_keeps_to_the_report_as_it_was_counted(office: Office) -> None:
    await busy(office)
    async with office.visitor(SARI.address) as sari:
        (opened,) = {a for a, _, _ in await links_of(sari, "/board/report") if a.endswith("figure=opened")}
        office.intake.clock += timedelta(minutes=2)
        await office.receive(sender="baru@pelanggan.example")
        office.intake.clock += timedelta(minutes=2)
        (newer,) = {a for a, _, _ in await links_of(sari, "/board/report") if a.endswith("figure=opened")}
        assert len(numbers_in((await sari.get(opened)).text)) == 5
        assert len(numbers_in((await sari.get(newer)).text)) == 6


async def test_the_files_hold_what_the_shell_writes(office: Office) -> None:
    await busy(office)
    now = office.intake.clock
    period = Period(now - timedelta(days=30), now, "UTC")
    told = office.store.read_now(read.report, period, office.desk.policy, now)
    async with office.visitor(SARI.address) as sari:
        as_json = await sari.get("/board/report.json?since=30d")
        as_csv = await sari.get("/board/report.csv?since=30d")
        assert (await sari.get("/board/report.exe?since=30d")).status_code == 404
    expected = to_json(render.shape(told))
    found = as_json.json()
    assert found["figures"] == json.loads(json.dumps(expected["figures"]))
    assert as_csv.headers["content-disposition"] == 'attachment; filename="report-2026-11-23.csv"'
    assert as_csv.text.replace("\r\n", "\n") == render.csv_text(told, "id").replace("\r\n", "\n")
    assert next(csv.reader(io.StringIO(as_csv.text)))[0].startswith("Laporan ")


@pytest.mark.parametrize(
    "query",
    [
        *("since=1y", "from=2026-11-01", "from=x&to=y", "from=2026-11-09&to=2026-11-01", "team=nobody"),
        *("from=2027-01-01&to=2027-01-02", "from=2020-01-01&to=2026-11-01", "since=7d&at=x", "at=9e99"),
    ],
)
async def test_a_period_that_can_not_be_counted_is_said_so(office: Office, query: str) -> None:
    async with office.visitor(SARI.address) as sari:
        answer = await sari.get(f"/board/report?{query}")
        assert (answer.status_code, "tidak dapat dihitung" in answer.text) == (400, True)
        assert (await sari.get(f"/board/report.csv?{query}")).status_code == 400
        assert (await sari.get(f"/board/tickets?figure=opened&{query}")).status_code == 404


async def test_a_figure_that_is_none_of_ours_is_not_there(office: Office) -> None:
    await busy(office)
    async with office.visitor(SARI.address) as sari:
        for query in (
            "figure=nothing",
            "figure=kept&figure=x",
            "figure=open&figure=age&figure=y&figure=z",
            "now=x",
        ):
            assert (await sari.get(f"/board/tickets?{query}")).status_code == 404


async def test_days_of_a_period_are_those_of_the_first_calendar(office: Office) -> None:
    await busy(office)
    async with office.visitor(SARI.address) as sari:
        today = await sari.get("/board/report?from=2026-11-23&to=2026-11-23&team=frontline")
        assert "5 tiket masuk" not in today.text
        assert "4 tiket masuk" in today.text
        assert 'value="2026-11-23"' in today.text
        assert "Tidak ada tiket masuk" in (await sari.get("/board/report?from=2026-11-21&to=2026-11-22")).text


async def test_a_report_is_counted_once_for_all_who_look(office: Office) -> None:
    await busy(office)
    made = await load(office.desk, Asked())
    assert await load(office.desk, Asked()) is made
    assert await load(office.desk, Asked(at=made.report.made_at)) is made
    office.intake.clock += timedelta(minutes=1)
    assert await load(office.desk, Asked()) is not made


async def test_lately_shows_escalations_and_the_words_of_dissatisfied_customers(office: Office) -> None:
    await closed(office.intake)
    await tap(office.intake, 1, more=", paket tidak pernah sampai")
    await office.receive(sender="ani@pelanggan.example")
    await pass_hours(office)
    async with office.visitor(SARI.address) as sari:
        board = await sari.get("/board")
        assert 'hx-get="/board/lately?since=7d"' in board.text  # counted when the page is there
        whole = await sari.get("/board/lately?since=7d")
        assert whole.text.count("<h1>") == 1
        part = await sari.get("/board/lately?since=7d", headers={"HX-Request": "true"})
        assert "<h1>" not in part.text
        assert "Eskalasi" in part.text
        assert "paket tidak pernah sampai" in part.text
        assert "paket tidak pernah sampai" in (await sari.get("/board")).text  # it was counted


async def test_no_page_has_a_style_or_a_script_of_its_own(office: Office) -> None:
    await busy(office)
    async with office.visitor(SARI.address) as sari:
        for path in ("/board", "/board/report", "/board/lately", "/board/tickets?now=open"):
            text = (await sari.get(path)).text
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src)", text), path


def test_charts_are_dark_as_in_the_file_of_the_report() -> None:
    """The same colours are exchanged, there by value, here by the variables of the look."""
    ours, look = Path(STATIC / "board.css").read_text(), Path(STATIC / "style.css").read_text()
    dark = look[look.index("prefers-color-scheme: dark") :]
    variables = dict(re.findall(r"--(\w+): (#\w{6})", dark[: dark.index("\n}")]))
    pairs = re.findall(r'\[(?:fill|stroke)="(#\w+)"\] \{ (?:fill|stroke): (#\w+)', html._STYLE)
    assert len(pairs) == 8
    for light, value in pairs:
        (shown,) = re.findall(rf'="{light}"\] {{ (?:fill|stroke): ([^;]+);', ours)
        assert value == variables.get(shown[6:-1], shown), light


def test_a_moment_survives_the_address(office: Office) -> None:
    at = office.intake.clock + timedelta(microseconds=123_457)
    query = dict(Asked("30d", team="payments").query(at))
    assert read_asked(query, office.desk.policy, at) == Asked("30d", team="payments", at=at)
    assert RINA.address not in str(query)


async def test_what_customers_wrote_is_no_markup_on_the_board_or_in_a_chart(office: Office) -> None:
    hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)> gagal'
    runtime = office.intake.runtime
    runtime.replace(replace(runtime.policy, authority=LIMITS), runtime.snapshot.composer.templates)
    for n in range(6):
        ticket = await office.receive(sender=f"c{n}@pelanggan.example", Subject=hostile)
    act(office, ticket.number, c.Compensate(rp(300_000), hostile))
    office.intake.clock += HOUR
    async with office.visitor(SARI.address) as sari:
        await load(office.desk, Asked())
        for path in ("/board", "/board/report", "/board/tickets?now=open"):
            text = (await sari.get(path)).text
            assert "alert" in text, path
            assert "<script>" not in text, path
            assert "<img" not in text, path
