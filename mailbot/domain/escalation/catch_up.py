"""Steps that come late, several at once: each reader gets one mail instead of one for each step.

After a weekend without the daemon a ticket has passed people who never knew of it. Each step is taken and on
record. The owner of now is notified of that, everybody else gets at most one mail, and so does the customer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.events import Event
from mailbot.domain.lifecycle import Decision, evolve
from mailbot.domain.model import NoticeKind, Target, Ticket
from mailbot.domain.notices import Notice, Progress, TeamNotice
from mailbot.domain.policy import Policy

HANDOVERS = frozenset({NoticeKind.ESCALATED, NoticeKind.HANDED_OVER, NoticeKind.ASSIGNED})


@dataclass(frozen=True, slots=True)
class _Sent:
    """One mail to one recipient of a PeopleNotified event: the positions of event and notice, and the
    mail.
    """

    event: int
    notice: int
    mail: TeamNotice | Progress


def merge_mails(before: Ticket, decision: Decision, policy: Policy, newest: int) -> Decision:
    """Return the decision on `before` with one mail for each reader.

    The events from `newest` on are those of the last moment. Without earlier notices nothing changes.
    """
    sent = list(_sent(decision))
    if not any(each.event < newest for each in sent):
        return decision
    by_reader: dict[str, list[_Sent]] = {}
    for each in sent:
        by_reader.setdefault(each.mail.to, []).append(each)
    mails = (_newest_useful(of_reader, decision.ticket, policy) for of_reader in by_reader.values())
    return _keep(before, decision, sent, [each for each in mails if each], policy)


def _sent(decision: Decision) -> Iterator[_Sent]:
    """Map each recipient to the mail: `notify` makes one for each of the recipients of its event, in
    order.
    """
    mails = ((n, mail) for n, mail in enumerate(decision.notices) if isinstance(mail, TeamNotice | Progress))
    for position, event in enumerate(decision.events):
        for _ in event.recipients if isinstance(event, e.PeopleNotified) else ():
            notice, mail = next(mails)
            yield _Sent(position, notice, mail)


def _newest_useful(sent: Sequence[_Sent], ticket: Ticket, policy: Policy) -> _Sent | None:
    """Return the newest mail that is still true: handovers and reminders only to the owner."""
    here = {agent.address for agent in ladder.agents_at(policy, ticket.team, ticket.level)}
    newest: _Sent | None = None
    for each in sent:
        why = each.mail.why if isinstance(each.mail, TeamNotice) else None
        if why in HANDOVERS and each.mail.to != ticket.assignee:
            continue
        is_reminder = why is NoticeKind.REMINDER
        if is_reminder and (each.mail.to not in {*here, ticket.assignee} or _is_handover(newest)):
            continue
        newest = each
    return newest


def _is_handover(sent: _Sent | None) -> bool:
    return bool(sent and isinstance(sent.mail, TeamNotice) and sent.mail.why in HANDOVERS)


def _keep(
    before: Ticket, decision: Decision, sent: Sequence[_Sent], kept: Sequence[_Sent], policy: Policy
) -> Decision:
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
    if recipients is None or not isinstance(event, e.PeopleNotified):
        return event
    return replace(event, recipients=recipients) if recipients else None


def _updated(mail: Notice, ticket: Ticket, due_at: datetime | None, confirm_by: datetime | None) -> Notice:
    """Return the mail with team, level and deadline as they are after all steps."""
    if not isinstance(mail, TeamNotice):
        return mail
    owners = confirm_by if mail.to == ticket.assignee else None
    return replace(mail, team=ticket.team, level=ticket.level, due_at=due_at, confirm_by=owners)
