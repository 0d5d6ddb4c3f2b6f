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


def test_missing_labels_are_named_by_kind_with_their_lines(tmp_path: Path) -> None:
    rules = (lay(tmp_path) / "routing.yaml").read_text()
    assert list(map(brief, loaded(tmp_path).unlabelled)) == [
        "teams.yaml:1:18: agents read the key of a level without a label: `management` (line 1) | "
        "level_labels: {management: {id: ..., en: ...}}",
        "teams.yaml:3:3: agents read the key of a team without a label: "
        "`frontline` (line 3), `payments` (line 10) | label: {id: Pembayaran ganda, en: Double payment}",
        "routing.yaml:2:5: agents read the key of a rule without a label: "
        "`failed payment` (line 2), `everything else` (line 8) | "
        "label: {id: Pembayaran ganda, en: Double payment}",
        "routing.yaml:7:12: agents read the key of a category without a label: `payment` (line 7) | "
        "category_labels: {payment/double: {id: Pembayaran ganda, en: Double payment}}",
    ]
    labelled = rules.replace("name: failed payment", "name: failed payment\n    label: {id: a, en: b}")
    (tmp_path / "routing.yaml").write_text(labelled)
    assert "failed payment" not in str(loaded(tmp_path).unlabelled)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_warning_is_given_and_the_configuration_loads(
    case: tuple[str, str, str, str], tmp_path: Path
) -> None:
    file, old, new, expected = case
    (lay(tmp_path) / file).write_text((BASE / file).read_text().replace(old, new, 1))
    assert list(map(brief, loaded(tmp_path).warnings)) == [expected]
