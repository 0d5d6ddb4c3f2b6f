"""Test calendars from YAML: weekdays, hours, dates, holidays."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mailbot.config.api import load
from mailbot.config.yaml import calendars
from mailbot.domain.worktime import Calendar, add, is_open
from mailbot.errors import ConfigError
from tests.config.faults import BASE, TODAY, brief, lay

WIB = timedelta(hours=7)


def calendar(tmp_path: Path, lines: str) -> Calendar:
    text = (BASE / "escalation.yaml").read_text()
    start, end = text.index("  office:"), text.index("  always:")
    (lay(tmp_path) / "escalation.yaml").write_text(f"{text[:start]}  office:\n{lines}{text[end:]}")
    return load(tmp_path, {}, today=TODAY).policy.calendars["office"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) - WIB


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("sat", (5,)),
        ("mon, wed", (0, 2)),
        ("Friday-monday", (4, 5, 6, 0)),
        ("mon-tue, thurs", (0, 1, 3)),
        ("mon-sun", (0, 1, 2, 3, 4, 5, 6)),
        ("senin-jumat", (0, 1, 2, 3, 4)),
        ("Sabtu, minggu", (5, 6)),
        ("rab, Jum'at", (2, 4)),
    ],
)
def test_weekdays_are_read(text: str, days: tuple[int, ...]) -> None:
    assert calendars.weekdays(text) == days


@pytest.mark.parametrize("text", ["", "mo", "mon-", "mon, mon", "hari", "mon-fri, wed"])
def test_wrong_weekdays_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"weekday|twice"):
        calendars.weekdays(text)


def test_a_lunch_break_a_day_until_midnight_and_lists_are_read() -> None:
    assert list(map(str, calendars.intervals("13:00-17:00, 08:00-12:00"))) == ["08:00-12:00", "13:00-17:00"]
    assert list(map(str, calendars.intervals(["00:00-24:00"]))) == ["00:00-24:00"]
    assert calendars.intervals("closed") == ()


@pytest.mark.parametrize(
    "value", ["", None, 8, "8-17", "08:00", "17:00-08:00", "08:60-09:00", "20:00-25:00", [], [8]]
)
def test_wrong_hours_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"hours|overlap|day"):
        calendars.intervals(value)


def test_dates_and_ranges_of_dates_are_read() -> None:
    assert calendars.dates("2026-12-31") == (date(2026, 12, 31),)
    assert len(calendars.dates("2026-12-24 to 2027-01-02")) == 10


@pytest.mark.parametrize(
    "text", ["31-12-2026", "2026-13-01", "2026-12-31 to 2026-12-01", "2026-01-01 to 2028-01-01", 5]
)
def test_wrong_dates_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"not a date|backward"):
        calendars.dates(text)


def test_indonesian_holidays_are_off_and_collective_leave_is_a_switch(tmp_path: Path) -> None:
    lines = "    hours: {mon-fri: 08:00-17:00}\n    holidays: {country: ID, collective_leave: %s}\n"
    without, included = calendar(tmp_path, lines % "false"), calendar(tmp_path, lines % "true")
    for each in (without, included):
        assert not is_open(each, at("2026-12-25T10:00"))  # Christmas
        assert is_open(each, at("2026-12-23T10:00"))
    assert is_open(without, at("2026-12-24T10:00"))
    assert not is_open(included, at("2026-12-24T10:00"))  # cuti bersama
    assert not is_open(included, at("2031-08-17T10:00"))  # five years ahead


def test_own_dates_go_before_holidays_and_weekdays(tmp_path: Path) -> None:
    made = calendar(
        tmp_path,
        "    hours: {mon-fri: 08:00-17:00}\n    holidays: {country: ID}\n    dates:\n"
        "      2026-12-25: 09:00-10:00\n      2026-12-28 to 2026-12-30: closed\n",
    )
    assert is_open(made, at("2026-12-25T09:30"))
    assert not is_open(made, at("2026-12-29T09:30"))
    assert add(made, at("2026-12-25T09:00"), timedelta(hours=2)) == at("2026-12-31T09:00")


def test_estimated_holidays_are_a_warning_and_no_error(tmp_path: Path) -> None:
    calendar(tmp_path, "    hours: {mon-fri: 08:00-17:00}\n    holidays: {country: ID}\n")
    found = load(tmp_path, {}, today=TODAY).warnings
    assert [(each.line, each.column) for each in found] == [(4, 15)]
    assert "2027-03-10 Eid al-Fitr" in found[0].message
    assert "2028" not in found[0].message


def test_collective_leave_that_is_not_known_yet_is_a_warning() -> None:
    found = calendars.holidays_of("ID", date(2029, 5, 1), collective_leave=True)
    assert any("cuti bersama) of 2029" in remark for remark in found.remarks)
    assert not any(
        "cuti bersama" in each for each in calendars.holidays_of("ID", TODAY, collective_leave=True).remarks
    )


RAMADAN = """    hours: {mon-fri: 08:00-17:00, sat: 08:00-12:00}
    holidays: {country: ID}
    periods:
      - {name: Ramadan 2027, from: 2027-02-08, to: 2027-03-09,
         hours: {mon-thu: 08:00-15:00, fri: 08:00-15:30}}
    dates:
      2027-02-15: 10:00-11:00
"""


@pytest.mark.parametrize(
    ("moment", "is_open_then"),
    [
        ("2027-02-05T16:30", True),  # the Friday before
        ("2027-02-08T08:30", True),  # its first day, a Monday
        ("2027-02-08T15:30", False),
        ("2027-02-12T15:15", True),  # Fridays are half an hour longer
        ("2027-02-12T15:45", False),
        ("2027-02-13T11:00", True),  # a day that the period does not name keeps its usual hours
        ("2027-02-15T10:30", True),  # an own date stands above the period
        ("2027-02-15T14:00", False),
        ("2027-03-08T09:00", False),  # a holiday inside (Nyepi) stays closed
        ("2027-03-09T15:30", False),  # estimated Eid, or the last day: closed either way
        ("2027-03-12T16:30", True),  # after it
    ],
)
def test_holidays_and_dates_go_before_a_period(tmp_path: Path, moment: str, is_open_then: bool) -> None:
    assert is_open(calendar(tmp_path, RAMADAN), at(moment)) == is_open_then


def test_a_period_of_the_past_changes_nothing_now(tmp_path: Path) -> None:
    made = calendar(tmp_path, RAMADAN)
    assert add(made, at("2028-02-07T08:00"), timedelta(hours=9)) == at("2028-02-07T17:00")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "from: 2027-03-09, to: 2027-02-08",
            "6:9: 2027-03-09 to 2027-02-08 runs backward or over more than a year",
        ),
        (
            "from: 2027-02-08 to 2027-03-09, to: 2027-03-09",
            "6:36: `2027-02-08 to 2027-03-09` is more than one date",
        ),
        ("from: 2027-02-30, to: 2027-03-09", "6:36: `2027-02-30` is not a date"),
        ("until: 2027-02-30, from: 2027-03-09", "6:9: `to` is missing here"),
        (
            "from: 2027-02-08, to: 2027-03-09, hours: {mon: closed, monday: closed}",
            "a day of `monday` is already in a line above",
        ),
        ("from: 2027-02-08, to: 2027-03-09, hours: {}", "at least one line of hours is needed"),
        ("from: 2027-01-08, to: 2027-03-09", "`Ramadan 2027` and `before` both include 2027-01-08"),
    ],
)
def test_a_wrong_period_is_refused_with_its_place(tmp_path: Path, written: str, told: str) -> None:
    before = "{name: before, from: 2027-01-01, to: 2027-02-01, hours: {mon: closed}}"
    more = "" if "hours" in written else ", hours: {mon: closed}"
    ramadan = f"{{name: Ramadan 2027, {written}{more}}}"
    lines = f"    hours: {{mon-fri: 08:00-17:00}}\n    periods:\n      - {before}\n      - {ramadan}\n"
    with pytest.raises(ConfigError) as refused:
        calendar(tmp_path, lines)
    assert told in next(map(brief, refused.value.problems))


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("WIB", "Asia/Jakarta"),
        ("wita", "Asia/Makassar"),
        ("WIT", "Asia/Jayapura"),
        ("Asia/Pontianak", "Asia/Pontianak"),
    ],
)
def test_indonesian_zones_have_their_own_names(tmp_path: Path, written: str, zone: str) -> None:
    assert calendar(tmp_path, f"    zone: {written}\n    hours: {{mon: 08:00-17:00}}\n").zone == zone
