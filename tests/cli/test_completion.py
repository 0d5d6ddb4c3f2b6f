"""What a shell completes: commands without importing them, names without loading rules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def completed(*words: str, **env: str) -> list[str]:
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
    assert not imported & {"pydantic", "sqlalchemy", "mailbot.config.load"}
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
