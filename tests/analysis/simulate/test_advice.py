"""Test the conclusions of a simulation: promises, why they were missed, steps in vain, people who lack."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.analysis.simulate.advice import Advice, Cause, LadderPromises, StepResult
from mailbot.analysis.simulate.duty import Roster, next_on_duty, overlaps
from mailbot.analysis.simulate.engine import Scenario
from mailbot.analysis.simulate.recorded_ticket import AgentAnswer, CommandGiven, TicketScript
from mailbot.analysis.simulate.result import Options, run_scenarios
from mailbot.analysis.simulate.staffing import Job, Shortage, serve
from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.model import Turn
from mailbot.domain.policy import Policy, Team
from mailbot.domain.reasons import NO_REASON
from mailbot.domain.replies.agent_answer import Next
from mailbot.domain.worktime import Calendar, hours
from mailbot.reports.figures.api import Period
from tests.analysis.simulate.test_engine import MONTH, script
from tests.builders import BAYU, DEWI, NOW, RINA, policy

MIN, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NIGHT = Calendar("night", "Asia/Jakarta", ((hours("20:00-24:00"),),) * 7)  # NOW is 10:00 there
MORNING = Calendar("morning", "Asia/Jakarta", ((hours("06:00-14:00"),),) * 7)


def desk(*agents: object, **changes: object) -> Policy:
    standing = policy()
    teams = {**standing.teams, "frontline": Team("frontline", "always", (*agents, BAYU))}  # type: ignore[arg-type]
    calendars = {**standing.calendars, "night": NIGHT, "morning": MORNING}
    return policy(teams=teams, calendars=calendars, **changes)


def conclusions(*scripts: TicketScript, by: Policy, period: Period = MONTH, recorded: bool = True) -> Advice:
    scenario = Scenario(lambda _: by, only=by)
    options = Options(by.levels, recorded=recorded)
    return run_scenarios([scenario], ([each] for each in scripts), period, options).advice[0]


def ticket(
    number: int, answer_after: timedelta | None, agent: str = RINA.address, at: timedelta = DAY * 0
) -> TicketScript:
    begins = NOW + at
    stimuli = [] if answer_after is None else [AgentAnswer(begins + answer_after, "v1", agent)]
    end = CommandGiven(begins + 5 * HOUR, "v1", c.Close("done"), Actor.operator())
    return script(*stimuli, *([end] if stimuli else []), number=f"TOKO-{number:08d}", at=begins)


def answers(advice: Advice) -> LadderPromises:
    return next(each for each in advice.promises if each.target == "first_response")


def test_kept_and_missed_promises_are_counted_by_ladder_and_target() -> None:
    found = conclusions(ticket(1, 30 * MIN), ticket(2, 90 * MIN, at=2 * DAY), by=desk(RINA))

    assert (found.kept, found.missed) == (3, 1)  # two answers and two resolutions
    assert (answers(found).ladder, answers(found).kept, answers(found).missed) == ("standard", 1, 1)


def test_a_promise_that_ends_after_the_period_counts_as_neither() -> None:
    short = Period(NOW, NOW + 40 * MIN, MONTH.zone)

    assert (found := conclusions(ticket(1, None), by=desk(RINA), period=short)).promises == ()
    assert (found.kept, found.missed, sum(found.hours)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("people", "cause"),
    [
        ([RINA], Cause.LATE),
        ([replace(RINA, calendar="night")], Cause.NOBODY),
        ([replace(RINA, away=frozenset({date(2026, 11, 23)}))], Cause.NOBODY),
    ],
)
def test_why_an_answer_was_late_follows_from_who_was_on_duty(people: Sequence[object], cause: Cause) -> None:
    found = conclusions(ticket(1, 90 * MIN), by=desk(*people))

    assert answers(found).causes == {cause: 1}
    assert found.hours[11] == 1  # it was promised by 11:00


def test_an_answer_that_never_came_is_no_late_one() -> None:
    never = replace(
        ticket(1, None), stimuli=(CommandGiven(NOW + 5 * HOUR, "v1", c.Close("done"), Actor.operator()),)
    )

    assert answers(conclusions(never, by=desk(RINA))).causes == {Cause.NEVER: 1}


def test_a_late_answer_whose_owner_alone_was_off_duty_is_told_from_others() -> None:
    handed = CommandGiven(NOW + MIN, "v1", c.Assign(DEWI.address), Actor.operator())
    late = AgentAnswer(NOW + 90 * MIN, "v1", RINA.address)
    two = desk(RINA, replace(DEWI, calendar="night"))
    teams = {**two.teams, "payments": Team("payments", "always", (replace(RINA, address="p@tim.example"),))}
    found = conclusions(script(handed, late), by=replace(two, teams=teams))

    assert answers(found).causes == {Cause.OFF_DUTY: 1}


def test_a_late_resolution_was_answered_and_left_open_or_never_answered() -> None:
    late = CommandGiven(NOW + 20 * HOUR, "v1", c.Close("done"), Actor.operator())
    still_ours = AgentAnswer(NOW + HOUR / 2, "v1", RINA.address, Next(Turn.OURS, NO_REASON))
    for stimuli, cause in (((still_ours, late), Cause.OPEN), ((late,), Cause.NEVER)):
        found = conclusions(script(*stimuli), by=desk(RINA))
        resolution = next(each for each in found.promises if each.target == "resolution")
        assert (resolution.missed, resolution.causes) == (1, {cause: 1})


def test_nine_of_ten_answers_give_the_time_that_a_promise_would_need() -> None:
    scripts = [ticket(n, n * 10 * MIN, at=n * DAY) for n in range(1, 12)]

    assert answers(conclusions(*scripts, by=desk(RINA))).within == 100 * MIN


def test_a_step_is_in_vain_when_the_next_one_comes_before_anybody_acts() -> None:
    found = conclusions(ticket(1, 40 * MIN), ticket(2, 70 * MIN, at=DAY), by=desk(RINA))

    # The reminder after half an hour helped once. Bayu, to whom the second went, was on duty.
    assert found.steps == (StepResult("standard", 1, 2, 1, 0), StepResult("standard", 2, 1, 0, 0))


def test_a_step_to_a_level_without_anybody_on_duty_says_so() -> None:
    standing = desk(RINA)
    teams = {
        **standing.teams,
        "frontline": Team("frontline", "always", (RINA, replace(BAYU, calendar="night"))),
    }
    found = conclusions(ticket(1, 2 * HOUR), by=replace(standing, teams=teams))

    # Step 2 gives it to L2 for a quarter of an hour, then management gets it.
    assert StepResult("standard", 2, 1, 1, 1) in found.steps


# --- people -------------------------------------------------------------------------------------------------


def burst(day: int) -> list[TicketScript]:
    """Ten mails at once, answered by Rina one after the other, ten minutes each: five take an hour or more."""
    return [ticket(10 * day + n, n * 10 * MIN, at=day * DAY) for n in range(1, 11)]


def test_a_burst_that_one_person_cannot_answer_in_time_wants_one_more_at_that_hour() -> None:
    found = conclusions(*burst(0), *burst(1), by=desk(RINA))

    assert (answers(found).missed, answers(found).causes) == (10, {Cause.FEW: 10})
    assert found.shortages == (Shortage("frontline", "L1", 10, 10 * MIN, 10, 12, (10,)),)


def test_two_more_are_named_where_one_is_not_enough() -> None:
    found = conclusions(*[ticket(n, n * 20 * MIN) for n in range(1, 11)], by=desk(RINA))

    # Twenty minutes each: everybody answers two within the hour.
    assert found.shortages
    assert (found.shortages[0].missed, found.shortages[0].kept) == (8, (2, 4, 6))


def test_more_people_are_no_advice_where_those_on_duty_had_time() -> None:
    found = conclusions(*[ticket(n, 90 * MIN, at=n * DAY) for n in range(1, 12)], by=desk(RINA))

    assert (answers(found).causes, found.shortages) == ({Cause.LATE: 11}, ())


def test_a_synthetic_load_says_nothing_about_the_number_of_people() -> None:
    found = conclusions(*burst(0), by=desk(RINA), recorded=False)

    assert (answers(found).missed, answers(found).causes, found.shortages) == (5, {}, None)


HOURS_8 = [(0.0, 8 * 3600.0)]


def test_the_queue_serves_the_promise_that_ends_first_and_only_while_somebody_is_on_duty() -> None:
    jobs = [Job(0, 3600), Job(0, 601), Job(0, 1201)]

    assert serve(jobs, [HOURS_8], 600) == set()
    assert serve(jobs, [[(1000.0, 9000.0)]], 600) == {1, 2}
    assert serve(jobs, [[(1000.0, 9000.0)], HOURS_8], 600) == set()
    assert serve(jobs, [], 600) == {0, 1, 2}
    assert serve([], [HOURS_8], 600) == set()


jobs_drawn = st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 9_000)), max_size=30)


@given(jobs_drawn, st.integers(1, 3), st.integers(1, 2_000))
def test_as_many_people_as_jobs_are_late_only_where_nobody_could_be_in_time(
    drawn: list[tuple[int, int]], people: int, handling: int
) -> None:
    jobs = [Job(ready, ready + span) for ready, span in sorted(drawn)]
    enough = serve(jobs, [[(0.0, 1e6)]] * len(jobs), handling)

    assert enough == {index for index, job in enumerate(jobs) if job.due - job.ready <= handling}
    assert enough <= serve(jobs, [[(0.0, 1e6)]] * people, handling)


def test_a_day_off_cuts_the_duty_of_that_local_day() -> None:
    away = replace(RINA, calendar="morning", away=frozenset({date(2026, 11, 24)}))
    roster = Roster(desk(away), NOW, NOW + 3 * DAY)
    begins = NOW.timestamp()

    duty = roster.duty(away)
    assert [(start - begins) / 3600 for start, _ in duty] == [0, 44, 68]
    assert next_on_duty(duty, begins + 5 * 3600) == begins + 44 * 3600
    assert overlaps(duty, begins - 100, begins + 1)
    assert not overlaps(duty, begins + 4 * 3600, begins + 44 * 3600)
    assert roster.duty_of("nobody@tim.example") == []
