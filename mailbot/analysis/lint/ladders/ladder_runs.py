"""Tickets that are opened and then left alone, taken through the real engine: what their ladder does."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from mailbot.analysis.lint.routes import Route
from mailbot.domain import events as e
from mailbot.domain import ladder as ladders
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.decisions import on_deadline
from mailbot.domain.escalation import ownership
from mailbot.domain.lifecycle import DecisionBuilder, evolve
from mailbot.domain.model import Target, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason

MOST = 200  # deadlines of one life
NUMBER = "CHECK-00000000-0"
CUSTOMER_ADDRESS = "pelanggan@example.com"
_UNANSWERABLE = (Target.RESOLUTION, Target.DECISION)  # clocks that no answer stops


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step that came, with the ticket as it stood before and after, and who was told of it."""

    step: int
    at: datetime
    reason: Reason
    before: Ticket
    after: Ticket
    notified: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LadderRun:
    """`description` says in words how the ticket lived. `ticket` is how it stands when only reminders follow."""

    description: str
    opened: Ticket
    steps: tuple[StepRun, ...]
    ticket: Ticket

    def stages(self) -> Iterator[tuple[Ticket, StepRun | None]]:
        """The ticket where it stood, and the step that brought it there (None: its rule)."""
        yield self.opened, None
        for each in self.steps:
            yield each.after, each


def opened(policy: Policy, route: Route, at: datetime, customer: str = CUSTOMER_ADDRESS) -> Ticket:
    """A ticket that was routed so at `at`."""
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
    """What becomes of such a ticket in four ways of not being looked after."""
    fresh = opened(policy, route, at)
    again = _written_again(_answered(fresh, policy, at), policy, at)
    waiting = _answered(fresh, policy, at)
    return (
        _run("nobody answers", fresh, _left_alone(fresh, policy)),
        _run(
            "answered at once, the customer writes again, nobody answers", again, _left_alone(again, policy)
        ),
        _run("each mail is answered in time, and nobody closes it", again, _never_closed(again, policy)),
        _run("answered at once, and the customer is silent", waiting, _left_alone(waiting, policy)),
    )


def _clocks(ticket: Ticket, policy: Policy, at: datetime) -> e.ClocksSet:
    ladder, calendar = ladders.ladder_of(ticket, policy), ladders.calendar_of(ticket, policy)
    return e.ClocksSet(at, POLICY, ladders.clocks_for(ticket, ladder, calendar, at))


def _answered(ticket: Ticket, policy: Policy, at: datetime) -> Ticket:
    builder = DecisionBuilder(ticket)
    builder.record(e.AgentAnswered(at, Actor.agent(ticket.assignee or ""), ticket.assignee or ""))
    builder.record(_clocks(builder.ticket, policy, at))
    return builder.ticket


def _written_again(ticket: Ticket, policy: Policy, at: datetime) -> Ticket:
    builder = DecisionBuilder(ticket)
    builder.record(e.CustomerWrote(at, CUSTOMER, "", NO_REASON))
    builder.record(_clocks(builder.ticket, policy, at))
    return builder.ticket


def _left_alone(ticket: Ticket, policy: Policy) -> list[StepRun]:
    found: list[StepRun] = []
    for _ in range(MOST):
        due = ladders.next_deadline(ticket, policy)
        if due is None or due.target is Target.REPEAT:
            break
        decision = on_deadline(ticket, policy, due.due_at)
        found += _taken(ticket, decision.events)
        ticket = decision.ticket
    return found


def _never_closed(ticket: Ticket, policy: Policy) -> list[StepRun]:
    """Whatever asks for an answer gets it in the last moment, so that only the resolution comes due."""
    found: list[StepRun] = []
    for _ in range(MOST):
        ladder, calendar = ladders.ladder_of(ticket, policy), ladders.calendar_of(ticket, policy)
        dues = ladders.deadlines(ticket, ladder, calendar)
        at = next((due.due_at for due in dues if due.target in _UNANSWERABLE), None)
        if at is None:
            break
        ticket = _written_again(_answered(ticket, policy, at), policy, at)
        decision = on_deadline(ticket, policy, at)
        found += _taken(ticket, decision.events)
        ticket = decision.ticket
    return found


def _taken(ticket: Ticket, events: Iterable[e.Event]) -> list[StepRun]:
    """The steps among `events`, each with all that it led to."""
    cuts: list[tuple[e.StepTaken, Ticket, list[e.Event]]] = []
    for event in events:
        if isinstance(event, e.StepTaken):
            cuts.append((event, ticket, []))
        elif cuts:
            cuts[-1][2].append(event)
        ticket = evolve(ticket, event)
    found = []
    for step, before, led_to in cuts:
        after = before
        for event in (step, *led_to):
            after = evolve(after, event)
        told = [
            each
            for event in led_to
            if isinstance(event, e.PeopleNotified | e.DecisionRequested)
            for each in event.recipients
        ]
        found.append(StepRun(step.step, step.at, step.reason, before, after, tuple(told)))
    return found


def _run(description: str, fresh: Ticket, steps: list[StepRun]) -> LadderRun:
    return LadderRun(description, fresh, tuple(steps), steps[-1].after if steps else fresh)
