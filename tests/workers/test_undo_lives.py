"""Random lives of a ticket with two hasty agents: exactly what an oracle says leaves, and each text once."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlalchemy import select

from mailbot.domain.model import AttemptOutcome
from mailbot.store import outbox as outbox_store
from mailbot.store.outbox import AttemptResult, Claim
from mailbot.store.schema import outbox
from mailbot.store.store import Store
from mailbot.store.tickets import load
from tests.builders import BAYU, BOX, RINA
from tests.profile import NIGHTLY
from tests.workers.test_intake import AGENTS_NETWORK, Desk, tag

WINDOW, COLLISION = timedelta(minutes=2), timedelta(minutes=10)
AGENTS = (RINA.address, BAYU.address)
Answered = tuple[datetime, str] | None


@dataclass
class Written:
    text: str
    at: datetime
    before: tuple[Answered, str]  # the newest answer and the owner before it
    state: str = "waits"  # "left", "undone"


@dataclass
class Oracle:
    """The rules of docs/undo.md, in the simplest words."""

    owner: str
    answered: Answered = None
    owners: list[str] = field(default_factory=list)
    acts: dict[str, list[Written]] = field(default_factory=lambda: {agent: [] for agent in AGENTS})
    held: dict[str, list[tuple[str, datetime]]] = field(
        default_factory=lambda: {agent: [] for agent in AGENTS}
    )

    def answer(self, agent: str, text: str, now: datetime) -> None:
        is_recent = self.answered and self.answered[1] != agent and now - self.answered[0] < COLLISION
        was_owner = agent in self.owners and self.owners[-1] != agent and self.owner != agent
        if is_recent or was_owner:
            self.held[agent].append((text, now))
        else:
            self._leave(agent, text, now)

    def _leave(self, agent: str, text: str, now: datetime) -> None:
        self.acts[agent].append(Written(text, now, (self.answered, self.owner)))
        self.answered = now, agent
        if self.owner != agent:
            self.owner = agent
            self.owners.append(agent)

    def undo(self, agent: str, now: datetime) -> None:
        acts = [act for act in self.acts[agent] if act.state != "undone"]
        if not acts or acts[-1].state == "left":
            return
        act = acts[-1]
        act.state = "undone"
        if self.answered == (act.at, agent):
            self.answered = act.before[0]
        if self.owner == agent:
            self.owner = act.before[1]

    def send_after_all(self, agent: str, now: datetime) -> None:
        fresh = [each for each in self.held[agent] if each[1] + timedelta(days=1) > now]
        if fresh:
            self.held[agent].remove(fresh[-1])
            self._leave(agent, fresh[-1][0], now)

    def deliver(self, now: datetime) -> None:
        for act in (act for acts in self.acts.values() for act in acts):
            if act.state == "waits" and act.at + WINDOW <= now:
                act.state = "left"

    def left(self) -> list[str]:
        return sorted(act.text for acts in self.acts.values() for act in acts if act.state == "left")


def deliver(desk: Desk) -> None:
    """Let the relay take all that is due."""
    for row in desk.store.write_now(outbox_store.claim, Claim("n1", 1_000, desk.clock)):
        dot = outbox_store.FinalDot(row.id, "n1", desk.clock)
        assert desk.store.write_now(outbox_store.mark_dot, dot)
        result = AttemptResult(row.id, "n1", AttemptOutcome.SENT, desk.clock, 250, "ok")
        assert desk.store.write_now(outbox_store.record_results, result)


@pytest.mark.timeout(3_600 if NIGHTLY else 120)
@pytest.mark.parametrize("seed", range(300 if NIGHTLY else 3))
async def test_p16_only_what_was_meant_to_leave_leaves_once(store: Store, seed: int) -> None:
    random = Random(seed)
    desk = Desk(store, mailboxes={BOX.address: replace(BOX, undo=WINDOW, collision=COLLISION)})
    opened = await desk.receive()
    number, owner = opened.number, opened.assignee or ""
    oracle = Oracle(owner, owners=[owner])
    for step in range(24):
        agent = random.choice(AGENTS)
        deed = random.choice(["answer", "answer", "answer", "undo", "undo", "send", "note"])
        text = f"Jawaban nomor {step}."
        body = {"answer": text, "undo": "#batal", "send": "#kirim", "note": f"#catatan rahasia {step}"}[deed]
        desk.clock += timedelta(seconds=random.choice([7, 45, 130, 400, 700]))
        deliver(desk)
        oracle.deliver(desk.clock)
        await desk.receive(
            sender=agent, to=tag(number, agent), peer=AGENTS_NETWORK, Subject=f"Re: [{number}]", body=body
        )
        if deed == "answer":
            oracle.answer(agent, text, desk.clock)
        elif deed == "undo":
            oracle.undo(agent, desk.clock)
        elif deed == "send":
            oracle.send_after_all(agent, desk.clock)
    desk.clock += WINDOW
    deliver(desk)
    oracle.deliver(desk.clock)

    rows = desk.all(select(outbox).where(outbox.c.kind == "answer", outbox.c.state == "sent"))
    sent = [str(desk.content(row).get_body(("plain",)).get_content()) for row in rows]
    assert sorted(line for text in sent for line in text.splitlines() if "Jawaban" in line) == oracle.left()
    assert not any("rahasia" in text or "#" in text for text in sent)
    ticket = store.read_now(load, [number])[number]
    assert (ticket.answered_at, ticket.answered_by) == (oracle.answered or (None, ""))
