"""What is due is recorded before an agent's act, also where the daemon had no time to see it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import Ticket
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store.schema import events
from mailbot.store.store import Store
from tests.builders import BAYU, BOX, RINA
from tests.workers.test_intake import AGENTS_NETWORK, KEYS, Desk

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def kinds(desk: Desk, ticket: Ticket, after: int) -> list[str]:
    query = select(events.c.kind).where(events.c.ticket == ticket.number, events.c.seq > after)
    return [row.kind for row in desk.all(query.order_by(events.c.seq))]


async def answer(desk: Desk, ticket: Ticket, agent: str = RINA.address) -> Ticket:
    to = KEYS.reply_address(BOX.address, ticket.number, agent)
    return await desk.receive(
        sender=agent, to=to, peer=AGENTS_NETWORK, body="Kami cek.", Subject="Re: Barang"
    )


async def test_a_late_answer_misses_the_promise_and_takes_its_steps_first(desk: Desk) -> None:
    ticket = await desk.receive()
    team = len(desk.outbox_rows("team"))
    desk.clock += 61 * MINUTE  # promised: an hour; the daemon was down
    answered = await answer(desk, ticket)

    recorded = kinds(desk, ticket, ticket.events)
    assert (
        recorded.index("target_missed")
        < recorded.index("ticket_escalated")
        < recorded.index("agent_answered")
    )
    assert (answered.level, answered.assignee, answered.events) == (
        "L2",
        RINA.address,
        ticket.events + len(recorded),
    )
    assert len(desk.outbox_rows("team")) == team  # neither a reminder of what is done nor "it is yours" to L2
    assert len(desk.outbox_rows("answer")) == 1


async def test_an_answer_in_time_takes_nothing(desk: Desk) -> None:
    ticket = await desk.receive()
    desk.clock += 20 * MINUTE
    await answer(desk, ticket)
    assert kinds(desk, ticket, ticket.events) == ["agent_answered", "clocks_set"]


async def test_a_late_close_by_command_misses_the_promise_too(desk: Desk) -> None:
    ticket = await desk.receive()
    desk.clock += 9 * 60 * MINUTE
    request = TicketCommand(ticket.number, Act((c.Close(),)), Actor.agent(BAYU.address), desk.clock)
    done = run_command(desk.store, desk.runtime, request)

    assert isinstance(done, Acted)
    recorded = kinds(desk, ticket, ticket.events)
    assert recorded.count("target_missed") == 2
    assert recorded.index("target_missed") < recorded.index("ticket_closed")
    assert desk.outbox_rows("progress") == []
