"""Decisions about mails, deadlines and commands: (ticket, stimulus, facts, policy, now) -> Decision.

Theory of operation. Pure functions of values: the caller loads the facts and records the Decision in one
transaction. `on_mail` opens a ticket or adds the mail to one. `on_deadline` takes the due steps of the
ladder. What a person wants is carried out in `commands.carry_out`. All use a `DecisionBuilder`, which folds
each event into the ticket at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import filing, ladder, news, notify, reasons
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.assignment import NO_LOADS, Loads
from mailbot.domain.classify import classify, routing_event
from mailbot.domain.closing.survey import record_rating
from mailbot.domain.escalation import catch_up, ownership, steps
from mailbot.domain.incidents import complaints
from mailbot.domain.lifecycle import Decision, DecisionBuilder, clocks_set
from mailbot.domain.lifecycle import opened as opened_by
from mailbot.domain.model import (
    NO_HISTORY,
    Author,
    CustomerHistory,
    Direction,
    Envelope,
    InboundMail,
    NoticeKind,
    Role,
    Status,
    Ticket,
)
from mailbot.domain.notices import Acknowledgement
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.customer import (
    acknowledge_to,
    customer_of,
    is_proven_author,
    new_language,
    other_sender,
    passed_on_for,
    reply_to_at_home,
    why_unreachable,
)
from mailbot.domain.people.participants import Roles, record_named
from mailbot.domain.policy import Mailbox, Policy
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.replies import undeliverable, without_token
from mailbot.domain.replies.agent_wrote import agent_wrote
from mailbot.domain.replies.auto_reply import Permission, permission
from mailbot.domain.replies.courtesy import is_thanks
from mailbot.domain.replies.mail_facts import MailDecision, MailFacts
from mailbot.domain.replies.status_answer import Asking, answer_status
from mailbot.domain.replies.without_token import acting_agent, help_key
from mailbot.domain.reroute import on_reopening
from mailbot.domain.routing import conditions
from mailbot.domain.routing.account_change import unproven_change
from mailbot.domain.routing.why_here import why_here
from mailbot.domain.worktime import local


def on_mail(
    ticket: Ticket | None,
    mail: InboundMail,
    envelope: Envelope,
    facts: MailFacts,
    policy: Policy,
    now: datetime,
) -> MailDecision:
    """Decide about an inbound mail. `ticket`: the one that `facts.match` names, None for a new matter."""
    alive = undeliverable.lifted(facts.suppressions, mail, envelope, facts.match, now)
    if alive:
        others = {address: each for address, each in facts.suppressions.items() if address not in alive}
        facts = replace(facts, suppressions=others)
    return replace(_on_mail(ticket, mail, envelope, facts, policy, now), lifted=alive)


def _on_mail(
    ticket: Ticket | None,
    mail: InboundMail,
    envelope: Envelope,
    facts: MailFacts,
    policy: Policy,
    now: datetime,
) -> MailDecision:
    if ticket is None:
        if mail.author is not Author.PERSON and facts.filed_full:
            return _keep_automatic(facts.filed_full, mail, facts, policy, now)
        return _open(mail, envelope, facts, policy, now)
    agent = acting_agent(mail, facts.match, facts.proof, facts.roles, policy)
    if agent and (facts.match.by_token or mail.author is Author.PERSON) and mail.author is not Author.REPORT:
        return agent_wrote(ticket, agent, mail, envelope, facts, policy, now)
    if mail.author is not Author.PERSON:
        return _keep_automatic(ticket, mail, facts, policy, now)
    if facts.rating and not facts.rating.asks:
        builder = DecisionBuilder(ticket)
        record_rating(builder, facts.rating, policy, now, hides_text=facts.hides_unproven)
        return MailDecision(builder.decision(), Direction.IN)
    if not facts.hides_unproven and _is_only_thanks(ticket, mail, policy):
        builder = DecisionBuilder(ticket)
        builder.record(e.ThanksReceived(now, CUSTOMER, mail.message_id))
        return MailDecision(builder.decision(), Direction.IN)
    asking = Asking(facts.match, facts.roles, facts.rate_limits, facts.suppressions)
    status = None if facts.hides_unproven else answer_status(ticket, mail, envelope, asking, policy, now)
    if status:
        return MailDecision(status.decision, Direction.IN, status.spent)
    box = policy.mailbox_for(ticket.mailbox)
    if ticket.closed_at and box and now - ticket.closed_at > box.reopen_within:
        return _open(mail, envelope, facts, policy, now, follows=ticket.number)
    return _customer_wrote(ticket, mail, facts, policy, now)


def _open(
    mail: InboundMail, envelope: Envelope, facts: MailFacts, policy: Policy, now: datetime, follows: str = ""
) -> MailDecision:
    box, held, forwarded = mailbox_of(envelope, policy), facts.held_for, facts.forwarded
    first = e.TicketOpened(
        at=now,
        by=Actor.agent(forwarded.agent) if forwarded else CUSTOMER,
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
    )
    builder = DecisionBuilder(opened_by(facts.number, first), first, loads=facts.loads)
    allowed = permission(mail, envelope, box, policy, facts.rate_limits, now)
    if facts.acknowledged_before and not allowed.refused:
        allowed = Permission(reasons.of("answers_acknowledgement"), {})
    if forwarded:
        allowed = Permission(reasons.of("forwarded_by_agent", agent=forwarded.agent), {})
    again = bool(follows) or facts.customer_history.reopened  # the latter is assumed, in a dry run
    known = replace(circumstances(mail, facts.customer_history), reopened=again)
    routed, routed_by = _routed(mail, envelope, box, allowed, known, policy, now)
    builder.record(routed)
    not_answered = allowed.refused or mail.no_auto_reply
    stray = mail.report and facts.returned and not facts.returned.ticket  # about a mail of ours, on no ticket
    if mail.author is not Author.PERSON and not stray:
        filing.file_mail(builder, mail, not_answered, now)
        return MailDecision(builder.decision(), Direction.IN)
    if facts.proof and (agent := policy.agents.get(mail.sender)):
        spent = without_token.send_help(
            builder, agent, policy, facts.rate_limits.get(help_key(agent.address)), now
        )
        filing.file_mail(builder, replace(mail, author_reason=without_token.HELP), not_answered, now)
        return MailDecision(builder.decision(), Direction.NOTE, spent)
    complaint = None
    if box.incident and not (held or forwarded or follows):
        complaint = complaints.complaint_of(builder.ticket, mail)
    storm = complaints.look(complaint, box, facts.storms)
    if held:
        ownership.begin(
            builder, policy, now, held.assignee or "", reasons.of("has_ticket", ticket=held.number)
        )
    elif storm.incident:
        complaints.join(builder, storm.incident, policy, now)
    else:
        ownership.begin(builder, policy, now)
    suppression = facts.suppressions.get(acknowledge_to(mail, envelope, policy).lower())
    if suppression and not allowed.refused:
        allowed = Permission(suppression.as_reason, {})
    if storm.informed and not allowed.refused:
        allowed = Permission(reasons.of("knows_of_incident", incident=storm.incident), {})
    if storm.rising:
        complaints.hold_notices(builder, now)
    _acknowledge(builder, envelope, mail, box, allowed, policy, now)
    if forwarded and forwarded.cover:
        builder.record(e.NoteAdded(now, first.by, forwarded.cover))
    roles = {builder.ticket.customer: Role.CUSTOMER}
    if first.reply_to:
        at_home = reasons.of("reply_to_at_home", customer=first.customer)
        named = (first.reply_to,)
        builder.record(e.ParticipantsAdded(now, CUSTOMER, named, Role.PARTICIPANT, at_home, mail.message_id))
        roles[first.reply_to] = Role.PARTICIPANT
    record_named(builder, mail, roles, policy, now, senders_checked=facts.senders_checked)
    why = NoticeKind.UNCONFIRMED if held else NoticeKind.NEW
    remarks = reasons.together(
        unproven_change(mail),
        routed_by,
        _remarks(first, builder.ticket, facts),
        other_sender(mail, first.customer, policy),
        why_unreachable(builder.ticket.answers_to),
        reasons.of("answers_go_to", address=first.reply_to) if first.reply_to else NO_REASON,
        reasons.of("brought_by", agent=forwarded.agent) if forwarded else NO_REASON,
    )
    notify.notify_team(builder, policy, now, why, remarks, mail.visible)
    effects = undeliverable.NOTHING
    if stray and mail.report and facts.returned:
        effects = undeliverable.on_stray_report(mail.report, facts.returned)
    return MailDecision(builder.decision(), Direction.IN, allowed.spent, effects, complaint=complaint)


def _remarks(opened: e.TicketOpened, ticket: Ticket, facts: MailFacts) -> Reason:
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


def mailbox_of(envelope: Envelope, policy: Policy) -> Mailbox:
    """Return the first mailbox that the mail was sent to, the first of all when a reload removed that one."""
    boxes = (policy.mailbox_for(address) for address in envelope.recipients)
    return next((box for box in boxes if box), None) or next(iter(policy.mailboxes.values()))


def circumstances(mail: InboundMail, customer_history: CustomerHistory) -> CustomerHistory:
    """Return the history with what this mail says of its sender: it is recorded with the routing."""
    return replace(
        customer_history,
        authentication=mail.authentication,
        author=mail.author,
        machine_may_answer=not mail.no_auto_reply,
    )


def routing_facts(
    mail: InboundMail,
    envelope_sender: str,
    mailbox: str,
    policy: Policy,
    at: datetime,
    customer_history: CustomerHistory,
) -> conditions.RoutingFacts:
    """Collect what the rules test: of a mail that comes, that is tried, or that came long ago.

    `mailbox`: our address that it was sent to. `at`: when it was or is routed.
    """
    calendar = next(iter(policy.calendars.values()))
    return conditions.RoutingFacts(
        subject=mail.subject,
        text=mail.visible or mail.text,
        sender=mail.sender or envelope_sender,
        mailbox=mailbox,
        language=mail.language,
        attachment_names=tuple(attachment.name for attachment in mail.attachments),
        attachment_types=tuple(attachment.type for attachment in mail.attachments),
        size=mail.size,
        local_time=local(calendar, at),
        sender_name=mail.sender_name,
        headers=mail.headers,
        customer_history=customer_history,
    )


def _routed(
    mail: InboundMail,
    envelope: Envelope,
    box: Mailbox,
    allowed: Permission,
    customer_history: CustomerHistory,
    policy: Policy,
    now: datetime,
) -> tuple[e.TicketRouted, Reason]:
    """Return the routing, and why the ticket comes to its team, in words."""
    facts = routing_facts(mail, envelope.sender, box.address, policy, now, customer_history)
    found = classify(policy, facts)
    extra = []
    if mail.author is not Author.PERSON:
        extra.append(notify.AUTOMATIC)
    elif allowed.refused and allowed.refused.code != "not_authenticated":
        extra.append(notify.UNANSWERED)
    if box.unauthenticated == "none" and not is_proven_author(mail, policy):
        extra.append(notify.UNAUTHENTICATED)
    return routing_event(found, policy, now, extra, customer_history), why_here(found, facts, policy)


def _acknowledge(
    builder: DecisionBuilder,
    envelope: Envelope,
    mail: InboundMail,
    box: Mailbox,
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
    subject = mail.subject if box.rich_acknowledgements and is_proven else ""
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


def _keep_automatic(
    ticket: Ticket, mail: InboundMail, facts: MailFacts, policy: Policy, now: datetime
) -> MailDecision:
    builder = DecisionBuilder(ticket)
    builder.record(e.AutomaticMailReceived(now, CUSTOMER, mail.message_id, mail.author_reason))
    effects = undeliverable.NOTHING
    if mail.report:
        effects = undeliverable.on_report(builder, mail.report, facts.returned, policy, now)
    return MailDecision(builder.decision(), Direction.IN, effects=effects)


def _is_only_thanks(ticket: Ticket, mail: InboundMail, policy: Policy) -> bool:
    """Check for thanks alone; a mail with attachments, or not read whole, may hold more than its text."""
    if mail.attachments or mail.flags:
        return False
    agent, box = policy.agents.get(ticket.assignee or ""), policy.mailbox_for(ticket.mailbox)
    names = (mail.sender_name, agent.name if agent else "", box.brand if box else "")
    return is_thanks(mail.visible, " ".join(names))


def _customer_wrote(
    ticket: Ticket, mail: InboundMail, facts: MailFacts, policy: Policy, now: datetime
) -> MailDecision:
    def reopened(builder: DecisionBuilder) -> Reason:
        known = replace(
            circumstances(mail, facts.customer_history),
            reopened=True,
            escalated_before=facts.customer_history.escalated_before or ticket.escalated > 0,
        )
        asked = routing_facts(mail, ticket.customer, ticket.mailbox, policy, now, known)
        return on_reopening(builder, asked, policy, now)

    builder = DecisionBuilder(ticket, loads=facts.loads)
    if facts.rating:
        record_rating(builder, facts.rating, policy, now)
    filing.release_where_filed(builder, POLICY, policy, now)
    language = new_language(ticket, mail, policy)
    wrote = e.CustomerWrote(now, CUSTOMER, mail.message_id, facts.match.reason, language)
    rerouted = record_customer_mail(builder, wrote, policy, reopened)
    _take_details(builder, mail, policy, now)
    record_named(builder, mail, facts.roles, policy, now, senders_checked=facts.senders_checked)
    why = NoticeKind.UNCONFIRMED if ticket.held_for else NoticeKind.CUSTOMER_WROTE
    author = _other_author(ticket, mail, facts.roles, policy)
    because = reasons.together(unproven_change(mail), facts.match.reason, author, rerouted)
    notify.notify_team(builder, policy, now, why, because, mail.visible)
    return MailDecision(builder.decision(), Direction.IN)


def _other_author(ticket: Ticket, mail: InboundMail, roles: Roles, policy: Policy) -> Reason:
    author, box = passed_on_for(mail, policy) or mail.sender, policy.mailbox_for(ticket.mailbox)
    if owner(author) in (owner(ticket.customer), owner(ticket.answers_to)):
        return other_sender(mail, author, policy) if author != mail.sender else NO_REASON
    if not author:
        return reasons.of("unclear_author", customer=ticket.answers_to)
    copied = box and box.copies and roles.get(author) is Role.PARTICIPANT
    code = "other_author_copied" if copied else "other_author"
    return reasons.of(code, sender=author, customer=ticket.answers_to)


def _take_details(builder: DecisionBuilder, mail: InboundMail, policy: Policy, now: datetime) -> None:
    """Record the details that the ticket lacked and this mail names, mostly because we asked.

    The subject is left out, because it holds our number, and so is quoted text.
    """
    ticket = builder.ticket
    lacking = {name: each for name, each in policy.details.items() if name not in dict(ticket.details)}
    if not any(each.pattern for each in lacking.values()):
        return
    asked = routing_facts(mail, ticket.customer, ticket.mailbox, policy, now, NO_HISTORY)
    given = conditions.find_details(lacking, replace(asked, subject="", text=mail.visible))
    if given:
        builder.record(e.DetailsReceived(now, CUSTOMER, tuple(sorted(given.items()))))


def record_customer_mail(
    builder: DecisionBuilder,
    wrote: e.CustomerWrote,
    policy: Policy,
    reopened: Callable[[DecisionBuilder], Reason],
) -> Reason:
    """Record a customer's mail: it is our turn, and the ticket has an owner.

    Return what `reopened` returns where the ticket was closed, else no reason.
    """
    now, was_closed = wrote.at, builder.ticket.status is Status.CLOSED
    if was_closed:
        builder.record(e.TicketReopened(now, CUSTOMER))
    builder.record(wrote)
    rerouted = reopened(builder) if was_closed else NO_REASON
    builder.record(clocks_set(builder.ticket, policy, now))
    ownership.ensure_owner(builder, policy, now)
    return rerouted


def on_deadline(
    ticket: Ticket, policy: Policy, now: datetime, suppressed: Reason = NO_REASON, loads: Loads = NO_LOADS
) -> Decision:
    """Take every step that is due by `now`, in the order in which they fell due.

    `suppressed`: why the customer gets no automatic mail. It ends: each step comes once in a run of its
    clock, and what is repeated comes after `now`.
    """
    builder = DecisionBuilder(ticket, loads=loads)
    newest, moment = 0, None
    while (due := ladder.next_deadline(builder.ticket, policy, now)) and due.due_at <= now:
        if due.due_at != moment:
            newest, moment = len(builder.events), due.due_at
        ownership.ensure_owner(builder, policy, now)
        steps.take_step(builder, due, policy, now, suppressed)
    return catch_up.merge_mails(ticket, builder.decision(), policy, newest)
