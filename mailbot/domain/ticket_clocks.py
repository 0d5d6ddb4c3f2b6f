"""Compute the clocks of a ticket: which run, which pause, how each ends.

The clocks follow from facts: whose turn it is, and whether the customer's newest mail is answered.

- The clock of the answer runs while that mail is unanswered. The resolution's runs while the turn is ours or a
  third party's. Both pause while the turn is the customer's, and the follow-up's runs instead.
- A third party's wait, and news that a person promised, end at a moment that the person named.
- A ticket of ours or a third party's always has a running promise. Where its ladder has no target for that, it
  is news by the next reminder.

After closing nothing runs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from mailbot.domain.model import OVER, Clock, Target, Ticket, Turn
from mailbot.domain.policy import Ladder
from mailbot.domain.worktime import Calendar, between

# When the assignee has to ask a silent customer again or to close, if the ladder has no such target.
FOLLOW_UP = timedelta(hours=40)
_PLACE = {target: place for place, target in enumerate(Target)}
# Clocks that a step starts: when one ends, the step after it comes at once.
STEP_CLOCKS = frozenset({Target.CONFIRMATION, Target.DECISION})
PROMISES = frozenset({Target.FIRST_RESPONSE, Target.NEXT_RESPONSE, Target.RESOLUTION, Target.PROMISE})
# Targets that are no promise to the customer.
INTERNAL_TARGETS = STEP_CLOCKS | {Target.FOLLOW_UP, Target.THIRD_PARTY, Target.REPEAT}


def clocks_for(ticket: Ticket, ladder: Ladder, calendar: Calendar, now: datetime) -> tuple[Clock, ...]:
    """Return the clocks that belong to the ticket's turn; those that continue keep the time they have spent.

    `calendar` is the one by which the clocks ran until `now`.
    """
    run, paused = _running(ticket, ladder), _paused(ticket)
    kept = {clock.target: clock for clock in ticket.clocks}
    clocks = []
    for target in Target:
        clock, end = kept.get(target), run.get(target)
        if target in run:
            if clock is None or not _fits(clock, end):
                clock = _new_clock(target, end, now)
            if clock:
                clocks.append(clock if clock.running_since else replace(clock, running_since=now))
        elif clock and target in paused:
            clocks.append(pause(clock, calendar, now))
    return tuple(clocks)


# How a new clock ends: after a span of work time, or at a moment. None: no new clock.
End = timedelta | datetime | None


def _running(ticket: Ticket, ladder: Ladder) -> Mapping[Target, End]:
    """Return the clocks that run in the ticket's state, with the end of a new one."""
    if ticket.status in OVER:
        return {}
    if ticket.held_for:
        return {Target.REPEAT: ladder.repeat}
    if ticket.turn is Turn.CUSTOMER:
        wait = ladder.targets.get(Target.FOLLOW_UP, FOLLOW_UP)
        news = {Target.PROMISE: None} if _news_promised(ticket) else {}
        return {
            **news,
            Target.DECISION: None,
            Target.FOLLOW_UP: ticket.turn_until or wait,
            Target.REPEAT: wait,
        }
    promises = _promises(ticket, ladder)
    wait_of_others = {Target.THIRD_PARTY: ticket.turn_until} if ticket.turn is Turn.THIRD_PARTY else {}
    return {**promises, **wait_of_others, **dict.fromkeys(STEP_CLOCKS), Target.REPEAT: ladder.repeat}


def _promises(ticket: Ticket, ladder: Ladder) -> Mapping[Target, End]:
    """Return the promises of a ticket whose turn is ours or a third party's: always one at least.

    Where the ladder has no target for it, the customer gets news before the owner would be reminded.
    """
    targets = [Target.RESOLUTION]
    if ticket.unanswered and not ticket.is_incident:  # that has no customer
        targets.append(Target.NEXT_RESPONSE if ticket.first_response_at else Target.FIRST_RESPONSE)
    run: dict[Target, End] = {target: ladder.targets.get(target) for target in targets}
    known = {clock.target for clock in ticket.clocks}
    if _news_promised(ticket):
        run[Target.PROMISE] = None
    elif not any(run.values()) and not known & run.keys():
        run[Target.PROMISE] = ladder.repeat
    return run


def _news_promised(ticket: Ticket) -> bool:
    """Check for news that a person promised: a word given holds in any turn, until an answer."""
    return any(clock.target is Target.PROMISE and clock.ends_at for clock in ticket.clocks)


def _paused(ticket: Ticket) -> frozenset[Target]:
    """Return the clocks that go on later where they stopped: of an unanswered mail while the customer has the turn."""
    if ticket.unanswered and ticket.status not in OVER and ticket.turn is Turn.CUSTOMER:
        return frozenset({Target.FIRST_RESPONSE, Target.NEXT_RESPONSE, Target.RESOLUTION})
    return frozenset({Target.RESOLUTION})


def _fits(clock: Clock, end: End) -> bool:
    """Check that a clock goes on; a rhythm of reminders or a moment that changed makes another one."""
    if end is None:
        return True
    if isinstance(end, datetime) or clock.ends_at:
        return clock.ends_at == end
    return clock.target is not Target.REPEAT or clock.span == end


def _new_clock(target: Target, end: End, now: datetime) -> Clock | None:
    if isinstance(end, datetime):
        return Clock(target, timedelta(), timedelta(), now, ends_at=end)
    return Clock(target, end, timedelta(), now) if end else None


def pause(clock: Clock, calendar: Calendar, now: datetime) -> Clock:
    if clock.running_since is None:
        return clock
    spent = clock.spent + between(calendar, clock.running_since, max(now, clock.running_since))
    return replace(clock, spent=spent, running_since=None)


def change_calendar(clocks: Iterable[Clock], old: Calendar, now: datetime) -> tuple[Clock, ...]:
    """Return the clocks after a change of calendar: the time spent by the old one stays spent."""
    paused = ((clock, pause(clock, old, now)) for clock in clocks)
    return tuple(replace(to, running_since=now) if clock.running_since else clock for clock, to in paused)


def start_step_clock(
    clocks: Iterable[Clock], target: Target, within: timedelta, step: int, now: datetime
) -> tuple[Clock, ...]:
    """Add the clock of `step`: CONFIRMATION, by which the new assignee must act, or DECISION."""
    return sort_clocks((*without(clocks, target), Clock(target, within, timedelta(), now, (step,))))


def sort_clocks(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    """Sort the clocks, so that the same clocks are equal values whatever happened before."""
    return tuple(sorted(clocks, key=lambda clock: _PLACE[clock.target]))


def without(clocks: Iterable[Clock], *targets: Target) -> tuple[Clock, ...]:
    return tuple(clock for clock in clocks if clock.target not in targets)


def after_decision(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    return without(clocks, Target.DECISION)


def after_answer(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    """Return the clocks after our answer: who answers has it, it is the promised news, reminders begin again."""
    return without(clocks, Target.CONFIRMATION, Target.FOLLOW_UP, Target.PROMISE, Target.REPEAT)


def promise(clocks: Iterable[Clock], until: datetime, now: datetime) -> tuple[Clock, ...]:
    """Return the clocks with the promise of news by that time, in place of an earlier such promise."""
    kept = without(clocks, Target.PROMISE)
    return sort_clocks((*kept, Clock(Target.PROMISE, timedelta(), timedelta(), now, ends_at=until)))


def take_step(clocks: Iterable[Clock], target: Target, step: int, at: datetime) -> tuple[Clock, ...]:
    """Return the clocks with `step` of `target` taken at `at`, when REPEAT starts again.

    REPEAT keeps the steps whose own clock does not run: another step brought them on, and they come once.
    """
    changed: list[Clock] = []
    clocks = without(clocks, *STEP_CLOCKS & {target})
    kept = () if step < 0 or any(clock.target is target for clock in clocks) else (step,)
    for clock in clocks:
        if clock.target is Target.REPEAT:
            clock = replace(clock, spent=timedelta(), running_since=at, fired=(*clock.fired, *kept))
        elif clock.target is target:
            clock = replace(clock, fired=(*clock.fired, step))
        changed.append(clock)
    return tuple(changed)
