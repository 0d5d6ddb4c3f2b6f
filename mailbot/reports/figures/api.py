"""Events -> figures: pure functions, each definition in the docstring of what holds the figure.

`life` turns one ticket's events into `facts`, `figures` counts the facts of a period, `causes` says what
tickets are about and what is rising, `making` puts them together.
"""

from mailbot.reports.figures.build import Maker, Report, report
from mailbot.reports.figures.figures import Figures
from mailbot.reports.figures.period import Period, Weekly, last_week, midnight, week_name

__all__ = [
    "Figures",
    "Maker",
    "Period",
    "Report",
    "Weekly",
    "last_week",
    "midnight",
    "report",
    "week_name",
]
