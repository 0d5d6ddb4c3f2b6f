"""From the lives of tickets to a report: one period beside the one before, and what is rising."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailbot.domain.compensation.ledger_summary import Statement, statement
from mailbot.domain.compensation.requests import Entry
from mailbot.domain.events import Event, TicketFiled, TicketOpened, TicketReleased, TicketRouted
from mailbot.reports.figures.cause_actions import Effect
from mailbot.reports.figures.causes import Cause, Counts, causes
from mailbot.reports.figures.count import Tally
from mailbot.reports.figures.facts import Fact, Opened, Scored, Stood
from mailbot.reports.figures.figures import Figures
from mailbot.reports.figures.keys import Key, keys_of_entry
from mailbot.reports.figures.period import Period
from mailbot.reports.figures.ticket_facts import CalendarOf, facts

WEEKS_BEFORE = timedelta(weeks=4)  # what causes are compared with


@dataclass(frozen=True, slots=True)
class Report:
    """`before`: the figures of the period of the same length just before. `compared`: the stretch whose
    tickets the causes are compared with; it begins with the first ticket when there were none for so long.
    `labels`: what people read in place of keys, see `Policy.labels`.
    `actions`: what was done about causes, and its effect.
    `compensation`: of the ledger's lines in the period, in a team's report of those that were the team's.
    `tickets`: whose facts a figure of the period counts, by its key: see `keys`. A cause's key is
    ("cause", kind, name)."""

    team: str  # "" for all
    made_at: datetime
    figures: Figures
    before: Figures
    causes: tuple[Cause, ...]
    compared: Period
    compensation: Statement
    actions: tuple[Effect, ...] = ()
    labels: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict, compare=False)
    tickets: Mapping[Key, Sequence[str]] = field(default_factory=dict, compare=False)

    @property
    def period(self) -> Period:
        return self.figures.period


# The events that `Maker.opened` looks at.
OPENING = (TicketOpened.kind, TicketRouted.kind, TicketFiled.kind, TicketReleased.kind)


class Maker:
    """Takes the tickets in one after the other, in any order, and forgets them."""

    def __init__(self, period: Period, calendar_of: CalendarOf, team: str = "") -> None:
        self._period, self._team, self._calendar_of = period, team, calendar_of
        self._weeks, self._earliest = period.before(WEEKS_BEFORE), period.before().since
        self._now, self._before = Tally(period), Tally(period.before())
        self._causes, self._earlier = Counts(), Counts()
        self._first: datetime | None = None
        self._entries: list[Entry] = []
        self._borders = (self._earliest, period.since, period.until)

    def add(self, number: str, events: Sequence[Event]) -> None:
        """Add all events of one ticket before the period's end, in their order.

        Needed for every ticket that lived since the beginning of the period before; others change nothing.
        """
        for fact in facts(events, self._borders, self._calendar_of):
            tally = self._tally_of(fact)
            if isinstance(fact, Scored) and fact.replaces:
                self._take_back(number, fact.replaces, tally)
            if tally is None or self._team not in ("", fact.team):
                continue
            tally.add(number, fact)
            if isinstance(fact, Opened):
                self._about(number, fact)

    def _take_back(self, number: str, replaced: Scored, tally: Tally | None) -> None:
        """Let only the newest mark of a period count for a ticket."""
        if tally and self._tally_of(replaced) is tally and self._team in ("", replaced.team):
            tally.take_back(number, replaced)

    def _tally_of(self, fact: Fact) -> Tally | None:
        """Return the tally of a fact. A ticket's state at a border belongs to the time before it."""
        since, until = self._period.since, self._period.until
        if isinstance(fact, Stood):
            return {since: self._before, until: self._now}.get(fact.at)
        if since <= fact.at < until:
            return self._now
        return self._before if self._earliest <= fact.at < since else None

    def opened(self, number: str, events: Sequence[Event]) -> None:
        """Add the OPENING events of a ticket that was opened in the weeks before and is not passed to
        `add`.
        """
        for fact in facts(events, (), self._calendar_of):
            if isinstance(fact, Opened) and fact.at < self._earliest and self._team in ("", fact.team):
                self._about(number, fact)

    def _about(self, number: str, fact: Opened) -> None:
        if fact.at in self._period:
            self._causes.add(number, fact)
        elif fact.at in self._weeks:
            self._earlier.add(number, fact)
            self._first = min(self._first or fact.at, fact.at)

    def acknowledged(self, received_at: datetime, left_at: datetime | None) -> None:
        """Count an acknowledgement, see `Tally.acknowledged`. It has no team: a team's report has none."""
        self._now.acknowledged(received_at, left_at)
        self._before.acknowledged(received_at, left_at)

    def compensated(self, entry: Entry) -> None:
        """Add a line of the ledger; lines come in their order."""
        if entry.at in self._period and self._team in ("", entry.team):
            self._entries.append(entry)

    def report(self, made_at: datetime) -> Report:
        compared = self._weeks
        if self._first is not None:
            compared = Period(self._first, self._weeks.until, self._weeks.zone)
        lengths = (self._period.length.total_seconds(), compared.length.total_seconds())
        found = causes(self._causes, self._earlier, *lengths)
        figures, before = self._now.figures(), self._before.figures()
        ledger = statement(self._entries)
        return Report(
            self._team, made_at, figures, before, found, compared, ledger, tickets=self._tickets(found)
        )

    def _tickets(self, found: Sequence[Cause]) -> Mapping[Key, Sequence[str]]:
        about: dict[Key, list[str]] = {
            ("cause", each.kind, each.name): self._causes.of[each.kind][each.name] for each in found
        }
        paid: dict[Key, list[str]] = {}
        for entry in self._entries:
            for key in keys_of_entry(entry):
                paid.setdefault(key, []).append(entry.ticket)
        return {**self._now.tickets, **about, **paid}
