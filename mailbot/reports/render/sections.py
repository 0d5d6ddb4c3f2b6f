"""A report as tables, for the text, the page and the weekly mail."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from operator import attrgetter

from mailbot.domain import labels
from mailbot.domain.compensation import authority
from mailbot.domain.compensation.ledger_summary import Tally
from mailbot.domain.model import Target
from mailbot.domain.people.identities import MAIL
from mailbot.reports.figures.api import Report
from mailbot.reports.figures.causes import Cause
from mailbot.reports.figures.count import HOW
from mailbot.reports.figures.figures import AGES, MARKS_BY, Figures, Marks, Spread
from mailbot.reports.figures.keys import Key
from mailbot.reports.render.translations import NOTHING, day, number, percent, say, span, stretch

LONGEST = 60  # characters of a cell
MOST_CONFUSIONS = 20  # rows
_KEYS = ("category", "rule", "team", "level", "priority", "cause", "channel")
_LIMITS = {
    authority.PER_TICKET: "limit of a ticket",
    authority.PER_CUSTOMER: "limit of a customer in 90 days",
    authority.PER_AGENT_DAY: "limit of an agent on a day",
    authority.PER_TEAM: "budget of the team",
    authority.TWO_PERSONS: "no second person may approve",
}
PROMISED = (Target.FIRST_RESPONSE, Target.NEXT_RESPONSE, Target.RESOLUTION, Target.PROMISE)


class Cell(str):
    """The text of a cell. `figure`: the key of what its number counts, () where that has no list of tickets."""

    figure: Key

    def __new__(cls, text: str, figure: Key = ()) -> "Cell":
        """Make the text one printable line of bounded length."""
        cell = super().__new__(cls, clean(text))
        cell.figure = figure
        return cell


@dataclass(frozen=True, slots=True)
class Section:
    """A table under a title. The first `names` columns are words, the rest numbers; nothing in it can move a
    cursor or turn a line around."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    names: int = 1


def title(report: Report, language: str = "en") -> str:
    """ "Report 21 to 28 November 2026"."""
    team = (
        f", {say('team', language)} {clean(named(report, 'team', report.team, language))}"
        if report.team
        else ""
    )
    return f"{say('Report', language)} {stretch(report.period, language)}{team}"


def compared(report: Report, language: str = "en") -> str:
    return f"{say('compared with', language)} {stretch(report.before.period, language)}"


def clean(text: str) -> str:
    """Make a text one printable line of bounded length."""
    shown = "".join(char if char.isprintable() else " " for char in text).strip()
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


# The names of the tables in their order.
PARTS = (
    *("glance", "times", "promises", "escalations", "backlog", "confusion", "teams", "agents", "channels"),
    *("marks", "marks_of", "closing_causes", "actions", "causes", "compensation"),
)


def sections(report: Report, language: str = "en", parts: Sequence[str] = PARTS) -> tuple[Section, ...]:
    """Build the tables that have rows: all, or those named."""
    write = _Writer(report, language)
    found: Iterable[Section] = (getattr(write, part)() for part in parts)
    return tuple(section for section in found if section.rows)


def named(report: Report, kind: str, key: str, language: str) -> str:
    """Return what people read in place of a key. Details and words of subjects are no keys."""
    if kind == "agent":
        return report.labels.get(kind, {}).get(key, {}).get(language, key)
    if kind not in _KEYS:
        return key
    return labels.find(report.labels, kind, key)["id" if language == "id" else "en"]


def limit_name(limit: str, language: str) -> str:
    """Return what a limit of teams.yaml, or a person, is called where it refused compensation."""
    return say(_LIMITS.get(limit, limit), language)


def target_name(target: Target) -> str:
    return "promised news" if target is Target.PROMISE else target.value.replace("_", " ")


def age_names(language: str) -> tuple[str, ...]:
    days = say("days", language)
    between = (f"{low}-{high} {days}" for low, high in pairwise(AGES))
    return (f"< {AGES[0]} {say('d', language)}", *between, f">= {AGES[-1]} {days}")


class _Writer:
    """One report in one language."""

    def __init__(self, report: Report, language: str) -> None:
        self._report, self._language = report, language
        self._now, self._before = report.figures, report.before

    def _say(self, word: str) -> str:
        return say(word, self._language)

    def _named(self, kind: str, key: str) -> str:
        return named(self._report, kind, key, self._language)

    def _table(
        self, name: str, heads: Sequence[str], rows: Sequence[Sequence[str]], names: int = 1
    ) -> Section:
        cells = tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows)
        return Section(self._say(name), tuple(map(self._say, heads)), cells, names)

    # --- summary ---

    def glance(self) -> Section:
        rows = [
            *(self._counted(name, name, name) for name in ("opened", "closed")),
            self._counted("open at the end", "open_at_end", "open"),
            *(self._counted(name, name, name) for name in ("merged", "reopened", "escalated")),
            self._counted("answers sent", "answers", "answers"),
            self._counted("machines' mail filed", "filed", "filed"),
            self._counted("incidents", "incidents", "incidents"),
            self._shared("closings undone", self._now.reopen_rate, self._before.reopen_rate),
            self._shared("promises kept", self._now.kept_share, self._before.kept_share),
            self._shared("category right at once", self._now.category_right, self._before.category_right),
            self._lasted("half answered within, work time", "first_response.work"),
            self._lasted("half closed within, work time", "resolution.work"),
            self._lasted("half closed within", "resolution.wall"),
            *self._satisfaction(),
        ]
        shown = [row for row in rows if row and row[1:3] != (NOTHING, NOTHING)]
        return self._table("At a glance", ("figure", "this period", "before", "change"), shown)

    def _counted(self, name: str, attribute: str, *figure: str) -> tuple[str, ...]:
        now, before = getattr(self._now, attribute), getattr(self._before, attribute)
        if not (now or before):
            return ()
        return (
            self._say(name),
            self._count(now, *figure),
            number(before, self._language),
            self._change(now, before),
        )

    def _count(self, count: int, *figure: str) -> Cell:
        """Write a number whose tickets can be listed."""
        return Cell(number(count, self._language), figure if count else ())

    def _shared(self, name: str, now: float | None, before: float | None) -> tuple[str, ...]:
        if not (now or before):
            return ()
        change = ""
        if now is not None and before is not None:
            change = self._arrow(round((now - before) * 100, 1), " pt", digits=1)
        return self._say(name), percent(now, self._language), percent(before, self._language), change

    def _lasted(self, name: str, attribute: str) -> tuple[str, ...]:
        median = attrgetter(f"{attribute}.median")
        now, before = median(self._now), median(self._before)
        return (
            self._say(name),
            span(now, self._language),
            span(before, self._language),
            self._slower(now, before),
        )

    def _slower(self, now: timedelta | None, before: timedelta | None) -> str:
        return self._change(now.total_seconds(), before.total_seconds()) if now is not None and before else ""

    def _satisfaction(self) -> list[tuple[str, ...]]:
        now, before = self._now.satisfaction, self._before.satisfaction
        if not now.count and not before.count:
            return []
        means = [number(each, self._language, 2) if each else NOTHING for each in (now.mean, before.mean)]
        return [
            (self._say("satisfaction, mean of 5"), *means, ""),
            self._shared("satisfied (4 or 5)", now.satisfied, before.satisfied),
            self._shared("survey answered", now.response_rate, before.response_rate),
        ]

    def _change(self, now: float, before: float) -> str:
        """Format a change in percent of before; "" without anything to compare with."""
        return self._arrow(round((now - before) / before * 100), "%") if before else ""

    def _arrow(self, change: float, unit: str, digits: int = 0) -> str:
        if not change:
            return "="
        return f"{'↑' if change > 0 else '↓'} {number(abs(change), self._language, digits)}{unit}"

    # --- the rest ---

    def times(self) -> Section:
        names = (
            ("first response, work time", "first_response.work", "first_response"),
            ("next response, work time", "next_response.work", "next_response"),
            ("resolution, work time", "resolution.work", "closed"),
            ("resolution, by the clock", "resolution.wall", "closed"),
            ("confirmation by the new owner", "confirmation.work", "confirmation"),
            ("acknowledgement", "acknowledgement"),
        )
        rows = [self._spread(name, attrgetter(attribute), *figure) for name, attribute, *figure in names]
        heads = ("what", "count", "half within", "9 in 10 within", "change")
        return self._table("Times", heads, [row for row in rows if row])

    def _spread(self, name: str, of: Callable[[Figures], Spread], *figure: str) -> tuple[str, ...]:
        now, before = of(self._now), of(self._before)
        if not now.count:
            return ()
        spans = (span(each, self._language) for each in (now.median, now.p90))
        return (
            self._say(name),
            self._count(now.count, *figure) if figure else Cell(number(now.count, self._language)),
            *spans,
            self._slower(now.median, before.median),
        )

    def promises(self) -> Section:
        rows = []
        for target in PROMISED:
            whole = self._now.kept(target)
            parts = [each for each in self._now.promises if each.target is target]
            for each in ([whole] if len(parts) > 1 else []) + parts:
                name = self._say(target_name(target))
                priority = self._named("priority", each.priority) or self._say("in all")
                of = (target, each.priority) if each.priority else (target,)
                counts = [self._count(getattr(each, how), how, *of) for how in ("kept", "missed")]
                rows.append((name, priority, *counts, percent(each.share, self._language)))
        return self._table("Promises", ("target", "priority", "kept", "missed", "share"), rows, names=2)

    def escalations(self) -> Section:
        rows = [
            (
                self._named("rule", each.rule),
                self._named("level", each.level),
                *(
                    self._count(getattr(each, how), "escalated", "rule", each.rule, each.level, how)
                    for how in HOW
                ),
            )
            for each in self._now.escalations
        ]
        return self._table("Escalations", ("rule", "level", "automatic", "by hand"), rows, names=2)

    def backlog(self) -> Section:
        teams = [each for each in self._now.teams if each.open_at_end]
        rows = [
            (
                self._named("team", each.team),
                *(
                    self._count(count, "open", "age", each.team, str(place))
                    for place, count in enumerate(each.ages)
                ),
                self._count(each.open_at_end, "open", "team", each.team),
            )
            for each in teams
        ]
        if len(teams) > 1:
            ages = [sum(column) for column in zip(*(each.ages for each in teams), strict=True)]
            rows.append((self._say("in all"), *self._numbers(*ages), self._count(sum(ages), "open")))
        return self._table("Backlog by age", ("team", *age_names(self._language), "in all"), rows)

    def confusion(self) -> Section:
        """Show what people corrected. The share is of the tickets that belonged to the category."""
        rows = [
            (
                self._named("category", each.chosen),
                self._named("category", each.settled),
                self._count(each.count, "judged", each.chosen, each.settled),
                percent(each.share, self._language),
            )
            for each in self._now.confusions[:MOST_CONFUSIONS]
        ]
        heads = ("rules chose", "people corrected it to", "tickets", "of all there")
        return self._table("Categories that the rules got wrong", heads, rows, names=2)

    def teams(self) -> Section:
        names = ("opened", "received", "closed", "escalated")
        rows = [
            (
                self._named("team", each.team),
                *(self._count(getattr(each, name), name, "team", each.team) for name in names),
                self._count(each.open_at_end, "open", "team", each.team),
            )
            for each in self._now.teams
        ]
        return self._table("Teams", ("team", *names, "open at the end"), rows)

    def agents(self) -> Section:
        rows = [
            (
                self._named("agent", each.agent),
                self._count(each.answers, "answers", "agent", each.agent),
                self._count(each.closed, "closed", "agent", each.agent),
                self._count(each.open_at_end, "open", "agent", each.agent),
            )
            for each in self._now.agents
        ]
        return self._table("Agents", ("agent", "answers", "closed", "open at the end"), rows)

    def marks(self) -> Section:
        marks = enumerate(self._now.satisfaction.marks, 1) if self._now.satisfaction.count else ()
        rows = [(str(mark), self._count(count, "mark", str(mark))) for mark, count in marks]
        return self._table("Satisfaction", ("mark", "count"), rows)

    def marks_of(self) -> Section:
        rows = [
            (
                self._say(each.kind),
                self._named(each.kind, each.name),
                self._count(each.marks.count, "marks", kind, each.name),
                *self._marks_shown(each.marks),
            )
            for kind in MARKS_BY
            for each in self._now.satisfaction.parts
            if each.kind == kind
        ]
        heads = ("kind", "name", "count", "satisfied (4 or 5)", "mean")
        return self._table("Satisfaction by team, rule and level", heads, rows, names=2)

    def _marks_shown(self, marks: Marks) -> tuple[str, str]:
        return percent(marks.satisfied, self._language), number(marks.mean or 0, self._language, 2)

    def closing_causes(self) -> Section:
        rows = self._compared("cause", "closed", self._now.closing_causes, self._before.closing_causes)
        rows = rows if any(cause for cause, _ in self._now.closing_causes) else []
        return self._table("Causes named at closing", ("cause", "tickets", "before", "change"), rows)

    def channels(self) -> Section:
        """Show by which channel tickets came; nothing where mail is the only one."""
        rows = self._compared("channel", "opened", self._now.channels, self._before.channels)
        rows = rows if any(name != MAIL for name, _ in self._now.channels) else []
        return self._table("Channels", ("channel", "tickets", "before", "change"), rows)

    def _compared(
        self, kind: str, figure: str, now: Iterable[tuple[str, int]], before: Iterable[tuple[str, int]]
    ) -> list[tuple[str, ...]]:
        then = dict(before)
        return [
            (
                self._named(kind, name) or self._say("none given"),
                self._count(count, figure, kind, name),
                *self._numbers(then.get(name, 0)),
                self._change(count, then.get(name, 0)),
            )
            for name, count in now
        ]

    def actions(self) -> Section:
        rows = [
            (
                self._named("cause", each.cause),
                each.text,
                day(each.at, self._report.period.zone, self._language),
                self._rate(each.per_week_before),
                self._rate(each.per_week_after),
            )
            for each in self._report.actions
        ]
        heads = ("cause", "what was done", "when", "a week before", "a week after")
        return self._table("What was done about causes", heads, rows, names=3)

    def _rate(self, rate: float | None) -> str:
        return self._say("too early") if rate is None else number(rate, self._language, 1)

    def causes(self) -> Section:
        heads = ("kind", "cause", "tickets", "share", "share before", "G2", "rising")
        return self._table("Causes", heads, [self._cause(each) for each in self._report.causes], names=2)

    def _cause(self, each: Cause) -> tuple[str, ...]:
        shares = [percent(share, self._language) for share in (each.share, each.share_before)]
        rising = self._say("rising").upper() if each.rising else ""
        g2 = number(each.g2, self._language, 1)
        name = self._named(each.kind, each.name)
        count = self._count(each.count, "cause", each.kind, each.name)
        return self._say(each.kind), name, count, *shares, g2, rising

    def compensation(self) -> Section:
        ledger, granted = self._report.compensation, self._say("granted")
        whole = (
            (self._say(name), NOTHING, getattr(ledger, name), (name,))
            for name in ("asked", "granted", "refused")
        )
        found: list[tuple[str, str, Tally, Key]] = [each for each in whole if each[2].count]
        for kind in ("team", "level", "category", "agent"):
            what = f"{granted}, {self._say(kind)}"
            by = getattr(ledger, f"by_{kind}").items()
            found += ((what, self._named(kind, key), tally, ("granted", kind, key)) for key, tally in by)
        refused = self._say("refused")
        found += (
            (refused, limit_name(by, self._language), tally, ("refused", "by", by))
            for by, tally in ledger.refused_by.items()
        )
        rows = [
            (what, name, self._count(each.count, *key), str(each.amount)) for what, name, each, key in found
        ]
        return self._table("Compensation", ("what", "name", "count", "amount"), rows, names=2)

    def _numbers(self, *values: int) -> tuple[str, ...]:
        return tuple(number(value, self._language) for value in values)
