"""An agent's answer to the customer: what it records, and the mail with its place in the conversation."""

from collections.abc import Mapping
from datetime import datetime

import re2

from mailbot.domain import events as e
from mailbot.domain import filing, notify, reasons
from mailbot.domain.actor import Actor, ActorKind
from mailbot.domain.lifecycle import Decision, DecisionBuilder, clocks_set
from mailbot.domain.model import Attachment, Ticket
from mailbot.domain.notices import Answer
from mailbot.domain.people.copies import with_copies
from mailbot.domain.people.customer import why_unreachable
from mailbot.domain.people.participants import Roles
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import Refusal
from mailbot.domain.replies.undeliverable import Suppressions

_SUBJECT_LIMIT = 1_000
_REPLY_PREFIX = re2.compile(
    r"(?i)(?:re|aw|antw|sv|vs|odp|bls|balasan|balas|res|回复|回覆|答复|返信)\s?(?:\[[0-9]{1,3}\])?\s?[:：]\s*"
)
_PREFIXES = 6
_NUMBERS = re2.compile(r"\[[A-Z]{2,10}-[0-9]{8,12}-[0-9]\]")


def record_agent_answer(builder: DecisionBuilder, agent: str, policy: Policy, now: datetime) -> None:
    """Record an agent's answer: the turn is the customer's, and the ticket is that agent's."""
    by = Actor.agent(agent)
    builder.record(e.AgentAnswered(now, by, agent))
    if builder.ticket.assignee != agent:
        builder.record(e.TicketAssigned(now, by, agent, reasons.of("answered")))
    builder.record(clocks_set(builder.ticket, policy, now))


def on_answer(
    ticket: Ticket,
    text: str,
    by: Actor,
    references: tuple[str, ...],
    roles: Roles,
    suppressions: Suppressions,
    policy: Policy,
    now: datetime,
) -> Decision | Refusal:
    """Decide about an answer that was given by a command, in an agent's name."""
    agent = policy.agents.get(by.name) if by.kind is ActorKind.AGENT else None
    if ticket.merged_into:
        return reasons.refuse("ticket_merged_into", ticket=ticket.number, into=ticket.merged_into)
    if refusal := filing.why_refused(ticket):
        return refusal
    if agent is None:
        return reasons.refuse("answer_needs_agent")
    if unreachable := why_unreachable(ticket.answers_to):
        return Refusal(unreachable)
    builder = DecisionBuilder(ticket)
    record_agent_answer(builder, agent.address, policy, now)
    mail = answer(ticket, agent, text, policy, references)
    builder.notify(*with_copies(mail, roles, policy, suppressions))
    return builder.decision()


def answer(
    ticket: Ticket,
    agent: Agent,
    text: str,
    policy: Policy,
    references: tuple[str, ...],
    attachments: tuple[Attachment, ...] = (),
) -> Answer:
    """Return the answer to the customer, with its place in the conversation and its signature."""
    box = policy.mailbox_for(ticket.mailbox)
    signatures = (agent.signature, box.signature if box else {})
    signature = next((found for each in signatures if (found := _in_language(each, ticket.language))), "")
    return Answer(
        *notify.to_customer(ticket),
        agent_name=agent.name,
        text=text,
        attachments=attachments,
        references=references,
        subject=base_subject(ticket.subject),
        signature=signature,
    )


def _in_language(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or next(iter(texts.values()), "")


def base_subject(subject: str) -> str:
    """Return a subject without our numbers and without "Re:" in front, however often it is there."""
    subject = " ".join(_NUMBERS.sub(" ", subject[:_SUBJECT_LIMIT]).split())
    for _ in range(_PREFIXES):
        if not (found := _REPLY_PREFIX.match(subject)):
            break
        subject = subject[found.end() :]
    return subject
