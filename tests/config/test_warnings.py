"""Test the warnings and their places."""

from pathlib import Path

import pytest

from tests.config.faults import BASE, brief, lay, loaded

CASES = {
    "days of work time": (
        "escalation.yaml", "resolution: 8 h", "resolution: 2 days",
        "escalation.yaml:13:51: `2 days` counts 24 h of work time a day | "
        "write the hours: two days of 8 h are 16 h",
    ),
    "a team that has nobody where its tickets start": (
        "teams.yaml", "citra@staf.example, level: L1", "citra@staf.example, level: L2",
        "routing.yaml:7:52: `payments` has nobody at L1: its tickets would start with another team | "
        "set `level:` to one of: L2, management",
    ),
    "a level where nobody works": (
        "teams.yaml", "[L1, L2, management]", "[L1, L2, L3, management]",
        "teams.yaml:1:18: nobody works at the level `L3`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_warning_is_given_and_the_configuration_loads(
    case: tuple[str, str, str, str], tmp_path: Path
) -> None:
    file, old, new, expected = case
    (lay(tmp_path) / file).write_text((BASE / file).read_text().replace(old, new, 1))
    assert list(map(brief, loaded(tmp_path).warnings)) == [expected]
