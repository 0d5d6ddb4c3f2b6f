"""Compute what is due next on a ticket: the steps of its ladder, the ends of its clocks, news for its customer.

Each step of a ladder belongs to a clock (`ticket_clocks`). The next deadline is the earliest step that has not
been taken. After the last step, REPEAT reminds the assignee: an open ticket always has a next deadline.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import chain
from operator import attrgetter

from mailbot.domain.model import OVER, Clock, Target, Ticket, Turn
from mailbot.domain.policy import Agent, Ladder, Policy, Step
from mailbot.domain.ticket_clocks import INTERNAL_TARGETS, PROMISES, STEP_CLOCKS
from mailbot.domain.worktime import ALWAYS, Calendar, add, end_of_quiet_hours

# Instead of a step's index (from 0): the end of the clock itself, when its target was missed.
MISSED = -1
# Or: the customer was silent for so long that the ticket closes by itself.
CLOSE = -2
# Or: the time that the customer was given is about to pass, and they get a later one.
NEWS = -3
# How long before that time at most, where the ladder leaves it to us.
MOST_BEFORE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The next thing that comes due on a ticket.

    `step` is an index into the ladder's steps, or MISSED; it is the ladder's length when a step's clock ends
    and there is no step after it. `moved_from`: when it would have come without quiet hours.
    """

    due_at: datetime
    target: Target
    step: int
    moved_from: datetime | None = None


_ORDER = attrgetter("due_at", "step")


# --- deadlines --------------------------------------------------------------------------------------------


def deadlines(ticket: Ticket, ladder: Ladder, calendar: Calendar) -> list[Deadline]:
    """List what comes due if nothing else happens, earliest first; REPEAT only after all others."""
    dues = (_dues(clock, left, ladder, calendar) for clock, left in _running_left(ticket, ladder))
    return sorted(chain.from_iterable(dues), key=_ORDER)


def upcoming(ticket: Ticket, ladder: Ladder, calendar: Calendar) -> Iterator[Deadline]:
    """Yield what `deadlines` lists, computed as it is asked for: work time is costly.

    A step that quiet hours delay may come before a later one of another clock.
    """
    return merge(
        *(_dues(clock, left, ladder, calendar) for clock, left in _running_left(ticket, ladder)), key=_ORDER
    )


def next_deadline(ticket: Ticket, policy: Policy, now: datetime | None = None) -> Deadline | None:
    """Return what comes due first, for the store; None only when the ticket is over.

    `now`: what only reminds, and is late, waits for the end of the quiet hours that it is in.
    """
    due = _cached_deadline(ticket, policy)
    if now and due and due.due_at <= now and ladder_of(ticket, policy).quiet:
        return _next_deadline(ticket, policy, now)
    return due


def _cached_deadline(ticket: Ticket, policy: Policy) -> Deadline | None:
    if ticket.status in OVER or not ticket.clocks:
        return None
    # A batch asks for each of its tickets several times, and its new tickets often have the same clocks.
    key = ("next", *decided_by(ticket))
    cached = policy.computed.get(key)
    if cached is None:
        cached = (ticket.clocks, _next_deadline(ticket, policy))
        policy.computed.add(key, cached)
    found: Deadline | None = cached[1]
    return found


def decided_by(ticket: Ticket) -> tuple[object, ...]:
    """Return all of a ticket by which its deadlines are computed. Its clocks are kept with the result."""
    return (
        *(
            id(ticket.clocks),
            ticket.ladder_digest,
            ticket.ladder,
            ticket.priority,
            ticket.team,
            ticket.mailbox,
        ),
        *(ticket.unanswered, ticket.informed_until, ticket.turn, ticket.turn_until, ticket.is_complaint),
        ticket.held_for is None,
    )


def _next_deadline(ticket: Ticket, policy: Policy, now: datetime | None = None) -> Deadline | None:
    ladder, calendar = ladder_of(ticket, policy), calendar_of(ticket, policy)
    closes = closes_at(ticket, policy)
    found = [Deadline(closes, Target.FOLLOW_UP, CLOSE)] if closes else []
    if informs := informs_at(ticket, ladder):
        found.append(Deadline(informs, Target.PROMISE, NEWS))
    for clock, left in _running_left(ticket, ladder):
        for due in _dues(clock, left, ladder, calendar, now):
            found.append(due)
            # Work time is costly to compute, and a later step never comes sooner. But a step that quiet hours
            # delay may come after one that they don't.
            if not due.moved_from:
                break
    return min(found, key=_ORDER, default=None)


# (work time since the clock began, step) of each step that has not been taken
Left = list[tuple[timedelta, int]]


def _running_left(ticket: Ticket, ladder: Ladder) -> list[tuple[Clock, Left]]:
    """Return the running clocks that have steps left, with these; REPEAT only where no other has."""
    if ticket.is_complaint:
        ladder = replace(ladder, steps=())  # a promise may be missed; who acts is the incident's people
    running = [(clock, _left(clock, ladder, ticket.clocks)) for clock in ticket.clocks if clock.running_since]
    others = [(clock, left) for clock, left in running if left and clock.target is not Target.REPEAT]
    return others or [(clock, left) for clock, left in running if clock.target is Target.REPEAT]


def closes_at(ticket: Ticket, policy: Policy) -> datetime | None:
    """Return when the ticket closes if its customer stays silent; never while a mail has no answer."""
    box = policy.mailbox_for(ticket.mailbox)
    waits = ticket.turn is Turn.CUSTOMER and not (ticket.unanswered or ticket.turn_until)
    if not (box and box.close_after and waits) or ticket.status in OVER:
        return None
    since = next((each.running_since for each in ticket.clocks if each.target is Target.FOLLOW_UP), None)
    return since + box.close_after if since else None


def informs_at(ticket: Ticket, ladder: Ladder) -> datetime | None:
    """Return when the customer gets a later time than the one that they were given, None where they get none."""
    until = ticket.informed_until
    if until is None or ticket.turn is Turn.CUSTOMER or ticket.is_complaint or ticket.held_for:
        return None
    before = ladder.news_before
    if before is None:
        before = min(_length_of_promise(ticket, ladder) / 10, MOST_BEFORE)
    return until - before if before else None


def _length_of_promise(ticket: Ticket, ladder: Ladder) -> timedelta:
    for clock in ticket.clocks:
        ends_at, began = clock.ends_at, clock.running_since
        if clock.target is Target.PROMISE and began and ends_at and ends_at == ticket.informed_until:
            return ends_at - began
    targets = (Target.FIRST_RESPONSE, Target.RESOLUTION) if ticket.unanswered else (Target.RESOLUTION,)
    return next((span for each in targets if (span := ladder.targets.get(each))), ladder.repeat)


def _dues(
    clock: Clock, left: Left, ladder: Ladder, calendar: Calendar, now: datetime | None = None
) -> Iterator[Deadline]:
    """List the deadlines of a clock's steps that have not been taken, earliest first."""
    assert clock.running_since
    for after, step in sorted(left):
        due_at = clock.ends_at or after_span(
            calendar, clock.running_since, max(timedelta(), after - clock.spent)
        )
        moved = due_at
        if _waits_for_quiet_hours(clock, step, ladder):
            moved = end_of_quiet_hours(due_at, ladder.quiet, calendar.zone)
            if now and moved < now < (later := end_of_quiet_hours(now, ladder.quiet, calendar.zone)):
                moved = later
        yield Deadline(moved, clock.target, step, due_at if moved != due_at else None)


def after_span(calendar: Calendar, start: datetime, span: timedelta) -> datetime:
    """Return when the span has passed, without calendar hours where the calendar never opens again."""
    try:
        return add(calendar, start, span)
    except ValueError:
        return add(ALWAYS, start, span)


def _waits_for_quiet_hours(clock: Clock, step: int, ladder: Ladder) -> bool:
    """Decide whether quiet hours delay it: a reminder yes, a missed promise or an escalation no."""
    if step == MISSED or not ladder.quiet:
        return bool(ladder.quiet) and clock.target in INTERNAL_TARGETS
    found = step_at(ladder, step)
    return found is None or only_reminds(found)


def only_reminds(step: Step) -> bool:
    """Check that a step only notifies our people: the assignee stays, and the customer gets no mail."""
    moves = step.escalate_to or step.escalate_by_category or step.hand_over_to or step.reassign
    return not (moves or step.ask_decision or step.tell_customer)


def _left(clock: Clock, ladder: Ladder, clocks: Iterable[Clock]) -> Left:
    if clock.target in STEP_CLOCKS:
        return [(clock.span, _next_step(clock.fired[0], ladder, clocks))]
    if clock.target is Target.REPEAT:
        return [(clock.span, MISSED)]
    if clock.ends_at:
        return [] if MISSED in clock.fired else [(clock.span, MISSED)]
    steps = [(index, step) for index, step in enumerate(ladder.steps) if step.at.target is clock.target]
    # Without steps of its own, the end of the follow-up is a reminder.
    ends = MISSED not in clock.fired and not (clock.target is Target.FOLLOW_UP and steps)
    own = [(clock.span, MISSED)] if ends else []
    return own + [(offset_of(step, clock.span), index) for index, step in steps if index not in clock.fired]


def offset_of(step: Step, span: timedelta) -> timedelta:
    """Return how long after its clock began a step comes; `span` is the target's."""
    return span * step.at.share + step.at.offset


def _next_step(step: int, ladder: Ladder, clocks: Iterable[Clock]) -> int:
    """Return the next step that has not been taken; the ladder's length when there is none."""
    taken = {(clock.target, index) for clock in clocks for index in clock.fired}
    others = STEP_CLOCKS | {Target.REPEAT}
    started = [index for clock in clocks if clock.target in others for index in clock.fired]
    taken |= {(found.at.target, index) for index in started if (found := step_at(ladder, index))}
    later = range(step + 1, len(ladder.steps))
    left = (index for index in later if (ladder.steps[index].at.target, index) not in taken)
    return next(left, len(ladder.steps))


def promises(ticket: Ticket, policy: Policy) -> list[tuple[datetime, Target]]:
    """List the promises that run, the earliest first."""
    ends = ((end_of_clock(ticket, policy, target), target) for target in PROMISES)
    return sorted((end, target) for end, target in ends if end)


def end_of_clock(ticket: Ticket, policy: Policy, target: Target) -> datetime | None:
    """Return when the clock of `target` ends by itself; None when it does not run."""
    clock = next((clock for clock in ticket.clocks if clock.target is target), None)
    if clock is None or clock.running_since is None:
        return None
    left = max(timedelta(), clock.span - clock.spent)
    return clock.ends_at or after_span(calendar_of(ticket, policy), clock.running_since, left)


def promised_at(ticket: Ticket, policy: Policy) -> datetime | None:
    """Return when the earliest of the promises to the customer ends; None where none runs."""
    key = ("promised", *decided_by(ticket))
    cached = policy.computed.get(key)
    if cached is None:
        cached = (ticket.clocks, _promised_at(ticket, policy))
        policy.computed.add(key, cached)
    found: datetime | None = cached[1]
    return found


def _promised_at(ticket: Ticket, policy: Policy) -> datetime | None:
    running = [clock for clock in ticket.clocks if clock.running_since and clock.target in PROMISES]
    # Work time is costly to compute: one that began later and has more left can't end first.
    first = [clock for clock in running if not any(_ends_before(other, clock) for other in running)]
    ends = (end_of_clock(ticket, policy, clock.target) for clock in first)
    return min((end for end in ends if end), default=None)


def _ends_before(one: Clock, other: Clock) -> bool:
    if one.ends_at or other.ends_at or not (one.running_since and other.running_since):
        return False
    left, other_left = one.span - one.spent, other.span - other.spent
    return one.running_since <= other.running_since and left < other_left


# --- ladder, calendar, agents -----------------------------------------------------------------------------


def ladder_of(ticket: Ticket, policy: Policy) -> Ladder:
    """Return the ladder that the ticket was given, as it was then; `current_ladder` where it is not known."""
    return policy.ladders_by_digest.get(ticket.ladder_digest) or current_ladder(ticket, policy)


def current_ladder(ticket: Ticket, policy: Policy) -> Ladder:
    """Return the ticket's ladder in this policy; when it is gone, its priority's, else the first of all."""
    names = (ticket.ladder, policy.ladder_of.get(ticket.priority, ""), *policy.ladders)
    return next(policy.ladders[name] for name in names if name in policy.ladders)


def level_of(step: Step, category: str) -> str:
    """Return the level that a step escalates a ticket of this category to; "" for none.

    The longest category of `escalate_by_category` that fits decides.
    """
    path = category
    while path:
        if path in step.escalate_by_category:
            return step.escalate_by_category[path]
        path = path.rpartition("/")[0]
    return step.escalate_to


def calendar_of(ticket: Ticket, policy: Policy) -> Calendar:
    """Return the calendar of the ticket's team; of the first team when a reload removed the ticket's."""
    team = policy.teams.get(ticket.team) or next(iter(policy.teams.values()))
    return policy.calendars[team.calendar]


def step_at(ladder: Ladder, index: int) -> Step | None:
    return ladder.steps[index] if 0 <= index < len(ladder.steps) else None


def open_question(ticket: Ticket, policy: Policy) -> Step | None:
    """Return the step whose question is not decided yet."""
    clock = next((each for each in ticket.clocks if each.target is Target.DECISION), None)
    return step_at(ladder_of(ticket, policy), clock.fired[0]) if clock else None


def rank_of(policy: Policy, level: str) -> int:
    """Return the place of a level from the lowest, 0; -1 when the policy does not have it."""
    return policy.levels.index(level) if level in policy.levels else -1


def agents_at(policy: Policy, team: str, level: str) -> tuple[Agent, ...]:
    """List the team's agents at this level; when it has none, those of all teams (management)."""
    own = policy.teams[team].agents if team in policy.teams else ()
    mine, others = ([each for each in some if each.level == level] for some in (own, policy.agents.values()))
    return tuple(mine or others)
