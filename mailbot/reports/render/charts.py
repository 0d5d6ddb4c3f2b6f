"""A report's charts, and all of them as one picture."""

from dataclasses import replace

from mailbot.reports.charts import Chart, Picture, Series, Shape, picture, sheet
from mailbot.reports.figures.api import Report
from mailbot.reports.figures.count import HOW
from mailbot.reports.figures.keys import Key
from mailbot.reports.render.sections import PROMISED, clean, named, target_name, title
from mailbot.reports.render.translations import say

MOST = 10  # rows of a chart
MOST_DAYS = 35  # drawn one by one: more bars are too thin on a phone


def charts(report: Report, language: str = "en") -> tuple[Chart, ...]:
    """Build the charts that have anything to show."""
    found = (draw(report, language) for draw in (_days, _promises, _backlog, _escalations, _causes, _marks))
    return tuple(replace(chart, language=language) for chart in found if chart.labels)


def poster(report: Report, language: str = "en") -> Picture:
    """Arrange the charts two by two under the report's title."""
    drawn = [picture(chart) for chart in charts(report, language)]
    return sheet(title(report, language), drawn, columns=2)


def _days(report: Report, language: str) -> Chart:
    days = report.figures.days
    together = 1 if len(days) <= MOST_DAYS else 7
    starts = range(0, len(days), together)

    def counts(name: str) -> tuple[float, ...]:
        groups = (days[start : start + together] for start in starts)
        return tuple(float(sum(getattr(day, name) for day in group)) for group in groups)

    def keys(name: str) -> tuple[Key, ...]:
        return tuple((name, "day", str(day.date)) for day in days) if together == 1 else ()

    series = tuple(
        Series(say(name, language), counts(name), keys=keys(name)) for name in ("opened", "closed")
    )
    labels = tuple(f"{days[start].date.day}/{days[start].date.month}" for start in starts)
    name = "Per day" if together == 1 else "Per week"
    return Chart(Shape.BARS, say(name, language), labels, series, say("tickets", language))


def _promises(report: Report, language: str) -> Chart:
    kept = [each for target in PROMISED if (each := report.figures.kept(target)).share is not None]
    series = tuple(
        Series(
            say(name, language),
            tuple(float(getattr(each, name)) for each in kept),
            keys=tuple((name, each.target) for each in kept),
        )
        for name in ("kept", "missed")
    )
    labels = tuple(say(target_name(each.target), language) for each in kept)
    return Chart(Shape.ROWS, say("Promises", language), labels, series, stacked=True)


def _backlog(report: Report, language: str) -> Chart:
    teams = sorted(report.figures.teams, key=lambda each: -each.open_at_end)
    teams = [each for each in teams if each.open_at_end][:MOST]
    days = say("days", language)
    classes = ((f"< 1 {days}", 0, 1), (f"1-7 {days}", 1, 3), (f"7-30 {days}", 3, 5), (f"> 30 {days}", 5, 6))
    counted = (
        Series(name, tuple(float(sum(each.ages[low:high])) for each in teams), step)
        for step, (name, low, high) in enumerate(classes)
    )
    series = tuple(each for each in counted if any(each.values))
    labels = tuple(clean(named(report, "team", each.team, language)) for each in teams)
    name, unit = say("Backlog by age", language), say("tickets", language)
    return Chart(Shape.ROWS, name, labels, series, unit, stacked=True)


def _escalations(report: Report, language: str) -> Chart:
    raised = report.figures.escalations[:MOST]
    series = tuple(
        Series(
            say(name, language),
            tuple(float(getattr(each, how)) for each in raised),
            keys=tuple(("escalated", "rule", each.rule, each.level, how) for each in raised),
        )
        for how, name in zip(HOW, ("automatic", "by hand"), strict=True)
    )
    labels = tuple(
        clean(f"{named(report, 'rule', each.rule, language)}, {named(report, 'level', each.level, language)}")
        for each in raised
    )
    return Chart(Shape.ROWS, say("Escalations", language), labels, series, stacked=True)


def _causes(report: Report, language: str) -> Chart:
    """Show rising causes of every kind, then the largest categories."""
    rising = [each for each in report.causes if each.rising]
    categories = [each for each in report.causes if each.kind == "category"]
    largest = sorted(categories, key=lambda each: -each.count)
    shown = list(dict.fromkeys([*rising, *largest]))[:MOST]
    mark = f" ({say('rising', language)})"
    labels = tuple(
        clean(named(report, each.kind, each.name, language))[:40] + (mark if each.rising else "")
        for each in shown
    )
    series = (
        Series(
            say("this period", language),
            tuple(round(each.share * 100, 1) for each in shown),
            keys=tuple(("cause", each.kind, each.name) for each in shown),
        ),
        Series(say("weeks before", language), tuple(round(each.share_before * 100, 1) for each in shown)),
    )
    name = f"{say('Causes', language)}: {say('Share of all tickets', language)} (%)"
    return Chart(Shape.ROWS, name, labels, series, "%")


def _marks(report: Report, language: str) -> Chart:
    marks = report.figures.satisfaction.marks
    labels = ("1", "2", "3", "4", "5") if any(marks) else ()
    values = tuple(map(float, marks)) if labels else ()
    keys = tuple(("mark", mark) for mark in labels)
    return Chart(Shape.BARS, say("Satisfaction", language), labels, (Series("", values, keys=keys),))
