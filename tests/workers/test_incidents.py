"""Storms: many similar complaints become one incident, and each of their customers hears twice."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import event, select

from mailbot.domain.actor import Actor
from mailbot.domain.commands import Close, LeaveIncident, Resolve, Undo
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import Status, Target, Ticket
from mailbot.domain.policy import IncidentRule, Rate
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import incidents
from mailbot.store.schema import events, outbox
from mailbot.store.schema import tickets as ticket_table
from mailbot.store.store import Store
from mailbot.store.tickets import load
from mailbot.workers.deadlines import Deadlines
from mailbot.workers.incidents import resolution
from mailbot.workers.incidents.worker import Incidents
from tests.builders import BAYU, BOX, OPERATOR
from tests.workers.test_intake import Desk

AFTER = Rate(10, timedelta(minutes=10))
TEXTS = (
    ("Top up gagal", "Top up saya lewat BCA gagal, saldo belum masuk."),
    ("kok belum masuk", "sudah top up via BCA 200rb tapi saldo tidak bertambah"),
    ("TOLONG", "top up BCA gagal terus min, saldo kepotong"),
    ("Top up failed", "My top up from BCA failed, the saldo did not arrive."),
)


class Storm(Desk):
    """A desk whose mailbox has incidents, with the worker."""

    def __init__(self, store: Store, undo: timedelta = timedelta(), **changes: Any) -> None:
        box = replace(BOX, incident=IncidentRule(AFTER), undo=undo)
        super().__init__(store, mailboxes={box.address: box}, **changes)
        self.worker = Incidents(self.deps)

    async def complain(self, person: int, text: tuple[str, str] | None = None) -> Ticket:
        subject, body = text or TEXTS[person % len(TEXTS)]
        self.clock += timedelta(seconds=1)
        return await self.receive(sender=f"p{person}@x{person}.example", Subject=subject, body=body)

    async def storm(self, people: int, every: int = 5) -> list[Ticket]:
        """Let so many people complain, with a turn of the worker after every few mails."""
        await self.worker.run_once()
        found = []
        for person in range(people):
            found.append(await self.complain(person))
            if person % every == every - 1:
                await self.turn()
        await self.turn()
        return found

    async def turn(self) -> None:
        while await self.worker.run_once() == 0:
            pass

    def fresh(self, tickets: list[Ticket]) -> list[Ticket]:
        loaded = self.store.read_now(load, [each.number for each in tickets])
        return [loaded[each.number] for each in tickets]

    def incidents(self) -> list[Any]:
        mine = ticket_table.c.incident == ticket_table.c.number
        return self.all(select(ticket_table).where(mine))

    def sent(self, kind: str) -> list[Any]:
        return [row for row in self.outbox_rows(kind) if row.state != "suppressed"]

    def act(self, number: str, *commands: Any, text: str = "", by: Actor | None = None) -> Any:
        request = TicketCommand(number, Act(commands, text), by or Actor.agent(BAYU.address), self.clock)
        return run_command(self.store, self.runtime, request)


async def test_a_storm_is_one_incident_with_one_page(store: Store) -> None:
    desk = Storm(store)
    tickets = await desk.storm(60)

    (incident,) = desk.incidents()
    joined = [each for each in desk.fresh(tickets) if each.incident == incident.number]
    assert len(joined) == 60
    assert incident.assignee == BAYU.address
    pages = [row for row in desk.sent("team") if row.why == "incident"]
    assert [row.recipient for row in pages] == [BAYU.address]
    assert len(desk.sent("team")) <= 5


async def test_each_customer_is_answered_once_at_the_start_and_once_at_the_end(store: Store) -> None:
    desk = Storm(store)
    tickets = await desk.storm(40)
    again = await desk.complain(3, ("masih gagal", "top up BCA saya masih gagal, saldo kosong"))
    (incident,) = desk.incidents()
    begun = Counter(row.recipient for row in desk.sent("acknowledgement"))

    acted = desk.act(incident.number, Resolve(), text="Top up sudah normal. Saldo Anda sudah masuk.")
    assert isinstance(acted, Acted), acted
    await desk.turn()

    assert set(begun.values()) == {1}
    assert len(begun) == 40
    ended = desk.sent("closing")
    assert Counter(row.recipient for row in ended) == begun
    assert desk.all(select(events).where(events.c.kind == "survey_enqueued")) == []
    assert "Saldo Anda sudah masuk." in desk.content(ended[0]).get_body(("plain",)).get_content()
    assert {each.status for each in desk.fresh([*tickets, again])} == {Status.CLOSED}
    assert desk.sent("answer") == []


async def test_different_complaints_of_one_category_stay_single(store: Store) -> None:
    desk = Storm(store)
    await desk.worker.run_once()
    about = (
        *("kurir galak", "warna salah", "ukuran kekecilan", "kotak penyok", "faktur hilang"),
        *("voucher ditolak", "alamat ganti", "garansi habis", "kabel putus", "resi kosong"),
        *("ongkir mahal", "penjual lambat", "layar retak", "baterai panas", "stiker robek"),
    )
    for person, text in enumerate(about * 2):
        await desk.complain(person, (text, f"mohon dibantu soal {text}"))
        await desk.turn()

    assert desk.incidents() == []
    assert len(desk.sent("team")) == len(about) * 2


async def test_notices_that_waited_go_out_when_no_storm_comes(store: Store) -> None:
    desk = Storm(store)
    tickets = await desk.storm(5)

    rows = desk.outbox_rows("team")
    assert [row.due_at > row.requested_at for row in rows] == [False, False, False, False, True]
    assert {row.state for row in rows} == {"due"}
    assert {each.incident for each in desk.fresh(tickets)} == {None}


async def test_an_urgent_complaint_stays_out_of_an_incident(store: Store) -> None:
    desk = Storm(store)
    await desk.storm(20)
    rules = tuple(
        replace(rule, then=replace(rule.then, priority="urgent")) for rule in desk.runtime.policy.rules
    )
    desk.runtime.snapshot = replace(
        desk.runtime.snapshot, policy=replace(desk.runtime.snapshot.policy, rules=rules)
    )
    ticket = await desk.complain(99)

    assert ticket.incident is None
    assert desk.outbox_rows("team")[-1].ticket == ticket.number


async def test_who_writes_again_is_named_in_a_report_to_the_incidents_owner(store: Store) -> None:
    desk = Storm(store)
    tickets = await desk.storm(20)
    (incident,) = desk.incidents()
    number = tickets[4].number
    await desk.receive(sender="p4@x4.example", Subject=f"Re: [{number}]", body="Uang saya hilang juga!")
    before = len(desk.sent("team"))
    desk.clock += timedelta(minutes=11)
    await desk.turn()

    (report,) = desk.sent("team")[before:]
    assert (report.ticket, report.recipient, report.why) == (incident.number, BAYU.address, "incident")
    text = desk.content(report).get_body(("plain",)).get_content()
    assert f"1 pelapornya menulis lagi: {number}" in " ".join(text.split())
    await desk.turn()
    assert len(desk.sent("team")) == before + 1


async def test_a_complaint_that_was_taken_out_has_an_owner_and_is_not_taken_in_again(store: Store) -> None:
    desk = Storm(store)
    tickets = await desk.storm(20)
    acted = desk.act(tickets[12].number, LeaveIncident())
    assert isinstance(acted, Acted), acted
    await desk.turn()

    (out,) = desk.fresh([tickets[12]])
    assert (out.incident, out.assignee is None) == (None, False)
    assert desk.sent("team")[-1].ticket == out.number
    refused = desk.act(out.number, LeaveIncident())
    assert refused.reason.code == "not_in_incident"


async def test_an_incident_is_not_closed_without_a_word_to_its_customers(store: Store) -> None:
    desk = Storm(store)
    await desk.storm(20)
    (incident,) = desk.incidents()

    assert desk.act(incident.number, Close()).reason.code == "incident_is_resolved"
    assert desk.act(incident.number, Resolve()).reason.code == "resolve_needs_text"
    assert isinstance(desk.act(incident.number, Resolve(), text="Sudah pulih.", by=OPERATOR), Acted)


async def test_two_nodes_open_one_incident(store: Store) -> None:
    one = Storm(store)
    other = Storm(store)
    other._kept = 1_000
    for desk in (one, other):
        await desk.worker.run_once()
    for person in range(40):
        desk = (one, other)[person % 2]
        desk.clock = one.clock = other.clock = max(one.clock, other.clock)
        await desk.complain(person)
        if person % 5 == 4:
            await one.turn()
            await other.turn()
    await one.turn()

    (incident,) = one.incidents()
    assert one.store.read_now(incidents.count, incident.number) == 40
    assert len(one.sent("team")) <= 8
    assert [row.ticket for row in one.sent("team") if row.why == "incident"] == [incident.number]


async def test_a_mail_is_read_again_for_its_words_by_other_nodes_alone_and_once(store: Store) -> None:
    one, other = Storm(store), Storm(store)
    for desk in (one, other):
        await desk.turn()
    for person in range(4):
        await one.complain(person)
    seen: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    async def reads(desk: Storm) -> int:
        seen.clear()
        await desk.turn()
        return sum("messages.visible" in statement for statement in seen)

    assert [await reads(desk) for desk in (one, one, other, other)] == [0, 0, 1, 0]
    await one.complain(5)
    assert [await reads(desk) for desk in (other, other)] == [1, 0]


async def test_a_resolution_that_was_cut_off_is_taken_up_again(store: Store) -> None:
    desk = Storm(store)
    await desk.storm(120)
    (incident,) = desk.incidents()
    desk.act(incident.number, Resolve(), text="Sudah pulih.")
    await desk.worker.run_once()  # one chunk, then the node dies
    assert 0 < len(desk.sent("closing")) < 120

    heir = Storm(store)
    heir.clock = desk.clock
    await heir.turn()

    assert Counter(Counter(row.recipient for row in desk.sent("closing")).values()) == {1: 120}
    assert desk.all(select(outbox).where(outbox.c.state == "parked")) == []


async def test_an_agent_ends_an_incident_by_mail(store: Store) -> None:
    desk = Storm(store)
    await desk.storm(20)
    (incident,) = desk.incidents()
    (page,) = [row for row in desk.sent("team") if row.why == "incident"]
    mail = desk.content(page)
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert "Tiket ini mewakili semuanya." in text
    await desk.receive(
        sender=BAYU.address,
        to=str(mail["Reply-To"]),
        peer="10.20.0.9",
        Subject=f"Re: {mail['Subject']}",
        body="#pulih\r\n\r\nTop up sudah normal lagi.",
    )
    await desk.turn()

    assert len(desk.sent("closing")) == 20
    (after,) = desk.store.read_now(load, [incident.number]).values()
    assert after.status is Status.CLOSED


async def test_what_is_written_above_a_page_without_a_verb_goes_to_nobody(store: Store) -> None:
    desk = Storm(store)
    await desk.storm(20)
    (page,) = [row for row in desk.sent("team") if row.why == "incident"]
    mail = desk.content(page)
    await desk.receive(
        sender=BAYU.address,
        to=str(mail["Reply-To"]),
        peer="10.20.0.9",
        Subject=f"Re: {mail['Subject']}",
        body="Sudah kami perbaiki.",
    )

    assert (desk.sent("answer"), desk.sent("closing")) == ([], [])
    assert [row.recipient for row in desk.sent("refusal")] == [BAYU.address]


async def test_the_end_of_an_incident_can_be_taken_back(store: Store) -> None:
    desk = Storm(store, undo=timedelta(minutes=2))
    await desk.storm(20)
    (incident,) = desk.incidents()
    desk.act(incident.number, Resolve(), text="Sudah pulih.")
    await desk.turn()
    assert desk.sent("closing") == []
    undone = desk.act(incident.number, Undo())
    assert isinstance(undone, Acted), undone
    desk.clock += timedelta(minutes=3)
    await desk.turn()
    assert desk.sent("closing") == []
    late = await desk.complain(50)
    assert late.incident == incident.number

    desk.act(incident.number, Resolve(), text="Kini sungguh pulih.")
    desk.clock += timedelta(minutes=2)
    await desk.turn()
    assert len(desk.sent("closing")) == 21


async def test_what_comes_after_the_end_is_a_matter_of_its_own(store: Store) -> None:
    desk = Storm(store)
    await desk.storm(30)
    (incident,) = desk.incidents()
    desk.act(incident.number, Resolve(), text="Sudah pulih.")
    await desk.turn()
    late = await desk.complain(50)
    other = Storm(store)  # a node that starts now knows the day from the store
    other.clock, other._kept = desk.clock, 10_000
    await other.turn()
    later = await other.complain(51)
    await other.turn()

    assert len(desk.incidents()) == 1
    assert {each.incident for each in desk.fresh([late, later])} == {None}
    assert {late.number, later.number} <= {row.ticket for row in desk.sent("team")}


async def test_a_disruption_that_comes_back_is_another_incident(store: Store) -> None:
    desk = Storm(store)
    await desk.storm(20)
    (first,) = desk.incidents()
    desk.act(first.number, Resolve(), text="Sudah pulih.")
    await desk.turn()
    for person in range(100, 125):
        await desk.complain(person)
        await desk.turn()

    assert len(desk.incidents()) == 2


async def test_a_customer_who_replies_after_the_end_reaches_a_person(store: Store) -> None:
    desk = Storm(store)
    tickets = await desk.storm(20)
    (incident,) = desk.incidents()
    desk.act(incident.number, Resolve(), text="Sudah pulih.")
    await desk.turn()
    before = len(desk.sent("team"))
    await desk.receive(
        sender="p7@x7.example", Subject=f"Re: [{tickets[7].number}]", body="Saldo saya tetap belum masuk."
    )

    (ticket,) = desk.fresh([tickets[7]])
    assert (ticket.incident, ticket.status, ticket.assignee is None) == (None, Status.OPEN, False)
    assert [row.ticket for row in desk.sent("team")[before:]] == [ticket.number]


async def test_a_complaint_keeps_its_promise_and_climbs_no_ladder(store: Store) -> None:
    desk = Storm(store)
    tickets = await desk.storm(20)
    before = len(desk.sent("team"))
    clock = {each.target: each for each in desk.fresh(tickets)[15].clocks}
    assert clock[Target.FIRST_RESPONSE].running_since
    desk.clock += timedelta(hours=30)
    while await Deadlines(desk.deps).run_once() == 0:
        pass

    after = desk.fresh(tickets)
    assert {each.level for each in after} == {tickets[0].level}
    kinds = {row.kind for row in desk.all(select(events).where(events.c.ticket == tickets[15].number))}
    assert "target_missed" in kinds
    assert {row.ticket for row in desk.sent("team")[before:]} == {desk.incidents()[0].number}


async def test_two_nodes_at_once_open_one_incident_and_answer_each_customer_once(store: Store) -> None:
    nodes = [Storm(store), Storm(store)]
    nodes[1]._kept = 1_000
    for node in nodes:
        await node.worker.run_once()
    texts = [*TEXTS, ("lagi", "top up BCA saldo belum masuk, sudah lapor tadi")]
    for number in range(60):  # thirty people, each twice, once at either node
        node = nodes[number // 30]
        nodes[1].clock = max(each.clock for each in nodes)
        await node.complain(number % 30, texts[number % len(texts)])
    nodes[0].clock = nodes[1].clock
    for _ in range(4):
        await asyncio.gather(*(node.worker.run_once() for node in nodes))

    (incident,) = nodes[0].incidents()
    assert store.read_now(incidents.count, incident.number) == 60
    assert len([row for row in nodes[0].sent("team") if row.why == "incident"]) == 1

    nodes[0].act(incident.number, Resolve(), text="Sudah pulih.")
    await asyncio.gather(*(node.turn() for node in nodes))
    assert Counter(Counter(row.recipient for row in nodes[0].sent("closing")).values()) == {1: 30}
    left = select(ticket_table.c.number).where(ticket_table.c.status != "closed")
    assert nodes[0].all(left) == []


async def test_a_complaint_that_can_not_be_answered_goes_to_a_person(store: Store) -> None:
    desk = Storm(store)
    tickets = await desk.storm(20)
    (incident,) = desk.incidents()
    before = len(desk.sent("team"))
    failed = resolution.Answering(desk.runtime.snapshot, desk.clock, incident.number, [tickets[14].number])
    assert store.write_now(resolution.release, failed)

    (ticket,) = desk.fresh([tickets[14]])
    assert (ticket.incident, ticket.assignee is None) == (None, False)
    assert [row.ticket for row in desk.sent("team")[before:]] == [ticket.number]
