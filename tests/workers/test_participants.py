"""People of a ticket, from the mail that names them to their own reply."""

from dataclasses import replace

from mailbot.config.model import Trust
from mailbot.domain.model import Role, Ticket
from mailbot.store import queries
from mailbot.store.store import Store
from tests.builders import RINA
from tests.workers.test_intake import AGENTS_TRUSTED, BUDI, Desk

ASING = "asing@lain.example"
BOSS = "bos@pelanggan.example"
CHECKS = Trust(authserv_ids=("mx.dukungan.example",))
PROVEN = "mx.dukungan.example; dmarc=pass header.from=pelanggan.example"


def people(desk: Desk, ticket: Ticket) -> dict[str, Role]:
    found = desk.store.read_now(queries.participants_of, ticket.number)
    return {person.address: person.role for person in found}


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
