"""Questions that a ladder puts before the people of a level, and what they decide."""

from datetime import datetime, timedelta

from mailbot.domain import events as e
from mailbot.domain import ladder, notify
from mailbot.domain.escalation import ownership
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import OVER, Target, Ticket
from mailbot.domain.notices import Question
from mailbot.domain.policy import Policy, Step


def ask(
    builder: DecisionBuilder, step: Step, index: int, because: str, policy: Policy, now: datetime
) -> None:
    """Mail to the people of the level, and the clock at whose end the next step comes. A question that is
    still open is put aside for this one."""
    ticket = builder.ticket
    level = ownership.nearest(policy, ticket.team, step.ask_decision)
    people = ladder.agents_at(policy, ticket.team, level)
    whom = tuple(agent.address for agent in people)
    builder.record(e.DecisionRequested(now, "policy", level, step.question, step.options, whom))
    within: timedelta = step.acknowledge_within or ladder.ladder_of(ticket, policy).repeat
    clocks = ladder.start_step_clock(ticket.clocks, Target.DECISION, within, index, now)
    builder.record(e.ClocksSet(now, "policy", clocks))
    until = ladder.end_of_clock(builder.ticket, policy, Target.DECISION)
    for agent in people:
        builder.notify(
            Question(
                number=ticket.number,
                mailbox=ticket.mailbox,
                to=agent.address,
                language=notify.language_of(agent),
                question=step.question,
                options=", ".join(step.options),
                first=step.options[0] if step.options else "",
                because=because,
                customer=ticket.customer,
                subject=ticket.subject,
                category=ticket.category,
                priority=ticket.priority,
                team=ticket.team,
                level=ticket.level,
                until=until,
            )
        )


def open_question(ticket: Ticket, policy: Policy) -> Step | None:
    """The step whose question nobody has decided yet."""
    clock = next((each for each in ticket.clocks if each.target is Target.DECISION), None)
    return ladder.step_at(ladder.ladder_of(ticket, policy), clock.fired[0]) if clock else None


def decide(
    builder: DecisionBuilder, option: str, because: str, by: str, policy: Policy, now: datetime
) -> str:
    """What a person says to the open question; "" when done, else why not."""
    ticket = builder.ticket
    if ticket.status in OVER:
        return f"{ticket.number} is {ticket.status}"
    asked = open_question(ticket, policy)
    if asked is None:
        return f"{ticket.number} waits for no decision"
    if refusal := _may_not(by, asked, policy):
        return refusal
    meant = next((each for each in asked.options if each.casefold() == option.strip().casefold()), "")
    if not meant:
        return f"{option!r} is no option of {asked.question!r}; there are: {', '.join(asked.options)}"
    builder.record(e.DecisionMade(now, by, meant, because))
    said = f"{asked.question} {meant}{f' ({because})' if because else ''}, by {by}"
    notify.team(builder, policy, now, "decided", said, "")
    return ""


def _may_not(by: str, asked: Step, policy: Policy) -> str:
    """An agent below the level that was asked does not decide for it; an operator acts for somebody."""
    agent = policy.agents.get(by.partition(":")[2]) if by.startswith("agent:") else None
    if agent and ladder.rank_of(policy, agent.level) < ladder.rank_of(policy, asked.ask_decision):
        return f"this is for {asked.ask_decision} to decide, {agent.name} is at {agent.level}"
    return ""
