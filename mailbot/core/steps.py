"""Taking one step of a ladder: what it changes on the ticket, who is told."""

from datetime import datetime

from mailbot.core import events as e
from mailbot.core import ladder
from mailbot.core.ladder import MISSED, Deadline
from mailbot.core.lifecycle import Story
from mailbot.core.model import OVER, Target, Ticket
from mailbot.core.notices import Progress, TeamNotice
from mailbot.core.policy import Agent, Policy, Step

EXCERPT = 4000  # characters of the customer's text in a team notice

# Tags of a ticket whose customer is told nothing by itself: a machine opened it, or somebody who may be
# anybody, in a mailbox that wants nothing sent to such.
AUTOMATIC, UNAUTHENTICATED = "automatic", "unauthenticated"
# Nor is who was not even acknowledged, over a limit above all, until somebody answers: a thousand mails in a
# victim's name would else bring a thousand words of progress.
UNANSWERED = "unanswered"


def take(story: Story, due: Deadline, policy: Policy, now: datetime, muted: str = "") -> None:
    """The step that fell due; it is marked as taken, so that it can't come again in this run of its clock.

    `muted` is why no automatic mail goes to the customer, "" when it does.
    """
    ticket = story.ticket
    mine = ladder.ladder_of(ticket, policy)
    if due.target is Target.CONFIRMATION:
        confirm(story, now)
        because = "not confirmed in time"
    else:
        because = f"{due.target} is due"
    if due.step == MISSED:
        story.tell(e.TargetMissed(now, "policy", due.target, due.due_at))
        return
    step = ladder.step_at(mine, due.step)
    if step is None:
        return  # there is nothing after the last rung
    story.tell(e.StepTaken(now, "policy", mine.name, due.step, step.at.target, due.due_at, because))
    _act(story, step, due.step, because, policy, now)
    if step.tell_customer and _may_tell(story.ticket):
        _tell_customer(story, because, muted, now)


def _may_tell(ticket: Ticket) -> bool:
    if UNANSWERED in ticket.tags and ticket.first_response_at is None:
        return False
    return not {AUTOMATIC, UNAUTHENTICATED} & set(ticket.tags)


def _act(story: Story, step: Step, index: int, because: str, policy: Policy, now: datetime) -> None:
    if step.hand_over_to or step.escalate_to:
        confirm(story, now)  # whoever had to, the ticket leaves them
    if step.hand_over_to:
        hand_over(story, step.hand_over_to, because, policy, now)
    if step.escalate_to:
        escalate(story, step.escalate_to, because, "policy", policy, now)
    if step.acknowledge_within and (step.escalate_to or step.hand_over_to):
        clocks = ladder.awaiting_confirmation(story.ticket.clocks, step.acknowledge_within, index, now)
        story.tell(e.ClocksSet(now, "policy", clocks))
    if step.remind:
        tell_team(story, policy, now, "reminder", because, "", whom=_reminded(story, step, policy))
    if step.notify:
        tell_team(story, policy, now, "notify", because, "", whom=step.notify)


def _reminded(story: Story, step: Step, policy: Policy) -> tuple[str, ...]:
    ticket = story.ticket
    if step.remind == "assignee" and ticket.assignee:
        return (ticket.assignee,)
    return tuple(agent.address for agent in ladder.agents_at(policy, ticket.team, ticket.level))


def _tell_customer(story: Story, because: str, muted: str, now: datetime) -> None:
    ticket = story.ticket
    if muted:
        story.tell(e.ProgressSuppressed(now, "policy", muted))
        return
    story.tell(e.PeopleTold(now, "policy", (ticket.customer,), because))
    story.owe(
        Progress(ticket.number, ticket.mailbox, ticket.customer, ticket.language, ticket.last_message_id)
    )


def escalate(story: Story, level: str, because: str, by: str, policy: Policy, now: datetime) -> None:
    """Raises the level and finds an owner there. A ticket that stands so high already is brought up again."""
    if ladder.rank(policy, story.ticket.level) >= ladder.rank(policy, level):
        tell_team(story, policy, now, "reminder", because, "")
        return
    story.tell(e.TicketEscalated(now, by, level, because))
    _reassign(story, policy, now, by)
    tell_team(story, policy, now, "escalated", because, "")


def escalate_by_hand(story: Story, level: str, because: str, by: str, policy: Policy, now: datetime) -> str:
    """Escalates at a person's wish; "" when done, else why not."""
    ticket = story.ticket
    here = ladder.rank(policy, ticket.level)
    if ticket.status in OVER:
        return f"{ticket.number} is {ticket.status}"
    if not level:
        if here + 1 >= len(policy.levels):
            return f"{ticket.number} stands at {ticket.level}, there is no higher level"
        level = policy.levels[here + 1]
    if level not in policy.levels:
        return f"there is no level {level!r}, the levels are {', '.join(policy.levels)}"
    if ladder.rank(policy, level) <= here:
        return f"{ticket.number} stands at {ticket.level} already"
    escalate(story, level, because, by, policy, now)
    return ""


def hand_over(story: Story, team: str, because: str, policy: Policy, now: datetime) -> None:
    if team == story.ticket.team or team not in policy.teams:
        return
    old = ladder.calendar_of(story.ticket, policy)
    story.tell(e.TicketHandedOver(now, "policy", team, because))
    story.tell(e.ClocksSet(now, "policy", ladder.moved(story.ticket.clocks, old, now)))
    _reassign(story, policy, now, "policy")
    tell_team(story, policy, now, "handed_over", because, "")


def _reassign(story: Story, policy: Policy, now: datetime, by: str) -> None:
    agent = ladder.choose_agent(story.ticket, policy)
    if agent:
        story.tell(e.TicketAssigned(now, by, agent.address))


def confirm(story: Story, now: datetime) -> None:
    """The owner acted: nobody waits for a confirmation any more."""
    if any(clock.target is Target.CONFIRMATION for clock in story.ticket.clocks):
        story.tell(e.ClocksSet(now, "policy", ladder.confirmed(story.ticket.clocks)))


def tell_team(
    story: Story,
    policy: Policy,
    now: datetime,
    why: str,
    because: str,
    text: str,
    whom: tuple[str, ...] = (),
) -> None:
    """Mail about the ticket to `whom`, by default to who has it, else to all of its team at its level."""
    ticket = story.ticket
    if not whom:
        here = ladder.agents_at(policy, ticket.team, ticket.level)
        whom = (ticket.assignee,) if ticket.assignee else tuple(agent.address for agent in here)
    if not whom:
        return
    story.tell(e.PeopleTold(now, "policy", whom, why))
    deadline = ladder.next_deadline(ticket, policy)
    story.owe(
        *(
            TeamNotice(
                number=ticket.number,
                mailbox=ticket.mailbox,
                to=address,
                language=_language(policy.agents.get(address)),
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
            )
            for address in whom
        )
    )


def _language(agent: Agent | None) -> str:
    return agent.languages[0] if agent and agent.languages else "en"
