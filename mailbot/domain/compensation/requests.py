"""A request for compensation: asked, approved, granted or refused, with each step on record.

Theory of operation. Whoever asks and may decide alone grants at once. Else the request goes to those who may
(`authority.find_deciders`). Above `two_persons_above` two persons approve who each may decide. The first may
be the one who asks. Nobody approves beyond their own authority. All limits are checked again with each
approval.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import filing, ladder, reasons
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.compensation import authority
from mailbot.domain.compensation.authority import Case, Over, Spent
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.model import NoticeKind, Ticket
from mailbot.domain.notices import CompensationDecided, CompensationWanted
from mailbot.domain.notify import language_of
from mailbot.domain.people.addresses import owner
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import Reason, Refusal
from mailbot.domain.routing.money import RUPIAH, Money
from mailbot.domain.worktime import between

HIGHEST = 10**12  # Rupiah in one request: more is a slip of the keyboard


class Kind(StrEnum):
    """What a line of the ledger records about a request."""

    ASKED = "asked"
    APPROVED = "approved"  # one signature
    GRANTED = "granted"  # the money: limits count these lines alone
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger, never changed. `request` is the number of the line that asked.

    - `ticket`, `customer`, `category`, `team`: those for which the limits counted at that moment.
    - `customer`: without what an owner may add to the own address.
    - `by` acted, in the name of `agent` at `level` ("" when an operator asks for nobody).
    - `second`: the other approval of a grant.
    - `because`: a person's words, or the English text of the limit. A text, because the digests cover it.
    - `limit`: the one that refused, "" where a person did.
    """

    at: datetime
    kind: Kind
    request: int
    ticket: str
    customer: str
    category: str
    team: str
    amount: Money
    by: Actor
    agent: str = ""
    level: str = ""
    second: str = ""
    because: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that waits for a decision. `signed`: agents who approved it so far."""

    id: int
    ticket: str
    customer: str
    amount: Money
    at: datetime
    by: Actor
    agent: str
    because: str
    signed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signatory:
    """`by` acts with the authority of `agent` (an address, "" for none)."""

    by: Actor
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledger holds, read under its lock: the number of its next line, the open requests, the grants.

    `requests`: of the ticket and of those merged into it.
    """

    next_id: int
    requests: tuple[Request, ...] = ()
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision on the ticket and the ledger's new lines, recorded together.

    `state`: "granted", "refused", or "asked" while it waits.
    """

    decision: Decision
    entries: tuple[Entry, ...]
    request: Request
    state: str


class _RequestDecision:
    """One command under way, on one request. Lives for one decision."""

    def __init__(
        self, ticket: Ticket, request: Request, actor: Signatory, facts: Facts, policy: Policy, now: datetime
    ) -> None:
        self.builder, self.entries = DecisionBuilder(ticket), list[Entry]()
        self.request, self.actor, self.policy, self.at = request, actor, policy, now
        self.case = Case(ticket, request.customer, request.amount, facts.spent, policy)

    def add_entry(self, kind: Kind, actor: Signatory, **texts: str) -> None:
        """Add a line with `texts`: its `because`, `second` and `limit`."""
        ticket, request, agent = self.case.ticket, self.request, self.policy.agents.get(actor.agent)
        same = {"customer": request.customer, "category": ticket.category, "team": ticket.team}
        texts |= same | {"agent": actor.agent, "level": agent.level if agent else ""}
        self.entries.append(
            Entry(self.at, kind, request.id, ticket.number, amount=request.amount, by=actor.by, **texts)
        )

    def outcome(self) -> Outcome:
        last = self.entries[-1].kind if self.entries else Kind.ASKED
        state = last if last in (Kind.GRANTED, Kind.REFUSED) else Kind.ASKED
        return Outcome(self.builder.decision(), tuple(self.entries), self.request, state.value)


def on_compensation(
    ticket: Ticket, command: c.Compensation, actor: Signatory, facts: Facts, policy: Policy, now: datetime
) -> Outcome | Refusal:
    """Decide about the command. After a Refusal nothing is recorded and an open request stays open."""
    if ticket.merged_into:
        return reasons.refuse("compensation_merged", ticket=ticket.number, into=ticket.merged_into)
    if refusal := filing.why_refused(ticket):
        return refusal
    if actor.agent and actor.agent not in policy.agents:
        return reasons.refuse("no_agent", agent=actor.agent)
    if isinstance(command, c.Compensate):
        return _ask(ticket, command, actor, facts, policy, now)
    found = _find(ticket, command.request, facts)
    if isinstance(found, Refusal):
        return found
    deciding = _RequestDecision(ticket, found, actor, facts, policy, now)
    return _approve(deciding, command) if isinstance(command, c.Approve) else _refuse(deciding, command)


# --- asking -----------------------------------------------------------------------------------------------


def _ask(
    ticket: Ticket, command: c.Compensate, actor: Signatory, facts: Facts, policy: Policy, now: datetime
) -> Outcome | Refusal:
    if refusal := _no_amount(command.amount) or _held(ticket):
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
    deciding = _RequestDecision(ticket, request, actor, facts, policy, now)
    because = reasons.written(command.because)
    asked = e.CompensationRequested(now, actor.by, request.id, request.amount, actor.agent, because)
    deciding.builder.record(asked)
    deciding.add_entry(Kind.ASKED, actor, because=command.because)
    if over := authority.common_limit(deciding.case):
        return _by_rule(deciding, over)
    agent = policy.agents.get(actor.agent)
    if agent and not authority.agent_limit(deciding.case, agent):
        return _sign(deciding, agent, "")
    return _put_before(deciding)


def _no_amount(amount: Money) -> Refusal | None:
    if amount.currency != RUPIAH:
        return reasons.refuse("not_rupiah", amount=str(amount))
    if amount.amount != amount.amount.to_integral_value() or not 0 < amount.amount <= HIGHEST:
        return reasons.refuse("no_amount", amount=str(amount))
    return None


def _held(ticket: Ticket) -> Refusal | None:
    if not ticket.held_for:
        return None
    return reasons.refuse("held", ticket=ticket.number, other=ticket.held_for)


def _put_before(deciding: _RequestDecision, signed: Collection[str] = (), above: str = "") -> Outcome:
    """Ask those who may decide, by mail. Either all of them are on duty, or nobody is."""
    asked = authority.find_deciders(deciding.case, deciding.at, signed, above)
    people = tuple(agent.address for agent in asked.people)
    request = deciding.request
    deciding.builder.record(
        e.ApprovalRequested(deciding.at, POLICY, request.id, asked.level, people, on_duty=asked.on_duty)
    )
    deciding.builder.notify(*(_wanted(deciding, agent, signed) for agent in asked.people))
    return deciding.outcome()


# --- deciding ---------------------------------------------------------------------------------------------


def _find(ticket: Ticket, wanted: int | None, facts: Facts) -> Request | Refusal:
    open_ = {request.id: request for request in facts.requests}
    if wanted is None and len(open_) == 1:
        return next(iter(open_.values()))
    if wanted in open_:
        return open_[wanted]
    if not open_:
        return reasons.refuse("no_open_request", ticket=ticket.number)
    listed = ", ".join(f"{request.id} ({request.amount})" for request in open_.values())
    if wanted is None:
        return reasons.refuse("which_request", ticket=ticket.number, requests=listed)
    return reasons.refuse("request_not_open", request=wanted, ticket=ticket.number, requests=listed)


def _approve(deciding: _RequestDecision, command: c.Approve) -> Outcome | Refusal:
    agent = deciding.policy.agents.get(deciding.actor.agent)
    if agent is None:
        return reasons.refuse("approve_needs_agent")
    if refusal := _held(deciding.case.ticket):
        return refusal
    if over := authority.agent_limit(deciding.case, agent):
        return Refusal(reasons.together(over.reason, _who_may(deciding, agent)))
    if over := authority.common_limit(deciding.case):
        return _by_rule(deciding, over)
    return _sign(deciding, agent, command.because)


def _who_may(deciding: _RequestDecision, agent: Agent) -> Reason:
    """Return who may decide where `agent` may not."""
    signed = {*deciding.request.signed, agent.address}
    asked = authority.find_deciders(deciding.case, deciding.at, signed)
    if not asked.people:
        return reasons.of("nobody_else_may")
    agents = ", ".join(each.address for each in asked.people)
    return reasons.of("level_may", level=asked.level, agents=agents)


def _sign(deciding: _RequestDecision, agent: Agent, because: str) -> Outcome | Refusal:
    """Add an approval, and grant when as many as are needed hold at this moment.

    An earlier approval holds while its agent is there, and the agent's level and day still allow it.
    """
    request, case, now, by = deciding.request, deciding.case, deciding.at, deciding.actor.by
    others = [address for address in request.signed if address != agent.address and _holds(case, address)]
    enough = len(others) + 1 >= case.persons
    if agent.address in request.signed and not enough:
        return reasons.refuse("signed_already", agent=agent.name, request=request.id)
    if agent.address not in request.signed:
        approved = e.CompensationApproved(now, by, request.id, agent.address, reasons.written(because))
        deciding.builder.record(approved)
        deciding.add_entry(Kind.APPROVED, Signatory(by, agent.address), because=because)
    if not enough:
        return _put_before(deciding, {*request.signed, agent.address})
    second = others[0] if case.persons > 1 else ""
    agents = (second, agent.address) if second else (agent.address,)
    deciding.builder.record(e.CompensationGranted(now, by, request.id, request.amount, agents))
    deciding.add_entry(Kind.GRANTED, Signatory(by, agent.address), because=because, second=second)
    _notify_requester(deciding, "granted", agent.name, reasons.written(because))
    return deciding.outcome()


def _holds(case: Case, address: str) -> bool:
    agent = case.policy.agents.get(address)
    return agent is not None and authority.agent_limit(case, agent) is None


def _refuse(deciding: _RequestDecision, command: c.Refuse) -> Outcome | Refusal:
    """Refuse it, by somebody who may decide on it, or by who asked, which takes it back."""
    request, case, actor, now = deciding.request, deciding.case, deciding.actor, deciding.at
    agent = deciding.policy.agents.get(actor.agent)
    own = actor.agent == request.agent and bool(request.agent or actor.by == request.by)
    if not own:
        if agent is None:
            return reasons.refuse("refuse_needs_agent")
        over = authority.agent_limit(case, agent)
        # When nobody may grant it since the policy changed, any agent may refuse it.
        able = authority.deciders(case.policy, case.ticket.category, case.total, case.amount)
        if over and over.limit == authority.PER_TICKET and able:
            return Refusal(reasons.together(over.reason, _who_may(deciding, agent)))
    because = reasons.written(command.because)
    deciding.builder.record(e.CompensationRefused(now, actor.by, request.id, actor.agent, because))
    deciding.add_entry(Kind.REFUSED, actor, because=command.because)
    _notify_requester(deciding, "refused", agent.name if agent else "", because)
    return deciding.outcome()


def _by_rule(deciding: _RequestDecision, over: Over) -> Outcome:
    refused = e.CompensationRefused(deciding.at, POLICY, deciding.request.id, "", over.reason, over.limit)
    deciding.builder.record(refused)
    deciding.add_entry(Kind.REFUSED, Signatory(POLICY), because=str(over.reason), limit=over.limit)
    _notify_requester(deciding, "refused", "", over.reason)
    return deciding.outcome()


# --- when nobody decides ----------------------------------------------------------------------------------


def is_due(ticket: Ticket, put_at: datetime, policy: Policy, now: datetime) -> bool:
    """Check whether `decide_within` of the team's work time passed without a decision, ticket closed or
    not.
    """
    calendar = ladder.calendar_of(ticket, policy)
    return between(calendar, put_at, now) >= policy.authority.decide_within


def on_pending(
    ticket: Ticket, request: Request, last: e.ApprovalRequested, facts: Facts, policy: Policy, now: datetime
) -> Decision:
    """Ask people again: those of a higher level than `last` who may decide, at the top the same."""
    deciding = _RequestDecision(ticket, request, Signatory(POLICY), facts, policy, now)
    return _put_before(deciding, request.signed, above=last.level).decision


# --- mail -------------------------------------------------------------------------------------------------


def _wanted(deciding: _RequestDecision, agent: Agent, signed: Collection[str]) -> CompensationWanted:
    request, case, nothing = deciding.request, deciding.case, authority.NOTHING
    spent, received = case.spent.ticket, case.spent.customers.get(case.customer, nothing)
    return CompensationWanted(
        **_common(deciding, agent),
        who=_name(deciding.policy, request.agent) or f"{request.by.kind} {request.by.name}".rstrip(),
        asker=request.agent,
        because=request.because,
        category=case.ticket.category,
        on_ticket=str(spent) if spent > nothing else "",
        in_90_days=str(received) if received > nothing else "",
        signed=", ".join(sorted(_name(deciding.policy, each) for each in signed)),
        two_persons=int(case.persons > 1),
    )


def _common(deciding: _RequestDecision, agent: Agent) -> dict[str, Any]:
    """Return what both notices hold."""
    request, ticket = deciding.request, deciding.case.ticket
    names = ("mailbox", "customer", "subject", "team")
    same = {name: getattr(ticket, name) for name in names} | {"number": ticket.number, "to": agent.address}
    return same | {"language": language_of(agent), "request": str(request.id), "amount": str(request.amount)}


def _notify_requester(deciding: _RequestDecision, outcome: str, who: str, because: Reason) -> None:
    """Notify who asked how it ended, but not of their own act; for an operator, the ticket's owner."""
    request, ticket = deciding.request, deciding.case.ticket
    if deciding.actor.agent == request.agent if request.agent else request.at == deciding.at:
        return
    agent = deciding.policy.agents.get(request.agent or ticket.assignee or "")
    if agent is None:
        return
    deciding.builder.record(e.PeopleNotified(deciding.at, POLICY, (agent.address,), NoticeKind.COMPENSATION))
    common = _common(deciding, agent)
    deciding.builder.notify(CompensationDecided(**common, outcome=outcome, who=who, because=because))


def _name(policy: Policy, address: str) -> str:
    agent = policy.agents.get(address)
    return f"{agent.name} <{address}>" if agent else address
