"""Were promises kept? Moments are compared: when an answer or the close came, and when the recorded clock ended.

Theory of operation. Which steps were taken or dropped does not matter: an answer 23 s after a mail whose promise ends
after 6 s is late, whether or not the daemon was there to record that. A promise ends once in each run of its clock:

- kept: an answer (the close for a resolution, any news for promised news) came in time
- missed: TargetMissed happened, or its end had passed when an answer or the close came, or when its clock went away
- neither: it went away in time: no answer was needed, the ticket was merged
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from mailbot.domain.ladder import MISSED
from mailbot.domain.model import Clock, Target
from mailbot.domain.worktime import ALWAYS, Calendar, add

ANSWERS = (Target.FIRST_RESPONSE, Target.NEXT_RESPONSE)
COUNTED = (*ANSWERS, Target.RESOLUTION)  # promises to customers that clocks of the policy measure

Outcome = Callable[[datetime, Target, bool], None]  # at, which, kept


class Promises:
    """The promises on one ticket. `outcome` is called once for each that was kept or missed."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._running: dict[Target, Clock] = {}
        self._news_by: datetime | None = None  # promised by an agent

    def watch(self, clocks: Iterable[Clock], at: datetime, calendar: Calendar) -> None:
        """Take over the clocks from now on; what went away is missed if it had ended before."""
        running = {each.target: each for each in clocks if each.target in COUNTED}
        for target in self._running.keys() - running.keys():
            self._drop(target, at, calendar)
        self._running = running

    def answered(self, at: datetime, calendar: Calendar) -> None:
        for target in ANSWERS:
            self._end(target, at, calendar)
        self.news(at)

    def closed(self, at: datetime, calendar: Calendar) -> None:
        self._end(Target.RESOLUTION, at, calendar)
        for target in ANSWERS:
            self._drop(target, at, calendar)
        self.news(at)

    def news(self, at: datetime, until: datetime | None = None) -> None:
        """End promised news: the customer hears of us. `until`: the next news are promised by then."""
        if self._news_by:
            self._outcome(at, Target.PROMISE, at <= self._news_by)
        self._news_by = until

    def missed(self, target: Target, at: datetime) -> None:
        """Take a miss that the daemon recorded. Of promised news only an agent's word to the customer counts."""
        if target is Target.PROMISE:
            if self._news_by:
                self._outcome(at, target, False)
            self._news_by = None
        elif target in COUNTED:
            self._running.pop(target, None)
            self._outcome(at, target, False)

    def forget(self) -> None:
        self._running, self._news_by = {}, None

    def _end(self, target: Target, at: datetime, calendar: Calendar) -> None:
        clock = self._running.pop(target, None)
        if clock and MISSED not in clock.fired:
            self._outcome(at, target, not _is_over(clock, at, calendar))

    def _drop(self, target: Target, at: datetime, calendar: Calendar) -> None:
        clock = self._running.pop(target, None)
        if clock and MISSED not in clock.fired and _is_over(clock, at, calendar):
            self._outcome(at, target, False)


def _is_over(clock: Clock, at: datetime, calendar: Calendar) -> bool:
    """Check whether the clock ended before `at`, as `ladder` computes its deadline."""
    if clock.ends_at:
        return at > clock.ends_at
    left = clock.span - clock.spent
    if clock.running_since is None or left < timedelta():
        return left < timedelta()
    if at - clock.running_since <= left:  # work time never passes faster
        return False
    try:
        return at > add(calendar, clock.running_since, left)
    except ValueError:  # the calendar never opens: deadlines run round the clock
        return at > add(ALWAYS, clock.running_since, left)
