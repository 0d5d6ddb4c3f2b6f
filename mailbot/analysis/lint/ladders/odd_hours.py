"""Hours of calendars that are probably a slip: open for under an hour of a day, or for all of it but an hour."""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailbot.analysis.lint.finding import Finding, Severity, Spot, Witness
from mailbot.analysis.lint.ladders.ladder_cases import LadderContext, span_text
from mailbot.domain.policy import Policy
from mailbot.domain.worktime import DAY_NAMES, MIDNIGHT, Calendar, Interval

ODD = "odd-hours"
LEAST = timedelta(hours=1)
MIDNIGHT_SLACK = timedelta(minutes=5)  # some people write midnight as 23:59


def find(context: LadderContext) -> Iterator[Finding]:
    """Report the calendars of teams and agents, each once, with its first such day as the witness."""
    policy = context.policy
    used = {each.calendar for each in policy.teams.values()} | {
        each.calendar for each in policy.agents.values()
    }
    for name, calendar in policy.calendars.items():
        days = [day for day, hours in enumerate(calendar.week) if _is_odd(hours)]
        if days and name in used:
            yield _finding(context, name, calendar, days)


def _is_odd(hours: Sequence[Interval]) -> bool:
    open_for = _length(hours)
    return timedelta() < open_for < LEAST or MIDNIGHT - LEAST < open_for < MIDNIGHT - MIDNIGHT_SLACK


def _length(hours: Sequence[Interval]) -> timedelta:
    return sum((each.end - each.start for each in hours), timedelta())


def _finding(context: LadderContext, name: str, calendar: Calendar, days: Sequence[int]) -> Finding:
    hours = calendar.week[days[0]]
    monday = context.base.search.world.moments.usual.date()
    at = datetime.combine(monday, time(), ZoneInfo(calendar.zone)) + timedelta(days[0]) + hours[0].start
    named = ", ".join(DAY_NAMES[day][:3] for day in days)
    return Finding(
        ODD,
        Severity.REMARK,
        Spot("escalation", ("calendars", name, "hours")),
        f"calendar {name!r} is open for {span_text(_length(hours))} of a day ({named}): "
        f"{', '.join(_users(context.policy, name))}",
        "check start and end; a whole day is 00:00-24:00, a day without work is left out",
        (name,),
        Witness(f"open only {', '.join(map(str, hours))}", moment=at),
    )


def _users(policy: Policy, name: str) -> list[str]:
    """List the teams and agents with these hours."""
    teams = [each.name for each in policy.teams.values() if each.calendar == name]
    return teams + [each.name for each in policy.agents.values() if each.calendar == name][:4]
