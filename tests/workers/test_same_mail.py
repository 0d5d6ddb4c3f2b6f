"""One mail by two ways is filed once, with its copies beside it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.config.model import Trust
from mailbot.domain.commands import Merge
from mailbot.domain.model import Status, Ticket
from mailbot.store.schema import messages
from mailbot.store.schema import tickets as tickets_table
from mailbot.store.store import Store
from mailbot.workers.inbound.intake import BATCH, Intake
from tests.operations.test_merge_split import do
from tests.workers.test_intake import AGENTS_NETWORK, AGENTS_TRUSTED, BUDI, KEYS, RINA, Desk

ONE = {"Message_ID": "<sama@pelanggan.example>"}
LIST = {
    "Subject": "[Milis] Barang",
    "body": "Pesanan saya belum sampai, mohon dibantu.\r\n____\r\nmilis pelanggan",
}
SALES = {"Received": "from a by b", "X_Scanned": "yes"}


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def flags(desk: Desk, ticket: Ticket) -> list[Any]:
    query = select(messages.c.flags).where(messages.c.ticket == ticket.number).order_by(messages.c.id)
    return [list(row.flags) for row in desk.all(query)]


@pytest.mark.parametrize("second", [{}, SALES, LIST])
@pytest.mark.parametrize("together", [False, True])
async def test_a_copy_is_filed_without_acknowledgement_and_notice(
    desk: Desk, second: dict[str, str], together: bool
) -> None:
    first = await desk.keep(**ONE)
    if not together:
        await desk.work()
    again = await desk.keep(**ONE, **second)
    await desk.work()

    ticket = desk.ticket_of(first)
    assert desk.ticket_of(again) == ticket
    assert flags(desk, ticket) == [[], ["copy"]]
    assert (len(desk.outbox_rows("acknowledgement")), len(desk.outbox_rows("team"))) == (1, 1)


async def test_other_words_under_the_same_id_reach_an_agent_on_the_same_ticket(desk: Desk) -> None:
    first = await desk.receive(**ONE)
    again = await desk.receive(**ONE, body="Sudah sampai, tetapi rusak.")

    assert (again.number, flags(desk, again)) == (first.number, [[], []])
    assert (len(desk.outbox_rows("acknowledgement")), len(desk.outbox_rows("team"))) == (1, 2)


async def test_a_stranger_with_the_same_id_and_the_same_words_stays_apart(desk: Desk) -> None:
    first = await desk.receive(**ONE)
    theirs = await desk.receive(sender="asing@lain.example", **ONE)
    again = await desk.receive(sender="asing@lain.example", **ONE, **SALES)
    changed = await desk.receive(**ONE, body="Sudah sampai, tetapi rusak.")

    assert theirs.number != first.number
    assert again.number == theirs.number
    assert changed.number == first.number


async def test_a_forger_who_was_first_does_not_silence_the_proven_mail(store: Store) -> None:
    desk = Desk(store, trust=Trust(authserv_ids=("mx.dukungan.example",)))
    forged = await desk.receive(**ONE)
    passed = "mx.dukungan.example; dmarc=pass header.from=pelanggan.example"
    true = await desk.receive(**ONE, Authentication_Results=passed)
    failed = await desk.receive(**ONE, Authentication_Results=passed.replace("pass", "fail"))
    again = await desk.receive(**ONE, Authentication_Results=passed, **SALES)

    assert len({forged.number, true.number, failed.number}) == 3
    assert again.number == true.number


async def test_a_copy_moves_nothing_on_a_closed_or_merged_ticket(desk: Desk) -> None:
    first = await desk.receive(**ONE)
    other = await desk.receive(Subject="Lain")
    do(desk, first.number, Merge(other.number))
    with desk.store.engine.begin() as connection:
        connection.execute(tickets_table.update().values(status=Status.CLOSED, closed_at=desk.clock))
    copy = await desk.receive(**ONE, **SALES)

    assert (copy.number, copy.status) == (other.number, Status.CLOSED)


async def test_an_agents_answer_by_two_ways_is_sent_once(store: Store) -> None:
    desk = Desk(store, trust=AGENTS_TRUSTED)
    ticket = await desk.receive()
    answer = {
        "sender": RINA.address,
        "to": KEYS.reply_address("support@dukungan.example", ticket.number, RINA.address),
        "body": "Sudah kami kirim.",
        **ONE,
    }
    await desk.receive(**answer, peer=AGENTS_NETWORK)
    await desk.receive(**answer, peer=AGENTS_NETWORK, **SALES)

    assert len([row for row in desk.outbox_rows("answer") if row.recipient == BUDI]) <= 1


async def test_two_nodes_that_get_a_copy_each_make_one_ticket(store: Store) -> None:
    desk = Desk(store)
    other = Store(store.url) if not store.sqlite else store  # SQLite has one writer
    intakes = [Intake(replace(desk.deps, store=each), node) for each, node in ((store, "n1"), (other, "n2"))]
    for way in ("1", "2"):  # a batch for each node
        for n in range(BATCH):
            await desk.keep(Message_ID=f"<{n}@dua.example>", X_Way=way)
    await asyncio.gather(*(intake.run_once() for intake in intakes))
    await desk.work()
    if other is not store:
        other.close()

    assert len(desk.all(select(tickets_table.c.number))) == BATCH
    assert len(desk.outbox_rows("acknowledgement")) == BATCH
