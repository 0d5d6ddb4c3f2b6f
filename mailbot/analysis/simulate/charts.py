"""Charts of a simulation: missed targets, escalations, mails, load by hour; of one policy or two."""

from collections.abc import Callable, Sequence

from mailbot.analysis.simulate.figures import Figures
from mailbot.reports.charts import Chart, Picture, Series, Shape, picture, sheet

MOST = 12  # rows of a chart
HOURS = tuple(f"{hour:02d}" for hour in range(24))


def poster(title: str, names: Sequence[str], figures: Sequence[Figures]) -> Picture:
    """Draw the charts in two columns. `names` are those of the policies, in the order of their `figures`."""
    return sheet(title, [picture(chart) for chart in charts(names, figures)], columns=2)


def charts(names: Sequence[str], figures: Sequence[Figures]) -> list[Chart]:
    """List the charts that have values; the load of both policies by the same levels."""
    compared: list[Chart] = [
        _rows("Promises missed", names, [_missed(each) for each in figures], "tickets"),
        _rows("Escalated to", names, [_raised(each) for each in figures], "times"),
        _rows("People notified", names, [_notified(each) for each in figures], "mails"),
        _rows("Mails to one person", names, [_people(each) for each in figures], "mails"),
    ]
    found = [chart for chart in compared if chart.labels]
    several = len(names) > 1
    for what, values in (("in hand, mean by hour", "in_hand"), ("that came, by hour", "came")):
        found += (
            _heat(f"Tickets {what}{f': {name}' if several else ''}", each, values)
            for name, each in zip(names, figures, strict=True)
            if each.load
        )
    return found


Counts = dict[str, float]


def _missed(figures: Figures) -> Counts:
    return {f"{each.target.replace('_', ' ')}, {each.priority}": float(each.count) for each in figures.missed}


def _raised(figures: Figures) -> Counts:
    found: Counts = {}
    for each in figures.raised:
        name = f"{each.level}, {each.how}"
        found[name] = found.get(name, 0) + each.count
    return found


def _notified(figures: Figures) -> Counts:
    return {each.why.replace("_", " "): float(each.mails) for each in figures.told}


def _people(figures: Figures) -> Counts:
    return {each.address: float(each.mails) for each in figures.people}


def _rows(title: str, names: Sequence[str], counts: Sequence[Counts], unit: str) -> Chart:
    """Chart the names with the largest counts under any policy."""
    most: Callable[[str], float] = lambda name: -max(each.get(name, 0) for each in counts)  # noqa: E731
    labels = tuple(sorted(dict.fromkeys(name for each in counts for name in each), key=most)[:MOST])
    series = tuple(
        Series(name, tuple(each.get(label, 0.0) for label in labels))
        for name, each in zip(names, counts, strict=True)
    )
    return Chart(Shape.ROWS, title, labels, series, unit)


def _heat(title: str, figures: Figures, values: str) -> Chart:
    series = tuple(Series(each.level, tuple(map(float, getattr(each, values)))) for each in figures.load)
    return Chart(Shape.HEAT, title, HOURS, series, "tickets")
