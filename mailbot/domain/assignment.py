"""Who gets a ticket: of the people at its level those on duty, who can do it, and who of them is next.

Each wish narrows the choice only where somebody is left: on duty before skill, skill before language, then
the team's way (`policy.ASSIGN`) among all that are equal. Nobody off duty gets a ticket while somebody of the
same level is on duty.
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

IN_HAND = frozenset({Status.NEW, Status.OPEN})  # what counts as somebody's load: it is our turn
_WITH = {"skill": "has_skill", "language": "has_language"}  # codes of reasons
_WITHOUT = {"skill": "no_skill", "language": "no_language"}
NEVER = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Load:
    """What an agent has in hand: tickets that wait for us, and when the newest was given (None: never)."""

    in_hand: int = 0
    last_at: datetime | None = None


Loads = Mapping[str, Load]  # by the agent's address; who is missing has nothing
NO_LOADS: Loads = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Chosen:
    agent: Agent
    reason: Reason


def choose(
    ticket: Ticket, policy: Policy, now: datetime, loads: Loads = NO_LOADS, *, without: Collection[str] = ()
) -> Chosen | None:
    """Who shall have the ticket from `now` on; None when nobody is left. `without`: addresses passed over."""
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
    """One of `policy.ASSIGN`: what the ticket's rule said, else its team's."""
    team = policy.teams.get(ticket.team)
    return ticket.assign or (team.assign if team else "spread")


def is_on_duty(agent: Agent, policy: Policy, now: datetime) -> bool:
    """Is the agent's own calendar, else the team's, open now, and this no day off?"""
    return is_open(policy.agent_calendars[agent.address], now) and not _is_away(agent, policy, now)


def next_duty(agent: Agent, policy: Policy, now: datetime) -> datetime:
    """The first moment not before `now` at which the agent is on duty; NEVER when that is five years off."""
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
    """Those on duty; when there are none, who comes on duty first, away today only if nobody else does."""
    there = [agent for agent in people if is_on_duty(agent, policy, now)]
    if there:
        return there, reasons.of("on_duty", count=len(there))
    comes = {agent.address: next_duty(agent, policy, now) for agent in people}
    first = min(comes.values())
    soonest = [agent for agent in people if comes[agent.address] == first]
    among = [agent for agent in soonest if not _is_away(agent, policy, now)] or soonest
    if first == NEVER:
        return among, reasons.of("never_on_duty")
    at = local(policy.agent_calendars[among[0].address], first)
    return among, reasons.of("off_duty", at=f"{at:%Y-%m-%d %H:%M %Z}")


def _with(
    people: Sequence[Agent], kind: str, wanted: str, held: Callable[[Agent], tuple[str, ...]]
) -> tuple[Sequence[Agent], Reason]:
    """Those who have it, all of them when nobody has; and that in words."""
    if not wanted:
        return people, NO_REASON
    able = [agent for agent in people if wanted in held(agent)]
    code = _WITH[kind] if able else _WITHOUT[kind]
    return able or people, reasons.of(code, **{kind: wanted})


def _next(among: Sequence[Agent], how: str, number: str, loads: Loads) -> tuple[Agent, Reason]:
    """Who of these equals, by the way. Where loads don't tell, the number's random digits do."""
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
    """The ticket's random digits: even over many tickets, and the same on every node."""
    return int("".join(filter(str.isdigit, number)) or "0")
