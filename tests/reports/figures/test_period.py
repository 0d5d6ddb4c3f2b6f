"""Periods and moments of the week, across midnights and changes of the clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.reports.figures.api import Period, Weekly, last_week, midnight, week_name

JAKARTA, BERLIN = "Asia/Jakarta", "Europe/Berlin"
MONDAY_8 = Weekly(0, timedelta(hours=8))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_period_has_its_beginning_and_not_its_end() -> None:
    period = Period(utc("2026-11-16T17:00"), utc("2026-11-18T17:00"), JAKARTA)

    assert period.since in period
    assert period.until not in period
    assert [day.day for day in period.days()] == [17, 18]
    assert period.before() == Period(utc("2026-11-14T17:00"), utc("2026-11-16T17:00"), JAKARTA)


def test_the_last_week_is_seven_whole_local_days() -> None:
    week = last_week(utc("2026-11-23T01:00"), JAKARTA)  # Monday 8:00

    assert (week.since, week.until) == (utc("2026-11-15T17:00"), utc("2026-11-22T17:00"))
    changed = last_week(utc("2026-10-26T08:00"), BERLIN)  # the clock went back on the 25th
    assert changed.length == timedelta(days=7, hours=1)
    assert midnight(changed.days()[0], BERLIN) == changed.since


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        ("2026-11-23T00:59", "2026-11-16T01:00", "2026-11-23T01:00"),
        ("2026-11-23T01:00", "2026-11-23T01:00", "2026-11-30T01:00"),
        ("2026-11-29T23:00", "2026-11-23T01:00", "2026-11-30T01:00"),
    ],
)
def test_a_moment_of_the_week_is_found_on_the_local_clock(now: str, last: str, following: str) -> None:
    assert MONDAY_8.last(utc(now), JAKARTA) == utc(last)
    assert MONDAY_8.next(utc(now), JAKARTA) == utc(following)


@given(
    st.integers(0, 15 * 365 * 1440).map(lambda each: utc("2020-01-01") + timedelta(minutes=each)),
    st.integers(0, 6),
    st.integers(0, 1439),
    st.sampled_from([JAKARTA, BERLIN, "America/New_York", "UTC"]),
)
def test_every_week_has_its_moment_and_each_week_another_name(
    now: datetime, weekday: int, minutes: int, zone: str
) -> None:
    weekly = Weekly(weekday, timedelta(minutes=minutes))
    last, following = weekly.last(now, zone), weekly.next(now, zone)

    assert last <= now < following
    assert timedelta(days=6, hours=22) <= following - last <= timedelta(days=7, hours=2)
    assert week_name(last, zone) < week_name(following, zone)
