"""Clocks, steps and what comes due, in words for people."""

from collections.abc import Iterable
from datetime import timedelta

from mailbot.cli.shared.output import clean, echo, format_duration, format_time, print_title
from mailbot.domain import ladder
from mailbot.domain.escalation.level_questions import open_question
from mailbot.domain.ladder import MISSED, Deadline
from mailbot.domain.model import Clock, Target, Ticket
from mailbot.domain.policy import Moment, Policy, Step
from mailbot.domain.worktime import quiet_hours_text

# Why who has the ticket is reminded though no step says so.
REMINDER_REASONS = {
    Target.REPEAT: "nothing else was to come",
    Target.FOLLOW_UP: "the customer did not answer",
    Target.CONFIRMATION: "nobody confirmed in time, and no step follows",
    Target.DECISION: "nobody decided in time, and no step follows",
}
_EARLY = {
    Target.CONFIRMATION: "not confirmed in time, so at once: ",
    Target.DECISION: "not decided in time, so at once: ",
}


def spaced(name: str) -> str:
    """ "first_response" -> "first response"."""
    return name.replace("_", " ")


def clocks_text(clocks: Iterable[Clock]) -> str:
    said = []
    for clock in clocks:
        used = f", {format_duration(clock.spent)} used" if clock.spent else ""
        length = (
            f"every {format_duration(clock.span)}"
            if clock.target is Target.REPEAT
            else format_duration(clock.span)
        )
        name = "reminder" if clock.target is Target.REPEAT else spaced(clock.target)
        said.append(f"{name} {length}{used}{'' if clock.running_since else ', paused'}")
    return f"clocks: {'; '.join(said)}" if said else "no clock runs"


def print_deadlines(ticket: Ticket, policy: Policy, zone: str) -> None:
    """Prints all that will fall due if nothing else happens, the clocks, and the question that is open."""
    print_title("Comes due, if nothing else happens")
    mine, calendar = ladder.ladder_of(ticket, policy), ladder.calendar_of(ticket, policy)
    for each in ladder.deadlines(ticket, mine, calendar):
        echo(f"  {format_time(each.due_at, zone)}  {clean(deadline_text(each, ticket, policy, zone))}")
    echo(f"  {clocks_text(ticket.clocks)}")
    if mine.quiet:
        echo(f"  quiet hours: {quiet_hours_text(mine.quiet)}")
    if asked := question_text(ticket, policy):
        echo(f"  to be decided: {clean(asked)}")
    if former := former_ladder_text(ticket, policy):
        echo(f"  {clean(former)}")


def question_text(ticket: Ticket, policy: Policy) -> str:
    """The question that waits for its answer, "" when none does."""
    step = open_question(ticket, policy)
    return f"{step.question} ({', '.join(step.options)}), by {step.ask_decision}" if step else ""


def former_ladder_text(ticket: Ticket, policy: Policy) -> str:
    """That the ticket climbs its ladder as it was once; "" when that is how it is."""
    mine, now = ladder.ladder_of(ticket, policy), ladder.current_ladder(ticket, policy)
    if mine == now:
        return ""
    return f"ladder {mine.name} as it was when the ticket was given it ({ticket.ladder_digest})"


def deadline_text(deadline: Deadline, ticket: Ticket, policy: Policy, zone: str = "UTC") -> str:
    """What happens when it comes: "first response missed", "escalate to L2, tell the customer"."""
    held = (
        f"; {format_time(deadline.moved_from, zone)} falls into the quiet hours"
        if deadline.moved_from
        else ""
    )
    if deadline.step == MISSED and deadline.target not in ladder.INTERNAL_TARGETS:
        return f"the promise is missed: {spaced(deadline.target)}"
    step = ladder.step_at(ladder.ladder_of(ticket, policy), deadline.step)
    if step is None:
        return f"remind {ticket.assignee or 'the team'}: {_reminder(deadline, ticket)}{held}"
    early = _EARLY.get(deadline.target, "")
    return f"{early}{step_text(step, ticket.category)} (step {deadline.step + 1}, at {moment_text(step.at)}){held}"


def _reminder(deadline: Deadline, ticket: Ticket) -> str:
    if ticket.held_for:
        return "it is held, to be accepted or rejected"
    if deadline.target is Target.REPEAT:
        return "nothing else is to come"
    return {
        Target.FOLLOW_UP: "the customer is silent: ask again or close",
        Target.CONFIRMATION: "not confirmed, and no step follows",
    }.get(deadline.target, "not decided, and no step follows")


def step_text(step: Step, category: str | None = None) -> str:
    """All that a step of a ladder does; to a ticket of this category, where one is given."""
    parts = []
    within = f" within {format_duration(step.acknowledge_within)}" if step.acknowledge_within else ""
    if step.hand_over_to:
        parts.append(f"hand over to {step.hand_over_to}")
    if level := _raises(step, category):
        parts.append(f"escalate to {level}")
    if step.reassign:
        parts.append("give it to somebody else of the team")
    if step.ask_decision:
        parts.append(f"ask {step.ask_decision} to decide{within}: {step.question}")
    elif within:
        parts.append(f"the new owner confirms{within}")
    if step.remind:
        parts.append(f"remind the {step.remind}")
    if step.notify:
        parts.append(f"notify {', '.join(step.notify)}")
    if step.tell_customer:
        parts.append("tell the customer")
    return ", ".join(parts) or "nothing"


def _raises(step: Step, category: str | None) -> str:
    if category is not None:
        return ladder.level_of(step, category)
    by_category = [f"{level} for {name}" for name, level in step.escalate_by_category.items()]
    rest = [f"{step.escalate_to} for the rest" if by_category else step.escalate_to]
    return ", ".join((*by_category, *(rest if step.escalate_to else ())))


def moment_text(at: Moment) -> str:
    """ "75% of resolution", "first response + 30 min"."""
    target = spaced(at.target)
    base = target if at.share == 1 else f"{at.share:.0%} of {target}"
    return (
        f"{base} {'+' if at.offset > timedelta() else '-'} {format_duration(at.offset)}"
        if at.offset
        else base
    )
