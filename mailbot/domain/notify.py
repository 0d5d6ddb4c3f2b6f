"""Notices about a ticket: to its team, and to its customer about the progress."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mailbot.domain import events as e
from mailbot.domain import ladder, news, reasons
from mailbot.domain.actor import POLICY
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import OVER, NoticeKind, Target, Ticket, Turn
from mailbot.domain.notices import Progress, TeamNotice
from mailbot.domain.policy import Agent, Policy, Step
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.replies.subjects import base_subject

EXCERPT = 4000  # characters of the customer's text in a team notice
STEPS = 2  # next ones that a notice names

# Tags of a ticket whose customer gets no notice of progress: a machine opened it, or an unauthenticated sender
# in a mailbox that answers no such sender.
AUTOMATIC, UNAUTHENTICATED = "automatic", "unauthenticated"
# Nor does one who got no acknowledgement, over a limit above all, until an agent answers: a thousand mails in a
# victim's name would bring a thousand notices.
UNANSWERED = "unanswered"
OUR_TAGS = frozenset({AUTOMATIC, UNAUTHENTICATED, UNANSWERED})  # not set by rules

# What a notice to the team copies from the ticket.
OF_TICKET = ("number", "mailbox", "customer", "subject", "category", "priority", "team", "level")


def notify_team(
    builder: DecisionBuilder,
    policy: Policy,
    now: datetime,
    why: NoticeKind,
    because: Reason,
    text: str = "",
    recipients: tuple[str, ...] = (),
) -> None:
    """Notify `recipients` of the ticket: by default its owner, else all of its team at its level."""
    ticket = builder.ticket
    if ticket.is_complaint and ticket.status not in OVER:
        return  # the incident's people hear of all its complaints together
    if not recipients:
        agents = ladder.agents_at(policy, ticket.team, ticket.level)
        recipients = (ticket.assignee,) if ticket.assignee else tuple(agent.address for agent in agents)
    recipients = tuple(address for address in recipients if address not in builder.informed)
    if not recipients:
        return
    builder.record(e.PeopleNotified(now, POLICY, recipients, why))
    deadline = ladder.next_deadline(ticket, policy)
    steps = next_steps(ticket, policy, now)
    known, missing = _details(builder, policy)
    confirm_by = ladder.end_of_clock(ticket, policy, Target.CONFIRMATION)
    copied: dict[str, Any] = {name: getattr(ticket, name) for name in OF_TICKET}
    builder.notify(
        *(
            TeamNotice(
                **copied,
                to=address,
                language=language_of(policy.agents.get(address)),
                why=why,
                because=because,
                text=text[:EXCERPT],
                due_at=deadline.due_at if deadline else None,
                confirm_by=confirm_by if address == ticket.assignee else None,
                owner=ticket.assignee or "",
                promised_at=ladder.promised_at(ticket, policy),
                next_steps=steps,
                spoken=ticket.language,
                known=known,
                missing=missing,
                hold_until=builder.hold_until,
                answers_to=ticket.answers_to,
            )
            for address in recipients
        )
    )


def next_steps(ticket: Ticket, policy: Policy, now: datetime) -> tuple[tuple[datetime, Reason], ...]:
    """Return the first steps that come by themselves while nobody acts, as sentences for agents."""
    if not ticket.clocks:
        return ()
    key = ("steps", ticket.category, *ladder.decided_by(ticket))
    cached = policy.computed.get(key)
    if cached is None:
        cached = (ticket.clocks, _own_steps(ticket, policy))
        policy.computed.add(key, cached)
    return tuple((max(due_at, now), reason) for due_at, reason in cached[1])


def _own_steps(ticket: Ticket, policy: Policy) -> list[tuple[datetime, Reason]]:
    mine, found = ladder.ladder_of(ticket, policy), []
    for due in ladder.upcoming(ticket, mine, ladder.calendar_of(ticket, policy)):
        step = ladder.step_at(mine, due.step)
        if step and due.target is not Target.FOLLOW_UP and (reason := _step_reason(step, ticket.category)):
            found.append((due.due_at, reason))
        if len(found) == STEPS:
            break
    return found


def _step_reason(step: Step, category: str) -> Reason:
    """Return what a step does with the ticket, its heaviest part alone."""
    if level := ladder.level_of(step, category):
        return reasons.of("next_escalate", level=level)
    if step.hand_over_to:
        return reasons.of("next_hand_over", team=step.hand_over_to)
    if step.reassign:
        return reasons.of("next_reassign")
    if step.ask_decision:
        return reasons.of("next_decision", level=step.ask_decision)
    if step.notify:
        return reasons.of("next_notify")
    return reasons.of("next_remind") if step.remind else NO_REASON


def _details(
    builder: DecisionBuilder, policy: Policy
) -> tuple[tuple[tuple[Mapping[str, str], str], ...], tuple[Mapping[str, str], ...]]:
    """Return the details that the ticket has, with their values, and those that its rule asks for and it lacks."""
    if not policy.details:
        return (), ()
    routed = next((event for event in builder.events if isinstance(event, e.TicketRouted)), None)
    missing = missing_details(builder.ticket, policy, routed.ask_for if routed else None)
    labels = {name: detail.labels for name, detail in policy.details.items()}
    known = tuple((labels[name], value) for name, value in builder.ticket.details if name in labels)
    return known, tuple(labels[name] for name in missing)


def missing_details(ticket: Ticket, policy: Policy, asked: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return the details that the ticket's rule asks for, or `asked`, and that the ticket lacks."""
    if asked is None:
        rule = next((each for each in policy.rules if each.name == ticket.rule), None)
        asked = rule.then.ask_for if rule else ()
    given = dict(ticket.details)
    return tuple(name for name in asked if name in policy.details and name not in given)


def language_of(agent: Agent | None) -> str:
    return agent.languages[0] if agent and agent.languages else "en"


def notify_customer(
    builder: DecisionBuilder,
    policy: Policy,
    because: Reason,
    suppressed: Reason,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Notify the customer who has the matter now, and by when news comes: `until`, else a time of our own.

    Nobody reads the same twice: the mail names another time, or another team or level than the one before. Of our own
    the time is later than the one that the customer has, and none while that is still ahead.
    `suppressed`: why that address gets no automatic mail, no reason when it does.
    """
    ticket = builder.ticket
    if not gets_progress(ticket) or not ticket.answers_to or ticket.is_complaint:
        return  # an incident has no customer; those of its complaints get one answer at the end
    if ticket.turn is Turn.CUSTOMER:
        return
    if until is None and not (ticket.informed_until and ticket.informed_until > now):
        until = news.later_news(ticket, policy, now)
    *has, named = ticket.informed_of.split("\n")
    here = [ticket.team, ticket.level]
    is_known = until is None or until == ticket.informed_until or until.isoformat() == named
    if is_known and _public(has, policy) == _public(here, policy):
        return
    if suppressed:
        builder.record(e.ProgressSuppressed(now, POLICY, suppressed))
        return
    recipients = (ticket.answers_to,)
    builder.record(e.PeopleNotified(now, POLICY, recipients, NoticeKind.PROGRESS, because, until))
    team, level = _public(here, policy) or ({}, {})
    subject = base_subject(ticket.subject) if is_subject_shown(ticket) else ""
    builder.notify(Progress(*to_customer(ticket), subject=subject, team=team, level=level, until=until))


def inform_of_move(
    builder: DecisionBuilder, policy: Policy, because: Reason, suppressed: Reason, now: datetime
) -> None:
    """Give the customer a later time where the ticket's new team, by its hours, promises one."""
    given, promised = builder.ticket.informed_until, news.first_promise(builder.ticket, policy, now)
    if given and promised and promised > given:
        notify_customer(builder, policy, because, suppressed, now, promised)


def renew_promise(builder: DecisionBuilder, policy: Policy, suppressed: Reason, now: datetime) -> None:
    """Give the customer a later time before the one that they have passes. Where none may be given, none is kept."""
    before = builder.ticket.informed_until
    until = news.later_news(builder.ticket, policy, now)
    notify_customer(builder, policy, reasons.of("promise_ends_soon"), suppressed, now, until)
    if builder.ticket.informed_until == before:
        builder.record(e.ProgressSuppressed(now, POLICY, suppressed or reasons.of("no_automatic_mail")))


def _public(names: Sequence[str], policy: Policy) -> tuple[Mapping[str, str], Mapping[str, str]] | None:
    """Return what customers call a team and a level, None for no names."""
    if len(names) != 2:
        return None
    nothing: Mapping[str, str] = {}
    team = policy.teams.get(names[0])
    return team.public if team else nothing, policy.level_names.get(names[1], nothing)


def is_subject_shown(ticket: Ticket) -> bool:
    """Check that the ticket's subject may stand in automatic mail: it is no forger's."""
    return ticket.proven or ticket.first_response_at is not None


def to_customer(ticket: Ticket) -> tuple[str, str, str, str, str]:
    """Return the first five fields of a notice to the customer: number, mailbox, to, language,
    in_reply_to.
    """
    return ticket.number, ticket.mailbox, ticket.answers_to, ticket.language, ticket.last_message_id


def gets_progress(ticket: Ticket) -> bool:
    """Check whether a machine may write to the customer again after the acknowledgement."""
    if UNANSWERED in ticket.tags and ticket.first_response_at is None:
        return False
    return not {AUTOMATIC, UNAUTHENTICATED} & set(ticket.tags)
