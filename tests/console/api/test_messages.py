"""Messages that a shop's program brings: kept once, proven only where the program vouches for the address."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from mailbot.domain.people.token_scope import ALL, MESSAGE, READ, VERBS
from mailbot.store.console import tokens
from mailbot.store.queries import raw_mail
from mailbot.store.schema import attachments, inbox, messages, tickets
from mailbot.store.tickets import load
from tests.builders import BOX, NUMBER, RINA
from tests.console.customers import PNG
from tests.console.form_desk import SITI, form_office
from tests.console.office import Office
from tests.console.program import make_token, program

BODY = {"from": SITI, "text": "Barang saya rusak.", "external_id": "web-4711"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with form_office(tmp_path) as office:
        yield office


def secret(office: Office, *verbs: str, **options: Any) -> str:
    return make_token(office.store, office.intake.clock, RINA.address, *(verbs or (MESSAGE,)), **options)


async def bring(office: Office, body: dict[str, Any], token: str = "", **headers: str) -> httpx.Response:
    async with program(office.app, token or secret(office)) as shop:
        return await shop.post("/messages", body, headers=headers)


async def ticket_of(office: Office) -> Any:
    await office.intake.intake.run_once()
    (row,) = office.intake.all(select(tickets))
    return office.store.read_now(load, [row.number])[row.number]


def kept(office: Office) -> int:
    return len(office.intake.all(select(inbox)))


async def test_a_message_is_kept_and_becomes_a_ticket(office: Office) -> None:
    files = [{"name": "rusak.png", "content": base64.b64encode(PNG).decode()}]
    more = {
        "name": "Siti",
        "subject": "Retur",
        "fields": {"order": "INV-1", "Kota": "Bandung"},
        "tags": ["vip"],
    }
    answer = await bring(office, {**BODY, **more, "confirmed": True, "files": files})
    assert answer.status_code == 201
    assert answer.json()["external_id"] == "web-4711"
    assert answer.json()["mailbox"] == BOX.address
    ticket = await ticket_of(office)
    assert (ticket.customer, ticket.channel, ticket.proven, ticket.subject) == (SITI, "api", True, "Retur")
    assert dict(ticket.details) == {"order": "INV-1"}
    assert "vip" in ticket.tags
    (text,) = office.intake.all(select(messages.c.text).where(messages.c.direction == "in"))
    assert text.text.strip() == "order: INV-1\nKota: Bandung\n\nBarang saya rusak."
    assert [each.name for each in office.intake.all(select(attachments.c.name))] == ["rusak.png"]


async def test_without_the_programs_word_the_address_is_unproven(office: Office) -> None:
    assert (await bring(office, BODY)).status_code == 201
    assert not (await ticket_of(office)).proven


async def test_the_same_message_is_kept_once_and_answered_alike(office: Office) -> None:
    token = secret(office)
    answers = [await bring(office, BODY, token) for _ in range(3)]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert (await bring(office, BODY)).content == answers[0].content  # by the next token of the same person
    assert kept(office) == 1
    by_header = {name: value for name, value in BODY.items() if name != "external_id"}
    for _ in range(2):
        assert (await bring(office, by_header, token, **{"Idempotency-Key": "k1"})).status_code == 201
    assert kept(office) == 2


async def test_an_external_id_is_not_used_for_another_message(office: Office) -> None:
    await bring(office, BODY)
    other = await bring(office, {**BODY, "text": "Yang lain."})
    assert (other.status_code, kept(office)) == (409, 1)


async def test_messages_without_an_id_are_each_kept(office: Office) -> None:
    for _ in range(2):
        await bring(office, {"from": SITI, "text": "Halo"})
    assert kept(office) == 2


async def test_a_proven_customer_writes_about_their_ticket(office: Office) -> None:
    ticket = await office.receive(sender=SITI, Authentication_Results="mx.dukungan.example; dmarc=pass")
    about = {**BODY, "number": ticket.number, "confirmed": True}
    assert (await bring(office, about, secret(office, MESSAGE, READ))).status_code == 201
    assert (await ticket_of(office)).number == ticket.number


async def test_anothers_ticket_is_not_written_on(office: Office) -> None:
    ticket = await office.receive(sender="budi@pelanggan.example")
    await bring(office, {**BODY, "number": ticket.number, "confirmed": True})
    await office.intake.intake.run_once()
    on_it = office.intake.all(
        select(messages).where(messages.c.ticket == ticket.number, messages.c.author == SITI)
    )
    assert on_it == []


async def test_a_ticket_of_another_team_looks_like_none(office: Office) -> None:
    ticket = await office.receive(Subject="saldo hilang")  # of the team payments
    foreign = await bring(office, {**BODY, "number": ticket.number})
    unknown = await bring(office, {**BODY, "number": NUMBER})
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


@pytest.mark.parametrize(
    "verbs", [(READ,), (ALL,), (READ, ALL), tuple(VERBS)], ids=["read", "all", "read and all", "each verb"]
)
async def test_a_token_without_the_scope_brings_nothing(office: Office, verbs: tuple[str, ...]) -> None:
    refused = await bring(office, BODY, secret(office, *verbs))
    assert (refused.status_code, kept(office)) == (403, 0)
    assert "message" in refused.json()["detail"]


async def test_a_token_that_is_over_brings_nothing(office: Office) -> None:
    token = secret(office)
    office.store.write_now(tokens.revoke, (1, office.intake.clock))
    for each in (token, "mb_guessed", ""):
        async with program(office.app, each) as shop:
            assert (await shop.post("/messages", BODY)).status_code == 401
    assert kept(office) == 0


@pytest.mark.parametrize("address", [RINA.address, RINA.address.upper(), BOX.address, f"x{BOX.address}"])
async def test_nobody_of_ours_can_be_vouched_for(office: Office, address: str) -> None:
    ours = not address.startswith("x")
    answer = await bring(office, {**BODY, "from": address, "confirmed": True})
    assert answer.status_code == (422 if ours else 201)
    assert kept(office) == (0 if ours else 1)


@pytest.mark.parametrize(
    "change",
    [
        {"from": "siti"},
        {"from": "a@b.example, c@d.example"},
        {"from": "siti@pelanggan.example\r\nBcc: x@y.example"},
        {"text": " \n "},
        {"text": "x" * 50_001},
        {"text": "a\0b"},
        {"mailbox": "lain@toko.example"},
        {"fields": {str(n): "x" for n in range(31)}},
        {"files": [{"name": "a", "content": "no base64!"}]},
        {"confirmed": "yes"},
        {"channel": "mail"},
    ],
)
async def test_a_bad_body_is_refused_with_its_place(office: Office, change: dict[str, Any]) -> None:
    answer = await bring(office, {**BODY, **change})
    assert (answer.status_code, kept(office)) == (422, 0)


@pytest.mark.parametrize(
    "field", ["name", "subject", "in_reply_to", "external_id", "field", "label", "tag", "file"]
)
async def test_no_field_writes_a_header(office: Office, field: str) -> None:
    evil = "x\r\nBcc: korban@lain.example\r\n\r\nisi"
    body = {
        "field": {"fields": {"order": evil}},
        "label": {"fields": {evil: "x"}},
        "tag": {"tags": [evil]},
        "file": {"files": [{"name": evil, "content": ""}]},
    }.get(field, {field: evil})
    answer = await bring(office, {**BODY, **body})
    assert answer.status_code in (201, 422), answer.text
    if answer.status_code == 201:
        await office.intake.intake.run_once()
        (raw,) = [office.store.read_now(raw_mail, each.id) for each in office.intake.all(select(inbox))]
        head = raw.partition(b"\r\n\r\n")[0].lower()
        assert b"\nbcc:" not in head
        assert json.dumps(answer.json())
