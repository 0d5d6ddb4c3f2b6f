"""WhatsApp from what a customer writes to the answer on their phone, over the fake Cloud API."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from mailbot.domain.actor import Actor
from mailbot.domain.events import IdentityLinked
from mailbot.store import queries
from mailbot.store.channels import identities
from mailbot.store.schema import attachments, channel_events, channel_messages, messages, outbox
from mailbot.store.store import Store
from tests.builders import RINA
from tests.channels.whatsapp.desk import SITI, WhatsappDesk, whatsapp_desk
from tests.fakes.whatsapp import TOKEN

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"picture" * 100
PDF = b"%PDF-1.7 nota"
COMPLAINT = "Saldo saya terpotong dua kali"
BUDI = "budi@pelanggan.example"
DONE = "Sudah kami kembalikan, Kak."


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[WhatsappDesk]:
    async with whatsapp_desk(store) as found:
        yield found


def link(desk: WhatsappDesk, address: str) -> None:
    """Link an address to the customer, as an agent does."""
    with desk.store.engine.begin() as connection:
        identities.record(connection, IdentityLinked(desk.clock, Actor.agent(RINA.address), address, SITI))


def texts(desk: WhatsappDesk) -> list[str]:
    return [each.text for each in desk.all(select(messages).order_by(messages.c.id))]


async def test_a_message_opens_a_ticket_and_its_number_goes_back(desk: WhatsappDesk) -> None:
    ticket = await desk.said(COMPLAINT)

    assert (ticket.customer, ticket.channel, ticket.proven) == (SITI, "whatsapp", True)
    (answer,) = desk.fake.sent
    assert (answer["to"], answer["type"], answer["text"]["preview_url"]) == ("6281234567890", "text", False)
    assert ticket.number in answer["text"]["body"]


async def test_a_batch_with_repetitions_opens_what_is_new(desk: WhatsappDesk) -> None:
    first = desk.fake.message(COMPLAINT)
    other = desk.fake.message("Paket saya belum sampai", by="628999")
    body = desk.fake.body(other, first)
    assert [await desk.fake.call(desk.fake.body(first)), await desk.fake.call(body)] == [200, 200]
    assert await desk.fake.call(body) == 200
    await desk.turn()

    assert sorted(texts(desk)) == ["Paket saya belum sampai", COMPLAINT]


async def test_a_reply_to_an_answer_finds_its_ticket(desk: WhatsappDesk) -> None:
    first = await desk.said(COMPLAINT)
    named = desk.fake.sent[0]["id"]
    await desk.said("/baru Paket saya belum sampai")
    again = await desk.said("Yang ini sudah kak", context={"from": "622155501111", "id": named})

    assert again.number == first.number


async def test_a_photo_comes_with_its_words(desk: WhatsappDesk) -> None:
    photo = desk.fake.add_media(JPEG, "image/jpeg", caption="Ini buktinya")
    await desk.said(type="image", image=photo)

    assert texts(desk) == ["Ini buktinya"]
    (file,) = desk.all(select(attachments))
    assert (file.name, file.type, file.size) == ("image.jpg", "image/jpeg", len(JPEG))
    assert {given for path, given in desk.fake.asked if "files" in path} == {f"Bearer {TOKEN}"}


async def test_a_document_keeps_its_name_and_no_folder(desk: WhatsappDesk) -> None:
    pdf = desk.fake.add_media(b"%PDF-1.7 bukti", "application/pdf", filename="../../etc/bukti.pdf")
    await desk.said(type="document", document=pdf)

    (file,) = desk.all(select(attachments))
    assert (file.name, file.type) == ("bukti.pdf", "application/pdf")


async def test_a_file_that_can_not_be_fetched_now_is_fetched_later(desk: WhatsappDesk) -> None:
    desk.fake.broken_media.extend([503, 429])
    await desk.fake.write(type="image", image=desk.fake.add_media(JPEG, "image/jpeg"))
    await desk.turn()
    assert texts(desk) == []
    for _ in range(2):
        desk.clock += timedelta(minutes=1)
        await desk.turn()

    assert len(desk.all(select(attachments))) == 1


async def test_words_go_on_without_a_file_that_can_not_be_fetched(desk: WhatsappDesk) -> None:
    desk.fake.broken_media.extend([503] * 99)
    photo = desk.fake.add_media(JPEG, "image/jpeg", caption="Ini buktinya")
    await desk.fake.write(type="image", image=photo)
    for _ in range(20):
        await desk.turn()
        desk.clock += timedelta(minutes=10)

    assert texts(desk) == ["Ini buktinya\n\n[file tidak dapat diambil: image.jpg]"]


async def test_a_file_that_was_changed_under_way_is_not_taken(desk: WhatsappDesk) -> None:
    photo = desk.fake.add_media(JPEG, "image/jpeg")
    desk.fake.media[photo["id"]] = (b"something else", "image/jpeg")
    await desk.fake.write(type="image", image=photo)
    await desk.turn()

    (event,) = desk.all(select(channel_events))
    assert (event.state, "not whole" in event.reason) == ("new", True)


KINDS = {
    "Ya": {"type": "button", "button": {"text": "Ya", "payload": "yes"}},
    "Bayar": {
        "type": "interactive",
        "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "Bayar"}},
    },
    "[lokasi: Kantor, https://maps.google.com/?q=-6.200000,106.800000]": {
        "type": "location",
        "location": {"latitude": -6.2, "longitude": 106.8, "name": "Kantor"},
    },
    "[kontak: Budi +62 811]": {
        "type": "contacts",
        "contacts": [{"name": {"formatted_name": "Budi"}, "phones": [{"phone": "+62 811"}]}],
    },
    "[jenis pesan ini tidak dapat kami baca: unsupported]": {
        "type": "unsupported",
        "errors": [{"code": 131051}],
    },
}


@pytest.mark.parametrize("text", KINDS)
async def test_every_kind_of_message_has_words(desk: WhatsappDesk, text: str) -> None:
    await desk.said(**KINDS[text])

    assert texts(desk) == [text]


async def test_a_reaction_is_no_message(desk: WhatsappDesk) -> None:
    await desk.fake.write(type="reaction", reaction={"message_id": "wamid.x", "emoji": "👍"})
    await desk.turn()

    assert texts(desk) == []
    assert [each.state for each in desk.all(select(channel_events))] == ["done"]


async def test_what_belongs_to_another_number_is_left_alone(desk: WhatsappDesk) -> None:
    await desk.fake.call(desk.fake.body(desk.fake.message(COMPLAINT), number="999999"))
    await desk.turn()

    assert texts(desk) == []
    (event,) = desk.all(select(channel_events))
    assert "999999" in event.reason


async def test_statuses_in_any_order_show_how_far_an_answer_came(desk: WhatsappDesk) -> None:
    await desk.said(COMPLAINT)
    name = desk.fake.sent[0]["id"]
    for status in ("read", "sent", "delivered", "read"):
        await desk.fake.report(name, status)
    await desk.turn()

    (taken,) = desk.all(select(channel_messages))
    assert taken.status == "read"


async def test_a_status_before_the_reply_to_our_request_counts(desk: WhatsappDesk) -> None:
    desk.fake.statuses, desk.fake.early = ("sent", "delivered"), True
    await desk.said(COMPLAINT)
    await desk.turn()

    (taken,) = desk.all(select(channel_messages))
    assert taken.status == "delivered"


async def test_a_status_that_was_read_before_our_own_record_is_read_again(desk: WhatsappDesk) -> None:
    await desk.fake.report("wamid.out2", "read")  # the fake counts what comes in as well
    await desk.turn()
    await desk.said(COMPLAINT)
    desk.clock += timedelta(seconds=6)
    await desk.turn()

    (taken,) = desk.all(select(channel_messages))
    assert (taken.external_id, taken.status) == ("wamid.out2", "read")


async def test_an_answer_that_failed_later_is_failed_mail_and_the_team_learns_it(desk: WhatsappDesk) -> None:
    ticket = await desk.said(COMPLAINT)
    await desk.answer(ticket, DONE)
    await desk.fake.report(desk.fake.sent[-1]["id"], "failed", 131026)
    await desk.turn()

    (row,) = desk.answers()
    assert (row.state, "has no WhatsApp" in row.reply) == ("failed", True)
    (notice,) = desk.all(select(outbox).where(outbox.c.why == "undeliverable"))
    assert notice.recipient == RINA.address


async def test_after_24_hours_a_template_goes_out_once_and_the_answer_follows_the_reply(
    desk: WhatsappDesk,
) -> None:
    ticket = await desk.said(COMPLAINT)
    desk.clock += timedelta(hours=30)
    await desk.answer(ticket, DONE)
    await desk.answer(ticket, "Mohon dicek, Kak.")

    (called,) = [each["template"] for each in desk.fake.sent[1:]]
    assert (called["name"], called["language"]) == ("ticket_news", {"code": "id"})
    assert called["components"][0]["parameters"] == [{"type": "text", "text": ticket.number}]
    assert [each.state for each in desk.answers()] == ["deferred", "deferred"]

    desk.clock += timedelta(hours=1)
    assert (await desk.said("Ya, silakan")).number == ticket.number
    first, second = (text for text in desk.fake.texts() if "Kak." in text)
    assert (DONE in first, "Mohon dicek" in second) == (True, True)
    assert [each.state for each in desk.answers()] == ["sent", "sent"]


async def test_who_does_not_reply_to_the_template_gets_no_answer_and_the_team_learns_it(
    desk: WhatsappDesk,
) -> None:
    ticket = await desk.said(COMPLAINT)
    desk.clock += timedelta(hours=30)
    await desk.answer(ticket, DONE)
    desk.clock += timedelta(days=7, minutes=1)
    await desk.turn()

    (row,) = desk.answers()
    assert (row.state, "did not reply" in row.reply) == ("failed", True)
    assert len([each for each in desk.fake.sent if each["type"] == "template"]) == 1
    assert len(desk.all(select(outbox).where(outbox.c.why == "undeliverable"))) == 1


async def test_without_a_template_a_late_answer_fails_with_the_reason(store: Store) -> None:
    async with whatsapp_desk(store, template=False) as desk:
        ticket = await desk.said(COMPLAINT)
        desk.clock += timedelta(hours=30)
        await desk.answer(ticket, DONE)

        (row,) = desk.answers()
        assert (row.state, "24 hours" in row.reply, "no template" in row.reply) == ("failed", True, True)
        assert len(desk.fake.sent) == 1


async def test_without_a_template_a_late_answer_goes_to_the_linked_address_and_the_agent_learns_it(
    store: Store,
) -> None:
    async with whatsapp_desk(store, template=False) as desk:
        ticket = await desk.said(COMPLAINT)
        link(desk, BUDI)
        desk.clock += timedelta(hours=30)
        await desk.answer(ticket, DONE, [("nota.pdf", "application/pdf", PDF)])

        refused, mailed = desk.answers()
        assert (refused.state, mailed.recipient, mailed.state) == ("failed", BUDI, "due")
        mail = desk.content(mailed)
        assert DONE in mail.get_body(("plain",)).get_content()
        assert [each.get_payload(decode=True) for each in mail.iter_attachments()] == [PDF]
        assert mail["To"] == BUDI
        assert desk.store.read_now(queries.ticket, ticket.number).answers_to == BUDI
        (notice,) = desk.all(select(outbox).where(outbox.c.why == "sent_by_mail"))
        shown = desk.content(notice).get_body(("plain",)).get_content()
        assert "jadi kami kirim lewat email" in shown
        assert f"lewat email ke {BUDI}" in shown

        await desk.said("Halo lagi")
        await desk.answer(ticket, "Baik, Kak.")
        assert "Baik, Kak." in desk.fake.texts()[-1]


async def test_each_answer_that_failed_is_told_and_without_a_linked_address_none_is_mailed(
    store: Store,
) -> None:
    async with whatsapp_desk(store, template=False) as desk:
        ticket = await desk.said(COMPLAINT)
        desk.clock += timedelta(hours=30)
        await desk.answer(ticket, DONE)
        desk.clock += timedelta(hours=1)
        await desk.answer(ticket, "Mohon dicek, Kak.")

        assert [each.state for each in desk.answers()] == ["failed", "failed"]
        assert len(desk.all(select(outbox).where(outbox.c.why == "undeliverable"))) == 2


async def test_a_window_that_only_whatsapp_knows_to_be_closed_counts(desk: WhatsappDesk) -> None:
    ticket = await desk.said(COMPLAINT)
    desk.fake.faults.append("closed")
    await desk.answer(ticket, DONE)

    assert desk.fake.sent[-1]["type"] == "template"
    await desk.said("Ya")
    assert [each.state for each in desk.answers()] == ["sent"]


async def test_a_template_that_is_not_approved_fails_the_answer(desk: WhatsappDesk) -> None:
    desk.fake.templates = frozenset()
    ticket = await desk.said(COMPLAINT)
    desk.clock += timedelta(hours=30)
    await desk.answer(ticket, DONE)

    (row,) = desk.answers()
    assert (row.state, "no approved template" in row.reply) == ("failed", True)


@pytest.mark.parametrize("fault", ["rate", "token"])
async def test_trouble_of_the_number_costs_no_attempt(desk: WhatsappDesk, fault: str) -> None:
    desk.fake.faults.append(fault)
    await desk.said(COMPLAINT)
    (row,) = desk.all(select(outbox).where(outbox.c.recipient == SITI))
    assert (row.state, row.attempts) == ("due", 0)
    assert f"WhatsApp {'190' if fault == 'token' else '130429'}" in desk.sender.error
    desk.clock, desk.monotonic = desk.clock + timedelta(minutes=2), 120.0
    await desk.turn()

    assert (len(desk.fake.sent), desk.sender.error) == (1, "")


@pytest.mark.parametrize("fault", ["down", "internal", "pair"])
async def test_a_passing_trouble_puts_one_message_off(desk: WhatsappDesk, fault: str) -> None:
    desk.fake.faults.append(fault)
    await desk.said(COMPLAINT)
    (row,) = desk.all(select(outbox).where(outbox.c.recipient == SITI))
    assert (row.state, row.attempts) == ("deferred", 1)
    desk.clock += timedelta(hours=1)
    await desk.turn()

    assert len(desk.fake.sent) == 1


@pytest.mark.parametrize("fault", ["cut", "garbage"])
async def test_a_message_without_a_reply_is_unknown(desk: WhatsappDesk, fault: str) -> None:
    desk.fake.faults.append(fault)
    await desk.said(COMPLAINT)

    (row,) = desk.all(select(outbox).where(outbox.c.recipient == SITI))
    assert (row.state, row.unknown) == ("deferred", 1)


async def test_a_closed_port_costs_no_attempt(store: Store) -> None:
    async with whatsapp_desk(store) as desk:
        await desk.fake.write(COMPLAINT)
    await desk.turn()  # nobody answers at that port any more

    (row,) = desk.all(select(outbox).where(outbox.c.recipient == SITI))
    assert (row.state, row.attempts) == ("due", 0)
    assert "can't be reached" in desk.sender.error


async def test_a_long_answer_leaves_in_parts_and_none_twice(desk: WhatsappDesk) -> None:
    ticket = await desk.said(COMPLAINT)
    desk.fake.faults.extend(["", "down"])
    words = "\n\n".join(f"Paragraf {number}. " + "kata " * 150 for number in range(12))
    await desk.answer(ticket, words)
    assert [each.state for each in desk.answers()] == ["deferred"]
    desk.clock += timedelta(hours=1)
    await desk.turn()

    parts = desk.fake.texts()[1:]
    assert [each.state for each in desk.answers()] == ["sent"]
    assert len(parts) == 3
    assert all(len(part) <= 4096 for part in parts)
    assert [sum(f"Paragraf {number}." in part for part in parts) for number in range(12)] == [1] * 12


async def test_a_window_that_closes_between_two_parts_repeats_none(desk: WhatsappDesk) -> None:
    ticket = await desk.said(COMPLAINT)
    desk.fake.faults.extend(["", "closed"])
    await desk.answer(ticket, f"Bagian satu. {'kata ' * 800}\n\nBagian dua. {'kata ' * 100}")
    await desk.said("Ya")

    kinds = [each["type"] for each in desk.fake.sent]
    assert kinds[1:] == ["text", "template", "text"]
    assert [sum(words in text for text in desk.fake.texts()) for words in ("satu.", "dua.")] == [1, 1]


async def test_a_picture_of_ours_goes_as_a_picture_and_a_pdf_as_a_document(desk: WhatsappDesk) -> None:
    ticket = await desk.said(COMPLAINT)
    await desk.answer(
        ticket, DONE, files=[("bukti.jpg", "image/jpeg", JPEG), ("nota.pdf", "application/pdf", PDF)]
    )

    text, picture, document = desk.fake.sent[1:]
    assert (text["type"], picture["type"], document["type"]) == ("text", "image", "document")
    assert document["document"]["filename"] == "nota.pdf"
    assert [each["content"] for each in desk.fake.uploads.values()] == [JPEG, PDF]
