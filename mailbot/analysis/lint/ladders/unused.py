"""Ladders, teams, categories and limits that no ticket uses; holidays that are estimates."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from mailbot.analysis.lint.finding import Finding, Severity, Spot, Witness
from mailbot.analysis.lint.ladders import intervals
from mailbot.analysis.lint.ladders.ladder_cases import LadderContext, spot, step_text
from mailbot.domain import ladder as ladders
from mailbot.domain.policy import Policy, Team
from mailbot.domain.worktime import Calendar

UNUSED, ESTIMATED = "unused", "estimated-holidays"


def find(context: LadderContext) -> Iterator[Finding]:
    if context.routes.complete:
        yield from _ladders(context)
        yield from _teams(context)
        yield from _categories(context)
    for name, calendar in context.policy.calendars.items():
        yield from _estimated(context.policy, name, calendar)


def _ladders(context: LadderContext) -> Iterator[Finding]:
    policy = context.policy
    for name in policy.ladders:
        if context.routes_of(name):
            continue
        priorities = [priority for priority, each in policy.ladder_of.items() if each == name]
        why = f"; its priorities are {', '.join(priorities)}, which no rule gives" if priorities else ""
        yield Finding(
            UNUSED,
            # It is usual to keep a ladder ready for a priority that no rule gives yet.
            Severity.NOTE if priorities else Severity.REMARK,
            spot(name),
            f"no ticket uses ladder {name!r}: no rule names it{why}",
            "remove it, or name it in a rule" if not priorities else "keep it if intended",
            (name,),
        )


def _teams(context: LadderContext) -> Iterator[Finding]:
    """Report teams whose agents get a ticket, a question or a notice only when somebody hands it over."""
    policy, used = context.policy, _used_teams(context)
    for name, team in policy.teams.items():
        if name not in used:
            yield Finding(
                UNUSED,
                Severity.REMARK,
                Spot("teams", ("teams", name)),
                f"no rule, mailbox or step leads to team {name!r}: its agents ({_names(team)}) only get what "
                "somebody hands over",
                "name it in a rule, or remove it; keep it if intended",
                (name,),
            )


def _names(team: Team) -> str:
    named = [each.name for each in team.agents]
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")


def _used_teams(context: LadderContext) -> set[str]:
    policy = context.policy
    team_of = {agent.address: name for name, team in policy.teams.items() for agent in team.agents}
    steps = [step for ladder in policy.ladders.values() for step in ladder.steps]
    stages = [
        ticket
        for cases in context.cases.values()
        for case in cases
        for run in case.runs
        for ticket, _ in run.stages()
    ]
    named = {
        *(route.team for route in context.routes),
        *(ticket.team for ticket in stages),
        *(step.hand_over_to for step in steps),
        *(box.incident.team for box in policy.mailboxes.values() if box.incident),
    }
    desks = {
        *((ticket.team, ticket.level) for ticket in stages),
        *((team, step.ask_decision) for step in steps for team in named if step.ask_decision),
        *(("", level) for level in _deciding_levels(policy, named)),
    }
    told = {each for step in steps for each in step.notify} | set(policy.weekly.to if policy.weekly else ())
    addresses = {agent.address for desk in desks for agent in ladders.agents_at(policy, *desk)} | told
    return named | {team_of[each] for each in addresses if each in team_of}


def _deciding_levels(policy: Policy, teams: Iterable[str]) -> set[str]:
    """Return the levels that may approve compensation and that none of these teams has."""
    held = {agent.level for name in teams if name in policy.teams for agent in policy.teams[name].agents}
    return {level for limits in policy.authority.per_ticket.values() for level in limits} - held


def _categories(context: LadderContext) -> Iterator[Finding]:
    categories = {route.category for route in context.routes}
    for name, ladder in context.policy.ladders.items():
        on_ladder = {route.category for route in context.routes_of(name)}
        for index, step in enumerate(ladder.steps):
            for category in step.escalate_by_category if on_ladder else ():
                if not _within(category, on_ladder):
                    where = "on this ladder" if _within(category, categories) else "at all"
                    yield Finding(
                        UNUSED,
                        Severity.REMARK,
                        spot(name, index, "escalate_to", category),
                        f"{step_text(ladder, index)} names category {category!r}, which no ticket {where} has",
                        "remove it, or route that category to this ladder",
                        (name, category),
                    )
    for category in context.policy.authority.per_ticket:
        if category and not _within(category, categories):
            yield Finding(
                UNUSED,
                Severity.REMARK,
                Spot("teams", ("authority", "per_ticket", category)),
                f"limits are set for category {category!r}, which no rule gives",
                "remove them, or give it in a rule",
                (category,),
            )


def _within(category: str, categories: Iterable[str]) -> bool:
    return any(each == category or each.startswith(f"{category}/") for each in categories)


def _estimated(policy: Policy, name: str, calendar: Calendar) -> Iterator[Finding]:
    """Report working days that are closed because of a holiday that is not officially fixed yet."""
    days = sorted(day for day in calendar.estimated if calendar.week[day.weekday()])
    teams = [each.name for each in policy.teams.values() if each.calendar == name]
    own = [agent.name for agent in policy.agents.values() if agent.calendar == name]
    if not days or (not teams and not own):
        return
    effects = [f"the clocks of {', '.join(teams)} stop"] if teams else []
    effects += [f"{', '.join(own[:4])}{' and others' if len(own) > 4 else ''} off duty"] if own else []
    yield Finding(
        ESTIMATED,
        Severity.REMARK,
        Spot("escalation", ("calendars", name, "holidays")),
        f"calendar {name!r} is closed on {intervals.dates_text(days)} by estimate: {'; '.join(effects)}",
        "update `holidays` once the government has fixed them, or add them under `dates`",
        (name, *teams),
        Witness("closed, unless the holiday is on another day", moment=_opening_time(calendar, days[0])),
    )


def _opening_time(calendar: Calendar, day: date) -> datetime:
    """Return when the calendar would open on that date."""
    start = min(each.start for each in calendar.week[day.weekday()])
    return datetime.combine(day, time(), ZoneInfo(calendar.zone)) + start
