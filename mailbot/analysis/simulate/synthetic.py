"""A generated load, where there is no record: who writes when, by which rule, and when people answer.

The same seed gives the same load on every machine and Python version: numbers come from SplitMix64
(Steele, Lea and Flood, 2014), times are whole seconds.
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

    `hours` and `weekdays` (from Monday) are relative amounts of mail in local time. `last_rule` is the
    share of mails that only the last rule matches; the other rules share the rest equally. `first_answer`
    (by priority) and `next_answer` are work time of the team, `reply` of the customer is wall time.
    `replies` is the share of answers that the customer replies to, at most five times. Without a reply a
    ticket is closed `closes` (work time) after the last answer. `forgotten` is the share that is never
    answered.
    """

    hours: tuple[int, ...] = (
        *(2, 1, 1, 1, 1, 2, 4, 7, 12, 15, 15, 14),
        *(12, 13, 14, 13, 12, 11, 11, 12, 12, 10, 7, 4),
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
_MOST_REPLIES = 5


class _Draws:
    """SplitMix64: a reproducible stream of pseudo-random numbers."""

    def __init__(self, seed: int) -> None:
        self._state = seed & 0xFFFF_FFFF_FFFF_FFFF

    def share(self) -> float:
        """Return the next number in [0, 1)."""
        self._state = (self._state + 0x9E37_79B9_7F4A_7C15) & 0xFFFF_FFFF_FFFF_FFFF
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & 0xFFFF_FFFF_FFFF_FFFF
        z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & 0xFFFF_FFFF_FFFF_FFFF
        return ((z ^ (z >> 31)) >> 11) / 2**53

    def span(self, median: timedelta, spread: float) -> timedelta:
        """Return a log-normal span in whole seconds; the normal number is the sum of twelve uniform ones."""
        normal = sum(self.share() for _ in range(12)) - 6
        return timedelta(seconds=max(1, round(median.total_seconds() * math.exp(normal * spread))))


def generate(
    policy: Policy, period: Period, count: int, seed: int, habits: Habits = USUAL
) -> Iterator[TicketScript]:
    """Generate `count` tickets of the period, oldest first. Agents keep the hours of `policy`, which also
    routes.

    `with_policy` routes the same ticket by another policy.
    """
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
        by_rule = _routed_by(policy, _rule(draws, policy, habits), at)
        name = ticket_number.make(box.prefix, f"{number % 10**box.digits:0{box.digits}d}")
        script = TicketScript(name, "", first, by_rule, acknowledged=e.AcknowledgementEnqueued(at, POLICY))
        ticket = Ticket(name, box.address, first.customer, first.subject, "id", at, team=by_rule.team)
        yield _with_stimuli(script, draws, ladder.calendar_of(ticket, policy), habits)


def with_policy(script: TicketScript, policy: Policy) -> TicketScript:
    """Return the same ticket by another policy: by its rule of that name, else by its last one."""
    by_name = {rule.name: rule for rule in policy.rules}
    rule = by_name.get(script.routed.rule, policy.rules[-1])
    return TicketScript(
        script.number,
        script.version,
        script.opened,
        _routed_by(policy, rule, script.opened.at),
        script.stimuli,
        script.acknowledged,
    )


def _arrivals(draws: _Draws, period: Period, count: int, habits: Habits) -> list[datetime]:
    zone = ZoneInfo(period.zone)
    hours = math.ceil(period.length / HOUR)
    begins = [period.since + index * HOUR for index in range(hours)]
    local = [at.astimezone(zone) for at in begins]
    weights = [habits.hours[at.hour] * habits.weekdays[at.weekday()] for at in local]
    cumulated = list(accumulate(weights))
    arrivals = []
    for _ in range(count):
        index = min(bisect_right(cumulated, draws.share() * cumulated[-1]), hours - 1)
        end = min(begins[index] + HOUR, period.until)
        inside = int((end - begins[index]).total_seconds() * draws.share())
        arrivals.append((begins[index] + timedelta(seconds=inside)).astimezone(UTC))
    return sorted(arrivals)


def _rule(draws: _Draws, policy: Policy, habits: Habits) -> Rule:
    others = policy.rules[:-1]
    if not others or draws.share() < habits.last_rule:
        return policy.rules[-1]
    return others[int(draws.share() * len(others))]


def _routed_by(policy: Policy, rule: Rule, at: datetime) -> e.TicketRouted:
    """Route as if only this rule and the last one had matched."""
    arrivals = combine_rules(policy, [rule, policy.rules[-1]], rule.name, written("made up"))
    return routing_event(arrivals, policy, at, (), None)


def _with_stimuli(script: TicketScript, draws: _Draws, calendar: Calendar, habits: Habits) -> TicketScript:
    at = script.opened.at
    if draws.share() < habits.forgotten:
        return script
    stimuli: list[Stimulus] = []
    median = habits.first_answer.get(script.routed.priority, HOUR)
    for _ in range(_MOST_REPLIES + 1):
        at = _after_work_time(calendar, at, draws.span(median, habits.spread))
        stimuli.append(AgentAnswer(at, ""))
        if draws.share() >= habits.replies:
            break
        at += draws.span(habits.reply, habits.spread)
        stimuli.append(CustomerMail(at, ""))
        median = habits.next_answer
    if isinstance(stimuli[-1], CustomerMail):
        at = _after_work_time(calendar, at, draws.span(habits.next_answer, habits.spread))
        stimuli.append(AgentAnswer(at, ""))
    closed_at = _after_work_time(calendar, at, draws.span(habits.closes, habits.spread))
    stimuli.append(CommandGiven(closed_at, "", c.Close("done"), Actor.operator()))
    return TicketScript(
        script.number,
        script.version,
        script.opened,
        script.routed,
        tuple(stimuli),
        script.acknowledged,
        why=script.why,
    )


def _after_work_time(calendar: Calendar, at: datetime, span: timedelta) -> datetime:
    try:
        return add(calendar, at, span)
    except ValueError:  # the calendar never opens again
        return at + span
