"""Compensation: amounts within the limits that no agent may approve, and limits without effect.

No agent may grant more than the highest limit, which is intended. The question is whether every amount below
it can be granted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from mailbot.analysis.lint.finding import Finding, Severity, Spot, Witness
from mailbot.analysis.lint.ladders import ladder_runs
from mailbot.analysis.lint.ladders.ladder_cases import LadderContext, with_proof
from mailbot.analysis.lint.routes import Proof, Route
from mailbot.domain import ladder as ladders
from mailbot.domain.compensation import authority
from mailbot.domain.compensation.authority import (
    NOTHING,
    PER_AGENT_DAY,
    PER_TICKET,
    TWO_PERSONS,
    Case,
    Over,
    Spent,
)
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.routing.money import Money

NOBODY_MAY, LESS_ABOVE, IN_VAIN = "nobody-may-approve", "less-above", "limit-in-vain"
ONE = Money(Decimal(1))


@dataclass(frozen=True, slots=True)
class TicketLimits:
    """The limits under one key of `per_ticket` ("": the common ones), with the routes that they apply to."""

    key: str
    limits: dict[str, Money]  # of every level
    routes: tuple[Route, ...]

    @property
    def highest(self) -> Money:
        return max(self.limits.values(), key=lambda each: each.amount, default=NOTHING)

    def spot(self, level: str = "") -> Spot:
        path = ("authority", "per_ticket", *((self.key,) if self.key else ()))
        return Spot("teams", (*path, level) if level else path)

    @property
    def name(self) -> str:
        return f" in category {self.key!r}" if self.key else ""


def find(context: LadderContext) -> Iterator[Finding]:
    for scale in _scales(context):
        yield from _lower_above(context, scale)
        yield from _gaps(context, scale)
    yield from _idle_limits(context)


def _scales(context: LadderContext) -> Iterator[TicketLimits]:
    given = context.policy.authority.per_ticket
    held: dict[str, list[Route]] = {key: [] for key in given}
    for route in context.routes:
        key = next((each for each in authority.paths(route.category) if each in given), None)
        if key is not None:
            held[key].append(route)
    for key, routes in held.items():
        if routes:
            limits = {level: given[key].get(level, NOTHING) for level in context.policy.levels}
            yield TicketLimits(key, limits, tuple(routes))


def case_of(policy: Policy, route: Route, amount: Money, ticket: Ticket) -> Case:
    """Build the case of an amount for a ticket without earlier compensation, of it, its customer or its
    team."""
    asked = replace(ticket, team=route.team, category=route.category)
    return Case(asked, asked.customer, amount, Spent(), policy)


# --- level by level ---------------------------------------------------------------------------------------


def _lower_above(context: LadderContext, scale: TicketLimits) -> Iterator[Finding]:
    """Find a level that may grant less than one below it: escalation would lower the limit."""
    held = [level for level in context.policy.levels if ladders.agents_at(context.policy, "", level)]
    named = context.policy.authority.per_ticket[scale.key]
    highest, below = NOTHING, ""
    for level in held:
        limit = scale.limits[level]
        if highest > limit:
            granted = f"up to {limit}" if limit > NOTHING else "nothing"
            yield from with_proof(
                context,
                Finding(
                    LESS_ABOVE,
                    Severity.FAULT if level in named else Severity.REMARK,
                    scale.spot(level if level in named else ""),
                    f"{level} may grant {granted} on one ticket{scale.name}, {below} below it up to {highest}",
                    f"give {level} {highest} or more",
                    (level, below),
                ),
                scale.routes,
                partial(_lower_above_witness, context, below, level, highest),
            )
        else:
            highest, below = limit, level


def _lower_above_witness(
    context: LadderContext, below: str, above: str, amount: Money, proof: Proof
) -> Witness | None:
    asked = _asked(context, proof, amount)
    by = {level: ladders.agents_at(context.policy, "", level)[0] for level in (below, above)}
    over = authority.agent_limit(asked, by[above])
    if over is None or over.limit != PER_TICKET:
        return None
    return _witness(context, proof, amount, f"{by[above].name} may not: {over.reason}")


# --- amounts that nobody may approve ----------------------------------------------------------------------


def _gaps(context: LadderContext, scale: TicketLimits) -> Iterator[Finding]:
    reported: set[str] = set()
    for amount in _amounts(context.policy, scale):
        over = _over_common_limit(context, scale.routes[0], amount)
        if over is None or over.limit in reported:
            continue
        reported.add(over.limit)
        first = _amount_text(context, scale, over.limit, amount)
        yield from with_proof(
            context,
            Finding(
                NOBODY_MAY,
                Severity.FAULT,
                _spot(context.policy, scale, over.limit, amount),
                f"nobody may approve {first}{scale.name}, although the limits go up to {scale.highest}: "
                f"{over.reason}",
                _HINTS[over.limit],
                (scale.key,),
            ),
            scale.routes,
            partial(_refused_witness, context, amount),
        )


_HINTS = {
    PER_TICKET: "give an agent this level, or lower the limit",
    TWO_PERSONS: "give a second person the authority, or raise `two_persons_above`",
    PER_AGENT_DAY: "raise the limit of the day, or lower that of the ticket",
}


def _amounts(policy: Policy, scale: TicketLimits) -> list[Money]:
    """List the amounts up to the highest limit at which the answer can change: each limit, and one above
    it."""
    given = policy.authority
    limits = [*scale.limits.values(), *given.per_agent_day.values()]
    limits += [given.two_persons_above] if given.two_persons_above is not None else []
    found = {each.amount for limit in limits for each in (limit, limit + ONE)}
    return [
        Money(each) for each in sorted(found) if Money(each) > NOTHING and not Money(each) > scale.highest
    ]


def _over_common_limit(context: LadderContext, route: Route, amount: Money) -> Over | None:
    """Return why no agent may approve an amount, leaving out the budgets of customer and team."""
    policy = _without_budgets(context.policy)
    return authority.common_limit(case_of(policy, route, amount, _ticket(context, route)))


def _without_budgets(policy: Policy) -> Policy:
    return replace(policy, authority=replace(policy.authority, per_customer=None, per_team={}))


def _amount_text(context: LadderContext, scale: TicketLimits, limit: str, amount: Money) -> str:
    """Return "more than Rp5.000.000", or the amount itself."""
    under = Money(amount.amount - 1)
    if not under > NOTHING:
        return str(amount)
    before = _over_common_limit(context, scale.routes[0], under)
    return str(amount) if before and before.limit == limit else f"more than {under}"


def _refused_witness(context: LadderContext, amount: Money, proof: Proof) -> Witness | None:
    over = _over_common_limit(context, proof.route, amount)
    return _witness(context, proof, amount, f"refused at once: {over.reason}") if over else None


def _spot(policy: Policy, scale: TicketLimits, limit: str, amount: Money) -> Spot:
    given = policy.authority
    if limit == TWO_PERSONS:
        return Spot("teams", ("authority", "two_persons_above"))
    if limit == PER_AGENT_DAY:
        level = next(each for each in reversed(policy.levels) if each in given.per_agent_day)
        return Spot("teams", ("authority", "per_agent_day", level))
    level = next((each for each, most in scale.limits.items() if not amount > most), "")
    return scale.spot(level)


# --- limits that never matter -----------------------------------------------------------------------------


def _idle_limits(context: LadderContext) -> Iterator[Finding]:
    given, policy = context.policy.authority, context.policy
    by_category = {
        each: authority.reach(policy, each) for each in {route.category for route in context.routes}
    }
    reach = {route: by_category[route.category] for route in context.routes}
    if not reach:
        return
    best = max(reach, key=lambda each: reach[each].amount)
    if given.per_customer is not None and reach[best] > given.per_customer:
        routes = [route for route in reach if reach[route] == reach[best]]
        yield from _budget_below_reach(
            context, authority.PER_CUSTOMER, "", given.per_customer, routes, reach[best]
        )
    for team, budget in given.per_team.items():
        own = [route for route in reach if route.team == team and reach[route] > budget]
        if own:
            most = max(own, key=lambda each: reach[each].amount)
            routes = [route for route in own if reach[route] == reach[most]]
            yield from _budget_below_reach(context, authority.PER_TEAM, team, budget, routes, reach[most])
    for level, limit in given.per_ticket.get("", {}).items():
        if limit > NOTHING and not ladders.agents_at(policy, "", level):
            yield Finding(
                IN_VAIN,
                Severity.REMARK,
                Spot("teams", ("authority", "per_ticket", level)),
                f"{level} may grant {limit} on one ticket, but nobody works there",
                "give an agent this level, or remove the limit",
                (level,),
            )
    above = given.two_persons_above
    if above is not None and not max(each.highest.amount for each in _scales(context)) > above.amount:
        yield Finding(
            IN_VAIN,
            Severity.REMARK,
            Spot("teams", ("authority", "two_persons_above")),
            f"no ticket can exceed {above} anyway: two persons are never needed",
            "use a lower amount, or remove it",
        )


def _budget_below_reach(
    context: LadderContext, limit: str, team: str, most: Money, routes: Sequence[Route], reach: Money
) -> Iterator[Finding]:
    limit_text = f"the budget of {team}, {most} a month," if team else f"what a customer may get, {most},"
    yield from with_proof(
        context,
        Finding(
            IN_VAIN,
            Severity.REMARK,
            Spot("teams", ("authority", limit, *((team,) if team else ()))),
            f"{limit_text} is less than the {reach} that agents may grant on one ticket",
            "raise it, or lower the limit of the ticket",
            (team,) if team else (),
        ),
        routes,
        partial(_budget_witness, context, reach, limit),
    )


def _budget_witness(context: LadderContext, amount: Money, limit: str, proof: Proof) -> Witness | None:
    asked = _asked(context, proof, amount)
    if limit == authority.PER_TEAM:  # without the customer's limit, which is checked apart
        given = replace(context.policy.authority, per_customer=None)
        asked = replace(asked, policy=replace(context.policy, authority=given))
    over = authority.common_limit(asked)
    return _witness(context, proof, amount, f"refused at once: {over.reason}") if over else None


# --- witnesses ----------------------------------------------------------------------------------------


def _asked(context: LadderContext, proof: Proof, amount: Money) -> Case:
    return case_of(context.policy, proof.route, amount, _ticket(context, proof.route))


def _ticket(context: LadderContext, route: Route) -> Ticket:
    at = context.base.search.world.moments.usual
    return Ticket(
        ladder_runs.NUMBER, next(iter(context.policy.mailboxes)), ladder_runs.CUSTOMER_ADDRESS, "", "", at
    )


def _witness(context: LadderContext, proof: Proof, amount: Money, shows: str) -> Witness:
    route = proof.route
    text = f"{amount} on a ticket of category {route.category!r} of {route.team}: {shows}"
    return Witness(text, proof.mail, amount=amount)
