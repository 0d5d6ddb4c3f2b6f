"""Policies without findings, and faults seeded in ladders, shifts and limits.

All faults are found, with a mail and its moment or amount that the engine confirms.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path

import pytest

from mailbot.analysis.lint.checks import Budget, Finding, Severity, check
from mailbot.analysis.lint.ladders import approval_gaps, checks, duty_gaps, idle_steps, ladder_ends, unused
from mailbot.analysis.lint.ladders.idle_steps import steps_always_before
from mailbot.domain.compensation import authority
from mailbot.domain.compensation.authority import Case, Spent
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.worktime import is_open
from tests.analysis.lint import policies
from tests.analysis.lint.changes import (
    ONE_EACH,
    QUESTION,
    TOP,
    Changed,
    both,
    found,
    level,
    limits,
    opens,
    people,
    per_ticket,
    rules,
    steps,
)
from tests.analysis.lint.confirmed import confirmed
from tests.analysis.lint.policies import FIRST, NEXT, RESOLUTION, SINCE, agent, calendar, rp, step
from tests.analysis.lint.rule_sets import SETS, policy_of, read

CLEAN = sorted(SETS.glob("*.yaml"))
GOOD = list(zip(CLEAN, cycle(policies.POLICIES)))
FAULT, REMARK, NOTE = Severity.FAULT, Severity.REMARK, Severity.NOTE


# --- clean desks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "make_policy"), GOOD, ids=[path.stem for path, _ in GOOD])
def test_a_policy_without_faults_has_no_findings(path: Path, make_policy: Changed) -> None:
    policy = policies.one_ladder(make_policy(policy_of(read(path))))
    assert [each.message for each in found(policy)] == []


@pytest.mark.parametrize("path", CLEAN[::4], ids=lambda path: path.stem)
def test_a_ladder_for_rules_that_do_not_exist_gives_only_a_note(path: Path) -> None:
    for make_policy in policies.POLICIES:
        said = found(make_policy(policy_of(read(path))))
        assert {(each.kind, each.severity) for each in said} <= {
            (unused.UNUSED, NOTE),
            (idle_steps.IN_VAIN, NOTE),
        }


# --- seeded faults ----------------------------------------------------------------------------------------


LUNCH = calendar("lunch", "07:00-12:00", "13:00-22:00")
WORKDAYS = calendar("workdays", "07:00-22:00", days=range(5))
MISTAKEN = calendar("mistaken", "07:00-22:00", zone="Asia/Jayapura")
EVE = [date(2026, 12, 24)]
SICK = [SINCE + timedelta(days) for days in range(400)]
EID = {date(2027, 3, 10): (), date(2027, 3, 11): ()}
RAMADAN = {date(2027, 2, 8) + timedelta(days): policies.CALENDARS["early"].week[0] for days in range(30)}

LADDERS: dict[str, tuple[Changed, str, Severity]] = {
    "raised to where it stands": (
        steps(step(RESOLUTION, 0.9, **TOP)), idle_steps.IN_VAIN, FAULT),
    "raised to where it starts": (
        steps(step(FIRST, 0.25, escalate_to="L1")), idle_steps.IN_VAIN, FAULT),
    "raised to below where it stands": (
        steps(step(FIRST, after=3, escalate_to="L1")), idle_steps.IN_VAIN, FAULT),
    "raised to where every rule puts it": (
        both(rules(level="L2"), steps(step(NEXT, 0.5, escalate_to="L2"))), idle_steps.IN_VAIN, NOTE),
    "raised by category to where it stands": (
        steps(step(RESOLUTION, after=20, escalate_to="L2", escalate_by_category={"payment": "management"})),
        idle_steps.IN_VAIN, FAULT),
    "raised in vain because nobody confirmed": (
        steps(step(RESOLUTION, after=18, acknowledge_within=policies.hour(1), **TOP)), idle_steps.IN_VAIN, FAULT),
    "handed over to who has it": (
        both(rules(team="frontline"), steps(step(FIRST, 0.5, hand_over_to="frontline"))),
        idle_steps.IN_VAIN, FAULT),
    "somebody else where one works": (
        both(ONE_EACH, steps(step(FIRST, 0.5, reassign=True))), idle_steps.IN_VAIN, FAULT),
    "round two teams": (
        steps(step(FIRST, 0.25, hand_over_to="payments"), step(FIRST, 0.5, hand_over_to="frontline")),
        ladder_ends.CYCLE, FAULT),
    "round three teams": (
        steps(
            step(NEXT, 0.25, hand_over_to="payments"),
            step(NEXT, 0.5, hand_over_to="management"),
            step(NEXT, 0.75, hand_over_to="frontline"),
        ),
        ladder_ends.CYCLE, FAULT),
    "round two people": (
        both(
            people("frontline", agent("Ayu", "L1"), agent("Budi", "L1"), agent("Dewi", "L2")),
            steps(step(FIRST, 0.25, reassign=True), step(FIRST, 0.5, reassign=True)),
        ),
        ladder_ends.CYCLE, REMARK),
    "nobody higher hears": (steps(without=[5]), ladder_ends.DEAD_END, REMARK),
    "nobody but its owner hears": (steps(without=range(1, 6)), ladder_ends.DEAD_END, REMARK),
    "no step at all": (steps(without=range(6)), ladder_ends.DEAD_END, REMARK),
    "the same step twice": (steps(step(FIRST, remind="team")), idle_steps.TWICE, FAULT),
    "a step within another": (
        steps(step(RESOLUTION, after=16, tell_customer=True)), idle_steps.TWICE, FAULT),
    "a lower level at the same moment": (
        steps(step(RESOLUTION, after=16, escalate_to="L2")), idle_steps.TWICE, FAULT),
    "two levels at one moment": (steps(step(FIRST, after=2, **TOP)), idle_steps.OVERRIDDEN, FAULT),
    "two teams at one moment": (
        steps(step(FIRST, 0.5, hand_over_to="payments"), step(FIRST, 0.5, hand_over_to="management")),
        idle_steps.OVERRIDDEN, FAULT),
    "two questions at one moment": (
        steps(step(NEXT, question="Refund?", **QUESTION), step(NEXT, question="Voucher?", **QUESTION)),
        idle_steps.OVERRIDDEN, FAULT),
    "handed over to a team without the level": (
        steps(step(FIRST, after=1, hand_over_to="payments", **TOP), without=[2]), idle_steps.OVERRIDDEN, REMARK),
    "a level of nobody": (
        both(level("L3", at=2), steps(step(RESOLUTION, after=8, escalate_to="L3"))), idle_steps.NOBODY, FAULT),
    "a level of nobody by category": (
        both(
            level("L3", at=2),
            steps(step(RESOLUTION, after=8, escalate_to="L2", escalate_by_category={"general": "L3"})),
        ),
        idle_steps.NOBODY, FAULT),
    "nobody to decide": (
        both(
            level("L3", at=2),
            steps(step(RESOLUTION, 0.5, question="Refund?", ask_decision="L3", options=("yes", "no"))),
        ),
        idle_steps.NOBODY, FAULT),
    "rules that start at a level of nobody": (
        both(level("L0", at=0), rules(level=None)), duty_gaps.NOBODY, FAULT),
    "a ladder for nobody": (
        lambda policy: replace(policy, ladders={**policy.ladders, "new": replace(policies.CALM, name="new")}),
        unused.UNUSED, REMARK),
    "a category that no ticket has": (
        steps(step(RESOLUTION, after=8, escalate_by_category={"zzz": "L2"}, **TOP), without=[5]),
        unused.UNUSED, REMARK),
}  # fmt: skip

HOURS: dict[str, tuple[Changed, str, Severity]] = {
    "nobody in the evening": (
        people("frontline", agent("Ayu", "L1", "early"), agent("Citra", "L1", "early"), agent("Dewi", "L2")),
        duty_gaps.UNCOVERED, FAULT),
    "nobody in the evening, a level up": (
        people("frontline", agent("Ayu", "L1"), agent("Budi", "L1"), agent("Dewi", "L2", "early")),
        duty_gaps.UNCOVERED, FAULT),
    "lunch for everybody": (
        both(opens(LUNCH), people("payments", agent("Fitri", "L1", "lunch"), agent("Hesti", "L2"))),
        duty_gaps.UNCOVERED, FAULT),
    "nobody at the weekend": (
        both(opens(WORKDAYS), people("frontline", agent("Ayu", "L1", "workdays"), agent("Dewi", "L2"))),
        duty_gaps.UNCOVERED, FAULT),
    "clocks that run at night": (
        people("frontline", agent("Ayu", "L1", "extended"), agent("Dewi", "L2", "always"), hours="always"),
        duty_gaps.UNCOVERED, FAULT),
    "another zone than was meant": (
        both(opens(MISTAKEN), people("frontline", agent("Ayu", "L1", "mistaken"), agent("Dewi", "L2"))),
        duty_gaps.UNCOVERED, FAULT),
    "a night shift that ends too early": (
        both(
            opens(calendar("short", "00:00-05:00", "18:00-24:00")),
            people(
                "frontline",
                *(agent("Ayu", "L1", "day"), agent("Budi", "L1", "short"), agent("Dewi", "L2", "always")),
                hours="always",
            ),
        ),
        duty_gaps.UNCOVERED, FAULT),
    "managers who sleep": (
        both(
            opens(calendar("late morning", "10:00-22:00")),
            people("management", agent("Gita", "management", "late morning"), hours="late morning"),
        ),
        duty_gaps.UNCOVERED, REMARK),
    "managers who sleep, where a rule sends mail to them": (
        both(
            opens(calendar("late morning", "10:00-22:00")),
            people("frontline", agent("Ayu", "L1"), agent("Zaki", "management", "late morning")),
            rules(level="management", team="frontline"),
        ),
        duty_gaps.UNCOVERED, REMARK),
    "all away on one day": (
        people(
            "payments",
            *(agent("Fitri", "L1", away=EVE), agent("Joko", "L1", away=EVE), agent("Hesti", "L2")),
        ),
        duty_gaps.ABSENT, REMARK),
    "all away all year": (
        people("payments", agent("Fitri", "L1", away=SICK), agent("Hesti", "L2")), duty_gaps.ABSENT, REMARK),
    "holidays of the agents and not of the team": (
        both(
            opens(replace(policies.CALENDARS["extended"], name="pious", dates=EID)),
            people("frontline", agent("Ayu", "L1", "pious"), agent("Dewi", "L2")),
        ),
        duty_gaps.ABSENT, REMARK),
    "shorter hours in Ramadan": (
        both(
            opens(replace(policies.CALENDARS["extended"], name="fasting", dates=RAMADAN)),
            people("payments", agent("Fitri", "L1"), agent("Hesti", "L2", "fasting")),
        ),
        duty_gaps.ABSENT, REMARK),
}  # fmt: skip

MONEY: dict[str, tuple[Changed, str, Severity]] = {
    "two persons where one may": (
        people("management", agent("Gita", "management")), approval_gaps.NOBODY_MAY, FAULT),
    "two persons where one may that day": (
        both(
            people("management", agent("Gita", "management")),
            limits(two_persons_above=rp(600_000), per_agent_day={"L2": rp(700_000)}),
        ),
        approval_gaps.NOBODY_MAY, FAULT),
    "the highest limit is of nobody": (
        both(
            level("board", at=3),
            per_ticket(L1=100_000, L2=1_000_000, management=20_000_000, board=90_000_000),
            limits(per_customer=None, per_team={}),
        ),
        approval_gaps.NOBODY_MAY, FAULT),
    "a day has less than a ticket": (
        limits(per_agent_day={"management": rp(10_000_000)}), approval_gaps.NOBODY_MAY, FAULT),
    "a category has a limit of nobody": (
        both(level("L3", at=2), per_ticket("general", L2=500_000, L3=30_000_000)), approval_gaps.NOBODY_MAY, FAULT),
    "less above than below": (
        per_ticket(L1=2_000_000, L2=1_000_000, management=20_000_000), approval_gaps.LESS_ABOVE, FAULT),
    "managers may less": (
        per_ticket(L1=100_000, L2=1_000_000, management=900_000), approval_gaps.LESS_ABOVE, FAULT),
    "less above than below in a category": (
        both(rules(category="general"), per_ticket("general", L1=700_000, L2=500_000, management=20_000_000)),
        approval_gaps.LESS_ABOVE, FAULT),
    "a level left out between two": (
        per_ticket(L1=100_000, management=20_000_000), approval_gaps.LESS_ABOVE, REMARK),
    "a budget below a ticket": (
        limits(per_team={"frontline": rp(15_000_000)}), approval_gaps.IN_VAIN, REMARK),
    "a customer below a ticket": (
        limits(per_customer=rp(15_000_000)), approval_gaps.IN_VAIN, REMARK),
    "a limit of nobody": (
        both(level("L3", at=2), per_ticket(L1=100_000, L2=1_000_000, L3=5_000_000, management=20_000_000)),
        approval_gaps.IN_VAIN, REMARK),
    "two persons never": (limits(two_persons_above=rp(20_000_000)), approval_gaps.IN_VAIN, REMARK),
    "limits of a category that no rule gives": (
        per_ticket("zzz", L1=100_000, L2=1_000_000, management=20_000_000), unused.UNUSED, REMARK),
}  # fmt: skip

SEEDED = {**LADDERS, **HOURS, **MONEY}
# Each in one of the sets of rules.
PLACED = list(zip(SEEDED, cycle(CLEAN)))


def test_there_are_more_than_fifty_seeded_faults() -> None:
    assert len(SEEDED) > 50


@pytest.mark.parametrize(("name", "path"), PLACED, ids=[f"{name}, {path.stem}" for name, path in PLACED])
def test_each_seeded_fault_is_found_and_the_engine_confirms_it(name: str, path: Path) -> None:
    change, kind, severity = SEEDED[name]
    policy = change(policies.shifts(policy_of(read(path))))
    said = found(policy)
    assert (kind, severity) in {(each.kind, each.severity) for each in said}, [each.message for each in said]
    for each in said:
        confirmed(policy, each)


# --- by hand ----------------------------------------------------------------------------------------------


def finding_of(policy: Policy, kind: str) -> Finding:
    [only] = [each for each in found(policy) if each.kind == kind]
    return only


def bank() -> Policy:
    return policies.shifts(policy_of(read(SETS / "bank.yaml")))


def test_hours_of_the_week_are_formatted_as_people_write_them() -> None:
    change = both(
        opens(calendar("short", "07:00-21:30", days=(0, 1, 2, 4))),
        people("payments", agent("Fitri", "L1", "short"), agent("Hesti", "L2")),
    )
    finding = finding_of(change(bank()), duty_gaps.UNCOVERED)
    assert (
        "nobody of payments at L1 is on duty mon-wed, fri 21:30-22:00; thu, sat-sun 07:00-22:00"
        in finding.message
    )
    assert finding.witness
    assert f"{finding.witness.moment:%a %H:%M %Z}" == "Sun 07:00 WIB"


def test_five_minutes_before_midnight_are_no_gap() -> None:
    change = both(
        opens(calendar("written so", "00:00-23:59")),
        people("frontline", agent("Ayu", "L1", "written so"), agent("Dewi", "L2", "always"), hours="always"),
    )
    assert duty_gaps.UNCOVERED not in {
        each.kind for each in found(change(bank())) if each.names[:2] == ("frontline", "L1")
    }


def test_without_a_date_no_days_off_are_examined() -> None:
    change, kind, _ = HOURS["all away on one day"]
    assert kind not in {each.kind for each in found(change(bank()), since=None)}
    change, kind, _ = HOURS["lunch for everybody"]
    assert kind in {each.kind for each in found(change(bank()), since=None)}


def test_a_gap_in_summer_time_alone_is_found() -> None:
    change = both(
        opens(
            calendar("berlin", "08:00-17:00", zone="Europe/Berlin"),
            calendar("noon", "07:00-16:00", zone="UTC"),
        ),
        people("payments", agent("Fitri", "L1", "noon"), agent("Hesti", "L2"), hours="berlin"),
    )
    [finding] = [each for each in found(change(bank())) if each.severity is FAULT]
    assert finding.kind == duty_gaps.UNCOVERED
    assert "08:00-09:00" in finding.message  # from March on; until then UTC is one hour behind
    assert finding.witness
    assert finding.witness.moment
    assert finding.witness.moment.utcoffset() == timedelta(hours=2)


def test_a_step_may_be_taken_before_an_earlier_one_without_confirmation() -> None:
    mine = replace(
        policies.CALM,
        steps=(
            step(RESOLUTION, 0.5, escalate_to="L2"),
            step(FIRST, escalate_to="L2", acknowledge_within=timedelta(hours=1)),
            step(RESOLUTION, escalate_to="management"),
        ),
    )
    assert steps_always_before(mine) == [frozenset(), frozenset(), frozenset()]
    assert steps_always_before(replace(mine, steps=mine.steps[::2])) == [frozenset(), frozenset({0})]


def test_estimated_holidays_are_reported_with_the_teams_concerned() -> None:
    moon = calendar(
        "extended",
        "07:00-22:00",
        days=range(5),
        dates={date(2027, 3, 10): (), date(2027, 3, 13): ()},
        estimated=frozenset({date(2027, 3, 10), date(2027, 3, 13)}),  # a Wednesday, and a free Saturday
    )
    finding = finding_of(opens(moon)(bank()), unused.ESTIMATED)
    assert (
        "closed on 2027-03-10 by estimate: the clocks of frontline, payments, management stop"
        in finding.message
    )
    assert finding.severity is REMARK
    assert finding.witness
    assert finding.witness.moment
    assert f"{finding.witness.moment:%Y-%m-%d %H:%M}" == "2027-03-10 07:00"
    assert not is_open(moon, finding.witness.moment)


def test_a_finding_without_a_known_mail_is_not_decided() -> None:
    change, kind, _ = MONEY["less above than below"]
    said = check(change(bank()), Budget(steps=0, per_question=0), (checks.find,))
    assert {each.severity for each in said if each.kind == kind} == {Severity.UNDECIDED}


def test_amounts_above_all_limits_are_no_gap() -> None:
    policy = policies.shifts(policy_of(read(SETS / "bank.yaml")))
    assert authority.common_limit(
        Case(
            Ticket("N", "", "c@x", "", "", datetime(2026, 1, 1, tzinfo=UTC)),
            "c@x",
            rp(20_000_001),
            Spent(),
            policy,
        )
    )
    assert not [each for each in found(policy) if each.kind == approval_gaps.NOBODY_MAY]


def test_an_amount_gap_begins_at_the_reported_amount() -> None:
    finding = finding_of(
        people("management", agent("Gita", "management"))(with_one_scale(bank())), approval_gaps.NOBODY_MAY
    )
    assert (
        "nobody may approve more than Rp5.000.000, although the limits go up to Rp20.000.000"
        in finding.message
    )
    assert finding.witness
    assert finding.witness.amount == rp(5_000_001)


def with_one_scale(policy: Policy) -> Policy:
    return limits(per_ticket={"": policy.authority.per_ticket[""]})(policy)
