"""Clocks and steps: what runs while it is our turn, what is due next, who takes a ticket.

The clocks follow from the ticket's status alone. While it is our turn (new, open) the answer's clock and
the resolution's run; while it is the customer's (waiting) and after closing they stand still. A ladder's
step hangs on a clock; the next deadline is the earliest step that its clock has not fired yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailbot.core.model import OVER, Clock, Status, Target, Ticket
from mailbot.core.policy import Agent, Ladder, Policy, Step
from mailbot.core.worktime import Calendar, add, between

# A clock's own end, beside the ladder's steps (which count from 0): the promise itself was missed.
MISSED = -1


@dataclass(frozen=True, slots=True)
class Deadline:
    """The next thing that falls due on a ticket. `step` is an index into the ladder's steps, or MISSED."""

    due_at: datetime
    target: Target
    step: int


def clocks_for(ticket: Ticket, ladder: Ladder, calendar: Calendar, now: datetime) -> tuple[Clock, ...]:
    """The clocks that belong to `ticket.status`, those that go on keep what they have spent.

    Give the calendar by which the clocks ran until `now`.
    """
    run = _running_targets(ticket)
    kept = {clock.target: clock for clock in ticket.clocks}
    clocks = []
    for target in Target:
        clock = kept.get(target)
        if target in run and clock is None and target in ladder.targets:
            clock = Clock(target, ladder.targets[target], timedelta(), None)
        if clock is None:
            continue
        if target in run:
            clocks.append(clock if clock.running_since else replace(clock, running_since=now))
        elif target is Target.RESOLUTION:
            clocks.append(paused(clock, calendar, now))
    return tuple(clocks)


def _running_targets(ticket: Ticket) -> set[Target]:
    if ticket.status not in (Status.NEW, Status.OPEN) or ticket.held_for:
        return set()
    answer = Target.NEXT_RESPONSE if ticket.first_response_at else Target.FIRST_RESPONSE
    return {answer, Target.RESOLUTION, Target.CONFIRMATION}


def paused(clock: Clock, calendar: Calendar, now: datetime) -> Clock:
    if clock.running_since is None:
        return clock
    spent = clock.spent + between(calendar, clock.running_since, max(now, clock.running_since))
    return replace(clock, spent=spent, running_since=None)


def moved(clocks: Iterable[Clock], old: Calendar, now: datetime) -> tuple[Clock, ...]:
    """The clocks after a change of calendar: what was spent by the old one stays spent."""
    return tuple(
        replace(paused(clock, old, now), running_since=now) if clock.running_since else clock
        for clock in clocks
    )


def awaiting_confirmation(
    clocks: Iterable[Clock], within: timedelta, step: int, now: datetime
) -> tuple[Clock, ...]:
    """With the clock by which the new owner must act, else the step after `step` comes at once."""
    others = tuple(clock for clock in clocks if clock.target is not Target.CONFIRMATION)
    return (*others, Clock(Target.CONFIRMATION, within, timedelta(), now, (step,)))


def confirmed(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    return tuple(clock for clock in clocks if clock.target is not Target.CONFIRMATION)


def fired(clocks: Iterable[Clock], target: Target, step: int) -> tuple[Clock, ...]:
    """The clocks with `step` of `target` marked as taken."""
    return tuple(
        replace(clock, fired=(*clock.fired, step)) if clock.target is target else clock for clock in clocks
    )


def deadlines(ticket: Ticket, ladder: Ladder, calendar: Calendar) -> list[Deadline]:
    """All that will fall due on this ticket if nothing else happens, earliest first."""
    found = [
        Deadline(add(calendar, clock.running_since, left), clock.target, step)
        for clock in ticket.clocks
        if clock.running_since
        for left, step in _left(clock, ladder, ticket.clocks)
    ]
    return sorted(found, key=_order)


def _order(deadline: Deadline) -> tuple[datetime, int]:
    return deadline.due_at, deadline.step


def _left(clock: Clock, ladder: Ladder, clocks: Iterable[Clock]) -> list[tuple[timedelta, int]]:
    """How much work time is left until each step of this clock that has not come yet."""
    offsets = _offsets(clock, ladder, clocks)
    return [(max(timedelta(), after - clock.spent), step) for step, after in offsets]


def _offsets(clock: Clock, ladder: Ladder, clocks: Iterable[Clock]) -> list[tuple[int, timedelta]]:
    if clock.target is Target.CONFIRMATION:
        return [(_rung_after(clock.fired[0], ladder, clocks), clock.span)]
    offsets = [
        (index, clock.span * step.at.share + step.at.offset)
        for index, step in enumerate(ladder.steps)
        if step.at.target is clock.target and index not in clock.fired
    ]
    return offsets if MISSED in clock.fired else [(MISSED, clock.span), *offsets]


def _rung_after(step: int, ladder: Ladder, clocks: Iterable[Clock]) -> int:
    """The next step that has not come by itself meanwhile; the ladder's length when there is none."""
    taken = {(clock.target, index) for clock in clocks for index in clock.fired}
    rungs = range(step + 1, len(ladder.steps))
    free = (index for index in rungs if (ladder.steps[index].at.target, index) not in taken)
    return next(free, len(ladder.steps))


def next_deadline(ticket: Ticket, policy: Policy) -> Deadline | None:
    """The earliest of `deadlines`: what the store arms for this ticket."""
    if ticket.status in OVER or not ticket.clocks:
        return None
    ladder, calendar = ladder_of(ticket, policy), calendar_of(ticket, policy)
    found = []
    for clock in ticket.clocks:
        # Only the first of each clock: work time is dear to reckon, and more of it never ends sooner.
        if clock.running_since and (left := _left(clock, ladder, ticket.clocks)):
            span, step = min(left)
            found.append(Deadline(add(calendar, clock.running_since, span), clock.target, step))
    return min(found, key=_order, default=None)


def ladder_of(ticket: Ticket, policy: Policy) -> Ladder:
    """The ticket's ladder; when a reload took it away, the one of its priority, else the first there is."""
    by_priority = policy.ladder_of.get(ticket.priority, "")
    for name in (ticket.ladder, by_priority):
        if name in policy.ladders:
            return policy.ladders[name]
    return next(iter(policy.ladders.values()))


def calendar_of(ticket: Ticket, policy: Policy) -> Calendar:
    """The calendar of the ticket's team; of the first team when a reload took that one away."""
    team = policy.teams.get(ticket.team) or next(iter(policy.teams.values()))
    return policy.calendars[team.calendar]


def step_at(ladder: Ladder, index: int) -> Step | None:
    return ladder.steps[index] if 0 <= index < len(ladder.steps) else None


def rank(policy: Policy, level: str) -> int:
    """How high a level stands; below all when the policy does not know it."""
    return policy.levels.index(level) if level in policy.levels else -1


def agents_at(policy: Policy, team: str, level: str) -> tuple[Agent, ...]:
    """Who of the team works at this level; when nobody does, whoever of any team does (management)."""
    own = policy.teams[team].agents if team in policy.teams else ()
    return tuple(agent for agent in own if agent.level == level) or tuple(
        agent for agent in policy.agents.values() if agent.level == level
    )


def choose_agent(ticket: Ticket, policy: Policy) -> Agent | None:
    """Who gets the ticket: of those at its level, one who speaks the language if there is one.

    The random digits of the number spread tickets evenly, and on every node alike.
    """
    candidates = agents_at(policy, ticket.team, ticket.level)
    speakers = [agent for agent in candidates if ticket.language in agent.languages]
    among = speakers or list(candidates)
    digits = int("".join(filter(str.isdigit, ticket.number)) or "0")
    return among[digits % len(among)] if among else None
