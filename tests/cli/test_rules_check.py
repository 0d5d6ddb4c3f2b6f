"""`mailbot rules check` as a person runs it: on the shipped rules and on rules with faults in them."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from tests.scenarios.harness import DESK, ROOT

FAULTS = """\
  - name: late refund
    when: {text: {contains: [refund terlambat]}, language: {is: id}}
    then: {category: refund, team: payments}
  - name: impossible
    when: {size: {over: 5 MB, below: 1 MB}}
    then: {category: item, team: logistics}
  - name: at night
    when: {hour: {within: '22:00-06:00'}, text: {contains: [zzz malam, zzz malam ini]}}
    then: {category: general, team: accounts}
"""
LAST = "  - name: everything else\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A small desk with the shipped templates."""
    shutil.copytree(DESK, tmp_path / "desk")
    shutil.copytree(ROOT / "templates", tmp_path / "desk" / "templates")
    return tmp_path / "desk"


def spoil(directory: Path) -> None:
    file = directory / "routing.yaml"
    text = file.read_text()
    assert text.count(LAST) == 1
    file.write_text(text.replace(LAST, FAULTS + LAST))


def check(directory: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["rules", "check", "--config", str(directory), *words])


def test_the_shipped_rules_have_no_fault_and_leave_nothing_undecided():
    result = check(ROOT / "config", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["ok"]
    assert {each["severity"] for each in told["findings"]} <= {"remark", "note"}


def test_each_fault_is_told_with_its_place_and_exits_1(directory):
    spoil(directory)
    result = check(directory)
    assert result.exit_code == 1
    lines = (directory / "routing.yaml").read_text().splitlines()
    line = lines.index("  - name: late refund") + 1
    said = f"{directory}/routing.yaml:{line}:5: never-matches: rule 'late refund' never matches: rule "
    assert said in result.stdout
    assert "'late or lost delivery' matches it first, text contains 'terlambat'" in result.stdout
    assert "size over '5 MB' / size below '1 MB'" in result.stdout
    assert "2 faults" in result.stdout


def test_an_example_that_was_written_is_explained_as_it_was_told(directory, tmp_path):
    spoil(directory)
    told = json.loads(check(directory, "--json", "--witnesses", str(tmp_path / "mails")).stdout)
    tried = 0
    for finding in told["findings"]:
        example = finding["witness"]
        if finding["kind"] == "contradiction" or not example["mail"]:
            continue
        assert Path(example["file"]).is_file()
        words = ["explain", "--config", str(directory), example["file"], "--json", *example["explain"]]
        explained = json.loads(CliRunner().invoke(cli, words).stdout)
        rules = [each["name"] for each in explained["rules"] if each["won"]]
        assert rules == example["rules"][-1:]
        tried += 1
    assert tried > 2


def test_every_pair_is_named_only_when_asked_for(directory):
    usual = json.loads(check(directory, "--json").stdout)["findings"]
    every = json.loads(check(directory, "--json", "--all").stdout)["findings"]
    pairs = [each for each in every if each["kind"] == "order-decides"]
    assert not [each for each in usual if each["kind"] == "order-decides"]
    assert len(pairs) > 10
    for each in pairs:
        assert set(each["names"]) & set(each["witness"]["rules"])


def test_a_configuration_that_cannot_be_read_is_refused_as_ever(directory):
    (directory / "routing.yaml").write_text("rules: [")
    assert check(directory).exit_code == 78


HISTORY = """\
  - name: old hand
    when: {known_customer: {is: true}, open_tickets: {over: 1}, escalated_before: {is: true}}
    then: {team: payments}
  - name: old hand in a hurry
    when: {open_tickets: {over: 3}, reopened: {is: false}, escalated_before: {is: true}}
    then: {team: logistics}
  - name: stranger with tickets
    when: {known_customer: {is: false}, open_tickets: {over: 0}}
    then: {team: accounts}
  - name: stranger who was escalated
    when: {known_customer: {is: false}, escalated_before: {is: true}}
    then: {team: accounts}
  - name: proven
    when: {authentication: {is: pass}, subject: {contains: zzz bukti}}
    then: {team: frontline}
  - name: proven and in vain
    when: {authentication: {is: pass}, subject: {contains: zzz bukti baru}}
    then: {team: accounts}
"""


def test_a_large_example_is_a_small_file_whose_size_is_told_to_explain(directory, tmp_path):
    large = """\
  - name: heavy
    when: {size: {over: 20 MB}}
    then: {team: payments}
  - name: heavier
    when: {size: {over: 21 MB}}
    then: {team: accounts}
  - name: too heavy
    when: {size: {over: 1 GB}}
    then: {team: accounts}
"""
    file = directory / "routing.yaml"
    file.write_text(file.read_text().replace(LAST, large + LAST))
    told = json.loads(check(directory, "--json", "--witnesses", str(tmp_path / "mails")).stdout)
    faults = {each["names"][0]: each for each in told["findings"] if each["severity"] == "fault"}
    assert set(faults) == {"heavier", "too heavy"}
    assert "limits.size" in faults["too heavy"]["message"]
    example = faults["heavier"]["witness"]
    assert Path(example["file"]).stat().st_size <= 1_000_000
    words = ["explain", "--config", str(directory), example["file"], "--json", *example["explain"]]
    explained = json.loads(CliRunner().invoke(cli, words).stdout)
    assert [each["name"] for each in explained["rules"] if each["won"]] == ["heavy"]


def test_what_no_mail_holds_is_told_to_explain_by_options(directory, tmp_path):
    file = directory / "routing.yaml"
    file.write_text(file.read_text().replace(LAST, HISTORY + LAST))
    told = json.loads(check(directory, "--json", "--witnesses", str(tmp_path / "mails")).stdout)
    faults = {each["names"][0]: each for each in told["findings"] if each["severity"] == "fault"}
    assert set(faults) == {
        *("old hand in a hurry", "stranger with tickets", "stranger who was escalated", "proven and in vain")
    }
    for name in ("old hand in a hurry", "proven and in vain"):
        example = faults[name]["witness"]
        words = ["explain", "--config", str(directory), example["file"], "--json", *example["explain"]]
        explained = json.loads(CliRunner().invoke(cli, words).stdout)
        assert [each["name"] for each in explained["rules"] if each["won"]] == example["rules"][-1:]
        assert explained["note"]
