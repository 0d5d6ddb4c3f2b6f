"""What a mail, a command or a deadline leads to: (ticket, stimulus, facts, policy, now) -> Decision."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import ladder, notify
from mailbot.domain.assignment import NO_LOADS, Loads
from mailbot.domain.classify import classify, routed
from mailbot.domain.courtesy import is_thanks
from mailbot.domain.escalation import catch_up, level_questions, ownership, steps
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.lifecycle import opened as opened_by
from mailbot.domain.matching import Verdict
from mailbot.domain.model import NO_HISTORY, OVER, CustomerHistory, Envelope, InboundMail, Status, Ticket
from mailbot.domain.notices import Acknowledgement, AgentRefusal, Answer
from mailbot.domain.policy import Agent, Mailbox, Policy
from mailbot.domain.replies import undeliverable
from mailbot.domain.replies.auto_reply import NOT_AUTHENTICATED, Permission, authenticated, permission
from mailbot.domain.reroute import on_reopening
from mailbot.domain.routing import conditions
from mailbot.domain.states import Direction
from mailbot.domain.worktime import local


@dataclass(frozen=True, slots=True)
class MailFacts:
    """What the decision needs to know besides the mail, loaded in the transaction that records it.

    `number` is fresh, for a ticket that may be opened. `proof` says how an agent's mail showed that it is
    the agent's ("" when it did not). `meant` is the customer of the ticket that the mail named, which may
    have been merged since; `held_for` the ticket that a stranger named, where the mailbox holds strangers'
    mail. `language` is what this customer last wrote in. `returned` is the mail of ours that a report is
    proven to be about, `mutes` which of the addresses concerned get no automatic mail. `customer_history` is
    what the rules may ask of the customer, as the store knows it; `loads` what agents have in hand.
    """

    number: str
    verdict: Verdict
    proof: str = ""
    meant: str = ""
    held_for: Ticket | None = None
    language: str = ""
    allowances: Mapping[str, datetime] = field(default_factory=dict)
    returned: undeliverable.Sent | None = None
    mutes: undeliverable.Mutes = field(default_factory=dict)
    customer_history: CustomerHistory = NO_HISTORY
    loads: Loads = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MailDecision:
    """`direction` is how the mail is filed on the ticket (in, out, note); `spent` what answering used up.

    `effects` is what a report leads to, `lifted` holds addresses that were muted and are alive.
    """

    decision: Decision
    direction: Direction
    spent: Mapping[str, datetime] = field(default_factory=dict)
    effects: undeliverable.Effects = undeliverable.NOTHING
    lifted: frozenset[str] = frozenset()


def on_mail(
    ticket: Ticket | None,
    mail: InboundMail,
    envelope: Envelope,
    facts: MailFacts,
    policy: Policy,
    now: datetime,
) -> MailDecision:
    """Where an inbound mail leads. `ticket` is the one that `facts.verdict` names, None for a new matter."""
    alive = (
        undeliverable.lifted(facts.mutes, mail, envelope, facts.verdict, now) if facts.mutes else frozenset()
    )
    if alive:
        facts = replace(facts, mutes={a: mute for a, mute in facts.mutes.items() if a not in alive})
    return replace(_on_mail(ticket, mail, envelope, facts, policy, now), lifted=alive)


def _on_mail(
    ticket: Ticket | None,
    mail: InboundMail,
    envelope: Envelope,
    facts: MailFacts,
    policy: Policy,
    now: datetime,
) -> MailDecision:
    agent = policy.agents.get(mail.sender)
    if ticket is None:
        return _open(mail, envelope, facts, policy, now)
    if mail.automatic or not envelope.sender:
        return _keep_automatic(ticket, mail, facts, policy, now)
    if agent and facts.verdict.tagged:
        return _agent_wrote(ticket, agent, mail, facts, policy, now)
    if _is_only_thanks(ticket, mail, policy):
        return _keep_thanks(ticket, mail, now)
    box = policy.mailbox_for(ticket.mailbox)
    if ticket.closed_at and box and now - ticket.closed_at > box.reopen_within:
        return _open(mail, envelope, facts, policy, now, follows=ticket.number)
    return _customer_wrote(ticket, mail, facts, policy, now)


def _open(
    mail: InboundMail,
    envelope: Envelope,
    facts: MailFacts,
    policy: Policy,
    now: datetime,
    follows: str = "",
) -> MailDecision:
    box = mailbox_of(envelope, policy)
    by = "customer"
    first = e.TicketOpened(
        at=now,
        by=by,
        mailbox=box.address,
        customer=customer_of(mail, envelope),
        subject=mail.subject,
        language=mail.language or facts.language or box.language,
        message_id=mail.message_id,
        follows=follows,
        claims=facts.verdict.claims,
        suggests=facts.verdict.suggests,
        held_for=facts.held_for.number if facts.held_for else "",
    )
    builder = DecisionBuilder(opened_by(facts.number, first), first, loads=facts.loads)
    allowed = permission(mail, envelope, box, policy, facts.allowances, now)
    again = bool(follows) or facts.customer_history.reopened  # the latter is assumed, in a dry run
    known = replace(facts.customer_history, authentication=mail.authentication, reopened=again)
    builder.record(_routed(mail, envelope, box, allowed, known, policy, now))
    held = facts.held_for
    begin(builder, policy, now, *((held.assignee or "", f"has {held.number}") if held else ()))
    mute = facts.mutes.get(envelope.sender.lower())
    if mute and not allowed.refused:
        allowed = Permission(undeliverable.refusal(mute), {})
    _acknowledge(builder, envelope, mail, box, allowed, policy, now)
    why = "unconfirmed" if facts.held_for else "new"
    said = _remarks(first, builder.ticket.rule, facts.mutes.get(builder.ticket.customer.lower()))
    notify.team(builder, policy, now, why, said, mail.visible)
    effects = undeliverable.NOTHING
    if mail.report and facts.returned and not facts.returned.ticket:
        effects = undeliverable.on_stray_report(mail.report, facts.returned)
    return MailDecision(builder.decision(), Direction.IN, allowed.spent, effects)


def begin(
    builder: DecisionBuilder, policy: Policy, now: datetime, holder: str = "", because: str = ""
) -> None:
    """A ticket that was just routed gets clocks and an owner: `holder`, where that is somebody of ours."""
    if holder in policy.agents:
        builder.record(e.TicketAssigned(now, "policy", holder, because))
    else:
        ownership.give(builder, policy, now, "policy")
    builder.record(_clocks(builder.ticket, policy, now))


def _remarks(opened: e.TicketOpened, rule: str, mute: undeliverable.Mute | None) -> str:
    """For the agent: what the mail names beside its own matter, without authority."""
    said = [f"rule {rule!r}"]
    if opened.follows:
        said.append(f"goes on from {opened.follows}, which is closed")
    if opened.claims:
        said.append(f"claims to be about {opened.claims} without proof")
    if opened.suggests:
        said.append(f"names a number with a wrong digit, perhaps the sender's own {opened.suggests}")
    if mute:
        said.append(f"earlier mail to the {undeliverable.refusal(mute)}")
    return "; ".join(said)


def customer_of(mail: InboundMail, envelope: Envelope) -> str:
    """Whose ticket it is when the mail opens one."""
    return mail.sender or envelope.sender


def mailbox_of(envelope: Envelope, policy: Policy) -> Mailbox:
    """The first mailbox that the mail was sent to; the first of all when a reload took that one away."""
    boxes = (policy.mailbox_for(address) for address in envelope.recipients)
    return next((box for box in boxes if box), None) or next(iter(policy.mailboxes.values()))


def routing_facts(
    mail: InboundMail,
    envelope_sender: str,
    mailbox: str,
    policy: Policy,
    at: datetime,
    customer_history: CustomerHistory,
) -> conditions.RoutingFacts:
    """What the rules are asked about a mail: one that comes, one that is tried, one that came long ago.

    `mailbox` is the address of ours it was sent to, `at` when it was or is routed.
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
) -> e.TicketRouted:
    found = classify(policy, routing_facts(mail, envelope.sender, box.address, policy, now, customer_history))
    extra = []
    if mail.automatic or not envelope.sender:
        extra.append(notify.AUTOMATIC)
    elif allowed.refused not in ("", NOT_AUTHENTICATED):
        extra.append(notify.UNANSWERED)
    if box.unauthenticated == "none" and not authenticated(mail, envelope):
        extra.append(notify.UNAUTHENTICATED)
    return routed(found, policy, now, extra, customer_history)


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
        builder.record(e.AcknowledgementSuppressed(now, "policy", allowed.refused))
        return
    ticket = builder.ticket
    routed = next(event for event in builder.events if isinstance(event, e.TicketRouted))
    builder.record(e.AcknowledgementEnqueued(now, "policy"))
    subject = mail.subject if box.rich_acknowledgements and authenticated(mail, envelope) else ""
    builder.notify(
        Acknowledgement(
            ticket.number,
            ticket.mailbox,
            envelope.sender,
            ticket.language,
            mail.message_id,
            subject,
            needed=tuple(policy.details[name].labels for name in routed.ask_for if name in policy.details),
            template=routed.template,
        )
    )


def _keep_automatic(
    ticket: Ticket, mail: InboundMail, facts: MailFacts, policy: Policy, now: datetime
) -> MailDecision:
    builder = DecisionBuilder(ticket)
    reason = mail.automatic or "null sender"
    builder.record(e.AutomaticMailReceived(now, "customer", mail.message_id, reason))
    effects = undeliverable.NOTHING
    if mail.report:
        effects = undeliverable.on_report(builder, mail.report, facts.returned, policy, now)
    return MailDecision(builder.decision(), Direction.IN, effects=effects)


def _is_only_thanks(ticket: Ticket, mail: InboundMail, policy: Policy) -> bool:
    """What came with attachments, or could not be read whole, may say more than its text."""
    if mail.attachments or mail.flags:
        return False
    agent, box = policy.agents.get(ticket.assignee or ""), policy.mailbox_for(ticket.mailbox)
    names = (mail.sender_name, agent.name if agent else "", box.brand if box else "")
    return is_thanks(mail.visible, " ".join(names))


def _keep_thanks(ticket: Ticket, mail: InboundMail, now: datetime) -> MailDecision:
    builder = DecisionBuilder(ticket)
    builder.record(e.ThanksReceived(now, "customer", mail.message_id))
    return MailDecision(builder.decision(), Direction.IN)


def _customer_wrote(
    ticket: Ticket, mail: InboundMail, facts: MailFacts, policy: Policy, now: datetime
) -> MailDecision:
    def reopened(builder: DecisionBuilder) -> str:
        known = replace(
            facts.customer_history,
            authentication=mail.authentication,
            reopened=True,
            escalated_before=facts.customer_history.escalated_before or ticket.escalated > 0,
        )
        asked = routing_facts(mail, ticket.customer, ticket.mailbox, policy, now, known)
        return on_reopening(builder, asked, policy, now)

    builder = DecisionBuilder(ticket, loads=facts.loads)
    because = facts.verdict.because
    anew = customer_turned(builder, mail.message_id, because, policy, now, reopened)
    _take_details(builder, mail, policy, now)
    if mail.sender != ticket.customer:
        because += f"; written by {mail.sender or 'an unclear sender'}, answers go to {ticket.customer}"
    because += f"; {anew}" if anew else ""
    why = "unconfirmed" if ticket.held_for else "customer_wrote"
    notify.team(builder, policy, now, why, because, mail.visible)
    return MailDecision(builder.decision(), Direction.IN)


def _take_details(builder: DecisionBuilder, mail: InboundMail, policy: Policy, now: datetime) -> None:
    """What the ticket lacked and this mail names, most often because we asked. Not looked for in the subject,
    which holds our number, nor in what is quoted."""
    ticket = builder.ticket
    lacking = {name: each for name, each in policy.details.items() if name not in dict(ticket.details)}
    if not any(each.pattern for each in lacking.values()):
        return
    asked = routing_facts(mail, ticket.customer, ticket.mailbox, policy, now, NO_HISTORY)
    given = conditions.find_details(lacking, replace(asked, subject="", text=mail.visible))
    if given:
        builder.record(e.DetailsReceived(now, "customer", tuple(sorted(given.items()))))


def customer_turned(
    builder: DecisionBuilder,
    message_id: str,
    because: str,
    policy: Policy,
    now: datetime,
    reopened: Callable[[DecisionBuilder], str],
) -> str:
    """What a customer's mail does to the ticket: the turn is ours, somebody has it. `reopened` is asked where
    it was closed; what that says, else ""."""
    was_closed, anew = builder.ticket.status is Status.CLOSED, ""
    if was_closed:
        builder.record(e.TicketReopened(now, "customer"))
    builder.record(e.CustomerWrote(now, "customer", message_id, because))
    if was_closed:
        anew = reopened(builder)
    builder.record(_clocks(builder.ticket, policy, now))
    ownership.ensure(builder, policy, now)
    return anew


def _agent_wrote(
    ticket: Ticket, agent: Agent, mail: InboundMail, facts: MailFacts, policy: Policy, now: datetime
) -> MailDecision:
    builder = DecisionBuilder(ticket)
    by = f"agent:{agent.address}"
    refusal = "" if facts.proof else "the mail could not be shown to come from you"
    if not refusal and facts.meant not in ("", ticket.customer):
        # It was written for somebody else's eyes: the customer of the ticket that was merged.
        refusal = (
            f"{' and '.join(facts.verdict.followed)} was merged into {ticket.number} of another customer"
        )
    if not refusal and not mail.visible.strip():
        refusal = "no text was found above the line"
    if refusal:
        builder.record(e.AgentMailHeld(now, by, agent.address, refusal))
        builder.notify(AgentRefusal(ticket.number, ticket.mailbox, agent.address, _language(agent), refusal))
        return MailDecision(builder.decision(), Direction.NOTE)
    agent_turned(builder, agent.address, policy, now)
    builder.notify(
        Answer(
            ticket.number,
            ticket.mailbox,
            ticket.customer,
            ticket.language,
            ticket.last_message_id,
            agent.name,
            mail.visible,
            mail.attachments,
        )
    )
    return MailDecision(builder.decision(), Direction.OUT)


def agent_turned(builder: DecisionBuilder, agent: str, policy: Policy, now: datetime) -> None:
    """What an agent's answer does to the ticket: the turn is the customer's, who answers has it."""
    by = f"agent:{agent}"
    builder.record(e.AgentAnswered(now, by, agent))
    if builder.ticket.assignee != agent:
        builder.record(e.TicketAssigned(now, by, agent, "answered it"))
    builder.record(_clocks(builder.ticket, policy, now))


def _language(agent: Agent) -> str:
    return agent.languages[0] if agent.languages else "en"


def _clocks(ticket: Ticket, policy: Policy, now: datetime) -> e.ClocksSet:
    mine = ladder.ladder_of(ticket, policy)
    return e.ClocksSet(
        now, "policy", ladder.clocks_for(ticket, mine, ladder.calendar_of(ticket, policy), now)
    )


def on_deadline(
    ticket: Ticket,
    policy: Policy,
    now: datetime,
    mute: undeliverable.Mute | None = None,
    loads: Loads = NO_LOADS,
) -> Decision:
    """Takes every step that is due by `now`, in the order in which they fell due. `mute`: the customer's.

    It ends: each step comes once in a run of its clock, and what comes again comes after `now`.
    """
    builder = DecisionBuilder(ticket, loads=loads)
    newest, moment = 0, None
    while (due := ladder.next_deadline(builder.ticket, policy)) and due.due_at <= now:
        if due.due_at != moment:
            newest, moment = len(builder.events), due.due_at
        ownership.ensure(builder, policy, now)
        steps.take(builder, due, policy, now, undeliverable.refusal(mute))
    return catch_up.said_once(ticket, builder.decision(), policy, newest)


def on_command(
    ticket: Ticket, command: c.Command, by: str, policy: Policy, now: datetime, loads: Loads = NO_LOADS
) -> Decision | str:
    """What a person's command leads to, or why it can't be done."""
    builder = DecisionBuilder(ticket, loads=loads)
    match command:
        case c.AddNote(text):
            builder.record(e.NoteAdded(now, by, text))
        case c.Close(because):
            if ticket.status in OVER:
                return f"{ticket.number} is {ticket.status} already"
            builder.record(e.TicketClosed(now, by, because))
            builder.record(_clocks(builder.ticket, policy, now))
        case c.Assign(address):
            agent = policy.agents.get(address)
            if ticket.merged_into:
                return f"{ticket.number} was merged into {ticket.merged_into}"
            if agent is None:
                return f"{address} is no agent of any team"
            builder.record(e.TicketAssigned(now, by, agent.address, f"by {by}"))
            steps.confirm(builder, now)
            notify.team(builder, policy, now, "assigned", f"by {by}", "")
        case c.Escalate(level, because):
            refusal = steps.escalate_by_hand(builder, level, because or f"by {by}", by, policy, now)
            if refusal:
                return refusal
        case c.Decide(option, because):
            refusal = level_questions.decide(builder, option, because, by, policy, now)
            if refusal:
                return refusal
        case c.Reject():
            if not ticket.held_for or ticket.merged_into:
                return f"{ticket.number} is not held"
            builder.record(e.TicketReleased(now, by))
            builder.record(_clocks(builder.ticket, policy, now))
            notify.team(builder, policy, now, "new", f"not about {ticket.held_for}, by {by}", "")
    return builder.decision()
