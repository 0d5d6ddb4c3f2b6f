"""Steps that come at once, or late: each reader gets one mail instead of one for each step.

After a weekend without the daemon a ticket has passed people who never knew of it. Each step is taken and on
record. The owner of now is notified of that, everybody else gets at most one mail, and so does the customer. A
question that is still open goes before all else, then a handover.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.events import Event
from mailbot.domain.ladder import open_question
from mailbot.domain.lifecycle import Decision, evolve
from mailbot.domain.model import OVER, NoticeKind, Target, Ticket
from mailbot.domain.notices import Closing, Notice, Progress, Question, TeamNotice
from mailbot.domain.policy import Policy

HANDOVERS = frozenset({NoticeKind.ESCALATED, NoticeKind.HANDED_OVER, NoticeKind.ASSIGNED})
REMINDERS = frozenset({NoticeKind.REMINDER, NoticeKind.FOLLOW_UP, NoticeKind.TURN_CAME_BACK})


@dataclass(frozen=True, slots=True)
class Sent:
    """One mail to one recipient that an event names: the positions of event and notice, and the mail."""

    event: int
    notice: int
    mail: TeamNotice | Progress | Question

    @property
    def why(self) -> NoticeKind | None:
        return self.mail.why if isinstance(self.mail, TeamNotice) else None


def merge_mails(before: Ticket, decision: Decision, policy: Policy, newest: int) -> Decision:
    """Return the decision on `before` with one mail for each reader.

    The events from `newest` on are those of the last moment. What came before may be true no more.
    """
    sent = sent_mails(decision)
    by_reader: dict[str, list[Sent]] = {}
    for each in sent:
        by_reader.setdefault(each.mail.to, []).append(each)
    is_late = any(each.event < newest for each in sent)
    if not is_late and len(by_reader) == len(sent):
        return decision
    kept = (
        mails[0] if len(mails) == 1 and not is_late else _most_useful(mails, decision.ticket, policy)
        for mails in by_reader.values()
    )
    return keep(before, decision, sent, [each for each in kept if each], policy)


def sent_mails(decision: Decision) -> list[Sent]:
    """List the mails with their events: `notify` makes one for each of the recipients of its event, in order."""
    kinds = TeamNotice | Progress | Question | Closing
    mails = ((n, mail) for n, mail in enumerate(decision.notices) if isinstance(mail, kinds))
    found = []
    for position, event in enumerate(decision.events):
        for _ in event.recipients if isinstance(event, e.PeopleNotified | e.DecisionRequested) else ():
            notice, mail = next(mails)
            if not isinstance(mail, Closing):
                found.append(Sent(position, notice, mail))
    return found


def _most_useful(sent: Sequence[Sent], ticket: Ticket, policy: Policy) -> Sent | None:
    """Return the mail that asks most of its reader, of these the newest, and only what is still true."""
    true = [each for each in sent if _is_true(each, ticket, policy)]
    return max(true, key=lambda each: (_weight(each), each.notice), default=None)


def _is_true(sent: Sent, ticket: Ticket, policy: Policy) -> bool:
    """Check a mail by the ticket after all: a handover is for its owner, a reminder for who can act on it."""
    if isinstance(sent.mail, Question):
        asked = open_question(ticket, policy)
        return asked is not None and asked.question == sent.mail.question
    if sent.why in HANDOVERS:
        return sent.mail.to == ticket.assignee
    if sent.why in REMINDERS and ticket.status in OVER:
        return False
    if sent.why is NoticeKind.REMINDER:
        here = {agent.address for agent in ladder.agents_at(policy, ticket.team, ticket.level)}
        return sent.mail.to in {*here, ticket.assignee}
    return True


def _weight(sent: Sent) -> int:
    return 2 if isinstance(sent.mail, Question) else int(sent.why in HANDOVERS)


def keep(
    before: Ticket, decision: Decision, sent: Sequence[Sent], kept: Sequence[Sent], policy: Policy
) -> Decision:
    """Return the decision with these mails alone, each as the ticket is after all."""
    dropped = {each.notice for each in sent} - {each.notice for each in kept}
    recipients: dict[int, tuple[str, ...]] = {each.event: () for each in sent}
    for each in sorted(kept, key=lambda one: one.notice):
        recipients[each.event] += (each.mail.to,)
    changed = (_with_recipients(old, recipients.get(n)) for n, old in enumerate(decision.events))
    events = tuple(event for event in changed if event)
    due = ladder.next_deadline(decision.ticket, policy)
    confirm_by = ladder.end_of_clock(decision.ticket, policy, Target.CONFIRMATION)
    until = (due.due_at if due else None, confirm_by)
    ticket = reduce(evolve, events, before)
    notices = (mail for position, mail in enumerate(decision.notices) if position not in dropped)
    return Decision(ticket, events, tuple(_updated(mail, ticket, *until) for mail in notices))


def _with_recipients(event: Event, recipients: tuple[str, ...] | None) -> Event | None:
    if recipients is not None and isinstance(event, e.DecisionRequested):
        return replace(event, recipients=recipients)
    if recipients is None or not isinstance(event, e.PeopleNotified):
        return event
    return replace(event, recipients=recipients) if recipients else None


def _updated(mail: Notice, ticket: Ticket, due_at: datetime | None, confirm_by: datetime | None) -> Notice:
    """Return the mail with team, level and deadline as they are after all steps."""
    if not isinstance(mail, TeamNotice):
        return mail
    owners = confirm_by if mail.to == ticket.assignee else None
    return replace(mail, team=ticket.team, level=ticket.level, due_at=due_at, confirm_by=owners)
