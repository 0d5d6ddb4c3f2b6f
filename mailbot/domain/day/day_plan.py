"""The plan of an agent's day: what is late, promised today, ends today, comes back, or waits for a decision."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailbot.domain import ladder, reasons
from mailbot.domain.day import worklist
from mailbot.domain.day.worklist import WorkItem
from mailbot.domain.escalation import ownership
from mailbot.domain.model import Target, Ticket, Turn
from mailbot.domain.notices import AgentWorklist, WorkEntry
from mailbot.domain.notify import language_of
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.worktime import local, open_intervals

LATEST = timedelta(hours=4)  # a mail later than this after its time plans no day any more
COUNTS = {
    "day_late": "day_late_count",
    "day_promised": "day_promised_count",
    "day_decide": "day_decide_count",
    "day_wait": "day_wait_count",
    "day_back": "day_back_count",
}
MOST = 50  # entries of one mail


@dataclass(frozen=True, slots=True)
class Approval:
    """A request for compensation that these people were asked to decide."""

    ticket: Ticket
    amount: str
    asked: frozenset[str]


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What plans are made of: all live tickets, by owner too, and the open requests for compensation."""

    tickets: Sequence[Ticket] = ()
    approvals: Sequence[Approval] = ()
    by_owner: Mapping[str, list[Ticket]] = field(default_factory=dict)


def due_day(agent: Agent, policy: Policy, now: datetime) -> date | None:
    """Return the agent's local date if the mail of that day is due: a work day, its time come and not long past."""
    calendar = policy.agent_calendars[agent.address]
    here = local(calendar, now)
    if agent.morning is None or not agent.morning <= _since_midnight(here) < agent.morning + LATEST:
        return None
    day, zone = here.date(), ZoneInfo(calendar.zone)
    start, end = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    works = next(open_intervals(calendar, start, end), None) is not None
    return day if works and day not in agent.away else None


def _since_midnight(here: datetime) -> timedelta:
    return timedelta(hours=here.hour, minutes=here.minute, seconds=here.second)


def plan(agent: Agent, facts: DayFacts, policy: Policy, now: datetime) -> AgentWorklist | None:
    """Return the mail with the agent's day; None when nothing is to be said."""
    groups = list(_groups(agent, facts, policy, now))
    entries = [entry for _, found in groups for entry in found]
    if not entries:
        return None
    counts = tuple(reasons.of(COUNTS[code], count=len(found)) for code, found in groups if found)
    return AgentWorklist(
        number="",
        mailbox=mailbox_of(entries, policy),
        to=agent.address,
        language=language_of(agent),
        title=reasons.of("day_title", parts=counts),
        entries=tuple(entries[:MOST]),
        older=max(0, len(entries) - MOST),
    )


def _groups(
    agent: Agent, facts: DayFacts, policy: Policy, now: datetime
) -> Iterator[tuple[str, list[WorkEntry]]]:
    calendar = policy.agent_calendars[agent.address]
    day = local(calendar, now).date()

    def is_today(at: datetime | None) -> bool:
        return at is not None and local(calendar, at).date() <= day

    items = worklist.worklist(facts.by_owner.get(agent.address, ()), policy, now, everything=True)
    promised = [item for item in items if item.ticket.turn is not Turn.CUSTOMER and item.promised_at]
    late = [item for item in promised if item.is_overdue(now)]
    today = [item for item in promised if not item.is_overdue(now) and is_today(item.promised_at)]
    listed = {item.ticket.number for item in (*late, *today)}
    rest = [item for item in items if item.ticket.number not in listed]
    yield "day_late", _entries("day_late", late, policy)
    yield "day_promised", _entries("day_promised", today, policy)
    yield "day_decide", list(_decisions(agent, facts, policy))
    yield (
        "day_wait",
        _entries("day_wait", [each for each in rest if is_today(each.ticket.turn_until)], policy),
    )
    back = [
        each for each in rest if is_today(each.ticket.snoozed_until) and not is_today(each.ticket.turn_until)
    ]
    yield "day_back", _entries("day_back", back, policy)


def _entries(code: str, items: Iterable[WorkItem], policy: Policy) -> list[WorkEntry]:
    """Return the lines of a group, with the moment that it is about."""
    found = []
    for item in items:
        ticket = item.ticket
        moments = {"day_wait": ticket.turn_until, "day_back": ticket.snoozed_until}
        step = item.next_step[1] if item.next_step and code in ("day_late", "day_promised") else NO_REASON
        found.append(entry(ticket, reasons.of(code), moments.get(code, item.promised_at), step))
    return found


def _decisions(agent: Agent, facts: DayFacts, policy: Policy) -> Iterator[WorkEntry]:
    for approval in facts.approvals:
        if agent.address in approval.asked:
            what = reasons.of("day_approve", amount=approval.amount)
            yield entry(approval.ticket, reasons.of("day_decide"), None, what)
    for ticket in facts.tickets:
        step = ladder.open_question(ticket, policy)
        if step is None:
            continue
        level = ownership.nearest_level(policy, ticket.team, step.ask_decision)
        if agent in ladder.agents_at(policy, ticket.team, level):
            until = ladder.end_of_clock(ticket, policy, Target.DECISION)
            yield entry(ticket, reasons.of("day_decide"), until, reasons.written(step.question))


def mailbox_of(entries: Iterable[WorkEntry], policy: Policy) -> str:
    """Return the mailbox that the list comes from: the first ticket's that still exists."""
    named = (each.mailbox for each in entries if each.mailbox in policy.mailboxes)
    return next(named, next(iter(policy.mailboxes)))


def entry(ticket: Ticket, heading: Reason, at: datetime | None, because: Reason = NO_REASON) -> WorkEntry:
    """Return a ticket's line in a worklist by mail."""
    return WorkEntry(ticket.number, ticket.mailbox, ticket.subject, ticket.customer, heading, at, because)
