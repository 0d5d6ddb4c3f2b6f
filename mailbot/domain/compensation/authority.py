"""Who may grant how much compensation: the limits, who may decide, and who of them is asked.

Theory of operation. Each limit is a sum over what was granted before. Each grant computes the sums again, in
a transaction that no other grant shares (`store.compensations`). So no order of commands exceeds a limit.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from mailbot.domain import ladder, reasons
from mailbot.domain.assignment import is_on_duty
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Agent, Authority, Policy
from mailbot.domain.reasons import Reason
from mailbot.domain.routing.money import Money
from mailbot.domain.worktime import local

NOTHING = Money(Decimal(0))
CUSTOMER_DAYS = timedelta(days=90)

# The limits by the names that they have in teams.yaml.
PER_TICKET, PER_CUSTOMER = "per_ticket", "per_customer_90_days"
PER_AGENT_DAY, PER_TEAM, TWO_PERSONS = "per_agent_day", "team_budget_month", "two_persons_above"


@dataclass(frozen=True, slots=True)
class Over:
    """A limit that would be exceeded, by its name in teams.yaml."""

    limit: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Spent:
    """What was granted before, as far as a limit counts it, in Rupiah.

    - `ticket`: to the ticket and to all that were merged into it.
    - `team`: to tickets of the ticket's team in this month.
    - `customers`: by customer in CUSTOMER_DAYS, what went to linked identities included.
    - `agents`: by agent on this day; where two approved, the whole amount for both.
    """

    ticket: Money = NOTHING
    team: Money = NOTHING
    customers: Mapping[str, Money] = field(default_factory=dict)
    agents: Mapping[str, Money] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """The question whether `customer` may get `amount` more on `ticket`."""

    ticket: Ticket
    customer: str
    amount: Money
    spent: Spent
    policy: Policy

    @property
    def total(self) -> Money:
        """Return what the ticket would have in all."""
        return self.spent.ticket + self.amount

    @property
    def persons(self) -> int:
        """Return how many must approve. The total counts: splitting an amount does not avoid the second."""
        above = self.policy.authority.two_persons_above
        return 2 if above is not None and self.total > above else 1


@dataclass(frozen=True, slots=True)
class Windows:
    """The periods in which grants count at a moment: [from, to), `since` is exclusive."""

    since: datetime
    day: tuple[datetime, datetime]
    month: tuple[datetime, datetime]


def windows(policy: Policy, now: datetime) -> Windows:
    """Return the periods of a moment, by the first calendar's wall clock for every team and agent alike."""
    calendar = next(iter(policy.calendars.values()))
    zone, today = ZoneInfo(calendar.zone), local(calendar, now).date()
    first = today.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    borders = (today, today + timedelta(days=1), first, after)
    day, tomorrow, month, end = (datetime.combine(each, time(), zone) for each in borders)
    return Windows(now - CUSTOMER_DAYS, (day, tomorrow), (month, end))


def most(authority: Authority, category: str, level: str) -> Money:
    """Return what a level may bring a ticket of this category to, in all.

    The longest path of the category in `per_ticket` decides alone. A level that is missing there may grant
    nothing, whatever a shorter path allows.
    """
    limits = (authority.per_ticket[path] for path in paths(category) if path in authority.per_ticket)
    return next(limits, {}).get(level, NOTHING)


def paths(category: str) -> Iterator[str]:
    """Yield the keys of `per_ticket` to try, the first that is there decides: "a/b" -> "a/b", "a", ""."""
    parts = category.split("/")
    for length in range(len(parts), 0, -1):
        yield "/".join(parts[:length])
    yield ""


def deciders(policy: Policy, category: str, total: Money, amount: Money) -> tuple[Agent, ...]:
    """List all whose level may bring a ticket to `total`, with `amount` on one day, on duty or not."""
    authority = policy.authority
    return tuple(
        agent
        for agent in policy.agents.values()
        if not total > most(authority, category, agent.level)
        and not _exceeds(amount, authority.per_agent_day.get(agent.level))
    )


def reach(policy: Policy, category: str) -> Money:
    """Return the most that any agent may bring a ticket of this category to."""
    mosts = (most(policy.authority, category, agent.level) for agent in policy.agents.values())
    return max(mosts, key=lambda each: each.amount, default=NOTHING)


def common_limit(case: Case) -> Over | None:
    """Return a limit that no approval lifts: the customer's, the team's, or that nobody may approve at
    all.
    """
    return _customer(case) or _team(case) or _nobody(case)


def agent_limit(case: Case, agent: Agent) -> Over | None:
    """Return why this agent can't approve it now: the level's limit per ticket, or the agent's for the
    day.
    """
    authority, category = case.policy.authority, case.ticket.category
    limit = most(authority, category, agent.level)
    if case.total > limit:
        params = {"level": agent.level, "category": category, "total": str(case.total)}
        return _over(PER_TICKET, "level_ticket_limit", limit, **params)
    per_day = authority.per_agent_day.get(agent.level)
    today = case.spent.agents.get(agent.address, NOTHING) + case.amount
    if _exceeds(today, per_day):
        params = {"level": agent.level, "agent": agent.name, "total": str(today)}
        return _over(PER_AGENT_DAY, "level_day_limit", per_day, **params)
    return None


def _over(name: str, code: str, limit: Money | None, **params: str | int) -> Over:
    return Over(name, reasons.of(code, limit=str(limit), **params))


def _customer(case: Case) -> Over | None:
    limit = case.policy.authority.per_customer
    total = case.spent.customers.get(case.customer, NOTHING) + case.amount
    if not _exceeds(total, limit):
        return None
    days, customer = CUSTOMER_DAYS.days, case.customer
    return _over(PER_CUSTOMER, "customer_limit", limit, days=days, customer=customer, total=str(total))


def _team(case: Case) -> Over | None:
    team = case.ticket.team
    budget, total = case.policy.authority.per_team.get(team), case.spent.team + case.amount
    if not _exceeds(total, budget):
        return None
    return _over(PER_TEAM, "team_budget", budget, team=team, total=str(total))


def _nobody(case: Case) -> Over | None:
    category, total = case.ticket.category, str(case.total)
    able = deciders(case.policy, category, case.total, case.amount)
    if len(able) >= case.persons:
        return None
    if able:
        above = case.policy.authority.two_persons_above
        return _over(TWO_PERSONS, "second_person_missing", above, agent=able[0].name, total=total)
    highest = reach(case.policy, category)
    if not highest > NOTHING:
        return Over(PER_TICKET, reasons.of("category_without_compensation", category=category))
    if not case.total > highest:
        return Over(PER_AGENT_DAY, reasons.of("everybody_day_limit", amount=str(case.amount)))
    return _over(PER_TICKET, "everybody_ticket_limit", highest, category=category, total=total)


@dataclass(frozen=True, slots=True)
class Deciders:
    """Who is asked to decide. `on_duty`: they are there now."""

    level: str
    people: tuple[Agent, ...]
    on_duty: bool


def find_deciders(case: Case, now: datetime, without: Collection[str] = (), above: str = "") -> Deciders:
    """Find the lowest level that may decide and has somebody on duty, of the ticket's team if it has any.

    When nobody is on duty, it is the lowest level that may decide. When all have used up their day, it is the
    lowest that may tomorrow. `without`: who approved already. `above`: a level that was asked before. Its own
    people come next only where nobody stands higher, lower ones never.
    """
    policy, floor = case.policy, ladder.rank_of(case.policy, above)
    levels = [
        (level, [each for each in people if each.address not in without])
        for level, people in _levels(case)
        if ladder.rank_of(policy, level) >= floor
    ]
    able = [(level, [each for each in people if not agent_limit(case, each)]) for level, people in levels]
    here = [(level, [each for each in people if is_on_duty(each, policy, now)]) for level, people in able]
    for choice, on_duty in ((here, True), (able, False), (levels, False)):
        higher = [each for each in choice if ladder.rank_of(policy, each[0]) > floor]
        for level, people in (*higher, *choice):
            if people:
                return Deciders(level, tuple(people), on_duty)
    return Deciders("", (), on_duty=False)


def _levels(case: Case) -> Iterator[tuple[str, tuple[Agent, ...]]]:
    """Yield the levels that may decide, lowest first, with their people: the team's own, then all."""
    policy, category = case.policy, case.ticket.category
    high = [level for level in policy.levels if not case.total > most(policy.authority, category, level)]
    yield from ((level, ladder.agents_at(policy, case.ticket.team, level)) for level in high)
    for level in high:
        yield level, tuple(agent for agent in policy.agents.values() if agent.level == level)


def _exceeds(amount: Money, limit: Money | None) -> bool:
    return limit is not None and amount > limit
