"""Events to figures: pure functions, each defined in the docstring of what holds the figure.

- `ticket_facts` turns the events of one ticket into `facts`.
- `count` and `figures` count the facts of a period.
- `causes` finds what tickets are about and what is rising.
- `build` puts them together.
"""

from mailbot.reports.figures.build import Maker, Report
from mailbot.reports.figures.figures import Figures
from mailbot.reports.figures.period import Period, Weekly, last_week, midnight, week_name

__all__ = ["Figures", "Maker", "Period", "Report", "Weekly", "last_week", "midnight", "week_name"]
