"""Times that never matter or contradict each other: seeded in clean policies, all found and confirmed."""

from dataclasses import replace
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest

from mailbot.analysis.lint.checks import Finding, Severity
from mailbot.analysis.lint.ladders import odd_hours, timing
from mailbot.domain.model import Target
from mailbot.domain.policy import Ladder, Policy
from mailbot.domain.worktime import MIDNIGHT, Interval
from tests.analysis.lint import policies
from tests.analysis.lint.changes import TOP, Changed, both, found, opens, people, steps
from tests.analysis.lint.confirmed import confirmed
from tests.analysis.lint.policies import FIRST, NEXT, RESOLUTION, agent, calendar, hour, step
from tests.analysis.lint.rule_sets import SETS, policy_of, read

CLEAN = sorted(SETS.glob("*.yaml"))
FAULT, REMARK = Severity.FAULT, Severity.REMARK
LONG = {"acknowledge_within": hour(3)}


def of_ladders(**changes: object) -> Changed:
    def change(policy: Policy) -> Policy:
        ladders = {name: replace(each, **changes) for name, each in policy.ladders.items()}  # type: ignore[arg-type]
        return replace(policy, ladders=ladders)

    return change


def targets(**hours: float) -> Changed:
    given = {Target(name): hour(count) for name, count in hours.items()}

    def change(policy: Policy) -> Policy:
        ladders = {
            name: replace(each, targets={**each.targets, **given}) for name, each in policy.ladders.items()
        }
        return replace(policy, ladders=ladders)

    return change


def quiet(start: float, end: float) -> Changed:
    """Make quiet hours; over midnight they are two intervals, as the loader reads them."""
    if start < end:
        return of_ladders(quiet=(Interval(hour(start), hour(end)),))
    return of_ladders(quiet=(Interval(hour(start), MIDNIGHT), Interval(timedelta(), hour(end))))


SEEDED: dict[str, tuple[Changed, str, Severity]] = {
    "more time to confirm than to the next step": (
        steps(step(FIRST, after=1, escalate_to="L2", **LONG), step(FIRST, after=3, **TOP), without=[2]),
        timing.CONFIRMATION, REMARK),
    "more time to confirm than to a step of another clock": (
        steps(step(FIRST, after=3, reassign=True, acknowledge_within=hour(20)), without=[3]),
        timing.CONFIRMATION, REMARK),
    "more time to decide than to the next step": (
        steps(step(RESOLUTION, 0.95, ask_decision="management", options=("yes", "no"), acknowledge_within=hour(9))),
        timing.CONFIRMATION, REMARK),
    "reminded and raised at one moment": (
        steps(step(FIRST, after=2, remind="assignee")), timing.REMINDER, REMARK),
    "reminded and raised in one step": (
        steps(step(FIRST, 0.5, remind="assignee", escalate_to="L2"), without=[2, 4]), timing.REMINDER, REMARK),
    "the team reminded as it is raised": (
        steps(step(RESOLUTION, after=16, remind="team")), timing.REMINDER, REMARK),
    "reminded and handed over at one moment": (
        steps(step(NEXT, 0.5, remind="assignee"), step(NEXT, 0.5, hand_over_to="management")),
        timing.REMINDER, REMARK),
    "reminded by the answer's clock, raised by the resolution's": (
        steps(step(RESOLUTION, 1 / 6, escalate_to="L2"), without=[2, 4]), timing.REMINDER, REMARK),
    "solved before it is answered": (targets(resolution=3), timing.TARGETS, FAULT),
    "quiet for all but half an hour": (quiet(7.5, 7), timing.QUIET, FAULT),
    "quiet from midnight on": (quiet(0, 23.5), timing.QUIET, FAULT),
    "quiet by day": (quiet(6.5, 22), timing.QUIET, REMARK),
    "a shift of half an hour": (
        both(
            opens(calendar("slip", "07:00-07:30", days=[5, 6])),
            people("frontline", agent("Ayu", "L1"), agent("Budi", "L1", "slip"), agent("Dewi", "L2")),
        ),
        odd_hours.ODD, REMARK),
    "a team's day without half an hour": (
        both(
            opens(calendar("slip", "00:00-07:00", "07:30-24:00")),
            people("payments", agent("Fitri", "L1"), agent("Hesti", "L2"), hours="slip"),
        ),
        odd_hours.ODD, REMARK),
}  # fmt: skip
PLACED = list(zip(SEEDED, cycle(CLEAN)))


@pytest.mark.parametrize(("name", "path"), PLACED, ids=[f"{name}, {path.stem}" for name, path in PLACED])
def test_each_seeded_time_is_found_and_the_engine_confirms_it(name: str, path: Path) -> None:
    change, kind, severity = SEEDED[name]
    policy = change(policies.one_ladder(policies.shifts(policy_of(read(path)))))
    said = found(policy)
    assert (kind, severity) in {(each.kind, each.severity) for each in said}, [each.message for each in said]
    for each in said:
        confirmed(policy, each)


def of_kind(change: Changed, kind: str) -> list[Finding]:
    policy = change(policies.one_ladder(policies.shifts(policy_of(read(SETS / "bank.yaml")))))
    return [each for each in found(policy) if each.kind == kind]


def ladder_with(*own: policies.Step) -> Changed:
    return of_ladders(steps=own)


FINE: dict[str, tuple[Changed, str]] = {
    "as much time to confirm as to the next step": (
        steps(
            step(FIRST, after=1, escalate_to="L2", acknowledge_within=hour(2)),
            step(FIRST, after=3, **TOP),
            without=[2],
        ),
        timing.CONFIRMATION),
    "a step that follows only when nobody confirms": (
        ladder_with(step(FIRST, escalate_to="L2", **LONG), step(NEXT, remind="team"), step(RESOLUTION, **TOP)),
        timing.CONFIRMATION),
    "the last step gives time to confirm": (
        ladder_with(step(FIRST, escalate_to="management", **LONG)), timing.CONFIRMATION),
    "others are notified as it is raised": (
        steps(step(FIRST, after=2, notify=("gita@tim.example",))), timing.REMINDER),
    "reminded a minute before": (
        steps(step(FIRST, after=2 - 1 / 60, remind="assignee")), timing.REMINDER),
    "solved as soon as answered": (targets(resolution=4), timing.TARGETS),
    "quiet by night": (quiet(21, 7), timing.QUIET),
    "quiet for the morning": (quiet(7, 20.5), timing.QUIET),
    "round the clock": (
        both(opens(calendar("day and night", "00:00-23:59")), people("frontline", hours="day and night")),
        odd_hours.ODD),
}  # fmt: skip


@pytest.mark.parametrize("name", FINE)
def test_times_that_are_usual_are_not_reported(name: str) -> None:
    change, kind = FINE[name]
    assert [each.message for each in of_kind(change, kind)] == []


def test_a_time_to_confirm_names_the_step_that_comes_sooner() -> None:
    [finding] = of_kind(SEEDED["more time to confirm than to the next step"][0], timing.CONFIRMATION)
    assert finding.message == (
        "step 3 of ladder 'calm' (first_response + 1 h) gives 3 h to confirm, but step 4 comes sooner, "
        "whether anybody confirms or not"
    )
    assert finding.spot.path == ("ladders", "calm", "steps", 2, "acknowledge_within")


def test_a_ladder_without_tickets_is_judged_by_its_targets_too() -> None:
    spare = Ladder("spare", {FIRST: hour(4), RESOLUTION: hour(2)}, policies.CALM.steps)

    def change(policy: Policy) -> Policy:
        return replace(policy, ladders={**policy.ladders, "spare": spare})

    [finding] = of_kind(change, timing.TARGETS)
    assert finding.names == ("spare",)
    assert finding.witness is None
