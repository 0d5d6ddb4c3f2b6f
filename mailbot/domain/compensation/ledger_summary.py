"""The ledger of compensation as figures, for statements and reports."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mailbot.domain.actor import ActorKind
from mailbot.domain.compensation.authority import NOTHING
from mailbot.domain.compensation.requests import Entry, Kind
from mailbot.domain.policy import Policy
from mailbot.domain.routing.money import Money

BY_PERSON = "a person"  # in `refused_by`, where no limit said no


@dataclass(frozen=True, slots=True)
class Tally:
    count: int = 0
    amount: Money = NOTHING


@dataclass(frozen=True, slots=True)
class Statement:
    """Figures of some lines of the ledger.

    - `by_team`, `by_category`: of grants, as the ticket was then. `by_level`: of who approved last.
    - `by_agent`: where two approved, each counts for the whole amount, so the sum can be more than `granted`.
    - `refused_by`: limits by their names in teams.yaml, and BY_PERSON.
    - `one_hand`: grants whose two approvals one operator gave in two agents' names.
    """

    asked: Tally = Tally()
    granted: Tally = Tally()
    refused: Tally = Tally()
    by_team: Mapping[str, Tally] = field(default_factory=dict)
    by_level: Mapping[str, Tally] = field(default_factory=dict)
    by_agent: Mapping[str, Tally] = field(default_factory=dict)
    by_category: Mapping[str, Tally] = field(default_factory=dict)
    refused_by: Mapping[str, Tally] = field(default_factory=dict)
    one_hand: Tally = Tally()


@dataclass(frozen=True, slots=True)
class Budget:
    """A team's month. `left` is negative only where the budget was lowered since."""

    team: str
    budget: Money
    used: Money
    left: Money


def statement(entries: Sequence[Entry]) -> Statement:
    """Count lines of the ledger, given in their order."""
    kinds = (Kind.ASKED, Kind.GRANTED, Kind.REFUSED)
    asked, granted, refused = ([entry for entry in entries if entry.kind is kind] for kind in kinds)
    return Statement(
        asked=_tally(asked),
        granted=_tally(granted),
        refused=_tally(refused),
        by_team=_by(granted, lambda entry: (entry.team,)),
        by_level=_by(granted, lambda entry: (entry.level,)),
        by_agent=_by(granted, lambda entry: tuple(filter(None, (entry.agent, entry.second)))),
        by_category=_by(granted, lambda entry: (entry.category,)),
        refused_by=_by(refused, lambda entry: (entry.limit or BY_PERSON,)),
        one_hand=_tally([entry for entry in granted if _one_hand(entry, entries)]),
    )


def budgets(month: Iterable[Entry], policy: Policy) -> tuple[Budget, ...]:
    """Return what is left of each team's budget. `month`: the lines of `authority.windows(...).month`."""
    used = _by([entry for entry in month if entry.kind is Kind.GRANTED], lambda entry: (entry.team,))
    found = []
    for team, budget in policy.authority.per_team.items():
        spent = used.get(team, Tally()).amount
        found.append(Budget(team, budget, spent, Money(budget.amount - spent.amount)))
    return tuple(found)


def _one_hand(granted: Entry, entries: Iterable[Entry]) -> bool:
    if not granted.second or granted.by.kind is not ActorKind.OPERATOR:
        return False
    own = (each for each in entries if each.kind is Kind.APPROVED and each.request == granted.request)
    return {entry.agent: entry.by for entry in own}.get(granted.second) == granted.by


def _by(entries: Iterable[Entry], key: Callable[[Entry], tuple[str, ...]]) -> dict[str, Tally]:
    """Sum by key, the largest amount first."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        for name in key(entry):
            found.setdefault(name, []).append(entry)
    tallies = {name: _tally(each) for name, each in found.items()}
    return dict(sorted(tallies.items(), key=lambda each: (-each[1].amount.amount, each[0])))


def _tally(entries: Sequence[Entry]) -> Tally:
    return Tally(len(entries), Money(sum((entry.amount.amount for entry in entries), NOTHING.amount)))
