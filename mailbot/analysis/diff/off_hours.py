"""Find who is mailed outside office hours under two policies, by the engine of `simulate`.

Each mail that comes outside office hours runs through both policies. Nobody answers until the office opens.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mailbot.analysis.simulate.engine import Outcome, Scenario, run_together
from mailbot.analysis.simulate.recorded_ticket import CommandGiven, TicketScript
from mailbot.domain import commands, events
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.assignment import is_on_duty
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.policy_review.policy_diff import NAMES, Case, Placement
from mailbot.domain.reasons import NO_REASON
from mailbot.domain.routing.conditions import PRIORITIES
from mailbot.domain.routing.routing_facts import mailbox_of
from mailbot.domain.worktime import Calendar, between, is_open, local, next_open

NIGHT = (22, 6)  # hours of the local day
DAY = timedelta(days=1)
_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PersonMails:
    """The number of tickets that a person is mailed about at night, and at other times outside office hours.

    A ticket may count for both. `name`, `team` and `level` are "" for an address that is no agent's.
    """

    address: str
    name: str
    team: str
    level: str
    old: int
    new: int
    old_night: int
    new_night: int

    @property
    def more(self) -> tuple[int, int]:
        """Return how many more tickets there are at night and at other times."""
        return self.new_night - self.old_night, self.new - self.old


class OffHours:
    """Collects mails that came outside office hours and that the two policies treat differently."""

    def __init__(self, old: Policy, new: Policy, office: Calendar) -> None:
        self._policies, self._office = (old, new), office
        self._scripts: list[list[TicketScript]] = []

    def add(self, case: Case, old: Placement, new: Placement) -> None:
        """Add a mail. One that nobody would be mailed about otherwise is left out."""
        number = f"MAIL-{len(self._scripts) + 1:08d}"
        sides = list(zip(self._policies, (old, new), strict=True))
        routed = [_routed(case.at, policy, placement) for policy, placement in sides]
        if routed[0] and routed[1] and routed[0] != routed[1]:
            opens_at = self._opens_at(case.at)
            self._scripts.append(
                [
                    _script(number, case, policy, each, opens_at)
                    for policy, each in zip(self._policies, routed, strict=True)
                    if each
                ]
            )

    def _opens_at(self, at: datetime) -> datetime:
        try:
            return next_open(self._office, at)
        except ValueError:  # it never opens again
            return at + DAY

    def result(self) -> tuple[PersonMails, ...]:
        """List the people whose numbers change, who is woken most more often first."""
        found = {
            (index, self._is_night(outcome.at), who, outcome.script.number)
            for index, outcome in self._outcomes()
            for who in _recipients(outcome)
            if self._is_disturbed(self._policies[index], who, outcome.at)
        }
        counts = Counter(key[:3] for key in found)
        people = [
            self._person(who, *(counts[index, night, who] for night in (False, True) for index in (0, 1)))
            for who in sorted({who for _, _, who in counts})
        ]
        changed = [each for each in people if any(each.more)]
        return tuple(sorted(changed, key=lambda each: each.more, reverse=True))

    def _outcomes(self) -> Iterator[tuple[int, Outcome]]:
        scenarios = [Scenario(_always(policy), only=policy) for policy in self._policies]
        scripts = sorted(self._scripts, key=lambda pair: pair[0].opened.at)
        for index, _, outcome in run_together(scenarios, scripts, _END):
            yield index, outcome

    def _is_disturbed(self, policy: Policy, who: str, at: datetime) -> bool:
        """Check for a mail outside office hours to somebody who is not on a shift then.

        Who is on call round the clock is disturbed, too.
        """
        if is_open(self._office, at):
            return False
        agent = policy.agents.get(who)
        return agent is None or not is_on_duty(agent, policy, at) or _is_on_call(agent, policy, at)

    def _is_night(self, at: datetime) -> bool:
        hour = local(self._office, at).hour
        return hour >= NIGHT[0] or hour < NIGHT[1]

    def _person(self, who: str, *counts: int) -> PersonMails:
        for policy in reversed(self._policies):
            for team in policy.teams.values():
                for agent in team.agents:
                    if agent.address == who:
                        return PersonMails(who, agent.name, team.name, agent.level, *counts)
        return PersonMails(who, "", "", "", *counts)


def _always(policy: Policy) -> Callable[[str], Policy]:
    return lambda _version: policy


def _is_on_call(agent: Agent, policy: Policy, at: datetime) -> bool:
    return between(policy.agent_calendars[agent.address], at, at + DAY) == DAY


def _recipients(outcome: Outcome) -> Iterator[str]:
    """List who is mailed: all by the ladder, and of new tickets those of the highest priority."""
    if outcome.before is None and outcome.after.priority != PRIORITIES[-1]:
        return
    for event in outcome.events:
        if isinstance(event, events.PeopleNotified | events.DecisionRequested):
            yield from (who for who in event.recipients if who != outcome.after.customer)


def _routed(at: datetime, policy: Policy, placement: Placement) -> events.TicketRouted | None:
    """Return the routing of this placement, None where this policy lacks its team or its ladder."""
    values = {name: placement.values[name] for name in NAMES if name != "details"}
    digest = policy.digests.get(str(values["ladder"]), "")
    if not digest or values["team"] not in policy.teams:
        return None
    return events.TicketRouted(at, POLICY, reason=NO_REASON, ladder_digest=digest, **values)  # type: ignore[arg-type]


def _script(
    number: str, case: Case, policy: Policy, routed: events.TicketRouted, opens_at: datetime
) -> TicketScript:
    box = mailbox_of(case.envelope, policy).address
    opened = events.TicketOpened(case.at, CUSTOMER, box, "customer", "", case.mail.language, "")
    end = CommandGiven(opens_at, "", commands.Close("the office opens"), Actor.operator())
    acknowledged = events.AcknowledgementEnqueued(case.at, POLICY)
    return TicketScript(number, "", opened, routed, (end,), acknowledged)
