"""The messages of a ticket as its page reads them, on both engines."""

from mailbot.domain import events as e
from mailbot.store.lists import dialogue
from mailbot.store.store import Store
from tests.workers.test_intake import Desk

QUOTE = "Pada Sen, 23 Nov 2026 10.00 TokoDompet <support@dukungan.example> menulis:\r\n> Halo,\r\n> Nomor"


async def test_messages_come_newest_first_and_in_parts(store: Store) -> None:
    desk = Desk(store)
    ticket = await desk.receive(body="Pertama.")
    await desk.receive(body=f"Kedua.\r\n\r\n{QUOTE}", Subject=f"Re: {ticket.number}")
    await desk.receive(body="kata " * 2_000, Subject=f"Re: {ticket.number}")
    newest = store.read_now(dialogue.newest, ticket.number, 2)
    older = store.read_now(dialogue.newest, ticket.number, 2, newest[-1].id)
    assert [each.text.strip() for each in (newest[1], *older)] == ["Kedua.", "Pertama."]
    assert len(newest[1].folded) == 3
    assert (len(newest[0].text), newest[0].cut > 3_000) == (dialogue.LONGEST, True)
    whole = store.read_now(dialogue.whole, ticket.number, newest[0].id)
    assert whole
    assert whole.cut == 0


async def test_a_message_is_found_on_its_own_ticket_alone(store: Store) -> None:
    desk = Desk(store)
    first, other = await desk.receive(body="Pertama."), await desk.receive(body="Lain.")
    (message,) = store.read_now(dialogue.newest, first.number, 5)
    assert store.read_now(dialogue.whole, other.number, message.id) is None
    assert store.read_now(dialogue.inbox_of, other.number, message.id) is None
    inbox_id = store.read_now(dialogue.inbox_of, first.number, message.id)
    assert inbox_id
    assert store.read_now(dialogue.raw_start, inbox_id, 5) == b"From:"
    kinds = store.read_now(dialogue.events_of_kinds, first.number, e.TicketRouted, e.TicketAssigned)
    assert [type(each) for each in kinds] == [e.TicketRouted, e.TicketAssigned]
