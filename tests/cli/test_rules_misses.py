"""`mailbot rules misses` as an admin reads it."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailbot.cli import cli
from mailbot.config.api import load
from tests.builders import NOW
from tests.cli.test_merge import Shell
from tests.cli.test_merge import shell as shell  # the fixture
from tests.config.faults import lay

RULES = """
rules:
  - name: stolen account
    when: {text: {contains: [dibajak, diretas]}}
    then: {category: fraud, team: payments, urgency: critical}
  - name: everything else
    then: {team: frontline}
"""
SINCE = ("--since", "2026-11-01")


@pytest.fixture
def directory(shell: Shell, tmp_path: Path) -> Path:
    directory = lay(tmp_path / "config")
    (directory / "routing.yaml").write_text(RULES)
    shell.desk.runtime.replace(
        load(directory, shell.env).policy, shell.desk.runtime.snapshot.composer.templates
    )
    return directory


async def fill(shell: Shell, *bodies: str, correct: bool = True) -> list[str]:
    shell.desk.clock = NOW - timedelta(days=2)
    numbers = []
    for body in bodies:
        numbers.append((await shell.desk.receive(Subject="Tolong kak", body=body)).number)
        shell.desk.clock += timedelta(minutes=1)
        if correct:
            shell.run("ticket", "set", numbers[-1], "--category", "fraud", "--team", "payments")
    return numbers


def printed(shell: Shell, *words: str) -> str:
    result = CliRunner().invoke(cli, ["rules", "misses", *SINCE, *words], env=shell.env)
    assert result.exit_code == 0, result.output
    return result.output


async def test_the_answer_comes_first_and_the_word_to_add_stands_alone(shell: Shell, directory: Path) -> None:
    first, _ = await fill(shell, "isi dompet pindah semua", "saldo pindah semua")
    await fill(shell, "Barang saya mana", correct=False)

    lines = printed(shell).splitlines()

    assert lines[0].startswith("Since 1 November 2026 people corrected 2 of 2 tickets")
    assert f'   {first}  "Tolong kak"' in lines
    assert "       pindah semua" in lines
    assert "   catches 2 of 2, moves no other ticket of the 3" in lines
    assert max(map(len, lines)) <= 80


async def test_json_names_the_proposal_and_each_ticket(shell: Shell, directory: Path) -> None:
    numbers = await fill(shell, "isi dompet pindah semua", "saldo pindah semua")

    told = shell.shown("rules", "misses", *SINCE)

    assert (told["tickets"], told["corrected"], told["wrong"]) == (2, 2, 2)
    [group] = told["groups"]
    assert group["wanted"] == {"category": "fraud"}
    assert [each["number"] for each in group["tickets"]] == numbers
    assert group["tickets"][0]["wrong"]["team"] == {"rules": "frontline", "people": "payments"}
    assert group["proposal"]["add"] == "pindah semua"
    assert (group["proposal"]["to"], group["proposal"]["line"]) == ("stolen account", 3)
    assert (group["proposal"]["catches"], group["proposal"]["moves"]) == (numbers, [])


async def test_a_desk_without_corrections_is_told_that_this_proves_little(
    shell: Shell, directory: Path
) -> None:
    await fill(shell, "Barang saya mana", correct=False)

    text = printed(shell)

    assert "people corrected 0 of 0 tickets" in text
    assert "only if your agents do correct tickets" in text
