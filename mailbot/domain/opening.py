"""Open a ticket for a mail: who wrote it, what the rules say, who has it, what the customer is answered."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import filing, news, notify, reasons
from mailbot.domain.actor import CUSTOMER, POLICY
from mailbot.domain.classify import routing_event
from mailbot.domain.escalation import ownership
from mailbot.domain.incidents import complaints
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.lifecycle import opened as opened_by
from mailbot.domain.model import Author, Direction, Envelope, InboundMail, NoticeKind, Role, Ticket
from mailbot.domain.notices import Acknowledgement
from mailbot.domain.people.customer import (
    acknowledge_to,
    customer_of,
    is_proven_author,
    other_sender,
    reply_to_at_home,
    why_unreachable,
)
from mailbot.domain.people.participants import record_named
from mailbot.domain.policy import Mailbox, Policy
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.replies import undeliverable, without_token
from mailbot.domain.replies.auto_reply import Permission, permission
from mailbot.domain.replies.mail_facts import MailDecision, MailFacts
from mailbot.domain.replies.without_token import Forwarded, help_key
from mailbot.domain.routing.account_change import unproven_change
from mailbot.domain.routing.routed import Routed, route
from mailbot.domain.routing.routing_facts import circumstances, mailbox_of, routing_facts


def open_ticket(
    mail: InboundMail, envelope: Envelope, facts: MailFacts, policy: Policy, now: datetime, follows: str = ""
) -> MailDecision:
    """Open a ticket for this mail. `follows`: the closed ticket that it goes on about.

    A machine's mail is filed, and an agent's mail about no ticket gets help: neither becomes work.
    """
    box = mailbox_of(envelope, policy)
    first = _first_event(mail, envelope, facts, policy, now, follows)
    builder = DecisionBuilder(opened_by(facts.number, first), first, loads=facts.loads)
    allowed = _permission(mail, envelope, box, facts, policy, now)
    routed = _route(builder, mail, envelope, allowed, facts, policy, now)
    not_answered = allowed.refused or mail.no_auto_reply
    if mail.author is not Author.PERSON and not _is_stray_report(mail, facts):
        filing.file_mail(builder, mail, not_answered, now)
        return MailDecision(builder.decision(), Direction.IN)
    if facts.proof and mail.sender in policy.agents:
        return _help_agent(builder, mail, not_answered, facts, policy, now)
    return _work_on(builder, mail, envelope, allowed, routed, facts, policy, now)


def _first_event(
    mail: InboundMail, envelope: Envelope, facts: MailFacts, policy: Policy, now: datetime, follows: str
) -> e.TicketOpened:
    box, held, forwarded = mailbox_of(envelope, policy), facts.held_for, facts.forwarded
    return e.TicketOpened(
        at=now,
        by=forwarded.by if forwarded else CUSTOMER,
        mailbox=box.address,
        customer=customer_of(mail, envelope, policy),
        subject=mail.subject,
        language=mail.language or facts.language or box.language,
        message_id=mail.message_id,
        follows=follows,
        claims=facts.match.claims,
        suggests=facts.match.suggests,
        mentions=facts.match.mentions,
        held_for=held.number if held else "",
        reply_to=reply_to_at_home(mail, policy),
        proven=is_proven_author(mail, policy),
        channel=mail.channel,
    )


def _permission(
    mail: InboundMail, envelope: Envelope, box: Mailbox, facts: MailFacts, policy: Policy, now: datetime
) -> Permission:
    """Decide whether the customer gets an acknowledgement, before suppressions and incidents."""
    if facts.forwarded:
        return Permission(facts.forwarded.why_not_acknowledged, {})
    allowed = permission(mail, envelope, box, policy, facts.rate_limits, now)
    if facts.acknowledged_before and not allowed.refused:
        return Permission(reasons.of("answers_acknowledgement"), {})
    return allowed


def _route(
    builder: DecisionBuilder,
    mail: InboundMail,
    envelope: Envelope,
    allowed: Permission,
    facts: MailFacts,
    policy: Policy,
    now: datetime,
) -> Routed:
    """Record the routing, and return it."""
    box = mailbox_of(envelope, policy)
    again = (
        bool(_opened(builder).follows) or facts.customer_history.reopened
    )  # the latter: assumed, in a dry run
    known = replace(circumstances(mail, facts.customer_history), reopened=again)
    asked = routing_facts(mail, envelope.sender, box.address, policy, now, known)
    routed = route(policy, asked, mail.routed)
    extra = []
    if mail.author is not Author.PERSON:
        extra.append(notify.AUTOMATIC)
    elif allowed.refused and allowed.refused.code != "not_authenticated":
        extra.append(notify.UNANSWERED)
    if box.unauthenticated == "none" and not is_proven_author(mail, policy):
        extra.append(notify.UNAUTHENTICATED)
    builder.record(routing_event(routed.found, policy, now, extra, known))
    return routed


def _is_stray_report(mail: InboundMail, facts: MailFacts) -> bool:
    """Check for a report about a mail of ours that is on no ticket: somebody has to see it."""
    return bool(mail.report and facts.returned and not facts.returned.ticket)


def _help_agent(
    builder: DecisionBuilder,
    mail: InboundMail,
    not_answered: Reason,
    facts: MailFacts,
    policy: Policy,
    now: datetime,
) -> MailDecision:
    """File an agent's mail about no ticket, and tell them how mails to tickets are written."""
    agent = policy.agents[mail.sender]
    limit = facts.rate_limits.get(help_key(agent.address))
    spent = without_token.send_help(builder, agent, policy, limit, now)
    filing.file_mail(builder, replace(mail, author_reason=without_token.HELP), not_answered, now)
    return MailDecision(builder.decision(), Direction.NOTE, spent)


def _work_on(
    builder: DecisionBuilder,
    mail: InboundMail,
    envelope: Envelope,
    allowed: Permission,
    routed: Routed,
    facts: MailFacts,
    policy: Policy,
    now: datetime,
) -> MailDecision:
    """Give the ticket an owner, answer its customer, and notify its people."""
    box, follows = mailbox_of(envelope, policy), _opened(builder).follows
    complaint = None
    if box.incident and not (facts.held_for or facts.forwarded or follows):
        complaint = complaints.complaint_of(builder.ticket, mail, routed.words)
    storm = complaints.look(complaint, box, facts.storms)
    _assign(builder, storm.incident, facts, policy, now)
    suppression = facts.suppressions.get(acknowledge_to(mail, envelope, policy).lower())
    if suppression and not allowed.refused:
        allowed = Permission(suppression.as_reason, {})
    if storm.informed and not allowed.refused:
        allowed = Permission(reasons.of("knows_of_incident", incident=storm.incident), {})
    if storm.rising:
        complaints.hold_notices(builder, now)
    _acknowledge(builder, envelope, mail, allowed, policy, now)
    _add_people(builder, mail, facts, policy, now)
    why = NoticeKind.UNCONFIRMED if facts.held_for else NoticeKind.NEW
    notify.notify_team(
        builder, policy, now, why, _remarks(builder, mail, routed.because, facts, policy), mail.visible
    )
    effects = undeliverable.NOTHING
    if mail.report and facts.returned and _is_stray_report(mail, facts):
        effects = undeliverable.on_stray_report(mail.report, facts.returned)
    return MailDecision(builder.decision(), Direction.IN, allowed.spent, effects, complaint=complaint)


def _assign(builder: DecisionBuilder, incident: str, facts: MailFacts, policy: Policy, now: datetime) -> None:
    if held := facts.held_for:
        why = reasons.of("has_ticket", ticket=held.number)
        ownership.begin(builder, policy, now, held.assignee or "", why)
    elif incident:
        complaints.join(builder, incident, policy, now)
    else:
        ownership.begin(builder, policy, now)


def _acknowledge(
    builder: DecisionBuilder,
    envelope: Envelope,
    mail: InboundMail,
    allowed: Permission,
    policy: Policy,
    now: datetime,
) -> None:
    if allowed.refused:
        builder.record(e.AcknowledgementSuppressed(now, POLICY, allowed.refused))
        return
    ticket = builder.ticket
    routed = next(event for event in builder.events if isinstance(event, e.TicketRouted))
    promised_at = news.first_promise(ticket, policy, now)
    builder.record(e.AcknowledgementEnqueued(now, POLICY, promised_at))
    is_proven = is_proven_author(mail, policy)
    subject = mail.subject if mailbox_of(envelope, policy).rich_acknowledgements and is_proven else ""
    builder.notify(
        Acknowledgement(
            ticket.number,
            ticket.mailbox,
            acknowledge_to(mail, envelope, policy),
            ticket.language,
            mail.message_id,
            subject,
            needed=() if ticket.is_complaint else _needed(routed, policy),
            template=complaints.TEMPLATE if ticket.is_complaint else routed.template,
            promised_at=promised_at,
            customer_name=mail.sender_name if is_proven else "",
        )
    )


def _needed(routed: e.TicketRouted, policy: Policy) -> tuple[Mapping[str, str], ...]:
    return tuple(policy.details[name].labels for name in routed.ask_for if name in policy.details)


def _add_people(
    builder: DecisionBuilder, mail: InboundMail, facts: MailFacts, policy: Policy, now: datetime
) -> None:
    """Record who takes part, and what the agent who forwarded the mail wrote above it."""
    first, forwarded = _opened(builder), facts.forwarded
    if forwarded and forwarded.cover:
        builder.record(e.NoteAdded(now, first.by, forwarded.cover))
    roles = {builder.ticket.customer: Role.CUSTOMER}
    if first.reply_to:
        at_home = reasons.of("reply_to_at_home", customer=first.customer)
        named = (first.reply_to,)
        builder.record(e.ParticipantsAdded(now, CUSTOMER, named, Role.PARTICIPANT, at_home, mail.message_id))
        roles[first.reply_to] = Role.PARTICIPANT
    record_named(builder, mail, roles, policy, now, senders_checked=facts.senders_checked)


def _opened(builder: DecisionBuilder) -> e.TicketOpened:
    first = builder.events[0]
    assert isinstance(first, e.TicketOpened)
    return first


def _remarks(
    builder: DecisionBuilder, mail: InboundMail, routed_by: Reason, facts: MailFacts, policy: Policy
) -> Reason:
    """Return what the agent should know of the mail: what it claims, why it is here, who is answered."""
    first, forwarded = _opened(builder), facts.forwarded
    return reasons.together(
        unproven_change(mail),
        routed_by,
        _named_tickets(first, builder.ticket, facts),
        other_sender(mail, first.customer, policy),
        why_unreachable(builder.ticket.answers_to),
        reasons.of("answers_go_to", address=first.reply_to) if first.reply_to else NO_REASON,
        _brought_by(forwarded) if forwarded else NO_REASON,
    )


def _brought_by(forwarded: Forwarded) -> Reason:
    return reasons.of("written_down_by" if forwarded.spoken else "brought_by", agent=forwarded.by.name)


def _named_tickets(opened: e.TicketOpened, ticket: Ticket, facts: MailFacts) -> Reason:
    """Return for the agent what the mail names beside its own matter, without authority."""
    named = (
        ("continues", opened.follows),
        ("claims", opened.claims),
        ("suggests", opened.suggests),
        ("mentions", opened.mentions),
    )
    suppression = facts.suppressions.get(ticket.answers_to.lower())
    return reasons.together(
        *(reasons.of(code, ticket=number) for code, number in named if number),
        reasons.of("earlier_mail", reason=suppression.as_reason) if suppression else NO_REASON,
    )
