"""Counts, times, durations and sizes as people read them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def count_text(count: int, noun: str) -> str:
    """Return "1 rule", "2 rules", "2 mailboxes"."""
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('x') else 's'}"


def format_time(at: datetime | None, zone: str = "UTC") -> str:
    """Return a time on the wall clock of a zone: "Sat 2026-11-21 14:05:09 WIB"."""
    return "" if at is None else f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M:%S %Z}"


def format_short_time(at: datetime | None, zone: str) -> str:
    """Do the same for a column: "2026-11-21 14:05"."""
    return "" if at is None else f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def format_duration(length: timedelta) -> str:
    """Return the two largest units: "2 h 5 min", "45 s", "80 ms"."""
    seconds = abs(length).total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds else "0 s"
    if seconds < 10 and seconds % 1:
        return f"{seconds:.1f} s"
    parts = []
    rest = int(seconds)
    for unit, size in UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def format_work_time(length: timedelta) -> str:
    """Return hours and minutes: "26 h", "1 h 5 min". A day of 24 hours would be read as a work day."""
    hours, minutes = divmod(round(length.total_seconds() / 60), 60)
    parts = ([f"{hours:,} h"] if hours else []) + ([f"{minutes} min"] if minutes or not hours else [])
    return " ".join(parts)


def format_size(octets: int) -> str:
    """Return "812 B", "3.4 MB"."""
    amount = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
