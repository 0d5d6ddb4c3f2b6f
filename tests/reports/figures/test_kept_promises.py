"""The share of promises kept is that of an oracle, over random lives that the daemon's own decisions make.

The oracle looks at the ticket before and after each decision, never at the events that the report counts from: which
promises ran, when each ended by the ladder's own reckoning, and what the decision was. The daemon sleeps at random, so
that misses are recorded late or not at all.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain import commands as c
from mailbot.domain import ladder
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import NO_FACTS, Acted, on_act
from mailbot.domain.commands.grammar import Act
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.events import Event, TargetMissed
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.model import OVER, Target, Ticket, Turn
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON
from mailbot.domain.worktime import ALWAYS
from mailbot.reports.figures.api import Period
from mailbot.reports.figures.facts import Promised
from mailbot.reports.figures.ticket_facts import facts
from tests.builders import NOW, NUMBER, RINA, envelope, mail, policy
from tests.builders import facts as mail_facts
from tests.reports.figures.lives import OFFICE, report

ANSWERS = (Target.FIRST_RESPONSE, Target.NEXT_RESPONSE)
COUNTED = (*ANSWERS, Target.RESOLUTION)
MINUTE = timedelta(minutes=1)
ACTIONS = (
    "write",
    "answer",
    "answer",
    "check",
    "working",
    "wait",
    "bank",
    "close",
    "close with text",
    "wake",
)
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(1, 900)), min_size=1, max_size=12)


@dataclass
class Desk:
    """One ticket, its events, and the oracle's count of promises: (target, kept)."""

    policy: Policy
    ticket: Ticket
    events: list[Event]
    now: datetime = NOW
    counted: Counter[tuple[Target, bool]] = field(default_factory=Counter)
    news_by: datetime | None = None

    def do(self, action: str, later: int) -> None:
        self.now += later * MINUTE
        decision = self._decide(action)
        if decision is None:
            return
        before, after = self.ticket, decision.ticket
        self._count(before, after, decision, answered=after.answered_at == self.now, action=action)
        self.ticket = after
        self.events += decision.events

    def _decide(self, action: str) -> Decision | None:
        soon = self.now + 120 * MINUTE
        if action == "wake":
            return on_deadline(self.ticket, self.policy, self.now)
        if action == "write":
            mine = mail_facts(match=Match(NUMBER, NO_REASON))
            text = mail(visible="Kapan selesai? Belum ada kabar.", message_id=f"<{len(self.events)}@x>")
            at = envelope(received_at=self.now)
            decided = on_mail(self.ticket, text, at, mine, self.policy, self.now).decision
            return decided if decided.ticket.number == NUMBER and self.ticket.number == NUMBER else None
        act = {
            "answer": Act((), "Sudah kami cek."),
            "check": Act((c.WorkOn(),), "Kami sedang memeriksa."),
            "working": Act((c.WorkOn(soon),)),
            "wait": Act((c.Wait(Turn.CUSTOMER),), "Mohon kirim bukti."),
            "bank": Act((c.Wait(Turn.THIRD_PARTY, soon),)),
            "close": Act((c.Close(),)),
            "close with text": Act((c.Close(),), "Beres."),
        }[action]
        acted = on_act(self.ticket, act, Actor.agent(RINA.address), NO_FACTS, self.policy, self.now)
        return acted.decision if isinstance(acted, Acted) else None

    def _count(
        self, before: Ticket, after: Ticket, decision: Decision, *, answered: bool, action: str
    ) -> None:
        recorded = {event.target for event in decision.events if isinstance(event, TargetMissed)}
        closed = after.status in OVER and before.status not in OVER
        left = {clock.target for clock in after.clocks} if after.status not in OVER else set()
        for clock in before.clocks if before.status not in OVER else ():
            target = clock.target
            if target not in COUNTED or ladder.MISSED in clock.fired:
                continue
            ended = (answered and target in ANSWERS) or (closed and target is Target.RESOLUTION)
            if target in recorded:
                self.counted[target, False] += 1
            elif ended:
                self.counted[target, not self._is_over(before, target)] += 1
            elif target not in left and self._is_over(before, target):
                self.counted[target, False] += 1
        self._count_news(recorded, heard=answered or closed or action == "working", again=action == "working")

    def _count_news(self, recorded: set[Target], *, heard: bool, again: bool) -> None:
        if self.news_by and Target.PROMISE in recorded:
            self.counted[Target.PROMISE, False] += 1
            self.news_by = None
        if self.news_by and heard:
            self.counted[Target.PROMISE, self.now <= self.news_by] += 1
        if heard:
            self.news_by = self.now + 120 * MINUTE if again else None

    def _is_over(self, ticket: Ticket, target: Target) -> bool:
        end = ladder.end_of_clock(ticket, self.policy, target)
        if end is None:  # paused
            (clock,) = (each for each in ticket.clocks if each.target is target)
            return clock.spent > clock.span
        return self.now > end


def desk(calendar: str) -> Desk:
    by = policy(calendars={"always": replace(ALWAYS if calendar == "always" else OFFICE, name="always")})
    opened = on_mail(None, mail(), envelope(), mail_facts(), by, NOW).decision
    return Desk(by, opened.ticket, list(opened.events))


@given(steps, st.sampled_from(["always", "office"]))
def test_promises_are_kept_and_missed_as_an_oracle_says(
    actions: list[tuple[str, int]], calendar: str
) -> None:
    life = desk(calendar)
    for action in actions:
        life.do(*action)

    end, by = life.now + MINUTE, life.policy
    found = facts(life.events, [end], by.calendar_of)
    outcomes = Counter((each.target, each.kept) for each in found if isinstance(each, Promised))
    assert outcomes == life.counted
    counted = report([life.events], Period(NOW, end, "UTC"), by.calendar_of, end).figures
    whole = sum(life.counted.values())
    kept = sum(count for (_, is_kept), count in life.counted.items() if is_kept)
    assert counted.kept_share == (kept / whole if whole else None)


def test_an_answer_after_23_seconds_on_a_promise_of_6_is_late_though_nobody_recorded_it() -> None:
    by = policy()
    short = replace(by.ladders["standard"], targets={Target.FIRST_RESPONSE: timedelta(seconds=6)}, steps=())
    by = policy(ladders={"standard": short})
    opened = on_mail(None, mail(), envelope(), mail_facts(), by, NOW).decision
    at = NOW + timedelta(seconds=23)
    answered = on_act(opened.ticket, Act((), "Sudah."), Actor.agent(RINA.address), NO_FACTS, by, at)
    assert isinstance(answered, Acted)

    events = [*opened.events, *answered.decision.events]
    (late,) = [each for each in facts(events, [at + MINUTE], by.calendar_of) if isinstance(each, Promised)]
    assert (late.target, late.kept) == (Target.FIRST_RESPONSE, False)
