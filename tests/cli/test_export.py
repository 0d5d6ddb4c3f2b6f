"""`mailbot export`, and the store that `mailbot import jsonl` makes of it, as used from a shell."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from mailbot.store.service.life_lock import LifeLock
from tests.cli.test_merge import Shell, two
from tests.workers.test_undo_lives import deliver


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


def run_restore(shell: Shell, path: Path, store: Path, *words: str) -> Result:
    environment = shell.env | {"MAILBOT_STORE": str(store)}
    return CliRunner().invoke(cli, ["import", "jsonl", str(path), "--json", *words], env=environment)


async def test_the_store_made_of_an_export_shows_the_same_tickets(shell: Shell, tmp_path: Path) -> None:
    number, other = await two(shell)
    said = shell.run("export", "--out", tmp_path / "all.jsonl")
    assert "2 tickets, 3 mails" in said
    assert "to send stayed behind: this store sends what waits" in said

    new = tmp_path / "new.db"
    result = run_restore(shell, tmp_path / "all.jsonl", new)
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["records"]["ticket"] == 2
    before = shell.shown("ticket", "show", number)
    shell.env["MAILBOT_STORE"] = str(new)
    after = shell.shown("ticket", "show", number)
    for part in ("messages", "events", "participants", "opened_at", "team"):
        assert after[part] == before[part]
    assert "Pesanan saya belum sampai" in shell.run("ticket", "raw", other)


async def test_commands_on_the_restored_store_know_what_was_sent(shell: Shell, tmp_path: Path) -> None:
    number, _ = await two(shell)
    deliver(shell.desk)
    sent = shell.shown("outbox", "list", "--state", "sent")
    shell.run("export", "--out", tmp_path / "all.jsonl")
    run_restore(shell, tmp_path / "all.jsonl", tmp_path / "new.db")
    shell.env["MAILBOT_STORE"] = str(tmp_path / "new.db")
    assert [each["id"] for each in shell.shown("outbox", "list", "--state", "sent")] == [
        each["id"] for each in sent
    ]
    assert "sent" in shell.run("outbox", "show", sent[0]["id"])
    assert number in shell.run("prove", number)
    assert number in shell.run("explain", number)


async def test_an_export_to_standard_output_is_the_file(shell: Shell, tmp_path: Path) -> None:
    await two(shell)
    shell.run("export", "--out", tmp_path / "all.jsonl")
    piped = CliRunner().invoke(cli, ["export"], env=shell.env)
    assert piped.stdout_bytes == (tmp_path / "all.jsonl").read_bytes()
    assert "wrote standard output" in piped.stderr


def test_a_file_is_never_replaced(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert "exists already" in shell.run("export", "--out", tmp_path / "mine.txt", code=1)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert "nothing was exported" in shell.run("export", "--out", tmp_path / "no" / "a.jsonl", code=1)
    assert not list(tmp_path.glob("*.part"))


def test_an_export_is_for_its_owner_alone(shell: Shell, tmp_path: Path) -> None:
    shell.run("export", "--out", tmp_path / "all.jsonl")
    assert (tmp_path / "all.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_summary_does_not_go_between_the_lines(shell: Shell) -> None:
    assert "standard output has the export itself" in shell.run("export", "--json", code=2)


async def test_since_a_moment_only_what_changed_is_exported(shell: Shell, tmp_path: Path) -> None:
    await two(shell)
    later = (shell.desk.clock.replace(day=25)).isoformat()
    found = json.loads(
        CliRunner()
        .invoke(cli, ["export", "--since", later, "--out", str(tmp_path / "a"), "--json"], env=shell.env)
        .stdout
    )
    assert "ticket" not in found["records"]
    assert found["since"] == later


async def test_a_store_that_a_daemon_uses_is_left_alone(shell: Shell, tmp_path: Path) -> None:
    await two(shell)
    shell.run("export", "--out", tmp_path / "all.jsonl")
    with LifeLock(str(tmp_path / "new.db")):
        result = run_restore(shell, tmp_path / "all.jsonl", tmp_path / "new.db")
    assert result.exit_code == 1
    assert (tmp_path / "new.db").stat().st_size == 0


async def test_a_dry_run_says_what_there_is_and_keeps_nothing(shell: Shell, tmp_path: Path) -> None:
    await two(shell)
    shell.run("export", "--out", tmp_path / "all.jsonl")
    for _ in range(2):
        result = run_restore(shell, tmp_path / "all.jsonl", tmp_path / "new.db", "--dry-run")
        assert json.loads(result.output)["records"]["ticket"] == 2


def test_options_for_other_desks_do_not_go_with_it(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "all.jsonl").touch()
    result = run_restore(shell, tmp_path / "all.jsonl", tmp_path / "new.db", "--source", "lama")
    assert result.exit_code == 2
    assert "restores a store as it was" in result.output


async def test_a_broken_export_is_named_with_its_line_and_nothing_is_imported(
    shell: Shell, tmp_path: Path
) -> None:
    await two(shell)
    shell.run("export", "--out", tmp_path / "all.jsonl")
    lines = (tmp_path / "all.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "all.jsonl").write_bytes(b"".join([lines[0], b"{broken\n", *lines[1:]]))
    result = run_restore(shell, tmp_path / "all.jsonl", tmp_path / "new.db")
    assert result.exit_code == 1
    assert "nothing was imported: all.jsonl:2: the line is no JSON" in result.output
