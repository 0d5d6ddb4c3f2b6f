"""Policies without faults: teams in shifts, ladders, limits. The rules come from the sets."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from mailbot.domain.model import Target
from mailbot.domain.policy import Agent, Authority, Ladder, Moment, Policy, Step, Team
from mailbot.domain.routing.conditions import PRIORITIES
from mailbot.domain.routing.money import Money
from mailbot.domain.worktime import ALWAYS, Calendar, Interval, hours

SINCE = date(2026, 11, 22)
JAKARTA = "Asia/Jakarta"
FIRST, NEXT, RESOLUTION = Target.FIRST_RESPONSE, Target.NEXT_RESPONSE, Target.RESOLUTION


def hour(count: float) -> timedelta:
    return timedelta(hours=count)


def rp(amount: int) -> Money:
    return Money(Decimal(amount))


def calendar(
    name: str, *open_at: str, days: Iterable[int] = range(7), zone: str = JAKARTA, **more: Any
) -> Calendar:
    stretches: tuple[Interval, ...] = tuple(map(hours, open_at))
    return Calendar(name, zone, tuple(stretches if day in set(days) else () for day in range(7)), **more)


def agent(name: str, level: str, own: str = "", away: Iterable[date] = ()) -> Agent:
    return Agent(name, f"{name.lower()}@tim.example", level, ("id", "en"), calendar=own, away=frozenset(away))


def step(target: Target, share: float = 1.0, after: float = 0.0, **does: Any) -> Step:
    return Step(Moment(target, share, hour(after)), **does)


CALM = Ladder(
    "calm",
    {FIRST: hour(4), NEXT: hour(8), RESOLUTION: hour(24), Target.FOLLOW_UP: hour(40)},
    (
        step(FIRST, 0.75, remind="assignee"),
        step(FIRST, remind="team"),
        step(FIRST, after=2, escalate_to="L2"),
        step(NEXT, remind="team"),
        step(RESOLUTION, escalate_to="L2", tell_customer=True),
        step(RESOLUTION, after=16, escalate_to="management", tell_customer=True),
    ),
)
BRISK = Ladder(
    "brisk",
    {FIRST: hour(1), NEXT: hour(2), RESOLUTION: hour(8)},
    (
        step(FIRST, 0.5, remind="assignee"),
        step(FIRST, escalate_to="L2", acknowledge_within=hour(0.5)),
        step(FIRST, after=1, notify=("gita@tim.example",)),
        step(NEXT, remind="team"),
        step(RESOLUTION, 0.75, ask_decision="management", question="Refund?", options=("yes", "no")),
        step(RESOLUTION, escalate_to="management", tell_customer=True),
    ),
)
LIMITS = Authority(
    per_ticket={
        "": {"L1": rp(100_000), "L2": rp(1_000_000), "management": rp(20_000_000)},
    },
    per_customer=rp(20_000_000),
    per_agent_day={"L1": rp(500_000)},
    per_team={"frontline": rp(30_000_000)},
    two_persons_above=rp(5_000_000),
)
CALENDARS = {
    each.name: each
    for each in (
        calendar("extended", "07:00-22:00"),
        calendar("early", "07:00-15:00"),
        calendar("late", "14:00-22:00"),
        calendar("east", "09:00-24:00", zone="Asia/Jayapura"),  # the same as extended, two hours ahead
        calendar("day", "06:00-18:00"),
        calendar("night", "00:00-06:00", "18:00-24:00"),
    )
}


def shifts(policy: Policy) -> Policy:
    """Build a policy with fifteen hours a day in two shifts, and days off with substitutes."""
    new_year = (date(2026, 12, 31), date(2027, 1, 1))
    teams = (
        Team(
            "frontline",
            "extended",
            (
                agent("Ayu", "L1", "early", new_year),
                agent("Budi", "L1", "late"),
                agent("Citra", "L1", "early"),
                agent("Dewi", "L2", "east"),
                agent("Eko", "L2", away=new_year),
            ),
        ),
        Team("payments", "extended", (agent("Fitri", "L1"), agent("Joko", "L1"), agent("Hesti", "L2"))),
        Team("management", "extended", (agent("Gita", "management"), agent("Indra", "management"))),
    )
    return _with(policy, teams)


def round_the_clock(policy: Policy) -> Policy:
    """Build a policy with day and night shifts at every level; payments works by day, its clocks stop at
    night."""
    teams = (
        Team(
            "frontline",
            "always",
            (
                *(agent("Ayu", "L1", "day"), agent("Budi", "L1", "night"), agent("Citra", "L1", "night")),
                *(agent("Dewi", "L2", "day"), agent("Eko", "L2", "night")),
            ),
        ),
        Team("payments", "early", (agent("Fitri", "L1"), agent("Joko", "L1"), agent("Hesti", "L2"))),
        Team("management", "always", (agent("Gita", "management"), agent("Indra", "management"))),
    )
    return _with(policy, teams)


def office(policy: Policy) -> Policy:
    """Build a policy in which all work in office hours, with holidays, and no compensation is allowed."""
    teams = (
        Team("frontline", "office", (agent("Ayu", "L1"), agent("Budi", "L1"), agent("Dewi", "L2"))),
        Team("payments", "office", (agent("Fitri", "L1"), agent("Joko", "L1"), agent("Hesti", "L2"))),
        Team("management", "office", (agent("Gita", "management"), agent("Indra", "management"))),
    )
    return replace(_with(policy, teams), authority=Authority())


def _with(policy: Policy, teams: Iterable[Team]) -> Policy:
    return replace(
        policy,
        teams={team.name: team for team in teams},
        calendars={**policy.calendars, "always": ALWAYS, **CALENDARS},
        ladders={"calm": CALM, "brisk": BRISK},
        ladder_of=dict(zip(PRIORITIES, ("calm", "calm", "brisk", "brisk"), strict=True)),
        authority=LIMITS,
    )


def one_ladder(policy: Policy) -> Policy:
    """Use one ladder, which every set of rules has tickets for."""
    return replace(policy, ladders={"calm": CALM}, ladder_of=dict.fromkeys(PRIORITIES, "calm"))


POLICIES = (shifts, round_the_clock, office)
