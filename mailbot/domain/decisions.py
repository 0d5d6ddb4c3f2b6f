"""Decisions about mails, deadlines and commands: (ticket, stimulus, facts, policy, now) -> Decision.

Theory of operation. Pure functions of values: the caller loads the facts and records the Decision in one
transaction. `on_mail` opens a ticket or adds the mail to one. `on_deadline` takes the due steps of the
ladder. What a person wants is carried out in `commands.carry_out`. All use a `DecisionBuilder`, which folds
each event into the ticket at once.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from mailbot.domain import events as e
from mailbot.domain import filing, ladder, notify, reasons
from mailbot.domain.actor import CUSTOMER, POLICY
from mailbot.domain.assignment import NO_LOADS, Loads
from mailbot.domain.closing.survey import record_rating
from mailbot.domain.escalation import catch_up, ownership, steps
from mailbot.domain.lifecycle import Decision, DecisionBuilder, clocks_set
from mailbot.domain.model import (
    NO_HISTORY,
    Author,
    Direction,
    Envelope,
    InboundMail,
    NoticeKind,
    Role,
    Status,
    Ticket,
)
from mailbot.domain.opening import open_ticket
from mailbot.domain.people.customer import other_sender, passed_on_for
from mailbot.domain.people.identities import MAIL
from mailbot.domain.people.linking import follow_customer, is_customers, new_language
from mailbot.domain.people.participants import Roles, record_named
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.replies import undeliverable
from mailbot.domain.replies.agent_wrote import agent_wrote
from mailbot.domain.replies.courtesy import is_thanks
from mailbot.domain.replies.mail_facts import MailDecision, MailFacts
from mailbot.domain.replies.status_answer import Asking, answer_status
from mailbot.domain.replies.without_token import acting_agent
from mailbot.domain.reroute import on_more_words, on_reopening
from mailbot.domain.routing import conditions
from mailbot.domain.routing.account_change import unproven_change
from mailbot.domain.routing.routing_facts import circumstances, routing_facts

# How long a notice waits for what else the customer writes: in a chat people write a thought in several messages.
MORE_COMES = timedelta(seconds=30)


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
        return open_ticket(mail, envelope, facts, policy, now)
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
        return open_ticket(mail, envelope, facts, policy, now, follows=ticket.number)
    return _customer_wrote(ticket, mail, facts, policy, now)


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
    def route_again(builder: DecisionBuilder) -> Reason:
        known = circumstances(mail, facts.customer_history)
        if ticket.status is Status.CLOSED:
            escalated = known.escalated_before or ticket.escalated > 0
            known = replace(known, reopened=True, escalated_before=escalated)
            asked = routing_facts(mail, ticket.customer, ticket.mailbox, policy, now, known)
            return on_reopening(builder, asked, policy, now)
        if not facts.is_untouched:
            return NO_REASON
        asked = routing_facts(mail, ticket.customer, ticket.mailbox, policy, now, known)
        return on_more_words(builder, asked, policy, now)

    builder = DecisionBuilder(ticket, loads=facts.loads)
    if facts.rating:
        record_rating(builder, facts.rating, policy, now)
    filing.release_where_filed(builder, POLICY, policy, now)
    author = passed_on_for(mail, policy) or mail.sender
    language = new_language(ticket, mail, policy, facts.roles)
    wrote = e.CustomerWrote(now, CUSTOMER, mail.message_id, facts.match.reason, language)
    rerouted = record_customer_mail(builder, wrote, policy, route_again)
    moved = follow_customer(builder, author, mail, facts.roles, policy, now)
    _take_details(builder, mail, policy, now)
    record_named(builder, mail, facts.roles, policy, now, senders_checked=facts.senders_checked)
    why = NoticeKind.UNCONFIRMED if ticket.held_for else NoticeKind.CUSTOMER_WROTE
    other = _other_author(ticket, mail, facts.roles, policy)
    because = reasons.together(unproven_change(mail), facts.match.reason, other, moved, rerouted)
    if mail.channel != MAIL and builder.ticket.priority != conditions.URGENT:
        builder.hold_until = now + MORE_COMES
    notify.notify_team(builder, policy, now, why, because, mail.visible)
    return MailDecision(builder.decision(), Direction.IN)


def _other_author(ticket: Ticket, mail: InboundMail, roles: Roles, policy: Policy) -> Reason:
    author, box = passed_on_for(mail, policy) or mail.sender, policy.mailbox_for(ticket.mailbox)
    if is_customers(author, ticket, roles):
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
    route_again: Callable[[DecisionBuilder], Reason],
) -> Reason:
    """Record a customer's mail: it is our turn, and the ticket has an owner. Return what `route_again` does."""
    now = wrote.at
    if builder.ticket.status is Status.CLOSED:
        builder.record(e.TicketReopened(now, CUSTOMER))
    builder.record(wrote)
    rerouted = route_again(builder)
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
