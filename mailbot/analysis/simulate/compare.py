"""Two policies over the same tickets: which go another way, what each policy would have told whom when."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailbot.analysis.simulate.engine import Outcome
from mailbot.domain import events as e
from mailbot.domain.events import Event
from mailbot.domain.model import Ticket

MOST = 200  # lines of one ticket that are kept for showing


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a policy did. `whom`: who was told; `due_at`: None for what follows from another."""

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
    """How a ticket went, as far as it is compared: its first team, the levels that it reached, which promises
    were broken (however often)."""

    team: str
    priority: str
    levels: tuple[str, ...]
    missed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A ticket as each policy has it, with all that it did."""

    number: str
    old: Path
    new: Path
    old_lines: tuple[Line, ...]
    new_lines: tuple[Line, ...]


def lines(outcome: Outcome) -> list[Line]:
    """What one decision was, for people and for files."""
    found: list[Line] = []
    ticket = outcome.after
    if outcome.before is None:
        said = f"{ticket.rule}: {ticket.team}, {ticket.level}, {ticket.priority}"
        found.append(_line(outcome.at, ticket, "opened", said))
    for event in outcome.events:
        line = _said(event, ticket)
        if line:
            found.append(line)
    return found


def _said(event: Event, ticket: Ticket) -> Line | None:
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
            return _line(at, ticket, _DONE[type(event)], f"by {event.by}")
    return None


_DONE: dict[type, str] = {
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
    """Give it all that happens on both sides; tickets are compared when they are over on both.

    `limit`: so many that go another way are kept with their lines, and those `wanted`.
    """

    def __init__(self, since: datetime, limit: int, wanted: Collection[str] = ()) -> None:
        self.otherwise: list[Changed] = []
        self.wanted: list[Changed] = []
        self.same = 0
        self.moves: Counter[tuple[Path, Path]] = Counter()
        self._since, self._limit, self._names = since, limit, frozenset(wanted)
        self._under_way: tuple[dict[str, _OpenTicket], dict[str, _OpenTicket]] = ({}, {})
        self._over: tuple[dict[str, _OpenTicket], dict[str, _OpenTicket]] = ({}, {})

    def take(self, variant: int, outcome: Outcome) -> None:
        """`variant`: 0 is the old policy, 1 the new one."""
        number = outcome.script.number
        open_ticket = self._under_way[variant].get(number)
        if open_ticket is None:
            open_ticket = self._under_way[variant][number] = _OpenTicket()
        self._follow(open_ticket, outcome)
        if not outcome.over:
            return
        del self._under_way[variant][number]
        other = self._over[1 - variant].pop(number, None)
        if other is None:
            self._over[variant][number] = open_ticket
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
        counts = outcome.at >= self._since
        for event in outcome.events:
            if isinstance(event, e.TicketEscalated) and counts:
                open_ticket.levels.append(event.level)
            elif isinstance(event, e.TargetMissed) and counts:
                open_ticket.missed.add(event.target.value)
        keeps = len(self.otherwise) < self._limit or ticket.number in self._names
        if keeps and len(open_ticket.lines) < MOST:
            open_ticket.lines += lines(outcome)

    def _compare(self, number: str, old: _OpenTicket, new: _OpenTicket) -> None:
        if number in self._names:
            told = Changed(number, old.way(), new.way(), tuple(old.lines), tuple(new.lines))
            self.wanted.append(told)
        before, after = old.way(), new.way()
        if before == after:
            self.same += 1
            return
        self.moves[before, after] += 1
        if len(self.otherwise) < self._limit:
            self.otherwise.append(Changed(number, before, after, tuple(old.lines), tuple(new.lines)))


def late(line: Line) -> timedelta:
    """How long after it was due."""
    return line.at - line.due_at if line.due_at else timedelta()
