"""A load that was made up, where there is no record: who writes when about what, and when people answer.

The same seed gives the same load, on every machine and Python: the numbers come from SplitMix64 (Steele, Lea
and Flood, 2014), moments are whole seconds.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from mailbot.analysis.simulate.recorded_ticket import (
    AgentAnswer,
    CommandGiven,
    CustomerMail,
    Stimulus,
    TicketScript,
)
from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import ladder, ticket_number
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.classify import combine_rules, routing_event
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy, Rule
from mailbot.domain.reasons import written
from mailbot.domain.worktime import Calendar, add
from mailbot.reports.figures.api import Period

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Habits:
    """How people write and answer. Spans are medians of log-normal draws with `spread` (of the logarithm).

    `hours` and `weekdays` (Monday first): how much comes then, against the others; local time. `last_rule`:
    the share of mails that only the last rule takes; the other rules have the rest in equal parts.
    `first_answer` by priority and `next_answer` are work time of the team, `reply` is a customer's, round the
    clock. `replies`: the share of answers that the customer writes to again, five times at most; without a
    further mail it is closed `closes` (work time) after the last answer. `forgotten`: never answered.
    """

    hours: tuple[int, ...] = (
        2,
        1,
        1,
        1,
        1,
        2,
        4,
        7,
        12,
        15,
        15,
        14,
        12,
        13,
        14,
        13,
        12,
        11,
        11,
        12,
        12,
        10,
        7,
        4,
    )
    weekdays: tuple[int, ...] = (12, 11, 10, 10, 10, 8, 7)
    last_rule: float = 0.3
    first_answer: Mapping[str, timedelta] = field(
        default_factory=lambda: {"low": 5 * HOUR, "normal": 3 * HOUR, "high": HOUR, "urgent": HOUR / 4}
    )
    next_answer: timedelta = 1.5 * HOUR
    reply: timedelta = 5 * HOUR
    closes: timedelta = 16 * HOUR
    replies: float = 0.45
    forgotten: float = 0.01
    spread: float = 0.9


USUAL = Habits()
_REPLIES = 5


class _Draws:
    """SplitMix64: a stream of numbers that look like chance and are not."""

    def __init__(self, seed: int) -> None:
        self._state = seed & 0xFFFF_FFFF_FFFF_FFFF

    def share(self) -> float:
        """The next number in [0, 1)."""
        self._state = (self._state + 0x9E37_79B9_7F4A_7C15) & 0xFFFF_FFFF_FFFF_FFFF
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & 0xFFFF_FFFF_FFFF_FFFF
        z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & 0xFFFF_FFFF_FFFF_FFFF
        return ((z ^ (z >> 31)) >> 11) / 2**53

    def span(self, median: timedelta, spread: float) -> timedelta:
        """Log-normal, in whole seconds; the normal number is the sum of twelve even ones."""
        normal = sum(self.share() for _ in range(12)) - 6
        return timedelta(seconds=max(1, round(median.total_seconds() * math.exp(normal * spread))))


def load(
    policy: Policy, period: Period, count: int, seed: int, habits: Habits = USUAL
) -> Iterator[TicketScript]:
    """`count` tickets that come in the period, in the order of their coming. People keep the hours of
    `policy`, by which the lives are routed: see `under` for another one."""
    draws = _Draws(seed)
    box = next(iter(policy.mailboxes.values()))
    for number, at in enumerate(_arrivals(draws, period, count, habits), 1):
        first = e.TicketOpened(
            at=at,
            by=CUSTOMER,
            mailbox=box.address,
            customer=f"pelanggan{number}@contoh.example",
            subject=f"Surat {number}",
            language="id",
            message_id=f"<{number}@contoh.example>",
        )
        by_rule = _routed(policy, _rule(draws, policy, habits), at)
        name = ticket_number.make(box.prefix, f"{number % 10**box.digits:0{box.digits}d}")
        script = TicketScript(name, "", first, by_rule, acknowledged=e.AcknowledgementEnqueued(at, POLICY))
        ticket = Ticket(name, box.address, first.customer, first.subject, "id", at, team=by_rule.team)
        yield _lived(script, draws, ladder.calendar_of(ticket, policy), habits)


def under(script: TicketScript, policy: Policy) -> TicketScript:
    """The same ticket by another policy: by its rule of that name, else by its last one."""
    by_name = {rule.name: rule for rule in policy.rules}
    rule = by_name.get(script.routed.rule, policy.rules[-1])
    return TicketScript(
        script.number,
        script.version,
        script.opened,
        _routed(policy, rule, script.opened.at),
        script.stimuli,
        script.acknowledged,
    )


def _arrivals(draws: _Draws, period: Period, count: int, habits: Habits) -> list[datetime]:
    zone = ZoneInfo(period.zone)
    hours = math.ceil(period.length / HOUR)
    begins = [period.since + index * HOUR for index in range(hours)]
    local = [at.astimezone(zone) for at in begins]
    weights = [habits.hours[at.hour] * habits.weekdays[at.weekday()] for at in local]
    upto = list(accumulate(weights))
    found = []
    for _ in range(count):
        index = min(bisect_right(upto, draws.share() * upto[-1]), hours - 1)
        end = min(begins[index] + HOUR, period.until)
        inside = int((end - begins[index]).total_seconds() * draws.share())
        found.append((begins[index] + timedelta(seconds=inside)).astimezone(UTC))
    return sorted(found)


def _rule(draws: _Draws, policy: Policy, habits: Habits) -> Rule:
    others = policy.rules[:-1]
    if not others or draws.share() < habits.last_rule:
        return policy.rules[-1]
    return others[int(draws.share() * len(others))]


def _routed(policy: Policy, rule: Rule, at: datetime) -> e.TicketRouted:
    """As if this rule alone had matched; what it leaves open the last one says."""
    found = combine_rules(policy, [rule, policy.rules[-1]], rule.name, written("made up"))
    return routing_event(found, policy, at, (), None)


def _lived(script: TicketScript, draws: _Draws, calendar: Calendar, habits: Habits) -> TicketScript:
    at = script.opened.at
    if draws.share() < habits.forgotten:
        return script
    done: list[Stimulus] = []
    median = habits.first_answer.get(script.routed.priority, HOUR)
    for _ in range(_REPLIES + 1):
        at = _worked(calendar, at, draws.span(median, habits.spread))
        done.append(AgentAnswer(at, ""))
        if draws.share() >= habits.replies:
            break
        at += draws.span(habits.reply, habits.spread)
        done.append(CustomerMail(at, ""))
        median = habits.next_answer
    if isinstance(done[-1], CustomerMail):
        at = _worked(calendar, at, draws.span(habits.next_answer, habits.spread))
        done.append(AgentAnswer(at, ""))
    closed_at = _worked(calendar, at, draws.span(habits.closes, habits.spread))
    done.append(CommandGiven(closed_at, "", c.Close("done"), Actor.operator()))
    return TicketScript(
        script.number,
        script.version,
        script.opened,
        script.routed,
        tuple(done),
        script.acknowledged,
        why=script.why,
    )


def _worked(calendar: Calendar, at: datetime, span: timedelta) -> datetime:
    try:
        return add(calendar, at, span)
    except ValueError:  # it never opens again
        return at + span
