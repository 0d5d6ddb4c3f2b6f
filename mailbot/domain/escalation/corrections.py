"""What a person corrects: priority, category and tags, which the rules chose, and the cause."""

from dataclasses import replace
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import ladder, reasons, ticket_clocks
from mailbot.domain.actor import Actor
from mailbot.domain.closing.causes import find_cause, unknown_cause
from mailbot.domain.escalation.reapply import clocks_on
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import OVER, Ticket
from mailbot.domain.notify import OUR_TAGS
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Refusal


def correct(
    builder: DecisionBuilder, command: c.Correct, by: Actor, policy: Policy, now: datetime
) -> Refusal | None:
    """Set priority, category, cause. A ticket on its priority's ladder goes on with that of the new priority."""
    ticket = builder.ticket
    if ticket.merged_into:
        return reasons.refuse("ticket_merged_into", ticket=ticket.number, into=ticket.merged_into)
    if command.priority and command.priority not in policy.ladder_of:
        known = ", ".join(policy.ladder_of)
        return reasons.refuse("no_priority", priority=command.priority, known=known)
    cause = find_cause(command.cause, policy)
    if command.cause and cause is None:
        return unknown_cause(command.cause, ticket, policy)
    given = {"priority": command.priority, "category": command.category, "cause": cause.name if cause else ""}
    values = tuple((name, value) for name, value in given.items() if value and value != getattr(ticket, name))
    if not values:
        value = command.priority or command.category or command.cause
        return reasons.refuse("set_already", ticket=ticket.number, value=value)
    builder.record(e.TicketCorrected(now, by, values))
    if command.priority and ticket.status not in OVER:
        _change_ladder(builder, ticket, by, policy, now)
    return None


def _change_ladder(
    builder: DecisionBuilder, before: Ticket, by: Actor, policy: Policy, now: datetime
) -> None:
    """Follow the ladder of the new priority, unless a rule had named another than the old priority's."""
    if before.ladder != policy.ladder_of.get(before.priority):
        return
    name = policy.ladder_of[builder.ticket.priority]
    if name == before.ladder:
        return
    new = policy.ladders[name]
    clocks = clocks_on(builder.ticket, ladder.ladder_of(before, policy), new, policy, now)
    digest = policy.digests[name]
    moved = replace(builder.ticket, ladder=name, ladder_digest=digest, clocks=clocks)
    clocks = ticket_clocks.clocks_for(moved, new, ladder.calendar_of(moved, policy), now)
    builder.record(e.LadderChanged(now, by, name, digest, clocks))


def tag(
    builder: DecisionBuilder, added: tuple[str, ...], removed: tuple[str, ...], by: Actor, now: datetime
) -> Refusal | None:
    """Add and remove tags. Tags that we set ourselves stay."""
    ticket = builder.ticket
    if ticket.merged_into:
        return reasons.refuse("ticket_merged_into", ticket=ticket.number, into=ticket.merged_into)
    if own := sorted(OUR_TAGS & {*added, *removed}):
        return reasons.refuse("own_tag", tag=own[0])
    builder.record(e.TagsChanged(now, by, added, removed))
    return None
