"""A chat from what its provider sends to the answer, by the seam that all chats share."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mailbot.channels.seam import Event, Found, Result
from mailbot.domain import reasons
from mailbot.domain.commands import AddNote
from mailbot.domain.model import AttemptOutcome
from mailbot.domain.policy import AnswerLimits, Rate
from mailbot.store import frozen
from mailbot.store import outbox as mails
from mailbot.store.channels import events
from mailbot.store.codec import reason_text
from mailbot.store.schema import (
    channel_contacts,
    channel_events,
    channel_messages,
    messages,
    outbox,
    tickets,
)
from mailbot.store.store import Store
from mailbot.workers.channels.holder import Holder
from mailbot.workers.channels.reader import ChannelReader
from tests.builders import DEWI, RINA
from tests.workers.channels.chat import SITI, ChatDesk
from tests.workers.channels.test_linking import act
from tests.workers.test_intake import AGENTS_NETWORK, tag


@pytest.fixture
def desk(store: Store) -> ChatDesk:
    return ChatDesk(store)


async def test_a_chat_opens_a_ticket_and_its_number_goes_back_by_the_chat(desk: ChatDesk) -> None:
    ticket = await desk.said("Saldo saya terpotong dua kali")

    assert (ticket.customer, ticket.channel, ticket.proven) == (SITI, "chat", True)
    (answer,) = desk.provider.sent
    assert (answer.to, answer.kind, answer.number) == (SITI, "acknowledgement", ticket.number)
    assert ticket.number in answer.text
    (row,) = desk.all(select(outbox).where(outbox.c.recipient == SITI))
    assert (row.state, row.domain) == ("sent", "chat:")
    (taken,) = desk.all(select(channel_messages))
    assert (taken.external_id, taken.outbox_id, taken.status) == ("ours-1", row.id, "sent")


async def test_what_follows_belongs_to_the_open_ticket(desk: ChatDesk) -> None:
    first = await desk.said("Saldo saya terpotong dua kali")
    second = await desk.said("Ini buktinya kak")
    other = await desk.said("Paket saya belum sampai", by="+6299")

    assert second.number == first.number
    assert other.number != first.number
    assert [each.channel for each in desk.all(select(messages))] == ["chat"] * 3


async def test_two_messages_that_come_together_open_one_ticket(desk: ChatDesk) -> None:
    await desk.write("Halo kak")
    await desk.write("Saldo saya terpotong dua kali")
    await desk.turn()

    assert len({each.ticket for each in desk.all(select(messages))}) == 1


def notices(desk: ChatDesk) -> list[tuple[str, str, str, int]]:
    """Return what each notice to the team is about, its state and reason, and in how many seconds it leaves."""
    query = select(outbox).where(outbox.c.kind == "team", outbox.c.recipient == RINA.address)
    return [
        (row.why, row.state, row.reason or "", round((row.due_at - desk.clock).total_seconds()))
        for row in desk.all(query.order_by(outbox.c.id))
    ]


async def test_people_hear_once_of_what_is_written_in_several_messages(desk: ChatDesk) -> None:
    await desk.said("Halo kak, paket saya")
    for text in ("belum sampai", "sudah seminggu", "tolong ya"):
        desk.clock += timedelta(seconds=8)
        await desk.said(text)

    later = reason_text(reasons.of("told_later"))
    told = notices(desk)
    assert [each[:3] for each in told if each[0] == "customer_wrote"] == [
        ("customer_wrote", "suppressed", later),
        ("customer_wrote", "suppressed", later),
        ("customer_wrote", "due", ""),
    ]
    assert told[-1][3] == 30 - 2 * 8  # as soon as the first of them would have left
    row = desk.all(select(outbox).where(outbox.c.why == "customer_wrote", outbox.c.state == "due"))[-1]
    found, _ = desk.store.read_now(frozen.load_first, [row.nonce], None)
    shown = found[row.nonce].decode()
    assert all(text in shown for text in ("belum sampai", "sudah seminggu", "tolong ya"))


async def test_what_comes_together_is_one_notice_too_and_what_is_urgent_does_not_wait(desk: ChatDesk) -> None:
    await desk.said("Halo kak, paket saya")
    for text in ("belum sampai", "sudah seminggu"):
        await desk.write(text)
    await desk.turn()
    assert [(why, state, left) for why, state, _, left in notices(desk)][1:] == [
        ("customer_wrote", "suppressed", 30),
        ("customer_wrote", "due", 30),
    ]

    desk.store.write_now(lambda c, _: [c.execute(update(tickets).values(priority="urgent"))], None)
    await desk.said("cepat kak")
    assert notices(desk)[-1][1:] == ("due", "", 0)


async def test_a_chat_that_begins_with_a_greeting_goes_where_its_matter_belongs(desk: ChatDesk) -> None:
    greeted = await desk.said("Halo kak")
    await desk.said("mau tanya")
    assert (greeted.team, greeted.priority, greeted.assignee) == ("frontline", "normal", RINA.address)
    told = await desk.said("Saldo saya terpotong dua kali")
    assert told.number == greeted.number
    assert (told.team, told.priority, told.assignee) == ("payments", "high", DEWI.address)
    assert told.subject == "Saldo saya terpotong dua kali"
    (notice,) = desk.all(select(outbox).where(outbox.c.recipient == DEWI.address))
    assert (notice.why, notice.state) == ("customer_wrote", "due")
    assert [each[:2] for each in notices(desk)] == [("new", "due"), ("customer_wrote", "suppressed")]

    again = await desk.said("Tolong ya kak, barang saya juga")  # no rule knows it: the first stays
    assert (again.team, again.subject) == ("payments", told.subject)


async def test_a_matter_moves_no_chat_that_people_have_touched_or_that_is_old(desk: ChatDesk) -> None:
    await desk.said("Halo kak")
    desk.clock += timedelta(minutes=15)
    late = await desk.said("Saldo saya terpotong dua kali")
    assert late.team == "frontline"

    touched = await desk.said("Halo kak", by="+6299")
    assert act(desk, touched.number, AddNote("sudah saya telepon"))
    assert (await desk.said("Saldo saya terpotong", by="+6299")).team == "frontline"


async def test_what_is_written_by_mail_moves_no_ticket(desk: ChatDesk) -> None:
    ticket = await desk.receive(Subject="Halo kak")
    again = await desk.receive(Subject=f"Re: [{ticket.number}] saldo terpotong")
    assert (again.number, again.team, again.subject) == (ticket.number, "frontline", "Halo kak")


async def test_a_word_begins_another_matter(desk: ChatDesk) -> None:
    first = await desk.said("Saldo saya terpotong dua kali")
    second = await desk.said("/baru Paket saya juga belum sampai")

    assert second.number != first.number


async def test_a_repetition_is_known(desk: ChatDesk) -> None:
    assert await desk.write("Saldo saya terpotong", id="e1")
    assert not await desk.write("Saldo saya terpotong", id="e1")
    await desk.turn()

    assert len(desk.all(select(messages))) == 1


async def test_an_answer_leaves_by_the_chat_after_a_reply_there_names_ours(desk: ChatDesk) -> None:
    first = await desk.said("Saldo saya terpotong dua kali")
    await desk.said("/baru Paket saya belum sampai")
    again = await desk.said("Yang ini sudah kak", answers="ours-1")

    assert again.number == first.number


async def test_a_mail_that_claims_an_identity_is_only_a_mail(desk: ChatDesk) -> None:
    ticket = await desk.receive(sender="+6281@chat.invalid")

    assert (ticket.customer, ticket.channel) == ("+6281@chat.invalid", "mail")
    await desk.turn()
    assert desk.provider.sent == []


async def test_trouble_of_the_channel_costs_no_attempt(desk: ChatDesk) -> None:
    desk.provider.results = [Result(AttemptOutcome.DEFERRED, "401 Unauthorized", 401, is_ours=True)]
    await desk.said("Saldo saya terpotong dua kali")
    (row,) = desk.all(select(outbox).where(outbox.c.recipient == SITI))
    assert (row.state, row.attempts, desk.sender.error) == ("due", 0, "401 Unauthorized")

    desk.clock, desk.monotonic = desk.clock + timedelta(seconds=40), 40.0
    await desk.turn()
    assert len(desk.provider.sent) == 1
    assert desk.sender.error == ""


async def test_no_reply_counts_as_perhaps_sent_and_three_are_the_most(desk: ChatDesk) -> None:
    desk.provider.results = [Result(AttemptOutcome.UNKNOWN, "no reply")] * 5
    await desk.said("Saldo saya terpotong dua kali")
    for _ in range(10):
        desk.clock, desk.monotonic = desk.clock + timedelta(hours=3), desk.monotonic + 10_000
        await desk.turn()

    (row,) = desk.all(select(outbox).where(outbox.c.recipient == SITI))
    assert (row.state, row.unknown, len(desk.provider.sent)) == ("failed", 3, 3)


async def test_what_waits_for_the_customer_leaves_when_they_write(desk: ChatDesk) -> None:
    waits = Result(
        AttemptOutcome.DEFERRED, "24 hours", external_ids={0: "call"}, retry_after=timedelta(days=7)
    )
    desk.provider.results = [waits]
    await desk.said("Saldo saya terpotong dua kali")
    assert desk.provider.sent == []
    desk.clock += timedelta(days=2)
    await desk.said("Ya, silakan")

    assert [(each.kind, each.called_at is not None) for each in desk.provider.sent] == [
        ("acknowledgement", True)
    ]


async def test_a_call_that_failed_fails_what_waits_for_it(desk: ChatDesk) -> None:
    waits = Result(
        AttemptOutcome.DEFERRED, "24 hours", external_ids={0: "call"}, retry_after=timedelta(days=7)
    )
    desk.provider.results = [waits]
    await desk.said("Saldo saya terpotong dua kali")
    await desk.report("call", "failed", "no such template")

    (row,) = desk.all(select(outbox).where(outbox.c.recipient == SITI))
    assert (row.state, row.reply) == ("failed", "no such template")


async def test_a_part_that_was_taken_is_known_at_the_next_attempt(desk: ChatDesk) -> None:
    half = Result(AttemptOutcome.DEFERRED, "503", external_ids={1: "first"}, retry_after=timedelta(minutes=1))
    desk.provider.results = [half, half]
    await desk.said("Saldo saya terpotong dua kali")
    desk.clock += timedelta(minutes=2)
    await desk.turn()
    await desk.report("first", "failed", "blocked")
    desk.clock += timedelta(minutes=2)
    (row,) = desk.all(select(outbox).where(outbox.c.recipient == SITI))
    assert await desk.store.write(mails.retry, mails.Retry(row.id, desk.clock))
    await desk.turn()

    assert [each.taken for each in desk.provider.asked] == [frozenset(), {1}, frozenset()]


async def test_a_message_that_came_late_counts_from_when_it_was_written(desk: ChatDesk) -> None:
    written = desk.clock - timedelta(days=2)
    await desk.said("Saldo saya terpotong dua kali", at=written.isoformat())
    await desk.said("Halo?", at=(desk.clock + timedelta(days=9)).isoformat())

    assert [each.wrote_at for each in desk.provider.sent] == [written]
    (contact,) = desk.all(select(channel_contacts))
    assert contact.wrote_at == desk.clock


async def test_an_event_that_can_not_be_read_now_is_read_later(desk: ChatDesk) -> None:
    desk.provider.unready = {"e1"}
    await desk.write("Lihat fotonya", id="e1")
    await desk.write("Halo", id="e2", by="+6299")
    await desk.turn()
    assert [each.state for each in desk.all(select(channel_events).order_by(channel_events.c.id))] == [
        "new",
        "done",
    ]

    desk.provider.unready = set()
    desk.clock += timedelta(minutes=1)
    await desk.turn()
    assert {each.state for each in desk.all(select(channel_events))} == {"done"}


async def test_an_event_that_can_not_be_read_at_all_is_parked(desk: ChatDesk) -> None:
    await desk.store.write(events.keep, events.NewEvent("chat", "odd", b"{", desk.clock))
    await desk.turn()

    (event,) = desk.all(select(channel_events))
    assert (event.state, event.reason) == ("parked", "no JSON")


async def test_an_agents_answer_goes_out_by_the_chat(desk: ChatDesk) -> None:
    ticket = await desk.said("Saldo saya terpotong dua kali")
    answer = "Sudah kami kembalikan, Kak."
    await desk.receive(sender=RINA.address, to=tag(ticket.number), peer=AGENTS_NETWORK, body=answer)
    desk.clock += timedelta(minutes=3)
    await desk.turn()

    assert desk.provider.sent[-1].kind == "answer"
    assert "Sudah kami kembalikan, Kak." in desk.provider.sent[-1].text


async def test_who_opens_the_chat_is_greeted_and_opens_no_ticket(desk: ChatDesk) -> None:
    await desk.write("/start")
    await desk.turn()

    assert desk.all(select(messages)) == []
    (greeting,) = desk.provider.sent
    assert (greeting.kind, greeting.to, greeting.number) == ("greeting", SITI, "")
    assert greeting.text.startswith("Halo!")
    assert "Hello!" in greeting.text
    assert "-- " not in greeting.text


async def test_greetings_are_limited(store: Store) -> None:
    desk = ChatDesk(store, answers=AnswerLimits(status=(Rate(2, timedelta(hours=1)),)))
    for _ in range(5):
        await desk.write("/start")
    await desk.turn()

    assert len(desk.provider.sent) == 2


async def test_trouble_on_the_way_to_the_provider_parks_nothing(desk: ChatDesk) -> None:
    async def read(event: Event) -> Sequence[Found]:
        raise ConnectionResetError("cut")

    holder = Holder(desk.store, "chat", "n1", lambda: desk.monotonic)
    cut = ChannelReader(desk.deps, replace(desk.channel, read=read), holder, lambda: None)
    await desk.write("Lihat fotonya", id="e1")
    await cut.run_once()
    (event,) = desk.all(select(channel_events))
    assert (event.state, event.attempts) == ("new", 1)

    desk.clock += timedelta(minutes=1)
    await desk.turn()
    assert [each.state for each in desk.all(select(channel_events))] == ["done"]
