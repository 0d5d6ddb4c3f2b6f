"""Choose who gets a ticket among the agents at its level: on duty, then skill, then language.

Each criterion narrows the choice only where it leaves at least one agent. The team's way of assignment
(`policy.ASSIGN`) chooses among the rest. No agent off duty gets a ticket while one of the same level is on
duty.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from mailbot.domain import ladder, reasons
from mailbot.domain.model import Status, Ticket
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.worktime import is_open, local, next_open

IN_HAND = frozenset({Status.NEW, Status.OPEN})  # what counts as an agent's load: it is our turn
_WITH = {"skill": "has_skill", "language": "has_language"}  # codes of reasons
_WITHOUT = {"skill": "no_skill", "language": "no_language"}
NEVER = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Load:
    """An agent's load: open tickets where it is our turn, and when the newest was assigned (None: never)."""

    in_hand: int = 0
    last_at: datetime | None = None


Loads = Mapping[str, Load]  # by the agent's address; a missing one has no load
NO_LOADS: Loads = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Chosen:
    """The chosen agent, and why."""

    agent: Agent
    reason: Reason


def choose(
    ticket: Ticket, policy: Policy, now: datetime, loads: Loads = NO_LOADS, *, without: Collection[str] = ()
) -> Chosen | None:
    """Choose the agent for the ticket at `now`; None when there is none. `without`: excluded addresses."""
    here = ladder.agents_at(policy, ticket.team, ticket.level)
    here = tuple(agent for agent in here if agent.address not in without)
    if not here:
        return None
    among, duty = _by_duty(here, policy, now)
    among, skill = _with(among, "skill", ticket.skill, lambda agent: agent.skills)
    among, language = _with(among, "language", ticket.language, lambda agent: agent.languages)
    agent, turn = _next(among, way(ticket, policy), ticket.number, loads)
    return Chosen(agent, reasons.together(duty, skill, language, turn))


def way(ticket: Ticket, policy: Policy) -> str:
    """Return one of `policy.ASSIGN`: the ticket's rule's, else its team's."""
    team = policy.teams.get(ticket.team)
    return ticket.assign or (team.assign if team else "spread")


def is_on_duty(agent: Agent, policy: Policy, now: datetime) -> bool:
    """Check that the agent's calendar is open now and the day is no day off."""
    return is_open(policy.agent_calendars[agent.address], now) and not _is_away(agent, policy, now)


def next_duty(agent: Agent, policy: Policy, now: datetime) -> datetime:
    """Return when the agent is on duty next, `now` included; NEVER if not in five years."""
    calendar, at = policy.agent_calendars[agent.address], now
    while True:
        try:
            at = next_open(calendar, at)
        except ValueError:
            return NEVER
        if not _is_away(agent, policy, at):
            return at
        tomorrow = local(calendar, at).date() + timedelta(days=1)
        at = datetime.combine(tomorrow, time(), ZoneInfo(calendar.zone)).astimezone(UTC)


def _is_away(agent: Agent, policy: Policy, at: datetime) -> bool:
    return bool(agent.away) and local(policy.agent_calendars[agent.address], at).date() in agent.away


def _by_duty(people: Sequence[Agent], policy: Policy, now: datetime) -> tuple[Sequence[Agent], Reason]:
    """Return the agents on duty; if there are none, the first to come. One who is away today comes last."""
    on_duty = [agent for agent in people if is_on_duty(agent, policy, now)]
    if on_duty:
        return on_duty, reasons.of("on_duty", count=len(on_duty))
    duties = {agent.address: next_duty(agent, policy, now) for agent in people}
    first = min(duties.values())
    soonest = [agent for agent in people if duties[agent.address] == first]
    among = [agent for agent in soonest if not _is_away(agent, policy, now)] or soonest
    if first == NEVER:
        return among, reasons.of("never_on_duty")
    at = local(policy.agent_calendars[among[0].address], first)
    return among, reasons.of("off_duty", at=f"{at:%Y-%m-%d %H:%M %Z}")


def _with(
    people: Sequence[Agent], kind: str, wanted: str, held: Callable[[Agent], tuple[str, ...]]
) -> tuple[Sequence[Agent], Reason]:
    """Return the agents with the skill or language, all of them when none has it; with the reason."""
    if not wanted:
        return people, NO_REASON
    able = [agent for agent in people if wanted in held(agent)]
    code = _WITH[kind] if able else _WITHOUT[kind]
    return able or people, reasons.of(code, **{kind: wanted})


def _next(among: Sequence[Agent], how: str, number: str, loads: Loads) -> tuple[Agent, Reason]:
    """Choose among equals by the way of assignment; the number's random digits decide what loads don't."""
    if len(among) == 1:
        return among[0], NO_REASON

    def last_at(agent: Agent) -> datetime:
        return loads.get(agent.address, Load()).last_at or _LONG_AGO

    if how == "round_robin":
        return min(among, key=last_at), reasons.of("round_robin")
    if how == "least_load":
        fewest = min(loads.get(agent.address, Load()).in_hand for agent in among)
        least = [agent for agent in among if loads.get(agent.address, Load()).in_hand == fewest]
        oldest = min(map(last_at, least))
        equal = [agent for agent in least if last_at(agent) == oldest]
        return equal[_digits(number) % len(equal)], reasons.of("least_load", count=fewest)
    return among[_digits(number) % len(among)], reasons.of("spread")


def _digits(number: str) -> int:
    """Return the ticket's random digits: even over many tickets, and the same on every node."""
    return int("".join(filter(str.isdigit, number)) or "0")
