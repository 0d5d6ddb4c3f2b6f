"""Close a ticket: its cause, the end of its clocks, and the closing word to its customer.

Theory of operation. Each way to an end passes through `close`: a verb in a mail, a command in the shell, and the
policy after a long silence. The closing word says what was done, until when a reply reopens the ticket, and asks
for a rating. Where a machine must not write to the customer there is none, but what a person wrote always leaves.
"""

from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import notify, reasons
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.closing.causes import find_cause, unknown_cause
from mailbot.domain.lifecycle import DecisionBuilder, clocks_set
from mailbot.domain.model import OVER, NoticeKind, Ticket
from mailbot.domain.notices import Answer, Closing
from mailbot.domain.people.customer import why_unreachable
from mailbot.domain.policy import Cause, Policy
from mailbot.domain.reasons import NO_REASON, Reason, Refusal
from mailbot.domain.replies.subjects import base_subject

_OF_ANSWER = (
    "text",
    "agent_name",
    "attachments",
    "references",
    "signature",
)  # what the closing word takes over


def close(
    builder: DecisionBuilder,
    cause: str,
    answer: Answer | None,
    reason: Reason,
    by: Actor,
    policy: Policy,
    now: datetime,
    suppressed: Reason = NO_REASON,
) -> Refusal | None:
    """Close the ticket and notify its customer, or return why not; then nothing is recorded.

    - `cause`: name or label of one of the policy's causes, "" for none.
    - `answer`: what the agent writes to the customer, recorded already. The closing word carries it.
    - `reason`: why, for colleagues. `suppressed`: why that address gets no automatic mail.
    """
    ticket, chosen = builder.ticket, find_cause(cause, policy)
    if ticket.status in OVER:
        return reasons.refuse("ticket_over", ticket=ticket.number, status=ticket.status)
    if cause and chosen is None:
        return unknown_cause(cause, ticket, policy)
    builder.record(e.TicketClosed(now, by, reason, chosen.name if chosen else ""))
    builder.record(clocks_set(builder.ticket, policy, now))
    _send_closing_word(builder, chosen, answer, policy, now, suppressed)
    return None


def _send_closing_word(
    builder: DecisionBuilder,
    cause: Cause | None,
    answer: Answer | None,
    policy: Policy,
    now: datetime,
    suppressed: Reason,
) -> None:
    ticket, box = builder.ticket, policy.mailbox_for(builder.ticket.mailbox)
    is_wanted = bool(box and box.closing_word and notify.gets_progress(ticket) and not ticket.held_for)
    why_not = _why_none(cause, suppressed, ticket)
    if not answer and (why_not or not is_wanted):
        if why_not and is_wanted:
            builder.record(e.ClosingWordSuppressed(now, POLICY, why_not))
        return
    asks = bool(box and box.survey and is_wanted and not why_not and _may_be_rated(ticket))
    builder.record(e.PeopleNotified(now, POLICY, (ticket.answers_to,), NoticeKind.CLOSED))
    if asks:
        builder.record(e.SurveyEnqueued(now, POLICY))
    builder.notify(
        Closing(
            *notify.to_customer(ticket),
            subject=base_subject(ticket.subject) if ticket.first_response_at else "",
            **({name: getattr(answer, name) for name in _OF_ANSWER} if answer else {}),
            reopens_until=now + box.reopen_within if box and box.reopen_within else None,
            survey=int(asks),
        )
    )


def _why_none(cause: Cause | None, suppressed: Reason, ticket: Ticket) -> Reason:
    if cause and cause.silent:
        return reasons.of("cause_silent", cause=cause.name)
    return suppressed or why_unreachable(ticket.answers_to)


def _may_be_rated(ticket: Ticket) -> bool:
    """Check for a ticket on which a person answered, and that has no rating yet.

    One text for thousands is no answer that people could rate, and their ratings would be another storm.
    """
    return not ticket.is_complaint and ticket.first_response_at is not None and ticket.satisfaction is None
