"""`mailbot rules learn` as an admin uses it: learn, ask in a rule, see what it would change."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailbot.analysis.learn import NEEDS
from mailbot.cli import cli
from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.routing.learned import decode
from mailbot.operations.ticket_commands import TicketCommand, run_command
from tests.analysis.desk_tickets import tickets
from tests.builders import RINA
from tests.cli.test_merge import Shell
from tests.cli.test_merge import shell as shell  # the fixture
from tests.config.faults import lay

RULES = """\
rules:
  - name: everything else
    then: {team: frontline}
"""
GUESS = """\
learned: learned.json
rules:
  - name: like earlier parcels
    when: {learned: {is: delivery, at_least: 0.8 precision}}
    then: {category: delivery/late, team: frontline, urgency: high}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "desk"
    made.mkdir()
    lay(made)
    (made / "routing.yaml").write_text(RULES)
    return made


def run(shell: Shell, directory: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["rules", *words], env=shell.env | {"MAILBOT_CONFIG": str(directory)})


async def fill(shell: Shell, count: int) -> None:
    """Open tickets and have an agent correct those that the rules got wrong, and close all."""
    for number, each in enumerate(tickets(count)):
        await shell.desk.keep(sender=f"p{number}@pelanggan.example", Subject=each.subject, body=each.text)
    await shell.desk.work()
    rows = json.loads(
        CliRunner().invoke(cli, ["ticket", "list", "--limit", "1000", "--json"], env=shell.env).output
    )
    wanted = {f"p{number}@pelanggan.example": each.category for number, each in enumerate(tickets(count))}
    for row in rows:
        category = wanted[row["customer"]]
        correct = () if category == row["category"] else (c.Correct(category=category),)
        command = TicketCommand(
            row["number"], Act((*correct, c.Close())), Actor.agent(RINA.address), shell.desk.clock
        )
        assert isinstance(run_command(shell.store, shell.desk.runtime, command), Acted)


SINCE = ("--since", "2026-11-01")


async def test_what_is_learned_goes_into_a_rule_that_catches_what_no_rule_knew(
    shell: Shell, directory: Path, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    await fill(shell, 220)

    learned = run(shell, directory, "learn", *SINCE)
    assert learned.exit_code == 0, learned.output
    assert "Learned from 220 tickets, of which people corrected " in learned.output
    assert "delivery" in learned.output
    model = decode((directory / "learned.json").read_text())
    assert model.tickets == 220
    assert run(shell, directory, "learn", *SINCE, "--json").exit_code == 0
    assert decode((directory / "learned.json").read_text()) == model

    new = Path(shutil.copytree(directory, tmp_path / "new"))
    (new / "routing.yaml").write_text(GUESS + RULES.removeprefix("rules:\n"))
    changed = run(shell, directory, "diff", str(directory), str(new), *SINCE, "--max-changed", "50%")
    assert changed.exit_code == 0, changed.output
    assert 'rule "everything else" -> "like earlier parcels"' in changed.output
    assert "learned: delivery, from '" in changed.output


async def test_a_young_desk_reads_how_much_is_missing(shell: Shell, directory: Path) -> None:
    await shell.desk.receive()
    result = run(shell, directory, "learn", *SINCE)
    assert result.exit_code == 1
    assert "too few tickets since 2026-11-01: 0 tickets, and at least 200 are needed" in result.output
    assert not (directory / "learned.json").exists()


def test_without_the_extra_its_installation_is_named_at_once(
    shell: Shell, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    result = run(shell, directory, "learn")
    assert result.exit_code == 1
    assert "needs the package scikit-learn: pip install '.[learn]'" in result.output


def test_the_extra_is_never_named_by_the_bare_name_of_the_package() -> None:
    assert "'.[learn]'" in NEEDS
    assert "install mailbot" not in NEEDS
