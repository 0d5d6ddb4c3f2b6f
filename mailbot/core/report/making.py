"""From the lives of tickets to a report: one period beside the one before, and what is rising."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailbot.core.compensation import Entry
from mailbot.core.events import Event
from mailbot.core.report.causes import Cause, Counts, causes
from mailbot.core.report.facts import Opened
from mailbot.core.report.figures import Figures
from mailbot.core.report.life import CalendarOf, facts
from mailbot.core.report.period import Period
from mailbot.core.report.tally import Tally
from mailbot.core.statement import Statement, statement

WEEKS_BEFORE = timedelta(weeks=4)  # what causes are compared with


@dataclass(frozen=True, slots=True)
class Report:
    """`before`: the figures of the period of the same length just before. `compared`: the stretch whose
    tickets the causes are compared with; it begins with the first ticket when there were none for so long.
    `compensation`: of the ledger's lines in the period, in a team's report of those that were the team's."""

    team: str  # "" for all
    made_at: datetime
    figures: Figures
    before: Figures
    causes: tuple[Cause, ...]
    compared: Period
    compensation: Statement

    @property
    def period(self) -> Period:
        return self.figures.period


def reach(period: Period) -> datetime:
    """How far back the events must be known, for what is compared."""
    return min(period.before().since, period.before(WEEKS_BEFORE).since)


class Maker:
    """Takes the tickets in one after the other, in any order, and forgets them."""

    def __init__(self, period: Period, calendar_of: CalendarOf, team: str = "") -> None:
        self._period, self._team, self._calendar_of = period, team, calendar_of
        self._weeks = period.before(WEEKS_BEFORE)
        self._now, self._before = Tally(period, team), Tally(period.before(), team)
        self._causes, self._earlier = Counts(), Counts()
        self._first: datetime | None = None
        self._entries: list[Entry] = []
        self._borders = (period.before().since, period.since, period.until)

    def add(self, events: Sequence[Event]) -> None:
        """All events of one ticket before the period's end, in their order."""
        found = facts(events, self._borders, self._calendar_of)
        self._now.add(found)
        self._before.add(found)
        for fact in found:
            if isinstance(fact, Opened) and self._team in ("", fact.team):
                if fact.at in self._period:
                    self._causes.add(fact)
                elif fact.at in self._weeks:
                    self._earlier.add(fact)
                    self._first = min(self._first or fact.at, fact.at)

    def acknowledged(self, received_at: datetime, left_at: datetime | None) -> None:
        """See `Tally.acknowledged`. It belongs to no team: say nothing in a team's report."""
        self._now.acknowledged(received_at, left_at)
        self._before.acknowledged(received_at, left_at)

    def compensated(self, entry: Entry) -> None:
        """A line of the ledger; in their order."""
        if entry.at in self._period and self._team in ("", entry.team):
            self._entries.append(entry)

    def report(self, made_at: datetime) -> Report:
        compared = self._weeks
        if self._first is not None:
            compared = Period(self._first, self._weeks.until, self._weeks.zone)
        return Report(
            team=self._team,
            made_at=made_at,
            figures=self._now.figures(),
            before=self._before.figures(),
            causes=causes(
                self._causes,
                self._earlier,
                self._period.length.total_seconds(),
                compared.length.total_seconds(),
            ),
            compared=compared,
            compensation=statement(self._entries),
        )


def report(
    lives: Iterable[Sequence[Event]],
    period: Period,
    calendar_of: CalendarOf,
    made_at: datetime,
    team: str = "",
) -> Report:
    """A report over the events of each ticket that `reach` asks for."""
    maker = Maker(period, calendar_of, team)
    for events in lives:
        maker.add(events)
    return maker.report(made_at)
