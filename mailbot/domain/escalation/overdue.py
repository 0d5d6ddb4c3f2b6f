"""What is due is taken before a person's act is decided, else the act would drop it.

Theory of operation. An answer ends the clock of the answer. Where that clock ended before, and the daemon had no
time to see it, the missed promise and its steps are recorded first, as a decision of their own. Mails that the act
makes pointless are left out: nobody is reminded of what was just done.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.assignment import NO_LOADS, Loads
from mailbot.domain.decisions import on_deadline
from mailbot.domain.escalation.catch_up import HANDOVERS, REMINDERS, Sent, keep, sent_mails
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Ticket, Turn
from mailbot.domain.notices import Progress
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason

R = TypeVar("R")


def take_first(
    ticket: Ticket,
    decide: Callable[[Ticket], R],
    decision_of: Callable[[R], Decision | None],
    policy: Policy,
    now: datetime,
    suppressed: Reason = NO_REASON,
    loads: Loads = NO_LOADS,
) -> tuple[Decision | None, R]:
    """Return what was due, None for nothing, and what `decide` returns for the ticket after that.

    `decision_of`: the decision in that, None for a refusal. `suppressed`: why the customer gets no automatic mail.
    """
    due = _due(ticket, policy, now, suppressed, loads)
    if due is None:
        return None, decide(ticket)
    decided = decide(due.ticket)
    act = decision_of(decided)
    if act is None:
        return due, decided
    settled = _without_pointless(ticket, due, act, policy)
    return settled, decided if settled.events == due.events else decide(settled.ticket)


def _due(ticket: Ticket, policy: Policy, now: datetime, suppressed: Reason, loads: Loads) -> Decision | None:
    """Take what is due. A silent customer's reminders are no promise: whoever acts knows of the ticket."""
    if ticket.turn is Turn.CUSTOMER:
        return None
    due = ladder.next_deadline(ticket, policy, now)
    if due is None or due.due_at > now:
        return None
    taken = on_deadline(ticket, policy, now, suppressed, loads)
    return taken if taken.events else None


def _without_pointless(before: Ticket, due: Decision, act: Decision, policy: Policy) -> Decision:
    sent = sent_mails(due)
    return keep(before, due, sent, [each for each in sent if not _is_pointless(each, act)], policy)


def _is_pointless(sent: Sent, act: Decision) -> bool:
    """Check whether the act makes a mail untrue: it was an answer or the end, or another has the ticket."""
    is_settled = any(isinstance(event, e.AgentAnswered | e.TicketClosed) for event in act.events)
    actor = act.events[0].by.name if act.events else ""
    if sent.why in HANDOVERS:
        return sent.mail.to != act.ticket.assignee or sent.mail.to == actor
    if sent.why in REMINDERS:
        return is_settled or sent.mail.to == actor
    return is_settled and isinstance(sent.mail, Progress)
