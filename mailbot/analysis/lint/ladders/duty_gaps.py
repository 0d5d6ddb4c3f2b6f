"""Hours in which the clocks of a team run and no agent is on duty at a level of its tickets.

A year is examined twice: with the usual week alone for the hours of the week, and with holidays, periods
and days off for the dates. Hours in which the team's calendar is closed are no gap, because its clocks
stop.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

from mailbot.analysis.lint import routes
from mailbot.analysis.lint.finding import Finding, Severity, Spot, Witness
from mailbot.analysis.lint.ladders import intervals, ladder_runs
from mailbot.analysis.lint.ladders.intervals import Span
from mailbot.analysis.lint.ladders.ladder_cases import (
    LadderContext,
    local_time_of,
    runs_of,
    step_text,
    with_proof,
)
from mailbot.analysis.lint.routes import Proof, Route
from mailbot.domain import ladder as ladders
from mailbot.domain.assignment import choose, is_on_duty
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.worktime import Calendar, is_open, open_intervals

UNCOVERED, ABSENT, NOBODY = "nobody-on-duty", "nobody-on-date", "nobody-there"
SHORTEST = timedelta(minutes=5)  # some people write midnight as 23:59
YEAR = timedelta(days=366)
ANY_YEAR = date(2026, 1, 5)  # a Monday, where no year is given


@dataclass(frozen=True, slots=True)
class Post:
    """A level of a team that tickets reach. `steps` are (ladder, step) that lead there; None: a rule does."""

    team: str
    level: str
    routes: list[Route] = field(default_factory=list)
    steps: list[tuple[str, int] | None] = field(default_factory=list)

    @property
    def starts(self) -> bool:
        return None in self.steps


def find(context: LadderContext) -> Iterator[Finding]:
    duty_times = _DutyTimes(context.policy, context.base.since)
    for post in _posts(context):
        people = ladders.agents_at(context.policy, post.team, post.level)
        if not people:
            yield from _nobody(context, post)
            continue
        actual = duty_times.gaps(post, people)
        usual = duty_times.gaps(post, people, usual=True) if actual else []
        yield from _weekly(context, post, people, usual, actual)
        if context.base.since:
            yield from _dated(context, post, people, intervals.subtract(actual, usual))


def _posts(context: LadderContext) -> Iterable[Post]:
    """List the posts that rules or steps of any run lead to."""
    found: dict[tuple[str, str], Post] = {}
    for route in context.routes:
        if route.team in context.policy.teams:
            post = found.setdefault((route.team, route.level), Post(route.team, route.level))
            post.routes.append(route)
            post.steps.append(None)
    for name, cases in context.cases.items():
        for case in cases:
            for run in case.runs:
                for ticket, taken in run.stages():
                    if taken is None or ticket.team not in context.policy.teams:
                        continue
                    post = found.setdefault((ticket.team, ticket.level), Post(ticket.team, ticket.level))
                    if not post.starts and (name, taken.step) not in post.steps:
                        post.steps.append((name, taken.step))
                        post.routes.extend(case.routes)
    return found.values()


# --- duty times ------------------------------------------------------------------------------------


class _DutyTimes:
    """Work times and days off over one year, each computed once."""

    def __init__(self, policy: Policy, since: date | None) -> None:
        self.policy = policy
        self.start = intervals.day(since or ANY_YEAR, "UTC")[0]
        self.known: dict[tuple[int, bool], list[Span]] = {}

    def gaps(self, post: Post, people: Sequence[Agent], *, usual: bool = False) -> list[Span]:
        """List when clocks run and none of `people` is on duty. `usual`: without special dates."""
        team = self.policy.calendar_of(post.team)
        on_duty = {id(each): each for each in (self._duty_of(agent, usual=usual) for agent in people)}
        if id(self._open_times(team, usual=usual)) in on_duty:
            return []  # somebody works whenever the team does
        gaps = intervals.subtract(self._open_times(team, usual=usual), intervals.union(on_duty.values()))
        return [each for each in gaps if each[1] - each[0] >= SHORTEST]

    def _duty_of(self, agent: Agent, *, usual: bool) -> list[Span]:
        calendar = self.policy.agent_calendars[agent.address]
        open_at = self._open_times(calendar, usual=usual)
        if usual or not agent.away:
            return open_at
        away = intervals.union([intervals.day(each, calendar.zone)] for each in agent.away)
        return intervals.subtract(open_at, away)

    def _open_times(self, calendar: Calendar, *, usual: bool) -> list[Span]:
        key = id(calendar), usual
        if key not in self.known:
            taken = replace(calendar, dates={}) if usual else calendar
            self.known[key] = list(open_intervals(taken, self.start, self.start + YEAR))
        return self.known[key]


# --- findings -----------------------------------------------------------------------------------------


def _weekly(
    context: LadderContext, post: Post, people: Sequence[Agent], usual: Sequence[Span], actual: Sequence[Span]
) -> Iterator[Finding]:
    """Report gaps of the usual week. The witness lies in `actual`, the gaps of the year."""
    at = next((each[0] for each in actual if any(low <= each[0] < high for low, high in usual)), None)
    if at is None:
        return
    calendar = context.policy.calendar_of(post.team)
    hours = intervals.week_text(usual, calendar.zone)
    yield from with_proof(
        context,
        Finding(
            UNCOVERED,
            _severity(context.policy, post),
            _spot(context.policy, post),
            f"nobody of {post.team} at {post.level} is on duty {hours}, while its clocks run "
            f"(calendar {calendar.name!r}){_helpers_text(context.policy, post, people)}"
            f"{_origin_text(context, post)}",
            "assign these hours to somebody there, or close the team's calendar then",
            (post.team, post.level),
        ),
        post.routes,
        partial(_witness, context, post, at),
    )


def _dated(
    context: LadderContext, post: Post, people: Sequence[Agent], gaps: Sequence[Span]
) -> Iterator[Finding]:
    if not gaps:
        return
    zone = context.policy.calendar_of(post.team).zone
    days = {on for on, _, _ in intervals.split_by_day(gaps, zone)}
    away = sorted({agent.name for agent in people if agent.away & days})
    named = f" ({' and '.join(away[:4])} away)" if away else ""
    yield from with_proof(
        context,
        Finding(
            ABSENT,
            Severity.REMARK,
            _spot(context.policy, post),
            f"nobody of {post.team} at {post.level} is on duty on {intervals.dates_text(days)}{named}, while its "
            f"clocks run{_helpers_text(context.policy, post, people)}{_origin_text(context, post)}",
            "find a substitute, or close the team's calendar on these dates",
            (post.team, post.level),
        ),
        post.routes,
        partial(_witness, context, post, gaps[0][0]),
    )


def _nobody(context: LadderContext, post: Post) -> Iterator[Finding]:
    """Report rules that send tickets to a level where no agent works in any team."""
    if not post.starts:
        return  # reported for the step
    for route in post.routes:
        [index, *_] = {path[0] for path in context.routes.paths[route]}
        yield from with_proof(
            context,
            Finding(
                NOBODY,
                Severity.FAULT,
                context.base.spot(index, "then"),
                f"tickets of {post.team} start at {post.level}, where nobody works",
                "give an agent this level, or name another with `level`",
                (post.team, post.level),
            ),
            [route],
            lambda proof: Witness(f"it should be at {post.level} of {post.team}", proof.mail),
        )


def _severity(policy: Policy, post: Post) -> Severity:
    """Return REMARK for the highest level and for helpers of other teams: they need not cover all hours."""
    held = [each for each in policy.levels if ladders.agents_at(policy, "", each)]
    own = any(agent.level == post.level for agent in policy.teams[post.team].agents)
    if post.level == held[0] or (post.level != held[-1] and (post.starts or own)):
        return Severity.FAULT
    return Severity.REMARK


def _spot(policy: Policy, post: Post) -> Spot:
    """Return the place of the team's first agent of the level, else of the team."""
    own = any(agent.level == post.level for agent in policy.teams[post.team].agents)
    return Spot("teams", ("teams", post.team), post.level if own else "")


def _helpers_text(policy: Policy, post: Post, people: Sequence[Agent]) -> str:
    teams = [name for name, team in policy.teams.items() if set(team.agents) & set(people)]
    return "" if post.team in teams else f"; {' and '.join(teams)} works there instead"


def _origin_text(context: LadderContext, post: Post) -> str:
    """Name the step that leads there, where no rule does."""
    if post.starts or post.steps[0] is None:
        return ""
    name, step = post.steps[0]
    return f"; {step_text(context.policy.ladders[name], step)} leads there"


# --- the witness ----------------------------------------------------------------------------------------


def _witness(context: LadderContext, post: Post, at: datetime, proof: Proof) -> Witness | None:
    """Return the moment if the engine confirms it: the clocks run, and the new owner is not on duty."""
    policy = context.policy
    people = ladders.agents_at(policy, post.team, post.level)
    ticket = replace(
        ladder_runs.opened(policy, proof.route, at.astimezone(UTC)), team=post.team, level=post.level
    )
    is_reached = any(
        (each.team, each.level) == (post.team, post.level)
        for run in runs_of(policy, proof)
        for each, _ in run.stages()
    )
    clocks_run = is_open(ladders.calendar_of(ticket, policy), at)
    if not is_reached or not clocks_run or any(is_on_duty(agent, policy, at) for agent in people):
        return None
    chosen = choose(ticket, policy, at)
    assert chosen
    shows = f"a ticket at {post.level} of {post.team} goes to {chosen.agent.name} then: {chosen.reason}"
    assert proof.mail
    mail = proof.mail
    if (proof.route.team, proof.route.level) == (post.team, post.level):
        mail = routes.at_moment(context.base, proof.route, mail, at)
    return Witness(shows, mail, local_time_of(policy, post.team, at))
