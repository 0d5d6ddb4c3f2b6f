"""An agent's reply, from the raw mail to what leaves: by the notices, the files and the conversation in the store."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mailbot.domain.policy import AnswerLimits
from mailbot.store.codec import event_of
from mailbot.store.schema import events, messages, outbox
from mailbot.store.store import Store
from tests.builders import RINA
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, Desk, tag

PNG = "iVBORw0KGgo="


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, answers=AnswerLimits(fastest_reply=timedelta(seconds=3)))


async def reply(desk: Desk, number: str, body: str, **headers: str) -> None:
    headers = {"Subject": f"Re: [{number}] Barang", **headers}
    await desk.receive(sender=RINA.address, to=tag(number), peer=AGENTS_NETWORK, body=body, **headers)


def held(desk: Desk) -> list[str]:
    rows = desk.all(select(events).where(events.c.kind == "agent_mail_held"))
    found: list[Any] = [event_of(row.kind, row.at, row.by, row.data) for row in rows]
    return [event.reason.code for event in found]


async def test_an_answer_joins_the_conversation(desk: Desk) -> None:
    number = (await desk.receive(Subject="Re: Barang [lain-4711]", Message_ID="<a@x.example>")).number
    await reply(desk, number, "Sedang dicek.")
    await desk.receive(Subject=f"Re: {number}", Message_ID="<b@x.example>", body="Bagaimana?")
    await reply(desk, number, "Sudah dikirim.")

    (acknowledgement,) = desk.outbox_rows("acknowledgement")
    first, second = desk.outbox_rows("answer")
    mail = desk.content(second)
    assert mail["Subject"].replace(f"[{number}]", "").strip() == "Re: Barang [lain-4711]"
    assert mail["In-Reply-To"] == "<b@x.example>"
    assert set(mail["References"].split()) == {
        *("<a@x.example>", "<b@x.example>"),
        *(acknowledgement.message_id, first.message_id),
    }
    assert mail["References"].split()[-1] == "<b@x.example>"


@pytest.mark.parametrize(("seconds", "codes"), [(1, ["machine_speed"]), (4, [])])
async def test_a_reply_within_seconds_of_its_notice_is_held(
    desk: Desk, seconds: int, codes: list[str]
) -> None:
    number = (await desk.receive()).number
    (notice,) = desk.outbox_rows("team")
    await desk.store.write(lambda c, _: [c.execute(update(outbox).values(settled_at=desk.clock))], None)
    desk.clock += timedelta(seconds=seconds)
    await reply(desk, number, "Sudah dikirim.", In_Reply_To=notice.message_id)

    assert held(desk) == codes


async def test_what_is_held_stays_on_the_ticket_and_the_agent_learns_why(desk: Desk) -> None:
    number = (await desk.receive()).number
    await reply(desk, number, "Catatan: sudah beres.")

    assert held(desk) == ["looks_like_note"]
    assert desk.outbox_rows("answer") == []
    (refusal,) = desk.outbox_rows("refusal")
    assert refusal.recipient == RINA.address
    assert "Catatan: sudah beres." in desk.content(refusal).get_body(("plain",)).get_content()
    kept = desk.one(select(messages).where(messages.c.author == RINA.address))
    assert (kept.direction, kept.visible) == ("note", "Catatan: sudah beres.")


async def test_an_old_notice_is_known_when_the_reply_names_it(desk: Desk) -> None:
    number = (await desk.receive(body="Saldo saya hilang sejak kemarin pagi.")).number
    (oldest,) = desk.outbox_rows("team")
    for turn in range(7):
        await desk.receive(Subject=f"Re: {number}", body=f"Masih menunggu kabar yang ke-{turn}.")
    quoted = desk.content(oldest).get_body(("plain",)).get_content()
    await reply(desk, number, f"{quoted}\r\n\r\nSaldo sudah kembali.", In_Reply_To=oldest.message_id)

    (answer,) = desk.outbox_rows("answer")
    assert desk.content(answer).get_body(("plain",)).get_content().splitlines()[0] == "Saldo sudah kembali."


MULTIPART = (
    "--b\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    '<p>Resi Anda: <img src="cid:resi@x"></p><p>-- </p><p>Rina <img src="cid:logo@x"></p>\r\n'
    "--r\r\nContent-Type: image/png; name=resi.png\r\nContent-ID: <resi@x>\r\n"
    f"Content-Transfer-Encoding: base64\r\n\r\n{PNG}\r\n"
    "--r\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo@x>\r\n"
    f"Content-Transfer-Encoding: base64\r\n\r\n{PNG}\r\n--r--\r\n"
    "--b\r\nContent-Type: application/pdf; name=faktur.pdf\r\nContent-Disposition: attachment\r\n\r\n%PDF-1.4\r\n--b--"
)


async def test_pictures_keep_their_place_and_those_of_a_signature_stay_behind(desk: Desk) -> None:
    number = (await desk.receive()).number
    await reply(desk, number, MULTIPART, MIME_Version="1.0", Content_Type="multipart/mixed; boundary=b")

    (answer,) = desk.outbox_rows("answer")
    mail = desk.content(answer)
    assert answer.recipient == BUDI
    assert [part.get_filename() for part in mail.walk() if part.get_filename()] == ["resi.png", "faktur.pdf"]
    assert "Resi Anda: <img src=" in mail.get_body(("html",)).get_content()


async def test_a_file_alone_is_an_answer(desk: Desk) -> None:
    number = (await desk.receive()).number
    (notice,) = desk.outbox_rows("team")
    quoted = desk.content(notice).get_body(("plain",)).get_content()
    file = "--b\r\nContent-Type: application/pdf; name=faktur.pdf\r\n\r\n%PDF-1.4\r\n--b--"
    body = f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{quoted}\r\n{file}"
    await reply(desk, number, body, MIME_Version="1.0", Content_Type="multipart/mixed; boundary=b")

    (answer,) = desk.outbox_rows("answer")
    assert [part.get_filename() for part in desk.content(answer).iter_attachments()] == ["faktur.pdf"]
