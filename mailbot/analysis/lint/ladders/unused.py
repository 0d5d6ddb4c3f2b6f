"""What nothing leads to: ladders, categories in steps and limits. Holidays of which nobody is sure yet."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from mailbot.analysis.lint.finding import Finding, Severity, Spot, Witness
from mailbot.analysis.lint.ladders import intervals
from mailbot.analysis.lint.ladders.ladder_cases import LadderContext, spot, step_text
from mailbot.domain.policy import Policy
from mailbot.domain.worktime import Calendar

UNUSED, ESTIMATED = "unused", "estimated-holidays"


def find(context: LadderContext) -> Iterator[Finding]:
    if context.routes.complete:
        yield from _ladders(context)
        yield from _categories(context)
    for name, calendar in context.policy.calendars.items():
        yield from _estimated(context.policy, name, calendar)


def _ladders(context: LadderContext) -> Iterator[Finding]:
    policy = context.policy
    for name in policy.ladders:
        if context.routes_of(name):
            continue
        by = [priority for priority, each in policy.ladder_of.items() if each == name]
        why = f"; its priorities are {', '.join(by)}, which no rule leads to" if by else ""
        yield Finding(
            UNUSED,
            # The ladder of a priority that no rule gives today is what an ordinary desk keeps ready.
            Severity.NOTE if by else Severity.REMARK,
            spot(name),
            f"no ticket ever climbs ladder {name!r}: no rule names it{why}",
            "leave it out, or name it in a rule" if not by else "all is well if that is meant",
            (name,),
        )


def _categories(context: LadderContext) -> Iterator[Finding]:
    given = {route.category for route in context.routes}
    for name, ladder in context.policy.ladders.items():
        on = {route.category for route in context.routes_of(name)}
        for index, step in enumerate(ladder.steps):
            for category in step.escalate_by_category if on else ():
                if not _within(category, on):
                    where = "on this ladder" if _within(category, given) else "at all"
                    yield Finding(
                        UNUSED,
                        Severity.REMARK,
                        spot(name, index, "escalate_to", category),
                        f"{step_text(ladder, index)} names category {category!r}, which no ticket {where} has",
                        "leave it out, or lead that category onto this ladder",
                        (name, category),
                    )
    for category in context.policy.authority.per_ticket:
        if category and not _within(category, given):
            yield Finding(
                UNUSED,
                Severity.REMARK,
                Spot("teams", ("authority", "per_ticket", category)),
                f"limits are set for category {category!r}, which no rule gives",
                "leave them out, or give it in a rule",
                (category,),
            )


def _within(category: str, given: Iterable[str]) -> bool:
    return any(each == category or each.startswith(f"{category}/") for each in given)


def _estimated(policy: Policy, name: str, calendar: Calendar) -> Iterator[Finding]:
    """Days off that the government has not fixed yet, where somebody would work otherwise."""
    days = sorted(day for day in calendar.estimated if calendar.week[day.weekday()])
    teams = [each.name for each in policy.teams.values() if each.calendar == name]
    own = [agent.name for agent in policy.agents.values() if agent.calendar == name]
    if not days or (not teams and not own):
        return
    hanging = [f"the clocks of {', '.join(teams)} stand still then"] if teams else []
    hanging += [f"{', '.join(own[:4])}{' and others' if len(own) > 4 else ''} off duty"] if own else []
    yield Finding(
        ESTIMATED,
        Severity.REMARK,
        Spot("escalation", ("calendars", name, "holidays")),
        f"calendar {name!r} is closed on {intervals.dates(days)} by estimate: {'; '.join(hanging)}",
        "once the government has fixed them, an update of `holidays` or lines under `dates` say so",
        (name, *teams),
        Witness("closed, unless the holiday comes on another day", moment=_opening(calendar, days[0])),
    )


def _opening(calendar: Calendar, day: date) -> datetime:
    """When it would open on that date."""
    start = min(each.start for each in calendar.week[day.weekday()])
    return datetime.combine(day, time(), ZoneInfo(calendar.zone)) + start
