"""From a report as it comes in to the ticket, the outbox, the suppressed address and the people notified."""

from typing import Any

import pytest
from sqlalchemy import select, update

from mailbot.domain.model import Status, Ticket
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.store import outbox_queries, suppressions
from mailbot.store.codec import reason_of
from mailbot.store.schema import events, messages, outbox
from mailbot.store.schema import suppressions as suppressions_table
from mailbot.store.store import Store
from tests.builders import BOX, RINA
from tests.mail import bounce_samples
from tests.mail.bounce_samples import Sample, samples
from tests.workers.test_intake import BUDI, KEYS, Desk

DAEMON = "MAILER-DAEMON@mx.example"


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def acknowledged(desk: Desk) -> tuple[Ticket, Any]:
    """Return a ticket and the outbox row of its acknowledgement, which was sent."""
    ticket = await desk.receive()
    row = desk.outbox_rows("acknowledgement")[-1]
    desk.store.write_now(_leave, row.id)
    return ticket, row


def _leave(connection: Any, ids: Any) -> list[None]:
    connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(state="sent"))
    return [None] * len(ids)


def dsn(original: str, status: str = "5.1.1", action: str = "failed", to: str = BUDI) -> dict[str, str]:
    """Build the fields and the body of a delivery status notification about the mail with that Message-ID."""
    body = (
        "--x\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} no such user\r\n"
        f"--x\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {original}\r\nSubject: x\r\n--x--"
    )
    kind = 'multipart/report; report-type=delivery-status; boundary="x"'
    return {"sender": DAEMON, "return_path": "", "Subject": "Undelivered", "Content_Type": kind, "body": body}


def event_kinds(desk: Desk, number: str) -> list[str]:
    query = select(events.c.kind).where(events.c.ticket == number).order_by(events.c.seq)
    return [row.kind for row in desk.all(query)]


def notices(desk: Desk, why: str) -> list[Any]:
    return [row for row in desk.outbox_rows("team") if row.why == why]


def entry(desk: Desk, id_: int) -> Any:
    return desk.store.read_now(outbox_queries.find_entry, id_)


def muted(desk: Desk, address: str = BUDI) -> Any:
    return desk.store.read_now(suppressions.load, [address], desk.clock).get(address)


@pytest.mark.parametrize("how", ["bounce address", "signed Message-ID"])
async def test_a_proven_bounce_marks_the_mail_suppresses_the_address_and_notifies_the_owner(
    desk: Desk, how: str
) -> None:
    ticket, row = await acknowledged(desk)
    original = row.message_id if how == "signed Message-ID" else "<rewritten@relay.example>"
    to = row.sender if how == "bounce address" else BOX.address
    back = await desk.receive(**dsn(original), to=to)

    found = entry(desk, row.id)
    assert (back.number, back.status) == (ticket.number, Status.NEW)
    assert (found.state, found.reply) == ("failed", "5.1.1 550 5.1.1 no such user")
    assert [each.outcome for each in desk.store.read_now(outbox_queries.attempts_of, row.id)] == ["bounced"]
    assert (muted(desk).kind, muted(desk).until) == ("bounce", None)
    (notice,) = notices(desk, "bounced")
    assert notice.recipient == RINA.address
    mail = desk.content(notice)
    text = mail.get_body(("plain",)).get_content()
    assert "Email kami tidak sampai" in text
    assert "no such user" in text
    assert "Balasan Anda" not in text
    assert event_kinds(desk, ticket.number)[-3:] == [
        "automatic_mail_received",
        "delivery_bounced",
        "people_notified",
    ]


async def test_the_same_bounce_twice_and_another_mail_to_that_address_notify_no_one_again(desk: Desk) -> None:
    ticket, row = await acknowledged(desk)
    await desk.receive(**dsn(row.message_id), to=row.sender)
    await desk.receive(**dsn(row.message_id), to=row.sender)

    assert len(notices(desk, "bounced")) == 1
    assert event_kinds(desk, ticket.number).count("delivery_bounced") == 1


async def test_a_forged_bounce_suppresses_no_address_and_marks_nothing(desk: Desk) -> None:
    ticket, row = await acknowledged(desk)
    other = TokenSigner(b"somebody else's secret, long enough")
    forged = other.message_id(ticket.number, row.nonce, BOX.domain)
    by_number = dsn(forged) | {"Subject": f"Undelivered: [{ticket.number}]"}
    found = await desk.receive(**by_number, to=other.bounce_address(BOX.address, row.nonce))

    assert muted(desk) is None
    assert entry(desk, row.id).state == "sent"
    assert notices(desk, "bounced") == []
    # It names the customer of that ticket, so it is kept there, as something that nothing proves.
    assert found.number == ticket.number
    data = desk.one(select(events.c.data).where(events.c.kind == "delivery_bounced")).data
    assert data["proven"] is False


async def test_a_forger_with_an_own_bounce_token_suppresses_only_the_own_address(desk: Desk) -> None:
    _, row = await acknowledged(desk)
    await desk.receive(sender="penyerang@x.example")
    own = desk.outbox_rows("acknowledgement")[-1]
    await desk.receive(**dsn(own.message_id, to=BUDI), to=BOX.address)

    assert muted(desk) is None
    assert muted(desk, "penyerang@x.example") is not None
    assert entry(desk, row.id).state == "sent"


async def test_a_stranger_who_writes_a_report_with_a_number_gains_nothing(desk: Desk) -> None:
    ticket, _ = await acknowledged(desk)
    report = dsn("<x@x.example>", to="asing@lain.example") | {"Subject": f"Undelivered {ticket.number}"}
    found = await desk.receive(**report, to=BOX.address)

    assert found.number != ticket.number


async def test_a_person_who_writes_to_the_bounce_address_must_take_part(desk: Desk) -> None:
    ticket, row = await acknowledged(desk)
    stranger = await desk.receive(sender="asing@lain.example", to=row.sender)
    customer = await desk.receive(to=row.sender, body="Apakah sudah dikirim?")

    assert stranger.number != ticket.number
    assert customer.number == ticket.number


async def test_a_vacation_reply_to_the_bounce_address_is_no_bounce(desk: Desk) -> None:
    ticket, row = await acknowledged(desk)
    away = {"Subject": "Saya cuti", "Auto_Submitted": "auto-replied", "return_path": ""}
    found = await desk.receive(**away, to=row.sender, body="Mailbox ini tidak dipantau.")

    assert found.number == ticket.number
    assert (entry(desk, row.id).state, muted(desk)) == ("sent", None)


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("delivered", "2.0.0")])
async def test_a_delay_or_a_receipt_is_recorded_only(desk: Desk, action: str, status: str) -> None:
    ticket, row = await acknowledged(desk)
    found = await desk.receive(**dsn(row.message_id, status, action), to=row.sender)

    assert found.number == ticket.number
    assert entry(desk, row.id).state == "sent"
    assert event_kinds(desk, ticket.number)[-1] == "automatic_mail_received"


async def test_a_complaint_suppresses_without_failing_the_delivery_and_is_reported_once(desk: Desk) -> None:
    _, row = await acknowledged(desk)
    kind = "multipart/report; report-type=feedback-report; boundary=x"
    body = (
        "--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
        f"--x\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {row.message_id}\r\n\r\nx\r\n--x--"
    )
    for _ in range(2):
        await desk.receive(sender="fbl@provider.example", Content_Type=kind, body=body)

    assert (entry(desk, row.id).state, muted(desk).kind) == ("sent", "complaint")
    assert len(notices(desk, "complained")) == 1


async def test_a_suppressed_address_gets_no_acknowledgement_until_mail_comes_from_it(desk: Desk) -> None:
    _, row = await acknowledged(desk)
    await desk.receive(**dsn(row.message_id), to=row.sender)
    second = await desk.receive(Subject="Lain lagi")
    suppressed = desk.outbox_rows("acknowledgement")[-1]
    proof = "mx.dukungan.example; dmarc=pass header.from=pelanggan.example"
    third = await desk.receive(Subject="Yang ketiga", Authentication_Results=proof)
    sent = desk.outbox_rows("acknowledgement")[-1]

    assert (suppressed.ticket, suppressed.state) == (second.number, "suppressed")
    assert str(reason_of(suppressed.reason)) == "address bounced: on 2026-11-23, 5.1.1"
    assert (sent.ticket, sent.state) == (third.number, "due")
    assert desk.all(select(suppressions_table)) == []


async def test_within_one_batch_a_bounce_suppresses_the_address_before_the_next_answer(desk: Desk) -> None:
    _, row = await acknowledged(desk)
    await desk.keep(**dsn(row.message_id), to=row.sender)
    second = await desk.keep(Subject="Lain lagi")
    await desk.work()

    last = desk.outbox_rows("acknowledgement")[-1]
    assert (last.ticket, last.state) == (desk.ticket_of(second).number, "suppressed")


async def test_a_bounced_notice_to_an_agent_goes_to_the_next_one(desk: Desk) -> None:
    await desk.receive()
    (row,) = desk.outbox_rows("team")
    desk.store.write_now(_leave, row.id)
    await desk.receive(**dsn(row.message_id, to=RINA.address), to=row.sender)

    (notice,) = notices(desk, "bounced")
    assert notice.recipient != RINA.address
    assert muted(desk, RINA.address) is None
    # That one comes back as well: an event, and no more mail.
    desk.store.write_now(_leave, notice.id)
    await desk.receive(**dsn(notice.message_id, to=notice.recipient), to=notice.sender)
    assert len(notices(desk, "bounced")) == 1


async def test_a_report_known_by_its_envelope_alone_is_read_too(desk: Desk) -> None:
    ticket, row = await acknowledged(desk)
    report = f"Your mail could not be delivered to {BUDI}: 550 5.1.1 user unknown\r\n\r\n{row.message_id}"
    found = await desk.receive(
        sender="robot@isp.example", return_path="", Subject="Undeliverable", body=report, to=BOX.address
    )

    assert (found.number, entry(desk, row.id).state) == (ticket.number, "failed")


HOLDING = [sample for sample in samples() if sample.holds]


async def test_at_least_88_percent_of_reports_with_our_message_id_find_their_ticket(desk: Desk) -> None:
    """Send none of the reports to a bounce address: only their content counts."""
    ticket, row = await acknowledged(desk)
    ids = [await _keep_sample(desk, sample, row, ticket) for sample in HOLDING]
    await desk.work()
    found = [desk.ticket_of(id_).number == ticket.number for id_ in ids]

    assert len(HOLDING) > 40
    assert sum(found) >= 0.88 * len(found), [s.name for s, ok in zip(HOLDING, found, strict=True) if not ok]
    automatic = desk.all(select(messages.c.no_auto_reply).where(messages.c.inbox_id.in_(ids)))
    assert all(each.no_auto_reply for each in automatic)
    assert len(desk.outbox_rows("acknowledgement")) == 1 + found.count(False)


async def _keep_sample(desk: Desk, sample: Sample, row: Any, ticket: Ticket) -> int:
    raw = sample.raw.replace(f"To: {bounce_samples.BOUNCES}".encode(), f"To: {BOX.address}".encode(), 1)
    wrapped = bounce_samples.ID
    for old, new in (
        (wrapped[:40], row.message_id[:40]),
        (wrapped[40:], row.message_id[40:]),
        (wrapped[1:35], row.message_id[1:35]),
        (wrapped[35:-1], row.message_id[35:-1]),
        (bounce_samples.BOUNCES.partition("@")[0], row.sender.partition("@")[0]),
        (bounce_samples.NUMBER, ticket.number),
    ):
        raw = raw.replace(old.encode(), new.encode())
    head, _, body = raw.decode().partition("\n\n")
    fields = {}
    for line in head.replace("\n ", " ").split("\n"):
        name, _, value = line.partition(": ")
        fields[name.replace("-", "_")] = value
    sender = fields.pop("From")
    fields.pop("To")
    fields.pop("Message_ID")
    return await desk.keep(sender=sender, return_path="", to=BOX.address, body=body, **fields)


def test_the_desks_key_is_not_the_samples_key() -> None:
    assert KEYS.number_in(bounce_samples.ID) is None
