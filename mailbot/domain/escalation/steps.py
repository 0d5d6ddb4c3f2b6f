"""Taking one step of a ladder: what it changes on the ticket, who is told."""

from datetime import datetime, timedelta

from mailbot.domain import events as e
from mailbot.domain import ladder, notify
from mailbot.domain.assignment import choose
from mailbot.domain.escalation import level_questions, ownership
from mailbot.domain.ladder import INTERNAL_TARGETS, MISSED, STEP_CLOCKS, Deadline
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import OVER, Status, Target, Ticket
from mailbot.domain.policy import Policy, Step

_IN_VAIN = {Target.CONFIRMATION: "not confirmed in time", Target.DECISION: "not decided in time"}


def take(builder: DecisionBuilder, due: Deadline, policy: Policy, now: datetime, muted: str = "") -> None:
    """The step that fell due; it is marked as taken, so that it can't come again in this run of its clock.

    `muted` is why no automatic mail goes to the customer, "" when it does.
    """
    mine = ladder.ladder_of(builder.ticket, policy)
    because = _IN_VAIN.get(due.target, f"{due.target} is due")
    if due.moved_from:
        because += ", held until the quiet hours were over"
    step = ladder.step_at(mine, due.step)
    if step is None:
        _end(builder, due, policy, now)
        return
    if due.target in STEP_CLOCKS:
        builder.record(e.ClocksSet(now, "policy", ladder.without(builder.ticket.clocks, due.target)))
    builder.record(e.StepTaken(now, "policy", mine.name, due.step, step.at.target, due.due_at, because))
    _act(builder, step, due.step, because, policy, now)
    if step.tell_customer:
        notify.customer(builder, policy, because, muted, now)


def _end(builder: DecisionBuilder, due: Deadline, policy: Policy, now: datetime) -> None:
    """A clock came to its own end: a promise is broken, or who has the ticket is reminded of it."""
    if due.target not in INTERNAL_TARGETS:
        builder.record(e.TargetMissed(now, "policy", due.target, due.due_at))
        return
    builder.record(e.ReminderDue(now, "policy", due.target, due.due_at))
    notify.team(builder, policy, now, *_reminder(builder.ticket, due), "")


def _reminder(ticket: Ticket, due: Deadline) -> tuple[str, str]:
    """(why, because) of a reminder that no step of the ladder asked for."""
    if ticket.held_for:
        return "unconfirmed", "nobody has accepted or rejected it yet"
    if due.target in STEP_CLOCKS:
        return "reminder", f"{_IN_VAIN[due.target]}, and no further step follows"
    if ticket.status is Status.WAITING:
        return "follow_up", "the customer has not answered"
    return "reminder", "all steps of its ladder are taken, and it is open still"


def _act(
    builder: DecisionBuilder, step: Step, index: int, because: str, policy: Policy, now: datetime
) -> None:
    done = _move(builder, step, because, policy, now)
    if done:
        within = None if step.ask_decision else step.acknowledge_within
        _await(builder, within, index, now)
        notify.team(builder, policy, now, done, because, "")
    elif ladder.level_of(step, builder.ticket.category) or step.hand_over_to or step.reassign:
        notify.team(builder, policy, now, "reminder", because, "")  # it is there already: brought up again
    if step.ask_decision:
        level_questions.ask(builder, step, index, because, policy, now)
    if step.remind:
        notify.team(builder, policy, now, "reminder", because, "", whom=_reminded(builder, step, policy))
    if step.notify:
        notify.team(builder, policy, now, "notify", because, "", whom=step.notify)


def _move(builder: DecisionBuilder, step: Step, because: str, policy: Policy, now: datetime) -> str:
    """Changes who has the ticket, as far as the step says so; what its people are to be told, "" when it
    stays where it is."""
    done = ""
    if step.hand_over_to and _hand_over(builder, step.hand_over_to, because, policy, now):
        done = "handed_over"
    level = ladder.level_of(step, builder.ticket.category)
    if level and _raise(builder, level, because, "policy", policy, now):
        done = "escalated"
    if step.reassign and not done and _reassign(builder, policy, now):
        done = "assigned"
    return done


def _reminded(builder: DecisionBuilder, step: Step, policy: Policy) -> tuple[str, ...]:
    ticket = builder.ticket
    if step.remind == "assignee" and ticket.assignee:
        return (ticket.assignee,)
    return tuple(agent.address for agent in ladder.agents_at(policy, ticket.team, ticket.level))


def _raise(
    builder: DecisionBuilder, level: str, because: str, by: str, policy: Policy, now: datetime
) -> bool:
    """Raises the level and finds an owner there; not when the ticket stands so high already."""
    here = ladder.rank_of(policy, builder.ticket.level)
    if level not in policy.levels and here + 1 < len(policy.levels):
        level = policy.levels[here + 1]  # a former ladder may name a level that is gone: higher, then
    if here >= ladder.rank_of(policy, level):
        return False
    builder.record(e.TicketEscalated(now, by, level, because))
    ownership.give(builder, policy, now, by)
    return True


def escalate_by_hand(
    builder: DecisionBuilder, level: str, because: str, by: str, policy: Policy, now: datetime
) -> str:
    """Escalates at a person's wish; "" when done, else why not.

    It enters the ladder there: steps that raise no higher only bring the ticket up again when their time
    comes, and the new owner has to confirm within the time that the step to this level gives.
    """
    ticket = builder.ticket
    here = ladder.rank_of(policy, ticket.level)
    if ticket.status in OVER:
        return f"{ticket.number} is {ticket.status}"
    if not level:
        if here + 1 >= len(policy.levels):
            return f"{ticket.number} stands at {ticket.level}, there is no higher level"
        level = policy.levels[here + 1]
    if level not in policy.levels:
        return f"there is no level {level!r}, the levels are {', '.join(policy.levels)}"
    if ladder.rank_of(policy, level) <= here:
        return f"{ticket.number} stands at {ticket.level} already"
    _raise(builder, level, because, by, policy, now)
    _await(builder, *_step_to(level, builder.ticket, policy), now)
    notify.team(builder, policy, now, "escalated", because, "")
    return ""


def _step_to(level: str, ticket: Ticket, policy: Policy) -> tuple[timedelta | None, int]:
    """Within what time the step that raises to this level has it confirmed, and which step that is."""
    for index, step in enumerate(ladder.ladder_of(ticket, policy).steps):
        if ladder.level_of(step, ticket.category) == level and not step.ask_decision:
            return step.acknowledge_within, index
    return None, MISSED


def _await(builder: DecisionBuilder, within: timedelta | None, index: int, now: datetime) -> None:
    """Who had to confirm has it no longer; the new owner has to within that time, while it is our turn."""
    confirm(builder, now)
    ticket = builder.ticket
    if within and ticket.status in (Status.NEW, Status.OPEN) and not ticket.held_for:
        clocks = ladder.start_step_clock(ticket.clocks, Target.CONFIRMATION, within, index, now)
        builder.record(e.ClocksSet(now, "policy", clocks))


def _hand_over(builder: DecisionBuilder, team: str, because: str, policy: Policy, now: datetime) -> bool:
    if team == builder.ticket.team or team not in policy.teams:
        return False
    old = ladder.calendar_of(builder.ticket, policy)
    builder.record(e.TicketHandedOver(now, "policy", team, because))
    builder.record(e.ClocksSet(now, "policy", ladder.change_calendar(builder.ticket.clocks, old, now)))
    ownership.give(builder, policy, now, "policy")
    return True


def _reassign(builder: DecisionBuilder, policy: Policy, now: datetime) -> bool:
    """Somebody else of the same team and level, if there is anybody else."""
    ticket = builder.ticket
    chosen = choose(ticket, policy, now, builder.loads, without={ticket.assignee or ""})
    if chosen:
        builder.record(e.TicketAssigned(now, "policy", chosen.agent.address, chosen.because))
    return chosen is not None


def confirm(builder: DecisionBuilder, now: datetime) -> None:
    """The owner acted: nobody waits for a confirmation any more."""
    if any(clock.target is Target.CONFIRMATION for clock in builder.ticket.clocks):
        clocks = ladder.without(builder.ticket.clocks, Target.CONFIRMATION)
        builder.record(e.ClocksSet(now, "policy", clocks))
