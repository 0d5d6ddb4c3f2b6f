"""An import is silent, can be repeated, and makes tickets that all else works with."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.analysis import opening_mails
from mailbot.cli.tickets.prove import _rebuild
from mailbot.domain.commands import Close, Merge
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import Direction, Role, Status, Target, Ticket, Turn
from mailbot.operations.importing import batch
from mailbot.operations.importing.history import Import
from mailbot.operations.importing.model import ImportedFile, ImportedMessage, ImportedStatus, ImportedTicket
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import queries, tickets
from mailbot.store.schema import (
    attachments,
    contents,
    deadlines,
    event_feed,
    events,
    imported,
    inbox,
    messages,
    metadata,
    number_aliases,
    outbox,
    participants,
    search_documents,
    search_queue,
)
from mailbot.store.schema import tickets as ticket_table
from mailbot.store.store import Store
from mailbot.store.tickets import Outdated
from mailbot.workers.search_index import SearchIndex
from tests.builders import BOX, OPERATOR, RINA
from tests.operations.importing.desk import SITI, SOURCE, answer, import_all, look_at, message, ticket
from tests.workers.test_intake import Desk
from tests.workers.test_retention import DAY, KEPT, desk_of
from tests.workers.test_retention import run as run_retention


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def everything(desk: Desk) -> dict[str, list[Any]]:
    return {
        table.name: sorted(map(repr, desk.all(select(table))))
        for table in metadata.sorted_tables
        if table.name not in ("search_state", "rate_limits")
    }


def only(desk: Desk) -> Ticket:
    (row,) = desk.all(select(ticket_table.c.number))
    return now(desk, row.number)


def now(desk: Desk, number: str) -> Ticket:
    return desk.store.read_now(tickets.load, [number])[number]


def number_of(desk: Desk, id_: str) -> str:
    found = imported.c.external_id == id_
    return str(desk.one(select(imported.c.ticket).where(found, imported.c.kind == "ticket")).ticket)


def assert_is_the_fold_of_its_events(desk: Desk) -> None:
    for row in desk.all(select(ticket_table.c.number)):
        recorded = desk.store.read_now(tickets.events_of, row.number)
        assert _rebuild(row.number, recorded) == now(desk, row.number)


# --- what it makes ------------------------------------------------------------------------------------------


def test_a_closed_ticket_comes_over_as_the_events_that_it_was(desk: Desk) -> None:
    one = ticket(desk, "1", rating=4, tags=("vip",), agent=RINA.address)
    counts = import_all(desk, [one])

    found = only(desk)
    assert (counts.new, counts.messages, counts.by_status) == (1, 2, {"closed": 1})
    assert (found.status, found.customer, found.assignee, found.satisfaction) == (
        "closed",
        SITI,
        RINA.address,
        4,
    )
    assert (found.opened_at, found.first_response_at) == (one.opened_at, one.messages[1].at)
    assert found.closed_at == one.messages[1].at
    assert (found.team, found.category, "vip" in found.tags) == ("payments", "payment", True)
    kinds = [row.kind for row in desk.all(select(events).order_by(events.c.seq))]
    assert kinds == [
        *(
            "ticket_opened",
            "ticket_routed",
            "ticket_assigned",
            "agent_answered",
            "ticket_closed",
            "clocks_set",
        ),
        "satisfaction_rated",
    ]
    assert {row.by for row in desk.all(select(events.c.by))} == {"import:zammad"}
    assert_is_the_fold_of_its_events(desk)


def test_nobody_gets_a_mail_and_nothing_comes_due_of_what_is_over(desk: Desk) -> None:
    import_all(desk, [ticket(desk, "1"), ticket(desk, "2")])
    assert desk.all(select(outbox)) == []
    assert desk.all(select(deadlines)) == []
    assert desk.all(select(search_queue)) == []


def test_no_webhook_hears_of_what_is_imported(store_url: str) -> None:
    store = Store(store_url, feeds=lambda: True)
    metadata.create_all(store.engine)
    try:
        desk = Desk(store)
        import_all(desk, [ticket(desk, "1")])
        assert desk.all(select(event_feed)) == []
        asyncio.run(desk.receive())
        assert desk.all(select(event_feed))
    finally:
        store.close()


@pytest.mark.parametrize("status", [ImportedStatus.OPEN, ImportedStatus.WAITING])
def test_what_is_open_has_an_owner_and_clocks_from_now_on(desk: Desk, status: ImportedStatus) -> None:
    import_all(desk, [ticket(desk, "1", message(desk, "a"), status=status)])

    found = only(desk)
    waits = status is ImportedStatus.WAITING
    assert found.turn is (Turn.CUSTOMER if waits else Turn.OURS)
    assert found.status is (Status.WAITING if waits else Status.NEW)
    assert found.assignee in desk.runtime.policy.agents
    assert {clock.running_since for clock in found.clocks if clock.running_since} == {desk.clock}
    (due,) = desk.all(select(deadlines))
    assert due.due_at > desk.clock
    assert desk.all(select(outbox)) == []
    assert_is_the_fold_of_its_events(desk)


def test_a_ticket_of_machines_alone_is_filed(desk: Desk) -> None:
    note = b"From: mailer-daemon@mx.example\r\nSubject: Undelivered Mail\r\nAuto-Submitted: auto-replied\r\n\r\nx\r\n"
    bounce = message(desk, "a", author="mailer-daemon@mx.example", raw=note)
    import_all(desk, [ticket(desk, "1", bounce, customer="mailer-daemon@mx.example")])
    assert only(desk).status is Status.FILED
    assert_is_the_fold_of_its_events(desk)


def test_who_wrote_on_it_takes_part_and_who_was_named_is_named(desk: Desk) -> None:
    other = message(desk, "b", 1, author="andi@pelanggan.example")
    one = ticket(desk, "1", message(desk, "a"), other, people={"tuti@pelanggan.example": Role.NAMED})
    import_all(desk, [one])
    roles = {row.address: row.role for row in desk.all(select(participants))}
    assert roles == {
        SITI: Role.CUSTOMER,
        "andi@pelanggan.example": Role.PARTICIPANT,
        "tuti@pelanggan.example": Role.NAMED,
    }


def test_the_bytes_and_the_files_of_a_message_come_with_it(desk: Desk) -> None:
    raw = b"From: siti@pelanggan.example\r\nSubject: Foto\r\nMessage-ID: <a@lama.example>\r\n\r\nLihat.\r\n"
    file = ImportedFile("foto.txt", "text/plain", b"isi")
    listed = (message(desk, "a", raw=raw), answer(desk, "b", files=(file,)))
    import_all(desk, [ticket(desk, "1", *listed)])

    first, second = desk.all(select(messages).order_by(messages.c.id))
    assert desk.store.read_now(queries.raw_mail, first.inbox_id) == raw
    assert (first.subject, first.text) == ("Foto", "Lihat.")
    (kept,) = desk.all(select(attachments))
    assert (kept.inbox_id, kept.name) == (second.inbox_id, "foto.txt")
    assert desk.one(select(contents)).content == b"isi"
    assert {row.state for row in desk.all(select(inbox))} == {"done"}


def test_rules_can_be_tried_on_what_the_rules_alone_routed(desk: Desk) -> None:
    raw = b"From: siti@pelanggan.example\r\nSubject: Saldo\r\nMessage-ID: <x@lama.example>\r\n\r\nSaldo.\r\n"
    import_all(
        desk,
        [
            ticket(desk, "1", message(desk, "a", raw=raw)),
            ticket(desk, "2", message(desk, "b", raw=raw.replace(b"x@", b"y@")), priority="low"),
            ticket(desk, "3"),
        ],
    )
    numbers = [number_of(desk, each) for each in "123"]
    found = desk.store.read_now(opening_mails.load_openings, numbers)
    assert [each.number for each in found] == numbers[:1]
    assert now(desk, numbers[1]).priority == "low"


async def test_the_search_finds_what_was_imported(desk: Desk) -> None:
    import_all(desk, [ticket(desk, "1")])
    worker = SearchIndex(desk.deps)
    while not isinstance(await worker.run_once(), float) or len(desk.all(select(search_documents))) < 2:
        pass
    assert len(desk.all(select(search_documents))) == 2


@pytest.mark.parametrize("text", ["\0\ud800 x", "", "x" * 600_000])
def test_any_text_is_stored(desk: Desk, text: str) -> None:
    odd = message(desk, "a", text=text, subject=text[:2000], author="kein\0e adresse", message_id="\0")
    assert import_all(desk, [ticket(desk, "1", odd, customer="")]).new == 1


# --- again --------------------------------------------------------------------------------------------------


def test_a_second_run_changes_nothing(desk: Desk) -> None:
    def export() -> list[ImportedTicket]:
        return [ticket(desk, str(each)) for each in range(5)] + [
            ticket(desk, "9", message(desk, "9a"), status=ImportedStatus.OPEN)
        ]

    import_all(desk, export())
    before = everything(desk)
    desk.clock += timedelta(days=3)
    again = import_all(desk, [replace(each) for each in _earlier(export(), timedelta(days=3))])
    assert (again.new, again.grown, again.same, again.messages) == (0, 0, 6, 0)
    assert everything(desk) == before


def _earlier(found: list[ImportedTicket], span: timedelta) -> Iterator[ImportedTicket]:
    for each in found:
        moved = tuple(replace(message, at=message.at - span) for message in each.messages)
        yield replace(each, messages=moved, opened_at=each.opened_at - span)


def test_a_grown_export_adds_what_is_new(desk: Desk) -> None:
    first = ticket(desk, "1", message(desk, "a"), status=ImportedStatus.OPEN)
    import_all(desk, [first])
    more = (*first.messages, answer(desk, "b"), message(desk, "c", 2), answer(desk, "d", 3))
    grown = replace(first, messages=more, status=ImportedStatus.CLOSED)
    counts = import_all(desk, [grown, ticket(desk, "2")])

    assert (counts.new, counts.grown, counts.messages) == (1, 1, 5)
    found = now(desk, number_of(desk, "1"))
    assert (found.status, found.clocks, len(desk.all(select(ticket_table)))) == ("closed", (), 2)
    assert desk.all(select(deadlines)) == []
    assert desk.all(select(outbox)) == []
    assert_is_the_fold_of_its_events(desk)


def test_what_was_reopened_there_is_reopened_here(desk: Desk) -> None:
    first = ticket(desk, "1")
    import_all(desk, [first])
    asked = replace(first, messages=(*first.messages, message(desk, "c", 5)), status=ImportedStatus.OPEN)
    import_all(desk, [asked])
    found = only(desk)
    assert (found.status, found.turn, found.reopened) == (Status.OPEN, Turn.OURS, 1)
    assert desk.one(select(deadlines)).due_at > desk.clock
    assert_is_the_fold_of_its_events(desk)


def test_the_state_of_what_is_worked_on_here_stays(desk: Desk) -> None:
    first = ticket(desk, "1", message(desk, "a"), status=ImportedStatus.OPEN)
    import_all(desk, [first])
    command = TicketCommand(only(desk).number, Act((Close(),)), OPERATOR, desk.clock)
    run_command(desk.store, desk.runtime, command)
    noted = message(desk, "n", 2, direction=Direction.NOTE, author=RINA.address)
    import_all(desk, [replace(first, messages=(*first.messages, noted))])
    assert only(desk).status is Status.CLOSED
    assert len(desk.all(select(messages))) == 2


class _Killed(Exception):
    pass


def test_a_run_that_was_killed_is_finished_by_the_next_one(desk: Desk) -> None:
    export = [ticket(desk, str(each)) for each in range(1050)]

    def dying() -> Iterator[ImportedTicket]:
        yield from export[:1030]
        raise _Killed

    with pytest.raises(_Killed):
        import_all(desk, dying())
    assert len(desk.all(select(ticket_table))) == 1000
    counts = import_all(desk, export)
    assert (counts.new, counts.same) == (50, 1000)
    assert len(desk.all(select(ticket_table))) == 1050
    assert len(desk.all(select(messages))) == 2100


def test_two_imports_at_once_never_bring_one_message_twice(desk: Desk) -> None:
    run, part = Import(SOURCE, desk.runtime.policy, desk.clock), [ticket(desk, "1")]
    planned = desk.store.read_now(batch.plan, part, SOURCE)
    import_all(desk, part)

    def late(connection: Any, items: Any) -> list[Any]:
        return [batch.record(connection, items[0], run, desk.runtime.snapshot, BOX)]

    with pytest.raises(Outdated):
        desk.store.write_now(late, batch.read(planned, run))
    assert len(desk.all(select(messages))) == 2


def test_a_message_that_came_here_by_another_way_is_left_out(desk: Desk) -> None:
    asyncio.run(desk.receive(sender=SITI, Message_ID="<1a@lama.example>"))
    counts = import_all(desk, [ticket(desk, "1")])
    assert (counts.new, counts.messages, counts.here) == (1, 1, 1)


def test_a_ticket_of_which_all_is_here_is_that_ticket(desk: Desk) -> None:
    here = asyncio.run(desk.receive(sender=SITI, Message_ID="<1a@lama.example>"))
    counts = import_all(desk, [ticket(desk, "1", message(desk, "1a"))])
    assert (counts.new, counts.messages) == (0, 0)
    assert number_of(desk, "1") == here.number
    assert {row.ticket for row in desk.all(select(number_aliases))} == {here.number}


def test_one_source_may_have_the_same_ids_as_another(desk: Desk) -> None:
    import_all(desk, [ticket(desk, "1")])
    other = ticket(desk, "1", message(desk, "1a", message_id="<x@lain.example>"))
    assert import_all(desk, [other], source="osticket").new == 1


async def test_what_retention_deleted_does_not_come_back(store: Store) -> None:
    desk = desk_of(store, replace(KEPT, closed_tickets=100 * DAY))
    import_all(desk, [ticket(desk, "1")])
    await run_retention(desk)
    assert desk.all(select(ticket_table)) == []
    assert desk.all(select(number_aliases)) == []
    grown = ticket(desk, "1", message(desk, "1a"), message(desk, "1c", 3))
    counts = import_all(desk, [grown])
    assert (counts.new, counts.gone) == (0, 1)
    assert desk.all(select(ticket_table)) == []


def test_a_dry_run_says_what_would_happen_and_writes_nothing(desk: Desk) -> None:
    import_all(desk, [ticket(desk, "1")])
    before = everything(desk)
    same_number = ticket(desk, "3", numbers=("Ticket#201901",))
    export = [ticket(desk, "1"), ticket(desk, "2", customer="baru@pelanggan.example"), same_number]
    counts, survey = look_at(desk, export)
    assert (counts.new, counts.same, counts.messages) == (2, 1, 4)
    assert (dict(survey.customers), survey.known) == ({"baru@pelanggan.example": 1, SITI: 1}, 1)
    assert survey.clashes == ["Ticket#201901"]
    assert everything(desk) == before


# --- afterwards ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [{"Subject": "Re: [Ticket#201901] Saldo"}, {"In_Reply_To": "<1b@lama.example>", "Subject": "Re: Saldo"}],
)
async def test_a_reply_to_an_old_mail_finds_its_ticket(store: Store, header: dict[str, str]) -> None:
    desk = desk_of(store, replace(KEPT, closed_tickets=None))
    import_all(desk, [ticket(desk, "1", status=ImportedStatus.WAITING)])
    found = await desk.receive(sender=SITI, **header)
    assert found.number == number_of(desk, "1")
    assert found.turn is Turn.OURS
    stranger = await desk.receive(sender="asing@lain.example", **header)
    assert stranger.number != found.number


def test_merging_what_was_imported_brings_no_step_of_years_ago(desk: Desk) -> None:
    both = [
        ticket(desk, each, message(desk, f"{each}a"), status=ImportedStatus.OPEN, numbers=()) for each in "12"
    ]
    import_all(desk, both)
    one, other = number_of(desk, "1"), number_of(desk, "2")
    desk.clock += timedelta(minutes=5)
    join(desk.store, desk.runtime, MergeCommand(one, Merge(other), OPERATOR, desk.clock))

    living = next(
        each for each in (now(desk, number) for number in (one, other)) if each.status is not Status.MERGED
    )
    first = next(clock for clock in living.clocks if clock.target is Target.FIRST_RESPONSE)
    assert first.spent < timedelta(minutes=10)
    assert all(row.due_at > desk.clock for row in desk.all(select(deadlines)))


async def test_a_closed_ticket_that_its_customer_reopens_has_clocks_of_its_own(store: Store) -> None:
    box = replace(BOX, reopen_within=timedelta(days=2000))
    desk = Desk(store, mailboxes={BOX.address: box})
    import_all(desk, [ticket(desk, "1")])
    found = await desk.receive(sender=SITI, Subject="Re: [Ticket#201901] Saldo")
    assert (found.number, found.reopened) == (number_of(desk, "1"), 1)
    assert all(clock.spent == timedelta() for clock in found.clocks)
    assert desk.one(select(deadlines)).due_at > desk.clock


def _messages(desk: Desk, count: int) -> tuple[ImportedMessage, ...]:
    return tuple(message(desk, f"m{each}", each) for each in range(count))


def test_a_long_thread_is_one_ticket(desk: Desk) -> None:
    import_all(desk, [ticket(desk, "1", *_messages(desk, 300))])
    assert len(desk.all(select(messages))) == 300
    assert_is_the_fold_of_its_events(desk)
