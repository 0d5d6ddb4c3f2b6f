"""The receipt for a mail with commands: what was done or why not, what the customer reads, what comes next."""

from dataclasses import fields
from datetime import datetime

from mailbot.domain import ladder, notify, reasons
from mailbot.domain.acts.agent_act import undo_until
from mailbot.domain.closing.causes import remark
from mailbot.domain.commands import Accept
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.results import Outcome, Result
from mailbot.domain.events import TicketClosed
from mailbot.domain.model import OVER, Ticket
from mailbot.domain.notices import Answer, Closing, Notice, Receipt, ToCustomer
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import NO_REASON, Reason


def receipt_of(acted: Acted, agent: Agent, policy: Policy, now: datetime) -> Receipt:
    """Return the receipt for what was done."""
    found = outcome_of(acted, policy, now)
    return Receipt(
        *_head(acted.decision.ticket, agent), **{name: getattr(found, name) for name in _OF_OUTCOME}
    )


def outcome_of(acted: Acted, policy: Policy, now: datetime) -> Outcome:
    """Return what an act led to: of a receipt what does not depend on its reader."""
    ticket, notices = acted.decision.ticket, acted.decision.notices
    is_over = ticket.status in OVER
    if any(isinstance(each, Accept) for each in acted.act.commands):
        return Outcome(acted.done)  # what comes next is up to the other ticket
    return Outcome(
        done=(*acted.done, *_remarks(acted, policy)),
        text=acted.answer,
        also_sent=_also_sent(ticket, notices),
        turn=reasons.of("receipt_status", status=ticket.status)
        if is_over
        else reasons.of("receipt_turn", turn=ticket.turn),
        turn_until=None if is_over else ticket.turn_until,
        promised_at=ladder.promised_at(ticket, policy),
        next_steps=notify.next_steps(ticket, policy, now),
        undo_until=undo_until(acted.decision, policy),
    )


_OF_OUTCOME = tuple(each.name for each in fields(Outcome))


def _remarks(acted: Acted, policy: Policy) -> tuple[Result, ...]:
    """Return the remark that a ticket was closed without a cause."""
    is_closed = any(isinstance(event, TicketClosed) for event in acted.decision.events)
    found = remark(acted.decision.ticket, policy) if is_closed else NO_REASON
    return (Result(found),) if found else ()


def refusal_of(ticket: Ticket, reason: Reason, agent: Agent) -> Receipt:
    """Return the receipt for a mail of which nothing was done."""
    return Receipt(*_head(ticket, agent), refused=reason)


def _head(ticket: Ticket, agent: Agent) -> tuple[str, str, str, str, str, str]:
    language = notify.language_of(agent)
    return ticket.number, ticket.mailbox, agent.address, language, ticket.subject, ticket.team


def _also_sent(ticket: Ticket, notices: tuple[Notice, ...]) -> Reason:
    """Return which mails the customer gets beside the agent's text."""
    kinds = (
        each.name
        for each in notices
        if isinstance(each, ToCustomer)
        and each.to == ticket.answers_to
        and not isinstance(each, Answer)
        and not (isinstance(each, Closing) and each.text)
    )
    sent = tuple(reasons.of("mail_kind", kind=kind) for kind in dict.fromkeys(kinds))
    return reasons.together(*sent) if sent else NO_REASON
