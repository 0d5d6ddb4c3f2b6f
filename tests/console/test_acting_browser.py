"""Acting by keys in a real browser: drafts, a macro, who else is there, the undo's countdown, two clicks at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.store.schema import outbox
from tests.builders import BAYU, BOX
from tests.console.conftest import wait_until
from tests.console.office import Office, Served

ANSWER = "Barang Anda sudah kami kirim ulang pagi ini."
BEAT = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture
def office(office: Office) -> Office:
    box = replace(BOX, undo=timedelta(minutes=2), collision=timedelta(minutes=10))
    policy = replace(office.desk.policy, mailboxes={BOX.address: box})
    office.intake.runtime.replace(policy, office.intake.runtime.snapshot.composer.templates)
    return office


def sent(office: Office) -> list[Any]:
    return office.intake.all(select(outbox).where(outbox.c.kind == "answer"))


def test_an_agents_minute_by_keys(open_page: Any, office: Office, served: Served) -> None:
    number = served.receive(Subject="Barang belum sampai").number
    path = f"/tickets/{number}"
    page, bayus = open_page(path), open_page(path, address=BAYU.address)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)

    # What is typed is there again after a reload, and a colleague sees who writes.
    page.keyboard.press("r")
    page.keyboard.type("Halo Budi,")
    page.get_by_text("Draf tersimpan").wait_for()
    bayus.evaluate(BEAT)
    bayus.get_by_text("Rina sedang menulis di tiket ini").wait_for()
    page.reload()
    assert page.input_value("#compose textarea") == "Halo Budi,"

    # A macro asks for what is missing, and stands in the text.
    page.fill("[name=macro]", "refund-sent")
    page.keyboard.press("Enter")
    page.get_by_label("Amount").fill("Rp 50.000")
    page.get_by_text("Masukkan ke jawaban").click()
    wait_until(page, "document.querySelector('#compose textarea').value.includes('Rp 50.000')")

    # How a moment is read is shown before anything is sent.
    page.locator("summary", has_text="Dan sekaligus").click()
    page.fill("[name=then_working]", "besok 10.00")
    page.get_by_text("Terbaca: Selasa, 24 November").wait_for()
    assert page.is_checked("[name=then][value=working]")
    page.focus("#compose textarea")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Sudah dilakukan").wait_for()
    assert "Kabar dijanjikan" in page.inner_text("#done")
    assert len(sent(office)) == 1

    # The undo counts down, and its key takes the answer back.
    assert page.inner_text("[data-left]") in ("(2:00)", "(1:59)", "(1:58)")
    page.keyboard.press("u")
    page.get_by_text("seperti semula").first.wait_for()
    page.wait_for_load_state("load")
    assert [row.state for row in sent(office)] == ["suppressed"]
    page.keyboard.press("n")
    page.keyboard.type("Sudah dicek")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Disimpan sebagai catatan").wait_for()
    assert errors == []


def test_two_clicks_at_once_send_one_answer(open_page: Any, office: Office, served: Served) -> None:
    number = served.receive().number
    page = open_page(f"/tickets/{number}", size={"width": 380, "height": 720})
    page.fill("#compose textarea", ANSWER)
    form = "Object.fromEntries(new FormData(document.querySelector('#answer')))"
    body = f"new URLSearchParams({{...{form}, files: ''}})"
    page.evaluate(
        f"Promise.all([1, 2, 3].map(() => fetch('/tickets/{number}/act', {{method: 'POST', body: {body}}})))"
    )
    assert len(sent(office)) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
