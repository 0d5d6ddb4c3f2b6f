"""People of a ticket, from the mail that names them to their own reply."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from mailbot.config.model import Trust
from mailbot.domain.commands import Accept, Merge, SetCustomer, Split, Unmerge
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.events import TicketOpened
from mailbot.domain.model import Role, Ticket
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import queries, tickets
from mailbot.store.schema import outbox
from mailbot.store.schema import tickets as tickets_table
from mailbot.store.store import Store
from tests.builders import BOX, OPERATOR, RINA
from tests.operations.test_merge_split import do
from tests.workers.test_intake import AGENTS_TRUSTED, BUDI, Desk

ASING = "asing@lain.example"
BOSS = "bos@pelanggan.example"
CHECKS = Trust(authserv_ids=("mx.dukungan.example",))
PROVEN = "mx.dukungan.example; dmarc=pass header.from=pelanggan.example"


def people(desk: Desk, ticket: Ticket) -> dict[str, Role]:
    found = desk.store.read_now(queries.participants_of, ticket.number)
    return {person.address: person.role for person in found}


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def test_who_is_in_copy_of_a_proven_mail_replies_on_the_ticket(store: Store) -> None:
    desk = Desk(store, trust=CHECKS)
    first = await desk.receive(Cc=f"Bos <{BOSS}>, {ASING}", Authentication_Results=PROVEN)
    assert people(desk, first) == {BUDI: Role.CUSTOMER, BOSS: Role.PARTICIPANT, ASING: Role.PARTICIPANT}

    by_reference = await desk.receive(sender=BOSS, References="<1@x.example>", Subject="Setuju")
    by_number = await desk.receive(sender=ASING, Subject=f"Re: [{first.number}]")
    assert {by_reference.number, by_number.number} == {first.number}


async def test_who_is_in_copy_without_proof_is_shown_and_stays_a_stranger(store: Store) -> None:
    desk = Desk(store, trust=CHECKS)
    first = await desk.receive(Cc=BOSS)
    assert people(desk, first) == {BUDI: Role.CUSTOMER, BOSS: Role.NAMED}

    theirs = await desk.receive(sender=BOSS, References="<1@x.example>", Subject=f"Re: [{first.number}]")
    assert theirs.number != first.number
    proven = await desk.receive(
        References="<1@x.example>", Cc=BOSS, Authentication_Results=PROVEN, body="Bos saya ikut."
    )
    assert (proven.number, people(desk, first)) == (
        first.number,
        {BUDI: Role.CUSTOMER, BOSS: Role.PARTICIPANT},
    )


async def test_a_mail_of_the_same_batch_counts_for_the_next(store: Store) -> None:
    desk = Desk(store, trust=Trust())
    await desk.keep(Cc=BOSS)
    await desk.keep(sender=BOSS, References="<1@x.example>")
    await desk.work()

    assert len({entry.ticket for entry in desk.store.read_now(queries.list_inbox)}) == 1


async def test_a_copy_of_the_answer_is_a_mail_of_its_own_and_its_reply_threads(store: Store) -> None:
    desk = Desk(store, trust=replace(CHECKS, agent_networks=AGENTS_TRUSTED.agent_networks))
    first = await desk.receive(Cc=BOSS, Authentication_Results=PROVEN)
    notice = desk.content(desk.outbox_rows("team")[0])
    await desk.receive(
        sender=RINA.address, to=str(notice["Reply-To"]), peer="10.20.0.7", body="Sudah kami cek."
    )

    rows = desk.outbox_rows("answer")
    mails = [desk.content(row) for row in rows]
    assert [row.recipient for row in rows] == [BUDI, BOSS]
    assert {(mail["To"], mail["Cc"]) for mail in mails} == {(BUDI, BOSS)}
    assert len({mail["Message-ID"] for mail in mails}) == 2
    theirs = await desk.receive(sender=BOSS, In_Reply_To=mails[1]["Message-ID"], Subject="Setuju")
    assert theirs.number == first.number


async def test_a_reply_to_a_notice_of_the_former_customer_is_held(store: Store) -> None:
    desk = Desk(store, trust=AGENTS_TRUSTED)
    first = await desk.receive()
    row = desk.outbox_rows("team")[0]
    notice = desk.content(row)
    with desk.store.engine.begin() as connection:
        connection.execute(outbox.update().where(outbox.c.id == row.id).values(settled_at=desk.clock))
    desk.clock += timedelta(minutes=5)
    changed = TicketCommand(first.number, Act((SetCustomer(BOSS),)), OPERATOR, desk.clock)
    assert isinstance(run_command(desk.store, desk.runtime, changed), Acted)
    assert "bukan lagi" in str(desk.content(desk.outbox_rows("team")[-1]).get_body(("plain",)).get_content())

    desk.clock += timedelta(minutes=5)
    answer = {
        "sender": RINA.address,
        "to": str(notice["Reply-To"]),
        "peer": "10.20.0.7",
        "body": "Sudah kami cek.",
    }
    answer |= {"Subject": f"Re: {notice['Subject']}"}
    await desk.receive(**answer, In_Reply_To=str(notice["Message-ID"]))
    assert desk.outbox_rows("answer") == []
    refused = desk.content(desk.outbox_rows("refusal")[0]).get_body(("plain",)).get_content()
    assert BUDI in refused
    assert BOSS in refused
    await desk.receive(
        **answer
    )  # it names no notice: to whom it was written is not known, the ticket decides
    assert [row.recipient for row in desk.outbox_rows("answer")] == [BOSS]


# --- the number in the text -------------------------------------------------------------------------------

QUOTE = "\r\n\r\nOn Mon, 23 Nov 2026 TokoDompet <support@dukungan.example> wrote:\r\n> Nomor Anda: {}\r\n"


async def test_a_number_in_new_text_counts_for_who_takes_part(desk: Desk) -> None:
    number = (await desk.receive()).number
    plain = number.replace("-", " ").lower()

    for text in (f"Halo, nomor tiket saya {number}.", f"tiket {plain} bagaimana?", f"Perihal\r\n[{number}]"):
        assert (await desk.receive(Subject="Kabar?", body=text)).number == number
    stranger = await desk.receive(sender=ASING, Subject="Kabar?", body=f"Halo, nomor {number}.")
    assert stranger.number != number
    assert [event.mentions for event in opened(desk, stranger)] == [number]
    notice = desk.content(desk.outbox_rows("team")[-1]).get_body(("plain",)).get_content()
    assert f"mentions {number}" in notice or f"menyebut {number}" in notice


@pytest.mark.parametrize("strangers", ["new", "hold", "thread"])
async def test_a_strangers_mention_never_threads_nor_holds(store: Store, strangers: str) -> None:
    desk = Desk(store, mailboxes={BOX.address: replace(BOX, strangers=strangers)})
    first = await desk.receive()
    theirs = await desk.receive(sender=ASING, body=f"Halo, nomor {first.number}.")
    assert (theirs.number != first.number, theirs.held_for) == (True, None)


async def test_quoted_text_counts_only_as_a_quote_of_ours_in_a_reply(desk: Desk) -> None:
    number = (await desk.receive()).number
    ours, theirs = QUOTE.format(number), QUOTE.format(number).replace("support@dukungan", "toko@lain")
    reply = {"Subject": "Tanya", "In_Reply_To": "<rewritten@relay.example>"}

    assert (await desk.receive(**reply, body=f"Kapan?{ours}")).number == number
    assert (await desk.receive(**reply, body=f"Kapan?{theirs}")).number != number
    assert (await desk.receive(Subject="Tanya", body=f"Kapan?{ours}")).number != number
    assert (await desk.receive(sender=ASING, **reply, body=f"Kapan?{ours}")).number != number
    other = (await desk.receive(Subject="Lain")).number
    assert (await desk.receive(**reply | {"Subject": f"Re: {other}"}, body=f"Kapan?{ours}")).number == other


async def test_a_customer_whose_address_a_list_of_ours_replaced_still_takes_part(desk: Desk) -> None:
    munged = {"sender": BOX.address, "return_path": "support+bnc@dukungan.example", "X_Original_From": BUDI}
    first = await desk.receive(**munged)
    again = await desk.receive(**munged, Subject=f"Re: [{first.number}]")
    other = await desk.receive(**munged | {"X_Original_From": ASING}, Subject=f"Re: [{first.number}]")

    assert (first.customer, again.number) == (BUDI, first.number)
    assert other.number != first.number


def opened(desk: Desk, ticket: Ticket) -> list[TicketOpened]:
    recorded = desk.store.read_now(tickets.events_of, ticket.number)
    return [each.event for each in recorded if isinstance(each.event, TicketOpened)]


# --- merging and splitting --------------------------------------------------------------------------------


async def test_people_follow_a_split_and_a_merge_and_both_can_be_undone(store: Store) -> None:
    desk = Desk(store, trust=Trust())
    first = await desk.receive()
    await desk.receive(Subject=f"Re: [{first.number}]", Cc=BOSS)
    both = {BUDI: Role.CUSTOMER, BOSS: Role.PARTICIPANT}
    assert people(desk, first) == both

    do(desk, first.number, Split((2,)))
    (number,) = {row.number for row in desk.all(select(tickets_table.c.number))} - {first.number}
    split = desk.store.read_now(tickets.load, [number])[number]
    assert (people(desk, split), people(desk, first)) == (both, both)
    do(desk, number, Merge(first.number))
    assert people(desk, first) == both

    siti = "siti@lain.example"
    other = await desk.receive(sender=siti)
    do(desk, first.number, Merge(other.number, other_customer=True))
    assert people(desk, other) == {siti: Role.CUSTOMER, BUDI: Role.PARTICIPANT, BOSS: Role.PARTICIPANT}
    do(desk, first.number, Unmerge())
    assert (people(desk, other), people(desk, first)) == ({siti: Role.CUSTOMER}, both)


async def test_an_accepted_claim_brings_its_sender_and_nobody_whom_it_named(store: Store) -> None:
    desk = Desk(store, trust=Trust(), mailboxes={BOX.address: replace(BOX, strangers="hold")})
    first = await desk.receive()
    theirs = await desk.receive(sender=ASING, Subject=f"Re: [{first.number}]", Cc="teman@lain.example")
    assert people(desk, theirs) == {ASING: Role.CUSTOMER, "teman@lain.example": Role.PARTICIPANT}

    do(desk, theirs.number, Accept())
    assert people(desk, first) == {BUDI: Role.CUSTOMER, ASING: Role.PARTICIPANT}
