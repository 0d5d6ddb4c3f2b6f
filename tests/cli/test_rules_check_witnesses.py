"""Each example mail of `mailbot rules check` is explained by `mailbot explain` as it was reported."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from tests.analysis.lint.mutations import MUTATIONS, Data
from tests.analysis.lint.test_trades import read

SEEDED = [
    ("bank", "grave_rule_at_the_bottom", "graver-below"),
    ("clinic", "hole_at_an_amount", "hole"),
    ("repair", "hole_at_a_count", "hole"),
    ("school", "skill_of_another_level", "nobody-with-skill"),
    ("hotel", "language_of_nobody", "nobody-speaks"),
    ("clinic", "reminder_as_it_is_raised", "reminder-in-vain"),
    ("hotel", "more_time_to_confirm_than_to_the_next_step", "confirmation-in-vain"),
    ("repair", "resolution_before_the_first_answer", "targets-reversed"),
]


def lay(data: Data, folder: Path) -> Path:
    for name, content in data.items():
        (folder / f"{name}.yaml").write_text(json.dumps(content))
    return folder


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--config", str(folder)])


def findings(folder: Path, kind: str) -> list[dict[str, Any]]:
    result = run(folder, "rules", "check", "--json", "--witnesses", str(folder / "mails"))
    return [each for each in json.loads(result.stdout)["findings"] if each["kind"] == kind]


@pytest.mark.parametrize(("trade", "fault", "kind"), SEEDED)
def test_the_example_of_a_seeded_fault_is_explained_as_reported(
    trade: str, fault: str, kind: str, tmp_path: Path
) -> None:
    data = read(trade)
    MUTATIONS[fault](data)
    found = findings(lay(data, tmp_path), kind)
    assert found
    for finding in found:
        assert finding["line"]
        example = finding["witness"]
        explained = run(tmp_path, "explain", example["file"], "--json", *example["explain"])
        rules = [each["name"] for each in json.loads(explained.stdout)["rules"] if each["won"]]
        assert rules == example["rules"][-1:]


def test_a_test_beside_the_rules_shows_that_an_order_is_meant(tmp_path: Path) -> None:
    data = read("bank")
    MUTATIONS["grave_rule_at_the_bottom"](data)
    [finding] = findings(lay(data, tmp_path), "graver-below")
    milder = finding["names"][1:]
    mail = finding["witness"]["mail"]
    shown = {
        "subject": mail["subject"],
        "body": mail["text"],
        "to": mail["mailbox"],
        "from": mail["sender"],
    }
    data["routing"]["tests"] = [
        {"name": "meant", "mail": shown, "expect": {"rule": finding["witness"]["rules"][-1]}}
    ]
    left = findings(lay(data, tmp_path), "graver-below")
    assert [name for each in left for name in each["names"][1:]] == milder[1:]
