"""`mailbot report` on a real store, as used from a shell."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from mailbot.config.api import load
from mailbot.store.store import Store
from tests import empty_store
from tests.scenarios.harness import DESK
from tests.workers.test_intake import TEMPLATES, Desk


class Shell:
    """The command on a store of its own, that an intake fills by the shipped rules."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(DESK, folder / "config")
        url = empty_store.migrated_url(folder)
        self.env = {"MAILBOT_CONFIG": str(folder / "config"), "MAILBOT_STORE": url}
        self.store = Store(url)
        self.desk = Desk(self.store)
        self.desk.clock = datetime.now(UTC) - timedelta(hours=30)
        self.desk.runtime.replace(load(folder / "config", self.env).policy, TEMPLATES)

    def run(self, *words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["report", *words], env=self.env)
        assert result.exit_code == code, result.output
        return result


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


async def test_a_report_in_every_form_over_what_came_in(shell: Shell, tmp_path: Path) -> None:
    for subject in ("Saldo terpotong dua kali", "Barang rusak", "Barang belum sampai"):
        await shell.desk.receive(Subject=subject)

    told = json.loads(shell.run("--format", "json").stdout)
    assert told == {**json.loads(shell.run("--json").stdout), **_moments(told)}
    assert (told["figures"]["opened"], told["previous"]["opened"]) == (3, 0)
    assert told["figures"]["acknowledgement"]["owed"] == 1  # one address: the others are over its limit
    assert {each["name"] for each in told["causes"] if each["kind"] == "rule"}
    assert "At a glance" in shell.run().stdout
    assert shell.run("--language", "id").stdout.startswith("Laporan ")

    page, picture = tmp_path / "report.html", tmp_path / "report.png"
    assert str(page) in shell.run("--format", "html", "--output", str(page)).stdout
    assert page.read_text().startswith("<!doctype html>")
    assert shell.run("--format", "png").stdout_bytes.startswith(b"\x89PNG")
    shell.run("--format", "png", "--output", str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")


def _moments(told: dict[str, object]) -> dict[str, object]:
    """What moves on with the clock between two runs."""
    moving = ("made_at", "period", "previous_period", "figures", "previous", "causes_compared_with")
    return {name: told[name] for name in moving}


async def test_a_period_goes_from_and_to_as_it_is_typed(shell: Shell) -> None:
    await shell.desk.receive()
    before = shell.desk.clock - timedelta(minutes=1)

    def opened(*words: str) -> int:
        return int(json.loads(shell.run(*words, "--json").stdout)["figures"]["opened"])

    assert opened("--since", "2d") == 1
    assert opened("--since", "24h") == 0
    assert opened("--since", "7d", "--until", before.isoformat()) == 0
    assert opened("--since", "7d", "--until", (before + timedelta(minutes=2)).isoformat()) == 1
    period = json.loads(shell.run("--since", "2026-01-01", "--until", "2026-02-01", "--json").stdout)[
        "period"
    ]
    assert period == {
        "since": "2025-12-31T17:00:00+00:00",  # midnight in Jakarta
        "until": "2026-01-31T17:00:00+00:00",
        "zone": "Asia/Jakarta",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "soon"), "neither a span nor a date"),
        (("--since", "0001-01-01"), "the years go from 1970 to 9000"),
        (("--since", "2026-02-01", "--until", "2026-01-01"), "the period is empty"),
        (("--team", "nobody"), "there is no team 'nobody'"),
        (("--format", "pdf"), "Invalid value for '--format'"),
        (("--output", "/nowhere/at/all"), "can't be written"),
    ],
)
def test_what_can_not_be_reported_is_a_wrong_usage(shell: Shell, words: tuple[str, ...], said: str) -> None:
    assert said in shell.run(*words, code=2).stderr
