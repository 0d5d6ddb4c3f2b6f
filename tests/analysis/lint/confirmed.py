"""Check findings about ladders, people and limits with the engine: their mail, moment and amount."""

from dataclasses import replace
from datetime import UTC, datetime

from mailbot.analysis.lint.checks import Finding, Severity
from mailbot.analysis.lint.ladders import approval_gaps, duty_gaps, idle_steps, ladder_ends, timing
from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.assignment import choose
from mailbot.domain.classify import classify
from mailbot.domain.compensation import authority
from mailbot.domain.compensation.authority import Case, Spent
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.model import Attachment, Target, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import codes
from mailbot.domain.worktime import end_of_quiet_hours, is_open
from tests import builders
from tests.analysis.lint.changes import limits


def confirmed(policy: Policy, finding: Finding) -> None:
    """Check with the example mail, its moment and amount, that the finding is true."""
    witness = finding.witness
    if witness is None or witness.mail is None:
        assert finding.severity is not Severity.FAULT
        return
    ticket = opened(policy, finding)
    if finding.kind in (duty_gaps.UNCOVERED, duty_gaps.ABSENT):
        assert witness.moment
        at = witness.moment.astimezone(UTC)
        standing = replace(ticket, team=finding.names[0], level=finding.names[1], assign="", skill="")
        assert is_open(ladder.calendar_of(standing, policy), at)
        chosen = choose(standing, policy, at)
        assert chosen
        assert "off_duty" in codes(chosen.reason)
    elif finding.kind == approval_gaps.NOBODY_MAY:
        assert witness.amount
        free = limits(per_customer=None, per_team={})(policy)
        for each in (policy, free):  # no agent could approve it, with or without budgets
            assert authority.common_limit(Case(ticket, ticket.customer, witness.amount, Spent(), each))
    elif finding.kind == approval_gaps.LESS_ABOVE:
        assert witness.amount
        above, below = finding.names
        asked = Case(ticket, ticket.customer, witness.amount, Spent(), limits(per_agent_day={})(policy))
        who = {name: ladder.agents_at(policy, "", name)[0] for name in (above, below)}
        assert authority.agent_limit(asked, who[above])
        assert not authority.agent_limit(asked, who[below])
    elif finding.kind == approval_gaps.IN_VAIN:
        assert witness.amount
        assert authority.common_limit(Case(ticket, ticket.customer, witness.amount, Spent(), policy))
    elif finding.kind in TIMES:
        assert witness.moment
        if not witness.shows.startswith(("answered", "every mail")):  # those need more than the example mail
            TIMES[finding.kind](policy, ticket, finding, witness.moment.astimezone(UTC))
    elif (
        witness.moment and witness.shows.startswith("nobody answers") and finding.kind != ladder_ends.DEAD_END
    ):
        step_at(policy, ticket, finding, witness.moment.astimezone(UTC))


def opened(policy: Policy, finding: Finding) -> Ticket:
    """Open a ticket for the example mail, by the daemon's own decision."""
    assert finding.witness
    mail = finding.witness.mail
    assert mail
    at = mail.local_time.astimezone(UTC)
    inbound = builders.mail(
        sender=mail.sender,
        sender_name=mail.sender_name,
        subject=mail.subject,
        text=mail.text,
        visible=mail.text,
        language=mail.language,
        size=mail.size,
        headers=mail.headers,
        authentication=mail.customer_history.authentication,
        attachments=tuple(
            Attachment(name, kind, 9, "0" * 64)
            for name, kind in zip(mail.attachment_names, mail.attachment_types, strict=True)
        ),
    )
    facts = builders.facts(customer_history=mail.customer_history)
    envelope = builders.envelope(sender=mail.sender, recipients=(mail.mailbox,), received_at=at)
    ticket = on_mail(None, inbound, envelope, facts, policy, at).decision.ticket
    step_runs = classify(policy, mail)
    assert (ticket.category, ticket.priority, ticket.ladder) == (
        step_runs.category,
        step_runs.priority,
        step_runs.ladder,
    )
    return ticket


def before(policy: Policy, ticket: Ticket, at: datetime) -> Ticket:
    """Run a ticket without care until just before a moment."""
    while (due := ladder.next_deadline(ticket, policy)) and due.due_at < at:
        ticket = on_deadline(ticket, policy, due.due_at).ticket
    return ticket


def confirmation_outlasts(policy: Policy, ticket: Ticket, finding: Finding, at: datetime) -> None:
    """Check that the next step is taken by its own clock while the time to confirm runs."""
    ticket = before(policy, ticket, at)
    ends = (ladder.end_of_clock(ticket, policy, each) for each in (Target.CONFIRMATION, Target.DECISION))
    until = next(each for each in ends if each)
    assert until > at
    events = on_deadline(ticket, policy, at).events
    taken = [each for each in events if isinstance(each, e.StepTaken)]
    assert taken[0].step > int(finding.spot.path[3])
    assert not {"not_confirmed", "not_decided"} & set(codes(taken[0].reason))


def owner_changes(policy: Policy, ticket: Ticket, finding: Finding, at: datetime) -> None:
    """Check that the reminder's step is taken at the moment at which the owner changes."""
    ticket = before(policy, ticket, at)
    after = ticket
    taken = []
    while (due := ladder.next_deadline(after, policy)) and due.due_at == at:
        decision = on_deadline(after, policy, at)
        taken += [each.step for each in decision.events if isinstance(each, e.StepTaken)]
        after = decision.ticket
    assert finding.spot.path[3] in taken
    assert (after.team, after.level, after.assignee) != (ticket.team, ticket.level, ticket.assignee)


def resolution_comes_first(policy: Policy, ticket: Ticket, finding: Finding, at: datetime) -> None:
    ends = [ladder.end_of_clock(ticket, policy, each) for each in (Target.RESOLUTION, Target.FIRST_RESPONSE)]
    assert ends[0] == at
    assert ends[1]
    assert ends[1] > at


def reminders_wait(policy: Policy, ticket: Ticket, finding: Finding, at: datetime) -> None:
    of = ladder.ladder_of(ticket, policy)
    assert of.name == finding.names[0]
    assert end_of_quiet_hours(at, of.quiet, ladder.calendar_of(ticket, policy).zone) > at


TIMES = {
    timing.CONFIRMATION: confirmation_outlasts,
    timing.REMINDER: owner_changes,
    timing.TARGETS: resolution_comes_first,
    timing.QUIET: reminders_wait,
}


def step_at(policy: Policy, ticket: Ticket, finding: Finding, at: datetime) -> None:
    """Check that the step is taken at this moment without care, and changes nothing if it is idle."""
    number = finding.spot.path[3]
    events = on_deadline(before(policy, ticket, at), policy, at).events
    taken = [each.step for each in events if isinstance(each, e.StepTaken)]
    assert number in taken
    if finding.kind == idle_steps.IN_VAIN:
        moves = (e.TicketEscalated, e.TicketHandedOver, e.TicketAssigned)
        assert not any(isinstance(each, moves) for each in events)
