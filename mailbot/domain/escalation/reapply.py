"""Open tickets on a ladder that an admin changed, when the admin has their deadlines computed again.

By itself a ticket keeps the ladder that it was given. Computed again, it follows the one that the policy has
under that name now:

- The time spent stays spent.
- A step that was taken already, word for word, is not taken again.
- Of the other steps whose moment is past, the newest is taken once. The older ones count as taken, so that
  no agent gets all the mails of a day at once.
- A target whose new end is past counts as it did before: a rewritten promise is not missed by that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailbot.domain import events as e
from mailbot.domain import ladder, ticket_clocks
from mailbot.domain.actor import Actor
from mailbot.domain.assignment import NO_LOADS, Loads
from mailbot.domain.escalation import ownership
from mailbot.domain.ladder import MISSED
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.model import OVER, Clock, Target, Ticket
from mailbot.domain.policy import Ladder, Policy
from mailbot.domain.ticket_clocks import STEP_CLOCKS
from mailbot.domain.worktime import Calendar


def follows_current_ladder(ticket: Ticket, policy: Policy) -> bool:
    """Check whether the ticket follows its ladder as the policy has it now."""
    return ladder.ladder_of(ticket, policy) == ladder.current_ladder(ticket, policy)


def recompute(ticket: Ticket, policy: Policy, now: datetime, by: Actor, loads: Loads = NO_LOADS) -> Decision:
    """Put the ticket on its ladder as it is now, with an owner. A decision without events changes nothing."""
    builder = DecisionBuilder(ticket, loads=loads)
    if ticket.status not in OVER and not follows_current_ladder(ticket, policy):
        new = ladder.current_ladder(ticket, policy)
        clocks = clocks_on(ticket, ladder.ladder_of(ticket, policy), new, policy, now)
        builder.record(e.LadderChanged(now, by, new.name, policy.digests[new.name], clocks))
    ownership.ensure_owner(builder, policy, now)
    return builder.decision()


_USUAL = {Target.FOLLOW_UP: ticket_clocks.FOLLOW_UP}  # spans without a target in the ladder


@dataclass(frozen=True, slots=True)
class _Recomputed:
    """A clock by the new ladder. `over`: past steps, with how long ago that was. `done`: those taken
    already.
    """

    clock: Clock
    over: Mapping[int, timedelta]
    done: frozenset[int]


def clocks_on(ticket: Ticket, old: Ladder, new: Ladder, policy: Policy, now: datetime) -> tuple[Clock, ...]:
    """Return the clocks that ran by `old` with the new spans and the steps that count as taken."""
    calendar = ladder.calendar_of(ticket, policy)
    same = {index: new.steps.index(step) for index, step in enumerate(old.steps) if step in new.steps}
    recomputed = [_recompute_clock(clock, same, new, calendar, now) for clock in ticket.clocks]
    due = _newest(each for each in recomputed if each)
    clocks = tuple(_with_step_open(due, each.clock) for each in recomputed if each)
    return ticket_clocks.clocks_for(replace(ticket, clocks=clocks), new, calendar, now)


def _recompute_clock(
    clock: Clock, same: Mapping[int, int], new: Ladder, calendar: Calendar, now: datetime
) -> _Recomputed | None:
    """Return None for what the new ladder does not promise. `same`: step of the old ladder -> of the new
    one.
    """
    if clock.target in STEP_CLOCKS:
        return _Recomputed(replace(clock, fired=(same.get(clock.fired[0], MISSED),)), {}, frozenset())
    if clock.target is Target.REPEAT:  # `clocks_for` sees to the rhythm
        kept = tuple(same[index] for index in clock.fired if index in same)
        return _Recomputed(replace(clock, fired=kept), {}, frozenset())
    if clock.ends_at:
        return _Recomputed(clock, {}, frozenset())
    span = new.targets.get(clock.target, _USUAL.get(clock.target))
    if clock.target is Target.PROMISE:
        span = new.repeat
    if span is None:
        return None
    spent = ticket_clocks.pause(clock, calendar, now).spent
    done = frozenset(same[index] for index in clock.fired if index in same)
    over = _past(clock.target, span, spent, new)
    missed = {MISSED} if MISSED in clock.fired or spent >= span else set()
    fired = tuple(sorted(done | over.keys() | missed))
    return _Recomputed(replace(clock, span=span, fired=fired), over, done)


def _newest(recomputed: Iterable[_Recomputed]) -> tuple[Target, int] | None:
    """Find the step that came due last on a running clock, unless it was taken already."""
    over = [
        (ago, -step, each.clock.target, step in each.done)
        for each in recomputed
        if each.clock.running_since
        for step, ago in each.over.items()
    ]
    _, step, target, done = min(over, default=(None, 0, Target.REPEAT, True))
    return None if done else (target, -step)


def _with_step_open(due: tuple[Target, int] | None, clock: Clock) -> Clock:
    """Return the clock with that step still to be taken."""
    if due is None or due[0] is not clock.target:
        return clock
    return replace(clock, fired=tuple(each for each in clock.fired if each != due[1]))


def _past(target: Target, span: timedelta, spent: timedelta, new: Ladder) -> dict[int, timedelta]:
    """Find the past steps of this clock, and how long ago they were due."""
    steps = [(index, step) for index, step in enumerate(new.steps) if step.at.target is target]
    offsets = {index: ladder.offset_of(step, span) for index, step in steps}
    return {index: spent - max(timedelta(), after) for index, after in offsets.items() if after <= spent}
