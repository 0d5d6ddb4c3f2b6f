"""Questions of a ladder to the people of a level, and what they decide."""

from datetime import datetime
from typing import Any

from mailbot.domain import events as e
from mailbot.domain import ladder, notify, reasons, ticket_clocks
from mailbot.domain.actor import POLICY, Actor, ActorKind
from mailbot.domain.escalation import ownership
from mailbot.domain.ladder import open_question
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import OVER, NoticeKind, Target
from mailbot.domain.notices import Question
from mailbot.domain.policy import Policy, Step
from mailbot.domain.reasons import Reason, Refusal


def ask(
    builder: DecisionBuilder, step: Step, index: int, because: Reason, policy: Policy, now: datetime
) -> None:
    """Ask the people of the level, and start the clock at whose end the next step comes.

    This question replaces one that is still open.
    """
    ticket = builder.ticket
    level = ownership.nearest_level(policy, ticket.team, step.ask_decision)
    people = ladder.agents_at(policy, ticket.team, level)
    recipients = tuple(agent.address for agent in people)
    builder.record(e.DecisionRequested(now, POLICY, level, step.question, step.options, recipients))
    within = step.acknowledge_within or ladder.ladder_of(ticket, policy).repeat
    clocks = ticket_clocks.start_step_clock(ticket.clocks, Target.DECISION, within, index, now)
    builder.record(e.ClocksSet(now, POLICY, clocks))
    until = ladder.end_of_clock(builder.ticket, policy, Target.DECISION)
    copied: dict[str, Any] = {name: getattr(ticket, name) for name in notify.OF_TICKET}
    for agent in people:
        builder.notify(
            Question(
                **copied,
                to=agent.address,
                language=notify.language_of(agent),
                question=step.question,
                options=", ".join(step.options),
                first=step.options[0] if step.options else "",
                because=because,
                until=until,
                choices=step.options,
            )
        )


def decide(
    builder: DecisionBuilder, option: str, because: str, by: Actor, policy: Policy, now: datetime
) -> Refusal | None:
    """Record a person's decision on the open question. `because`: the person's words."""
    ticket = builder.ticket
    if ticket.status in OVER:
        return reasons.refuse("ticket_over", ticket=ticket.number, status=ticket.status)
    asked = open_question(ticket, policy)
    if asked is None:
        return reasons.refuse("no_question", ticket=ticket.number)
    if refusal := _below_level(by, asked, policy):
        return refusal
    chosen = next((each for each in asked.options if each.casefold() == option.strip().casefold()), "")
    if not chosen:
        options = ", ".join(asked.options)
        return reasons.refuse("no_option", option=option, question=asked.question, options=options)
    builder.record(e.DecisionMade(now, by, chosen, reasons.written(because)))
    params = {"question": asked.question, "option": chosen, "actor": str(by)}
    reason = Reason("decided_because", {**params, "text": because}) if because else Reason("decided", params)
    notify.notify_team(builder, policy, now, NoticeKind.DECIDED, reason)
    return None


def _below_level(by: Actor, asked: Step, policy: Policy) -> Refusal | None:
    """Refuse an agent below the level that was asked; an operator acts for an agent."""
    agent = policy.agents.get(by.name) if by.kind is ActorKind.AGENT else None
    if agent and ladder.rank_of(policy, agent.level) < ladder.rank_of(policy, asked.ask_decision):
        asked_level = asked.ask_decision
        return reasons.refuse("decision_of_level", asked=asked_level, agent=agent.name, level=agent.level)
    return None
