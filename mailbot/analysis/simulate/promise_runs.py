"""The promises of a simulation, each from its begin to its end: kept or missed, and by which team.

A promise counts in the period in which it ends. One that ends because no answer was needed counts as neither.
"""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime

from mailbot.analysis.simulate.duty import Roster
from mailbot.analysis.simulate.engine import Outcome
from mailbot.domain import events as e
from mailbot.domain.actor import POLICY
from mailbot.domain.ladder import MISSED, after_span
from mailbot.domain.model import Clock, Target, Ticket, Turn

ANSWERS = (Target.FIRST_RESPONSE, Target.NEXT_RESPONSE)
COUNTED = (*ANSWERS, Target.RESOLUTION)
MOST = 5_000  # answers that are kept of a team's level, the newest
MOST_RESOLUTIONS = 20_000
Place = tuple[str, str]  # team, level


@dataclass(slots=True)
class Run:
    """One promise. `owner` had the ticket when it ended or was missed. `ended_at` None: nobody acted so far.

    `team` and `level` are those where it began. `answered`: the customer had an answer when it was missed.
    """

    number: str
    target: Target
    ladder: str
    team: str
    level: str
    since: datetime
    due_at: datetime
    missed: bool = False
    ended_at: datetime | None = None
    owner: str = ""
    agent: str = ""  # who answered
    answered: bool = False


class PromiseRuns:
    """Follows the clocks of tickets. Pass outcomes in the order of time.

    Steps are counted by ladder and index. One is in vain when the next comes before anybody acts; of these
    `unattended` counts how often nobody at its level was on duty in between.
    """

    def __init__(self, roster: Roster, since: datetime) -> None:
        self._roster, self._policy, self._since = roster, roster.policy, since
        self._running: dict[str, dict[Target, Run]] = {}
        self._steps: dict[str, tuple[e.StepTaken, Ticket]] = {}
        self.counts: Counter[tuple[str, Target, bool]] = Counter()  # ladder, target, missed
        self.answers: dict[Place, deque[Run]] = {}
        self.resolutions: deque[Run] = deque(maxlen=MOST_RESOLUTIONS)
        self.steps_taken: Counter[tuple[str, int]] = Counter()
        self.in_vain: Counter[tuple[str, int]] = Counter()
        self.unattended: Counter[tuple[str, int]] = Counter()

    def take(self, outcome: Outcome) -> None:
        ticket = outcome.after
        running = self._running.setdefault(ticket.number, {})
        if outcome.overtaken and outcome.overtaken.step == MISSED:
            self._miss(running, outcome.overtaken.target, outcome.overtaken.due_at, ticket)
        for event in outcome.events:
            self._follow(running, event, outcome.before or ticket)
        self._watch(running, ticket, outcome.at)
        self._follow_steps(outcome)
        if outcome.over:
            for run in self._running.pop(ticket.number).values():
                self._end(run, outcome.at, acted=False)

    def _follow(self, running: dict[Target, Run], event: e.Event, ticket: Ticket) -> None:
        match event:
            case e.TargetMissed(target=target, due_at=due_at):
                self._miss(running, target, due_at, ticket)
            case e.AgentAnswered(at=at, agent=agent):
                for target in ANSWERS:
                    if run := running.pop(target, None):
                        run.agent, run.owner = agent, run.owner or ticket.assignee or ""
                        self._end(run, at)
            case e.TicketClosed(at=at):
                if run := running.pop(Target.RESOLUTION, None):
                    self._end(run, at)

    def _miss(self, running: dict[Target, Run], target: Target, due_at: datetime, ticket: Ticket) -> None:
        if run := running.get(target):
            run.missed, run.due_at, run.owner = True, due_at, ticket.assignee or ""
            run.answered = ticket.first_response_at is not None

    def _watch(self, running: dict[Target, Run], ticket: Ticket, at: datetime) -> None:
        """Begin and end promises by the clocks of the ticket."""
        clocks = {clock.target: clock for clock in ticket.clocks if clock.target in COUNTED}
        for target in running.keys() - clocks.keys():
            self._end(running.pop(target), at, acted=False)
        for target in clocks.keys() - running.keys():
            if MISSED not in clocks[target].fired:
                running[target] = self._begin(clocks[target], ticket, at)

    def _begin(self, clock: Clock, ticket: Ticket, at: datetime) -> Run:
        team = self._policy.teams.get(ticket.team)
        due_at = at + clock.span
        if team:
            due_at = after_span(self._policy.calendars[team.calendar], at, clock.span - clock.spent)
        place = (ticket.ladder, ticket.team, ticket.level)
        return Run(ticket.number, clock.target, *place, at, clock.ends_at or due_at)

    def _end(self, run: Run, at: datetime, *, acted: bool = True) -> None:
        if at < self._since or not (acted or run.missed):
            return
        run.ended_at = at if acted else None
        self.counts[run.ladder, run.target, run.missed] += 1
        if run.target in ANSWERS:
            self.answers.setdefault((run.team, run.level), deque(maxlen=MOST)).append(run)
        else:
            self.resolutions.append(run)

    # --- steps ---

    def _follow_steps(self, outcome: Outcome) -> None:
        number, ticket = outcome.after.number, outcome.after
        if any(map(_acts, outcome.events)):
            self._end_step(number, outcome.at, in_vain=False)
        for event in outcome.events:
            if isinstance(event, e.StepTaken):
                self._end_step(number, outcome.at, in_vain=True)
                self._steps[number] = event, ticket
        if outcome.over:
            self._steps.pop(number, None)  # nobody knows what comes after the period

    def _end_step(self, number: str, at: datetime, *, in_vain: bool) -> None:
        if (found := self._steps.pop(number, None)) is None or at < self._since:
            return
        step, ticket = found
        key = step.ladder, step.step
        self.steps_taken[key] += 1
        if in_vain:
            self.in_vain[key] += 1
            span = step.at.timestamp(), at.timestamp()
            self.unattended[key] += not self._roster.is_anybody_there(ticket.team, ticket.level, *span)


def _acts(event: e.Event) -> bool:
    """Check for an act of a person that a step is there to bring about."""
    match event:
        case e.AgentAnswered() | e.TicketClosed() | e.DecisionMade():
            return True
        case e.TurnSet(turn=turn):
            return turn is not Turn.OURS
    return isinstance(event, e.TicketAssigned | e.NewsPromised) and event.by != POLICY
