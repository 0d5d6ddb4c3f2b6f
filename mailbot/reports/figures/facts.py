"""The facts that figures are counted from: one small value for each thing of interest in a ticket's life.

- `at`: when. `team`: which team had the ticket then.
- `began`: when the ticket became ours: opened, split off (when that mail came), or released from being held.
- Wall time is all the time between two moments.
- Work time is that of the team's calendar while it was our turn or a third party's, as the clock of the resolution
  runs.
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
    channel: str = "mail"


@dataclass(frozen=True, slots=True)
class Filed:
    """A machine's mail about no ticket of ours was filed."""

    at: datetime
    team: str


@dataclass(frozen=True, slots=True)
class IncidentBegan:
    """Many similar complaints became one incident."""

    at: datetime
    team: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Rules chose a category for a ticket that came `at`, and people settled on one: the same or another."""

    at: datetime
    team: str
    chosen: str
    settled: str


@dataclass(frozen=True, slots=True)
class Left:
    """The ticket is no longer open.

    `how`: "closed", "merged", or "rebuilt" (messages that moved away took the turn along). `wall` and `work`:
    since it began; None unless closed. `cause`: chosen at closing, "" for none.
    """

    at: datetime
    team: str
    how: str
    assignee: str
    wall: timedelta | None
    work: timedelta | None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """The ticket is open once more. `how`: "reopened", "unmerged", "rebuilt"."""

    at: datetime
    team: str
    how: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An agent answered.

    `which`: "first" of the ticket, "next" to what the customer wrote since the last answer, or "more"
    (unasked). Times: since the ticket began, or since the first unanswered mail; None for "more".
    """

    at: datetime
    team: str
    agent: str
    which: str
    wall: timedelta | None
    work: timedelta | None


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise ended: kept or missed, see `promises`."""

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
    """The customer's mark, 1 to 5. `replaces`: the mark before, where it was changed."""

    at: datetime
    team: str
    rule: str
    level: str
    score: int
    replaces: "Scored | None" = None


@dataclass(frozen=True, slots=True)
class Stood:
    """The state of a ticket at a border `at`: after all events before it.

    Since the border before: `closings`, how many of them were `undone`, and whether it was closed and is
    `rated`.
    """

    at: datetime
    team: str
    assignee: str
    began: datetime
    is_open: bool
    closings: int
    undone: int
    rated: bool


Fact = (
    Opened
    | Filed
    | IncidentBegan
    | Judged
    | Left
    | Returned
    | Answered
    | Promised
    | Confirmed
    | Escalated
    | HandedOver
    | Scored
    | Stood
)
