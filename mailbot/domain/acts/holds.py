"""Hold an agent's mail that a colleague's work has overtaken; its author may send it after all.

Theory of operation. Two agents who answer at once would send the customer two answers. So an answer soon after that of
another agent is held, and one to a notice from before that answer. What an agent writes who has lost the ticket since
is held as well. Nothing is lost: it is a note, its author learns who answered or has the ticket, and `#kirim` within a
day carries it out as it was written. Notes, undos and help are never held.
"""

from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import notify, reasons
from mailbot.domain.actor import Actor
from mailbot.domain.acts.agent_act import COLLEAGUE_ANSWERED, HELD_FOR, clock_time
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import Below
from mailbot.domain.events import AgentMailHeld
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import Ticket
from mailbot.domain.notices import AnswerHeld
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import NO_REASON, Reason

_NEVER_HELD = (c.AddNote, c.Undo, c.Help, c.Send)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the author of a mail knew of the ticket.

    - `noticed_at`: when the notice that it answers left, None where that is not known.
    - `lost_at`: when the ticket was taken from its author after that, None where it was not.
    """

    noticed_at: datetime | None = None
    lost_at: datetime | None = None


NOTHING_SEEN = Seen()


def why_answer_held(
    ticket: Ticket, agent: str, policy: Policy, now: datetime, noticed_at: datetime | None = None
) -> Reason:
    """Return why an answer waits for its author's word: a colleague has just answered, or has since its notice."""
    box = policy.mailbox_for(ticket.mailbox)
    answered_at, colleague = ticket.answered_at, ticket.answered_by
    if not (box and box.collision and answered_at and colleague) or colleague == agent:
        return NO_REASON
    is_recent = now - answered_at < box.collision
    is_unseen = noticed_at is not None and noticed_at < answered_at
    if not (is_recent or is_unseen):
        return NO_REASON
    at = clock_time(answered_at, ticket, policy, now)
    return reasons.of(COLLEAGUE_ANSWERED, agent=name_of(colleague, policy), at=at)


def why_lost(ticket: Ticket, seen: Seen, policy: Policy, now: datetime) -> Reason:
    """Return why a mail waits for its author's word: the ticket has another owner since."""
    if seen.lost_at is None:
        return NO_REASON
    at = clock_time(seen.lost_at, ticket, policy, now)
    if ticket.assignee:
        return reasons.of("ticket_lost", agent=name_of(ticket.assignee, policy), at=at)
    return reasons.of("ticket_lost_to_team", team=ticket.team, level=ticket.level, at=at)


def why_held(
    ticket: Ticket, agent: str, act: Act | None, seen: Seen, policy: Policy, now: datetime
) -> Reason:
    """Return why an agent's mail waits for its author's word. `act`: None where it is an answer alone."""
    if act is None or answers(act):
        reason = why_answer_held(ticket, agent, policy, now, seen.noticed_at)
        return reason or why_lost(ticket, seen, policy, now)
    if all(isinstance(command, _NEVER_HELD) for command in act.commands):
        return NO_REASON
    return why_lost(ticket, seen, policy, now)


def answers(act: Act) -> bool:
    """Check whether an act has a text for the customer."""
    has_macro = any(isinstance(command, c.Macro) for command in act.commands)
    return has_macro or (act.below is Below.ANSWER and bool(act.text))


def hold(
    builder: DecisionBuilder, agent: Agent, text: str, reason: Reason, policy: Policy, now: datetime
) -> None:
    """Keep the mail as a note, and notify its author, and the colleague who answered before."""
    ticket = builder.ticket
    builder.record(AgentMailHeld(now, Actor.agent(agent.address), agent.address, reason))
    builder.notify(_notice(ticket, agent, agent, text, reason, now))
    colleague = policy.agents.get(ticket.answered_by) if reason.code == COLLEAGUE_ANSWERED else None
    if colleague:
        builder.notify(_notice(ticket, colleague, agent, text, reason, now))


def _notice(
    ticket: Ticket, reader: Agent, author: Agent, text: str, reason: Reason, now: datetime
) -> AnswerHeld:
    is_own = reader.address == author.address
    return AnswerHeld(
        *(ticket.number, ticket.mailbox, reader.address, notify.language_of(reader)),
        reason=reason,
        author=author.name,
        own=int(is_own),
        text=text,
        subject=ticket.subject,
        team=ticket.team,
        until=now + HELD_FOR if is_own else None,
    )


def name_of(address: str, policy: Policy) -> str:
    """Return an agent's name, the address where the agent has left."""
    agent = policy.agents.get(address)
    return agent.name if agent else address
