"""The admins' page that shows where a mail would go, and why."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mailbot.store.schema import events, inbox, outbox, tickets
from mailbot.store.store import Store
from tests import empty_store
from tests.builders import BOX, RINA
from tests.console.office import Office

ADMIN = RINA.address
RAW = (
    f"From: Budi <budi@pelanggan.example>\r\nTo: {BOX.address}\r\nSubject: Saldo hilang\r\n"
    "Message-ID: <1@x.example>\r\n\r\nSaldo saya hilang.\r\n"
)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    store = Store(empty_store.sqlite_url(tmp_path))
    yield Office(store, admins=(ADMIN,))
    store.close()


def _rows(office: Office) -> list[int]:
    with office.store.engine.connect() as connection:
        tables = (inbox, tickets, events, outbox)
        return [connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


async def test_a_typed_mail_is_explained_and_nothing_is_kept(office: Office) -> None:
    before = _rows(office)
    async with office.visitor(ADMIN) as admin:
        answer = await admin.post("/admin/mail", {"subject": "Saldo saya hilang", "text": "Tolong."})
    assert answer.status_code == 200
    assert "Payments" in answer.text
    assert "Dewi" in answer.text
    assert "subject contains &#39;saldo&#39;" in answer.text
    assert "konfirmasi penerimaan" in answer.text
    assert _rows(office) == before


async def test_a_trial_leaves_no_trace_in_what_the_node_remembers(office: Office) -> None:
    snapshot = office.intake.runtime.snapshot
    async with office.visitor(ADMIN) as admin:
        for _ in range(3):
            await admin.post("/admin/mail", {"subject": "Saldo saya hilang", "text": "Tolong."})
    real = await office.receive(Subject="Saldo saya hilang")
    assert real.incident is None
    assert office.intake.runtime.snapshot is snapshot


@pytest.mark.parametrize("way", ["raw", "file"])
async def test_a_pasted_and_an_uploaded_mail_are_read_with_their_header(office: Office, way: str) -> None:
    async with office.visitor(ADMIN) as admin:
        data = {"raw": RAW} if way == "raw" else {}
        files = {"file": ("mail.eml", RAW.encode(), "message/rfc822")} if way == "file" else None
        text = (await admin.post("/admin/mail", data, files=files)).text
    assert "budi@pelanggan.example" in text
    assert "Saldo hilang" in text


async def test_a_mail_that_came_in_is_explained_as_if_it_came_again(office: Office) -> None:
    ticket = await office.receive(Subject="Saldo hilang")
    async with office.visitor(ADMIN) as admin:
        assert "/admin/mail?inbox=1" in (await admin.get(f"/admin/mail?number={ticket.number}")).text
        text = (await admin.get("/admin/mail?inbox=1")).text
        assert "seolah email itu datang sekali lagi" in text
        assert (await admin.get("/admin/mail?inbox=7")).status_code == 404


async def test_an_empty_form_and_a_foreign_recipient_are_named(office: Office) -> None:
    async with office.visitor(ADMIN) as admin:
        assert "Formulirnya kosong" in (await admin.post("/admin/mail", {})).text
        foreign = {"raw": RAW, "to": "sales@other.example"}
        assert "bukan kotak surat kita" in (await admin.post("/admin/mail", foreign)).text


async def test_what_would_be_sent_is_shown_in_a_frame_without_scripts(office: Office) -> None:
    async with office.visitor(ADMIN) as admin:
        text = (await admin.post("/admin/mail", {"subject": "Saldo", "text": "x"})).text
        key = re.findall(r"/admin/mail/sent/([\w-]+)", text)[0]
        shown = await admin.get(f"/admin/mail/sent/{key}")
        assert "<html" in shown.text
        policy = shown.headers["content-security-policy"]
        assert "sandbox" in policy
        assert "script-src" not in policy
        assert policy.startswith("default-src 'none'")
        assert (await admin.get("/admin/mail/sent/guessed")).status_code == 404


async def test_hostile_text_in_a_trial_is_shown_as_text(office: Office) -> None:
    async with office.visitor(ADMIN) as admin:
        attack = "<script>alert(1)</script>"
        text = (await admin.post("/admin/mail", {"from": attack, "subject": attack, "text": attack})).text
    assert attack not in text
    assert "&lt;script&gt;" in text
