"""Run tickets without care through the real escalation engine, to see what their ladder does."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from mailbot.analysis.lint.routes import Route
from mailbot.domain import events as e
from mailbot.domain import ladder as ladders
from mailbot.domain import ticket_clocks
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.decisions import on_deadline
from mailbot.domain.escalation import ownership
from mailbot.domain.lifecycle import DecisionBuilder, evolve
from mailbot.domain.model import Target, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason

MOST = 200  # deadlines of one run
NUMBER = "CHECK-00000000-0"
CUSTOMER_ADDRESS = "pelanggan@example.com"
_NOT_ENDED_BY_ANSWERS = (Target.RESOLUTION, Target.DECISION)  # clocks that answers don't stop


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step that was taken, the ticket before and after it, and the addresses that it notified."""

    step: int
    at: datetime
    reason: Reason
    before: Ticket
    after: Ticket
    notified: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LadderRun:
    """`description` is how the ticket is treated. `ticket` is its state when only reminders follow."""

    description: str
    opened: Ticket
    steps: tuple[StepRun, ...]
    ticket: Ticket

    def stages(self) -> Iterator[tuple[Ticket, StepRun | None]]:
        """List the states of the ticket, each with the step that led there (None: its rule)."""
        yield self.opened, None
        for each in self.steps:
            yield each.after, each


def opened(policy: Policy, route: Route, at: datetime, customer: str = CUSTOMER_ADDRESS) -> Ticket:
    """Open a ticket of a route at a moment."""
    ticket = Ticket(
        number=NUMBER,
        mailbox=next(iter(policy.mailboxes)),
        customer=customer,
        subject="",
        language="",
        opened_at=at,
        category=route.category,
        priority=route.priority,
        team=route.team,
        level=route.level,
        ladder=route.ladder,
    )
    builder = DecisionBuilder(ticket)
    ownership.assign_owner(builder, policy, at, POLICY)
    builder.record(_clocks(builder.ticket, policy, at))
    return builder.ticket


def run_ladder(policy: Policy, route: Route, at: datetime) -> tuple[LadderRun, ...]:
    """Run such a ticket in four ways of missing care."""
    fresh = opened(policy, route, at)
    follow_up = _customer_writes(_answer(fresh, policy, at), policy, at)
    answered = _answer(fresh, policy, at)
    return (
        _run("nobody answers", fresh, _without_care(fresh, policy)),
        _run(
            "answered at once, the customer writes again, nobody answers",
            follow_up,
            _without_care(follow_up, policy),
        ),
        _run(
            "every mail is answered in time, and nobody closes the ticket",
            follow_up,
            _never_closed(follow_up, policy),
        ),
        _run("answered at once, and the customer does not write", answered, _without_care(answered, policy)),
    )


def _clocks(ticket: Ticket, policy: Policy, at: datetime) -> e.ClocksSet:
    ladder, calendar = ladders.ladder_of(ticket, policy), ladders.calendar_of(ticket, policy)
    return e.ClocksSet(at, POLICY, ticket_clocks.clocks_for(ticket, ladder, calendar, at))


def _answer(ticket: Ticket, policy: Policy, at: datetime) -> Ticket:
    builder = DecisionBuilder(ticket)
    builder.record(e.AgentAnswered(at, Actor.agent(ticket.assignee or ""), ticket.assignee or ""))
    builder.record(_clocks(builder.ticket, policy, at))
    return builder.ticket


def _customer_writes(ticket: Ticket, policy: Policy, at: datetime) -> Ticket:
    builder = DecisionBuilder(ticket)
    builder.record(e.CustomerWrote(at, CUSTOMER, "", NO_REASON))
    builder.record(_clocks(builder.ticket, policy, at))
    return builder.ticket


def _without_care(ticket: Ticket, policy: Policy) -> list[StepRun]:
    steps: list[StepRun] = []
    for _ in range(MOST):
        due = ladders.next_deadline(ticket, policy)
        if due is None or due.target is Target.REPEAT:
            break
        decision = on_deadline(ticket, policy, due.due_at)
        steps += _step_runs(ticket, decision.events)
        ticket = decision.ticket
    return steps


def _never_closed(ticket: Ticket, policy: Policy) -> list[StepRun]:
    """Answer at the last moment whatever waits for an answer, so that only the resolution falls due."""
    steps: list[StepRun] = []
    for _ in range(MOST):
        ladder, calendar = ladders.ladder_of(ticket, policy), ladders.calendar_of(ticket, policy)
        dues = ladders.deadlines(ticket, ladder, calendar)
        at = next((due.due_at for due in dues if due.target in _NOT_ENDED_BY_ANSWERS), None)
        if at is None:
            break
        ticket = _customer_writes(_answer(ticket, policy, at), policy, at)
        decision = on_deadline(ticket, policy, at)
        steps += _step_runs(ticket, decision.events)
        ticket = decision.ticket
    return steps


def _step_runs(ticket: Ticket, events: Iterable[e.Event]) -> list[StepRun]:
    """List the steps among `events`, each with its consequences."""
    parts: list[tuple[e.StepTaken, Ticket, list[e.Event]]] = []
    for event in events:
        if isinstance(event, e.StepTaken):
            parts.append((event, ticket, []))
        elif parts:
            parts[-1][2].append(event)
        ticket = evolve(ticket, event)
    steps = []
    for step, before, led_to in parts:
        after = before
        for event in (step, *led_to):
            after = evolve(after, event)
        notified = [
            each
            for event in led_to
            if isinstance(event, e.PeopleNotified | e.DecisionRequested)
            for each in event.recipients
        ]
        steps.append(StepRun(step.step, step.at, step.reason, before, after, tuple(notified)))
    return steps


def _run(description: str, fresh: Ticket, steps: list[StepRun]) -> LadderRun:
    return LadderRun(description, fresh, tuple(steps), steps[-1].after if steps else fresh)
