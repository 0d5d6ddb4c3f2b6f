"""Which stretch of time a report is about: [since, until), with the days of a zone in it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Period:
    """[since, until): what happened at `since` belongs to it, what happened at `until` does not.

    `zone` is where the days begin and end: the default calendar's.
    """

    since: datetime
    until: datetime
    zone: str

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise ValueError(f"{self.until} is not after {self.since}")

    def __contains__(self, at: datetime) -> bool:
        return self.since <= at < self.until

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    def before(self, length: timedelta | None = None) -> "Period":
        """Return the period that ends where this one begins, as long as this one or `length`."""
        return Period(self.since - (length or self.length), self.since, self.zone)

    def day_of(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()

    def days(self) -> tuple[date, ...]:
        """List every local date that has a part in it."""
        first = self.day_of(self.since).toordinal()
        last = self.day_of(self.until - timedelta(microseconds=1)).toordinal()
        return tuple(date.fromordinal(day) for day in range(first, last + 1))


def midnight(day: date, zone: str) -> datetime:
    """Return when a local day begins, in UTC. Where the clock skips midnight: the moment that it skips to."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def last_week(at: datetime, zone: str) -> Period:
    """Return the seven whole local days before the day of `at`: on a Monday, Monday to Sunday."""
    today = at.astimezone(ZoneInfo(zone)).date()
    return Period(midnight(today - timedelta(days=7), zone), midnight(today, zone), zone)


@dataclass(frozen=True, slots=True)
class Weekly:
    """A moment of each week on the wall clock of a zone: `weekday` 0 is Monday, `at` since midnight."""

    weekday: int
    at: timedelta

    def last(self, now: datetime, zone: str) -> datetime:
        """Return the newest one that is not after `now`, in UTC."""
        today = now.astimezone(ZoneInfo(zone)).date()
        day = today - timedelta(days=(today.weekday() - self.weekday) % 7)
        newest = self._on(day, zone)
        return newest if newest <= now else self._on(day - timedelta(days=7), zone)

    def next(self, now: datetime, zone: str) -> datetime:
        """Return the first one after `now`, in UTC."""
        day = self.last(now, zone).astimezone(ZoneInfo(zone)).date()
        return self._on(day + timedelta(days=7), zone)

    def _on(self, day: date, zone: str) -> datetime:
        wall = datetime.combine(day, time(), ZoneInfo(zone)) + self.at  # the clock may change that day
        return wall.astimezone(UTC)


def week_name(at: datetime, zone: str) -> str:
    """Name a local week, Monday to Sunday: "2026-W48" (ISO 8601)."""
    year, week, _ = at.astimezone(ZoneInfo(zone)).isocalendar()
    return f"{year}-W{week:02d}"
