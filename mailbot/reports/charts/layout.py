"""Where each mark of a chart goes: title, legend, axis, then the marks of its shape.

The first two colours are those of the look, the others of Okabe and Ito ("Color Universal Design", 2008), which the
colour-blind can distinguish. Steps of a scale have one hue. Bars also differ by their order, and the segments
of a stacked row have their numbers. Every mark shows its value under the pointer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mailbot.reports.charts.model import Chart, Series, Shape
from mailbot.reports.charts.svg import Box, Mark, Path, Picture, Words, fitting, width_of

COLOURS = ("#2a6fb0", "#b3541e", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f", "#f0e442")
STEPS = ("#9dc3e8", "#5b97d1", "#2a6fb1", "#0b3c6e")  # of one scale, the last the darkest
GRID, AXIS, SOFT = "#d9dce0", "#8a8a8a", "#565d66"
SMALL, TITLE = 12.0, 15.0
ROW = 22.0  # height of a row with its gap
GAP = 2.0  # between the segments of a stacked row
NARROW = 400.0  # up to this width labels stand above their rows
WIDTH, HEIGHT = 640.0, 300.0


@dataclass(frozen=True, slots=True)
class _Plot:
    """The rectangle of the values, and the value at its upper (right) end."""

    left: float
    top: float
    width: float
    height: float
    most: float

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - value / self.most)

    def x(self, value: float) -> float:
        return self.left + self.width * value / self.most


def picture(chart: Chart, width: float = WIDTH, height: float = HEIGHT) -> Picture:
    """Place the marks of a chart. Rows and heat are as high as their rows need."""
    head = [Words(0, 18, fitting(chart.title, width, TITLE), TITLE, bold=True)]
    legend, y = _legend(chart, width)
    if chart.shape is Shape.ROWS:
        marks, bottom = _rows(chart, width, y)
    elif chart.shape is Shape.HEAT:
        marks, bottom = _heat(chart, width, y)
    else:
        marks, bottom = _upright(chart, width, y, height), height
    return Picture(chart.title, width, bottom, (*head, *legend, *marks))


def _legend(chart: Chart, width: float) -> tuple[list[Mark], float]:
    """Build the legend, and return where the plot may begin."""
    if len(chart.series) < 2 or chart.shape is Shape.HEAT:
        return [], 30
    marks: list[Mark] = []
    x, y = 0.0, 36.0
    for index, series in enumerate(chart.series):
        if not any(series.values):
            continue
        name = fitting(series.name, width / 2, SMALL)
        wide = 22 + width_of(name, SMALL) + 14
        if x and x + wide > width:
            x, y = 0.0, y + 16
        marks += (Box(x + 4, y - 10, 12, 11, colour(index, series)), Words(x + 22, y, name, SMALL, fill=SOFT))
        x += wide
    return marks, y + 14


def colour(index: int, series: Series | None = None) -> str:
    if series and series.step is not None:
        return STEPS[series.step]
    return COLOURS[index % len(COLOURS)]


def ticks(most: float, wanted: int = 5, least: float = 0) -> tuple[float, ...]:
    """Return round values (1, 2 or 5 times a power of ten) from 0 to at least `most`.

    There are about `wanted` of them, at least `least` apart.
    """
    if most <= 0:
        return (0, 1)
    raw = max(most / wanted, least)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    count = math.ceil(most / step - 1e-9)
    return tuple(round(index * step, 10) for index in range(count + 1))


def number(value: float, language: str = "en") -> str:
    """Format a number briefly: 1234567 as "1.23M", 12500 as "12.5k", 0.25 as "0.25"; Indonesian has "0,25"."""
    written = f"{value:,.0f}" if value == int(value) else f"{value:.3g}"
    for size, sign in ((1e4, "k"), (1e6, "M"), (1e9, "G")):
        if value >= size:
            written = f"{value / min(size, 1e3 if sign == 'k' else size):.3g}{sign}"
    return written.translate(str.maketrans(",.", ".,")) if language == "id" else written


# --- upright ----------------------------------------------------------------------------------------------


def _upright(chart: Chart, width: float, y: float, height: float) -> list[Mark]:
    whole = all(value == int(value) for each in chart.series for value in each.values if value)
    marked = ticks(chart.largest(), least=1 if whole else 0)  # there is no half a ticket
    left = 8 + max(width_of(number(each, chart.language), SMALL) for each in marked)
    above = y + (14 if chart.unit else 4)
    plot = _Plot(left, above, width - left - 4, max(40, height - above - 24), marked[-1])
    marks: list[Mark] = []
    if chart.unit:
        marks.append(Words(0, y + 2, fitting(chart.unit, width, SMALL), SMALL, fill=SOFT))
    for value in marked:
        line = ((plot.left, plot.y(value)), (plot.left + plot.width, plot.y(value)))
        marks.append(Path(line, GRID if value else AXIS))
        marks.append(Words(left - 6, plot.y(value) + 4, number(value, chart.language), SMALL, "end", SOFT))
    marks += _below(chart.labels, plot)
    return marks + _bars(chart, plot)


def _below(labels: Sequence[str], plot: _Plot) -> list[Mark]:
    """Build the labels under the axis: as many as fit, evenly apart."""
    if not labels:
        return []
    step = plot.width / len(labels)
    widest = min(max(width_of(label, SMALL) for label in labels), plot.width / 2)
    each = max(1, math.ceil((widest + 8) / step))
    y = plot.top + plot.height + 16
    shown = [(plot.left + step * (at + 0.5), labels[at]) for at in range(0, len(labels), each)]
    return [Words(x, y, fitting(label, step * each - 4, SMALL), SMALL, "middle", SOFT) for x, label in shown]


def _bars(chart: Chart, plot: _Plot) -> list[Mark]:
    marks: list[Mark] = []
    step = plot.width / max(1, len(chart.labels))
    beside = 1 if chart.stacked else max(1, len(chart.series))
    wide = step * 0.76 / beside
    for place, label in enumerate(chart.labels):
        ground = 0.0
        for index, series in enumerate(chart.series):
            value = series.values[place] or 0
            x = plot.left + step * (place + 0.12) + (0 if chart.stacked else wide * index)
            high = plot.y(ground + value)
            tip = _tip(label, series, value, chart)
            if value:
                tall, key = plot.y(ground) - high, series.key(place)
                marks.append(Box(x, high, wide, tall, colour(index, series), tip, key))
            ground += value if chart.stacked else 0
    return marks


def _tip(label: str, series: Series, value: float, chart: Chart) -> str:
    name = f"{label}, {series.name}" if series.name and len(chart.series) > 1 else label
    return f"{name}: {number(value, chart.language)} {chart.unit}".rstrip()


# --- horizontal ------------------------------------------------------------------------------------------------


def _rows(chart: Chart, width: float, y: float) -> tuple[list[Mark], float]:
    marks: list[Mark] = []
    beside = 1 if chart.stacked else max(1, len(chart.series))
    high = ROW if beside == 1 else 8 + 12.0 * beside
    above = 16.0 if width <= NARROW else 0.0  # room for a label over its row
    names = max((width_of(label, SMALL) for label in chart.labels), default=0)
    left = 0.0 if above else 8 + min(width * 0.55, names)
    right = 12 + max((width_of(_end(chart, place), SMALL) for place in range(len(chart.labels))), default=40)
    plot = _Plot(
        left, y, max(40, width - left - right), (high + above) * len(chart.labels), max(chart.largest(), 1e-9)
    )
    for place, label in enumerate(chart.labels):
        top = y + (high + above) * place
        if above:
            marks.append(Words(0, top + 13, fitting(label, width, SMALL), SMALL))
        else:
            marks.append(Words(left - 8, top + high / 2 + 4, fitting(label, left - 8, SMALL), SMALL, "end"))
        marks += _row_bars(chart, place, plot, top + above + 3, (high - 6) / beside)
    marks.append(Path(((left, y), (left, y + plot.height)), AXIS))
    return marks, y + plot.height + 6


def _end(chart: Chart, place: int) -> str:
    """Return what stands behind a row: its number, of a stacked one each part with its name."""
    values = [(series.name, series.values[place]) for series in chart.series]
    if not chart.stacked:
        shown = (number(value, chart.language) for _, value in values if value is not None)
        return max(shown, key=len, default="")
    if all(series.step is not None for series in chart.series):
        return number(chart.total(place), chart.language)
    return ", ".join(f"{number(value, chart.language)} {name}".rstrip() for name, value in values if value)


def _row_bars(chart: Chart, place: int, plot: _Plot, y: float, high: float) -> list[Mark]:
    marks: list[Mark] = []
    label, x = chart.labels[place], plot.left
    for index, series in enumerate(chart.series):
        value = series.values[place] or 0
        wide = plot.x(value) - plot.left
        tip = _tip(label, series, value, chart)
        if value:
            shown = max(1.0, wide - GAP) if chart.stacked else wide
            marks.append(Box(x, y, shown, high, colour(index, series), tip, series.key(place)))
        if chart.stacked:
            x += wide
            continue
        if series.values[place] is not None:
            shown_value = number(value, chart.language)
            marks.append(Words(x + wide + 5, y + high / 2 + 4, shown_value, SMALL, fill=SOFT))
        y += high
    if chart.stacked:
        marks.append(Words(x + 5, y + high / 2 + 4, _end(chart, place), SMALL, fill=SOFT))
    return marks


def _heat(chart: Chart, width: float, y: float) -> tuple[list[Mark], float]:
    left = 8 + min(width * 0.3, max((width_of(each.name, SMALL) for each in chart.series), default=0))
    plot = _Plot(left, y, width - left - 4, ROW * len(chart.series), max(chart.largest(), 1e-9))
    step = plot.width / max(1, len(chart.labels))
    marks: list[Mark] = []
    for row, series in enumerate(chart.series):
        above = y + ROW * row
        name = fitting(series.name, left - 8, SMALL)
        marks.append(Words(left - 8, above + ROW / 2 + 4, name, SMALL, "end"))
        for place, value in enumerate(series.values):
            fill = shade((value or 0) / plot.most) if value is not None else "#ffffff"
            tip = _tip(f"{series.name}, {chart.labels[place]}", series, value or 0, chart)
            x, wide = plot.left + step * place, max(step - 1, step * 0.8)
            marks.append(Box(x, above + 1, wide, ROW - 2, fill, tip))
    marks += _below(chart.labels, plot)
    scale = plot.top + plot.height + 26
    return marks + _scale(chart, plot, scale), scale + 22


def _scale(chart: Chart, plot: _Plot, y: float) -> list[Mark]:
    """Build the legend of the shades, from 0 to the largest value."""
    most = f"{number(chart.largest(), chart.language)} {chart.unit}".rstrip()
    marks: list[Mark] = [Words(plot.left, y + 10, "0", SMALL, fill=SOFT)]
    marks += (Box(plot.left + 14 + 10 * index, y, 10, 12, shade(index / 9)) for index in range(10))
    return [*marks, Words(plot.left + 120, y + 10, most, SMALL, fill=SOFT)]


def shade(share: float) -> str:
    """Return a shade from nearly white (0) to dark blue (1), evenly in lightness, so it reads in grey too."""
    light, dark = (0xF2, 0xF6, 0xFA), (0x08, 0x30, 0x6B)
    share = min(1.0, max(0.0, share))
    mixed = (round(low + (high - low) * share) for low, high in zip(light, dark, strict=True))
    return "#" + "".join(f"{each:02x}" for each in mixed)
