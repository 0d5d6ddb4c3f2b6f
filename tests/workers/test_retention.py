"""What is past its time goes, and nothing else: open tickets, holds and younger things stay whole."""

import asyncio
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
from mailbot.store import outbox as outbox_store
from mailbot.store import queries
from mailbot.store.engine import or_skip
from mailbot.store.inbox import Unhandled, drop, park, retry
from mailbot.store.retention import legal_holds, unused
from mailbot.store.retention.rules import Slice, rules_of
from mailbot.store.schema import (
    attachments,
    attempts,
    contents,
    deleted_tickets,
    inbox,
    metadata,
    outbox,
    raw_mails,
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
    close(desk, ticket.number)
    send_all(desk)
    return ticket


def close(desk: Desk, number: str) -> None:
    request = TicketCommand(number, Act((Close(),)), OPERATOR, desk.clock)
    run_command(desk.store, desk.runtime, request)


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


async def test_the_bytes_of_a_mail_with_files_go_with_the_files(store: Store) -> None:
    desk = desk_of(store, Retention(attachments=30 * DAY))
    await closed(desk, **with_files("Lihat foto.", foto__png=PHOTO))
    without = await closed(desk, sender="siti@lain.example")
    desk.clock += 31 * DAY
    await run(desk)
    (left,) = desk.all(select(inbox.c.ticket).join(raw_mails, raw_mails.c.inbox_id == inbox.c.id))
    assert left.ticket == without.number
    assert counts(desk)["frozen_files"] == 0
    tickets = {
        row.ticket for row in desk.all(select(outbox.c.ticket).where(outbox.c.deleted_at.is_not(None)))
    }
    assert without.number not in tickets


async def test_a_ticket_is_kept_while_an_open_one_names_what_was_merged_into_it(desk: Desk) -> None:
    first, second = await closed(desk), await closed(desk, sender="siti@lain.example")
    desk.clock += 30 * DAY
    follows = await desk.receive(sender="siti@lain.example", Subject=f"Re: [{second.number}] Barang")
    assert follows.number != second.number
    send_all(desk)
    merge = MergeCommand(second.number, Merge(first.number, other_customer=True), OPERATOR, desk.clock)
    assert not isinstance(join(desk.store, desk.runtime, merge), Refusal)
    desk.clock += KEPT.closed_tickets + DAY
    await run(desk)
    assert counts(desk)["tickets"] == 3


async def test_mail_that_is_parked_or_was_not_delivered_unknown_to_its_ticket_stays(desk: Desk) -> None:
    await closed(desk)
    with desk.store.engine.begin() as connection:
        connection.execute(update(outbox).values(state=OutboxState.FAILED, reported_at=None))
    parked = await desk.keep(sender="siti@lain.example")
    await desk.store.write(park, Unhandled(parked, "poison"))
    before = counts(desk)
    desk.clock += KEPT.closed_tickets + DAY
    await run(desk)
    assert counts(desk) == before | {"raw_mails": 1}


async def test_what_was_deleted_is_never_tried_again(desk: Desk) -> None:
    """A dropped mail and a failed one: retention took their bytes."""
    await closed(desk)
    with desk.store.engine.begin() as connection:
        connection.execute(update(outbox).values(state=OutboxState.FAILED, reported_at=desk.clock))
    dropped = await desk.keep(sender="siti@lain.example")
    await desk.store.write(park, Unhandled(dropped, "poison"))
    await desk.store.write(drop, Unhandled(dropped, "spam"))
    desk.clock += KEPT.raw_mail + DAY
    await run(desk)
    assert desk.store.write_now(retry, dropped) is False
    failed = [row.id for row in desk.all(select(outbox.c.id))]
    assert not any(
        desk.store.write_now(outbox_store.retry, outbox_store.Retry(id_, desk.clock)) for id_ in failed
    )


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
async def test_a_file_that_comes_again_while_it_is_deleted_is_kept(desk: Desk) -> None:
    await closed(desk, **with_files("Lihat foto.", foto__png=PHOTO))
    file, mail = desk.one(select(contents)), desk.one(select(inbox))
    gone = Slice(rules_of(desk.runtime.policy, desk.clock), (file.digest,))
    with desk.store.engine.begin() as connection:
        connection.execute(update(attachments).values(deleted_at=desk.clock))
    with desk.store.engine.begin() as connection:  # another node, in the middle of taking a mail
        connection.execute(or_skip(connection, contents), [{"digest": file.digest, "content": PHOTO}])
        assert desk.store.write_now(unused.delete_contents, gone) == []
        again = {"inbox_id": mail.id, "position": 9, "name": "foto.png", "type": "image/png", "size": 1}
        connection.execute(insert(attachments), [{**again, "digest": file.digest}])
    assert desk.store.write_now(unused.delete_contents, gone) == []
    assert counts(desk)["contents"] == 1


async def test_two_nodes_may_run_at_once(desk: Desk) -> None:
    for place in range(12):
        await closed(desk, sender=f"orang{place}@lain.example", **with_files("Foto.", foto__png=PHOTO))
    desk.clock += KEPT.closed_tickets + DAY
    await asyncio.gather(run(desk), run(desk))
    assert {name: count for name, count in counts(desk).items() if count} == {
        "inbox": 12,
        "deleted_tickets": 12,
    }
