"""What is past its time goes, and nothing else: open tickets, holds and younger things stay whole."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from mailbot.domain.commands import AddNote, Close, Merge
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import OutboxState, Ticket
from mailbot.domain.policy import Retention
from mailbot.domain.reasons import Refusal
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import queries
from mailbot.store.retention import legal_holds
from mailbot.store.schema import (
    attempts,
    deleted_tickets,
    inbox,
    metadata,
    outbox,
)
from mailbot.store.store import Store
from mailbot.workers.retention import EVERY
from mailbot.workers.retention import Retention as Worker
from tests.builders import BOX, OPERATOR
from tests.workers.test_intake import Desk
from tests.workers.test_notices import PHOTO, with_files

DAY = timedelta(days=1)
KEPT = Retention(raw_mail=90 * DAY, attachments=366 * DAY, closed_tickets=5 * 366 * DAY, attempts=30 * DAY)
TABLES = [table.name for table in metadata.sorted_tables]


def desk_of(store: Store, kept: Retention = KEPT) -> Desk:
    return Desk(store, mailboxes={BOX.address: replace(BOX, retention=kept)}, retention=kept)


@pytest.fixture
def desk(store: Store) -> Desk:
    return desk_of(store)


async def closed(desk: Desk, **mail: str) -> Ticket:
    ticket = await desk.receive(**mail)
    request = TicketCommand(ticket.number, Act((Close(),)), OPERATOR, desk.clock)
    run_command(desk.store, desk.runtime, request)
    send_all(desk)
    return ticket


def send_all(desk: Desk) -> None:
    """Let the relay take everything that waits."""
    with desk.store.engine.begin() as connection:
        waiting = select(outbox.c.id).where(outbox.c.state == OutboxState.DUE)
        ids = connection.scalars(waiting).all()
        sent = {
            "state": OutboxState.SENT,
            "settled_at": desk.clock,
            "attempts": 1,
            "code": 250,
            "reply": "ok",
        }
        connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(sent))
        tried = {"at": desk.clock, "node": "n1", "outcome": "sent", "code": 250, "reply": "ok"}
        if ids:
            connection.execute(insert(attempts), [{"outbox_id": id_, **tried} for id_ in ids])


async def run(desk: Desk) -> None:
    worker = Worker(desk.deps, rest=0)
    while await worker.run_once() != EVERY:
        pass


def counts(desk: Desk) -> dict[str, int]:
    def count(connection: Any) -> dict[str, int]:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
            if table.name not in ("installation", "policies", "ladders", "rate_limits")
        }

    return desk.store.read_now(count)


async def test_raw_bytes_go_after_their_time_and_leave_their_digest(desk: Desk) -> None:
    ticket = await closed(desk)
    desk.clock += 89 * DAY
    before = counts(desk)
    await run(desk)
    assert counts(desk) == before | {"attempts": 0}

    (mail,) = desk.store.read_now(lambda c: queries.list_inbox(c, number=ticket.number))
    raw = desk.store.read_now(queries.raw_mail, mail.id)
    assert raw
    desk.clock += 2 * DAY
    await run(desk)
    assert desk.store.read_now(queries.raw_mail, mail.id) is None
    assert counts(desk) == before | {"attempts": 0, "raw_mails": 0, "frozen_mails": 0}


async def test_nothing_goes_without_a_span(store: Store) -> None:
    desk = desk_of(store, Retention())
    await closed(desk, **with_files("Lihat foto.", foto__png=PHOTO))
    before = counts(desk)
    desk.clock += 9 * 366 * DAY
    await run(desk)
    assert counts(desk) == before


async def test_nothing_of_an_open_ticket_goes(desk: Desk) -> None:
    await desk.receive(**with_files("Lihat foto.", foto__png=PHOTO))
    send_all(desk)
    before = counts(desk)
    desk.clock += 9 * 366 * DAY
    await run(desk)
    assert counts(desk) == before


async def test_nothing_under_a_legal_hold_goes_until_it_is_released(desk: Desk) -> None:
    ticket = await closed(desk, **with_files("Lihat foto.", foto__png=PHOTO))
    place(desk, ticket)
    before = counts(desk)
    desk.clock += 9 * 366 * DAY
    await run(desk)
    assert counts(desk) == before

    with desk.store.engine.begin() as connection:
        assert legal_holds.release(connection, ticket.number)
    await run(desk)
    assert counts(desk)["tickets"] == 0


def place(desk: Desk, ticket: Ticket) -> None:
    with desk.store.engine.begin() as connection:
        legal_holds.place(connection, ticket.number, desk.clock, OPERATOR, "case 12")


async def test_a_file_goes_with_the_last_mail_that_has_it(desk: Desk) -> None:
    """One of two closed tickets with the same photo is young."""
    await closed(desk, **with_files("Lihat foto.", foto__png=PHOTO))
    desk.clock += 360 * DAY
    await closed(desk, sender="siti@lain.example", **with_files("Foto yang sama.", foto__png=PHOTO))
    desk.clock += 10 * DAY
    await run(desk)
    assert (counts(desk)["contents"], counts(desk)["frozen_files"]) == (1, 1)

    desk.clock += 360 * DAY
    await run(desk)
    assert (counts(desk)["contents"], counts(desk)["frozen_files"]) == (0, 0)
    assert counts(desk)["attachments"] == 2


async def test_a_ticket_goes_with_all_that_belongs_to_it_but_its_number_and_fingerprint(desk: Desk) -> None:
    ticket = await closed(desk, **with_files("Lihat foto.", foto__png=PHOTO))
    desk.clock += KEPT.closed_tickets + DAY
    await run(desk)

    left = {name: count for name, count in counts(desk).items() if count}
    assert left == {"inbox": 1, "deleted_tickets": 1}
    mail = desk.one(select(inbox))
    assert (mail.state, mail.sender, list(mail.recipients), mail.peer) == ("done", "", [], "")
    assert (mail.ticket, mail.fingerprint) == (ticket.number, "mark1")
    stays = desk.one(select(deleted_tickets))
    assert (stays.number, stays.mailbox, stays.deleted_at) == (ticket.number, BOX.address, desk.clock)


async def test_a_mail_to_a_deleted_ticket_opens_a_new_one_and_is_acknowledged(desk: Desk) -> None:
    ticket = await closed(desk)
    desk.clock += KEPT.closed_tickets + DAY
    await run(desk)
    new = await desk.receive(Subject=f"Re: [{ticket.number}] Barang", In_Reply_To="<1@x.example>")
    assert new.number != ticket.number
    assert [row.ticket for row in desk.outbox_rows("acknowledgement")] == [new.number]


async def test_a_message_after_the_end_keeps_the_ticket_for_longer(desk: Desk) -> None:
    ticket = await closed(desk)
    desk.clock += 400 * DAY
    note = TicketCommand(ticket.number, Act((AddNote("dia menelepon lagi"),)), OPERATOR, desk.clock)
    run_command(desk.store, desk.runtime, note)
    desk.clock += KEPT.closed_tickets - 390 * DAY
    await run(desk)
    assert counts(desk)["tickets"] == 1
    desk.clock += 400 * DAY
    await run(desk)
    assert counts(desk)["tickets"] == 0


async def test_a_ticket_that_an_open_one_goes_on_with_is_kept(desk: Desk) -> None:
    ticket = await closed(desk)
    desk.clock += 30 * DAY
    follows = await desk.receive(Subject=f"Re: [{ticket.number}] Barang")
    assert follows.number != ticket.number
    send_all(desk)
    desk.clock += KEPT.closed_tickets + DAY
    await run(desk)
    assert counts(desk)["tickets"] == 2


async def test_merged_tickets_go_with_their_target_and_a_hold_on_one_keeps_both(desk: Desk) -> None:
    first, second = await closed(desk), await closed(desk, sender="siti@lain.example")
    merge = MergeCommand(second.number, Merge(first.number, other_customer=True), OPERATOR, desk.clock)
    assert not isinstance(join(desk.store, desk.runtime, merge), Refusal)
    place(desk, second)
    desk.clock += KEPT.closed_tickets + DAY
    before = counts(desk)
    await run(desk)
    assert counts(desk) == before
    with desk.store.engine.begin() as connection:
        legal_holds.release(connection, second.number)
    await run(desk)
    assert counts(desk)["tickets"] == 0
    assert counts(desk)["deleted_tickets"] == 2
