"""Steps that come late, several at once: what was to be said at each of their moments is said once.

After a weekend without the daemon a ticket has climbed past people who never heard of it. Each step is taken
and on record; who has the ticket now is told so, whoever else is to know gets one mail, so does the customer.
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

GIVEN = frozenset({NoticeKind.ESCALATED, NoticeKind.HANDED_OVER, NoticeKind.ASSIGNED})


@dataclass(frozen=True, slots=True)
class Word:
    """One mail to one of the people of an event: the places of both, and the mail."""

    event: int
    notice: int
    mail: TeamNotice | Progress


def said_once(before: Ticket, decision: Decision, policy: Policy, newest: int) -> Decision:
    """The decision on `before` with one mail for each reader. The events from `newest` on are those of the
    last moment; where nothing was said before, all stays as it is."""
    words = list(_words(decision))
    if not any(word.event < newest for word in words):
        return decision
    to: dict[str, list[Word]] = {}
    for word in words:
        to.setdefault(word.mail.to, []).append(word)
    kept = [one for each in to.values() if (one := _one(each, decision.ticket, policy))]
    return _only(before, decision, words, kept, policy)


def _words(decision: Decision) -> Iterator[Word]:
    """In the order in which they were told: `core.tell` owes one mail for each of the people of its event."""
    owed = (
        (place, mail)
        for place, mail in enumerate(decision.notices)
        if isinstance(mail, TeamNotice | Progress)
    )
    for place, event in enumerate(decision.events):
        for _ in event.recipients if isinstance(event, e.PeopleNotified) else ():
            notice, mail = next(owed)
            yield Word(place, notice, mail)


def _one(words: Sequence[Word], now: Ticket, policy: Policy) -> Word | None:
    """The newest that still says something: that it was given to somebody, and reminders, only where it is
    theirs now."""
    here = {agent.address for agent in ladder.agents_at(policy, now.team, now.level)}
    found: Word | None = None
    for word in words:
        why = word.mail.why if isinstance(word.mail, TeamNotice) else None
        if why in GIVEN and word.mail.to != now.assignee:
            continue
        if why is NoticeKind.REMINDER and (word.mail.to not in {*here, now.assignee} or _gives(found)):
            continue
        found = word
    return found


def _gives(word: Word | None) -> bool:
    return bool(word and isinstance(word.mail, TeamNotice) and word.mail.why in GIVEN)


def _only(
    before: Ticket, decision: Decision, words: Sequence[Word], kept: Sequence[Word], policy: Policy
) -> Decision:
    gone = {word.notice for word in words} - {word.notice for word in kept}
    people: dict[int, tuple[str, ...]] = {word.event: () for word in words}
    for word in sorted(kept, key=lambda each: each.notice):
        people[word.event] += (word.mail.to,)
    events = (_told(event, people.get(place)) for place, event in enumerate(decision.events))
    notices = (mail for place, mail in enumerate(decision.notices) if place not in gone)
    due = ladder.next_deadline(decision.ticket, policy)
    confirm_by = ladder.end_of_clock(decision.ticket, policy, Target.CONFIRMATION)
    until = (due.due_at if due else None, confirm_by)
    left = tuple(each for each in events if each)
    now = reduce(evolve, left, before)
    return Decision(now, left, tuple(_as_of_now(mail, now, *until) for mail in notices))


def _told(event: Event, people: tuple[str, ...] | None) -> Event | None:
    if people is None or not isinstance(event, e.PeopleNotified):
        return event
    return replace(event, recipients=people) if people else None


def _as_of_now(mail: Notice, now: Ticket, due_at: datetime | None, confirm_by: datetime | None) -> Notice:
    """What it says of the ticket is what holds after all steps."""
    if not isinstance(mail, TeamNotice):
        return mail
    theirs = confirm_by if mail.to == now.assignee else None
    return replace(mail, team=now.team, level=now.level, due_at=due_at, confirm_by=theirs)
