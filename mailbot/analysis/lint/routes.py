"""Where the rules send tickets: each combination of team, level, ladder and category, with a mail for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, product
from zoneinfo import ZoneInfo

from mailbot.analysis.lint.formulas import And
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.search import Example, Unknown
from mailbot.domain.classify import classify
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import RoutingFacts

DECIDE = ("team", "level", "category", "priority", "urgency", "complexity", "ladder")
MOST = 20_000  # combinations of rules that go on with one that ends
TRIES = 6  # ways to one route that are asked about


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """What the rules make of a ticket, as far as people and clocks are concerned."""

    team: str
    level: str
    ladder: str
    category: str
    priority: str


# The rule that ends the matter, and those that go on and decide something before it.
Path = tuple[int, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Routes:
    """`ways` of each route there can be, in order; mails that take them are looked for when needed.

    `complete`: whatever the rules can lead to is among them. Some may lead nowhere: see `proof`.
    """

    ways: Mapping[Route, Sequence[Path]]
    complete: bool

    def __iter__(self) -> Iterator[Route]:
        return iter(self.ways)


@dataclass(frozen=True, slots=True)
class Proof:
    """A mail that takes a route; None when no mail does, or when (`undecided` says why) nobody knows."""

    route: Route
    mail: RoutingFacts | None
    undecided: str = ""


def of(context: RuleContext) -> Routes:
    """All that single rules and rules that go on above them can lead to."""
    found: dict[Route, list[Path]] = {}
    left, givers = MOST, _givers(context)
    for index, rule in enumerate(context.rules):
        if index in context.dead or rule.go_on:
            continue
        for way, values in islice(_combined(context, index, givers), left):
            left -= 1
            ways = found.setdefault(_route(context, values), [])
            if len(ways) < TRIES:
                ways.append(way)
    return Routes(dict(sorted(found.items())), left > 0)


def _givers(context: RuleContext) -> list[int]:
    """The rules that go on and decide something of a route."""
    return [
        index
        for index, rule in enumerate(context.rules)
        if rule.go_on and index not in context.dead and any(getattr(rule.then, thing) for thing in DECIDE)
    ]


def _combined(
    context: RuleContext, index: int, givers: Sequence[int]
) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """What a mail that rule `index` takes can be given: by itself, or by a rule above it that goes on."""
    above = [each for each in givers if each < index]
    choices = [list(_choices(context, index, thing, above).items()) for thing in DECIDE]
    for chosen in product(*choices):
        by = frozenset(rule for _, rule in chosen if rule is not None)
        yield (index, by), dict(zip(DECIDE, (value for value, _ in chosen), strict=True))


def _choices(context: RuleContext, index: int, thing: str, givers: Iterable[int]) -> dict[str, int | None]:
    """The values that `thing` can have, each with the rule above that gives it (None: the rule itself)."""
    own: dict[str, int | None] = {getattr(context.rules[index].then, thing) or "": None}
    for above in givers:
        value = getattr(context.rules[above].then, thing)
        if value:
            own.setdefault(value, above)
    return own


def _route(context: RuleContext, values: Mapping[str, str]) -> Route:
    """As `core.classify` does it."""
    policy = context.policy
    urgency, complexity = values["urgency"] or "normal", values["complexity"] or "medium"
    priority = values["priority"] or conditions.priority(urgency, complexity)
    return Route(
        team=values["team"],
        level=values["level"] or policy.levels[0],
        ladder=values["ladder"] or policy.ladder_of.get(priority, ""),
        category=values["category"] or "general",
        priority=priority,
    )


# --- a mail that shows it ---------------------------------------------------------------------------------


def proof(context: RuleContext, routes: Routes, wanted: Iterable[Route]) -> Proof | None:
    """The first of `formulas` that a mail is found for, as the engine classifies it. None: there is none."""
    undecided: Proof | None = None
    for route in islice(wanted, 4 * TRIES):
        for way in routes.ways[route]:
            answer = _mail(context, route, way)
            if isinstance(answer, Unknown):
                undecided = undecided or Proof(route, None, answer.reason)
            elif answer is not None:
                return Proof(route, answer)
    return undecided


def _mail(context: RuleContext, route: Route, way: Path) -> RoutingFacts | Unknown | None:
    index, by = way
    others = [each for each in _givers(context) if each < index and each not in by]
    wanted = And((context.formulas[index], *(context.formulas[each] for each in sorted(by))))
    final_rules = context.final_rules(index)
    for without in ([*final_rules, *others], final_rules) if others else (final_rules,):
        answer = context.search.find(wanted, sorted(without))
        if isinstance(answer, Example) and _takes(context, route, answer.mail):
            return answer.mail
        if isinstance(answer, Unknown):
            return answer
    return None


def come_at(context: RuleContext, route: Route, mail: RoutingFacts, at: datetime) -> RoutingFacts:
    """The same mail at that moment, where it takes the same route then."""
    zone = ZoneInfo(context.search.world.moments.zone)
    then = replace(mail, local_time=at.astimezone(zone))
    return then if _takes(context, route, then) else mail


def _takes(context: RuleContext, route: Route, mail: RoutingFacts) -> bool:
    came = classify(context.policy, mail)
    return Route(came.team, came.level, came.ladder, came.category, came.priority) == route
