"""Attacks on web forms: nothing comes in, nothing goes out, and nobody learns whose address it was."""

import asyncio
import random
import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from mailbot.console.forms.rates import BY_ADDRESS, BY_CLIENT, OVERALL
from mailbot.domain.policy import AnswerLimits, Rate
from mailbot.domain.replies.undeliverable import Suppression
from mailbot.domain.web_forms.confirmation import PER_ADDRESS
from mailbot.domain.web_forms.given import HEADER, Given
from mailbot.store import suppressions
from mailbot.store.queries import raw_mail
from mailbot.store.schema import outbox, tickets
from tests.builders import BOX, NOW, RINA, SARI
from tests.console.customers import PNG
from tests.console.form_desk import (
    FORM,
    FORMS,
    KEY,
    MESSAGE,
    SHOP,
    SITI,
    Customer,
    confirmations,
    form_office,
    kept,
    link_of,
    press,
    waiting,
)
from tests.console.hostile import PAYLOADS
from tests.console.office import Office
from tests.console.test_hostile_mail import faults_of
from tests.profile import NIGHTLY

REQUESTS = 10_000 if NIGHTLY else 600
EVIL = "x\r\nBcc: korban@lain.example\r\n\r\nisi"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with form_office(tmp_path) as office:
        yield office


def nothing_happened(office: Office) -> bool:
    return (waiting(office), kept(office), office.intake.all(select(outbox))) == ([], [], [])


# --- keys -------------------------------------------------------------------------------------------------


async def test_forged_keys_take_nothing(office: Office) -> None:
    customer = Customer(office)
    key = await customer.key()
    nonce, moment, mac = key.split(".")
    forged = [
        "", "x", f"{nonce}.{moment}.{'a' * 26}", f"{nonce}.{int(moment) - 1}.{mac}", f"{nonce[:-1]}.{moment}.{mac}",
        f"{key}.", f"{nonce}.{moment}", key[:-1], f"{nonce}.{moment}.{mac}\0", "é" * 60, "9" * 500,
    ]  # fmt: skip
    for each in forged:
        answer = await customer.send(key=each)
        assert answer.status_code == 422
        assert MESSAGE in answer.text
    assert nothing_happened(office)


async def test_a_key_of_another_form_takes_nothing(office: Office) -> None:
    key = await Customer(office, "retur").key()
    assert (await Customer(office).send(key=key)).status_code == 422
    assert nothing_happened(office)


@pytest.mark.parametrize("after", [timedelta(seconds=2), timedelta(hours=24, seconds=1)])
async def test_a_key_is_good_neither_at_once_nor_for_ever(office: Office, after: timedelta) -> None:
    customer = Customer(office)
    found = KEY.search((await customer.get()).text)
    assert found
    office.intake.clock += after
    assert (await customer.send(key=found[1])).status_code == 422
    assert nothing_happened(office)


async def test_one_key_makes_one_message_however_it_is_replayed(office: Office) -> None:
    customer = Customer(office)
    key = await customer.key()
    texts = [MESSAGE, *(f"Promosi {n}" for n in range(8))]
    sent = await asyncio.gather(*(customer.send(key=key, message=text) for text in texts))
    assert Counter(answer.status_code for answer in sent) == {303: 1, 422: 8}
    assert (len(waiting(office)), len(confirmations(office))) == (1, 1)


async def test_who_fills_in_the_hidden_field_sends_nothing(office: Office) -> None:
    assert (await Customer(office).send(website="https://spam.example")).status_code == 422
    assert nothing_happened(office)


async def test_a_page_of_another_site_sends_nothing(office: Office) -> None:
    customer = Customer(office)
    fields = {"address": SITI, "message": MESSAGE, "key": await customer.key()}
    for site in ("cross-site", "same-site"):
        answer = await customer.post("/forms/kontak", fields, **{"Sec-Fetch-Site": site})
        assert answer.status_code == 403
    assert nothing_happened(office)


# --- links ------------------------------------------------------------------------------------------------


async def test_guessed_links_and_those_of_another_form_confirm_nothing(office: Office) -> None:
    await Customer(office).send()
    link, rng = link_of(office), random.Random(1)
    key = link.rpartition("=")[2]
    letters = string.ascii_letters + string.digits + "-_"
    guesses = [
        "",
        key[:-1],
        key + "x",
        key.swapcase(),
        "é",
        *("".join(rng.choices(letters, k=43)) for _ in range(200)),
    ]
    for guess in guesses:
        assert (await press(office, f"/forms/kontak/confirm?key={guess}")).status_code == 404
    assert (await press(office, link.replace("/forms/kontak", "/forms/retur"))).status_code == 404
    assert (await Customer(office).get(link.replace("/forms/kontak", "/forms/retur"))).status_code == 404
    assert (kept(office), len(waiting(office))) == ([], 1)


async def test_programs_that_read_mail_confirm_nothing(office: Office) -> None:
    await Customer(office).send()
    async with office.visitor() as visitor:
        for _ in range(3):
            await visitor.client.get(link_of(office))
            await visitor.client.head(link_of(office))
    assert (kept(office), len(waiting(office))) == ([], 1)


# --- whose address ----------------------------------------------------------------------------------------


def _suppress(connection: Connection, items: list[str]) -> list[None]:
    found = [Suppression(each, "bounce", "the address does not exist", NOW, None) for each in items]
    return [suppressions.add(connection, found)]


async def test_the_answer_is_the_same_for_every_address_and_ours_get_no_mail(office: Office) -> None:
    await office.receive(sender="budi@pelanggan.example")
    before = len(office.intake.all(select(outbox)))
    office.store.write_now(_suppress, "kembali@pelanggan.example")
    local, _, domain = BOX.address.partition("@")
    refused = (
        RINA.address,
        RINA.address.upper(),
        BOX.address,
        f"{local}+x@{domain}",
        "kembali@pelanggan.example",
    )
    answers = set()
    for n, address in enumerate((*refused, "budi@pelanggan.example", "baru@pelanggan.example")):
        sent = await Customer(office, peer=f"203.0.113.{n}").send(address=address)
        answers.add((sent.status_code, sent.headers["location"], sent.content))
    assert len(answers) == 1
    assert [row.recipient for row in confirmations(office)] == [
        "budi@pelanggan.example",
        "baru@pelanggan.example",
    ]
    assert len(office.intake.all(select(outbox))) == before + 2
    assert len(waiting(office)) == 2


async def test_nobody_floods_a_stranger(office: Office) -> None:
    spellings = ("Siti@pelanggan.example", "siti+a@pelanggan.example", "siti+b@pelanggan.example")
    answers = set()
    for n in range(12):
        sent = await Customer(office, peer=f"203.0.113.{n}").send(
            address=spellings[n % 3], message=f"{MESSAGE} {n}"
        )
        answers.add((sent.status_code, sent.headers["location"]))
    assert len(answers) == 1
    assert len(confirmations(office)) == len(waiting(office)) == PER_ADDRESS.count == 3
    office.intake.clock += timedelta(days=1)
    await Customer(office).send(address=spellings[0])
    assert len(confirmations(office)) == 4


async def test_all_confirmations_together_have_a_limit(tmp_path: Path) -> None:
    limits = AnswerLimits(per_domain=(Rate(2, timedelta(hours=1)),), overall=(Rate(3, timedelta(hours=1)),))
    with form_office(tmp_path, answers=limits) as office:
        for n, domain in enumerate(("a", "a", "a", "b", "c", "d")):
            await Customer(office, peer=f"203.0.113.{n}").send(address=f"s{n}@{domain}.example")
        to = [row.recipient for row in confirmations(office)]
        assert to == ["s0@a.example", "s1@a.example", "s3@b.example"]
        assert office.intake.all(select(tickets)) == []


# --- many -------------------------------------------------------------------------------------------------


async def test_a_flood_of_one_client_is_bounded(office: Office) -> None:
    customer = Customer(office)
    key = await customer.key()
    fields = {"message": MESSAGE, "key": key}
    statuses: Counter[int] = Counter()
    async with office.visitor(peer=customer.peer) as visitor:
        for n in range(REQUESTS):
            sent = await visitor.client.post(
                "/forms/kontak", data={**fields, "address": f"s{n}@lain.example"}
            )
            statuses[sent.status_code] += 1
    assert statuses[303] == 1
    assert statuses[429] == REQUESTS - BY_CLIENT.count
    assert len(confirmations(office)) == 1


async def test_a_flood_of_many_clients_is_bounded(office: Office) -> None:
    customers = [Customer(office, peer=f"198.51.100.{n}") for n in range(10)]
    keys = [await each.key() for each in customers]
    for _ in range(OVERALL.count - 3):
        assert office.desk.clients.take("form-overall", OVERALL, office.intake.clock)
    sent = Counter[int]()
    for n, customer in enumerate(customers):
        fields = {"address": f"s{n}@lain{n}.example", "message": MESSAGE, "key": keys[n]}
        sent[(await customer.post("/forms/kontak", fields)).status_code] += 1
    assert sent == {303: 3, 429: 7}
    assert len(waiting(office)) == 3


async def test_what_programs_send_uses_nothing_up_for_people(office: Office) -> None:
    for n in range(100):
        customer = Customer(office, peer=f"198.51.100.{n}")
        await customer.post("/forms/kontak", {"address": SITI, "message": MESSAGE, "key": "x"})
    assert (await Customer(office).send()).status_code == 303


async def test_one_address_is_bounded_where_nothing_is_confirmed(office: Office) -> None:
    sent = Counter[int]()
    for n in range(BY_ADDRESS.count + 6):
        customer = Customer(office, "cepat", peer=f"198.51.100.{n}")
        sent[(await customer.send(message=f"{MESSAGE} {n}")).status_code] += 1
    assert sent[429] >= 4
    assert len(kept(office)) == sent[303]


# --- contents ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", ["address", "name", "message", "f_pesanan", "f_perihal", "f_tanggal", "key", "file"]
)
async def test_no_field_writes_a_header(office: Office, field: str) -> None:
    files = [("files", (EVIL, PNG, EVIL))] if field == "file" else None
    fields = {} if field == "file" else {field: EVIL}
    sent = await Customer(office).send(files=files, **fields)
    assert sent.status_code in (303, 422)
    if sent.status_code == 303:
        await press(office, link_of(office))
        head = (office.store.read_now(raw_mail, kept(office)[0].id) or b"").partition(b"\r\n\r\n")[0]
        assert b"\nbcc:" not in head.lower()
        assert head.lower().count(b"\nto:") == 1
    for row in office.intake.all(select(outbox)):
        assert row.recipient == SITI


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example, c@d.example", "<a@b.example>", "a@b", "@b.example", "a b@c.example", "a@b..example",
        "=?utf-8?q?a?=@b.example", '"a b"@c.example', "a@[127.0.0.1]", "é@b.example", "a" * 65 + "@b.example",
        "a@" + "b" * 255,
    ],
)  # fmt: skip
async def test_an_address_that_is_none_gets_nothing(office: Office, address: str) -> None:
    assert (await Customer(office).send(address=address)).status_code == 422
    assert nothing_happened(office)


async def test_what_is_too_large_is_refused(office: Office) -> None:
    assert (await Customer(office).send(message="x" * 20_001)).status_code == 422
    assert (await Customer(office).send(f_pesanan="x" * 100_000)).status_code == 422
    assert (
        await Customer(office).send(files=[("files", (f"{n}.png", PNG, "image/png")) for n in range(11)])
    ).status_code == 422
    large = b"\x89PNG\r\n\x1a\n" + b"\0" * (office.desk.settings.limits.size + 1)
    refused = await Customer(office, query="?embed=1").send(files=[("files", ("a.png", large, "image/png"))])
    assert refused.status_code == 413
    assert SHOP in refused.headers["content-security-policy"]  # else the frame would stay empty
    assert nothing_happened(office)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.exe", b"MZ" + b"\0" * 60),
        ("a.png", b"<script>1</script>"),
        ("a.html", b"<html>"),
        ("a.svg", b"<svg/>"),
        ("a", b""),
    ],
)
async def test_files_that_act_are_refused(office: Office, name: str, content: bytes) -> None:
    answer = await Customer(office).send(files=[("files", (name, content, "image/png"))])
    assert answer.status_code == 422
    assert nothing_happened(office)


async def test_an_unknown_option_and_unknown_fields_set_nothing(office: Office) -> None:
    extra = {
        "f_detail": "x",
        "tags": "vip",
        "mailbox": "lain@toko.example",
        "proven": "1",
        "f_perihal": "lain",
    }
    await Customer(office).send(**extra)
    await press(office, link_of(office))
    await office.intake.intake.run_once()
    (row,) = office.intake.all(select(tickets.c.number))
    ticket = office.ticket(row.number)
    assert ticket.mailbox == BOX.address
    assert not {"vip", "return"} & set(ticket.tags)


async def test_a_header_field_of_ours_in_a_mail_gives_nothing(office: Office) -> None:
    forged = Given({"order": "INV-999999"}, ("vip",)).as_header()
    ticket = await office.receive(**{HEADER.replace("-", "_"): forged})
    assert dict(ticket.details) == {}
    assert "vip" not in ticket.tags


async def test_hostile_text_in_each_field_acts_in_no_page(tmp_path: Path) -> None:
    free = replace(FORM, fields=tuple(replace(each, pattern="") for each in FORM.fields), confirm=False)
    with form_office(tmp_path, web_forms={"kontak": free}, admins=(SARI.address,)) as office:
        faults, shown = list[str](), 0
        for n, payload in enumerate(PAYLOADS):
            customer = Customer(office, peer=f"198.51.100.{n}")
            wrong = await customer.send(
                address=payload[:300], name=payload, message=payload, f_pesanan=payload
            )
            faults += faults_of(f"form {n}", wrong.text)
            office.intake.clock += timedelta(hours=1)
            fields = {
                "name": payload,
                "message": payload,
                "f_pesanan": payload[:200],
                "address": f"s{n}@jahat.example",
            }
            assert (await customer.send(**fields)).status_code == 303
        await office.intake.work()
        async with office.visitor(SARI.address) as sari:
            for row in office.intake.all(select(tickets.c.number)):
                for path in (f"/tickets/{row.number}", f"/tickets/{row.number}/history"):
                    page = await sari.get(path)
                    shown += page.status_code == 200
                    faults += faults_of(path, page.text)
            faults += faults_of("admin", (await sari.get("/admin/unconfirmed")).text)
        assert faults == []
        assert shown == 2 * len(PAYLOADS)


# --- frames -----------------------------------------------------------------------------------------------


async def test_only_the_shops_pages_may_frame_the_form_and_nothing_else(office: Office) -> None:
    framed = await Customer(office, query="?embed=1").get()
    policy = framed.headers["content-security-policy"]
    assert f"frame-ancestors {SHOP};" in policy
    assert "x-frame-options" not in framed.headers
    assert "set-cookie" not in framed.headers
    paths = (
        "/forms/kontak", "/forms/kontak?embed=", "/forms/kontak?embed=2", "/forms/kontak?embed=1&embed=2",
        "/forms/retur?embed=1", "/forms/kontak/confirm?key=x&embed=1", "/forms/lain?embed=1", "/login?embed=1",
        "/forms/kontak/?embed=1", "/status?embed=1", "/admin?embed=1", "/forms/..%2fadmin?embed=1",
    )  # fmt: skip
    for path in paths:
        answer = await Customer(office).get(path)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["x-frame-options"] == "DENY", path


def test_each_form_of_these_tests_is_in_the_policy(office: Office) -> None:
    assert set(office.desk.policy.web_forms) == set(FORMS)
