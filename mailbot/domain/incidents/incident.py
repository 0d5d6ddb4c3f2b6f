"""The incident itself: a ticket without a customer that stands for many. Opened, reported on, resolved."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailbot.domain import events as e
from mailbot.domain import notify, reasons
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.assignment import Loads, is_on_duty
from mailbot.domain.closing.close import close
from mailbot.domain.escalation import ownership, steps
from mailbot.domain.incidents.window import Rise
from mailbot.domain.lifecycle import Decision, DecisionBuilder, opened
from mailbot.domain.model import NoticeKind, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason, Refusal

TAG = "incident"
SHOWN = 4  # words in the subject
NAMED = 30  # numbers in a report
# When the people of an incident read how it grew, counted from its beginning; then each day.
REPORTS = tuple(timedelta(minutes=each) for each in (10, 60, 240))
AGAIN = timedelta(minutes=15)  # shortest time between two reports of customers who wrote again


def open_incident(
    number: str, rise: Rise, like: Ticket, loads: Loads, policy: Policy, now: datetime
) -> Decision:
    """Open the incident of these complaints, and page one person. `like`: the ticket of one of them."""
    box = policy.mailboxes[like.mailbox]
    words = _by_frequency(rise)
    first = e.TicketOpened(
        at=now,
        by=POLICY,
        mailbox=like.mailbox,
        customer="",
        subject=f"{like.category}: {', '.join(words[:SHOWN])}",
        language=box.language or "id",
        message_id="",
    )
    builder = DecisionBuilder(opened(number, first), first, loads=loads)
    builder.record(_routed(like, policy, now))
    builder.record(e.AcknowledgementSuppressed(now, POLICY, reasons.of("incident_no_customer")))
    builder.record(e.IncidentOpened(now, POLICY, words, rise.people))
    ownership.begin(builder, policy, now)
    steps.expect_confirmation(builder, policy, now)
    notify.notify_team(builder, policy, now, NoticeKind.INCIDENT, _why(builder.ticket, words, rise, policy))
    return builder.decision()


def _by_frequency(rise: Rise) -> tuple[str, ...]:
    counts = {word: sum(word in each.words for each in rise.complaints) for word in rise.words}
    return tuple(sorted(rise.words, key=lambda word: (-counts[word], word)))


def _why(ticket: Ticket, words: tuple[str, ...], rise: Rise, policy: Policy) -> Reason:
    rule = policy.mailboxes[ticket.mailbox].incident
    minutes = int(rule.after.period / timedelta(minutes=1)) if rule else 0
    return reasons.of("incident_opened", count=rise.people, minutes=minutes, words=", ".join(words[:8]))


def _routed(like: Ticket, policy: Policy, now: datetime) -> e.TicketRouted:
    rule = policy.mailboxes[like.mailbox].incident
    team = (rule.team if rule else "") or like.team
    return e.TicketRouted(
        now,
        POLICY,
        rule=like.rule,
        reason=reasons.of("similar_complaint"),
        category=like.category,
        urgency=like.urgency,
        complexity=like.complexity,
        priority=like.priority,
        tags=(TAG,),
        team=team,
        level=(rule.level if rule else "") or _level(team, policy, now),
        ladder=like.ladder,
        ladder_digest=like.ladder_digest,
    )


def _level(team: str, policy: Policy, now: datetime) -> str:
    """Return the team's highest level below the top with an agent on duty, else with any agent."""
    agents = policy.teams[team].agents if team in policy.teams else ()
    below = policy.levels[:-1] or policy.levels
    staffed = [level for level in reversed(below) if any(each.level == level for each in agents)]
    on_duty = {each.level for each in agents if is_on_duty(each, policy, now)}
    return next((level for level in staffed if level in on_duty), staffed[0] if staffed else below[0])


# --- reports ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Growth:
    """How an incident grew. `reported` of `total` complaints were reported. `wrote_again`: tickets since then."""

    opened_at: datetime
    reported_at: datetime
    reported: int
    total: int
    wrote_again: tuple[str, ...] = ()


def is_moment(opened_at: datetime, reported_at: datetime, now: datetime) -> bool:
    """Check whether one of the moments of REPORTS passed since the last report."""
    moments = [opened_at + after for after in REPORTS]
    while moments[-1] <= now:
        moments.append(moments[-1] + timedelta(days=1))
    return any(reported_at < moment <= now for moment in moments)


def is_report_due(opened_at: datetime, reported_at: datetime, now: datetime) -> bool:
    """Check whether it is time to look for something to report."""
    is_later = now - opened_at >= REPORTS[0] and now - reported_at >= AGAIN
    return is_later or is_moment(opened_at, reported_at, now)


def report(ticket: Ticket, growth: Growth, policy: Policy, now: datetime) -> Decision:
    """Report to the incident's people what came since they were last notified; nothing where nothing came.

    New complaints alone are reported at the moments of REPORTS. Who wrote again never waits for these.
    """
    builder, more = DecisionBuilder(ticket), growth.total - growth.reported
    grew = reasons.of("incident_grew", more=more, total=growth.total) if more > 0 else NO_REASON
    named = ", ".join(growth.wrote_again[:NAMED])
    if len(growth.wrote_again) > NAMED:
        named += f" +{len(growth.wrote_again) - NAMED}"
    again = reasons.of("wrote_again", count=len(growth.wrote_again), numbers=named) if named else NO_REASON
    if again or (grew and is_moment(growth.opened_at, growth.reported_at, now)):
        notify.notify_team(builder, policy, now, NoticeKind.INCIDENT, reasons.together(grew, again))
    return builder.decision()


# --- the end ----------------------------------------------------------------------------------------------


def resolve(
    builder: DecisionBuilder, text: str, cause: str, by: Actor, policy: Policy, now: datetime
) -> Refusal | None:
    """End the incident: `text` goes to each of its customers once, in the background."""
    ticket = builder.ticket
    if not ticket.is_incident:
        return reasons.refuse("not_incident", ticket=ticket.number)
    if not text:
        return reasons.refuse("resolve_needs_text")
    no_customer = reasons.of("incident_no_customer")
    if refusal := close(builder, cause, None, NO_REASON, by, policy, now, no_customer):
        return refusal
    builder.record(e.IncidentResolved(now, by, text))
    return None
