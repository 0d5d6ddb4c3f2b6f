"""What was promised to a ticket's customer and what comes next by itself, in a line each."""

from collections.abc import Iterator
from datetime import datetime

from mailbot.cli.shared.names import Names
from mailbot.cli.shared.wall_clock import WallClock
from mailbot.domain import ladder
from mailbot.domain.ladder import CLOSE, NEWS, Deadline
from mailbot.domain.model import Target, Ticket
from mailbot.domain.policy import Policy, Step
from mailbot.domain.ticket_clocks import PROMISES

PROMISE_NAMES = {
    Target.FIRST_RESPONSE: "first answer",
    Target.NEXT_RESPONSE: "next answer",
    Target.RESOLUTION: "resolution",
    Target.PROMISE: "promised news",
}
REMINDERS = {  # what a reminder says that no step of the ladder asks for
    Target.FOLLOW_UP: "the customer is silent",
    Target.THIRD_PARTY: "the wait is over",
    Target.CONFIRMATION: "not confirmed",
    Target.DECISION: "not decided",
}


def promise_text(found: list[tuple[datetime, Target]], clock: WallClock) -> str:
    """Return "first answer by 16:35, LATE by 1 min; resolution by 17:10"."""
    if not found:
        return ""
    (first, target), *others = found
    rest = (
        f"; {PROMISE_NAMES[target]} by {clock.moment(end)}{', LATE' * (end <= clock.now)}"
        for end, target in others
    )
    return f"{PROMISE_NAMES[target]} by {clock.promise(first)}{''.join(rest)}"


def next_step(ticket: Ticket, policy: Policy) -> Deadline | None:
    """Return what comes next by itself. A promise that only ends is no step, and news to the customer the last."""
    own, calendar = ladder.ladder_of(ticket, policy), ladder.calendar_of(ticket, policy)
    first = next((each for each in ladder.upcoming(ticket, own, calendar) if _acts(each)), None)
    if closes := ladder.closes_at(ticket, policy):
        closing = Deadline(closes, Target.FOLLOW_UP, CLOSE)
        return min(first or closing, closing, key=lambda each: each.due_at)
    informs = ladder.informs_at(ticket, own)
    return first or (Deadline(informs, Target.PROMISE, NEWS) if informs else None)


def _acts(deadline: Deadline) -> bool:
    return deadline.step >= 0 or deadline.target not in PROMISES


def step_line(deadline: Deadline, ticket: Ticket, policy: Policy, names: Names, clock: WallClock) -> str:
    """Return "16:37 to management, customer informed, unless Oktavia confirms"."""
    return f"{clock.moment(deadline.due_at)} {_step_text(deadline, ticket, policy, names)}"


def _step_text(deadline: Deadline, ticket: Ticket, policy: Policy, names: Names) -> str:
    if deadline.step == CLOSE:
        return "closes by itself, unless the customer answers"
    if deadline.step == NEWS:
        return "the customer gets a later time, unless you answer"
    owner = names.first(ticket.assignee) or "somebody"
    step = ladder.step_at(ladder.ladder_of(ticket, policy), deadline.step)
    if step is None:
        held = "it is held, to be accepted or rejected" if ticket.held_for else ""
        why = held or REMINDERS.get(deadline.target, "it is still open")
        return f"reminder to {names.of(ticket.assignee) or 'the team'}: {why}"
    unless = {
        Target.CONFIRMATION: f", unless {owner} confirms",
        Target.DECISION: ", unless it is decided",
    }
    return ", ".join(_effects(step, ticket, names)) + unless.get(deadline.target, "")


def _effects(step: Step, ticket: Ticket, names: Names) -> Iterator[str]:
    if step.hand_over_to:
        yield f"to {names.label('team', step.hand_over_to)}"
    if level := ladder.level_of(step, ticket.category):
        yield f"to {names.label('level', level)}"
    if step.reassign:
        yield "to another agent"
    if step.ask_decision:
        yield f"question to {names.label('level', step.ask_decision)}"
    if step.remind:
        yield f"reminder to {names.of(ticket.assignee) if step.remind == 'assignee' else f'the {step.remind}'}"
    if step.notify:
        yield f"{', '.join(step.notify)} informed"
    if step.tell_customer:
        yield "customer informed"
