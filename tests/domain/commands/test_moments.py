"""Moments as agents write them."""

from datetime import UTC, datetime

import pytest

from mailbot.domain.commands.moments import read
from mailbot.domain.worktime import Calendar, hours

DAY = (hours("08:00-12:00"), hours("13:00-17:00"))
OFFICE = Calendar("office", "Asia/Jakarta", week=(DAY, DAY, DAY, DAY, DAY, (), ()))
# Saturday, 28 November 2026, 10.00 WIB
NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)


def jakarta(day: int, hour: int, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour - 7, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("besok 10.00", jakarta(29, 10)),
        ("tomorrow at 9:30", jakarta(29, 9, 30)),
        ("sampai besok jam 10", jakarta(29, 10)),
        ("until Monday", jakarta(30, 17)),
        ("hari Senin pukul 14.00 WIB", jakarta(30, 14)),
        ("senin", jakarta(30, 17)),
        ("Sabtu", jakarta(5, 17, month=12)),
        ("hari ini 16.00", jakarta(28, 16)),
        ("3 jam", jakarta(28, 13)),
        ("in 3 hours", jakarta(28, 13)),
        ("30 menit lagi", jakarta(28, 10, 30)),
        ("2 hari", jakarta(30, 17)),
        ("3 days", jakarta(1, 17, month=12)),
        ("1 pekan", jakarta(5, 17, month=12)),
        ("30 Nov", jakarta(30, 17)),
        ("30 Desember 2026", jakarta(30, 17, month=12)),
        ("Dec 4, 15:00", jakarta(4, 15, month=12)),
        ("tanggal 3 Januari", jakarta(3, 17, month=1, year=2027)),
        ("2026-11-30", jakarta(30, 17)),
        ("2026-11-30T09:00", jakarta(30, 9)),
        ("2026-11-30 09.00", jakarta(30, 9)),
        ("30/11", jakarta(30, 17)),
        ("30-11-2026", jakarta(30, 17)),
        ("16.00", jakarta(28, 16)),
        ("jam 9", jakarta(29, 9)),
        ("lusa", jakarta(30, 17)),
    ],
)
def test_a_moment_is_read_in_the_zone_of_the_calendar(text: str, moment: datetime) -> None:
    assert read(text, NOW, OFFICE) == moment


@pytest.mark.parametrize(
    "text", ["", "nanti", "soon", "31 Feb", "25.00", "99/99", "besok kapan-kapan", "jam", "x" * 500]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read(text, NOW, OFFICE)
