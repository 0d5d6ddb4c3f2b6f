"""An agent's act in the store: its mails wait, are taken back whole, or have left, on both engines."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import ActState, OutboxState, Status, Ticket
from mailbot.domain.reasons import Refusal
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.reports.figures.ticket_facts import KINDS
from mailbot.reports.read import lives
from mailbot.store import outbox as outbox_store
from mailbot.store.agents import acts
from mailbot.store.outbox import Claim
from mailbot.store.schema import acts as acts_table
from mailbot.store.schema import events, messages, outbox
from mailbot.store.store import Store
from mailbot.store.tickets import load
from tests.builders import BAYU, BOX, RINA
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, Desk, tag

WINDOW = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, mailboxes={BOX.address: replace(BOX, undo=WINDOW)})


def ticket(desk: Desk, number: str) -> Ticket:
    return desk.store.read_now(load, [number])[number]


def command(desk: Desk, number: str, act: Act, agent: str = RINA.address) -> Acted | Refusal | None:
    return run_command(desk.store, desk.runtime, TicketCommand(number, act, Actor.agent(agent), desk.clock))


def answer(desk: Desk, number: str, *commands: c.AnyCommand, agent: str = RINA.address) -> Acted:
    acted = command(desk, number, Act(commands, "Sudah dikirim ulang."), agent)
    assert isinstance(acted, Acted), acted
    return acted


def undo(desk: Desk, number: str, agent: str = RINA.address) -> Acted | Refusal | None:
    return command(desk, number, Act((c.Undo(),)), agent)


def claimed(desk: Desk, at: datetime) -> list[str]:
    rows = desk.store.write_now(outbox_store.claim, Claim("n1", 100, at))
    return [row.kind for row in rows if row.kind in ("answer", "closing")]


async def reply(desk: Desk, number: str, body: str) -> None:
    headers = {"Subject": f"Re: [{number}] Barang", "body": body}
    await desk.receive(sender=RINA.address, to=tag(number), peer=AGENTS_NETWORK, **headers)


@pytest.mark.parametrize("by_mail", [True, False])
async def test_an_answer_waits_for_the_window_and_then_leaves_once(desk: Desk, *, by_mail: bool) -> None:
    number = (await desk.receive()).number
    if by_mail:
        await reply(desk, number, "Sudah dikirim ulang.")
    else:
        answer(desk, number)

    assert claimed(desk, desk.clock + WINDOW - timedelta(seconds=1)) == []
    assert claimed(desk, desk.clock + WINDOW) == ["answer"]
    assert claimed(desk, desk.clock + 2 * WINDOW) == []


async def test_copies_to_participants_wait_and_go_back_alike(desk: Desk) -> None:
    number = (await desk.receive()).number
    command(desk, number, Act((c.AddParticipants(("ani@toko.example",)),)))
    answer(desk, number)
    rows = desk.outbox_rows("answer")
    assert [row.recipient for row in rows] == [BUDI, "ani@toko.example"]
    assert {row.due_at for row in rows} == {desk.clock + WINDOW}

    assert isinstance(undo(desk, number), Acted)
    assert {row.state for row in desk.outbox_rows("answer")} == {OutboxState.SUPPRESSED}


async def test_what_is_taken_back_never_leaves_and_stays_on_record(desk: Desk) -> None:
    number = (await desk.receive()).number
    before = ticket(desk, number)
    answer(desk, number, c.Close())
    assert ticket(desk, number).status is Status.CLOSED
    desk.clock += MINUTE
    assert isinstance(undo(desk, number), Acted)

    assert claimed(desk, desk.clock + timedelta(days=1)) == []
    (row,) = desk.outbox_rows("closing")
    assert (row.state, row.settled_at) == (OutboxState.SUPPRESSED, desk.clock)
    assert "withdrawn" in row.reason
    assert replace(ticket(desk, number), events=0) == replace(before, events=0)
    kept = desk.one(select(messages).where(messages.c.author == RINA.address))
    assert (kept.direction, kept.visible, kept.turn, kept.flags) == (
        *("note", "Sudah dikirim ulang.", ""),
        ["withdrawn"],
    )
    assert [each.kind for each in desk.all(select(events.c.kind))].count("agent_answered") == 1
    assert isinstance(undo(desk, number), Refusal)


async def test_an_answer_after_an_undo_is_a_first_answer_again(desk: Desk) -> None:
    number = (await desk.receive()).number
    answer(desk, number, c.Close())
    undo(desk, number)
    answer(desk, number, c.Close())

    assert [row.state for row in desk.outbox_rows("closing")] == [OutboxState.SUPPRESSED, OutboxState.DUE]
    assert ticket(desk, number).first_response_at == desk.clock


async def test_the_newest_act_goes_back_first(desk: Desk) -> None:
    number = (await desk.receive()).number
    answer(desk, number)
    command(desk, number, Act((c.Assign(BAYU.address),)))
    command(desk, number, Act((c.AddNote("catatan"),)))

    assert isinstance(undo(desk, number), Acted)
    assert ticket(desk, number).assignee == RINA.address
    assert desk.outbox_rows("answer")[0].state == OutboxState.DUE
    assert isinstance(undo(desk, number), Acted)
    assert desk.outbox_rows("answer")[0].state == OutboxState.SUPPRESSED


async def test_nobody_takes_back_what_a_colleague_did(desk: Desk) -> None:
    number = (await desk.receive()).number
    answer(desk, number)

    assert isinstance(undo(desk, number, BAYU.address), Refusal)
    assert desk.outbox_rows("answer")[0].state == OutboxState.DUE


@pytest.mark.parametrize(
    ("state", "unknown", "is_taken_back"),
    [
        ("due", 0, True), ("deferred", 0, True), ("failed", 0, True),
        ("deferred", 1, False), ("sending", 0, False), ("dot", 0, False), ("sent", 0, False),
    ],
)  # fmt: skip
async def test_what_a_sender_holds_is_not_taken_back(
    desk: Desk, state: str, unknown: int, *, is_taken_back: bool
) -> None:
    number = (await desk.receive()).number
    answer(desk, number)
    values = {"state": state, "unknown": unknown}
    desk.store.write_now(
        lambda c, _: [c.execute(update(outbox).where(outbox.c.kind == "answer").values(values))], None
    )

    assert isinstance(undo(desk, number), Acted) is is_taken_back


async def test_acts_are_forgotten_after_their_time(desk: Desk) -> None:
    number = (await desk.receive()).number
    answer(desk, number)
    removed = desk.store.write_now(
        lambda c, items: [acts.remove_expired(c, at) for at in items], desk.clock + timedelta(days=1)
    )

    assert removed == 1
    assert desk.all(select(acts_table)) == []


async def test_of_an_undo_and_a_sender_at_once_one_is_first(desk: Desk) -> None:
    """Race them: either the mail has left and the undo is refused, or it is taken back and never leaves."""
    numbers = [(await desk.receive(Subject=f"Barang {n}", sender=f"b{n}@x.example")).number for n in range(8)]
    for number in numbers:
        answer(desk, number)
    desk.clock += WINDOW
    results: dict[str, Any] = {}
    claimed_rows: list[Any] = []

    def take_back() -> None:
        for number in numbers:
            results[number] = undo(desk, number)

    def send() -> None:
        for _ in range(4):
            claimed_rows.extend(desk.store.write_now(outbox_store.claim, Claim("n1", 2, desk.clock)))

    threads = [threading.Thread(target=each) for each in (take_back, send)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    taken = {row.ticket for row in claimed_rows if row.kind == "answer"}
    assert taken == {number for number, result in results.items() if isinstance(result, Refusal)}
    states = desk.all(select(acts_table.c.ticket, acts_table.c.state))
    assert {row.ticket for row in states if row.state is ActState.UNDONE} == set(numbers) - taken


async def test_reports_do_not_count_what_was_taken_back(desk: Desk) -> None:
    number = (await desk.receive()).number
    answer(desk, number, c.Close())
    desk.clock += MINUTE
    undo(desk, number)

    ((_, life),) = desk.store.read_now(
        lambda c: list(lives(c, desk.clock - timedelta(hours=1), desk.clock + MINUTE, KINDS))
    )
    kinds = {event.kind for event in life}
    assert "act_undone" in kinds
    assert not kinds & {"agent_answered", "ticket_closed"}
