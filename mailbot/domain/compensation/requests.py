"""A request for compensation from asking to the last word: signed, granted or refused, each step on record.

Who asks and may decide alone grants at once. Else the request goes to those who may (`authority.whom`). Above
`two_persons_above` two persons sign who each may decide; the first may be the one who asks. Nobody signs
beyond the own authority, whoever asked. All limits are looked at again with each signature.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.compensation import authority
from mailbot.domain.compensation.authority import Case, Over, Spent
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.model import Ticket
from mailbot.domain.notices import CompensationDecided, CompensationWanted
from mailbot.domain.notify import language_of
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.replies.auto_reply import owner
from mailbot.domain.routing.money import RUPIAH, Money
from mailbot.domain.worktime import between

HIGHEST = 10**12  # Rupiah in one request: beyond that somebody slipped


class Kind(StrEnum):
    """What a line of the ledger says about a request."""

    ASKED = "asked"
    APPROVED = "approved"  # one signature
    GRANTED = "granted"  # the money: limits count these lines alone
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger, never changed. `request` is the number of the line that asked.

    `ticket`, `customer`, `category` and `team` are those for which the limits counted at that moment;
    `customer` without what an owner may add to the own address. `by` acted, in the name of `agent` at `level`
    ("" when an operator asks for nobody). `second` is the other signature of a grant. `limit` names the one
    that refused, "" where a person did.
    """

    at: datetime
    kind: Kind
    request: int
    ticket: str
    customer: str
    category: str
    team: str
    amount: Money
    by: str
    agent: str = ""
    level: str = ""
    second: str = ""
    because: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One that waits for a decision. `signed`: agents who approved it so far."""

    id: int
    ticket: str
    customer: str
    amount: Money
    at: datetime
    by: str
    agent: str
    because: str
    signed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Actor:
    """`by` does it ("operator:eko", "agent:..."), with the authority of `agent` (an address, "" for none)."""

    by: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledger says, read under its lock: the number of its next line, the ticket's open requests
    (those of tickets merged into it too), what was granted."""

    next_id: int
    requests: tuple[Request, ...] = ()
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a command leads to: the decision on the ticket and the ledger's new lines, recorded together.

    `outcome`: "granted", "refused", or "asked" while it waits.
    """

    decision: Decision
    entries: tuple[Entry, ...]
    request: Request
    outcome: str


class _Hearing:
    """One command under way, on one request. Lives for one decision."""

    def __init__(
        self, ticket: Ticket, request: Request, actor: Actor, facts: Facts, policy: Policy, now: datetime
    ) -> None:
        self.builder, self.entries = DecisionBuilder(ticket), list[Entry]()
        self.request, self.actor, self.policy, self.at = request, actor, policy, now
        self.case = Case(ticket, request.customer, request.amount, facts.spent, policy)

    def put_down(
        self, kind: Kind, actor: Actor, *, because: str = "", second: str = "", limit: str = ""
    ) -> None:
        ticket, agent = self.case.ticket, self.policy.agents.get(actor.agent)
        self.entries.append(
            Entry(
                at=self.at,
                kind=kind,
                request=self.request.id,
                ticket=ticket.number,
                customer=self.request.customer,
                category=ticket.category,
                team=ticket.team,
                amount=self.request.amount,
                by=actor.by,
                agent=actor.agent,
                level=agent.level if agent else "",
                second=second,
                because=because,
                limit=limit,
            )
        )

    def ruling(self) -> Ruling:
        last = self.entries[-1].kind if self.entries else Kind.ASKED
        outcome = last.value if last in (Kind.GRANTED, Kind.REFUSED) else Kind.ASKED.value
        return Ruling(self.builder.decision(), tuple(self.entries), self.request, outcome)


def on_compensation(
    ticket: Ticket, command: c.Compensation, actor: Actor, facts: Facts, policy: Policy, now: datetime
) -> Ruling | str:
    """What the command leads to, or why it can't be done: then nothing is recorded, an open request stays."""
    if ticket.merged_into:
        return f"{ticket.number} was merged into {ticket.merged_into}: name that one"
    if actor.agent and actor.agent not in policy.agents:
        return f"{actor.agent} is no agent of any team"
    if isinstance(command, c.Compensate):
        return _ask(ticket, command, actor, facts, policy, now)
    found = _find(ticket, command.request, facts)
    if isinstance(found, str):
        return found
    hearing = _Hearing(ticket, found, actor, facts, policy, now)
    return _approve(hearing, command) if isinstance(command, c.Approve) else _refuse(hearing, command)


# --- asking -----------------------------------------------------------------------------------------------


def _ask(
    ticket: Ticket, command: c.Compensate, actor: Actor, facts: Facts, policy: Policy, now: datetime
) -> Ruling | str:
    refusal = _no_amount(command.amount) or _not_here(ticket)
    if refusal:
        return refusal
    request = Request(
        id=facts.next_id,
        ticket=ticket.number,
        customer=owner(ticket.customer),
        amount=Money(command.amount.amount.quantize(Decimal(1))),  # 1.5E+6 as 1500000
        at=now,
        by=actor.by,
        agent=actor.agent,
        because=command.because,
    )
    hearing = _Hearing(ticket, request, actor, facts, policy, now)
    hearing.builder.record(
        e.CompensationRequested(now, actor.by, request.id, request.amount, actor.agent, command.because)
    )
    hearing.put_down(Kind.ASKED, actor, because=command.because)
    if over := authority.of_common(hearing.case):
        return _by_rule(hearing, over)
    agent = policy.agents.get(actor.agent)
    if agent and not authority.of_agent(hearing.case, agent):
        return _sign(hearing, agent, "")
    return _put_before(hearing)


def _no_amount(amount: Money) -> str:
    if amount.currency != RUPIAH:
        return f"{amount}: compensation is granted in Rupiah, by limits in Rupiah"
    if amount.amount != amount.amount.to_integral_value() or not 0 < amount.amount <= HIGHEST:
        return f"{amount} can't be granted: whole Rupiah, more than nothing"
    return ""


def _not_here(ticket: Ticket) -> str:
    if ticket.held_for:
        return f"{ticket.number} is held for {ticket.held_for}, unconfirmed: accept or reject it first"
    return ""


def _put_before(hearing: _Hearing, signed: Collection[str] = (), above: str = "") -> Ruling:
    """Asks those who may decide, by mail; all of them are on duty, or nobody is."""
    asked = authority.whom(hearing.case, hearing.at, signed, above)
    people = tuple(agent.address for agent in asked.people)
    request = hearing.request
    hearing.builder.record(
        e.ApprovalRequested(hearing.at, "policy", request.id, asked.level, people, on_duty=asked.on_duty)
    )
    hearing.builder.notify(*(_wanted(hearing, agent, signed) for agent in asked.people))
    return hearing.ruling()


# --- deciding ---------------------------------------------------------------------------------------------


def _find(ticket: Ticket, wanted: int | None, facts: Facts) -> Request | str:
    open_ = {request.id: request for request in facts.requests}
    if wanted is None and len(open_) == 1:
        return next(iter(open_.values()))
    if wanted in open_:
        return open_[wanted]
    if not open_:
        return f"no request for compensation is open on {ticket.number}"
    listed = ", ".join(f"{request.id} ({request.amount})" for request in open_.values())
    if wanted is None:
        return f"several requests are open on {ticket.number}, say which: {listed}"
    return f"request {wanted} is not open on {ticket.number}, open are: {listed}"


def _approve(hearing: _Hearing, command: c.Approve) -> Ruling | str:
    agent = hearing.policy.agents.get(hearing.actor.agent)
    if agent is None:
        return "only an agent has authority to approve: say in whose name"
    if refusal := _not_here(hearing.case.ticket):
        return refusal
    if over := authority.of_agent(hearing.case, agent):
        return f"{over.because}; {_who_may(hearing, agent)}"
    if over := authority.of_common(hearing.case):
        return _by_rule(hearing, over)
    return _sign(hearing, agent, command.because)


def _who_may(hearing: _Hearing, agent: Agent) -> str:
    """For somebody who may not: who does."""
    signed = {*hearing.request.signed, agent.address}
    asked = authority.whom(hearing.case, hearing.at, signed)
    if not asked.people:
        return "nobody else may, either"
    return f"{asked.level} may: {', '.join(each.address for each in asked.people)}"


def _sign(hearing: _Hearing, agent: Agent, because: str) -> Ruling | str:
    """One signature more. Granted when, with it, as many as are needed hold at this moment.

    An earlier one holds while its agent is there, and the agent's level and day still allow it.
    """
    request, case, now, by = hearing.request, hearing.case, hearing.at, hearing.actor.by
    others = [address for address in request.signed if address != agent.address and _holds(case, address)]
    enough = len(others) + 1 >= case.persons
    if agent.address in request.signed and not enough:
        return f"{agent.name} has signed request {request.id} already: it needs another person"
    if agent.address not in request.signed:
        signed = Actor(by, agent.address)
        hearing.builder.record(e.CompensationApproved(now, by, request.id, agent.address, because))
        hearing.put_down(Kind.APPROVED, signed, because=because)
    if not enough:
        return _put_before(hearing, {*request.signed, agent.address})
    second = others[0] if case.persons > 1 else ""
    agents = (second, agent.address) if second else (agent.address,)
    hearing.builder.record(e.CompensationGranted(now, by, request.id, request.amount, agents))
    hearing.put_down(Kind.GRANTED, Actor(by, agent.address), because=because, second=second)
    _tell_asker(hearing, "granted", agent.name, because)
    return hearing.ruling()


def _holds(case: Case, address: str) -> bool:
    agent = case.policy.agents.get(address)
    return agent is not None and authority.of_agent(case, agent) is None


def _refuse(hearing: _Hearing, command: c.Refuse) -> Ruling | str:
    """By somebody who may decide on it, or by who asked: that is taking it back."""
    request, case, actor, now = hearing.request, hearing.case, hearing.actor, hearing.at
    agent = hearing.policy.agents.get(actor.agent)
    own = actor.agent == request.agent and bool(request.agent or actor.by == request.by)
    if not own:
        if agent is None:
            return "only an agent has authority to refuse: say in whose name"
        over = authority.of_agent(case, agent)
        if over and over.limit == authority.PER_TICKET and not _nobody_may(case):
            return f"{over.because}; {_who_may(hearing, agent)}"
    hearing.builder.record(e.CompensationRefused(now, actor.by, request.id, actor.agent, command.because))
    hearing.put_down(Kind.REFUSED, actor, because=command.because)
    _tell_asker(hearing, "refused", agent.name if agent else "", command.because)
    return hearing.ruling()


def _nobody_may(case: Case) -> bool:
    """The policy changed meanwhile: then anybody may end what nobody may grant."""
    return not authority.deciders(case.policy, case.ticket.category, case.total, case.amount)


def _by_rule(hearing: _Hearing, over: Over) -> Ruling:
    request = hearing.request
    hearing.builder.record(
        e.CompensationRefused(hearing.at, "policy", request.id, "", over.because, over.limit)
    )
    hearing.put_down(Kind.REFUSED, Actor("policy"), because=over.because, limit=over.limit)
    _tell_asker(hearing, "refused", "", over.because)
    return hearing.ruling()


# --- when nobody decides ----------------------------------------------------------------------------------


def is_due(ticket: Ticket, put_at: datetime, policy: Policy, now: datetime) -> bool:
    """Has nobody decided for `decide_within` of the team's work time? Closing the ticket changes nothing."""
    calendar = ladder.calendar_of(ticket, policy)
    return between(calendar, put_at, now) >= policy.authority.decide_within


def on_undecided(
    ticket: Ticket,
    request: Request,
    last: e.ApprovalRequested,
    facts: Facts,
    policy: Policy,
    now: datetime,
) -> Decision:
    """Puts it before people again: those of a higher level than `last` who may decide; at the top, those."""
    hearing = _Hearing(ticket, request, Actor("policy"), facts, policy, now)
    return _put_before(hearing, request.signed, above=last.level).decision


# --- mail -------------------------------------------------------------------------------------------------


def _wanted(hearing: _Hearing, agent: Agent, signed: Collection[str]) -> CompensationWanted:
    request, case = hearing.request, hearing.case
    ticket, spent = case.ticket, case.spent
    return CompensationWanted(
        number=ticket.number,
        mailbox=ticket.mailbox,
        to=agent.address,
        language=language_of(agent),
        request=str(request.id),
        amount=str(request.amount),
        who=_name(hearing.policy, request.agent) or request.by.replace(":", " "),
        asker=request.agent,
        because=request.because,
        customer=ticket.customer,
        subject=ticket.subject,
        category=ticket.category,
        team=ticket.team,
        on_ticket=str(spent.ticket) if spent.ticket > authority.NOTHING else "",
        in_90_days=str(got) if (got := _got(case)) > authority.NOTHING else "",
        signed=", ".join(sorted(_name(hearing.policy, each) for each in signed)),
        two_persons=int(case.persons > 1),
    )


def _got(case: Case) -> Money:
    return case.spent.customers.get(case.customer, authority.NOTHING)


def _tell_asker(hearing: _Hearing, outcome: str, who: str, because: str) -> None:
    """Who asked hears how it ended, unless that was the own doing; for an operator, who has the ticket."""
    request, ticket = hearing.request, hearing.case.ticket
    if hearing.actor.agent == request.agent if request.agent else request.at == hearing.at:
        return
    agent = hearing.policy.agents.get(request.agent or ticket.assignee or "")
    if agent is None:
        return
    hearing.builder.record(e.PeopleNotified(hearing.at, "policy", (agent.address,), "compensation"))
    hearing.builder.notify(
        CompensationDecided(
            number=ticket.number,
            mailbox=ticket.mailbox,
            to=agent.address,
            language=language_of(agent),
            request=str(request.id),
            outcome=outcome,
            amount=str(request.amount),
            who=who,
            because=because,
            customer=ticket.customer,
            subject=ticket.subject,
            team=ticket.team,
        )
    )


def _name(policy: Policy, address: str) -> str:
    agent = policy.agents.get(address)
    return f"{agent.name} <{address}>" if agent else address
