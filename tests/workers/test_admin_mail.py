"""Mail about no ticket: its content, that it is enqueued once, and its failures."""

import asyncio
import dataclasses
from typing import Any

import pytest
from sqlalchemy import update

from mailbot.domain.model import Attachment, Status
from mailbot.domain.notices import Bulletin
from mailbot.store import outbox_queries
from mailbot.store.schema import outbox
from mailbot.store.service import installation
from mailbot.store.store import Store
from mailbot.workers import admin_mail
from mailbot.workers.admin_mail import Announcement
from mailbot.workers.failed_mail import FailedMail
from tests.builders import BOX
from tests.workers.test_bounces import dsn
from tests.workers.test_intake import Desk

ADMIN = "eko@ops.example"
REFUSED = Bulletin(BOX.address, ADMIN, "en", "Not taken:\r\nBcc: x@y.example", "routing.yaml:3:5: no\n")


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def occasion(desk: Desk, key: str = "refused abc", *more: Bulletin) -> Announcement:
    return Announcement(key, (REFUSED, *more), desk.runtime.snapshot, desk.clock)


async def one(desk: Desk, notice: Bulletin = REFUSED) -> Any:
    await desk.store.write(
        admin_mail.enqueue_once, Announcement("x", [notice], desk.runtime.snapshot, desk.clock)
    )
    (row,) = desk.outbox_rows("bulletin")
    return row


async def test_it_leaves_as_an_automatic_mail_that_names_no_ticket(desk: Desk) -> None:
    row = await one(desk)
    mail = desk.content(row)

    assert (row.ticket, row.recipient, row.lane, row.state) == ("", ADMIN, 2, "due")
    assert (mail["To"], mail["From"]) == (ADMIN, f"{BOX.brand} <{BOX.address}>")
    assert mail["Subject"] == "Not taken: Bcc: x@y.example"
    assert (mail["Bcc"], mail["Reply-To"], mail["In-Reply-To"]) == (None, None, None)
    assert (mail["Auto-Submitted"], mail["X-Mailbot-Loop"]) == ("auto-generated", BOX.address)
    assert mail["Message-ID"] == row.message_id != ""
    assert desk.runtime.snapshot.keys.bounce_nonce(row.sender) == row.nonce
    assert mail.get_content().startswith("routing.yaml:3:5: no\r\n")
    assert "about no ticket" in mail.get_content()


async def test_a_table_a_chart_and_words_go_in_one_mail(desk: Desk) -> None:
    chart = Attachment("load.svg", "image/svg+xml", 6, "0" * 64, b"<svg/>")
    row = await one(desk, dataclasses.replace(REFUSED, language="id", html=">Halo</p>", attachments=(chart,)))
    mail = desk.content(row)

    html = mail.get_body(("html",))
    assert html is not None
    assert ">Halo</p>" in html.get_content()
    assert "tiket baru" in html.get_content()
    assert [part.get_filename() for part in mail.iter_attachments()] == ["load.svg"]


async def test_what_several_nodes_would_send_is_sent_once(desk: Desk) -> None:
    asked = [desk.store.write(admin_mail.enqueue_once, occasion(desk)) for _ in range(5)]
    answers = await asyncio.gather(*asked)
    assert sorted(answers) == [False] * 4 + [True]
    assert len(desk.outbox_rows("bulletin")) == 1

    assert await desk.store.write(admin_mail.enqueue_once, occasion(desk, "refused def"))
    assert len(desk.outbox_rows("bulletin")) == 2


async def test_what_was_sent_can_be_sent_again_once_it_was_mended(desk: Desk) -> None:
    for key in ("refused abc", "weekly report refused "):
        assert await desk.store.write(admin_mail.enqueue_once, occasion(desk, key))
    await desk.store.write(installation.remove_marks, "refused ")

    assert await desk.store.write(admin_mail.enqueue_once, occasion(desk, "refused abc"))
    assert not await desk.store.write(admin_mail.enqueue_once, occasion(desk, "weekly report refused "))


async def test_an_address_that_can_not_be_written_to_keeps_no_other_from_its_mail(desk: Desk) -> None:
    strange = dataclasses.replace(REFUSED, to="ekø@ops.example")
    assert await desk.store.write(admin_mail.enqueue_once, occasion(desk, "x", strange))

    states = {row.recipient: row.state for row in desk.outbox_rows("bulletin")}
    assert states == {ADMIN: "due", strange.to: "suppressed"}


async def test_a_bounce_of_it_marks_the_mail_as_failed_and_opens_a_ticket(desk: Desk) -> None:
    row = await one(desk)
    desk.store.write_now(_set, (row.id, {"state": "sent"}))
    ticket = await desk.receive(**dsn(row.message_id, to=ADMIN), to=row.sender)

    entry = desk.store.read_now(outbox_queries.find_entry, row.id)
    assert entry is not None
    assert (entry.state, (entry.reply or "")[:5]) == ("failed", "5.1.1")
    assert (ticket.status, "automatic" in ticket.tags) == (Status.NEW, True)


async def test_an_answer_to_it_is_a_new_matter(desk: Desk) -> None:
    row = await one(desk)
    ticket = await desk.receive(sender=ADMIN, In_Reply_To=row.message_id)
    other = await desk.receive(sender=ADMIN, to=row.sender)
    assert ticket.number != other.number


async def test_a_mail_that_is_refused_for_good_is_handled_once_and_notifies_no_team(desk: Desk) -> None:
    row = await one(desk)
    failed = {"state": "failed", "settled_at": desk.clock, "code": 550, "reply": "5.1.1 no such user"}
    desk.store.write_now(_set, (row.id, failed))
    worker = FailedMail(desk.deps)

    assert await worker.run_once() == 0
    assert await worker.run_once() != 0  # no mail is left to send
    assert desk.outbox_rows("team") == []


def _set(connection: Any, items: Any) -> list[None]:
    for id_, values in items:
        connection.execute(update(outbox).where(outbox.c.id == id_).values(**values))
    return [None] * len(items)
