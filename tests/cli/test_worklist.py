"""`mailbot ticket list --mine` and `--work`, as used from a shell."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.test_merge import Shell

AYU = "ayu.lestari@staf.dukungan.example"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


def numbers(shell: Shell, *options: str) -> list[str]:
    return [each["number"] for each in shell.shown("ticket", "list", *options)]


async def test_mine_has_the_tickets_of_the_agent_by_promise(shell: Shell) -> None:
    late = (await shell.desk.receive()).number
    shell.desk.clock = datetime.now(UTC)
    soon = (await shell.desk.receive(Subject="Satu")).number
    other = (await shell.desk.receive(Subject="Dua")).number
    for number in (soon, late):
        shell.run("ticket", "assign", number, AYU)
    shell.run("ticket", "assign", other, "budi.santoso@staf.dukungan.example")

    assert numbers(shell, "--mine", "--as", AYU) == [late, soon]
    shell.env["MAILBOT_AGENT"] = AYU
    shown = shell.run("ticket", "list", "--mine")
    assert f"{late}" in shown
    assert "LATE by" in shown
    assert "left" in shown
    assert set(numbers(shell, "--work")) == {late, soon, other}
    assert "promise news first" in shell.run("ticket", "snooze", late, "besok", code=1)
    shell.run("ticket", "snooze", soon, "5 menit")
    assert numbers(shell, "--mine") == [late]
    assert numbers(shell, "--mine", "--all") == [late, soon]


def test_mine_needs_an_agent_and_names_must_be_known(shell: Shell) -> None:
    assert "needs --as ADDRESS" in shell.run("ticket", "list", "--mine", code=2)
    shell.run("ticket", "list", "--mine", "--as", "x@y.example", code=1)
    shell.run("ticket", "list", "--work", "--team", "front", code=2)
