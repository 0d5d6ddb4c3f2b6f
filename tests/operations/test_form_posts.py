"""Forms on both engines: the same form at the same time is one message, and a link lets in one."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from mailbot.domain.model import Envelope
from mailbot.domain.web_forms.model import WebForm
from mailbot.operations.form_posts import FormPost, Outcome, confirm, read_link, take_post
from mailbot.operations.transaction import transact
from mailbot.store.schema import inbox, outbox, unconfirmed_posts
from mailbot.store.store import Store
from tests.builders import BOX
from tests.console.customers import SITE
from tests.console.form_desk import SITI
from tests.workers.test_intake import Desk

FORM = WebForm("kontak", BOX.address, {"id": "Kontak", "en": "Contact"})
RAW = b"From: siti@pelanggan.example\r\nSubject: Barang\r\n\r\nRusak.\r\n"


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, public_url=SITE, web_forms={"kontak": FORM})


def post(desk: Desk, **changes: object) -> FormPost:
    envelope = Envelope(SITI, (BOX.address,), "", desk.clock)
    made = FormPost(FORM, "nonce", "content", SITI, "id", envelope, RAW, "mark", SITE)
    return replace(made, **changes)  # type: ignore[arg-type]


def take(desk: Desk, wanted: FormPost) -> Outcome:
    return transact(desk.store, desk.runtime, desk.clock, lambda transaction: take_post(transaction, wanted))


def key_of(desk: Desk) -> str:
    (row,) = desk.all(select(outbox))
    text = desk.content(row).get_body(("plain",)).get_content()
    return str(text.partition("key=")[2].split()[0])


def press(desk: Desk, key: str, form: str = "kontak") -> bool:
    return transact(desk.store, desk.runtime, desk.clock, lambda transaction: confirm(transaction, key, form))


def test_the_same_form_at_the_same_time_is_one_message(desk: Desk) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: take(desk, post(desk)), range(8)))
    assert set(done) == {Outcome.TAKEN}
    assert (len(desk.all(select(unconfirmed_posts))), len(desk.all(select(outbox)))) == (1, 1)


def test_a_key_with_other_content_takes_nothing(desk: Desk) -> None:
    contents = [f"content {n}" for n in range(6)]
    with ThreadPoolExecutor(3) as threads:
        done = Counter(threads.map(lambda content: take(desk, post(desk, content=content)), contents))
    assert done == {Outcome.TAKEN: 1, Outcome.CHANGED: 5}
    assert len(desk.all(select(unconfirmed_posts))) == 1


def test_many_who_press_at_the_same_time_let_one_message_in(desk: Desk) -> None:
    take(desk, post(desk))
    key = key_of(desk)
    assert not press(desk, key, "retur")
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(lambda _: press(desk, key), range(8)))
    (kept,) = desk.all(select(inbox))
    assert (kept.sender, kept.fingerprint) == (SITI, "mark")
    assert desk.all(select(unconfirmed_posts)) == []
    assert desk.store.read_now(read_link, key, "kontak", desk.clock).confirmed


def test_without_confirmation_the_message_is_in_the_inbox_with_the_form(desk: Desk) -> None:
    at_once = post(desk, form=replace(FORM, confirm=False))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: take(desk, at_once), range(8)))
    assert len(desk.all(select(inbox))) == 1
    assert desk.all(select(outbox)) == []
