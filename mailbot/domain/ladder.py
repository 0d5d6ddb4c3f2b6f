"""Clocks and steps: what runs whose turn it is, what is due next, which ladder a ticket climbs.

The clocks follow from the ticket's status alone. While it is our turn (new, open) the answer's clock and
the resolution's run; while it is the customer's (waiting) our promises stand still and the follow-up's clock
runs; after closing nothing does. A step of a ladder hangs on a clock; the next deadline is the earliest step
that its clock has not fired yet. When no step is left, REPEAT reminds who has the ticket: an open ticket
always has a next deadline.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailbot.domain.model import OVER, Clock, Status, Target, Ticket
from mailbot.domain.policy import Agent, Ladder, Policy, Step
from mailbot.domain.quiet import wakes
from mailbot.domain.worktime import ALWAYS, Calendar, add, between

# A clock's own end, beside the ladder's steps (which count from 0): the promise itself was missed.
MISSED = -1
# When the owner is to ask a silent customer again or to close, where the ladder says nothing else.
FOLLOW_UP = timedelta(hours=40)
_PLACE = {target: place for place, target in enumerate(Target)}
# Clocks of one step of the ladder: when they end, the rung after it comes at once.
HURRIED = frozenset({Target.CONFIRMATION, Target.DECISION})
# What nobody promised to the customer, so that nothing is broken when it ends.
UNPROMISED = HURRIED | {Target.FOLLOW_UP, Target.REPEAT}


@dataclass(frozen=True, slots=True)
class Deadline:
    """The next thing that falls due on a ticket. `step` is an index into the ladder's steps, MISSED, or the
    ladder's length where a clock hurries and no rung is left. `moved_from`: when it would have come but for
    the quiet hours."""

    due_at: datetime
    target: Target
    step: int
    moved_from: datetime | None = None


# --- clocks -----------------------------------------------------------------------------------------------


def clocks_for(ticket: Ticket, ladder: Ladder, calendar: Calendar, now: datetime) -> tuple[Clock, ...]:
    """The clocks that belong to `ticket.status`, those that go on keep what they have spent.

    Give the calendar by which the clocks ran until `now`.
    """
    run = _running(ticket, ladder)
    kept = {clock.target: clock for clock in ticket.clocks}
    clocks = []
    for target in Target:
        clock = kept.get(target)
        if target in run and target is Target.REPEAT and clock and clock.span != run[target]:
            clock = None  # another turn reminds in another rhythm
        if clock is None and (span := run.get(target)):
            clock = Clock(target, span, timedelta(), None)
        if clock is None:
            continue
        if target in run:
            clocks.append(clock if clock.running_since else replace(clock, running_since=now))
        elif target is Target.RESOLUTION:
            clocks.append(paused(clock, calendar, now))
    return tuple(clocks)


def _running(ticket: Ticket, ladder: Ladder) -> Mapping[Target, timedelta | None]:
    """Which clocks run in the ticket's state, and how long each is when it begins now (None: not now)."""
    if ticket.status in OVER:
        return {}
    if ticket.held_for:
        return {Target.REPEAT: ladder.repeat}
    if ticket.status is Status.WAITING:
        wait = ladder.targets.get(Target.FOLLOW_UP, FOLLOW_UP)
        return {Target.DECISION: None, Target.FOLLOW_UP: wait, Target.REPEAT: wait}
    answer = Target.NEXT_RESPONSE if ticket.first_response_at else Target.FIRST_RESPONSE
    return {
        answer: ladder.targets.get(answer),
        Target.RESOLUTION: ladder.targets.get(Target.RESOLUTION),
        **dict.fromkeys(HURRIED, None),
        Target.REPEAT: ladder.repeat,
    }


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


def hurried(
    clocks: Iterable[Clock], target: Target, within: timedelta, step: int, now: datetime
) -> tuple[Clock, ...]:
    """With the clock of `step` at whose end the step after it comes at once: CONFIRMATION, by which the new
    owner must act, or DECISION."""
    return in_order((*without(clocks, target), Clock(target, within, timedelta(), now, (step,))))


def in_order(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    """However they came about, the same clocks are the same value."""
    return tuple(sorted(clocks, key=lambda clock: _PLACE[clock.target]))


def without(clocks: Iterable[Clock], *targets: Target) -> tuple[Clock, ...]:
    return tuple(clock for clock in clocks if clock.target not in targets)


def decided(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    return without(clocks, Target.DECISION)


def answered(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    """What reminds begins anew: after our answer the customer has all the time to reply again."""
    return without(clocks, Target.FOLLOW_UP, Target.REPEAT)


def fired(clocks: Iterable[Clock], target: Target, step: int, at: datetime) -> tuple[Clock, ...]:
    """The clocks with `step` of `target` marked as taken at `at`, from when on REPEAT counts again."""
    return tuple(
        _fired(clock, target, step, at) for clock in clocks if clock.target not in HURRIED & {target}
    )


def _fired(clock: Clock, target: Target, step: int, at: datetime) -> Clock:
    if clock.target is Target.REPEAT:
        return replace(clock, spent=timedelta(), running_since=at)
    return replace(clock, fired=(*clock.fired, step)) if clock.target is target else clock


# --- what comes due ---------------------------------------------------------------------------------------


def deadlines(ticket: Ticket, ladder: Ladder, calendar: Calendar) -> list[Deadline]:
    """All that will fall due on this ticket if nothing else happens, earliest first; REPEAT comes when the
    rest is over."""
    found = [due for clock, left in _at_work(ticket, ladder) for due in _dues(clock, left, ladder, calendar)]
    return sorted(found, key=_order)


def next_deadline(ticket: Ticket, policy: Policy) -> Deadline | None:
    """The earliest of `deadlines`: what the store arms for this ticket. None only when it is over."""
    if ticket.status in OVER or not ticket.clocks:
        return None
    # One decision asks several times before the clocks change: by the very same values there is one answer.
    asked = (ticket.ladder_digest, ticket.ladder, ticket.priority, ticket.team)
    known = policy.last_deadline[0]
    if known and known[0] is ticket.clocks and known[1] == asked:
        found: Deadline | None = known[2]
        return found
    due = _next_deadline(ticket, policy)
    policy.last_deadline[0] = (ticket.clocks, asked, due)
    return due


def _next_deadline(ticket: Ticket, policy: Policy) -> Deadline | None:
    ladder, calendar = ladder_of(ticket, policy), calendar_of(ticket, policy)
    found: list[Deadline] = []
    for clock, left in _at_work(ticket, ladder):
        for due in _dues(clock, left, ladder, calendar):
            found.append(due)
            # Work time is dear to reckon, and more of it never ends sooner; but what the quiet hours hold
            # may come after what they don't.
            if not due.moved_from:
                break
    return min(found, key=_order, default=None)


def _order(deadline: Deadline) -> tuple[datetime, int]:
    return deadline.due_at, deadline.step


# (work time since the clock began, step) of what has not come yet
Left = list[tuple[timedelta, int]]


def _at_work(ticket: Ticket, ladder: Ladder) -> list[tuple[Clock, Left]]:
    """The clocks that run and have something to come; REPEAT where no other has."""
    running = [(clock, _left(clock, ladder, ticket.clocks)) for clock in ticket.clocks if clock.running_since]
    others = [each for each in running if each[1] and each[0].target is not Target.REPEAT]
    return others or [each for each in running if each[0].target is Target.REPEAT]


def _dues(clock: Clock, left: Left, ladder: Ladder, calendar: Calendar) -> Iterator[Deadline]:
    """What of this clock has not come yet, by the work time that is left until then."""
    assert clock.running_since
    for after, step in sorted(left):
        due_at = _passes(calendar, clock.running_since, max(timedelta(), after - clock.spent))
        held = wakes(due_at, ladder.quiet, calendar.zone) if _waits(clock, step, ladder) else due_at
        yield Deadline(held, clock.target, step, due_at if held != due_at else None)


def _passes(calendar: Calendar, start: datetime, span: timedelta) -> datetime:
    """When so much work time has passed. A calendar that never opens again must let no ticket rest for ever:
    there the time runs round the clock."""
    try:
        return add(calendar, start, span)
    except ValueError:
        return add(ALWAYS, start, span)


def _waits(clock: Clock, step: int, ladder: Ladder) -> bool:
    """May it wait for the end of the quiet hours? What only reminds may, and writes mail at all."""
    if not ladder.quiet:
        return False
    if step == MISSED:
        return clock.target in UNPROMISED
    rung = step_at(ladder, step)
    return rung is None or only_reminds(rung)


def only_reminds(step: Step) -> bool:
    """It tells people of ours, and changes nothing about who has the ticket or what the customer hears."""
    moves = step.escalate_to or step.escalate_by_category or step.hand_over_to or step.reassign
    return not (moves or step.ask_decision or step.tell_customer)


def _left(clock: Clock, ladder: Ladder, clocks: Iterable[Clock]) -> Left:
    if clock.target in HURRIED:
        return [(clock.span, _rung_after(clock.fired[0], ladder, clocks))]
    if clock.target is Target.REPEAT:
        return [(clock.span, MISSED)]
    hanging = [(index, step) for index, step in enumerate(ladder.steps) if step.at.target is clock.target]
    # A ladder's own steps stand in for the reminder that a follow-up is without them.
    ends = MISSED not in clock.fired and not (clock.target is Target.FOLLOW_UP and hanging)
    own = [(clock.span, MISSED)] if ends else []
    return own + [(offset_of(step, clock.span), index) for index, step in hanging if index not in clock.fired]


def offset_of(step: Step, span: timedelta) -> timedelta:
    """How long after its clock's begin a step comes; `span` is the target's."""
    return span * step.at.share + step.at.offset


def _rung_after(step: int, ladder: Ladder, clocks: Iterable[Clock]) -> int:
    """The next step that has not come by itself meanwhile; the ladder's length when there is none."""
    taken = {(clock.target, index) for clock in clocks for index in clock.fired}
    under_way = [index for clock in clocks if clock.target in HURRIED for index in clock.fired]
    taken |= {(rung.at.target, index) for index in under_way if (rung := step_at(ladder, index))}
    rungs = range(step + 1, len(ladder.steps))
    free = (index for index in rungs if (ladder.steps[index].at.target, index) not in taken)
    return next(free, len(ladder.steps))


def end_of(ticket: Ticket, policy: Policy, target: Target) -> datetime | None:
    """When the clock of `target` ends by itself; None when it does not run."""
    clock = next((each for each in ticket.clocks if each.target is target), None)
    if clock is None or clock.running_since is None:
        return None
    return _passes(
        calendar_of(ticket, policy), clock.running_since, max(timedelta(), clock.span - clock.spent)
    )


# --- which ladder -----------------------------------------------------------------------------------------


def ladder_of(ticket: Ticket, policy: Policy) -> Ladder:
    """The ladder that the ticket was given, as it was then; see `current_ladder` where nobody knows it."""
    return policy.ladders_by_digest.get(ticket.ladder_digest) or current_ladder(ticket, policy)


def current_ladder(ticket: Ticket, policy: Policy) -> Ladder:
    """The ticket's ladder as the policy has it; when that is gone, its priority's, else the first of all."""
    by_priority = policy.ladder_of.get(ticket.priority, "")
    for name in (ticket.ladder, by_priority):
        if name in policy.ladders:
            return policy.ladders[name]
    return next(iter(policy.ladders.values()))


def level_of(step: Step, category: str) -> str:
    """The level that a step raises a ticket of this category to, by the longest path that it names; "" when
    it raises none."""
    path = category
    while path:
        if path in step.escalate_by_category:
            return step.escalate_by_category[path]
        path = path.rpartition("/")[0]
    return step.escalate_to


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
