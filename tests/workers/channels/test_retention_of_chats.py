"""What retention leaves of a chat: nothing of a ticket that goes, everything of one that stays."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.domain.events import IdentityLinked
from mailbot.store.channels import events, identities
from mailbot.store.retention import legal_holds
from mailbot.store.schema import (
    channel_contacts,
    channel_events,
    channel_messages,
    deleted_tickets,
    inbox,
    outbox,
    tickets,
)
from mailbot.store.schema import identities as identities_table
from mailbot.store.store import Store
from mailbot.workers.cleanup import Cleanup
from tests.builders import BOX, OPERATOR
from tests.workers.channels.chat import ChatDesk
from tests.workers.test_retention import DAY, KEPT, close, run, send_all


@pytest.fixture
def desk(store: Store) -> ChatDesk:
    return ChatDesk(store, mailboxes={BOX.address: replace(BOX, retention=KEPT)}, retention=KEPT)


async def closed_chat(desk: ChatDesk, **more: Any) -> str:
    ticket = await desk.said("Saldo saya terpotong dua kali", **more)
    close(desk, ticket.number)
    await desk.turn()
    send_all(desk)
    return ticket.number


def hold(desk: ChatDesk, number: str) -> None:
    with desk.store.engine.begin() as connection:
        legal_holds.place(connection, number, desk.clock, OPERATOR, "perkara")


async def test_a_closed_chat_goes_whole_with_its_person(desk: ChatDesk) -> None:
    number = await closed_chat(desk)
    assert desk.all(select(channel_messages))
    desk.clock += 6 * 366 * DAY
    await run(desk)

    for table in (tickets, outbox, channel_messages, channel_contacts):
        assert desk.all(select(table)) == []
    assert [each.number for each in desk.all(select(deleted_tickets))] == [number]
    assert [each.content for each in desk.all(select(channel_events))] == [b""]


async def test_a_person_with_another_ticket_stays(desk: ChatDesk) -> None:
    await closed_chat(desk)
    desk.clock += 6 * 366 * DAY
    await desk.said("/baru Paket saya belum sampai")
    await run(desk)

    assert len(desk.all(select(tickets))) == 1
    assert len(desk.all(select(channel_contacts))) == 1
    assert {each.content == b"" for each in desk.all(select(channel_events))} == {True, False}


async def test_which_identities_are_one_person_goes_with_their_last_ticket(desk: ChatDesk) -> None:
    number = await closed_chat(desk)
    await closed_chat(desk, by="+6299")
    (customer,) = desk.all(select(tickets.c.customer).where(tickets.c.number == number))
    with desk.store.engine.begin() as connection:
        for one, other in (("budi@x.example", customer[0]), ("siti@x.example", "telegram:1")):
            identities.record(connection, IdentityLinked(desk.clock, OPERATOR, one, other))
    desk.clock += 6 * 366 * DAY
    await desk.said("Paket saya belum sampai", by="+6299")
    await run(desk)

    linked = desk.all(select(identities_table.c.address).order_by(identities_table.c.address))
    assert [each.address for each in linked] == ["siti@x.example", "telegram:1"]


async def test_what_a_provider_sent_goes_with_the_bytes_of_its_mail(desk: ChatDesk) -> None:
    await closed_chat(desk)
    desk.clock += 91 * DAY
    await run(desk)

    (event,) = desk.all(select(channel_events))
    (mail,) = desk.all(select(inbox))
    assert event.content == b""
    assert mail.deleted_at is not None
    assert len(desk.all(select(channel_messages))) > 0


async def test_nothing_of_a_chat_under_a_legal_hold_goes(desk: ChatDesk) -> None:
    hold(desk, await closed_chat(desk))
    await closed_chat(desk, by="+6299")
    desk.clock += 6 * 366 * DAY
    await run(desk)
    await Cleanup(desk.deps).run_once()

    assert len(desk.all(select(tickets))) == 1
    (event,) = desk.all(select(channel_events))
    assert b"Saldo" in event.content
    assert len(desk.all(select(channel_contacts))) == 1


async def test_events_that_are_done_go_after_thirty_days_and_parked_ones_never(desk: ChatDesk) -> None:
    await desk.said("Saldo saya terpotong dua kali")
    await desk.store.write(events.keep, events.NewEvent("chat", "odd", b"{", desk.clock))
    await desk.turn()
    states = select(channel_events.c.state).order_by(channel_events.c.id)
    assert [each.state for each in desk.all(states)] == ["done", "parked"]

    desk.clock += timedelta(days=29)
    await Cleanup(desk.deps).run_once()
    assert len(desk.all(states)) == 2
    desk.clock += timedelta(days=2)
    await Cleanup(desk.deps).run_once()
    assert [each.state for each in desk.all(states)] == ["parked"]
