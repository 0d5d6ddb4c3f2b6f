"""Charts: what to show (`model`), where each mark goes (`layout`), marks as SVG or PNG (`paint`)."""

from mailbot.reports.charts.layout import picture
from mailbot.reports.charts.model import Bars, Chart, Heat, Lines, Rows, Series
from mailbot.reports.charts.svg import Picture, sheet

__all__ = ["Bars", "Chart", "Heat", "Lines", "Picture", "Rows", "Series", "picture", "sheet"]
