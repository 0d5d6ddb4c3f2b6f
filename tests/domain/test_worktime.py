"""Test work time against a stepped wall clock and businesstimedelta, which share none of our arithmetic."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import businesstimedelta
import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.worktime import (
    ALL_DAY,
    ALWAYS,
    Calendar,
    Interval,
    add,
    between,
    clock_span,
    hours,
    is_open,
    local,
    next_open,
)

OFFICE = (hours("08:00-12:00"), hours("13:00-17:00"))
WEEKDAYS = (OFFICE,) * 5 + ((), ())
JAKARTA = Calendar("office", "Asia/Jakarta", WEEKDAYS)
STEADY = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "UTC")
CHANGING = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia")
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def span(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


# --- expected results: count the minutes of a wall clock --------------------------------------------------


def on_the_wall(calendar: Calendar, moment: datetime) -> bool:
    """Open, by reading a clock: no spans, no offsets, no day that begins anywhere."""
    clock = moment.astimezone(ZoneInfo(calendar.zone))
    today = calendar.dates[clock.date()] if clock.date() in calendar.dates else calendar.week[clock.weekday()]
    since = timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
    return any(each.start <= since < each.end for each in today)


def stepped_between(calendar: Calendar, start: datetime, end: datetime, step: timedelta) -> timedelta:
    spent = timedelta()
    while start < end:
        spent += step if on_the_wall(calendar, start) else timedelta()
        start += step
    return spent


def stepped_add(calendar: Calendar, start: datetime, left: timedelta, step: timedelta) -> datetime | None:
    """Add work time step by step; return None when a week isn't enough."""
    now = start
    while left > timedelta():
        left -= step if on_the_wall(calendar, now) else timedelta()
        now += step
        if now - start > timedelta(days=7):
            return None
    return now


# --- generators -------------------------------------------------------------------------------------------


@st.composite
def day_hours(draw: st.DrawFn) -> tuple[Interval, ...]:
    """Generate up to three intervals on quarters of an hour, some touching, some to 24:00, in any order."""
    marks = sorted(draw(st.sets(st.integers(0, 96), max_size=6)))
    cut = draw(st.booleans())
    pairs = list(pairwise(marks))[:: 1 if cut else 2]
    return tuple(Interval(span(15 * low), span(15 * high)) for low, high in draw(st.permutations(pairs)))


exact_moments = st.datetimes(
    datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2045-01-01"), timezones=st.just(UTC)
)
moments = exact_moments.map(lambda moment: moment.replace(second=0, microsecond=0))


@st.composite
def changes(draw: st.DrawFn, zone: str) -> datetime:
    """Generate a moment within two days before the zone's offset changes, or any if it doesn't change."""
    first, clock = draw(moments), ZoneInfo(zone)
    ahead = [(first + timedelta(days=n)).astimezone(clock).utcoffset() for n in range(400)]
    change = next((n for n, (today, next_day) in enumerate(pairwise(ahead)) if today != next_day), 0)
    return first + timedelta(days=change - 1) + span(draw(st.integers(0, 1440)))


@st.composite
def calendars(draw: st.DrawFn, zones: tuple[str, ...], around: datetime | None = None) -> Calendar:
    week = draw(st.lists(day_hours(), min_size=7, max_size=7))
    week[draw(st.integers(0, 6))] += (Interval(span(600), span(615)),)  # some day must be open at all
    dates = {}
    if around:
        days = st.integers(-2, 9).map(lambda days: (around + timedelta(days)).date())
        dates = draw(st.dictionaries(days, st.one_of(st.just(()), day_hours()), max_size=4))
    return Calendar("drawn", draw(st.sampled_from(zones)), tuple(week), dates)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """Generate a calendar and a moment on a full minute, half of them shortly before the clocks change."""
    zone = draw(st.sampled_from(STEADY + CHANGING))
    start = draw(changes(zone) if zone in CHANGING and draw(st.booleans()) else moments)
    return draw(calendars((zone,), start)), start


# --- properties -------------------------------------------------------------------------------------------


@given(cases(), st.integers(0, 3 * 1440))
def test_work_time_between_two_moments_is_what_a_stepped_wall_clock_counts(case, minutes):
    calendar, start = case
    end = start + span(minutes)
    assert between(calendar, start, end) == stepped_between(calendar, start, end, MINUTE)


@given(cases(), st.integers(0, 20 * 60))
def test_adding_work_time_ends_where_a_stepped_wall_clock_has_counted_it(case, minutes):
    calendar, start = case
    far = add(calendar, start, span(minutes))
    counted = stepped_add(calendar, start, span(minutes), MINUTE)
    assert far == counted if counted else far - start > timedelta(days=7)


@given(calendars(STEADY + CHANGING), exact_moments, st.timedeltas(timedelta(), timedelta(days=40)), st.data())
def test_adding_in_two_steps_is_adding_at_once(calendar, start, whole, data):
    first = data.draw(st.timedeltas(timedelta(), whole))
    assert add(calendar, add(calendar, start, first), whole - first) == add(calendar, start, whole)


@given(calendars(STEADY + CHANGING), exact_moments, st.timedeltas(timedelta(), timedelta(days=40)))
def test_between_takes_back_what_add_added(calendar, start, whole):
    assert between(calendar, start, add(calendar, start, whole)) == whole


@given(calendars(STEADY + CHANGING), exact_moments, st.timedeltas(timedelta(0, 0, 1), timedelta(days=9)))
def test_no_earlier_moment_than_the_one_add_gives_would_do(calendar, start, whole):
    end = add(calendar, start, whole)
    assert between(calendar, start, end - timedelta.resolution) == whole - timedelta.resolution


@given(cases())
def test_next_open_is_the_first_open_moment(case):
    calendar, start = case
    opens = next_open(calendar, start)
    assert is_open(calendar, opens)
    assert on_the_wall(calendar, opens)
    assert between(calendar, start, opens) == timedelta()
    assert (opens == start) == is_open(calendar, start) == on_the_wall(calendar, start)


@given(cases(), st.integers(0, 2 * 86_400))
def test_open_follows_the_wall_clock_at_any_second(case, seconds):
    calendar, start = case
    moment = start + timedelta(0, seconds)
    assert is_open(calendar, moment) == on_the_wall(calendar, moment)


@given(
    st.integers(0, 22),
    st.integers(1, 23),
    st.sets(st.integers(0, 6), min_size=1),
    st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"]),
    exact_moments,
    st.integers(0, 60 * 24 * 40),
)
def test_plain_office_hours_agree_with_businesstimedelta(opens, length, days, zone, start, minutes):
    closes = min(23, opens + length)
    start, end = start.replace(microsecond=0), start.replace(microsecond=0) + span(minutes)
    clock = pytz.timezone(zone)
    oracle = businesstimedelta.WorkDayRule(time(opens), time(closes), sorted(days), tz=clock)
    told = oracle.difference(start, end)
    interval = (Interval(timedelta(hours=opens), timedelta(hours=closes)),)
    calendar = Calendar("plain", zone, tuple(interval if day in days else () for day in range(7)))
    assert between(calendar, start, end) == told.timedelta
    if told.timedelta:
        reached = start + businesstimedelta.BusinessTimeDelta(oracle, timedelta=told.timedelta)
        assert add(calendar, start, told.timedelta) == reached


# --- whole years, compared with a wall clock --------------------------------------------------------------

QUARTER = 900  # seconds: in these years every zone changes, and every calendar below opens, on a full one


class Years:
    """Work time by a list of all quarters of hours: open or not by the wall clock, seconds added up."""

    def __init__(self, calendar: Calendar, first: datetime, years: int) -> None:
        self.first, self.before = first, [0]
        moment, count = first, years * 365 * 96
        for _ in range(count):
            self.before.append(self.before[-1] + QUARTER * on_the_wall(calendar, moment))
            moment += timedelta(0, QUARTER)

    def until(self, moment: datetime) -> int:
        """Count the seconds of work time from the first moment to this one."""
        whole, rest = divmod(int((moment - self.first).total_seconds()), QUARTER)
        open_ = self.before[whole + 1] > self.before[whole]
        return self.before[whole] + rest * open_


def long_calendar(zone: str, first: datetime) -> Calendar:
    """Build a calendar with odd hours, a night over two days, closed dates and a month of other hours."""
    week = (
        OFFICE,
        OFFICE,
        (hours("22:00-24:00"),),
        (hours("00:00-06:15"),),
        OFFICE,
        (hours("01:00-03:30"),),
        (),
    )
    dates: dict[date, tuple[Interval, ...]] = {
        (first + timedelta(days=n)).date(): (hours("07:45-14:15"),) for n in range(60, 90)
    }
    dates |= {(first + timedelta(days=n)).date(): () for n in range(0, 1060, 13)}
    return Calendar("long", zone, week, dates)


@pytest.mark.parametrize(
    ("zone", "year"),
    [
        ("Asia/Makassar", 2026),
        ("Europe/Berlin", 2026),
        ("America/New_York", 2026),
        ("Australia/Lord_Howe", 2026),  # half an hour of daylight saving
        ("Africa/Casablanca", 2025),  # goes back for Ramadan alone
        ("Pacific/Apia", 2011),  # left out 30 December 2011
    ],
)
def test_three_years_agree_to_the_second_with_a_clock_read_each_quarter_of_an_hour(
    zone: str, year: int
) -> None:
    first = datetime(year, 1, 1, tzinfo=UTC)
    calendar, random = long_calendar(zone, first), Random(zone)
    oracle = Years(calendar, first, 3)
    second = timedelta(0, 1)
    for _ in range(1500):
        low, high = sorted(random.sample(range(1060 * 86_400), 2))
        start, end = first + timedelta(0, low), first + timedelta(0, high)
        open_ = timedelta(0, oracle.until(end) - oracle.until(start))
        assert between(calendar, start, end) == open_
        assert is_open(calendar, start) == (oracle.until(start + second) > oracle.until(start))
        if open_:
            reached = add(calendar, start, open_)
            assert reached <= end
            assert oracle.until(reached) - oracle.until(start) == open_.total_seconds()
            assert oracle.until(reached - second) < oracle.until(reached)


def test_years_with_a_lunch_break_and_holidays_agree_with_businesstimedelta() -> None:
    zone = pytz.timezone("Asia/Jakarta")
    off = {date(2026, 1, 1) + timedelta(days=n): "off" for n in range(0, 1000, 37)}
    work = businesstimedelta.WorkDayRule(time(8), time(17), [0, 1, 2, 3, 4], tz=zone)
    lunch = businesstimedelta.LunchTimeRule(time(12), time(13), [0, 1, 2, 3, 4], tz=zone)
    oracle = businesstimedelta.Rules([work, lunch, businesstimedelta.HolidayRule(off, tz=zone)])
    calendar = Calendar("office", "Asia/Jakarta", WEEKDAYS, dict.fromkeys(off, ()))
    random, first = Random(7), datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(12):
        start = first + timedelta(0, random.randrange(600 * 86_400))
        end = start + timedelta(0, random.randrange(40 * 86_400))
        assert between(calendar, start, end) == oracle.difference(start, end).timedelta


# --- examples ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-20T09:30:15+07:00", 30, "2026-11-20T10:00:15+07:00"),
        ("2026-11-20T11:45:00+07:00", 30, "2026-11-20T13:15:00+07:00"),  # over the lunch break
        ("2026-11-20T16:45:00+07:00", 30, "2026-11-23T08:15:00+07:00"),  # over the week-end
        ("2026-11-21T12:00:00+07:00", 1, "2026-11-23T08:01:00+07:00"),  # written on a Saturday
        ("2026-11-20T08:00:00+07:00", 480, "2026-11-20T17:00:00+07:00"),  # a whole day ends when it closes
        ("2026-11-20T08:00:00+07:00", 240, "2026-11-20T12:00:00+07:00"),
        ("2026-11-21T12:00:00+07:00", 0, "2026-11-21T12:00:00+07:00"),  # nothing to wait for
    ],
)
def test_office_hours_in_jakarta(start, minutes, end):
    assert add(JAKARTA, at(start), span(minutes)) == at(end)
    assert between(JAKARTA, at(start), at(end)) == span(minutes)


def test_results_are_utc_whatever_zone_the_moment_came_in():
    start = datetime(2026, 11, 20, 9, 30, tzinfo=ZoneInfo("Asia/Jayapura"))
    for result in (add(JAKARTA, start, span(0)), add(JAKARTA, start, span(9)), next_open(JAKARTA, start)):
        assert result.tzinfo is UTC


def test_the_three_indonesian_zones_open_one_hour_after_another():
    zones = ("Asia/Jayapura", "Asia/Makassar", "Asia/Jakarta")
    opens = [next_open(Calendar("x", zone, WEEKDAYS), at("2026-11-22T12:00:00+00:00")) for zone in zones]
    assert opens == [at(f"2026-11-{moment}:00:00+00:00") for moment in ("22T23", "23T00", "23T01")]


def test_touching_and_overlapping_intervals_are_one():
    parts = (hours("12:00-17:00"), hours("08:00-12:00"), hours("11:00-13:00"), hours("08:30-09:00"))
    one = Calendar("one", "Asia/Jakarta", ((hours("08:00-17:00"),),) * 7)
    many = Calendar("many", "Asia/Jakarta", (parts,) * 7)
    start = at("2026-11-20T03:00:00+07:00")
    for minutes in (1, 239, 240, 241, 540, 541, 5000):
        assert add(many, start, span(minutes)) == add(one, start, span(minutes))


def test_a_day_may_last_until_24_00_and_go_on_in_the_next():
    night = Calendar("night", "Asia/Jakarta", ((hours("22:00-24:00"), hours("00:00-06:00")),) * 7)
    start = at("2026-11-20T23:30:00+07:00")
    assert is_open(night, at("2026-11-21T00:00:00+07:00"))
    assert add(night, start, span(60)) == at("2026-11-21T00:30:00+07:00")
    assert add(night, start, span(390)) == at("2026-11-21T06:00:00+07:00")


def test_a_date_replaces_the_hours_of_its_weekday():
    dates = {date(2026, 11, 23): (), date(2026, 11, 22): (hours("10:00-11:00"),)}
    calendar = Calendar("dated", "Asia/Jakarta", WEEKDAYS, dates)
    friday = at("2026-11-20T16:00:00+07:00")
    assert add(calendar, friday, span(90)) == at("2026-11-22T10:30:00+07:00")
    assert add(calendar, friday, span(150)) == at("2026-11-24T08:30:00+07:00")


def test_the_hour_that_daylight_saving_skips_holds_no_work_time():
    night = Calendar("night", "Europe/Berlin", ((hours("01:00-04:00"),),) * 7)
    start = at("2026-03-29T00:30:00+01:00")
    assert between(night, start, start + timedelta(hours=6)) == timedelta(hours=2)
    assert (
        add(night, start, timedelta(hours=1))
        == at("2026-03-29T03:00:00+02:00")
        == at("2026-03-29T02:00:00+01:00")
    )
    inside = Calendar("inside", "Europe/Berlin", ((hours("02:00-03:00"),),) * 7)
    assert next_open(inside, start) == at("2026-03-30T02:00:00+02:00")


def test_the_hour_that_daylight_saving_repeats_counts_twice():
    night = Calendar("night", "Europe/Berlin", ((hours("01:00-02:30"),),) * 7)
    start = at("2026-10-25T00:30:00+02:00")
    assert between(night, start, start + timedelta(hours=6)) == span(120)
    assert add(night, start, span(90)) == at("2026-10-25T02:30:00+02:00")
    assert add(night, start, span(91)) == at("2026-10-25T02:01:00+01:00")


def test_a_full_day_has_23_or_25_hours_when_the_clock_changes():
    days = Calendar("days", "Europe/Berlin", tuple((ALL_DAY,) if day == 6 else () for day in range(7)))
    week = timedelta(days=7)
    assert between(days, at("2026-03-25T00:00:00+00:00"), at("2026-03-25T00:00:00+00:00") + week) == span(
        23 * 60
    )
    assert between(days, at("2026-10-21T00:00:00+00:00"), at("2026-10-21T00:00:00+00:00") + week) == span(
        25 * 60
    )


def test_the_day_that_samoa_left_out_has_no_work_time():
    calendar = Calendar(
        "apia", "Pacific/Apia", ((),) * 7, {date(2011, 12, 30): OFFICE, date(2011, 12, 31): OFFICE}
    )
    assert between(calendar, at("2011-12-25T00:00:00+00:00"), at("2012-01-05T00:00:00+00:00")) == timedelta(
        hours=8
    )


def test_a_clock_that_changes_at_midnight_utc_loses_nothing():
    morocco = Calendar("morocco", "Africa/Casablanca", (OFFICE,) * 7)  # an hour ahead from 2008-06-01T00:00Z
    opens = [next_open(morocco, at(f"2008-{day}T00:00:00+00:00")) for day in ("05-31", "06-01")]
    assert opens == [at("2008-05-31T08:00:00+00:00"), at("2008-06-01T07:00:00+00:00")]
    assert between(morocco, at("2008-05-31T00:00:00+00:00"), at("2008-06-02T00:00:00+00:00")) == timedelta(
        hours=16
    )


def test_the_moment_of_closing_is_closed():
    for day, opens in (("2026-11-20T12:00:00+07:00", "20T13"), ("2026-11-20T17:00:00+07:00", "23T08")):
        assert not is_open(JAKARTA, at(day))
        assert next_open(JAKARTA, at(day)) == at(f"2026-11-{opens}:00:00+07:00")


def test_always_is_plain_time():
    start = at("2026-11-21T23:59:59.999999+00:00")
    for days in (0, 1, 400):
        whole = timedelta(days, 86_399, 1)
        assert add(ALWAYS, start, whole) == start + whole
        assert between(ALWAYS, start, start + whole) == whole
    assert next_open(ALWAYS, start) == start


def test_time_that_runs_backward_holds_no_work_time():
    start = at("2026-11-20T09:00:00+07:00")
    assert between(JAKARTA, start, start - timedelta(days=30)) == timedelta()
    assert between(JAKARTA, start, start - span(5)) == timedelta()


def test_each_second_of_a_working_day_counts():
    start = at("2026-11-20T11:59:50+07:00")
    for seconds in range(30):
        one = timedelta(0, seconds)
        assert add(JAKARTA, start, one) == stepped_add(JAKARTA, start, one, timedelta(0, 1))


# --- refusals ---------------------------------------------------------------------------------------------


def test_a_calendar_that_never_opens_is_refused_instead_of_searched_for_ever():
    closed = Calendar("closed", "Asia/Jakarta", ((),) * 7, {date(2020, 1, 1): OFFICE})
    for ask in (lambda moment: add(closed, moment, span(1)), lambda moment: next_open(closed, moment)):
        with pytest.raises(ValueError, match="'closed' has no work time in the five years before"):
            ask(at("2026-11-20T00:00:00+00:00"))
    assert add(closed, at("2026-11-20T00:00:00+00:00"), span(0)) == at("2026-11-20T00:00:00+00:00")


def test_a_calendar_open_once_in_four_years_still_works():
    leap = {date(year, 2, 29): (hours("08:00-09:00"),) for year in (2028, 2032)}
    calendar = Calendar("leap", "Asia/Jakarta", ((),) * 7, leap)
    assert add(calendar, at("2026-11-20T00:00:00+00:00"), span(90)) == at("2032-02-29T08:30:00+07:00")


def test_negative_spans_naive_moments_and_the_end_of_time_are_refused():
    with pytest.raises(ValueError, match="runs forward"):
        add(JAKARTA, at("2026-11-20T00:00:00+00:00"), span(-1))
    with pytest.raises(TypeError):
        add(JAKARTA, datetime(2026, 11, 20), span(1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="1800 to 9999"):
        add(ALWAYS, at("9999-12-01T00:00:00+00:00"), timedelta(days=60))


@pytest.mark.parametrize("zone", ["Asia/Atlantis", "", "../etc/passwd", "/etc/localtime", "Asia"])
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(ValueError, match="is not a time zone"):
        Calendar("x", zone, WEEKDAYS)


def test_a_week_has_seven_days():
    with pytest.raises(ValueError, match="seven days, not 5"):
        Calendar("x", "UTC", (OFFICE,) * 5)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("08:00-17:00", (480, 1020)),
        ("8.00 - 17.30", (480, 1050)),
        (" 00:00–24:00 ", (0, 1440)),
        ("23:59-24:00", (1439, 1440)),
    ],
)
def test_hours_are_read_as_people_write_them(text, interval):
    assert hours(text) == Interval(*map(span, interval))
    assert hours(str(hours(text))) == hours(text)


@pytest.mark.parametrize(
    "text", ["", "8-17", "17:00-08:00", "08:00-08:00", "08:61-09:00", "08:00-24:01", "08:00"]
)
def test_hours_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match=r"hours|24:00"):
        hours(text)


def test_a_clock_span_may_run_over_midnight():
    assert clock_span("22:00-06:00") == (timedelta(hours=22), timedelta(hours=6))


def test_calendars_compare_and_hash_by_their_fields_not_by_their_cache():
    twin = Calendar("office", "Asia/Jakarta", WEEKDAYS)
    add(JAKARTA, at("2026-11-20T00:00:00+00:00"), span(600))
    assert (twin, hash(twin)) == (JAKARTA, hash(JAKARTA))
    assert twin != Calendar("office", "Asia/Jakarta", WEEKDAYS, {date(2026, 1, 1): ()})


def test_local_shows_the_wall_clock():
    assert local(JAKARTA, at("2026-11-20T23:30:00+00:00")).isoformat() == "2026-11-21T06:30:00+07:00"
