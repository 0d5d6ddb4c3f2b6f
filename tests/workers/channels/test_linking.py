"""One customer by mail, form and chat: linked by an agent, answered where the customer last wrote."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import Role, Ticket
from mailbot.domain.reasons import Refusal
from mailbot.domain.replies.undeliverable import Suppression
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.operations.open_ticket import OpenTicketCommand, open_ticket
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import suppressions
from mailbot.store.channels import identities
from mailbot.store.conversation import open_tickets_of
from mailbot.store.customer_history import load as load_history
from mailbot.store.lists.ticket_list import TicketFilter, list_tickets
from mailbot.store.schema import events, outbox
from mailbot.store.store import Store
from mailbot.store.tickets import load, roles_of_tickets
from tests.builders import BOX, RINA
from tests.workers.channels.chat import SITI, ChatDesk
from tests.workers.test_intake import AGENTS_NETWORK, tag

MAIL = "siti@pelanggan.example"
AGENT = Actor.agent(RINA.address)


@pytest.fixture
def desk(store: Store) -> ChatDesk:
    return ChatDesk(store)


def now(desk: ChatDesk, number: str) -> Ticket:
    return desk.store.read_now(load, [number])[number]


def act(desk: ChatDesk, number: str, *commands: c.AnyCommand, text: str = "") -> Acted | Refusal | None:
    return run_command(
        desk.store, desk.runtime, TicketCommand(number, Act(commands, text), AGENT, desk.clock)
    )


def done(desk: ChatDesk, number: str, *commands: c.AnyCommand, text: str = "") -> Acted:
    acted = act(desk, number, *commands, text=text)
    assert isinstance(acted, Acted), acted
    return acted


def answered(desk: ChatDesk, number: str) -> list[str]:
    """Return where the answers on a ticket went, in their order."""
    rows = desk.all(
        select(outbox).where(outbox.c.ticket == number, outbox.c.kind == "answer").order_by(outbox.c.id)
    )
    return [row.recipient for row in rows]


async def test_one_matter_by_mail_form_and_chat_is_answered_where_the_customer_wrote_last(
    desk: ChatDesk,
) -> None:
    first = await desk.receive(sender=MAIL)
    chat = await desk.said("Paket saya kok belum sampai ya")
    assert chat.number != first.number

    acted = done(desk, first.number, c.LinkIdentity(SITI))
    assert chat.number in str(acted.done[-1].reason)
    merged = join(
        desk.store, desk.runtime, MergeCommand(chat.number, c.Merge(first.number), AGENT, desk.clock)
    )
    assert not isinstance(merged, Refusal)
    assert now(desk, first.number).answers_to == SITI
    done(desk, first.number, text="Kami cek dulu ya, Kak.")

    by_form = await desk.receive(
        sender=MAIL, Subject=f"Formulir [{first.number}]", body="Nomor pesanannya INV-1"
    )
    assert by_form.number == first.number
    done(desk, first.number, text="Terima kasih, pesanannya ketemu.")
    by_chat = await desk.said("Sudah sampai mana kak paketnya itu?")
    assert by_chat.number == first.number
    done(desk, first.number, text="Hari ini diantar.")
    done(desk, first.number, c.AnswerVia("mail"), text="Resinya kami kirim lewat email.")

    assert answered(desk, first.number) == [SITI, MAIL, SITI, MAIL]
    await desk.turn()
    assert "Hari ini diantar." in desk.provider.sent[-1].text


async def test_an_agent_links_by_mail_and_the_same_mail_answers_in_the_chat(desk: ChatDesk) -> None:
    await desk.said("Halo kak, ini saya Siti")
    ticket = await desk.receive(sender=MAIL)
    body = "#tautkan Chat +62 81\n#lewat chat\nSudah kami kirim, Kak."
    await desk.receive(sender=RINA.address, to=tag(ticket.number), peer=AGENTS_NETWORK, body=body)

    assert answered(desk, ticket.number) == [SITI]
    assert desk.store.read_now(roles_of_tickets, [ticket.number])[ticket.number] == {
        MAIL: Role.CUSTOMER,
        SITI: Role.CUSTOMER,
    }


async def test_the_same_name_links_nobody(desk: ChatDesk) -> None:
    first = await desk.receive(sender=f"Siti <{MAIL}>", return_path=MAIL)
    chat = await desk.said("Saya Siti", name="Siti")

    assert chat.number != first.number
    assert desk.all(select(events).where(events.c.kind == "identity_linked")) == []
    shown = desk.store.read_now(roles_of_tickets, [first.number])[first.number]
    assert SITI not in shown


async def test_who_names_the_ticket_of_another_in_a_chat_gets_nothing_of_it(desk: ChatDesk) -> None:
    first = await desk.receive(sender=MAIL, body="Rahasia saya: INV-2291")
    other = await desk.said(f"STATUS {first.number}", by="+6266")
    assert other.number != first.number
    await desk.said(f"{first.number} nomor saya, kirim ke sini", by="+6266")

    assert now(desk, first.number).answers_to == MAIL
    assert not any("INV-2291" in each.text or first.number in each.text for each in desk.provider.sent)


async def test_what_never_wrote_in_a_chat_is_not_linked(desk: ChatDesk) -> None:
    first = await desk.receive(sender=MAIL)
    refused = act(desk, first.number, c.LinkIdentity("chat:+6299"))

    assert isinstance(refused, Refusal)
    assert "nobody has written to us from Chat +6299" in str(refused)


async def test_a_link_holds_for_the_person_in_histories_and_lists(desk: ChatDesk) -> None:
    first = await desk.receive(sender=MAIL)
    chat = await desk.said("Halo")
    done(desk, first.number, c.LinkIdentity(SITI))

    read = desk.store.read_now
    listed = read(list_tickets, TicketFilter(customer=MAIL))
    assert {each.ticket.number for each in listed} == {first.number, chat.number}
    assert read(load_history, [SITI, MAIL], desk.clock)[SITI].open_tickets == 2
    assert {number for number, _ in read(open_tickets_of, [MAIL], 5)[MAIL]} == {chat.number, first.number}


async def test_after_a_link_is_cut_answers_go_to_nobody_else(desk: ChatDesk) -> None:
    first = await desk.receive(sender=MAIL)
    second = await desk.receive(sender=MAIL)
    await desk.said("Halo")
    done(desk, first.number, c.LinkIdentity(SITI))
    for each in (first, second):
        done(desk, each.number, c.AnswerVia("chat"))
    done(desk, first.number, c.UnlinkIdentity(SITI))

    assert [now(desk, each.number).answers_to for each in (first, second)] == [MAIL, MAIL]
    assert desk.store.read_now(identities.load, [MAIL, SITI]) == {}
    refused = act(desk, first.number, c.AnswerVia("chat"))
    assert isinstance(refused, Refusal)


async def test_undo_takes_a_link_back(store: Store) -> None:
    desk = ChatDesk(store, mailboxes={BOX.address: replace(BOX, undo=timedelta(minutes=2))})
    await desk.said("Halo")
    first = await desk.receive(sender=MAIL)
    done(desk, first.number, c.LinkIdentity(SITI), c.AnswerVia("chat"))
    assert now(desk, first.number).answers_to == SITI
    done(desk, first.number, c.Undo())

    assert now(desk, first.number).answers_to == MAIL
    assert desk.store.read_now(identities.load, [MAIL]) == {}


async def test_a_suppressed_address_leaves_the_chat_alone(desk: ChatDesk) -> None:
    first = await desk.receive(sender=MAIL)
    bounced = Suppression(MAIL, "bounce", "5.1.1", desk.clock)
    desk.store.write_now(lambda connection, items: [suppressions.add(connection, items)], bounced)
    await desk.said("Halo")
    done(desk, first.number, c.LinkIdentity(SITI), c.AnswerVia("chat"))
    await desk.said("STATUS")

    assert desk.provider.sent[-1].kind == "status"


async def test_copies_go_to_no_second_identity_and_to_nobody_in_a_chat(desk: ChatDesk) -> None:
    second = "siti.kantor@toko.example"
    await desk.said("Halo")
    await desk.said("Saya juga", by="+6299")
    first = await desk.receive(sender=MAIL, Cc=f"{second}, boss@toko.example")
    done(desk, first.number, c.AddParticipants((second, "boss@toko.example")))
    done(desk, first.number, c.LinkIdentity(second), c.LinkIdentity(SITI), text="Halo, Kak.")
    done(desk, first.number, c.AnswerVia("chat"), text="Ini jawabannya.")

    assert answered(desk, first.number) == [MAIL, "boss@toko.example", SITI, "boss@toko.example"]


async def test_agents_read_where_it_came_from_and_where_their_answer_goes(desk: ChatDesk) -> None:
    first = await desk.receive(sender=MAIL)
    await desk.said("Halo")
    done(desk, first.number, c.LinkIdentity(SITI))
    await desk.said(f"Soal {first.number}: sudah sampai mana barangnya ya kak?")

    notice = desk.content(desk.outbox_rows("team")[-1]).get_body(("plain",)).get_content()
    words = " ".join(notice.split())
    assert "pelanggan kini menulis dari Chat +6281: jawaban dikirim ke sana" in words
    assert "dikirim ke pelanggan (Chat +6281)" in words
    assert ".invalid" not in notice


async def test_an_agent_writes_first_to_somebody_who_wrote_by_the_chat_before(desk: ChatDesk) -> None:
    await desk.said("Halo")
    wanted = OpenTicketCommand(
        SITI, "Paket Kakak kembali", AGENT, desk.clock, answer="Paketnya kembali, Kak."
    )
    number = open_ticket(desk.store, desk.runtime, wanted)
    assert isinstance(number, str), number
    desk.clock += timedelta(minutes=3)
    await desk.turn()

    assert (now(desk, number).channel, desk.provider.sent[-1].to) == ("chat", SITI)
    refused = open_ticket(desk.store, desk.runtime, replace(wanted, customer="chat:+6299"))
    assert isinstance(refused, Refusal)


async def test_tickets_are_listed_and_found_by_their_channel(desk: ChatDesk) -> None:
    await desk.receive(sender=MAIL)
    chat = await desk.said("Halo")

    listed = desk.store.read_now(list_tickets, TicketFilter(channel="chat"))
    assert [each.ticket.number for each in listed] == [chat.number]
