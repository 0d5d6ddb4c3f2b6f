"""The shipped configuration in a storm over three nodes: one incident, few mails to agents, two to each customer."""

import random
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from mailbot.config.load import load as load_config
from mailbot.domain.actor import Actor
from mailbot.domain.commands import Resolve
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.policy import Policy
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store.schema import outbox
from mailbot.store.schema import tickets as ticket_table
from mailbot.store.store import Store
from mailbot.workers.deadlines import Deadlines
from mailbot.workers.incidents.worker import Incidents
from tests.profile import NIGHTLY
from tests.workers.test_intake import Desk

PEOPLE = 5_000 if NIGHTLY else 160
A_SECOND = 5_000 / 600
TURN = timedelta(seconds=0.5)  # how often each worker looks
GREETINGS = ("Halo min,", "Selamat pagi,", "Mohon dibantu,", "kak", "Dear admin,", "", "Tolong!!")
SUBJECTS = (
    "Top up belum masuk",
    "TOP UP BLM MASUK",
    "topup bca gagal",
    "Top up BCA bermasalah",
    "Top up missing",
)
BODIES = (
    "Saya top up {amount} lewat BCA dari tadi, saldo belum masuk.",
    "udah top up {amount} via BCA tp saldo ga nambah, belum masuk",
    "top up BCA {amount} belum masuk juga, saldo kepotong di bank",
    "Kenapa top up BCA saya belum masuk? Sudah {amount}.",
    "I topped up {amount} from BCA and the top up has not arrived in my saldo.",
)
AGENTS_KINDS = ("team", "question", "agent_worklist")


def shipped() -> Policy:
    directory = Path(__file__).parents[2] / "config"
    return load_config(directory, {"MAILBOT_LIMITS": "off"}, today=date(2026, 11, 23)).policy


class Node(Desk):
    """One of several nodes on one store, with the shipped policy."""

    def __init__(self, store: Store, policy: Policy, place: int) -> None:
        values = {name: getattr(policy, name) for name in policy.__dataclass_fields__ if name != "cache"}
        super().__init__(store, **values)
        self._kept = place * 1_000_000
        self.incidents, self.deadlines = Incidents(self.deps), Deadlines(self.deps)


class Storm:
    """Three nodes and the relay: what is due leaves at each tick of the clock."""

    def __init__(self, store: Store) -> None:
        self.store, self.policy = store, shipped()
        self.nodes = [Node(store, self.policy, place) for place in range(3)]
        self.box = next(iter(self.policy.mailboxes))
        self.chosen = random.Random(7)

    @property
    def now(self) -> datetime:
        return self.nodes[0].clock

    async def complain(self, person: int) -> None:
        pick = self.chosen.choice
        body = pick(BODIES).format(amount=pick(("100rb", "Rp200.000", "50.000", "1jt")))
        await self.nodes[person % 3].keep(
            sender=f"user{person}@mail{person % 97}.example",
            to=self.box,
            Subject=pick(SUBJECTS),
            body=f"{pick(GREETINGS)} {body}",
        )

    async def tick(self) -> None:
        for node in self.nodes:
            await node.work()
        for node in self.nodes:
            await node.incidents.run_once()
        await self.nodes[0].deadlines.run_once()
        leaving = update(outbox).where(outbox.c.state == "due", outbox.c.due_at <= self.now)
        self.store.write_now(lambda c, _: [c.execute(leaving.values(state="sent")) and None], None)
        for node in self.nodes:
            node.clock += TURN

    async def rage(self) -> None:
        """Let everybody complain, and then ten minutes pass."""
        await self.tick()
        seconds = 0.0
        for person in range(PEOPLE):
            await self.complain(person)
            if person / A_SECOND >= seconds:
                await self.tick()
                seconds += TURN.total_seconds()
        for _ in range(20):
            for node in self.nodes:
                node.clock += timedelta(seconds=30)
            await self.tick()

    def rows(self, *kinds: str) -> list[Any]:
        wanted = (outbox.c.kind.in_(kinds), outbox.c.state == "sent")
        return list(self.store.read_now(lambda c: c.execute(select(outbox).where(*wanted)).all()))

    def incidents(self) -> list[Any]:
        own = ticket_table.c.incident == ticket_table.c.number
        return list(self.store.read_now(lambda c: c.execute(select(ticket_table).where(own)).all()))


async def test_thousands_of_like_complaints_are_one_incident(store: Store) -> None:
    storm = Storm(store)
    await storm.rage()

    (incident,) = storm.incidents()
    assert incident.level == "L3"
    to_agents = storm.rows(*AGENTS_KINDS)
    assert len(to_agents) <= 10, Counter((row.kind, row.why) for row in to_agents)
    begun = Counter(row.recipient for row in storm.rows("acknowledgement"))
    assert (len(begun), set(begun.values())) == (PEOPLE, {1})

    act = Act((Resolve(),), "Top up sudah normal. Saldo Anda sudah masuk.")
    request = TicketCommand(incident.number, act, Actor.agent(incident.assignee), storm.now)
    assert isinstance(run_command(store, storm.nodes[0].runtime, request), Acted)
    for node in storm.nodes:
        node.clock += timedelta(minutes=3)
    before = len(to_agents)
    for _ in range(PEOPLE // 50 + 5):
        await storm.tick()

    assert Counter(row.recipient for row in storm.rows("closing")) == begun
    assert len(storm.rows(*AGENTS_KINDS)) == before
    left = select(ticket_table.c.number).where(ticket_table.c.status != "closed")
    assert store.read_now(lambda c: c.execute(left).all()) == []
