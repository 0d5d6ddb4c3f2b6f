"""Compensation: amounts that the limits allow and nobody may approve, limits that never matter.

That nobody may grant more than the highest limit is meant. What is asked is whether all below it can be had.
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
class Scale:
    """The limits under one key of `per_ticket` ("": the common ones), with the routes that they hold for."""

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
        yield from _falling(context, scale)
        yield from _gaps(context, scale)
    yield from _over_all(context)


def _scales(context: LadderContext) -> Iterator[Scale]:
    given = context.policy.authority.per_ticket
    held: dict[str, list[Route]] = {key: [] for key in given}
    for route in context.routes:
        key = next((each for each in authority.paths(route.category) if each in given), None)
        if key is not None:
            held[key].append(route)
    for key, routes in held.items():
        if routes:
            limits = {level: given[key].get(level, NOTHING) for level in context.policy.levels}
            yield Scale(key, limits, tuple(routes))


def case(policy: Policy, route: Route, amount: Money, ticket: Ticket) -> Case:
    """`amount` for a ticket that had nothing before, nor its customer, nor its team this month."""
    asked = replace(ticket, team=route.team, category=route.category)
    return Case(asked, asked.customer, amount, Spent(), policy)


# --- level by level ---------------------------------------------------------------------------------------


def _falling(context: LadderContext, scale: Scale) -> Iterator[Finding]:
    """A level that may grant less than one below it: whoever gets the ticket higher up can do less."""
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
                partial(_less, context, below, level, highest),
            )
        else:
            highest, below = limit, level


def _less(context: LadderContext, below: str, above: str, amount: Money, proof: Proof) -> Witness | None:
    asked = _asked(context, proof, amount)
    by = {level: ladders.agents_at(context.policy, "", level)[0] for level in (below, above)}
    over = authority.agent_limit(asked, by[above])
    if over is None or over.limit != PER_TICKET:
        return None
    return _witness(context, proof, amount, f"{by[above].name} may not: {over.reason}")


# --- amounts that nobody may approve ----------------------------------------------------------------------


def _gaps(context: LadderContext, scale: Scale) -> Iterator[Finding]:
    reported: set[str] = set()
    for amount in _amounts(context.policy, scale):
        over = _nobody(context, scale.routes[0], amount)
        if over is None or over.limit in reported:
            continue
        reported.add(over.limit)
        first = _first(context, scale, over.limit, amount)
        yield from with_proof(
            context,
            Finding(
                NOBODY_MAY,
                Severity.FAULT,
                _spot(context.policy, scale, over.limit, amount),
                f"nobody may approve {first}{scale.name}, though the limits go up to {scale.highest}: "
                f"{over.reason}",
                _HINTS[over.limit],
                (scale.key,),
            ),
            scale.routes,
            partial(_refused, context, amount),
        )


_HINTS = {
    PER_TICKET: "give an agent this level, or lower the limit",
    TWO_PERSONS: "give a second person the authority, or raise `two_persons_above`",
    PER_AGENT_DAY: "raise the limit of the day, or lower that of the ticket",
}


def _amounts(policy: Policy, scale: Scale) -> list[Money]:
    """Where anything can change, up to the highest limit: at a limit and right above it."""
    given = policy.authority
    limits = [*scale.limits.values(), *given.per_agent_day.values()]
    limits += [given.two_persons_above] if given.two_persons_above is not None else []
    found = {each.amount for limit in limits for each in (limit, limit + ONE)}
    return [
        Money(each) for each in sorted(found) if Money(each) > NOTHING and not Money(each) > scale.highest
    ]


def _nobody(context: LadderContext, route: Route, amount: Money) -> Over | None:
    """Why nobody may sign it. The customer's and the team's sums are another matter."""
    policy = _without_sums(context.policy)
    return authority.common_limit(case(policy, route, amount, _ticket(context, route)))


def _without_sums(policy: Policy) -> Policy:
    return replace(policy, authority=replace(policy.authority, per_customer=None, per_team={}))


def _first(context: LadderContext, scale: Scale, limit: str, amount: Money) -> str:
    """ "more than Rp5.000.000", or the amount itself."""
    under = Money(amount.amount - 1)
    if not under > NOTHING:
        return str(amount)
    before = _nobody(context, scale.routes[0], under)
    return str(amount) if before and before.limit == limit else f"more than {under}"


def _refused(context: LadderContext, amount: Money, proof: Proof) -> Witness | None:
    over = _nobody(context, proof.route, amount)
    return _witness(context, proof, amount, f"refused at once: {over.reason}") if over else None


def _spot(policy: Policy, scale: Scale, limit: str, amount: Money) -> Spot:
    given = policy.authority
    if limit == TWO_PERSONS:
        return Spot("teams", ("authority", "two_persons_above"))
    if limit == PER_AGENT_DAY:
        level = next(each for each in reversed(policy.levels) if each in given.per_agent_day)
        return Spot("teams", ("authority", "per_agent_day", level))
    level = next((each for each, most in scale.limits.items() if not amount > most), "")
    return scale.spot(level)


# --- limits that never matter -----------------------------------------------------------------------------


def _over_all(context: LadderContext) -> Iterator[Finding]:
    given, policy = context.policy.authority, context.policy
    by_category = {
        each: authority.reach(policy, each) for each in {route.category for route in context.routes}
    }
    reach = {route: by_category[route.category] for route in context.routes}
    if not reach:
        return
    best = max(reach, key=lambda each: reach[each].amount)
    if given.per_customer is not None and reach[best] > given.per_customer:
        yield from _budget_below_reach(
            context, authority.PER_CUSTOMER, "", given.per_customer, (best,), reach[best]
        )
    for team, budget in given.per_team.items():
        own = [route for route in reach if route.team == team and reach[route] > budget]
        if own:
            most = max(own, key=lambda each: reach[each].amount)
            yield from _budget_below_reach(context, authority.PER_TEAM, team, budget, (most,), reach[most])
    for level, limit in given.per_ticket.get("", {}).items():
        if limit > NOTHING and not ladders.agents_at(policy, "", level):
            yield Finding(
                IN_VAIN,
                Severity.REMARK,
                Spot("teams", ("authority", "per_ticket", level)),
                f"{level} may grant {limit} on one ticket, and nobody works there",
                "give an agent this level, or leave the limit out",
                (level,),
            )
    above = given.two_persons_above
    if above is not None and not max(each.highest.amount for each in _scales(context)) > above.amount:
        yield Finding(
            IN_VAIN,
            Severity.REMARK,
            Spot("teams", ("authority", "two_persons_above")),
            f"nobody may bring a ticket above {above} anyway: two persons are never needed",
            "a lower amount, or leave it out",
        )


def _budget_below_reach(
    context: LadderContext, limit: str, team: str, most: Money, routes: Sequence[Route], reach: Money
) -> Iterator[Finding]:
    whose = f"the budget of {team}, {most} a month," if team else f"what a customer may get, {most},"
    yield from with_proof(
        context,
        Finding(
            IN_VAIN,
            Severity.REMARK,
            Spot("teams", ("authority", limit, *((team,) if team else ()))),
            f"{whose} is less than the {reach} that may be granted on one ticket",
            "raise it, or lower the limit of the ticket",
            (team,) if team else (),
        ),
        routes,
        partial(_budget_witness, context, reach, limit),
    )


def _budget_witness(context: LadderContext, amount: Money, limit: str, proof: Proof) -> Witness | None:
    asked = _asked(context, proof, amount)
    if limit == authority.PER_TEAM:  # by itself: the customer's limit is another matter
        given = replace(context.policy.authority, per_customer=None)
        asked = replace(asked, policy=replace(context.policy, authority=given))
    over = authority.common_limit(asked)
    return _witness(context, proof, amount, f"refused at once: {over.reason}") if over else None


# --- what shows it ----------------------------------------------------------------------------------------


def _asked(context: LadderContext, proof: Proof, amount: Money) -> Case:
    return case(context.policy, proof.route, amount, _ticket(context, proof.route))


def _ticket(context: LadderContext, route: Route) -> Ticket:
    at = context.base.search.world.moments.usual
    return Ticket(
        ladder_runs.NUMBER, next(iter(context.policy.mailboxes)), ladder_runs.CUSTOMER_ADDRESS, "", "", at
    )


def _witness(context: LadderContext, proof: Proof, amount: Money, shows: str) -> Witness:
    route = proof.route
    text = f"{amount} on a ticket of category {route.category!r} of {route.team}: {shows}"
    return Witness(text, proof.mail, amount=amount)
