"""Compensation: amounts that the limits allow and nobody may approve, limits that never matter.

That nobody may grant more than the highest limit is meant. What is asked is whether all below it can be had.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from mailbot.analysis.lint.finding import Finding, Severity, Spot, Witness
from mailbot.analysis.lint.ladders import runs
from mailbot.analysis.lint.ladders.cases import Desk, proven
from mailbot.analysis.lint.routes import Proof, Route
from mailbot.domain import ladder
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


def find(desk: Desk) -> Iterator[Finding]:
    for scale in _scales(desk):
        yield from _falling(desk, scale)
        yield from _gaps(desk, scale)
    yield from _over_all(desk)


def _scales(desk: Desk) -> Iterator[Scale]:
    given = desk.policy.authority.per_ticket
    held: dict[str, list[Route]] = {key: [] for key in given}
    for route in desk.routes:
        key = next((each for each in authority.paths(route.category) if each in given), None)
        if key is not None:
            held[key].append(route)
    for key, routes in held.items():
        if routes:
            limits = {level: given[key].get(level, NOTHING) for level in desk.policy.levels}
            yield Scale(key, limits, tuple(routes))


def case(policy: Policy, route: Route, amount: Money, ticket: Ticket) -> Case:
    """`amount` for a ticket that had nothing before, nor its customer, nor its team this month."""
    asked = replace(ticket, team=route.team, category=route.category)
    return Case(asked, asked.customer, amount, Spent(), policy)


# --- level by level ---------------------------------------------------------------------------------------


def _falling(desk: Desk, scale: Scale) -> Iterator[Finding]:
    """A level that may grant less than one below it: whoever gets the ticket higher up can do less."""
    held = [level for level in desk.policy.levels if ladder.agents_at(desk.policy, "", level)]
    named = desk.policy.authority.per_ticket[scale.key]
    highest, below = NOTHING, ""
    for level in held:
        limit = scale.limits[level]
        if highest > limit:
            said = f"up to {limit}" if limit > NOTHING else "nothing"
            yield from proven(
                desk,
                Finding(
                    LESS_ABOVE,
                    Severity.FAULT if level in named else Severity.REMARK,
                    scale.spot(level if level in named else ""),
                    f"{level} may grant {said} on one ticket{scale.name}, {below} below it up to {highest}",
                    f"give {level} {highest} or more",
                    (level, below),
                ),
                scale.routes,
                partial(_less, desk, below, level, highest),
            )
        else:
            highest, below = limit, level


def _less(desk: Desk, below: str, above: str, amount: Money, proof: Proof) -> Witness | None:
    asked = _asked(desk, proof, amount)
    by = {level: ladder.agents_at(desk.policy, "", level)[0] for level in (below, above)}
    over = authority.of_agent(asked, by[above])
    if over is None or over.limit != PER_TICKET:
        return None
    return _witness(desk, proof, amount, f"{by[above].name} may not: {over.because}")


# --- amounts that nobody may approve ----------------------------------------------------------------------


def _gaps(desk: Desk, scale: Scale) -> Iterator[Finding]:
    said: set[str] = set()
    for amount in _amounts(desk.policy, scale):
        over = _nobody(desk, scale.routes[0], amount)
        if over is None or over.limit in said:
            continue
        said.add(over.limit)
        first = _first(desk, scale, over.limit, amount)
        yield from proven(
            desk,
            Finding(
                NOBODY_MAY,
                Severity.FAULT,
                _spot(desk.policy, scale, over.limit, amount),
                f"nobody may approve {first}{scale.name}, though the limits go up to {scale.highest}: "
                f"{over.because}",
                _HINTS[over.limit],
                (scale.key,),
            ),
            scale.routes,
            partial(_refused, desk, amount),
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


def _nobody(desk: Desk, route: Route, amount: Money) -> Over | None:
    """Why nobody may sign it. The customer's and the team's sums are another matter."""
    policy = _without_sums(desk.policy)
    return authority.of_common(case(policy, route, amount, _ticket(desk, route)))


def _without_sums(policy: Policy) -> Policy:
    return replace(policy, authority=replace(policy.authority, per_customer=None, per_team={}))


def _first(desk: Desk, scale: Scale, limit: str, amount: Money) -> str:
    """ "more than Rp5.000.000", or the amount itself."""
    under = Money(amount.amount - 1)
    if not under > NOTHING:
        return str(amount)
    before = _nobody(desk, scale.routes[0], under)
    return str(amount) if before and before.limit == limit else f"more than {under}"


def _refused(desk: Desk, amount: Money, proof: Proof) -> Witness | None:
    over = _nobody(desk, proof.route, amount)
    return _witness(desk, proof, amount, f"refused at once: {over.because}") if over else None


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


def _over_all(desk: Desk) -> Iterator[Finding]:
    given, policy = desk.policy.authority, desk.policy
    by_category = {each: authority.reach(policy, each) for each in {route.category for route in desk.routes}}
    reach = {route: by_category[route.category] for route in desk.routes}
    if not reach:
        return
    best = max(reach, key=lambda each: reach[each].amount)
    if given.per_customer is not None and reach[best] > given.per_customer:
        yield from _sum(desk, authority.PER_CUSTOMER, "", given.per_customer, (best,), reach[best])
    for team, budget in given.per_team.items():
        own = [route for route in reach if route.team == team and reach[route] > budget]
        if own:
            most = max(own, key=lambda each: reach[each].amount)
            yield from _sum(desk, authority.PER_TEAM, team, budget, (most,), reach[most])
    for level, limit in given.per_ticket.get("", {}).items():
        if limit > NOTHING and not ladder.agents_at(policy, "", level):
            yield Finding(
                IN_VAIN,
                Severity.REMARK,
                Spot("teams", ("authority", "per_ticket", level)),
                f"{level} may grant {limit} on one ticket, and nobody works there",
                "give an agent this level, or leave the limit out",
                (level,),
            )
    above = given.two_persons_above
    if above is not None and not max(each.highest.amount for each in _scales(desk)) > above.amount:
        yield Finding(
            IN_VAIN,
            Severity.REMARK,
            Spot("teams", ("authority", "two_persons_above")),
            f"nobody may bring a ticket above {above} anyway: two persons are never needed",
            "a lower amount, or leave it out",
        )


def _sum(
    desk: Desk, limit: str, team: str, most: Money, routes: Sequence[Route], reach: Money
) -> Iterator[Finding]:
    whose = f"the budget of {team}, {most} a month," if team else f"what a customer may get, {most},"
    yield from proven(
        desk,
        Finding(
            IN_VAIN,
            Severity.REMARK,
            Spot("teams", ("authority", limit, *((team,) if team else ()))),
            f"{whose} is less than the {reach} that may be granted on one ticket",
            "raise it, or lower the limit of the ticket",
            (team,) if team else (),
        ),
        routes,
        partial(_summed, desk, reach, limit),
    )


def _summed(desk: Desk, amount: Money, limit: str, proof: Proof) -> Witness | None:
    asked = _asked(desk, proof, amount)
    if limit == authority.PER_TEAM:  # by itself: the customer's limit is another matter
        given = replace(desk.policy.authority, per_customer=None)
        asked = replace(asked, policy=replace(desk.policy, authority=given))
    over = authority.of_common(asked)
    return _witness(desk, proof, amount, f"refused at once: {over.because}") if over else None


# --- what shows it ----------------------------------------------------------------------------------------


def _asked(desk: Desk, proof: Proof, amount: Money) -> Case:
    return case(desk.policy, proof.route, amount, _ticket(desk, proof.route))


def _ticket(desk: Desk, route: Route) -> Ticket:
    at = desk.ground.search.world.moments.usual
    return Ticket(runs.NUMBER, next(iter(desk.policy.mailboxes)), runs.CUSTOMER, "", "", at)


def _witness(desk: Desk, proof: Proof, amount: Money, shows: str) -> Witness:
    route = proof.route
    said = f"{amount} on a ticket of category {route.category!r} of {route.team}: {shows}"
    return Witness(said, proof.mail, amount=amount)
