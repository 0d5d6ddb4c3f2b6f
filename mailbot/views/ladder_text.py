"""Clocks, steps of ladders and deadlines in words for people."""

from datetime import timedelta

from mailbot.domain import ladder, ticket_clocks
from mailbot.domain.ladder import CLOSE, MISSED, NEWS, Deadline, open_question
from mailbot.domain.model import Target, Ticket
from mailbot.domain.policy import Moment, Policy, Step
from mailbot.views.formats import format_duration, format_time
from mailbot.views.wording import spaced

FUTURE_REASONS = {  # why a reminder will come though no step asks for it
    Target.REPEAT: "nothing else is to come",
    Target.FOLLOW_UP: "the customer is silent: ask again or close",
    Target.THIRD_PARTY: "the wait is over, the turn is ours again",
    Target.CONFIRMATION: "not confirmed, and no step follows",
    Target.DECISION: "not decided, and no step follows",
}
EARLY_REASONS = {
    Target.CONFIRMATION: "not confirmed in time, so at once: ",
    Target.DECISION: "not decided in time, so at once: ",
}


def question_text(ticket: Ticket, policy: Policy) -> str:
    """Return the question that waits for an answer, "" when there is none."""
    step = open_question(ticket, policy)
    return f"{step.question} ({', '.join(step.options)}), by {step.ask_decision}" if step else ""


def deadline_text(deadline: Deadline, ticket: Ticket, policy: Policy, zone: str = "UTC") -> str:
    """Return what happens then: "escalate to L2, notify the customer (step 2, at first response)"."""
    if deadline.step == MISSED and deadline.target not in ticket_clocks.INTERNAL_TARGETS:
        return f"the target is missed: {spaced(deadline.target)}"
    if deadline.step == CLOSE:
        return "close the ticket: the customer did not answer"
    if deadline.step == NEWS:
        return "give the customer a later time, before the one that they have passes"
    moved_from = format_time(deadline.moved_from, zone)
    moved = f"; {moved_from} falls into the quiet hours" if moved_from else ""
    step = ladder.step_at(ladder.ladder_of(ticket, policy), deadline.step)
    if step is None:
        held = "it is held, to be accepted or rejected" if ticket.held_for else ""
        reason = held or FUTURE_REASONS.get(deadline.target, FUTURE_REASONS[Target.DECISION])
        return f"remind {ticket.assignee or 'the team'}: {reason}{moved}"
    early = EARLY_REASONS.get(deadline.target, "")
    number = f"step {deadline.step + 1}, at {moment_text(step.at)}"
    return f"{early}{step_text(step, ticket.category)} ({number}){moved}"


def step_text(step: Step, category: str) -> str:
    """Return all that a step of a ladder does to a ticket of this category."""
    parts = []
    within = f" within {format_duration(step.acknowledge_within)}" if step.acknowledge_within else ""
    if step.hand_over_to:
        parts.append(f"hand over to {step.hand_over_to}")
    if level := ladder.level_of(step, category):
        parts.append(f"escalate to {level}")
    if step.reassign:
        parts.append("assign it to another agent of the team")
    if step.ask_decision:
        parts.append(f"ask {step.ask_decision} to decide{within}: {step.question}")
    elif within:
        parts.append(f"the new owner confirms{within}")
    if step.remind:
        parts.append(f"remind the {step.remind}")
    if step.notify:
        parts.append(f"notify {', '.join(step.notify)}")
    if step.tell_customer:
        parts.append("notify the customer")
    return ", ".join(parts) or "nothing"


def moment_text(at: Moment) -> str:
    """Return "75% of resolution", "first response + 30 min"."""
    target = spaced(at.target)
    base = target if at.share == 1 else f"{at.share:.0%} of {target}"
    if not at.offset:
        return base
    return f"{base} {'+' if at.offset > timedelta() else '-'} {format_duration(at.offset)}"
