"""A reply to a mail of the former desk finds the ticket that was brought over."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event

from mailbot.store.importing import aliases
from mailbot.store.store import Store
from tests.workers.test_intake import BUDI, Desk


def _alias(store: Store, number: str, ticket: str) -> None:
    def op(connection: Connection, items: Any) -> list[None]:
        aliases.add(connection, [(number, ticket)])
        return [None]

    store.write_now(op, None)


async def test_an_old_number_in_the_subject_finds_the_ticket_of_its_customer(store: Store) -> None:
    desk = Desk(store)
    first = await desk.receive()
    _alias(store, "TICKET#2019001234", first.number)
    desk = Desk(store)  # a node that has not looked yet
    desk._kept = 10
    again = await desk.receive(Subject="Bls: [Ticket#2019001234] Barang", body="Masih belum sampai.")
    other = await desk.receive(sender="asing@lain.example", Subject="[Ticket#2019001234]")
    assert again.number == first.number
    assert other.number != first.number


async def test_two_desks_may_have_given_one_number(store: Store) -> None:
    desk = Desk(store)
    of_budi, of_siti = await desk.receive(), await desk.receive(sender="siti@pelanggan.example")
    for ticket in (of_budi, of_siti):
        _alias(store, "[#12]", ticket.number)
    desk = Desk(store)
    desk._kept = 10
    assert (await desk.receive(sender=BUDI, Subject="Re: [#12]")).number == of_budi.number
    assert (await desk.receive(sender="siti@pelanggan.example", Subject="Re: [#12]")).number == of_siti.number


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_without_old_numbers_a_mail_looks_for_none(store: Store) -> None:
    desk = Desk(store)
    await desk.receive(Subject="Re: [#12]")
    with _statements(store) as run:
        await desk.receive(Subject="Re: [#12]")
    assert not [each for each in run if "number_aliases" in each]


@contextmanager
def _statements(store: Store) -> Iterator[list[str]]:
    run: list[str] = []

    def listen(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(run.append)

    event.listen(store.engine, "checkout", listen)
    yield run
    event.remove(store.engine, "checkout", listen)
