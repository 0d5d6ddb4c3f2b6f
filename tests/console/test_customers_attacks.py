"""What strangers and customers may try at the customers' page."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

from mailbot.channels.web import uploads
from mailbot.channels.web.submit import Post, build
from mailbot.console import app as application
from mailbot.errors import StoreUnavailable
from mailbot.operations.customer_links import Revocation, revoke
from mailbot.store.schema import inbox, messages, raw_mails
from tests.builders import BOX, EKO, NOW, NUMBER
from tests.console.customers import PNG, act, link, open_office
from tests.console.office import Office
from tests.workers.test_intake import BUDI, KEYS

ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 64
EXE = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff" + b"\0" * 200


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = open_office(tmp_path)
    yield office
    office.store.close()


async def _send(office: Office, path: str, files: Any = None, **data: str) -> Any:
    async with office.visitor() as visitor:
        answer = await visitor.client.post(path, data={"text": "Halo", "once": "a", **data}, files=files)
    await office.intake.work()
    return answer


def _count(office: Office) -> int:
    return len(office.intake.all(select(inbox.c.id)))


async def test_a_revoked_link_opens_and_sends_nothing(office: Office) -> None:
    ticket = await office.receive()
    path = link(office)
    revoke(office.store, office.intake.runtime, Revocation(ticket.number, "", EKO, office.intake.clock))
    async with office.visitor() as visitor:
        assert (await visitor.get(path)).status_code == 404
    assert (await _send(office, path)).status_code == 404
    assert _count(office) == 1
    await act(office, ticket, text="Halo lagi.")
    assert (await _send(office, link(office))).status_code == 303


async def test_nobody_writes_in_the_name_of_another(office: Office) -> None:
    await office.receive(sender="ana@kantor.example")
    ticket = await office.receive()
    others = link(office, "ana@kantor.example").partition("k=")[2]
    forged = {"author": BUDI, "from": BUDI, "address": BUDI, "k": link(office).partition("k=")[2]}
    answer = await _send(office, f"/t/{ticket.number}?k={others}", **forged)
    assert answer.status_code == 404
    assert (await _send(office, f"/t/{ticket.number}", **forged)).status_code == 404
    assert _count(office) == 2


async def test_mail_that_bears_the_proof_of_another_mail_proves_nothing(office: Office) -> None:
    ticket = await office.receive()
    envelope, _ = build(Post(ticket.number, BUDI, "Halo"), BOX, KEYS, NOW)
    stolen = envelope.recipients[0]
    for sender in (BUDI, "penipu@lain.example"):
        id_ = await office.intake.keep(sender=sender, to=stolen, return_path="penipu@lain.example")
        await office.intake.work()
        row = office.intake.one(select(messages).where(messages.c.inbox_id == id_))
        assert row.authentication == "none"
        assert row.ticket != ticket.number


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gambar.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("halaman.html", b"<html><script>alert(1)</script></html>"),
        ("foto.png", b"<html><script>alert(1)</script></html>"),
        ("catatan.txt", b"<!doctype html><script>alert(1)</script>"),
        ("catatan.txt", b"#!/bin/sh\nrm -rf /\n"),
        ("foto.jpg", EXE),
        ("foto.jpg", ELF),
        ("program.exe", EXE),
        ("arsip.zip", b"PK\x03\x04" + b"\0" * 60),
        ("surat.eml", b"From: a@b.example\r\n\r\nHalo"),
        ("kosong.png", b""),
        ("tanpa-akhiran", b"teks biasa"),
    ],
)
async def test_a_file_that_is_no_photo_video_pdf_or_text_is_refused(
    office: Office, name: str, content: bytes
) -> None:
    await office.receive()
    answer = await _send(office, link(office), [("files", (name, content, "image/png"))])
    assert answer.status_code == 422
    assert "Belum terkirim." in answer.text
    assert name in answer.text
    assert ">Halo</textarea>" in answer.text
    assert _count(office) == 1


def test_what_phones_make_is_taken_by_its_content() -> None:
    for brand, name in (
        ("heic", "IMG_1.HEIC"),
        ("heix", "IMG_2.heic"),
        ("qt  ", "a.MOV"),
        ("mp42", "b.mp4"),
        ("3gp5", "c.3gp"),
    ):
        content = b"\0\0\0\x18ftyp" + brand.encode() + b"\0\0\0\0mif1heic" + b"\0" * 64
        file = uploads.read(name, content)
        assert not isinstance(file, uploads.Unfit), name
        assert file.name == name


async def test_without_a_public_address_customers_have_no_pages(office: Office) -> None:
    await office.receive()
    path, runtime = link(office), office.intake.runtime
    runtime.replace(replace(runtime.policy, public_url=""), runtime.snapshot.composer.templates)
    async with office.visitor() as visitor:
        assert (await visitor.get(path)).status_code == 404
        assert (await visitor.get("/status")).status_code == 404
        assert (
            await visitor.client.post("/status", data={"number": "1", "address": "a@b"})
        ).status_code == 404


@pytest.mark.parametrize("name", ["foto.exe", "../../etc/passwd", "x.html", "a\u202egpj.exe", "b.png.js"])
async def test_a_picture_has_a_name_that_opens_as_a_picture_alone(office: Office, name: str) -> None:
    ticket = await office.receive()
    assert (await _send(office, link(office), [("files", (name, PNG, "text/html"))])).status_code == 303
    async with office.visitor() as visitor:
        page = (await visitor.get(link(office))).text
        [(path, shown)] = re.findall(r'<a href="(/t/[^"]+/files/[^"]+)" download>([^<]+)</a>', page)
        file = await visitor.get(path.replace("&amp;", "&"))
    assert shown.endswith(".png")
    assert "/" not in shown
    assert file.headers["content-disposition"].startswith("attachment; filename*=utf-8''")
    assert file.headers["content-type"] == "image/png"
    assert ticket.number


async def test_fifty_files_and_files_that_are_too_large_together_are_refused(office: Office) -> None:
    await office.receive()
    for count, size in ((50, 10), (100, 10), (2, office.desk.settings.limits.size // 3)):
        files = [("files", (f"{n}.png", PNG + b"\0" * size, "image/png")) for n in range(count)]
        if count == 2:
            files = [("files", (f"{n}.png", PNG + b"\0" * (size + 999_999), "image/png")) for n in range(2)]
        assert (await _send(office, link(office), files)).status_code == 422
    assert _count(office) == 1


@pytest.mark.parametrize(
    "evil",
    [
        "x\r\nBcc: korban@lain.example",
        "x\nReply-To: a@b.example",
        "=?utf-8?q?=0ABcc:_a@b.example?=",
        "\u2028Cc: a@b.example",
    ],
)
async def test_no_text_becomes_a_header_of_the_mail(evil: str) -> None:
    file = uploads.read(f"{evil}.png", PNG)
    assert not isinstance(file, uploads.Unfit)
    words = {"subject": evil, "name": evil, "in_reply_to": f"<{evil}@x>", "once": evil}
    _, raw = build(Post(NUMBER, BUDI, evil, files=(file,), references=(evil,), **words), BOX, KEYS, NOW)
    mail = message_from_bytes(raw, policy=policy.default)
    assert set(mail.keys()) == {"Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type"}
    assert mail["From"].addresses[0].addr_spec == BUDI
    assert [each.addr_spec for each in mail["To"].addresses] == [BOX.address]


async def test_a_flood_of_forms_is_stopped_and_says_so(office: Office) -> None:
    await office.receive()
    path = link(office)
    answers = [await _send(office, path, text=f"Pesan {n}") for n in range(33)]
    assert [answer.status_code for answer in answers] == [303] * 30 + [422] * 3
    assert "Terlalu banyak kiriman" in answers[-1].text
    office.intake.clock += timedelta(minutes=5)
    assert (await _send(office, path, text="Lagi")).status_code == 303


async def test_neither_key_nor_address_is_kept_in_the_raw_mail(office: Office) -> None:
    await office.receive()
    path = link(office)
    await _send(office, path)
    raw = office.intake.all(select(raw_mails.c.content))[-1].content
    assert path.partition("k=")[2].encode() not in raw
    assert b"+w." not in raw


class _Down:
    """A store that does not answer."""

    async def read(self, query: Any, *args: Any) -> Any:
        raise StoreUnavailable(f"can't run {query}")


async def test_a_page_that_fails_logs_its_path_without_the_key(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    await office.receive()
    path, store = link(office), cast(Any, _Down())
    office.app = application.build(replace(office.desk, deps=replace(office.desk.deps, store=store)))
    async with office.visitor() as visitor:
        assert (await visitor.get(path)).status_code == 503
    lines = [str(vars(record)) for record in caplog.records]
    assert any("page_failed" in line and path.partition("?")[0] in line for line in lines)
    assert not any(path.partition("k=")[2] in line for line in lines)
