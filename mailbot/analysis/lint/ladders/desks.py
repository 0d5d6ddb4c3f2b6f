"""Skills and languages that a rule or a mailbox asks for, and that nobody has where its tickets start.

A desk is the agents of a team at one level. Agents without `languages` may speak any.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC

from mailbot.analysis.lint.finding import Finding, Severity, Spot, Witness
from mailbot.analysis.lint.formulas import And, Formula, literals
from mailbot.analysis.lint.ladders import ladder_runs
from mailbot.analysis.lint.ladders.ladder_cases import LadderContext
from mailbot.analysis.lint.routes import Route
from mailbot.analysis.lint.search import Example
from mailbot.domain import ladder as ladders
from mailbot.domain.assignment import choose
from mailbot.domain.classify import Classification, classify
from mailbot.domain.language import NAMES
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import RoutingFacts

SKILL, LANGUAGE = "nobody-with-skill", "nobody-speaks"


def find(context: LadderContext) -> Iterator[Finding]:
    for index, rule in enumerate(context.base.rules):
        if index in context.base.dead or rule.go_on:
            continue
        if rule.then.skill:
            yield from _skill(context, index)
        yield from _asked_language(context, index)
    yield from _mailboxes(context)


def _mail(context: LadderContext, index: int, *more: Formula) -> RoutingFacts | None:
    """Find a mail that a rule takes."""
    wanted = And((context.base.formulas[index], *more))
    answer = context.base.search.find(wanted, context.base.final_rules(index))
    return answer.mail if isinstance(answer, Example) else None


def _desk(policy: Policy, routed: Classification | Route) -> Sequence[Agent]:
    return ladders.agents_at(policy, routed.team, routed.level)


# --- skills -----------------------------------------------------------------------------------------------


def _skill(context: LadderContext, index: int) -> Iterator[Finding]:
    mail = _mail(context, index)
    routed = classify(context.policy, mail) if mail else None
    if mail is None or routed is None:
        return
    people = _desk(context.policy, routed)
    if not people or any(routed.skill in agent.skills for agent in people):
        return
    rule = context.base.rules[index]
    holders = [
        f"{agent.name} ({agent.level})"
        for agent in context.policy.agents.values()
        if routed.skill in agent.skills
    ]
    yield Finding(
        SKILL,
        Severity.REMARK,
        context.base.spot(index, "then", "skill"),
        f"rule {rule.name!r} asks for the skill {routed.skill!r}, which nobody of {routed.team} at {routed.level} "
        f"has{'; ' + ', '.join(holders[:4]) + ' has it' if holders else ''}",
        f"give it to an agent at {routed.level}, or name another level",
        (rule.name, routed.team, routed.level, routed.skill),
        _witness(context, mail, routed, mail.language),
    )


def _witness(
    context: LadderContext, mail: RoutingFacts, routed: Classification, language: str = ""
) -> Witness:
    """Show who gets the ticket of a mail, and why."""
    policy, at = context.policy, mail.local_time.astimezone(UTC)
    route = Route(routed.team, routed.level, routed.ladder, routed.category, routed.priority)
    ticket = replace(ladder_runs.opened(policy, route, at), skill=routed.skill, language=language)
    chosen = choose(ticket, policy, at)
    assert chosen  # there are agents
    return Witness(f"{chosen.agent.name} gets it: {chosen.reason}", mail)


# --- languages --------------------------------------------------------------------------------------------


def _speaks(people: Sequence[Agent], language: str) -> bool:
    return not people or any(not each.languages or language in each.languages for each in people)


def _asked_language(context: LadderContext, index: int) -> Iterator[Finding]:
    """Find a language that a rule asks for and its desk does not speak."""
    for asked in dict.fromkeys(literals(context.base.formulas[index])):
        language = str(asked.atom.item)
        if not asked.sign or asked.atom.field != "language" or language not in NAMES:
            continue
        then, policy = context.base.rules[index].then, context.policy
        if _speaks(ladders.agents_at(policy, then.team, then.level or policy.levels[0]), language):
            continue
        mail = _mail(context, index, asked)
        routed = classify(policy, mail) if mail else None
        if mail is None or routed is None or _speaks(_desk(policy, routed), language):
            continue
        name = context.base.rules[index].name
        yield Finding(
            LANGUAGE,
            Severity.REMARK,
            context.base.spot(index, "when", item=language),
            f"rule {name!r} takes mail in {NAMES[language]}, which nobody of {routed.team} at {routed.level} speaks",
            f"add {language} to an agent's `languages`, or name another team or level",
            (name, routed.team, routed.level, language),
            _witness(context, mail, routed, language),
        )


def _mailboxes(context: LadderContext) -> Iterator[Finding]:
    """Find desks that don't speak the language in which a mailbox answers mail of unclear language."""
    desks: dict[tuple[str, str], list[Route]] = {}
    for route in context.routes:
        desks.setdefault((route.team, route.level), []).append(route)
    for box in context.policy.mailboxes.values():
        for (team, level), routes in desks.items():
            if not box.language or _speaks(_desk(context.policy, routes[0]), box.language):
                continue
            mail = _unclear_mail(context, routes, box.address)
            if mail is None:
                continue
            routed = classify(context.policy, mail)
            yield Finding(
                LANGUAGE,
                Severity.REMARK,
                Spot("teams", ("teams", team), level),
                f"{box.address} answers in {NAMES[box.language]} where a mail's language is unclear, which nobody "
                f"of {team} at {level} speaks",
                f"add {box.language} to an agent's `languages`, or change the mailbox's `language`",
                (team, level, box.language, box.address),
                _witness(context, mail, routed, box.language),
            )


def _unclear_mail(context: LadderContext, routes: Sequence[Route], mailbox: str) -> RoutingFacts | None:
    """Find a mail to a mailbox that takes one of the routes and whose language is unclear."""
    asked = [("recipient", mailbox), ("language", "unsure")]
    wanted = [context.base.builder.build(conditions.build(name, "is", value)) for name, value in asked]
    desk = routes[0].team, routes[0].level
    for index in dict.fromkeys(path[0] for route in routes for path in context.routes.paths[route]):
        mail = _mail(context, index, *wanted)
        if mail and not mail.language:
            routed = classify(context.policy, mail)
            if (routed.team, routed.level) == desk:
                return mail
    return None
