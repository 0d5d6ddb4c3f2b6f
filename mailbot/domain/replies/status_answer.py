"""Answer a participant who asks how far we are: what is recorded, and the mail.

It moves no turn and no clock, reopens nothing and notifies none of us. Who gets no automatic answer, by a guard or a
limit, wrote an ordinary mail, which a person reads. The answer goes only to an address that takes part: a forger
of From learns nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mailbot.domain import events as e
from mailbot.domain import news
from mailbot.domain.actor import CUSTOMER
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.matching import Match
from mailbot.domain.model import TAKES_PART, Envelope, InboundMail, Status, Ticket, Turn
from mailbot.domain.notices import StatusAnswer
from mailbot.domain.notify import is_subject_shown
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.customer import (
    acknowledge_to,
    is_proven_author,
    passed_on_for,
    why_unreachable,
)
from mailbot.domain.people.linking import customers
from mailbot.domain.people.participants import Roles
from mailbot.domain.policy import Mailbox, Policy
from mailbot.domain.replies.auto_reply import guard, spend, status_rates
from mailbot.domain.replies.status_question import is_status_question, language_of_question
from mailbot.domain.replies.subjects import base_subject
from mailbot.domain.replies.undeliverable import Suppressions

_REFERENCES = 20


@dataclass(frozen=True, slots=True)
class Asking:
    """What the answer depends on beside ticket and mail, as in `decisions.MailFacts`."""

    match: Match
    roles: Roles
    rate_limits: Mapping[str, datetime]
    suppressions: Suppressions


@dataclass(frozen=True, slots=True)
class Answered:
    """The decision, and the rate limits that the answer used up."""

    decision: Decision
    spent: Mapping[str, datetime]


def answer_status(
    ticket: Ticket, mail: InboundMail, envelope: Envelope, asking: Asking, policy: Policy, now: datetime
) -> Answered | None:
    """Return the answer to a question about the state, None for any other mail and where none may be sent."""
    box = policy.mailbox_for(ticket.mailbox)
    if box is None or ticket.status is Status.FILED or not _asks(ticket, mail, asking.match, box, policy):
        return None
    author = passed_on_for(mail, policy) or mail.sender
    to = _reachable_address(author, ticket, asking)
    if not to:
        return None
    if guard(mail, envelope, box, policy) or not _is_author(mail, envelope, (author, to), policy):
        return None
    spent = spend(status_rates(author, policy), asking.rate_limits, now)
    if isinstance(spent, str):
        return None
    language = language_of_question(mail.visible or mail.subject)
    answer = _answer(ticket, to, mail.message_id, language, box, policy, now)
    answer = replace(answer, references=mail.references[-_REFERENCES:])
    return _answered(ticket, answer, mail.message_id, spent, now)


def answer_on_page(
    ticket: Ticket, address: str, asking: Asking, policy: Policy, now: datetime
) -> Answered | None:
    """Return the answer to who asked on a page for the link to a ticket, None where none may be sent.

    It goes to the address that takes part, whoever has asked.
    """
    box = policy.mailbox_for(ticket.mailbox)
    if box is None or ticket.status is Status.FILED:
        return None
    to = _reachable_address(address, ticket, asking)
    if not to:
        return None
    if box.unauthenticated != "neutral" and not ticket.proven:
        return None
    spent = spend(status_rates(to, policy), asking.rate_limits, now)
    if isinstance(spent, str):
        return None
    answer = _answer(ticket, to, ticket.last_message_id, "", box, policy, now)
    return _answered(ticket, answer, "", spent, now)


def _answered(
    ticket: Ticket, answer: StatusAnswer, message_id: str, spent: Mapping[str, datetime], now: datetime
) -> Answered:
    builder = DecisionBuilder(ticket)
    builder.record(e.StatusAsked(now, CUSTOMER, message_id, answer.promised_at))
    builder.notify(answer)
    return Answered(builder.decision(), spent)


def _asks(ticket: Ticket, mail: InboundMail, match: Match, box: Mailbox, policy: Policy) -> bool:
    agent = policy.agents.get(ticket.assignee or "")
    names = " ".join((mail.sender_name, agent.name if agent else "", box.brand))
    prefixes = {each.prefix for each in policy.mailboxes.values()}
    return is_status_question(mail, ticket.subject, (ticket.number, *match.followed), prefixes, names)


def _reachable_address(author: str, ticket: Ticket, asking: Asking) -> str:
    """Return the address of this person that takes part and may be mailed, "" where none may."""
    to = _address_of(author, ticket, asking.roles)
    return "" if not to or why_unreachable(to) or to.lower() in asking.suppressions else to


def _address_of(author: str, ticket: Ticket, roles: Roles) -> str:
    """Return the address of this person that takes part, "" where none does."""
    person = owner(author)
    if person == owner(ticket.answers_to):
        return ticket.answers_to
    elsewhere = owner(ticket.answers_to) in customers(ticket, roles)  # the customer asks by another identity
    if person == owner(ticket.customer) and not elsewhere:
        return ticket.answers_to
    spellings = [each for each, role in roles.items() if role in TAKES_PART and owner(each) == person]
    return author if author in spellings else next(iter(spellings), "")


def _is_author(mail: InboundMail, envelope: Envelope, people: tuple[str, ...], policy: Policy) -> bool:
    """Check that From is proven, or that the mail came from that person's own address."""
    if is_proven_author(mail, policy):
        return True
    return owner(acknowledge_to(mail, envelope, policy)) in map(owner, people)


def _answer(
    ticket: Ticket, to: str, in_reply_to: str, language: str, box: Mailbox, policy: Policy, now: datetime
) -> StatusAnswer:
    return StatusAnswer(
        ticket.number,
        ticket.mailbox,
        to,
        language or ticket.language,
        in_reply_to,
        subject=base_subject(ticket.subject) if is_subject_shown(ticket) else "",
        received_at=ticket.opened_at,
        answered_at=ticket.answered_at,
        **where_it_stands(ticket, box, policy, now),
    )


def where_it_stands(ticket: Ticket, box: Mailbox, policy: Policy, now: datetime) -> dict[str, Any]:
    """Return what a customer may know of the ticket's state: fields of `StatusAnswer`."""
    if ticket.status is Status.CLOSED and ticket.closed_at:
        reopen_by = ticket.closed_at + box.reopen_within
        return {
            "phase": "closed",
            "closed_at": ticket.closed_at,
            "reopen_by": reopen_by if reopen_by > now else None,
        }
    nothing: Mapping[str, str] = {}
    team = policy.teams.get(ticket.team)
    standing = {
        "phase": ticket.turn.value,
        "team": team.public if team else nothing,
        "level": policy.level_names.get(ticket.level, nothing) if ticket.escalated else nothing,
        "until": ticket.turn_until,
    }
    if ticket.turn is Turn.CUSTOMER or ticket.is_complaint:
        return standing  # news of an incident comes when that is over
    given = ticket.informed_until or news.first_promise(ticket, policy, now)
    return {
        **standing,
        "promised_at": given if given and given > now else news.later_news(ticket, policy, now),
        "missed_at": given if given and given <= now else None,
    }
