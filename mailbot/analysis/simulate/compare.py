"""Two policies over the same tickets: which tickets change, and all that each policy does."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mailbot.analysis.simulate.engine import Outcome
from mailbot.domain import events as e
from mailbot.domain.events import Event
from mailbot.domain.model import Ticket

MOST = 200  # lines of one ticket that are kept for showing


@dataclass(frozen=True, slots=True)
class Line:
    """One act of a policy or a person. `whom` are the recipients. `due_at` is None for consequences of
    another act."""

    at: datetime
    number: str
    what: str  # "opened", "step", "missed", "reminder", "escalated", "handed over", "asked", "told", ...
    said: str
    due_at: datetime | None = None
    whom: tuple[str, ...] = ()
    team: str = ""
    level: str = ""
    priority: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """What is compared of a ticket: first team, priority, levels it reached, targets it missed at least
    once."""

    team: str
    priority: str
    levels: tuple[str, ...]
    missed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A ticket as each policy treats it, with all acts."""

    number: str
    old: Path
    new: Path
    old_lines: tuple[Line, ...]
    new_lines: tuple[Line, ...]


def lines(outcome: Outcome) -> list[Line]:
    """Describe one decision, for people and for files."""
    found: list[Line] = []
    ticket = outcome.after
    if outcome.before is None:
        said = f"{ticket.rule}: {ticket.team}, {ticket.level}, {ticket.priority}"
        found.append(_line(outcome.at, ticket, "opened", said))
    for event in outcome.events:
        line = _line_of(event, ticket)
        if line:
            found.append(line)
    return found


def _line_of(event: Event, ticket: Ticket) -> Line | None:
    at = event.at
    match event:
        case e.StepTaken(due_at=due_at, step=step, ladder=ladder, reason=reason):
            return _line(at, ticket, "step", f"{step + 1} of {ladder}: {reason}", due_at)
        case e.TargetMissed(due_at=due_at, target=target):
            return _line(at, ticket, "missed", target.value, due_at)
        case e.ReminderDue(due_at=due_at, target=target):
            return _line(at, ticket, "reminder", target.value, due_at)
        case e.TicketEscalated(level=level, by=by):
            return _line(at, ticket, "escalated", f"to {level} by {by}")
        case e.TicketHandedOver(team=team):
            return _line(at, ticket, "handed over", f"to {team}")
        case e.TicketAssigned(assignee=assignee, reason=reason):
            return _line(at, ticket, "assigned", f"to {assignee}: {reason}")
        case e.DecisionRequested(recipients=whom, question=question):
            return _line(at, ticket, "asked", question, whom=whom)
        case e.PeopleNotified(recipients=whom, why=why, reason=reason):
            return _line(at, ticket, "told", str(reason) or why.value, whom=whom)
        case e.CustomerWrote() | e.AgentAnswered() | e.TicketClosed() | e.TicketReopened():
            return _line(at, ticket, _HUMAN_ACTS[type(event)], f"by {event.by}")
    return None


_HUMAN_ACTS: dict[type, str] = {
    e.CustomerWrote: "customer wrote",
    e.AgentAnswered: "answered",
    e.TicketClosed: "closed",
    e.TicketReopened: "reopened",
}


def _line(
    at: datetime,
    ticket: Ticket,
    what: str,
    said: str,
    due_at: datetime | None = None,
    whom: tuple[str, ...] = (),
) -> Line:
    return Line(at, ticket.number, what, said, due_at, whom, ticket.team, ticket.level, ticket.priority)


class _OpenTicket:
    __slots__ = ("levels", "lines", "missed", "priority", "team")

    def __init__(self) -> None:
        self.team = self.priority = ""
        self.levels: list[str] = []
        self.missed: set[str] = set()
        self.lines: list[Line] = []

    def way(self) -> Path:
        return Path(self.team, self.priority, tuple(self.levels), tuple(sorted(self.missed)))


class PolicyComparison:
    """Compares tickets as soon as they are finished under both policies.

    Keeps the lines of the first `limit` changed tickets and of those in `wanted`.
    """

    def __init__(self, since: datetime, limit: int, wanted: Collection[str] = ()) -> None:
        self.otherwise: list[Changed] = []
        self.wanted: list[Changed] = []
        self.same = 0
        self.moves: Counter[tuple[Path, Path]] = Counter()
        self._since, self._limit, self._wanted = since, limit, frozenset(wanted)
        self._running: tuple[dict[str, _OpenTicket], dict[str, _OpenTicket]] = ({}, {})
        self._finished: tuple[dict[str, _OpenTicket], dict[str, _OpenTicket]] = ({}, {})

    def take(self, variant: int, outcome: Outcome) -> None:
        """Record an outcome. `variant` is 0 for the old policy, 1 for the new one."""
        number = outcome.script.number
        open_ticket = self._running[variant].get(number)
        if open_ticket is None:
            open_ticket = self._running[variant][number] = _OpenTicket()
        self._follow(open_ticket, outcome)
        if not outcome.over:
            return
        del self._running[variant][number]
        other = self._finished[1 - variant].pop(number, None)
        if other is None:
            self._finished[variant][number] = open_ticket
            return
        self._compare(number, *((other, open_ticket) if variant else (open_ticket, other)))

    def _follow(self, open_ticket: _OpenTicket, outcome: Outcome) -> None:
        ticket = outcome.after
        if outcome.before is None:
            open_ticket.team, open_ticket.priority, open_ticket.levels = (
                ticket.team,
                ticket.priority,
                [ticket.level],
            )
        in_period = outcome.at >= self._since
        for event in outcome.events:
            if isinstance(event, e.TicketEscalated) and in_period:
                open_ticket.levels.append(event.level)
            elif isinstance(event, e.TargetMissed) and in_period:
                open_ticket.missed.add(event.target.value)
        keeps = len(self.otherwise) < self._limit or ticket.number in self._wanted
        if keeps and len(open_ticket.lines) < MOST:
            open_ticket.lines += lines(outcome)

    def _compare(self, number: str, old: _OpenTicket, new: _OpenTicket) -> None:
        if number in self._wanted:
            changed = Changed(number, old.way(), new.way(), tuple(old.lines), tuple(new.lines))
            self.wanted.append(changed)
        before, after = old.way(), new.way()
        if before == after:
            self.same += 1
            return
        self.moves[before, after] += 1
        if len(self.otherwise) < self._limit:
            self.otherwise.append(Changed(number, before, after, tuple(old.lines), tuple(new.lines)))
