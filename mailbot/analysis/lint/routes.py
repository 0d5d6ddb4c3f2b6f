"""Where the rules send tickets: each combination of team, level, ladder and category, with a mail for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, product
from zoneinfo import ZoneInfo

from mailbot.analysis.lint.context import Ground
from mailbot.analysis.lint.formulas import And
from mailbot.analysis.lint.search import Found, Open
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
Way = tuple[int, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Routes:
    """`ways` of each route there can be, in order; mails that take them are looked for when needed.

    `complete`: whatever the rules can lead to is among them. Some may lead nowhere: see `proof`.
    """

    ways: Mapping[Route, Sequence[Way]]
    complete: bool

    def __iter__(self) -> Iterator[Route]:
        return iter(self.ways)


@dataclass(frozen=True, slots=True)
class Proof:
    """A mail that takes a route; None when no mail does, or when (`undecided` says why) nobody knows."""

    route: Route
    mail: RoutingFacts | None
    undecided: str = ""


def of(ground: Ground) -> Routes:
    """All that single rules and rules that go on above them can lead to."""
    found: dict[Route, list[Way]] = {}
    left, givers = MOST, _givers(ground)
    for index, rule in enumerate(ground.rules):
        if index in ground.dead or rule.go_on:
            continue
        for way, values in islice(_combined(ground, index, givers), left):
            left -= 1
            ways = found.setdefault(_route(ground, values), [])
            if len(ways) < TRIES:
                ways.append(way)
    return Routes(dict(sorted(found.items())), left > 0)


def _givers(ground: Ground) -> list[int]:
    """The rules that go on and decide something of a route."""
    return [
        index
        for index, rule in enumerate(ground.rules)
        if rule.go_on and index not in ground.dead and any(getattr(rule.then, thing) for thing in DECIDE)
    ]


def _combined(ground: Ground, index: int, givers: Sequence[int]) -> Iterator[tuple[Way, Mapping[str, str]]]:
    """What a mail that rule `index` takes can be given: by itself, or by a rule above it that goes on."""
    above = [each for each in givers if each < index]
    choices = [list(_choices(ground, index, thing, above).items()) for thing in DECIDE]
    for chosen in product(*choices):
        by = frozenset(rule for _, rule in chosen if rule is not None)
        yield (index, by), dict(zip(DECIDE, (value for value, _ in chosen), strict=True))


def _choices(ground: Ground, index: int, thing: str, givers: Iterable[int]) -> dict[str, int | None]:
    """The values that `thing` can have, each with the rule above that gives it (None: the rule itself)."""
    own: dict[str, int | None] = {getattr(ground.rules[index].then, thing) or "": None}
    for above in givers:
        value = getattr(ground.rules[above].then, thing)
        if value:
            own.setdefault(value, above)
    return own


def _route(ground: Ground, values: Mapping[str, str]) -> Route:
    """As `core.classify` does it."""
    policy = ground.policy
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


def proof(ground: Ground, routes: Routes, wanted: Iterable[Route]) -> Proof | None:
    """The first of `wanted` that a mail is found for, as the engine classifies it. None: there is none."""
    undecided: Proof | None = None
    for route in islice(wanted, 4 * TRIES):
        for way in routes.ways[route]:
            answer = _mail(ground, route, way)
            if isinstance(answer, Open):
                undecided = undecided or Proof(route, None, answer.reason)
            elif answer is not None:
                return Proof(route, answer)
    return undecided


def _mail(ground: Ground, route: Route, way: Way) -> RoutingFacts | Open | None:
    index, by = way
    others = [each for each in _givers(ground) if each < index and each not in by]
    wanted = And((ground.wanted[index], *(ground.wanted[each] for each in sorted(by))))
    enders = ground.enders(index)
    for without in ([*enders, *others], enders) if others else (enders,):
        answer = ground.search.ask(wanted, sorted(without))
        if isinstance(answer, Found) and _takes(ground, route, answer.mail):
            return answer.mail
        if isinstance(answer, Open):
            return answer
    return None


def come_at(ground: Ground, route: Route, mail: RoutingFacts, at: datetime) -> RoutingFacts:
    """The same mail at that moment, where it takes the same route then."""
    zone = ZoneInfo(ground.search.world.moments.zone)
    then = replace(mail, local_time=at.astimezone(zone))
    return then if _takes(ground, route, then) else mail


def _takes(ground: Ground, route: Route, mail: RoutingFacts) -> bool:
    came = classify(ground.policy, mail)
    return Route(came.team, came.level, came.ladder, came.category, came.priority) == route
