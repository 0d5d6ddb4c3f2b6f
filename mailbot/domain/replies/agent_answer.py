"""An agent's answer to the customer: what it records, whose turn it is then, and the mail with its place in the
conversation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from mailbot.domain import events as e
from mailbot.domain import notify, reasons
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import DecisionBuilder, clocks_set
from mailbot.domain.model import Attachment, Ticket, Turn
from mailbot.domain.notices import Answer
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.replies.questions import asked_label, question_in
from mailbot.domain.replies.subjects import base_subject

_ASKED_LIMIT = 120  # characters of a question that a reason names


@dataclass(frozen=True, slots=True)
class Next:
    """Who has to act after an answer, and why."""

    turn: Turn
    reason: Reason = NO_REASON


WAITS = Next(Turn.CUSTOMER)  # as answers of old stores left it


def record_agent_answer(
    builder: DecisionBuilder, agent: str, after: Next, policy: Policy, now: datetime
) -> None:
    """Record an agent's answer: whose turn it is then, and that the ticket is that agent's."""
    by = Actor.agent(agent)
    builder.record(e.AgentAnswered(now, by, agent, after.turn, after.reason))
    if builder.ticket.assignee != agent:
        builder.record(e.TicketAssigned(now, by, agent, reasons.of("answered")))
    builder.record(clocks_set(builder.ticket, policy, now))


def next_turn(ticket: Ticket, text: str, policy: Policy) -> Next:
    """Return whose turn it is after an answer with this text, as the ticket's mailbox has it.

    By default the customer's only where the answer asks for something: "we are checking" leaves it ours.
    """
    box = policy.mailbox_for(ticket.mailbox)
    after = box.after_answer if box else "by_question"
    if after == "customer":
        return Next(Turn.CUSTOMER, reasons.of("mailbox_waits"))
    if after == "ours":
        return Next(Turn.OURS, reasons.of("mailbox_goes_on"))
    if asked := question_in(text):
        return Next(Turn.CUSTOMER, reasons.of("answer_asks", words=asked[:_ASKED_LIMIT]))
    missing = (policy.details[name].labels.values() for name in notify.missing_details(ticket, policy))
    if label := asked_label(text, chain.from_iterable(missing)):
        return Next(Turn.CUSTOMER, reasons.of("answer_asks_detail", detail=label))
    return Next(Turn.OURS, reasons.of("answer_asks_nothing"))


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
