"""Define the shape of `escalation.yaml`: calendars, ladders, the ladder of each priority."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mailbot.config.files.entry import Entry, LabelEntry
from mailbot.config.yaml import calendars as hours
from mailbot.config.yaml.types import (
    At,
    Country,
    Dates,
    Day,
    Delay,
    Hours,
    Levels,
    Line,
    Name,
    Names,
    PeriodWeek,
    Quiet,
    Span,
    Week,
    Zone,
    some,
)


class HolidaysEntry(Entry):
    """The days off of a country."""

    country: Country = Field(description="ID is Indonesia")
    collective_leave: bool = Field(False, description="cuti bersama is off too")


class PeriodEntry(Entry):
    """A range of dates with hours of its own, such as Ramadan. Holidays in it stay closed."""

    name: Name = Field(description="for people: Ramadan 2027")
    first: Day = Field(alias="from", description="its first date")
    last: Day = Field(alias="to", description="its last date")
    hours: PeriodWeek = Field(description="by weekday; a day that is not named keeps its usual hours")


def _forward(value: PeriodEntry) -> PeriodEntry:
    hours.date_range(value.first, value.last)
    return value


class CalendarEntry(Entry):
    """When people work."""

    zone: Zone = Field("Asia/Jakarta", description="time zone of the hours")
    hours: Week = Field(description="by weekday, or always")
    holidays: HolidaysEntry | None = Field(None, description="days off by country")
    periods: list[Annotated[PeriodEntry, AfterValidator(_forward)]] = Field(
        [], description="ranges of dates with other hours; holidays and `dates` go before"
    )
    dates: dict[Dates, Hours] = Field(
        {}, description="hours of single dates, or closed; they go before weekdays and holidays"
    )


class TargetsEntry(Entry):
    """What is promised, in work time of the team's calendar."""

    first_response: Span | None = Field(None, description="until the first answer of a person")
    next_response: Span | None = Field(
        None, description="until the answer to each further mail of the customer"
    )
    resolution: Span | None = Field(
        None, description="until the matter is closed; waiting for the customer does not count"
    )
    follow_up: Span | None = Field(
        None,
        description="while we wait for the customer: until the owner is to ask again or to close, and again "
        "after as long; else 40 h",
    )


class StepEntry(Entry):
    """One step: everything in it happens at `at`."""

    at: At = Field(description="when")
    remind: Literal["assignee", "team"] | None = Field(None, description="who is reminded")
    escalate_to: Levels | None = Field(None, description="a level, or one by category")
    reassign: bool = Field(False, description="to somebody else of the same team and level")
    hand_over_to: Name | None = Field(None, description="a team")
    notify: Names = Field([], description="agents, teams or addresses")
    tell_customer: bool = Field(False, description="a mail of progress to the customer")
    ask_decision: Name | None = Field(None, description="a level whose agents are asked to decide")
    question: Line | None = Field(None, description="what they are asked")
    options: list[Name] = Field(["yes", "no"], description="what they can answer")
    acknowledge_within: Span | None = Field(
        None,
        description="until the new assignee confirms or the question is decided; else the next step at once",
    )


class LadderEntry(Entry):
    """Targets and what happens on the way to them."""

    targets: TargetsEntry = Field(description="what is promised")
    steps: list[StepEntry] = Field([], description="in the order they come due")
    quiet_hours: Quiet = Field(
        (),
        description="by the clock of the team's calendar: what only reminds or notifies waits for their end; "
        "escalations don't",
    )
    repeat: Span = Field(
        timedelta(hours=24), description="after the last step: how often the assignee is reminded"
    )
    news_before: Delay | None = Field(
        None,
        description="how long before the time that the customer was given passes they get a later one, or no; else a "
        "tenth of the promise, at most 1 h",
    )


class EscalationFile(Entry):
    """escalation.yaml: what is promised and what happens when time runs out."""

    calendars: Annotated[dict[Name, CalendarEntry], AfterValidator(some("calendar"))] = Field(
        description="by name"
    )
    ladders: Annotated[dict[Name, LadderEntry], AfterValidator(some("ladder"))] = Field(description="by name")
    priorities: dict[str, Name] = Field(description="the ladder of each priority")
    priority_labels: dict[Name, LabelEntry] = Field(
        {}, description="what agents read instead of a priority; each has a label of its own already"
    )
