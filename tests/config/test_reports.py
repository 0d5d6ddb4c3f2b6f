"""Test the weekly report in mailbot.yaml."""

from datetime import timedelta
from pathlib import Path

import pytest

from mailbot.domain.policy import WeeklyReport
from tests.config.faults import brief, lay, loaded, problems


def asked(folder: Path, text: str) -> Path:
    with (lay(folder) / "mailbot.yaml").open("a") as file:
        file.write(text)
    return folder


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "mailbot.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_names_are_replaced_by_addresses_and_the_rest_has_defaults(tmp_path: Path) -> None:
    agents = loaded(lay(tmp_path)).policy.agents
    first = next(iter(agents.values()))
    asked(tmp_path, f"reports: {{weekly: {{to: [{first.name}, Boss@Pimpinan.example, {first.address}]}}}}\n")

    found = loaded(tmp_path).policy.weekly
    assert found == WeeklyReport((first.address, "boss@pimpinan.example"), 0, timedelta(hours=8), "en")


def test_without_the_setting_no_report_is_sent(tmp_path: Path) -> None:
    assert loaded(lay(tmp_path)).policy.weekly is None


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("tue 17:30", (1, timedelta(hours=17, minutes=30))),
        ("Sunday 00.05", (6, timedelta(minutes=5))),
    ],
)
def test_a_moment_of_the_week_is_a_day_and_a_time(
    tmp_path: Path, moment: str, expected: tuple[int, timedelta]
) -> None:
    asked(tmp_path, f"reports: {{weekly: {{to: x@y.example, at: {moment}, language: id}}}}\n")

    found = loaded(tmp_path).policy.weekly
    assert found
    assert (found.weekday, found.at) == expected
    assert (found.to, found.language) == (("x@y.example",), "id")


@pytest.mark.parametrize(
    ("weekly", "expected"),
    [
        ("{to: [Nobody Here]}", "there is no agent or team `Nobody Here`"),
        ("{to: []}", "at least one name is needed"),
        ("{at: mon 08:00}", "`to` is missing"),
        ("{to: [a@b.example], at: moon 08:00}", "`moon` is not a weekday"),
        ("{to: [a@b.example], at: mon 25:00}", "`mon 25:00` is not a weekday with a time"),
        ("{to: [a@b.example], at: weekly}", "`weekly` is not a weekday with a time"),
        ("{to: [a@b.example], on: mon}", "`on`"),
        ("{to: [support@toko.example]}", "is one of our mailboxes"),
    ],
)
def test_a_fault_is_reported_with_its_line(tmp_path: Path, weekly: str, expected: str) -> None:
    box = next(iter(loaded(lay(tmp_path)).policy.mailboxes))
    asked(tmp_path, f"reports:\n  weekly: {weekly.replace('support@toko.example', box)}\n")

    [problem] = problems(tmp_path)
    assert brief(problem).startswith(f"mailbot.yaml:{line_of(tmp_path, 'weekly:')}:")
    assert expected in brief(problem)
