"""What a shell completes: commands without importing them, names without loading rules."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Set
from pathlib import Path

import pytest

from mailbot.store import migrate

ROOT = Path(__file__).parents[2]
HEAVY = {"pydantic", "sqlalchemy", "mailbot.config.load"}


def completed(*words: str, heavy: Set[str] = HEAVY, **env: str) -> list[str]:
    """Return what bash would offer for the last word."""
    variables = {"COMP_WORDS": " ".join(("mailbot", *words)), "COMP_CWORD": str(len(words))}
    variables |= {"_MAILBOT_COMPLETE": "bash_complete", "MAILBOT_CONFIG": str(ROOT / "config"), **env}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mailbot"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "click" in imported
    assert not imported & heavy
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ticket", "ass"), ["assign"]),
        (("ticket", "assign", "TOKO-48217390-8", "ayu"), ["ayu.lestari@staf.dukungan.example"]),
        (("ticket", "assign", "TOKO-48217390-8", "--as", "eko"), ["eko.prasetyo@staf.dukungan.example"]),
        (("ticket", "hand-over", "TOKO-48217390-8", "pay"), ["payments"]),
        (("ticket", "escalate", "TOKO-48217390-8", "m"), ["management"]),
        (("ticket", "close", "TOKO-48217390-8", "gate"), ["gateway-error"]),
        (("ticket", "macro", "TOKO-48217390-8", "double"), ["double-payment"]),
    ],
)
def test_names_are_completed_from_the_configuration(words, expected) -> None:
    assert completed(*words) == expected


def test_a_configuration_that_can_not_be_read_completes_nothing(tmp_path: Path) -> None:
    assign = ("ticket", "assign", "TOKO-48217390-8", "a")
    assert completed(*assign, MAILBOT_CONFIG=str(tmp_path)) == []
    (tmp_path / "teams.yaml").write_text("teams:\n  payments: [\n")
    assert completed(*assign, MAILBOT_CONFIG=str(tmp_path)) == []
    (tmp_path / "teams.yaml").write_text("teams:\n  payments: {agents: [{name: Rina}]}\n")
    assert completed(*assign, MAILBOT_CONFIG=str(tmp_path)) == []


def add_row(connection: sqlite3.Connection, table: str, **values: object) -> None:
    """Insert a row, with an empty value in each other column that must have one."""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    row = {
        name: "" for _, name, _, needed, default, key in columns if needed and default is None and not key
    } | values
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with 300 open tickets, an old closed one, and two mails in the inbox and one in the outbox."""
    path = tmp_path_factory.mktemp("store") / "mailbot.db"
    migrate.upgrade(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        add_row(
            connection,
            "tickets",
            number="TOKO-99999999-0",
            status="closed",
            opened_at=0,
            subject="Old\x1b[2J",
        )
        for n in range(300):
            add_row(
                connection,
                "tickets",
                number=f"TOKO-{n:08}-1",
                status=("new", "open", "waiting")[n % 3],
                opened_at=n,
                subject="Late",
            )
        for n in (17, 18):
            add_row(connection, "inbox", id=n, state="parked", fingerprint=str(n))
        add_row(connection, "outbox", id=19, state="failed", nonce="n")
    connection.close()
    return path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ticket", "show", "toko-9"), ["TOKO-99999999-0"]),
        (("ticket", "note", "TOKO-0000029"), [f"TOKO-0000029{n}-1" for n in range(10)]),
        (("ticket", "merge", "TOKO-00000001-1", "TOKO-9"), ["TOKO-99999999-0"]),
        (("ticket", "show", "TOKO-"), [f"TOKO-{n:08}-1" for n in range(100, 300)]),  # the newest
        (("inbox", "show", "1"), ["17", "18"]),
        (("outbox", "retry", "1"), ["19"]),
    ],
)
def test_numbers_and_ids_are_completed_from_the_store(store: Path, words, expected) -> None:
    found = completed(*words, heavy={"pydantic", "mailbot.config.load"}, MAILBOT_STORE=str(store))
    assert sorted(found) == expected


def test_a_store_that_is_missing_or_broken_completes_nothing(tmp_path: Path) -> None:
    show, heavy = ("ticket", "show", "TOKO-"), {"pydantic"}
    missing = tmp_path / "none.db"
    assert completed(*show, heavy=heavy, MAILBOT_STORE=str(missing)) == []
    assert not missing.exists()
    missing.write_bytes(b"no database at all")
    assert completed(*show, heavy=heavy, MAILBOT_STORE=str(missing)) == []
    assert completed(*show, heavy=heavy, MAILBOT_STORE="postgresql://127.0.0.1:1/none") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_names_the_command_and_its_variable(shell) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mailbot", "completion", shell],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert "_MAILBOT_COMPLETE=" in done.stdout
    assert "%(" not in done.stdout
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=True)
