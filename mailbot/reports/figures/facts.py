"""What figures are counted from: one small value for each thing of interest in a ticket's life.

Every fact says when (`at`) and which team had the ticket then (`team`); where its ticket began to be ours
(`began`): when it was opened, for a part split off when that mail came, for held mail when it was released.
Wall time is all the time between two moments; work time is that of the team's calendar while it was our turn
(new or open, as the clocks of promises run; not while we waited for the customer).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailbot.domain.model import Target


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket is there for people to work on."""

    at: datetime
    team: str
    rule: str
    category: str
    subject: str
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Left:
    """It is no longer open. `how`: "closed", "merged", or "retold" (messages that went away took the turn
    along). `wall` and `work`: since it began; None unless closed."""

    at: datetime
    team: str
    how: str
    assignee: str
    wall: timedelta | None
    work: timedelta | None


@dataclass(frozen=True, slots=True)
class Returned:
    """It is open once more. `how`: "reopened", "unmerged", "retold"."""

    at: datetime
    team: str
    how: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An agent's answer left. `which`: "first" of the ticket, "next" to what the customer wrote since the
    last one, or "more" (nobody had asked again). Times: since the ticket began, since the first mail that
    was not answered yet; None for "more"."""

    at: datetime
    team: str
    agent: str
    which: str
    wall: timedelta | None
    work: timedelta | None


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise came to its end. Missed at the moment in which TargetMissed says so; kept when the answer
    left or the ticket was closed before. A promise that ends otherwise (no answer was needed any more, the
    ticket was merged) is neither."""

    at: datetime
    team: str
    target: Target
    priority: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Confirmed:
    """After an escalation the new owner acted (`kept`: within the time given), or the time was over."""

    at: datetime
    team: str
    wall: timedelta
    work: timedelta
    kept: bool


@dataclass(frozen=True, slots=True)
class Escalated:
    """The level was raised to `level`: by the ladder, or by a person (`manual`)."""

    at: datetime
    team: str
    rule: str
    level: str
    manual: bool


@dataclass(frozen=True, slots=True)
class HandedOver:
    """To `team`, from another."""

    at: datetime
    team: str


@dataclass(frozen=True, slots=True)
class Scored:
    """The customer's mark, 1 to 5."""

    at: datetime
    team: str
    score: int


@dataclass(frozen=True, slots=True)
class Stood:
    """How a ticket stood at a border, `at`: after all before it, before all at it. Of the time since the
    border before: how often it was closed (`closings`), how many of these were undone (`undone`), and
    whether it was closed and is scored (`rated`)."""

    at: datetime
    team: str
    assignee: str
    began: datetime
    is_open: bool
    closings: int
    undone: int
    rated: bool


Fact = Opened | Left | Returned | Answered | Promised | Confirmed | Escalated | HandedOver | Scored | Stood
