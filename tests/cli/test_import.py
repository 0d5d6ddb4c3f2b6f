"""`mailbot import`: what operators see of it, by the shipped policy."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from tests import empty_store
from tests.operations.importing.test_archives import mail, written

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    url = empty_store.migrated_url(tmp_path)
    return {"MAILBOT_STORE": url, "MAILBOT_CONFIG": str(CONFIG)}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    mails = [mail("a"), mail("b", to="andi@pelanggan.example", sender="support@dukungan.example"), b"rusak\n"]
    return written(tmp_path / "lama.mbox", mails)


def run(env: dict[str, str], *words: object) -> Result:
    return CliRunner().invoke(cli, ["import", *map(str, words)], env=env)


def as_json(env: dict[str, str], *words: object) -> dict[str, Any]:
    result = run(env, *words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_dry_run_says_what_would_come_and_the_run_does_it_once(env: dict[str, str], archive: Path) -> None:
    looked = as_json(env, "mbox", archive, "--dry-run")
    assert (looked["new"], looked["messages"], looked["customers"], looked["problems"]) == (2, 2, 2, 1)
    assert looked["first_problems"][0]["text"] == "it has no header"

    done = as_json(env, "mbox", archive)
    assert (done["new"], done["by_mailbox"]) == (2, {"support@dukungan.example": 2})
    again = as_json(env, "mbox", archive)
    assert (again["new"], again["grown"], again["same"]) == (0, 0, 2)


def test_people_read_the_counts_the_problems_and_that_nothing_changed(
    env: dict[str, str], archive: Path
) -> None:
    looked = run(env, "mbox", archive, "--dry-run").output
    assert "2 tickets would be imported (2 closed)." in looked
    assert "2 customers, of whom 0 had a ticket here before:" in looked
    assert "lama.mbox, byte" in looked
    assert looked.rstrip().endswith("Nothing was written: leave out --dry-run to do it.")
    assert "2 tickets imported (2 closed)." in run(env, "mbox", archive).output
    assert "Nothing was changed: all of it is here already." in run(env, "mbox", archive).output


def test_former_agents_answer_and_recent_threads_are_open(env: dict[str, str], tmp_path: Path) -> None:
    mails = [
        mail("a"),
        mail("b", "lama@tim.example", "siti@pelanggan.example", 7, References="<a@lama.example>"),
    ]
    archive = written(tmp_path / "lama.mbox", mails)
    done = as_json(env, "mbox", archive, "--agent", "Lama@tim.example", "--open-since", "2023-03-01")
    assert (done["new"], done["messages"], done["by_status"]) == (1, 2, {"open": 1})


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("mbox", "{}", "--mailbox", "suport@dukungan.example"), "did you mean support@dukungan.example?"),
        (("maildir", "{}"), "is no Maildir: it has no folder cur or new"),
    ],
)
def test_what_can_not_be_imported_is_refused_with_the_cure(
    env: dict[str, str], tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    result = run(env, *(each.format(tmp_path) for each in words))
    assert result.exit_code == 1
    assert text in result.output


def test_people_find_a_ticket_by_its_old_number(env: dict[str, str], tmp_path: Path) -> None:
    asks = mail("a", Subject="Saldo")
    answers = {"Subject": "Re: [Ticket#41] Saldo", "References": "<a@lama.example>"}
    archive = written(
        tmp_path / "lama.mbox",
        [asks, mail("b", "support@dukungan.example", "siti@pelanggan.example", 7, **answers)],
    )
    assert as_json(env, "mbox", archive)["new"] == 1
    shown = CliRunner().invoke(cli, ["ticket", "show", "ticket#41", "--json"], env=env)
    assert json.loads(shown.stdout)["customer"] == "siti@pelanggan.example"
    missing = CliRunner().invoke(cli, ["ticket", "show", "ticket#42"], env=env)
    assert "is no ticket number" in missing.output
