"""The routes that the rules can give, with mails that take them."""

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

ACTIONS = ("team", "level", "category", "priority", "urgency", "complexity", "ladder")
MOST = 20_000  # combinations of rules that are tried
TRIES = 6  # paths to one route that are searched


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """The result of routing, as far as people and clocks depend on it."""

    team: str
    level: str
    ladder: str
    category: str
    priority: str


# The rule that ends the routing, and the rules with `go_on` above it that set something.
Path = tuple[int, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Routes:
    """`paths` of each possible route, in order. Mails for them are searched when needed.

    `complete`: no route is missing. A route may still be impossible, see `find_proof`.
    """

    paths: Mapping[Route, Sequence[Path]]
    complete: bool

    def __iter__(self) -> Iterator[Route]:
        return iter(self.paths)


@dataclass(frozen=True, slots=True)
class Proof:
    """A mail that takes a route; None when no mail does, or when `undecided` has a reason."""

    route: Route
    mail: RoutingFacts | None
    undecided: str = ""


def find_routes(context: RuleContext) -> Routes:
    """List all results of single rules and of rules with `go_on` above them."""
    paths_of: dict[Route, list[Path]] = {}
    left, setters = MOST, _setters(context)
    for index, rule in enumerate(context.rules):
        if index in context.dead or rule.go_on:
            continue
        for path, values in islice(_combinations(context, index, setters), left):
            left -= 1
            paths = paths_of.setdefault(_route(context, values), [])
            if len(paths) < TRIES:
                paths.append(path)
    return Routes(dict(sorted(paths_of.items())), left > 0)


def _setters(context: RuleContext) -> list[int]:
    """List the rules with `go_on` that set a part of a route."""
    return [
        index
        for index, rule in enumerate(context.rules)
        if rule.go_on and index not in context.dead and any(getattr(rule.then, action) for action in ACTIONS)
    ]


def _combinations(
    context: RuleContext, index: int, setters: Sequence[int]
) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """List what a mail of rule `index` can get: from the rule itself or from a setter above."""
    above = [each for each in setters if each < index]
    choices = [list(_choices(context, index, action, above).items()) for action in ACTIONS]
    for chosen in product(*choices):
        setters_used = frozenset(rule for _, rule in chosen if rule is not None)
        yield (index, setters_used), dict(zip(ACTIONS, (value for value, _ in chosen), strict=True))


def _choices(context: RuleContext, index: int, action: str, setters: Iterable[int]) -> dict[str, int | None]:
    """Return the possible values of an action with the rule above that sets it (None: the rule itself)."""
    own: dict[str, int | None] = {getattr(context.rules[index].then, action) or "": None}
    for above in setters:
        value = getattr(context.rules[above].then, action)
        if value:
            own.setdefault(value, above)
    return own


def _route(context: RuleContext, values: Mapping[str, str]) -> Route:
    """Complete values to a route, as `domain.classify` does."""
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


def find_proof(context: RuleContext, routes: Routes, candidates: Iterable[Route]) -> Proof | None:
    """Find a mail for one of `candidates`, as the engine classifies it. None: there is none."""
    undecided: Proof | None = None
    for route in islice(candidates, 4 * TRIES):
        for path in routes.paths[route]:
            answer = _find_mail(context, route, path)
            if isinstance(answer, Unknown):
                undecided = undecided or Proof(route, None, answer.reason)
            elif answer is not None:
                return Proof(route, answer)
    return undecided


def _find_mail(context: RuleContext, route: Route, path: Path) -> RoutingFacts | Unknown | None:
    index, setters_used = path
    others = [each for each in _setters(context) if each < index and each not in setters_used]
    formula = And((context.formulas[index], *(context.formulas[each] for each in sorted(setters_used))))
    final_rules = context.final_rules(index)
    for without in ([*final_rules, *others], final_rules) if others else (final_rules,):
        answer = context.search.find(formula, sorted(without))
        if isinstance(answer, Example) and _takes_route(context, route, answer.mail):
            return answer.mail
        if isinstance(answer, Unknown):
            return answer
    return None


def at_moment(context: RuleContext, route: Route, mail: RoutingFacts, at: datetime) -> RoutingFacts:
    """Return the mail at another moment, if it takes the same route then; else unchanged."""
    zone = ZoneInfo(context.search.world.moments.zone)
    then = replace(mail, local_time=at.astimezone(zone))
    return then if _takes_route(context, route, then) else mail


def _takes_route(context: RuleContext, route: Route, mail: RoutingFacts) -> bool:
    classified = classify(context.policy, mail)
    return (
        Route(classified.team, classified.level, classified.ladder, classified.category, classified.priority)
        == route
    )
