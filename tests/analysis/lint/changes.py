"""Changes of a policy, to seed faults in ladders, shifts and limits."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from mailbot.analysis.lint.checks import Finding, check
from mailbot.analysis.lint.ladders import checks
from mailbot.domain import ladder
from mailbot.domain.policy import Agent, Ladder, Policy, Step, Team
from tests.analysis.lint import policies
from tests.analysis.lint.policies import SINCE, agent, rp

Changed = Callable[[Policy], Policy]


def found(policy: Policy, since: date | None = SINCE) -> list[Finding]:
    return check(policy, checks=(checks.find,), since=since)


def steps(*more: Step, of: Ladder = policies.CALM, without: Iterable[int] = ()) -> Changed:
    """Return a change that gives each ladder the steps of `of`, without some and with more."""
    kept = [each for index, each in enumerate(of.steps) if index not in set(without)]
    order = {target: place for place, target in enumerate(of.targets)}
    every = sorted(
        (*kept, *more),
        key=lambda each: (order[each.at.target], ladder.offset_of(each, of.targets[each.at.target])),
    )
    ladders = {name: replace(of, name=name, steps=tuple(every)) for name in ("calm", "brisk")}
    return lambda policy: replace(policy, ladders=ladders)


def people(team: str, *agents: Agent, hours: str = "") -> Changed:
    def change(policy: Policy) -> Policy:
        old = policy.teams[team]
        return replace(
            policy, teams={**policy.teams, team: Team(team, hours or old.calendar, agents or old.agents)}
        )

    return change


def opens(*calendars: Any) -> Changed:
    return lambda policy: replace(
        policy, calendars={**policy.calendars, **{each.name: each for each in calendars}}
    )


def both(*changes: Changed) -> Changed:
    def change(policy: Policy) -> Policy:
        for each in changes:
            policy = each(policy)
        return policy

    return change


def rules(**then: Any) -> Changed:
    return lambda policy: replace(
        policy, rules=tuple(replace(each, then=replace(each.then, **then)) for each in policy.rules)
    )


def limits(**changes: Any) -> Changed:
    return lambda policy: replace(policy, authority=replace(policy.authority, **changes))


def per_ticket(category: str = "", **levels: int) -> Changed:
    given = {level: rp(amount) for level, amount in levels.items()}
    return lambda policy: replace(
        policy,
        authority=replace(policy.authority, per_ticket={**policy.authority.per_ticket, category: given}),
    )


def level(name: str, *, at: int) -> Changed:
    def change(policy: Policy) -> Policy:
        return replace(policy, levels=(*policy.levels[:at], name, *policy.levels[at:]))

    return change


TOP = {"escalate_to": "management"}
QUESTION = {"ask_decision": "management", "options": ("yes", "no")}
ONE_EACH = both(
    people("frontline", agent("Ayu", "L1"), agent("Dewi", "L2")),
    people("payments", agent("Fitri", "L1"), agent("Hesti", "L2")),
    people("management", agent("Gita", "management"), agent("Indra", "management")),
)
