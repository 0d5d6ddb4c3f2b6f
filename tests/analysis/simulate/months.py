"""A service over months of virtual time, with the real intake, deadlines, commands and reloads."""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from mailbot.config.api import Loaded, load
from mailbot.domain import commands as c
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import OVER, Status, Target, Ticket, Turn
from mailbot.domain.policy_review.policy_outline import outline
from mailbot.domain.reasons import Refusal
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.operations.reapply_policy import Reapply, reapply
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import deadlines, ladders, policies, tickets
from mailbot.store.schema import tickets as ticket_rows
from mailbot.store.store import Store
from mailbot.workers.deadlines import Deadlines
from tests.builders import EKO
from tests.config.faults import lay
from tests.workers.test_intake import AGENTS_NETWORK, KEYS, TEMPLATES, Desk

RULES = """
rules:
  - name: money
    when: {subject: {contains: [saldo, refund]}}
    then: {team: payments, urgency: high}
  - name: fire
    when: {subject: {contains: [api]}}
    then: {team: frontline, urgency: critical, complexity: high, ladder: asking, assign: least_load}
  - name: again
    when: {reopened: {is: true}, subject: {contains: [barang]}}
    then: {team: payments, priority: urgent}
  - name: everything else
    then: {team: frontline, assign: round_robin}
"""
LADDERS = """
calendars:
  office:
    zone: Asia/Jakarta
    hours: {mon-fri: "08:00-12:00, 13:00-17:00", sat: "08:00-12:00"}
    dates: {2026-12-31: closed}
  night:
    zone: Europe/Berlin
    hours: {mon-sun: "07:00-23:00"}
  always:
    hours: always
ladders:
  standard:
    targets: {first_response: 30 min, next_response: 2 h, resolution: 8 h, follow_up: 6 h}
    quiet_hours: 20:00-07:00
    repeat: 9 h
    steps:
      - {at: 75% of first_response, remind: assignee}
      - {at: first_response, escalate_to: L2, acknowledge_within: 15 min}
      - {at: first_response + 1 h, reassign: true, acknowledge_within: 1 h}
      - {at: next_response, remind: team}
      - {at: resolution, escalate_to: management, notify: [Dewi Anggraini, bos@luar.example], tell_customer: true}
  asking:
    targets: {first_response: 10 min, resolution: 3 h}
    steps:
      - {at: 50% of first_response, hand_over_to: payments}
      - {at: first_response, ask_decision: management, question: Apa yang dilakukan?,
         options: [bayar, tolak], acknowledge_within: 45 min}
      - {at: resolution, escalate_to: management, acknowledge_within: 20 min}
      - {at: resolution + 2 h, remind: team}
priorities: {low: standard, normal: standard, high: standard, urgent: asking}
"""
TEAMS = """
levels: [L1, L2, management]
teams:
  frontline:
    calendar: office
    agents:
      - {name: Ayu Lestari, address: ayu@staf.example, level: L1}
      - {name: Ani Lestari, address: ani@staf.example, level: L1}
      - {name: Budi Santoso, address: budi@staf.example, level: L2}
  payments:
    calendar: night
    agents:
      - {name: Citra Maharani, address: citra@staf.example, level: L1}
      - {name: Dewi Anggraini, address: dewi@staf.example, level: management}
"""
# The changes of later policies: (file, pattern, replacement).
CHANGES: Sequence[tuple[tuple[str, str, str], ...]] = (
    (),
    (("escalation.yaml", "first_response: 30 min", "first_response: 50 min"),),
    (
        ("escalation.yaml", "08:00-12:00, 13:00-17:00", "09:00-16:00"),
        ("escalation.yaml", "75% of first_response, remind: assignee", "40% of first_response, remind: team"),
        ("teams.yaml", r"      - \{name: Ani.*\n", ""),
    ),
)


def written(directory: Path, which: int) -> Path:
    """Write the configuration with a change."""
    directory.mkdir(exist_ok=True)
    lay(directory)
    texts = {"routing.yaml": RULES, "escalation.yaml": LADDERS, "teams.yaml": TEAMS}
    for name, pattern, instead in CHANGES[which]:
        texts[name], count = re.subn(pattern, instead, texts[name])
        assert count, pattern
    for name, text in texts.items():
        (directory / name).write_text(text)
    machine = directory / "mailbot.yaml"
    machine.write_text(machine.read_text().replace("prefix: TOKO", "prefix: TOKO\n    strangers: hold"))
    return directory


class Months(Desk):
    """`clock` advances with each act. The same seed gives the same months except for ticket numbers."""

    def __init__(self, store: Store, folder: Path, seed: int) -> None:
        super().__init__(store)
        self.chance, self.folder = random.Random(seed), folder
        self.numbers: list[str] = []
        self.reload(0)
        self.duty = Deadlines(self.deps)

    def reload(self, which: int) -> Loaded:
        """Put the policy of a version in force, as the daemon does."""
        directory = written(self.folder / f"config{which}", which)
        loaded = load(directory, {}, today=self.clock.date())
        policy, sources = loaded.policy, loaded.sources
        entered = policies.ActivePolicy(
            policy.version, self.clock, outline(policy), sources.files, sources.templates
        )
        self.store.write_now(policies.record_active, entered)
        self.store.write_now(ladders.save, policy)
        past = self.store.read_now(ladders.load)
        self.runtime.replace(replace(policy, past_ladders=past), TEMPLATES)
        return loaded

    async def pass_by(self, span: timedelta, *, late: timedelta = timedelta()) -> None:
        """Let time pass. Deadlines are taken when due, or late as if the daemon was down for `late`."""
        until = self.clock + span
        while (due := self.store.read_now(deadlines.next_due_at)) and due <= until:
            self.clock = max(self.clock, min(due + late, until))
            while await self.duty.run_once() == 0:
                pass
            if due + late > until:
                break
        self.clock = max(self.clock, until)

    def ticket(self, number: str) -> Ticket:
        return self.store.read_now(tickets.load, [number])[number]

    async def act_at_random(self) -> None:
        pick = self.chance.random()
        if pick < 0.30 or not self.numbers:
            await self.opens()
        elif pick < 0.45:
            await self._replies(self.chance.choice(self.numbers[-12:]))
        elif pick < 0.70:
            await self.answers(self.chance.choice(self.numbers[-12:]))
        elif pick < 0.90:
            self._commands(self.chance.choice(self.numbers[-12:]))
        elif pick < 0.97:
            self._joins()
        else:
            self.reload(self.chance.randrange(len(CHANGES)))
            if self.chance.random() < 0.5:
                reapply(self.store, self.runtime, Reapply(tuple(self.numbers[-8:]), EKO, self.clock))

    async def opens(self) -> None:
        subject = self.chance.choice(["Saldo terpotong", "Barang belum sampai", "Api!", "Halo"])
        if self.numbers and self.chance.random() < 0.15:  # a stranger who names a ticket
            subject += f" Re: {self.chance.choice(self.numbers)}"
        customer = f"pelanggan{self.chance.randrange(40)}@x.example"
        ticket = await self.receive(sender=customer, to=self.box, Subject=subject)
        if ticket.number not in self.numbers:
            self.numbers.append(ticket.number)

    async def _replies(self, number: str) -> None:
        ticket = self.ticket(number)
        body = "Terima kasih" if self.chance.random() < 0.1 else "Bagaimana kabarnya?"
        found = await self.receive(sender=ticket.customer, to=self.box, Subject=f"Re: {number}", body=body)
        if found.number not in self.numbers:
            self.numbers.append(found.number)

    async def answers(self, number: str) -> None:
        agents = sorted(self.runtime.policy.agents)
        agent = self.ticket(number).assignee if self.chance.random() < 0.7 else self.chance.choice(agents)
        if agent not in agents:
            return
        tag = KEYS.reply_address(self.box, number, agent)
        body = self.chance.choice(["Sedang kami periksa.", "Nomor pesanannya berapa?"])
        await self.receive(sender=agent, to=tag, peer=AGENTS_NETWORK, body=body)

    def _commands(self, number: str) -> None:
        ticket = self.ticket(number)
        commands: list[c.Command] = [c.Close("beres"), c.Close(), c.Escalate("", "penting"), c.AddNote("x")]
        commands += [
            c.Assign(self.chance.choice(sorted(self.runtime.policy.agents))),
            c.Escalate("management"),
            c.Wait(Turn.THIRD_PARTY, self.clock + timedelta(hours=self.chance.randrange(1, 30)), "bank"),
            c.Wait(Turn.CUSTOMER),
            c.WorkOn(self.clock + timedelta(hours=self.chance.randrange(1, 30))),
            c.WorkOn(),
            c.HandOver(self.chance.choice(sorted(self.runtime.policy.teams))),
            c.Correct(priority=self.chance.choice(sorted(self.runtime.policy.ladder_of))),
        ]
        if ticket.status is Status.CLOSED:
            commands.append(c.Reopen("lagi"))
        if ticket.held_for:
            commands = [c.Reject()]
        if any(clock.target is Target.DECISION for clock in ticket.clocks):
            commands = [c.Decide("bayar", "kulan")]
        done = run_command(
            self.store,
            self.runtime,
            TicketCommand(number, Act((self.chance.choice(commands),)), EKO, self.clock),
        )
        assert isinstance(done, Acted | Refusal)

    def _joins(self) -> None:
        number, other = self.chance.choice(self.numbers), self.chance.choice(self.numbers)
        messages = [each.id for each in self.store.read_now(tickets.posts_of, [number])[number]]
        commands: list[c.Join] = [c.Merge(other, other_customer=True), c.Unmerge(), c.Accept()]
        if messages:
            commands += [c.Split((messages[-1],)), c.MoveMessage(messages[-1], other, other_customer=True)]
        join(
            self.store,
            self.runtime,
            MergeCommand(number, self.chance.choice(commands), EKO, self.clock),
        )
        known = set(self.numbers)
        query = select(ticket_rows.c.number).order_by(ticket_rows.c.opened_at)
        self.numbers += [row.number for row in self.all(query) if row.number not in known]

    @property
    def box(self) -> str:
        return next(iter(self.runtime.policy.mailboxes))

    def open(self) -> list[str]:
        return [each for each in self.numbers if self.ticket(each).status not in OVER]
