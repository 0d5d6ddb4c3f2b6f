"""One complaint and its incident: join it, leave it, be answered with it."""

from datetime import datetime, timedelta

from mailbot.domain import events as e
from mailbot.domain import notify, reasons
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.closing.causes import find_cause
from mailbot.domain.closing.close import close
from mailbot.domain.escalation import ownership
from mailbot.domain.incidents.window import NO_STORM, Complaint, Storm, Storms
from mailbot.domain.incidents.words import significant_words
from mailbot.domain.lifecycle import Decision, DecisionBuilder, clocks_set
from mailbot.domain.model import OVER, InboundMail, NoticeKind, Ticket, Turn
from mailbot.domain.notices import Answer
from mailbot.domain.people.addresses import owner
from mailbot.domain.policy import Agent, Mailbox, Policy
from mailbot.domain.reasons import Reason, Refusal
from mailbot.domain.replies import agent_answer
from mailbot.domain.routing.conditions import URGENT

HOLD = timedelta(minutes=1)  # how long a notice waits while similar complaints come
TEMPLATE = "incident"  # the variant of the acknowledgement


def complaint_of(ticket: Ticket, mail: InboundMail, words: frozenset[str] | None = None) -> Complaint | None:
    """Return the ticket that a mail opened as a complaint; None where nothing may fold it away.

    What is urgent, or a matter of fraud or law by its urgency, always has its own agent. `words`: the significant
    ones of the mail, where they are known already.
    """
    if not may_be_folded(ticket.priority, ticket.urgency, ticket.tags):
        return None
    if words is None:
        words = significant_words(mail.subject, mail.visible or mail.text)
    person = owner(ticket.customer)
    return Complaint(ticket.number, ticket.mailbox, ticket.category, person, ticket.opened_at, words)


def may_be_folded(priority: str, urgency: str, tags: tuple[str, ...]) -> bool:
    return priority != URGENT and urgency != "critical" and notify.AUTOMATIC not in tags


def look(complaint: Complaint | None, box: Mailbox, storms: Storms) -> Storm:
    """Return what a new complaint belongs to, as far as this node knows."""
    return storms.look(complaint, box.incident.after) if complaint and box.incident else NO_STORM


def join(builder: DecisionBuilder, incident: str, policy: Policy, now: datetime) -> None:
    """Make the ticket a complaint of the incident: its promises run on, its people hear of the incident alone."""
    builder.record(e.IncidentJoined(now, POLICY, incident, reasons.of("similar_complaint")))
    builder.record(clocks_set(builder.ticket, policy, now))


def hold_notices(builder: DecisionBuilder, now: datetime) -> None:
    """Let the notices to agents wait for a moment: a page may come in their place."""
    builder.hold_until = now + HOLD


def may_join(ticket: Ticket) -> bool:
    """Check for an open ticket of its own on which nobody has answered."""
    return (
        ticket.status not in OVER
        and ticket.turn is Turn.OURS
        and ticket.first_response_at is None
        and ticket.incident is None
        and not ticket.held_for
        and may_be_folded(ticket.priority, ticket.urgency, ticket.tags)
    )


def joined(ticket: Ticket, incident: str, policy: Policy, now: datetime) -> Decision:
    """Decide that an earlier ticket is a complaint of the incident."""
    builder = DecisionBuilder(ticket)
    join(builder, incident, policy, now)
    return builder.decision()


def leave(builder: DecisionBuilder, by: Actor, policy: Policy, now: datetime) -> Refusal | None:
    """Make a complaint a matter of its own again, with an owner who is notified."""
    ticket = builder.ticket
    if not ticket.is_complaint:
        return reasons.refuse("not_in_incident", ticket=ticket.number)
    builder.record(e.IncidentJoined(now, by, None, reasons.of("by_actor", actor=str(by))))
    if ticket.status in OVER:
        return None
    builder.record(clocks_set(builder.ticket, policy, now))
    if ticket.assignee not in policy.agents:
        ownership.assign_owner(builder, policy, now, POLICY)
    because = reasons.of("left_incident", incident=ticket.incident or "", actor=str(by))
    notify.notify_team(builder, policy, now, NoticeKind.NEW, because)
    return None


def answered(
    ticket: Ticket,
    incident: Ticket,
    resolved: e.IncidentResolved,
    references: tuple[str, ...],
    policy: Policy,
    now: datetime,
    not_sent: Reason,
) -> Decision:
    """Answer a complaint with the text that resolved its incident, and close it.

    `not_sent`: why this customer gets no mail, no reason when one goes out.
    """
    builder, because = DecisionBuilder(ticket), reasons.of("incident_resolved", incident=incident.number)
    cause = incident.cause if find_cause(incident.cause, policy) else ""
    text: Answer | None = None
    if not not_sent and notify.gets_progress(ticket):
        agent = _author(incident, resolved, policy)
        builder.record(e.AgentAnswered(now, resolved.by, agent.address, Turn.CUSTOMER, because))
        text = agent_answer.answer(ticket, agent, resolved.text, policy, references)
    close(builder, cause, text, because, resolved.by, policy, now, not_sent)
    return builder.decision()


def _author(incident: Ticket, resolved: e.IncidentResolved, policy: Policy) -> Agent:
    """Return the agent who resolved it, else who had it; without a name where neither is here any more."""
    known = policy.agents
    return (
        known.get(resolved.by.name) or known.get(incident.assignee or "") or Agent("", resolved.by.name, "")
    )
