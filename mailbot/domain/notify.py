"""Word about a ticket: to people of ours, and to its customer how it goes on."""

from collections.abc import Mapping
from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import Target, Ticket
from mailbot.domain.notices import Progress, TeamNotice
from mailbot.domain.policy import Agent, Policy

EXCERPT = 4000  # characters of the customer's text in a team notice

# Tags of a ticket whose customer is told nothing by itself: a machine opened it, or somebody who may be
# anybody, in a mailbox that wants nothing sent to such.
AUTOMATIC, UNAUTHENTICATED = "automatic", "unauthenticated"
# Nor is who was not even acknowledged, over a limit above all, until somebody answers: a thousand mails in a
# victim's name would else bring a thousand words of progress.
UNANSWERED = "unanswered"
OUR_TAGS = frozenset({AUTOMATIC, UNAUTHENTICATED, UNANSWERED})  # put on by other than rules


def team(
    builder: DecisionBuilder,
    policy: Policy,
    now: datetime,
    why: str,
    because: str,
    text: str,
    whom: tuple[str, ...] = (),
) -> None:
    """Mail about the ticket to `whom`, by default to who has it, else to all of its team at its level."""
    ticket = builder.ticket
    if not whom:
        here = ladder.agents_at(policy, ticket.team, ticket.level)
        whom = (ticket.assignee,) if ticket.assignee else tuple(agent.address for agent in here)
    if not whom:
        return
    builder.record(e.PeopleNotified(now, "policy", whom, why))
    deadline = ladder.next_deadline(ticket, policy)
    confirm_by = ladder.end_of_clock(ticket, policy, Target.CONFIRMATION)
    builder.notify(
        *(
            TeamNotice(
                number=ticket.number,
                mailbox=ticket.mailbox,
                to=address,
                language=language_of(policy.agents.get(address)),
                why=why,
                because=because,
                customer=ticket.customer,
                subject=ticket.subject,
                text=text[:EXCERPT],
                category=ticket.category,
                priority=ticket.priority,
                team=ticket.team,
                level=ticket.level,
                due_at=deadline.due_at if deadline else None,
                confirm_by=confirm_by if address == ticket.assignee else None,
            )
            for address in whom
        )
    )


def language_of(agent: Agent | None) -> str:
    return agent.languages[0] if agent and agent.languages else "en"


def customer(builder: DecisionBuilder, policy: Policy, because: str, muted: str, now: datetime) -> None:
    """Who has the matter now, in plain words, and until when we mean to have got further. `muted` is why no
    automatic mail goes there, "" when it does."""
    ticket = builder.ticket
    if not _may_tell(ticket):
        return
    if muted:
        builder.record(e.ProgressSuppressed(now, "policy", muted))
        return
    builder.record(e.PeopleNotified(now, "policy", (ticket.customer,), because))
    nothing: Mapping[str, str] = {}
    builder.notify(
        Progress(
            number=ticket.number,
            mailbox=ticket.mailbox,
            to=ticket.customer,
            language=ticket.language,
            in_reply_to=ticket.last_message_id,
            team=policy.teams[ticket.team].public if ticket.team in policy.teams else nothing,
            level=policy.level_names.get(ticket.level, nothing),
            until=_until(ticket, policy, now),
        )
    )


def _may_tell(ticket: Ticket) -> bool:
    if UNANSWERED in ticket.tags and ticket.first_response_at is None:
        return False
    return not {AUTOMATIC, UNAUTHENTICATED} & set(ticket.tags)


def _until(ticket: Ticket, policy: Policy, now: datetime) -> datetime | None:
    """The end of a promise that still runs; when none does, when somebody is told to look again."""
    mine, calendar = ladder.ladder_of(ticket, policy), ladder.calendar_of(ticket, policy)
    ahead = [each for each in ladder.deadlines(ticket, mine, calendar) if each.due_at > now]
    promised = [
        each.due_at
        for each in ahead
        if each.step == ladder.MISSED and each.target not in ladder.INTERNAL_TARGETS
    ]
    return next(iter([*promised, *(each.due_at for each in ahead)]), None)
