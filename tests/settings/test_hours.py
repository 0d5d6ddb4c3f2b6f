"""Calendars from YAML: weekdays, hours, dates, holidays."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mailbot.core.worktime import Calendar, add, is_open
from mailbot.settings import hours, load
from tests.settings.faults import BASE, TODAY, lay

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
    ],
)
def test_weekdays_are_read(text: str, days: tuple[int, ...]) -> None:
    assert hours.weekdays(text) == days


@pytest.mark.parametrize("text", ["", "mo", "mon-", "mon, mon", "senin", "mon-fri, wed"])
def test_what_are_no_weekdays_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"weekday|twice"):
        hours.weekdays(text)


def test_a_lunch_break_a_day_until_midnight_and_lists_are_read() -> None:
    assert list(map(str, hours.intervals("13:00-17:00, 08:00-12:00"))) == ["08:00-12:00", "13:00-17:00"]
    assert list(map(str, hours.intervals(["00:00-24:00"]))) == ["00:00-24:00"]
    assert hours.intervals("closed") == ()


@pytest.mark.parametrize(
    "value", ["", None, 8, "8-17", "08:00", "17:00-08:00", "08:60-09:00", "20:00-25:00", [], [8]]
)
def test_what_are_no_hours_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"hours|overlap|day"):
        hours.intervals(value)


def test_dates_and_stretches_of_dates_are_read() -> None:
    assert hours.dates("2026-12-31") == (date(2026, 12, 31),)
    assert len(hours.dates("2026-12-24 to 2027-01-02")) == 10


@pytest.mark.parametrize(
    "text", ["31-12-2026", "2026-13-01", "2026-12-31 to 2026-12-01", "2026-01-01 to 2028-01-01", 5]
)
def test_what_are_no_dates_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"no date|backward"):
        hours.dates(text)


def test_indonesian_holidays_are_off_and_collective_leave_is_a_switch(tmp_path: Path) -> None:
    lines = "    hours: {mon-fri: 08:00-17:00}\n    holidays: {country: ID, collective_leave: %s}\n"
    without, included = calendar(tmp_path, lines % "false"), calendar(tmp_path, lines % "true")
    for each in (without, included):
        assert not is_open(each, at("2026-12-25T10:00"))  # Christmas
        assert is_open(each, at("2026-12-23T10:00"))
    assert is_open(without, at("2026-12-24T10:00"))
    assert not is_open(included, at("2026-12-24T10:00"))  # cuti bersama
    assert not is_open(included, at("2031-08-17T10:00"))  # five years ahead


def test_own_dates_stand_above_holidays_and_weekdays(tmp_path: Path) -> None:
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


def test_collective_leave_that_is_not_known_yet_is_said() -> None:
    found = hours.holidays_of("ID", date(2029, 5, 1), collective_leave=True)
    assert any("cuti bersama) of 2029" in remark for remark in found.remarks)
    assert not any(
        "cuti bersama" in each for each in hours.holidays_of("ID", TODAY, collective_leave=True).remarks
    )
