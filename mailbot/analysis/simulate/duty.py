"""When agents are on duty in a period, as intervals of seconds since 1970."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mailbot.domain import ladder
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.worktime import open_intervals
from mailbot.reports.figures.api import Period

Interval = tuple[float, float]
DAY = timedelta(days=1)
MARGIN = timedelta(days=7)  # promises begin before a period, and the queue goes on after it


class Roster:
    """The duty of the agents of a policy between `since` and `until`."""

    def __init__(self, policy: Policy, since: datetime, until: datetime) -> None:
        self.policy, self._since, self._until = policy, since, until
        self._known: dict[str, list[Interval]] = {}

    def agents(self, team: str, level: str) -> tuple[Agent, ...]:
        """Return who gets tickets of the team at this level."""
        return ladder.agents_at(self.policy, team, level) if team in self.policy.teams else ()

    def duty(self, agent: Agent) -> list[Interval]:
        """Return when an agent is on duty, without days off."""
        if agent.address not in self._known:
            calendar = self.policy.agent_calendars[agent.address]
            found = [
                (start.timestamp(), end.timestamp())
                for start, end in open_intervals(calendar, self._since, self._until)
            ]
            for day in agent.away:
                start = datetime.combine(day, datetime.min.time(), ZoneInfo(calendar.zone))
                found = _without(found, start.timestamp(), (start + DAY).timestamp())
            self._known[agent.address] = found
        return self._known[agent.address]

    def duty_of(self, address: str) -> list[Interval]:
        """Do the same by address. Nobody is on duty who is no agent of this policy."""
        agent = self.policy.agents.get(address)
        return self.duty(agent) if agent else []

    def is_anybody_there(self, team: str, level: str, start: float, end: float) -> bool:
        """Check that somebody who gets these tickets is on duty at some moment between the two."""
        return any(overlaps(self.duty(agent), start, end) for agent in self.agents(team, level))


def roster_of(policy: Policy, period: Period) -> Roster:
    """Return the roster of a period and a week around it."""
    return Roster(policy, period.since - MARGIN, period.until + MARGIN)


def overlaps(duty: Sequence[Interval], start: float, end: float) -> bool:
    """Check that a part of the duty lies between the two."""
    place = bisect_right(duty, (end, 0.0))
    return place > 0 and duty[place - 1][1] > start


def next_on_duty(duty: Sequence[Interval], at: float) -> float | None:
    """Return the first moment on duty that is not before `at`."""
    place = bisect_right(duty, (at, float("inf")))
    if place and duty[place - 1][1] > at:
        return at
    return duty[place][0] if place < len(duty) else None


def _without(duty: Sequence[Interval], start: float, end: float) -> list[Interval]:
    kept = []
    for first, last in duty:
        kept += [
            (low, high) for low, high in ((first, min(last, start)), (max(first, end), last)) if low < high
        ]
    return kept
