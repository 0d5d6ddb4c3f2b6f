"""What a snapshot shows: counts in all, by team and level, by person, and the tickets behind each count."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailbot.console.board.now import Now
from mailbot.domain import ladder
from mailbot.domain.assignment import NEVER, is_on_duty, next_duty
from mailbot.domain.day.standing import Standing, State
from mailbot.domain.policy import Agent, Policy

Counts = Mapping[State, int]
Stands = tuple[Standing, frozenset[State]]  # a ticket, and what holds of it


@dataclass(frozen=True, slots=True)
class Group:
    """The tickets of a team at a level, counted by what holds of them."""

    team: str
    level: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Person:
    """An agent with the own tickets. `agent`: None for one who is no agent any more.

    `back`: when the agent is on duty next, None for one who is now, or never.
    """

    address: str
    name: str
    team: str
    level: str
    agent: Agent | None
    counts: Counts
    on_duty: bool = False
    back: datetime | None = None

    @property
    def rests(self) -> bool:
        """Check whether nothing is to be watched: off duty, without a ticket."""
        return not (self.on_duty or self.counts)


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, of one team or of all. `asking`: numbers of tickets with a question that waits."""

    whole: Counts
    groups: Sequence[Group]
    people: Sequence[Person]
    asking: Sequence[str]


def overview(snapshot: Now, policy: Policy, team: str = "") -> Overview:
    """Count the tickets of a snapshot; of one team where it is named."""
    found = [(each, each.states(snapshot.at)) for each in snapshot.standings if team in ("", each.team)]
    asking = [each.number for each, _ in found if each.asks]
    people = _people(found, policy, snapshot.at, team)
    return Overview(_count(found), _groups(found, policy), people, asking)


def find(snapshot: Now, state: State, team: str | None, level: str | None, agent: str | None) -> list[str]:
    """List the numbers that a count counts, the earliest promise first. None: whatever it is."""
    found = [
        each
        for each in snapshot.standings
        if team in (None, each.team)
        and level in (None, each.level)
        and agent in (None, each.assignee)
        and state in each.states(snapshot.at)
    ]
    found.sort(key=lambda each: (each.promised_at is None, each.promised_at or snapshot.at, each.number))
    return [each.number for each in found]


def _count(stands: Iterable[Stands]) -> Counts:
    counts: Counter[State] = Counter()
    for _, states in stands:
        counts.update(states)
    return counts


def _groups(stands: Iterable[Stands], policy: Policy) -> list[Group]:
    """Count by team and level, as the policy lists them; what it has no more comes last."""
    found: dict[tuple[str, str], list[Stands]] = {}
    for each in stands:
        found.setdefault((each[0].team, each[0].level), []).append(each)
    places = {name: place for place, name in enumerate(policy.teams)}

    def order(of: tuple[str, str]) -> tuple[int, str, int, str]:
        team, level = of
        return places.get(team, len(places)), team, ladder.rank_of(policy, level), level

    return [Group(*of, _count(found[of])) for of in sorted(found, key=order)]


def _people(stands: Iterable[Stands], policy: Policy, now: datetime, team: str) -> list[Person]:
    """Return the agents of the team, and who else has its tickets; those who left come first."""
    own: dict[str, list[Stands]] = {}
    for each in stands:
        if each[0].assignee:
            own.setdefault(each[0].assignee, []).append(each)
    counts = {address: _count(mine) for address, mine in own.items()}
    gone = [
        Person(address, address, "", "", None, counts[address])
        for address in sorted(counts.keys() - policy.agents.keys())
    ]
    here = {
        agent.address: _person(agent, name, counts.get(agent.address, Counter()), policy, now)
        for name, each in policy.teams.items()
        for agent in sorted(each.agents, key=lambda one: (ladder.rank_of(policy, one.level), one.name))
        if team in ("", name) or agent.address in own
    }
    return [*gone, *here.values()]


def _person(agent: Agent, team: str, counts: Counts, policy: Policy, now: datetime) -> Person:
    on_duty = is_on_duty(agent, policy, now)
    back = None if on_duty else next_duty(agent, policy, now)
    back = None if back == NEVER else back
    return Person(agent.address, agent.name, team, agent.level, agent, counts, on_duty, back)
