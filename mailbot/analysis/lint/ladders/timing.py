"""Times of a ladder that contradict each other, or that no agent can ever use.

- `acknowledge_within` is longer than the way to the next step.
- A reminder comes at the moment at which the ticket changes hands.
- The resolution is promised before the first answer.
- Quiet hours leave no time for reminders.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from mailbot.analysis.lint.finding import Finding, Severity, Spot, Witness
from mailbot.analysis.lint.ladders import ladder_runs
from mailbot.analysis.lint.ladders.ladder_cases import (
    LadderCase,
    LadderContext,
    local_time_of,
    span_text,
    spot,
    step_runs,
    step_text,
    with_proof,
)
from mailbot.analysis.lint.ladders.ladder_runs import LadderRun, StepRun
from mailbot.analysis.lint.routes import Proof
from mailbot.domain import ladder as ladders
from mailbot.domain.model import Clock, Target, Ticket
from mailbot.domain.policy import Ladder, Policy
from mailbot.domain.ticket_clocks import STEP_CLOCKS
from mailbot.domain.worktime import ALL_DAY, Interval, end_of_quiet_hours, quiet_hours_text

CONFIRMATION, REMINDER = "confirmation-in-vain", "reminder-in-vain"
TARGETS, QUIET = "targets-reversed", "quiet-all-day"
LEAST = timedelta(hours=1)  # that quiet hours must leave


def find(context: LadderContext) -> Iterator[Finding]:
    for ladder in context.policy.ladders.values():
        yield from _targets(context, ladder)
        yield from _quiet_hours(context, ladder)
        for index, step in enumerate(ladder.steps):
            if step.acknowledge_within:
                yield from _confirmation(context, ladder, index, step.acknowledge_within)
            if step.remind:
                yield from _reminder(context, ladder, index)


def _taken(context: LadderContext, ladder: Ladder, index: int) -> list[tuple[LadderCase, LadderRun, StepRun]]:
    """List where a step is taken in the runs of all tickets on the ladder."""
    return [
        (case, run, taken)
        for case in context.cases[ladder.name]
        for run in case.runs
        for taken in run.steps
        if taken.step == index
    ]


# --- time to confirm --------------------------------------------------------------------------------------


def _confirmation(context: LadderContext, ladder: Ladder, index: int, within: timedelta) -> Iterator[Finding]:
    """Find a time to confirm that always outlasts the way to the next step."""
    taken = [each for each in _taken(context, ladder, index) if _time_to_confirm(each[2])]
    following = [_sooner(context.policy, run, step) for _, run, step in taken]
    if not taken or not all(following):
        return
    first = following[0]
    assert first
    yield from with_proof(
        context,
        Finding(
            CONFIRMATION,
            Severity.REMARK,
            spot(ladder.name, index, "acknowledge_within"),
            f"{step_text(ladder, index)} gives {span_text(within)} to confirm, but step {first.step + 1} comes "
            "sooner, whether anybody confirms or not",
            "give less time to confirm, or let the next step come later",
            (ladder.name,),
        ),
        [route for case, _, _ in taken for route in case.routes],
        partial(_confirmation_witness, context, index),
    )


def _sooner(policy: Policy, run: LadderRun, taken: StepRun) -> StepRun | None:
    """Return the next step if its own clock brings it before the time to confirm ends."""
    clock = _time_to_confirm(taken)
    if clock is None:
        return None
    until = ladders.after_span(ladders.calendar_of(taken.after, policy), taken.at, clock.span)
    before = {each.step for each in run.steps if each.at <= taken.at}
    later = [each for each in run.steps if each.step > taken.step and each.step not in before]
    following = min(later, key=lambda each: each.step, default=None)
    return following if following and following.at < until else None


def _time_to_confirm(taken: StepRun) -> Clock | None:
    """Return the clock that the step started; None where it changed no owner and asked nothing."""
    clocks = (each for each in taken.after.clocks if each.target in STEP_CLOCKS)
    return next((each for each in clocks if each.fired[0] == taken.step), None)


def _confirmation_witness(context: LadderContext, index: int, proof: Proof) -> Witness | None:
    for run, taken in step_runs(context.policy, proof, index):
        if following := _sooner(context.policy, run, taken):
            shows = (
                f"{run.description}: step {following.step + 1} is taken, and the time to confirm still runs"
            )
            return Witness(shows, proof.mail, local_time_of(context.policy, taken.after.team, following.at))
    return None


# --- reminders --------------------------------------------------------------------------------------------


def _reminder(context: LadderContext, ladder: Ladder, index: int) -> Iterator[Finding]:
    """Find a reminder at the moment at which the ticket goes to somebody else."""
    found = [
        (case, moved) for case, run, taken in _taken(context, ladder, index) if (moved := _moved(run, taken))
    ]
    if not found:
        return
    moved = found[0][1]
    where = "this step" if moved.step == index else f"step {moved.step + 1}"
    yield from with_proof(
        context,
        Finding(
            REMINDER,
            Severity.REMARK,
            spot(ladder.name, index, "remind"),
            f"{step_text(ladder, index)} reminds at the moment at which {where} gives the ticket to somebody "
            "else, who gets a mail about that anyway",
            "remind earlier, or remove the reminder",
            (ladder.name,),
        ),
        [route for case, _ in found for route in case.routes],
        partial(_reminder_witness, context, index),
    )


def _reminder_witness(context: LadderContext, index: int, proof: Proof) -> Witness | None:
    for run, taken in step_runs(context.policy, proof, index):
        if moved := _moved(run, taken):
            shows = f"{run.description}: it goes from {_place(moved.before)} to {_place(moved.after)} then"
            return Witness(shows, proof.mail, local_time_of(context.policy, taken.before.team, taken.at))
    return None


def _moved(run: LadderRun, taken: StepRun) -> StepRun | None:
    """Return the step that gives the ticket to somebody else at the moment of `taken`."""
    same_moment = (each for each in run.steps if each.at == taken.at)
    return next((each for each in same_moment if _place(each.before) != _place(each.after)), None)


def _place(ticket: Ticket) -> str:
    return f"{ticket.assignee} ({ticket.team}, {ticket.level})"


# --- targets ----------------------------------------------------------------------------------------------


def _targets(context: LadderContext, ladder: Ladder) -> Iterator[Finding]:
    """Find a resolution that is promised before the first answer."""
    answer, resolution = (ladder.targets.get(each) for each in (Target.FIRST_RESPONSE, Target.RESOLUTION))
    if answer is None or resolution is None or answer <= resolution:
        return
    finding = Finding(
        TARGETS,
        Severity.FAULT,
        Spot("escalation", ("ladders", ladder.name, "targets", "resolution")),
        f"ladder {ladder.name!r} promises the resolution within {span_text(resolution)}, but the first "
        f"answer only within {span_text(answer)}",
        "give the resolution more time, or the first answer less",
        (ladder.name,),
    )
    yield from _on_ladder(context, ladder, finding, partial(_targets_witness, context))


def _on_ladder(
    context: LadderContext, ladder: Ladder, finding: Finding, make_witness: Callable[[Proof], Witness | None]
) -> Iterator[Finding]:
    """Return a finding that holds for a whole ladder, with a mail where a rule leads there."""
    among = context.routes_of(ladder.name)
    yield from with_proof(context, finding, among, make_witness) if among else [finding]


def _targets_witness(context: LadderContext, proof: Proof) -> Witness | None:
    assert proof.mail
    policy = context.policy
    ticket = ladder_runs.opened(policy, proof.route, proof.mail.local_time.astimezone(UTC))
    answer, resolution = (
        ladders.end_of_clock(ticket, policy, each) for each in (Target.FIRST_RESPONSE, Target.RESOLUTION)
    )
    if answer is None or resolution is None or answer <= resolution:
        return None
    at = [local_time_of(policy, ticket.team, each) for each in (answer, resolution)]
    shows = f"its resolution is promised by {at[1]:%a %H:%M}, its first answer by {at[0]:%a %H:%M}"
    return Witness(shows, proof.mail, at[1])


# --- quiet hours ------------------------------------------------------------------------------------------


def _quiet_hours(context: LadderContext, ladder: Ladder) -> Iterator[Finding]:
    """Find quiet hours that leave under an hour of the day, or of the work day of every team on the ladder."""
    if not ladder.quiet:
        return
    teams = {route.team for route in context.routes_of(ladder.name)}
    calendars = [context.policy.calendar_of(each) for each in teams]
    left = _heard((ALL_DAY,), ladder.quiet)
    if left < LEAST:
        message, severity = f"leave {span_text(left)} of the day for reminders", Severity.FAULT
    elif teams and all(_heard(day, ladder.quiet) < LEAST for each in calendars for day in each.week):
        message, severity = "cover the work hours: reminders only leave when nobody works", Severity.REMARK
    else:
        return
    finding = Finding(
        QUIET,
        severity,
        Spot("escalation", ("ladders", ladder.name, "quiet_hours")),
        f"the quiet hours of ladder {ladder.name!r}, {quiet_hours_text(ladder.quiet)}, {message}",
        "name the hours of the night: 21:00-07:00",
        (ladder.name,),
    )
    yield from _on_ladder(context, ladder, finding, partial(_quiet_witness, context, ladder))


def _quiet_witness(context: LadderContext, ladder: Ladder, proof: Proof) -> Witness:
    zone = context.policy.calendar_of(proof.route.team).zone
    longest = max(ladder.quiet, key=lambda each: each.end - each.start)
    monday = context.base.search.world.moments.usual.date()
    at = datetime.combine(monday, time(), ZoneInfo(zone)) + longest.start
    until = end_of_quiet_hours(at, ladder.quiet, zone).astimezone(ZoneInfo(zone))
    return Witness(f"a reminder that comes due then waits until {until:%a %H:%M}", proof.mail, at)


def _heard(hours: Sequence[Interval], quiet: Sequence[Interval]) -> timedelta:
    """Return how much of the work hours of a day is outside of quiet hours."""
    worked = sum((each.end - each.start for each in hours), timedelta())
    overlaps = (min(one.end, other.end) - max(one.start, other.start) for one in hours for other in quiet)
    return worked - sum((each for each in overlaps if each > timedelta()), timedelta())
