"""Machines' mail about no ticket of ours: filed without clocks, owner and notices, until somebody releases it.

Theory of operation. A filed ticket is nobody's work, so commands on it are refused until it is released. A person
who writes on it releases it, and so does an agent who answers.
"""

from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import notify, reasons
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.escalation import ownership
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import InboundMail, NoticeKind, Status, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason, Refusal


def file_mail(builder: DecisionBuilder, mail: InboundMail, not_answered: Reason, now: datetime) -> None:
    """File the ticket that a machine's mail opened."""
    builder.record(e.AcknowledgementSuppressed(now, POLICY, not_answered or mail.author_reason))
    builder.record(e.TicketFiled(now, POLICY, mail.author_reason))


def release_where_filed(builder: DecisionBuilder, by: Actor, policy: Policy, now: datetime) -> None:
    """Make a filed ticket an ordinary one, with an owner and clocks; leave any other as it is."""
    if builder.ticket.status is Status.FILED:
        builder.record(e.TicketReleased(now, by))
        ownership.begin(builder, policy, now)


def release(builder: DecisionBuilder, by: Actor, policy: Policy, now: datetime) -> Refusal | None:
    """Release a ticket by command, and notify its team."""
    if builder.ticket.status is not Status.FILED:
        return reasons.refuse("not_filed", ticket=builder.ticket.number)
    release_where_filed(builder, by, policy, now)
    notify.notify_team(builder, policy, now, NoticeKind.NEW, reasons.of("released_by", actor=str(by)))
    return None


def why_refused(*tickets: Ticket, command: object = None) -> Refusal | None:
    """Return why a command is not for these tickets. A note and help are for a filed one, too."""
    if isinstance(command, c.AddNote | c.Release | c.Help):
        return None
    filed = next((ticket for ticket in tickets if ticket.status is Status.FILED), None)
    return reasons.refuse("ticket_filed", ticket=filed.number) if filed else None
