"""Who may grant how much compensation: which limit says no, who may decide, who of them is asked.

Each limit is a sum over what was granted before. The sums are taken anew for each grant, in a transaction
that no other grant shares (`store.compensations`), so that no order of commands passes one.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from mailbot.domain import ladder
from mailbot.domain.assignment import is_on_duty
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Agent, Authority, Policy
from mailbot.domain.routing.money import Money
from mailbot.domain.worktime import local

NOTHING = Money(Decimal(0))
CUSTOMER_DAYS = timedelta(days=90)

# The limits by the names that they have in teams.yaml.
PER_TICKET, PER_CUSTOMER = "per_ticket", "per_customer_90_days"
PER_AGENT_DAY, PER_TEAM, TWO_PERSONS = "per_agent_day", "team_budget_month", "two_persons_above"


@dataclass(frozen=True, slots=True)
class Over:
    """A limit that says no, and why in words."""

    limit: str
    because: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What was granted before, as far as a limit counts it, in Rupiah.

    `ticket`: to the ticket and to all that were merged into it; `customers`: by customer in CUSTOMER_DAYS;
    `team`: to tickets of the ticket's team in this month; `agents`: by agent on this day, where two signed
    the whole amount for both.
    """

    ticket: Money = NOTHING
    team: Money = NOTHING
    customers: Mapping[str, Money] = field(default_factory=dict)
    agents: Mapping[str, Money] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """`amount` more for `customer` on `ticket`: may it be?"""

    ticket: Ticket
    customer: str
    amount: Money
    spent: Spent
    policy: Policy

    @property
    def total(self) -> Money:
        """What the ticket would have in all."""
        return self.spent.ticket + self.amount

    @property
    def persons(self) -> int:
        """How many must sign. The ticket's total counts, so that no amount is split to need only one."""
        above = self.policy.authority.two_persons_above
        return 2 if above is not None and self.total > above else 1


@dataclass(frozen=True, slots=True)
class Windows:
    """The stretches of time in which grants count at a moment: [from, to), `since` is exclusive."""

    since: datetime
    day: tuple[datetime, datetime]
    month: tuple[datetime, datetime]


def windows(policy: Policy, now: datetime) -> Windows:
    """Day and month are those of the first calendar's wall clock, for every team and agent alike."""
    calendar = next(iter(policy.calendars.values()))
    zone, today = ZoneInfo(calendar.zone), local(calendar, now).date()
    first = today.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    day, tomorrow, month, end = (
        datetime.combine(each, time(), zone) for each in (today, today + timedelta(days=1), first, after)
    )
    return Windows(now - CUSTOMER_DAYS, (day, tomorrow), (month, end))


def most(authority: Authority, category: str, level: str) -> Money:
    """What a level may bring a ticket of this category to, in all.

    The longest path of the category that `per_ticket` names decides alone: a level that is missing there may
    grant nothing, whatever stands under a shorter path.
    """
    for path in paths(category):
        if path in authority.per_ticket:
            return authority.per_ticket[path].get(level, NOTHING)
    return NOTHING


def paths(category: str) -> Iterator[str]:
    """The keys of `per_ticket` that may hold, the first that is there does: "a/b" -> "a/b", "a", ""."""
    parts = category.split("/")
    for length in range(len(parts), 0, -1):
        yield "/".join(parts[:length])
    yield ""


def deciders(policy: Policy, category: str, total: Money, amount: Money) -> tuple[Agent, ...]:
    """Everybody whose level may bring a ticket to `total`, with `amount` on one day: duty and use apart."""
    authority = policy.authority
    return tuple(
        agent
        for agent in policy.agents.values()
        if not total > most(authority, category, agent.level)
        and not _more(amount, authority.per_agent_day.get(agent.level))
    )


def reach(policy: Policy, category: str) -> Money:
    """The most that anybody there is may bring a ticket of this category to."""
    mosts = (most(policy.authority, category, agent.level) for agent in policy.agents.values())
    return max(mosts, key=lambda each: each.amount, default=NOTHING)


def of_common(case: Case) -> Over | None:
    """A limit that nobody's signature lifts: the customer's, the team's, or that nobody may sign at all."""
    return _customer(case) or _team(case) or _nobody(case)


def of_agent(case: Case, agent: Agent) -> Over | None:
    """Why this agent can't sign it now: the level's limit for the ticket, or the agent's own for the day."""
    authority, ticket = case.policy.authority, case.ticket
    up_to = most(authority, ticket.category, agent.level)
    if case.total > up_to:
        may = f"{agent.level} may bring a ticket of category {ticket.category!r} to {up_to}"
        return Over(PER_TICKET, f"{may}, with this it would have {case.total}")
    per_day = authority.per_agent_day.get(agent.level)
    today = case.spent.agents.get(agent.address, NOTHING) + case.amount
    if per_day is not None and today > per_day:
        may = f"{agent.level} may grant {per_day} a day"
        return Over(PER_AGENT_DAY, f"{may}, with this {agent.name} would have granted {today} today")
    return None


def _customer(case: Case) -> Over | None:
    limit = case.policy.authority.per_customer
    got = case.spent.customers.get(case.customer, NOTHING) + case.amount
    if limit is None or not got > limit:
        return None
    may = f"a customer may get {limit} within {CUSTOMER_DAYS.days} days"
    return Over(PER_CUSTOMER, f"{may}, with this {case.customer} would have got {got}")


def _team(case: Case) -> Over | None:
    budget = case.policy.authority.per_team.get(case.ticket.team)
    used = case.spent.team + case.amount
    if budget is None or not used > budget:
        return None
    may = f"the budget of {case.ticket.team} is {budget} a month"
    return Over(PER_TEAM, f"{may}, with this it would have used {used}")


def _nobody(case: Case) -> Over | None:
    category = case.ticket.category
    able = deciders(case.policy, category, case.total, case.amount)
    if len(able) >= case.persons:
        return None
    if able:
        alone = f"above {case.policy.authority.two_persons_above} two persons must sign"
        return Over(TWO_PERSONS, f"{alone}, and {able[0].name} alone may decide on {case.total}")
    up_to = reach(case.policy, category)
    if not up_to > NOTHING:
        return Over(PER_TICKET, f"nobody may grant anything in the category {category!r}")
    if not case.total > up_to:
        return Over(PER_AGENT_DAY, f"nobody may grant {case.amount} on one day")
    beyond = f"nobody may bring a ticket of category {category!r} to {case.total}"
    return Over(PER_TICKET, f"{beyond}, the most is {up_to}")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked to decide. `on_duty`: they are there now."""

    level: str
    people: tuple[Agent, ...]
    on_duty: bool


def whom(case: Case, now: datetime, without: Collection[str] = (), above: str = "") -> Asked:
    """The lowest level that may decide and has somebody on duty, of the ticket's team where that has any.

    When nobody is on duty, the lowest level that may decide; when all have used up their day, the lowest that
    may tomorrow. `without`: who has signed already. `above`: a level that was asked before; its own people
    come next only where nobody stands higher, lower ones never.
    """
    policy, floor = case.policy, ladder.rank_of(case.policy, above)
    levels = [
        (level, [each for each in people if each.address not in without])
        for level, people in _levels(case)
        if ladder.rank_of(policy, level) >= floor
    ]
    able = [(level, [each for each in people if not of_agent(case, each)]) for level, people in levels]
    here = [(level, [each for each in people if is_on_duty(each, policy, now)]) for level, people in able]
    for choice, on_duty in ((here, True), (able, False), (levels, False)):
        higher = [each for each in choice if ladder.rank_of(policy, each[0]) > floor]
        for level, people in (*higher, *choice):
            if people:
                return Asked(level, tuple(people), on_duty)
    return Asked("", (), on_duty=False)


def _levels(case: Case) -> Iterator[tuple[str, tuple[Agent, ...]]]:
    """The levels that may decide, lowest first, with their people: the team's own, then everybody."""
    policy, category = case.policy, case.ticket.category
    high = [level for level in policy.levels if not case.total > most(policy.authority, category, level)]
    yield from ((level, ladder.agents_at(policy, case.ticket.team, level)) for level in high)
    for level in high:
        yield level, tuple(agent for agent in policy.agents.values() if agent.level == level)


def _more(amount: Money, limit: Money | None) -> bool:
    return limit is not None and amount > limit
