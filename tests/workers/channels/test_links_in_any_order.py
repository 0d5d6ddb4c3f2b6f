"""Links, cuts, merges, splits, undo and answers in any order: no answer goes to somebody who is not linked."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from mailbot.domain import commands as c
from mailbot.domain.model import TAKES_PART
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.persons import of_person
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.store.channels import identities
from mailbot.store.queries import messages_of
from mailbot.store.schema import identities as table
from mailbot.store.schema import metadata, outbox, tickets
from mailbot.store.store import Store
from mailbot.store.tickets import roles_of_tickets
from tests.builders import BOX
from tests.workers.channels.chat import ChatDesk
from tests.workers.channels.test_linking import AGENT, act, now

PEOPLE = ("siti@pelanggan.example", "budi@lain.example", "chat:+6281", "chat:+6299")
ACTS = ("link", "unlink", "via", "answer", "undo", "merge", "unmerge", "split", "write")
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=14
)


class Story:
    """A desk with a ticket of each person."""

    def __init__(self, store: Store) -> None:
        self.desk = ChatDesk(store, mailboxes={BOX.address: replace(BOX, undo=timedelta(minutes=2))})
        self.numbers: list[str] = []

    async def begin(self) -> None:
        for person in PEOPLE:
            chat = person.partition(":")[2]
            ticket = await (self.desk.said("Halo kak", by=chat) if chat else self.desk.receive(sender=person))
            self.numbers.append(ticket.number)

    async def step(self, kind: str, place: int, other: int) -> None:
        desk, number, person = self.desk, self.numbers[place], PEOPLE[other]
        desk.clock += timedelta(seconds=20)
        match kind:
            case "link":
                act(desk, number, c.LinkIdentity(person))
            case "unlink":
                act(desk, number, c.UnlinkIdentity(person))
            case "via":
                act(desk, number, c.AnswerVia(person))
            case "answer":
                act(desk, number, text="Kami kerjakan.")
            case "undo":
                act(desk, number, c.Undo())
            case "merge":
                into = c.Merge(self.numbers[other], other_customer=True)
                join(desk.store, desk.runtime, MergeCommand(number, into, AGENT, desk.clock))
            case "unmerge":
                join(desk.store, desk.runtime, MergeCommand(number, c.Unmerge(), AGENT, desk.clock))
            case "split":
                listed = desk.store.read_now(lambda x: messages_of(x, number, longest=1))
                ids = tuple(each.id for each in listed[-1:])
                join(desk.store, desk.runtime, MergeCommand(number, c.Split(ids), AGENT, desk.clock))
            case "write":
                chat = person.partition(":")[2]
                await (desk.said("Bagaimana kak?", by=chat) if chat else desk.receive(sender=person))

    def check(self, before: int) -> int:
        """Check what holds always, and where answers since `before` went. Return the newest row of the outbox."""
        desk = self.desk
        rows = desk.all(select(table))
        assert len({each.address for each in rows}) == len(rows)
        for row in desk.all(select(tickets.c.number)):
            ticket = now(desk, row.number)
            known = desk.store.read_now(identities.load, [ticket.customer])
            own = {owner(ticket.customer), *of_person(known, ticket.customer)}
            assert owner(ticket.answers_to) in own, (ticket.customer, ticket.answers_to)
        answers = desk.all(select(outbox).where(outbox.c.id > before, outbox.c.kind == "answer"))
        for each in answers:
            ticket = now(desk, each.ticket)
            joined = {
                address
                for address, role in desk.store.read_now(roles_of_tickets, [each.ticket])[each.ticket].items()
                if role in TAKES_PART
            }
            assert each.recipient in {ticket.answers_to, *joined}
        return max((each.id for each in answers), default=before)


async def live(steps: Sequence[tuple[str, int, int]], store: Store) -> None:
    story = Story(store)
    await story.begin()
    newest = story.check(0)
    for step in steps:
        await story.step(*step)
        newest = story.check(newest)


@given(STEPS)
def test_no_order_of_acts_lets_an_answer_go_to_somebody_not_linked(steps: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder)}/mailbot.db")
        try:
            metadata.create_all(store.engine)
            asyncio.run(live(steps, store))
        finally:
            store.close()
