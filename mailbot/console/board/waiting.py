"""What waits for a decision: questions of ladders, and requests for compensation.

Whether a person may decide is not computed here: the decision itself is made on paper, by the function that makes it
when the button is pressed, and thrown away.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import commands as c
from mailbot.domain import ladder
from mailbot.domain.acts.holds import name_of
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.compensation import authority, requests
from mailbot.domain.compensation.authority import Case
from mailbot.domain.compensation.requests import Outcome, Request, Signatory
from mailbot.domain.escalation import ownership
from mailbot.domain.model import Target, Ticket
from mailbot.domain.people.access import Viewer
from mailbot.domain.policy import Policy, Step
from mailbot.domain.reasons import NO_REASON, Reason, Refusal
from mailbot.domain.routing.money import Money
from mailbot.store import compensations
from mailbot.store.lists import worklists
from mailbot.store.tickets import merge_target
from mailbot.workers.runtime import Snapshot, load_missing_ladders

MOST = 20  # of each kind on one page, the oldest


@dataclass(frozen=True, slots=True)
class Question:
    """A ladder's question on a ticket. `until`: when the next step comes without an answer.

    `why_not`: why this viewer can't decide, no reason for one who can. `asked`: names of who can.
    """

    ticket: Ticket
    step: Step
    asked: Sequence[str]
    until: datetime | None
    why_not: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that applies to a request: what was spent of it before. `name`: ticket, day, customer or team."""

    name: str
    spent: Money
    most: Money


@dataclass(frozen=True, slots=True)
class MoneyRequest:
    """A request for compensation on a ticket, or on one that was merged into it.

    - `asker` and `signed`: names. `limits`: as they are for this viewer.
    - `needs_second`: after this viewer's approval another person has to approve.
    - `why_not`: why this viewer can't approve it. `may_refuse`: it can be refused all the same.
    """

    ticket: Ticket
    request: Request
    asker: str
    signed: Sequence[str]
    limits: Sequence[Limit]
    needs_second: bool
    why_not: Reason
    may_refuse: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """All of it, what this viewer may decide first. `more`: what is not shown."""

    questions: Sequence[Question]
    requests: Sequence[MoneyRequest]
    more: int

    @property
    def mine(self) -> int:
        """Count what this viewer may decide."""
        return sum(not each.why_not for each in self.questions) + sum(
            not each.why_not for each in self.requests
        )


def read(
    connection: Connection,
    snapshot: Snapshot,
    viewer: Viewer,
    now: datetime,
    asking: Sequence[str],
    team: str,
) -> Waiting:
    """Load what waits. `asking`: numbers of tickets with a question. `team`: of its tickets alone, "" for all."""
    asked = worklists.tickets_of(connection, asking[:MOST]).values()
    policy = load_missing_ladders(connection, snapshot, asked).policy
    questions = _questions(asked, policy, viewer, now)
    opened = [
        (request, ticket)
        for request, ticket in _open_requests(connection)
        if viewer.may_see(ticket) and team in ("", ticket.team)
    ]
    money = [_money(connection, policy, viewer, now, *each) for each in opened[:MOST]]
    more = max(0, len(asking) - MOST) + max(0, len(opened) - MOST)
    return Waiting(
        sorted(questions, key=lambda each: (bool(each.why_not), each.until or now)),
        sorted(money, key=lambda each: (bool(each.why_not), each.request.at)),
        more,
    )


def _questions(tickets: Iterable[Ticket], policy: Policy, viewer: Viewer, now: datetime) -> list[Question]:
    return [
        _question(ticket, step, policy, viewer, now)
        for ticket in tickets
        if viewer.may_see(ticket) and (step := ladder.open_question(ticket, policy))
    ]


def _question(ticket: Ticket, step: Step, policy: Policy, viewer: Viewer, now: datetime) -> Question:
    level = ownership.nearest_level(policy, ticket.team, step.ask_decision)
    asked = [agent.name for agent in ladder.agents_at(policy, ticket.team, level)]
    until = ladder.end_of_clock(ticket, policy, Target.DECISION)
    tried = on_command(ticket, c.Decide(step.options[0]), viewer.actor, policy, now)
    return Question(ticket, step, asked, until, tried.reason if isinstance(tried, Refusal) else NO_REASON)


def _open_requests(connection: Connection) -> list[tuple[Request, Ticket]]:
    """Load the requests, each with its ticket or the one that this is merged into."""
    found = compensations.open_requests(connection)
    loaded = worklists.tickets_of(connection, {each.ticket for each in found})
    while into := {each.merged_into for each in loaded.values() if each.merged_into} - loaded.keys():
        loaded |= worklists.tickets_of(connection, into)
    return [(each, loaded[merge_target(each.ticket, loaded)]) for each in found]


def _money(
    connection: Connection, policy: Policy, viewer: Viewer, now: datetime, request: Request, ticket: Ticket
) -> MoneyRequest:
    facts = compensations.facts(connection, ticket, authority.windows(policy, now))
    case = Case(ticket, request.customer, request.amount, facts.spent, policy)
    signatory = Signatory(viewer.actor, viewer.address if viewer.agent else "")

    def tried(command: c.Approve | c.Refuse) -> Outcome | Refusal:
        return requests.on_compensation(ticket, command, signatory, facts, policy, now)

    approved = tried(c.Approve(request.id))
    return MoneyRequest(
        ticket=ticket,
        request=request,
        asker=name_of(request.agent or request.by.name, policy),
        signed=[name_of(each, policy) for each in request.signed],
        limits=_limits(case, viewer),
        needs_second=isinstance(approved, Outcome) and approved.state == "asked",
        why_not=_why_not(approved, case),
        may_refuse=not isinstance(tried(c.Refuse(request.id, "-")), Refusal),
    )


def _why_not(approved: Outcome | Refusal, case: Case) -> Reason:
    """Return why an approval grants nothing: this person may not, or a limit that nobody can lift refuses it."""
    if isinstance(approved, Refusal):
        return approved.reason
    over = authority.common_limit(case)
    return over.reason if over else NO_REASON


def _limits(case: Case, viewer: Viewer) -> list[Limit]:
    own, spent, ticket = case.policy.authority, case.spent, case.ticket
    found: list[tuple[str, Money, Money | None]] = []
    if agent := viewer.agent:
        most = authority.most(own, ticket.category, agent.level)
        today = spent.agents.get(agent.address, authority.NOTHING)
        found += [("ticket", spent.ticket, most), ("day", today, own.per_agent_day.get(agent.level))]
    customer = spent.customers.get(case.customer, authority.NOTHING)
    found += [("customer", customer, own.per_customer), ("team", spent.team, own.per_team.get(ticket.team))]
    return [Limit(name, used, most) for name, used, most in found if most is not None]
