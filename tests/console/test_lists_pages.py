"""The list of an agent and the lists of teams: what is on them, in which order, and for whom."""

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from mailbot.config.model import Channels, Telegram
from mailbot.domain.commands import Assign, Snooze, Wait
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import Turn
from mailbot.domain.people.access import find_viewer
from mailbot.operations.ticket_commands import TicketCommand
from mailbot.store.console import drafts
from mailbot.store.console.drafts import Draft
from mailbot.store.schema import tickets
from tests.builders import BAYU, DEWI, RINA, SARI
from tests.console.office import Office, Visitor

PAYMENT = {"Subject": "Saldo terpotong dua kali"}


def numbers(html: str) -> list[str]:
    """Return the tickets on a page, in their order."""
    return re.findall(r'<li class="row" data-row>.*?href="/tickets/(TOKO-[0-9-]+)"', html, re.DOTALL)


async def act(office: Office, number: str, address: str, command: object) -> None:
    viewer = find_viewer(address, office.desk.policy)
    assert viewer
    done = await office.desk.run(TicketCommand(number, Act((command,)), viewer.actor, office.intake.clock))  # type: ignore[arg-type]
    assert done, done


async def listed(visitor: Visitor, path: str = "/tickets/team", **asked: object) -> list[str]:
    answer = await visitor.get(f"{path}?{urlencode(asked)}")
    assert answer.status_code == 200
    return numbers(answer.text)


async def test_my_list_has_my_tickets_the_earliest_promise_first_and_says_what_is_late(
    office: Office,
) -> None:
    first = await office.receive(sender="Siti Rahmawati <siti@pelanggan.example>")
    await act(office, first.number, RINA.address, Assign(RINA.address))
    office.intake.clock += timedelta(minutes=50)
    second = await office.receive(Subject="Kedua")
    await act(office, second.number, RINA.address, Assign(RINA.address))
    await office.receive(**PAYMENT)
    async with office.visitor(RINA.address) as rina:
        html = (await rina.get("/tickets")).text
        assert numbers(html) == [first.number, second.number]
        assert "Siti Rahmawati" in html
        assert "Segera" in html
        assert "10 mnt lagi" in html
        assert "Terlambat" not in html
        office.intake.clock += timedelta(minutes=30)
        assert "Terlambat" in (await rina.get("/tickets")).text


async def test_a_ticket_that_i_began_to_write_on_is_marked_for_me_alone(office: Office) -> None:
    ticket = await office.receive()
    draft = Draft(ticket.number, RINA.address, note=False, text="Halo", at=office.intake.clock)
    office.store.write_now(drafts.save, draft)
    for address, marked in ((RINA.address, True), (BAYU.address, False)):
        async with office.visitor(address) as visitor:
            assert ("Draf Anda" in (await visitor.get("/tickets/team")).text) is marked


async def test_what_waits_and_what_is_snoozed_is_folded_with_its_count(office: Office) -> None:
    waits, sleeps = await office.receive(), await office.receive(Subject="Kedua")
    soon = office.intake.clock + timedelta(minutes=30)
    for number, command in (
        (waits.number, Wait(Turn.CUSTOMER)),
        (sleeps.number, Snooze(soon)),
    ):
        await act(office, number, RINA.address, Assign(RINA.address))
        await act(office, number, RINA.address, command)
    async with office.visitor(RINA.address) as rina:
        html = (await rina.get("/tickets")).text
    assert "Tidak ada yang menunggu Anda" in html
    assert "Menunggu pelanggan (1)" in html
    assert "Ditunda (1)" in html


async def test_who_has_nothing_to_do_is_offered_what_nobody_has_in_the_own_teams(office: Office) -> None:
    ticket = await office.receive()
    other = await office.receive(**PAYMENT)
    with office.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tickets SET assignee = NULL")
    async with office.visitor(RINA.address) as rina:
        html = (await rina.get("/tickets")).text
        assert numbers(html) == [ticket.number]
        assert other.number not in html
        assert f'<button name="number" value="{ticket.number}"' in html
        once = re.findall(r'name="once" value="([^"]+)"', html)[0]
        form = {"number": ticket.number, "verb": "take", "words": "", "once": once}
        await rina.post("/tickets/bulk", form)
    assert office.ticket(ticket.number).assignee == RINA.address


async def test_a_long_list_of_mine_shows_its_first_part_and_leads_to_the_rest(office: Office) -> None:
    for n in range(3):
        office.intake.clock += timedelta(minutes=1)
        await office.receive(sender=f"siti{n}@pelanggan.example")
    with office.store.engine.begin() as connection:
        columns = [column.name for column in tickets.c if column.name != "number"]
        names = ", ".join(f'"{name}"' for name in columns)
        connection.exec_driver_sql(f"UPDATE tickets SET assignee = '{RINA.address}'")
        connection.exec_driver_sql(
            f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 150) INSERT INTO tickets "
            f"(number, {names}) SELECT 'COPY-' || n, {names} FROM (SELECT * FROM tickets LIMIT 1), n"
        )
    async with office.visitor(RINA.address) as rina:
        html = (await rina.get("/tickets")).text
    assert html.count("data-row>") == 100
    assert "153 untuk dikerjakan" in html
    assert "53 lagi" in html
    assert len(html) < 150_000


async def test_an_admin_who_answers_no_customers_is_led_to_the_lists_of_teams(office: Office) -> None:
    admin = Office(office.store, admins=("eko@tim.example",))
    async with admin.visitor("eko@tim.example") as eko:
        assert (await eko.get("/tickets")).headers["location"] == "/tickets/team"
        assert "Everything is done." in (await eko.get("/tickets/team")).text


async def test_a_team_list_has_only_what_its_viewer_may_see(office: Office) -> None:
    frontline = await office.receive()
    office.intake.clock += timedelta(minutes=1)
    payments = await office.receive(**PAYMENT)
    for address, expected in (
        (RINA.address, [frontline.number]),
        (DEWI.address, [payments.number]),
        (SARI.address, [frontline.number, payments.number]),
    ):
        async with office.visitor(address) as visitor:
            assert await listed(visitor) == expected
            assert await listed(visitor, sort="newest") == expected[::-1]
            assert await listed(visitor, status="all") == expected[::-1]
    async with office.visitor(RINA.address) as rina:
        for asked in ({"team": "payments"}, {"customer": payments.customer, "team": "payments"}):
            assert await listed(rina, **asked) == []
        assert payments.number not in (await rina.get("/tickets/team?team=payments")).text


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"team": "payments"}, True),
        ({"team": "frontline"}, False),
        ({"level": "L1"}, True),
        ({"level": "L2"}, False),
        ({"priority": "high"}, True),
        ({"priority": "low"}, False),
        ({"agent": DEWI.address}, True),
        ({"agent": BAYU.address}, False),
        ({"status": "new"}, True),
        ({"status": "closed"}, False),
        ({"status": "nonsense"}, False),
        ({"category": "payment"}, True),
        ({"category": "pay"}, False),
        ({"tag": "money"}, True),
        ({"tag": "mon"}, False),
        ({"turn": "ours"}, True),
        ({"turn": "customer"}, False),
        ({"turn": "nonsense"}, False),
        ({"channel": "mail"}, True),
        ({"channel": "telegram"}, False),
        ({"late": "1"}, False),
        ({"unassigned": "1"}, False),
        ({"automatic": "1"}, False),
        ({"customer": "Budi@pelanggan.example"}, True),
        ({"customer": "siti@pelanggan.example"}, False),
        ({"incident": "TOKO-48217390-8"}, False),
        ({"incident": "nonsense"}, False),
        ({"page": "2"}, False),
        ({"page": "-1"}, True),
        ({"page": "many"}, True),
    ],
)
@pytest.mark.parametrize("sort", ["promise", "newest"])
async def test_a_team_list_is_narrowed_by_its_address(
    office: Office, asked: dict[str, str], sort: str, *, fits: bool
) -> None:
    ticket = await office.receive(**PAYMENT)
    async with office.visitor(DEWI.address) as dewi:
        assert await listed(dewi, sort=sort, **asked) == [ticket.number] * fits


async def test_a_team_list_offers_the_channels_where_there_are_any_beside_mail(office: Office) -> None:
    async with office.visitor(RINA.address) as rina:
        assert '<select name="channel">' not in (await rina.get("/tickets/team")).text
        chosen = (await rina.get("/tickets/team?channel=fax&level=L1")).text
        assert '<option value="fax" selected>' in chosen
        telegram = Telegram("support@dukungan.example")
        settings = replace(office.desk.settings, channels=Channels(telegram))
        object.__setattr__(office.desk, "settings", settings)
        offered = re.search(
            '<select name="channel">.*?</select>', (await rina.get("/tickets/team")).text, re.DOTALL
        )
    assert offered
    assert re.findall('value="([^"]+)"', offered[0]) == ["mail", "telegram"]


async def test_a_team_list_shows_late_tickets_alone_and_counts_its_teams(office: Office) -> None:
    late = await office.receive()
    office.intake.clock += timedelta(hours=2)
    await office.receive(Subject="Baru", sender="siti@pelanggan.example")
    async with office.visitor(RINA.address) as rina:
        assert await listed(rina, late=1) == [late.number]
        html = (await rina.get("/tickets/team")).text
    assert '<span class="quiet number">2</span>' in html


async def test_a_subject_can_bring_no_markup_into_a_list(office: Office) -> None:
    await office.receive(Subject="<script>alert(1)</script>", sender='"<b>x</b>" <x@pelanggan.example>')
    async with office.visitor(RINA.address) as rina:
        html = (await rina.get("/tickets/team")).text
    assert "<script>alert" not in html
    assert "<b>x</b>" not in html
    assert "&lt;script&gt;alert(1)" in html
