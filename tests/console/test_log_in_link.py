"""Log in by a mailed link: who gets one, where it works, how often, and that nobody learns who works here."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from mailbot.console.guards import cookie_name
from mailbot.console.log_in.browser import PER_CLIENT
from mailbot.console.log_in.own_paths import own_path
from mailbot.operations import log_in
from mailbot.store.console import log_ins, sessions
from mailbot.store.schema import log_ins as log_ins_table
from mailbot.workers.cleanup import Cleanup
from tests.builders import BAYU, RINA, SARI
from tests.console.office import Office, Visitor

KEY = re.compile(r"/login/link\?key=([\w-]+)")
CSRF = re.compile(r'name="csrf" value="(\w+)"')


async def ask(visitor: Visitor, address: str, to: str = "/tickets") -> Any:
    """Open the log-in and send its form."""
    visitor.csrf = CSRF.search((await visitor.get("/login")).text)[1]
    return await visitor.post("/login", {"address": address, "next": to})


def mailed(office: Office) -> list[Any]:
    return [office.intake.content(row) for row in office.intake.outbox_rows("log_in")]


def key_of(mail: Any) -> str:
    return KEY.search(mail.get_body(("plain",)).get_content())[1]


async def test_a_link_is_mailed_and_logs_in_by_its_button(office: Office) -> None:
    async with office.visitor() as rina:
        assert (await ask(rina, " Rina@tim.example", "/search?q=saldo")).headers["location"] == "/login/sent"
        (mail,) = mailed(office)
        shown = await rina.get(f"/login/link?key={key_of(mail)}")
        assert "Anda masuk sebagai Rina." in shown.text
        answer = await rina.post("/login/link", {"key": key_of(mail)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/search?q=saldo")
        assert (await rina.get("/logout")).status_code == 200
    assert mail["To"] == RINA.address


async def test_the_mail_is_in_the_persons_language_as_text_and_html_and_leaves_at_once(
    office: Office,
) -> None:
    async with office.visitor(**{"Accept-Language": "en"}) as visitor:
        await ask(visitor, BAYU.address)
    (row,), (mail,) = office.intake.outbox_rows("log_in"), mailed(office)
    assert (row.lane, row.due_at <= office.intake.clock) == (0, True)
    assert mail["Subject"] == "Masuk ke TokoDompet"
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "hari ini pukul" in text
    assert key_of(mail) in html
    assert 'class="button first" href="http://127.0.0.1' in html


async def test_the_store_and_the_log_have_no_key(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    async with office.visitor() as rina:
        await ask(rina, RINA.address)
        key = key_of(mailed(office)[0])
        await rina.get(f"/login/link?key={key}")
        await rina.post("/login/link", {"key": key})
    rows = office.intake.all(select(log_ins_table))
    assert key not in repr(rows) + "".join(capsys.readouterr())


async def test_opening_the_link_uses_nothing_up_and_pressing_does(office: Office) -> None:
    async with office.visitor() as rina:
        await ask(rina, RINA.address)
        key = key_of(mailed(office)[0])
        for _ in range(3):
            assert "Anda masuk sebagai Rina." in (await rina.get(f"/login/link?key={key}")).text
        assert (await rina.post("/login/link", {"key": key})).status_code == 303
        assert "sudah dipakai" in (await rina.get(f"/login/link?key={key}")).text
        assert (await rina.post("/login/link", {"key": key})).status_code == 403


async def test_a_link_works_in_the_browser_that_asked_alone(office: Office) -> None:
    async with office.visitor() as rina, office.visitor() as thief:
        await ask(rina, RINA.address)
        key = key_of(mailed(office)[0])
        shown = await thief.get(f"/login/link?key={key}")
        assert "di browser tempat Anda memintanya" in shown.text
        assert "Rina" not in shown.text
        thief.csrf = CSRF.search((await thief.get("/login")).text)[1]
        assert (await thief.post("/login/link", {"key": key})).status_code == 403
        assert (await thief.get("/logout")).status_code == 303
        assert (await rina.post("/login/link", {"key": key})).status_code == 303


async def test_a_link_is_good_for_ten_minutes_and_then_removed(office: Office) -> None:
    async with office.visitor() as rina:
        await ask(rina, RINA.address)
        key = key_of(mailed(office)[0])
        office.intake.clock += log_ins.LASTS
        assert "tidak berlaku" in (await rina.get(f"/login/link?key={key}")).text
        assert (await rina.post("/login/link", {"key": key})).status_code == 403
    await Cleanup(office.intake.deps).run_once()
    assert office.intake.one(select(func.count()).select_from(log_ins_table))[0] == 0


async def test_who_left_meanwhile_is_not_logged_in(office: Office) -> None:
    async with office.visitor() as rina:
        await ask(rina, RINA.address)
        key = key_of(mailed(office)[0])
        office.leave(RINA)
        assert "tidak berlaku" in (await rina.get(f"/login/link?key={key}")).text
        assert (await rina.post("/login/link", {"key": key})).status_code == 403


@pytest.mark.parametrize("address", ["budi@pelanggan.example", "rina@tim.example.evil.example", "x\r\ny@z"])
async def test_unknown_addresses_get_no_mail_and_the_same_answer(office: Office, address: str) -> None:
    async with office.visitor() as known, office.visitor() as unknown:
        yes, no = await ask(known, RINA.address), await ask(unknown, address)
        assert (yes.status_code, yes.content) == (no.status_code, no.content)
        assert [*yes.headers] == [*no.headers]
        assert (await known.get("/login/sent")).content == (await unknown.get("/login/sent")).content
    assert [mail["To"] for mail in mailed(office)] == [RINA.address]


async def test_the_same_work_is_done_for_unknown_addresses_up_to_the_mail(office: Office) -> None:
    async with office.visitor() as visitor:
        for address in (RINA.address, "budi@pelanggan.example"):
            await ask(visitor, address)
    assert office.intake.one(select(func.count()).select_from(log_ins_table))[0] == 2


async def test_an_address_and_a_client_are_limited_whoever_they_are(office: Office) -> None:
    async with office.visitor() as visitor:
        for address in (RINA.address, "budi@pelanggan.example"):
            answers = [(await ask(visitor, address)).status_code for _ in range(log_in.PER_ADDRESS.count + 1)]
            assert answers == [303] * log_in.PER_ADDRESS.count + [429]
        others = [
            (await ask(visitor, f"a{count}@x.example")).status_code for count in range(PER_CLIENT.count)
        ]
        assert others[-1] == 429
        office.intake.clock += timedelta(minutes=20)
        assert (await ask(visitor, RINA.address)).status_code == 303
    assert len(mailed(office)) == log_in.PER_ADDRESS.count + 1


async def test_a_new_log_in_ends_the_session_that_the_browser_had(office: Office) -> None:
    async with office.visitor(SARI.address) as browser:
        before = browser.client.cookies[cookie_name(office.desk)]
        browser.client.cookies.delete(cookie_name(office.desk))
        await ask(browser, RINA.address)
        browser.client.cookies.set(cookie_name(office.desk), before)
        await browser.post("/login/link", {"key": key_of(mailed(office)[0])})
        assert "Rina" in (await browser.get("/logout")).text
    now = office.intake.clock
    assert office.store.read_now(sessions.find, sessions.digest_of(before), now) is None


async def test_logging_out_ends_this_session_or_all(office: Office) -> None:
    async with office.visitor(RINA.address) as one, office.visitor(RINA.address) as two:
        assert (await two.get("/logout")).text.count('<li class="row">') == 2
        assert (await one.post("/logout")).headers["location"] == "/login?out=1"
        assert (await one.get("/logout")).status_code == 303
        async with office.visitor(RINA.address) as three:
            await two.post("/logout/everywhere")
            assert (await three.get("/logout")).status_code == 303
        assert "Anda sudah keluar" in (await one.get("/login?out=1")).text


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "@evil.example",
        "/login",
        "/login/oidc",
        "/logout",
        "",
    ],
)
def test_a_log_in_leads_to_our_own_pages_alone(wanted: str) -> None:
    assert own_path(wanted) == "/tickets"


@pytest.mark.parametrize("wanted", ["/tickets/TOKO-48217390-8", "/search?q=//saldo", "/", "/board#late"])
def test_a_log_in_leads_back_to_where_one_wanted(wanted: str) -> None:
    assert own_path(wanted) == wanted


def test_the_pages_of_the_log_in_are_read_on_a_phone(open_page: Any) -> None:
    page = open_page("/login", address="", size={"width": 380, "height": 720})
    page.get_by_label("Alamat email").fill(RINA.address)
    page.get_by_role("button", name="Kirim tautan").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Periksa email Anda"
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
