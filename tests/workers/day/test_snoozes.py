"""A snoozed ticket comes back once, to its owner, and no promise waits for it."""

import asyncio
from datetime import timedelta

from mailbot.domain.actor import Actor
from mailbot.domain.commands import Assign, Snooze
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.commands.grammar import Act
from mailbot.domain.ladder import next_deadline
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Ticket
from mailbot.domain.reasons import Refusal
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store.store import Store
from mailbot.store.tickets import load
from mailbot.workers.day.snoozes import Snoozes
from tests.builders import BAYU, RINA, policy
from tests.workers.test_intake import Desk

MINUTES = timedelta(minutes=1)
BY = Actor.agent(RINA.address)


async def snoozed(desk: Desk, minutes: int) -> Ticket:
    ticket = await desk.receive()
    request = TicketCommand(ticket.number, Act((Snooze(desk.clock + minutes * MINUTES),)), BY, desk.clock)
    await asyncio.to_thread(run_command, desk.store, desk.runtime, request)
    return desk.store.read_now(load, [ticket.number])[ticket.number]


async def test_it_comes_back_once_with_a_notice_to_its_owner(store: Store) -> None:
    desk = Desk(store)
    ticket = await snoozed(desk, 20)
    notices = len(desk.outbox_rows("team"))
    workers = (Snoozes(desk.deps), Snoozes(desk.deps))
    await workers[0].run_once()
    assert len(desk.outbox_rows("team")) == notices

    desk.clock += 20 * MINUTES
    await asyncio.gather(*(worker.run_once() for worker in workers))
    await workers[0].run_once()
    (notice,) = desk.outbox_rows("team")[notices:]
    assert (notice.recipient, notice.why) == (ticket.assignee, "turn_came_back")
    body = str(desk.content(notice).get_body(("plain",)).get_content())
    assert "This ticket comes back to you" in body or "Tiket ini kembali kepada Anda" in body
    assert desk.store.read_now(load, [ticket.number])[ticket.number].snoozed_until is None


async def test_a_customers_mail_ends_it_at_once(store: Store) -> None:
    desk = Desk(store)
    ticket = await snoozed(desk, 20)
    again = await desk.receive(Subject=f"Re: {ticket.number}")
    assert (ticket.snoozed_until is not None, again.snoozed_until) == (True, None)
    notices = len(desk.outbox_rows("team"))
    desk.clock += 20 * MINUTES
    await Snoozes(desk.deps).run_once()
    assert len(desk.outbox_rows("team")) == notices


async def test_its_clocks_run_on(store: Store) -> None:
    desk = Desk(store)
    before = await desk.receive()
    ticket = on_command(before, Snooze(desk.clock + 20 * MINUTES), BY, policy(), desk.clock)
    assert isinstance(ticket, Decision)
    assert ticket.ticket.clocks == before.clocks
    assert next_deadline(ticket.ticket, policy()) == next_deadline(before, policy())


async def test_it_is_refused_beyond_the_promise_and_where_there_is_none(store: Store) -> None:
    desk = Desk(store)
    ticket = await desk.receive()
    for until, words in ((desk.clock + 61 * MINUTES, "promised an answer by"), (None, "is not snoozed")):
        refusal = on_command(ticket, Snooze(until), BY, policy(), desk.clock)
        assert isinstance(refusal, Refusal)
        assert words in str(refusal)


async def test_another_owner_has_it_on_the_worklist_at_once(store: Store) -> None:
    desk = Desk(store)
    ticket = await snoozed(desk, 20)
    for agent, until in ((RINA.address, ticket.snoozed_until), (BAYU.address, None)):
        decision = on_command(ticket, Assign(agent), BY, policy(), desk.clock)
        assert isinstance(decision, Decision)
        assert decision.ticket.snoozed_until == until
