"""One step of a ladder: what it changes on the ticket, who is notified."""

from datetime import datetime, timedelta

from mailbot.domain import events as e
from mailbot.domain import ladder, notify, reasons, ticket_clocks, turns
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.assignment import choose
from mailbot.domain.closing.close import close
from mailbot.domain.escalation import level_questions, ownership
from mailbot.domain.ladder import MISSED, Deadline
from mailbot.domain.lifecycle import DecisionBuilder, clocks_set
from mailbot.domain.model import OVER, NoticeKind, Target, Ticket, Turn
from mailbot.domain.policy import Policy, Step
from mailbot.domain.reasons import NO_REASON, Reason, Refusal
from mailbot.domain.ticket_clocks import INTERNAL_TARGETS, STEP_CLOCKS

_NOT_DONE = {Target.CONFIRMATION: "not_confirmed", Target.DECISION: "not_decided"}  # codes of reasons


def take_step(
    builder: DecisionBuilder, due: Deadline, policy: Policy, now: datetime, suppressed: Reason = NO_REASON
) -> None:
    """Take the step that fell due, and mark it so that it comes once in this run of its clock.

    `suppressed`: why no automatic mail goes to the customer, no reason when it does.
    """
    mine = ladder.ladder_of(builder.ticket, policy)
    moved = reasons.of("quiet_hours") if due.moved_from else NO_REASON
    because = reasons.together(_came_due(due.target), moved)
    if due.step == ladder.NEWS:
        notify.renew_promise(builder, policy, suppressed, now)
        return
    step = ladder.step_at(mine, due.step)
    if step is None:
        _end(builder, due, policy, now, suppressed)
        return
    if due.target in STEP_CLOCKS:
        builder.record(e.ClocksSet(now, POLICY, ticket_clocks.without(builder.ticket.clocks, due.target)))
    builder.record(e.StepTaken(now, POLICY, mine.name, due.step, step.at.target, due.due_at, because))
    team = builder.ticket.team
    _act(builder, step, due.step, because, policy, now)
    expects_news = builder.ticket.informed_until is not None
    if step.tell_customer or (expects_news and builder.ticket.team != team):
        notify.notify_customer(builder, policy, because, suppressed, now)


def _came_due(target: Target) -> Reason:
    if target in _NOT_DONE:
        return reasons.of(_NOT_DONE[target])
    return reasons.of("target_due", target=target)


def _end(builder: DecisionBuilder, due: Deadline, policy: Policy, now: datetime, suppressed: Reason) -> None:
    """Record that a clock ended: a promise is missed, a wait is over, or the owner is reminded.

    After a long silence the ticket is closed. `suppressed`: as in `take_step`.
    """
    if due.step == ladder.CLOSE:
        close(builder, "", None, reasons.of("silent_for_long"), POLICY, policy, now, suppressed)
        return
    if due.target not in INTERNAL_TARGETS:
        builder.record(e.TargetMissed(now, POLICY, due.target, due.due_at))
        if due.target is Target.PROMISE:
            notify.notify_team(builder, policy, now, NoticeKind.REMINDER, reasons.of("promise_passed"))
        return
    builder.record(e.ReminderDue(now, POLICY, due.target, due.due_at))
    ticket = builder.ticket
    if ticket.turn_until and due.target in (Target.THIRD_PARTY, Target.FOLLOW_UP):
        why = turns.come_back(builder, policy, now)
        notify.notify_team(builder, policy, now, NoticeKind.TURN_CAME_BACK, why)
    else:
        notify.notify_team(builder, policy, now, *_reminder(ticket, due))


def _reminder(ticket: Ticket, due: Deadline) -> tuple[NoticeKind, Reason]:
    """Return why a reminder comes that no step of the ladder asked for."""
    if ticket.held_for:
        return NoticeKind.UNCONFIRMED, reasons.of("not_accepted")
    if due.target in STEP_CLOCKS:
        return NoticeKind.REMINDER, reasons.together(_came_due(due.target), reasons.of("no_further_step"))
    if ticket.turn is Turn.CUSTOMER:
        return NoticeKind.FOLLOW_UP, reasons.of("customer_silent")
    return NoticeKind.REMINDER, reasons.of("all_steps_taken")


def _act(
    builder: DecisionBuilder, step: Step, index: int, because: Reason, policy: Policy, now: datetime
) -> None:
    done = _move(builder, step, because, policy, now)
    if done:
        _await(builder, None if step.ask_decision else step.acknowledge_within, index, now)
        notify.notify_team(builder, policy, now, done, because)
    elif ladder.level_of(step, builder.ticket.category) or step.hand_over_to or step.reassign:
        # The ticket is there already, so its people are reminded.
        notify.notify_team(builder, policy, now, NoticeKind.REMINDER, because)
    if step.ask_decision:
        level_questions.ask(builder, step, index, because, policy, now)
    if step.remind:
        ticket = builder.ticket
        people = tuple(each.address for each in ladder.agents_at(policy, ticket.team, ticket.level))
        reminded = (ticket.assignee,) if step.remind == "assignee" and ticket.assignee else people
        notify.notify_team(builder, policy, now, NoticeKind.REMINDER, because, recipients=reminded)
    if step.notify:
        notify.notify_team(builder, policy, now, NoticeKind.NOTIFY, because, recipients=step.notify)


def _move(
    builder: DecisionBuilder, step: Step, because: Reason, policy: Policy, now: datetime
) -> NoticeKind | None:
    """Change who has the ticket, as far as the step asks for it. Return what its people are notified of."""
    done: NoticeKind | None = None
    if step.hand_over_to and _hand_over(builder, step.hand_over_to, because, policy, now):
        done = NoticeKind.HANDED_OVER
    level = ladder.level_of(step, builder.ticket.category)
    if level and _raise(builder, level, because, POLICY, policy, now):
        done = NoticeKind.ESCALATED
    if step.reassign and not done and _reassign(builder, policy, now):
        done = NoticeKind.ASSIGNED
    return done


def _raise(
    builder: DecisionBuilder, level: str, because: Reason, by: Actor, policy: Policy, now: datetime
) -> bool:
    """Raise the level and find an owner there. Return False when the ticket is that high already."""
    here = ladder.rank_of(policy, builder.ticket.level)
    if level not in policy.levels and here + 1 < len(policy.levels):
        level = policy.levels[here + 1]  # an old ladder may name a level that is gone: take a higher one
    if here >= ladder.rank_of(policy, level):
        return False
    builder.record(e.TicketEscalated(now, by, level, because))
    ownership.assign_owner(builder, policy, now, by)
    return True


def escalate_by_command(
    builder: DecisionBuilder, level: str, because: Reason, by: Actor, policy: Policy, now: datetime
) -> Refusal | None:
    """Escalate at a person's command.

    The ticket enters its ladder there: later steps that raise no higher only remind. The new owner has to
    confirm within the time that the step to this level gives. A ticket that waited is ours again: who raises it
    wants that something is done.
    """
    ticket = builder.ticket
    here = ladder.rank_of(policy, ticket.level)
    if ticket.status in OVER:
        return reasons.refuse("ticket_over", ticket=ticket.number, status=ticket.status)
    if not level:
        if here + 1 >= len(policy.levels):
            return reasons.refuse("no_higher_level", ticket=ticket.number, level=ticket.level)
        level = policy.levels[here + 1]
    if level not in policy.levels:
        return reasons.refuse("no_level", level=level, levels=", ".join(policy.levels))
    if ladder.rank_of(policy, level) <= here:
        return reasons.refuse("level_reached", ticket=ticket.number, level=ticket.level)
    _raise(builder, level, because, by, policy, now)
    if ticket.turn is not Turn.OURS:
        builder.record(e.TurnSet(now, by, Turn.OURS, None, reasons.of("escalated_by", actor=str(by))))
        builder.record(clocks_set(builder.ticket, policy, now))
    _await(builder, *_step_to(level, builder.ticket, policy), now)
    notify.notify_team(builder, policy, now, NoticeKind.ESCALATED, because)
    return None


def hand_over_by_command(
    builder: DecisionBuilder,
    team: str,
    because: Reason,
    by: Actor,
    policy: Policy,
    now: datetime,
    suppressed: Reason = NO_REASON,
) -> Refusal | None:
    """Hand over to another team at a person's command, with an owner there who is notified.

    `suppressed`: why the customer gets no automatic mail.
    """
    ticket = builder.ticket
    if ticket.status in OVER:
        return reasons.refuse("ticket_over", ticket=ticket.number, status=ticket.status)
    if team not in policy.teams:
        return reasons.refuse("no_team_near", team=team, near=", ".join(policy.teams))
    if not _hand_over(builder, team, because, policy, now, by):
        return reasons.refuse("team_has_it", ticket=ticket.number, team=team)
    stop_confirmation(builder, now)
    notify.notify_team(builder, policy, now, NoticeKind.HANDED_OVER, because)
    notify.inform_of_move(builder, policy, because, suppressed, now)
    return None


def _step_to(level: str, ticket: Ticket, policy: Policy) -> tuple[timedelta | None, int]:
    """Return the time to confirm that the step to this level gives, and the index of that step."""
    for index, step in enumerate(ladder.ladder_of(ticket, policy).steps):
        if ladder.level_of(step, ticket.category) == level and not step.ask_decision:
            return step.acknowledge_within, index
    return None, MISSED


def expect_confirmation(builder: DecisionBuilder, policy: Policy, now: datetime) -> None:
    """Make the owner confirm within the time that the ladder's step to this level gives, if it gives one."""
    _await(builder, *_step_to(builder.ticket.level, builder.ticket, policy), now)


def _await(builder: DecisionBuilder, within: timedelta | None, index: int, now: datetime) -> None:
    """Make the new owner confirm within that time, unless the customer has the turn; the previous one need not
    any more.
    """
    stop_confirmation(builder, now)
    ticket = builder.ticket
    if within and ticket.turn is not Turn.CUSTOMER and not (ticket.held_for or ticket.status in OVER):
        clocks = ticket_clocks.start_step_clock(ticket.clocks, Target.CONFIRMATION, within, index, now)
        builder.record(e.ClocksSet(now, POLICY, clocks))


def _hand_over(
    builder: DecisionBuilder, team: str, because: Reason, policy: Policy, now: datetime, by: Actor = POLICY
) -> bool:
    if team == builder.ticket.team or team not in policy.teams:
        return False
    old = ladder.calendar_of(builder.ticket, policy)
    builder.record(e.TicketHandedOver(now, by, team, because))
    builder.record(e.ClocksSet(now, POLICY, ticket_clocks.change_calendar(builder.ticket.clocks, old, now)))
    ownership.assign_owner(builder, policy, now, by)
    return True


def _reassign(builder: DecisionBuilder, policy: Policy, now: datetime) -> bool:
    """Assign another agent of the same team and level. Return False when there is none."""
    ticket = builder.ticket
    chosen = choose(ticket, policy, now, builder.loads, without={ticket.assignee or ""})
    if chosen:
        builder.record(e.TicketAssigned(now, POLICY, chosen.agent.address, chosen.reason))
    return chosen is not None


def stop_confirmation(builder: DecisionBuilder, now: datetime) -> None:
    """Stop the clock of the confirmation: the owner acted."""
    if any(clock.target is Target.CONFIRMATION for clock in builder.ticket.clocks):
        clocks = ticket_clocks.without(builder.ticket.clocks, Target.CONFIRMATION)
        builder.record(e.ClocksSet(now, POLICY, clocks))
