"""10,000 random lives on a virtual clock (a sample of them by day): P17, one mail to each reader, and a kept ratio
that equals one computed by plain arithmetic from docs/turns.md."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from mailbot.domain import commands as c
from mailbot.domain import ladder as ladders
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.escalation.overdue import take_first
from mailbot.domain.events import Event
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.model import OVER, Target, Turn
from mailbot.domain.policy import Ladder, Moment, Policy, Step
from mailbot.domain.worktime import ALWAYS, Interval
from mailbot.reports.figures.facts import Promised
from mailbot.reports.figures.ticket_facts import facts as facts_of
from tests.builders import EKO, NOW, NUMBER, RINA, envelope, facts, mail, policy
from tests.profile import sample

HOUR = timedelta(hours=1)
ANSWERS = (Target.FIRST_RESPONSE, Target.NEXT_RESPONSE)
PROMISED = (*ANSWERS, Target.RESOLUTION)
NIGHT = (Interval(timedelta(hours=21), timedelta(hours=24)), Interval(timedelta(), timedelta(hours=7)))


def a_ladder(chance: random.Random) -> Ladder:
    targets = {each: HOUR * chance.randrange(1, 30) for each in PROMISED if chance.random() < 0.7}
    steps = []
    for _ in range(chance.randrange(5)):
        at = Moment(chance.choice([*PROMISED, Target.FOLLOW_UP]), chance.choice([0.5, 1, 1, 1.5]))
        kind = chance.randrange(6)
        within = HOUR * chance.randrange(1, 5) if chance.random() < 0.5 else None
        steps.append(
            (
                Step(at, remind="assignee", notify=(RINA.address,)),
                Step(at, escalate_to=chance.choice(["L2", "management"]), acknowledge_within=within),
                Step(at, reassign=True, acknowledge_within=within),
                Step(at, hand_over_to="payments", tell_customer=True, acknowledge_within=within),
                Step(
                    at,
                    ask_decision="management",
                    question="Ganti?",
                    options=("ya",),
                    acknowledge_within=within,
                ),
                Step(at, remind="team", tell_customer=True),
            )[kind]
        )
    quiet = NIGHT if chance.random() < 0.3 else ()
    return Ladder("standard", targets, tuple(steps), quiet, HOUR * chance.randrange(3, 30))


class Books:
    """The promises of one life by plain arithmetic: what ran for how long in whose turn."""

    def __init__(self, ladder: Ladder, at: datetime) -> None:
        self.spans, self.at = ladder.targets, at
        self.turn, self.is_open, self.is_unanswered, self.was_answered = Turn.OURS, True, True, False
        self.spent: dict[Target, timedelta] = {}
        self.missed: set[Target] = set()
        self.news_by: datetime | None = None
        self.ended: Counter[tuple[Target, bool]] = Counter()
        self._begin()

    def _begin(self) -> None:
        """Begin what runs from now on, unless it goes on from before."""
        answer = Target.NEXT_RESPONSE if self.was_answered else Target.FIRST_RESPONSE
        if self.is_unanswered and self.turn is not Turn.CUSTOMER and answer not in self.spent:
            self.missed.discard(answer)
            self.spent[answer] = timedelta()
        if self.turn is not Turn.CUSTOMER:
            self.spent.setdefault(Target.RESOLUTION, timedelta())

    def go_to(self, at: datetime) -> None:
        if self.is_open and self.turn is not Turn.CUSTOMER:
            for target in self.spent:
                self.spent[target] += at - self.at
                if target in self.spans and self.spent[target] > self.spans[target]:
                    self._miss(target)
        if self.is_open and self.news_by and at > self.news_by:
            self.ended[Target.PROMISE, False] += 1
            self.news_by = None
        self.at = at

    def _miss(self, target: Target) -> None:
        if target not in self.missed:
            self.missed.add(target)
            self.ended[target, False] += 1

    def _keep(self, target: Target) -> None:
        if target in self.spans and target in self.spent and target not in self.missed:
            self.ended[target, True] += 1

    def _news(self) -> None:
        if self.news_by:
            self.ended[Target.PROMISE, self.at <= self.news_by] += 1
            self.news_by = None

    def give(self, turn: Turn) -> None:
        self.turn = turn
        self._begin()

    def write(self) -> None:
        self.is_open = self.is_unanswered = True
        self.give(Turn.OURS)

    def answer(self, turn: Turn) -> None:
        for target in ANSWERS:
            self._keep(target)
            self.spent.pop(target, None)
        self._news()
        self.is_unanswered, self.was_answered = False, True
        if self.is_open:
            self.give(turn)

    def promise(self, until: datetime) -> None:
        self._news()
        self.give(Turn.OURS)
        self.news_by = until

    def close(self) -> None:
        self._keep(Target.RESOLUTION)
        self._news()
        self.is_open = False
        for target in ANSWERS:
            self.spent.pop(target, None)


class Life:
    """One ticket, its daemon that is down now and then, and the books beside it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        ladder = a_ladder(self.chance)
        self.by: Policy = policy(ladders={"standard": ladder})
        first = on_mail(None, mail(), envelope(), facts(), self.by, NOW).decision
        self.now, self.ticket, self.events = NOW, first.ticket, list(first.events)
        self.books = Books(ladder, NOW)

    def keep(self, *decisions: Decision | None) -> None:
        for decision in decisions:
            if decision:
                self.ticket = decision.ticket
                self.events += decision.events
                self.check()

    def check(self) -> None:
        ticket = self.ticket
        assert (ladders.next_deadline(ticket, self.by) is None) == (ticket.status in OVER)
        if ticket.status not in OVER and ticket.turn is not Turn.CUSTOMER:
            assert ladders.promised_at(ticket, self.by), "P17"

    def take_due(self, until: datetime) -> None:
        """Take what is due when it is due."""
        for _ in range(1000):
            due = ladders.next_deadline(self.ticket, self.by, self.now)
            if due is None or due.due_at > until:
                return
            self.now = max(self.now, due.due_at)
            self.keep(one_mail_each(on_deadline(self.ticket, self.by, self.now)))
        raise AssertionError("it does not end")

    def live(self) -> None:
        for _ in range(self.chance.randrange(3, 25)):
            then = self.now + timedelta(seconds=self.chance.randrange(61, 40 * 3600), microseconds=7)
            if self.chance.random() < 0.7:
                self.take_due(then)
            self.now = then
            if self.chance.random() < 0.2:  # the daemon was down, and is back
                self.keep(one_mail_each(on_deadline(self.ticket, self.by, then)))
            self.books.go_to(then)
            self.act()
        end = self.now + timedelta(days=9)
        self.take_due(end)
        self.books.go_to(end)

    def act(self) -> None:
        what = self.chance.choice(
            ["customer", "customer", "check", "ask", "close", "third", "wait", "news", "up", "open"]
        )
        until = self.now + timedelta(seconds=self.chance.randrange(600, 50 * 3600), microseconds=3)
        if what == "customer":
            known = facts(number="TOKO-99999999-9", match=Match(NUMBER))
            decision = on_mail(self.ticket, mail(), envelope(), known, self.by, self.now).decision
            if decision.ticket.number == NUMBER:  # not closed for too long
                self.keep(decision)
                self.books.write()
        elif what in ("check", "ask"):
            self.answer("Kami cek." if what == "check" else "Kapan?")
            self.books.answer(Turn.OURS if what == "check" else Turn.CUSTOMER)
        else:
            done: dict[str, tuple[c.Command, object]] = {
                "close": (c.Close(), self.books.close),
                "third": (c.Wait(Turn.THIRD_PARTY, until), lambda: self.books.give(Turn.THIRD_PARTY)),
                "wait": (c.Wait(Turn.CUSTOMER), lambda: self.books.give(Turn.CUSTOMER)),
                "news": (c.WorkOn(until), lambda: self.books.promise(until)),
                "up": (c.Escalate(), lambda: self.books.give(Turn.OURS)),
                "open": (c.Reopen(), self.reopened),
            }
            command, then = done[what]
            if self.command(command):
                then()  # type: ignore[operator]

    def reopened(self) -> None:
        self.books.is_open = True
        self.books.give(Turn.OURS)

    def answer(self, text: str) -> None:
        sent = mail(sender=RINA.address, visible=text)
        known = facts(match=Match(NUMBER, by_token=True), proof="trusted")
        self.keep(
            *take_first(
                self.ticket,
                lambda then: on_mail(then, sent, envelope(), known, self.by, self.now).decision,
                lambda found: found,
                self.by,
                self.now,
            )
        )

    def command(self, command: c.Command) -> bool:
        due, done = take_first(
            self.ticket,
            lambda then: on_command(then, command, EKO, self.by, self.now),
            lambda found: found if isinstance(found, Decision) else None,
            self.by,
            self.now,
        )
        self.keep(due, done if isinstance(done, Decision) else None)
        return isinstance(done, Decision)


def one_mail_each(decision: Decision) -> Decision:
    most = Counter(notice.to for notice in decision.notices).most_common(1)
    assert not most or most[0][1] == 1, decision.notices
    return decision


def reported(events: Iterable[Event], until: datetime) -> Counter[tuple[Target, bool]]:
    found = facts_of(list(events), [until], lambda _: ALWAYS)
    return Counter((each.target, each.kept) for each in found if isinstance(each, Promised))


@pytest.mark.parametrize("seed", sample(range(10_000), 40))
def test_p17_a_promise_runs_in_every_turn_of_ours_and_the_kept_ratio_is_the_oracles(seed: int) -> None:
    life = Life(seed)
    life.live()
    assert reported(life.events, life.now + timedelta(days=30)) == life.books.ended
