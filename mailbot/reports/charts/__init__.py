"""Charts: what to show (`model`), where each mark goes (`layout`), marks as SVG or PNG (`svg`)."""

from mailbot.reports.charts.layout import picture
from mailbot.reports.charts.model import Chart, Series, Shape
from mailbot.reports.charts.svg import Picture, sheet

__all__ = ["Chart", "Picture", "Series", "Shape", "picture", "sheet"]
