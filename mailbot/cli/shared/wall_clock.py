"""Times as a page for people shows them: a date where it is not today, seconds where moments lie close together."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mailbot.cli.shared.output import echo, echo_hanging
from mailbot.views.formats import format_duration

MINUTE = timedelta(minutes=1)
HALF_A_YEAR = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class Line:
    """What happened at a moment. `is_bad`: something was late or failed."""

    at: datetime
    text: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class WallClock:
    """A clock in `zone` that shows `now`. `moments` are all that the page shows, sorted and in whole seconds."""

    zone: str
    now: datetime
    moments: tuple[datetime, ...] = ()

    def showing(self, moments: Iterable[datetime]) -> "WallClock":
        """Return the clock of a page that shows these moments too."""
        seconds = {each.replace(microsecond=0) for each in moments}
        return WallClock(self.zone, self.now, tuple(sorted(seconds.union(self.moments))))

    def time(self, at: datetime) -> str:
        """Return "16:37", or "16:35:30" where another moment of the page is less than a minute away."""
        whole = at.replace(microsecond=0)
        first, end = bisect_right(self.moments, whole - MINUTE), bisect_left(self.moments, whole + MINUTE)
        is_close = any(other != whole for other in self.moments[first:end])
        return f"{self._here(at):%H:%M:%S}" if is_close else f"{self._here(at):%H:%M}"

    def day(self, at: datetime) -> str:
        """Return "Mon 30 Nov", and the year when it is more than half a year away."""
        here = self._here(at)
        year = f" {here.year}" if abs(at - self.now) > HALF_A_YEAR else ""
        return f"{here:%a} {here.day} {here:%b}{year}"

    def is_today(self, at: datetime) -> bool:
        return self._here(at).date() == self._here(self.now).date()

    def moment(self, at: datetime) -> str:
        """Return the time of a moment of today, of another day with the date."""
        return self.time(at) if self.is_today(at) else f"{self.day(at)} {self.time(at)}"

    def promise(self, at: datetime) -> str:
        """Return when a promise ends and what is left of it: "16:37, LATE by 1 min"."""
        return f"{self.moment(at)}, {self.rest(at)}"

    def rest(self, at: datetime) -> str:
        """Return "4 min left", "LATE by 1 h 5 min"; seconds only below a minute."""
        length = abs(at - self.now)
        distance = format_duration(length - length % (MINUTE if length >= MINUTE else timedelta(seconds=1)))
        return f"LATE by {distance}" if at <= self.now else f"{distance} left"

    def print(self, lines: Sequence["Line"]) -> None:
        """Print what happened, a date where it is another than before; further lines hang below the text."""
        clock, day = self.showing(line.at for line in lines), self.now
        width = max((len(clock.time(line.at)) for line in lines), default=0)
        for line in lines:
            if clock.day(line.at) != clock.day(day):
                echo(f"  {clock.day(line.at)}")
            day = line.at
            prefix = f"  {clock.time(line.at):<{width}}  "
            echo_hanging(f"{prefix}{line.text}", len(prefix), fg="red" if line.is_bad else None)

    def _here(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.zone))
