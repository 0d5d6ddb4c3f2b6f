"""Decide about a mail of an agent on a ticket: an answer to the customer, commands, or something to hold.

Theory of operation. The checks that hold a reply come first, for commands as well: the agent is proven, the mail
answers a notice, a person wrote it, and its new text was cut out for certain. Then the verbs on top act, all or
none. Text without verbs is the answer. What is held or refused becomes a note, and the agent learns why.
"""

from dataclasses import replace
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import filing, reasons
from mailbot.domain.actor import Actor
from mailbot.domain.acts import holds
from mailbot.domain.commands.carry_out import on_act
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.help import help_mail
from mailbot.domain.commands.registry import Below
from mailbot.domain.events import AgentMailHeld
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.model import Author, Direction, Envelope, InboundMail, Ticket
from mailbot.domain.notices import Notice
from mailbot.domain.people.copies import with_copies
from mailbot.domain.people.customer import why_unreachable
from mailbot.domain.people.participants import record_named
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import NO_REASON, Reason, Refusal
from mailbot.domain.replies import agent_answer, agent_mail, without_token
from mailbot.domain.replies.mail_facts import MailDecision, MailFacts
from mailbot.domain.replies.receipts import receipt_of, refusal_of


def agent_wrote(
    ticket: Ticket,
    agent: Agent,
    mail: InboundMail,
    envelope: Envelope,
    facts: MailFacts,
    policy: Policy,
    now: datetime,
) -> MailDecision:
    """Decide about an agent's mail on this ticket; `mail.visible` is what the agent wrote above all quotes."""
    reason = _why_held(ticket, mail, envelope, facts, policy)
    if reason:
        builder = DecisionBuilder(ticket)
        agent_mail.hold(builder, agent, mail, reason, now)
        return MailDecision(builder.decision(), Direction.NOTE)
    if reason := _overtaken(ticket, agent, facts, policy, now):
        if facts.tapped:  # the mail's text is nobody's answer
            return _refuse(ticket, agent, Refusal(reason), now)
        builder = DecisionBuilder(ticket)
        holds.hold(builder, agent, mail.visible, reason, policy, now)
        return MailDecision(builder.decision(), Direction.NOTE)
    if facts.tapped or facts.act is not None:
        act = facts.act or reasons.refuse("tap_unknown")
        return _act(ticket, act, agent, mail, facts, policy, now)
    return _answer(ticket, agent, mail, facts, policy, now)


def _why_held(
    ticket: Ticket, mail: InboundMail, envelope: Envelope, facts: MailFacts, policy: Policy
) -> Reason:
    reason = _not_authorised(ticket, facts)
    if facts.tapped:
        is_robot = mail.author is Author.MACHINE
        return reason or (reasons.of("absence_note") if is_robot else NO_REASON)
    if not reason and facts.act is None:  # commands may be for the team alone: they look for themselves
        reason = why_unreachable(ticket.answers_to)
    reason = reason or agent_mail.why_held(ticket, mail, facts.reply, policy, envelope.received_at)
    if not reason:
        reason = agent_mail.why_no_answer(mail.visible, facts.reply.attachments, facts.act)
    if not reason and facts.reply.for_colleagues:
        reason = agent_mail.why_for_nobody(facts.act)
    if not reason and not facts.match.by_token:
        reason = without_token.why_not_sent(mail, facts.roles, policy)
    return reason


def _overtaken(ticket: Ticket, agent: Agent, facts: MailFacts, policy: Policy, now: datetime) -> Reason:
    """Return why the mail waits for its author's word, no reason where it does not, or is refused anyway."""
    act = facts.act
    if isinstance(act, Refusal) or (act and act.sends):
        return NO_REASON
    seen = holds.Seen(facts.reply.noticed_at, facts.reply.lost_at)
    return holds.why_held(ticket, agent.address, act, seen, policy, now)


def _not_authorised(ticket: Ticket, facts: MailFacts) -> Reason:
    if not facts.proof:
        return reasons.of("agent_not_proven")
    if facts.reply.of_another:
        return reasons.of("reply_address_of_another", ticket=ticket.number)
    if facts.meant in ("", ticket.customer):
        return NO_REASON
    # It was written to another person: the customer of the ticket that was merged.
    merged = " and ".join(facts.match.followed)
    return reasons.of("merged_other_customer", merged=merged, ticket=ticket.number)


def _answer(
    ticket: Ticket, agent: Agent, mail: InboundMail, facts: MailFacts, policy: Policy, now: datetime
) -> MailDecision:
    builder = DecisionBuilder(ticket)
    filing.release_where_filed(builder, Actor.agent(agent.address), policy, now)
    after = agent_answer.next_turn(builder.ticket, mail.visible, policy)
    agent_answer.record_agent_answer(builder, agent.address, after, policy, now)
    roles = record_named(builder, mail, facts.roles, policy, now, senders_checked=True, agent=agent.address)
    answer = agent_answer.answer(
        ticket, agent, mail.visible, policy, facts.reply.references, facts.reply.attachments
    )
    builder.notify(*with_copies(answer, roles, policy, facts.suppressions))
    return MailDecision(builder.decision(), Direction.OUT)


def _act(
    ticket: Ticket,
    act: Act | Refusal,
    agent: Agent,
    mail: InboundMail,
    facts: MailFacts,
    policy: Policy,
    now: datetime,
) -> MailDecision:
    """Carry out the commands, all or none, and send the agent a receipt."""
    by, builder = Actor.agent(agent.address), DecisionBuilder(ticket)
    if isinstance(act, Refusal):
        return _refuse(ticket, agent, act, now)
    known = facts.command_facts
    if act.below is Below.ANSWER and act.text:  # whom the mail names gets the answer too
        roles = record_named(
            builder, mail, known.roles, policy, now, senders_checked=True, agent=agent.address
        )
        known = replace(known, roles=roles, attachments=(*known.attachments, *facts.reply.attachments))
    acted = on_act(builder.ticket, act, by, known, policy, now)
    if isinstance(acted, Refusal):
        return _refuse(ticket, agent, acted, now)
    decision = acted.decision
    if any(isinstance(each, c.Help) for each in act.commands):
        waits = bool(known.open_requests)
        mail_back: Notice = help_mail(decision.ticket, agent, policy, asked=True, open_request=waits)
    else:
        mail_back = receipt_of(acted, agent, policy, now)
    whole = Decision(decision.ticket, (*builder.events, *decision.events), (*decision.notices, mail_back))
    return MailDecision(whole, Direction.OUT if acted.answer else Direction.NOTE, acted=acted)


def _refuse(ticket: Ticket, agent: Agent, refusal: Refusal, now: datetime) -> MailDecision:
    builder = DecisionBuilder(ticket)
    builder.record(AgentMailHeld(now, Actor.agent(agent.address), agent.address, refusal.reason))
    builder.notify(refusal_of(ticket, refusal.reason, agent))
    return MailDecision(builder.decision(), Direction.NOTE)
