"""Hours in which the clocks of a team run and nobody is on duty at a level that its tickets reach.

A year is walked: once by the usual week alone, which tells the hours of the week, and once with holidays,
periods and days off, which tells the dates. Nights at which the team's own calendar is closed are no gap: its
clocks stand still then.
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
SHORTEST = timedelta(minutes=5)  # 23:59-24:00 is how people write midnight
YEAR = timedelta(days=366)
ANY_YEAR = date(2026, 1, 5)  # a Monday: where nobody says which year comes


@dataclass(frozen=True, slots=True)
class Post:
    """A level of a team at which tickets stand. `steps`: by which step of which ladder they come there,
    None: their rule says so."""

    team: str
    level: str
    routes: list[Route] = field(default_factory=list)
    steps: list[tuple[str, int] | None] = field(default_factory=list)

    @property
    def starts(self) -> bool:
        return None in self.steps


def find(context: LadderContext) -> Iterator[Finding]:
    shifts = _Shifts(context.policy, context.base.since)
    for post in _posts(context):
        people = ladders.agents_at(context.policy, post.team, post.level)
        if not people:
            yield from _nobody(context, post)
            continue
        real = shifts.gaps(post, people)
        usual = shifts.gaps(post, people, usual=True) if real else []
        yield from _weekly(context, post, people, usual, real)
        if context.base.since:
            yield from _dated(context, post, people, intervals.outside(real, usual))


def _posts(context: LadderContext) -> Iterable[Post]:
    """Where tickets stand, by their rules and by every step of every life."""
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


# --- who is there when ------------------------------------------------------------------------------------


class _Shifts:
    """Work time and days off over the year that comes, each worked out once."""

    def __init__(self, policy: Policy, since: date | None) -> None:
        self.policy = policy
        self.start = intervals.day(since or ANY_YEAR, "UTC")[0]
        self.known: dict[tuple[int, bool], list[Span]] = {}

    def gaps(self, post: Post, people: Sequence[Agent], *, usual: bool = False) -> list[Span]:
        """When the clocks run and none of `people` is there. `usual`: as if no date were treated apart."""
        team = self.policy.calendar_of(post.team)
        there = {id(each): each for each in (self._there(agent, usual=usual) for agent in people)}
        if id(self._open(team, usual=usual)) in there:
            return []  # somebody keeps the team's own hours
        gaps = intervals.outside(self._open(team, usual=usual), intervals.union(there.values()))
        return [each for each in gaps if each[1] - each[0] >= SHORTEST]

    def _there(self, agent: Agent, *, usual: bool) -> list[Span]:
        calendar = self.policy.agent_calendars[agent.address]
        open_at = self._open(calendar, usual=usual)
        if usual or not agent.away:
            return open_at
        away = intervals.union([intervals.day(each, calendar.zone)] for each in agent.away)
        return intervals.outside(open_at, away)

    def _open(self, calendar: Calendar, *, usual: bool) -> list[Span]:
        key = id(calendar), usual
        if key not in self.known:
            taken = replace(calendar, dates={}) if usual else calendar
            self.known[key] = list(open_intervals(taken, self.start, self.start + YEAR))
        return self.known[key]


# --- what is said -----------------------------------------------------------------------------------------


def _weekly(
    context: LadderContext, post: Post, people: Sequence[Agent], usual: Sequence[Span], real: Sequence[Span]
) -> Iterator[Finding]:
    """`usual`: gaps of the usual week; `real`: those of the year that comes, in which the witness lies."""
    at = next((each[0] for each in real if any(low <= each[0] < high for low, high in usual)), None)
    if at is None:
        return
    calendar = context.policy.calendar_of(post.team)
    hours = intervals.week_of(usual, calendar.zone)
    yield from with_proof(
        context,
        Finding(
            UNCOVERED,
            _gravity(context.policy, post),
            _spot(context.policy, post),
            f"nobody of {post.team} at {post.level} is on duty {hours}, while its clocks run "
            f"(calendar {calendar.name!r}){_borrowed(context.policy, post, people)}{_by(context, post)}",
            "give somebody there these hours, or the team a calendar that is closed then",
            (post.team, post.level),
        ),
        post.routes,
        partial(_shown, context, post, at),
    )


def _dated(
    context: LadderContext, post: Post, people: Sequence[Agent], gaps: Sequence[Span]
) -> Iterator[Finding]:
    if not gaps:
        return
    zone = context.policy.calendar_of(post.team).zone
    days = {on for on, _, _ in intervals.by_days(gaps, zone)}
    away = sorted({agent.name for agent in people if agent.away & days})
    named = f" ({' and '.join(away[:4])} away)" if away else ""
    yield from with_proof(
        context,
        Finding(
            ABSENT,
            Severity.REMARK,
            _spot(context.policy, post),
            f"nobody of {post.team} at {post.level} is on duty on {intervals.dates(days)}{named}, while its "
            f"clocks run{_borrowed(context.policy, post, people)}{_by(context, post)}",
            "somebody else steps in, or the team's calendar is closed on these dates",
            (post.team, post.level),
        ),
        post.routes,
        partial(_shown, context, post, gaps[0][0]),
    )


def _nobody(context: LadderContext, post: Post) -> Iterator[Finding]:
    """A rule that sends tickets to a level where nobody works in any team."""
    if not post.starts:
        return  # said of the step
    for route in post.routes:
        [index, *_] = {way[0] for way in context.routes.ways[route]}
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
            lambda proof: Witness(f"it should stand at {post.level} of {post.team}", proof.mail),
        )


def _gravity(policy: Policy, post: Post) -> Severity:
    """The highest level, and people of other teams who step in where a ticket climbs to them, are no shifts
    of this team: they may sleep."""
    held = [each for each in policy.levels if ladders.agents_at(policy, "", each)]
    own = any(agent.level == post.level for agent in policy.teams[post.team].agents)
    if post.level == held[0] or (post.level != held[-1] and (post.starts or own)):
        return Severity.FAULT
    return Severity.REMARK


def _spot(policy: Policy, post: Post) -> Spot:
    """The level of the team's first agent there, else the team."""
    own = any(agent.level == post.level for agent in policy.teams[post.team].agents)
    return Spot("teams", ("teams", post.team), post.level if own else "")


def _borrowed(policy: Policy, post: Post, people: Sequence[Agent]) -> str:
    teams = [name for name, team in policy.teams.items() if set(team.agents) & set(people)]
    return "" if post.team in teams else f"; {' and '.join(teams)} steps in there"


def _by(context: LadderContext, post: Post) -> str:
    """How tickets come there, where no rule sends them."""
    if post.starts or post.steps[0] is None:
        return ""
    name, step = post.steps[0]
    return f"; {step_text(context.policy.ladders[name], step)} leads there"


# --- what shows it ----------------------------------------------------------------------------------------


def _shown(context: LadderContext, post: Post, at: datetime, proof: Proof) -> Witness | None:
    """The moment, as the engine confirms it: the clocks run, and whoever gets a ticket then is not there."""
    policy = context.policy
    people = ladders.agents_at(policy, post.team, post.level)
    ticket = replace(
        ladder_runs.opened(policy, proof.route, at.astimezone(UTC)), team=post.team, level=post.level
    )
    stands = any(
        (each.team, each.level) == (post.team, post.level)
        for run in runs_of(policy, proof)
        for each, _ in run.stages()
    )
    runs = is_open(ladders.calendar_of(ticket, policy), at)
    if not stands or not runs or any(is_on_duty(agent, policy, at) for agent in people):
        return None
    chosen = choose(ticket, policy, at)
    assert chosen
    shows = f"a ticket at {post.level} of {post.team} goes to {chosen.agent.name} then: {chosen.reason}"
    assert proof.mail
    mail = proof.mail
    if (proof.route.team, proof.route.level) == (post.team, post.level):
        mail = routes.come_at(context.base, proof.route, mail, at)
    return Witness(shows, mail, local_time_of(policy, post.team, at))
