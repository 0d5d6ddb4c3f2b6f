"""Moments and spans as readers say them, in Indonesian and English."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_HALF_A_YEAR = timedelta(days=183)
_DAYS = {
    "id": ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = {
    "id": (
        *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
        *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
# days, hours, minutes; what is ahead, what is past, less than a minute
_SPANS = {
    "id": ("hari", "jam", "mnt", "{} lagi", "{} lalu", "sekarang"),
    "en": ("d", "h", "min", "{} left", "{} ago", "now"),
}


@lru_cache(maxsize=1024)  # one notice formats a moment in several ways, and `now` beside each
def local(at: datetime, zone: str) -> datetime:
    """Return the moment by the clock of `zone`; by UTC when there is no such zone."""
    try:
        return at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a name like "../x" or a directory
        return at.astimezone(UTC)


def local_time(at: datetime, language: str, zone: str, now: datetime | None = None) -> str:
    """Format a moment: "Sabtu, 28 November, pukul 12.00 WIB". The year stands there when it is far from `now`."""
    moment = local(at, zone)
    day, month = _DAYS[language][moment.weekday()], _MONTHS[language][moment.month - 1]
    year = f" {moment.year}" if now is None or abs(at - now) > _HALF_A_YEAR else ""
    if language == "id":
        return f"{day}, {moment.day} {month}{year}, pukul {_clock(moment, language)}"
    return f"{day} {moment.day} {month}{year}, {_clock(moment, language)}"


def short_time(at: datetime, language: str, zone: str, now: datetime) -> str:
    """Format a moment of today as "hari ini pukul 12.00 WIB", any other as `local_time`."""
    moment = local(at, zone)
    if moment.date() != local(now, zone).date():
        return local_time(at, language, zone, now)
    clock = _clock(moment, language)
    return f"hari ini pukul {clock}" if language == "id" else f"today at {clock}"


def day_of(at: datetime, language: str, zone: str, now: datetime) -> str:
    """Format the day of a moment, "12 Desember"; a moment of today as `short_time`."""
    moment = local(at, zone)
    if moment.date() == local(now, zone).date():
        return short_time(at, language, zone, now)
    year = f" {moment.year}" if abs(at - now) > _HALF_A_YEAR else ""
    return f"{moment.day} {_MONTHS[language][moment.month - 1]}{year}"


@lru_cache(maxsize=1024)
def clock_time(at: datetime, language: str, zone: str, now: datetime) -> str:
    """Format a moment of today as "12.00 WIB", any other as `local_time`."""
    moment = local(at, zone)
    if moment.date() == local(now, zone).date():
        return _clock(moment, language)
    return local_time(at, language, zone, now)


def time_left(at: datetime, now: datetime, language: str) -> str:
    """Format the distance: "2 jam 58 mnt lagi", "14 mnt lalu"; the two largest units."""
    *units, ahead, past, same = _SPANS[language]
    minutes = round(abs(at - now) / timedelta(minutes=1))
    if minutes == 0:
        return same
    amounts = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{amount} {unit}" for amount, unit in zip(amounts, units, strict=True) if amount]
    return (ahead if at > now else past).format(" ".join(parts[:2]))


def _clock(moment: datetime, language: str) -> str:
    separator = "." if language == "id" else ":"
    return f"{moment.hour:02}{separator}{moment.minute:02} {moment.tzname()}"
