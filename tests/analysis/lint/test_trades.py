"""Whole configurations of several trades: without faults they have none, and each seeded fault is found.

A fault counts as found when the loader refuses it, when a warning of `mailbot check` names it, or when the lint
reports a fault or a remark that the clean configuration has not.
"""

import json
from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from mailbot.analysis.lint.checks import Severity, check
from mailbot.config.api import load
from mailbot.errors import ConfigError
from tests.analysis.lint.mutations import MUTATIONS, Data, Unfit
from tests.profile import sample

TRADES = {path.stem: path for path in sorted((Path(__file__).parent / "trades").glob("*.yaml"))}
TODAY = date(2026, 11, 29)
NOTED = {"estimated-holidays", "gap"}  # of a clean configuration: the government has not fixed all holidays


def read(trade: str) -> Data:
    data: Data = YAML(typ="safe").load(TRADES[trade].read_text())
    return data


def reported(data: Data, folder: Path) -> set[tuple[str, str]]:
    """Return kind and message of all that is wrong with a configuration."""
    for name, content in json.loads(
        json.dumps(data)
    ).items():  # YAML would write a value used twice as an alias
        with (folder / f"{name}.yaml").open("w") as file:
            YAML().dump(content, file)
    try:
        loaded = load(folder, {}, today=TODAY)
    except ConfigError as refusal:
        return {("problem", each.message) for each in refusal.problems}
    found = check(loaded.policy, since=TODAY, largest=loaded.settings.limits.size)
    assert not [each.message for each in found if each.severity is Severity.UNDECIDED]
    warned = {("warning", each.message) for each in loaded.warnings if "estimates" not in each.message}
    return warned | {(each.kind, each.message) for each in found}


@pytest.mark.parametrize("trade", TRADES)
def test_a_configuration_without_faults_has_none(trade: str, tmp_path: Path) -> None:
    assert {kind for kind, _ in reported(read(trade), tmp_path)} <= NOTED


def _fit() -> list[tuple[str, str]]:
    found = []
    for fault, mutate in MUTATIONS.items():
        for trade in TRADES:
            try:
                mutate(read(trade))
            except Unfit:
                continue
            found.append((fault, trade))
    return found


PLACED = _fit()


def test_there_are_hundreds_of_seeded_faults_and_each_kind_has_a_place() -> None:
    assert len(PLACED) > 300
    assert {fault for fault, _ in PLACED} == set(MUTATIONS)


@pytest.mark.parametrize(("fault", "trade"), sample(PLACED, 45))
def test_each_seeded_fault_is_found(fault: str, trade: str, tmp_path: Path) -> None:
    data = read(trade)
    MUTATIONS[fault](data)
    assert {kind for kind, _ in reported(data, tmp_path)} - NOTED
