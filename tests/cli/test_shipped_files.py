"""What comes with an installation: documentation, units, configurations to start from; a wheel has all of it."""

import fnmatch
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from mailbot.cli.service.shipped import is_hidden
from mailbot.config import shipped
from mailbot.config.api import load
from mailbot.config.starters import STARTERS

ROOT = Path(__file__).parents[2]


def run(*words: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], stdin)


def test_the_pages_are_listed_with_their_titles_and_files() -> None:
    listed = json.loads(run("docs", "--json").stdout)

    assert {"operations/postgresql", "operations/secrets", "rules"} <= {each["page"] for each in listed}
    assert all(Path(each["file"]).is_file() and each["title"] for each in listed)


@pytest.mark.parametrize("name", ["postgresql", "operations/postgresql", "docs/operations/postgresql.md"])
def test_a_page_is_shown_by_any_of_its_names(name: str) -> None:
    assert run("docs", name).stdout == (ROOT / "docs/operations/postgresql.md").read_text()


def test_an_unknown_page_is_wrong_usage() -> None:
    done = run("docs", "postgresl")

    assert (done.exit_code, "`mailbot docs` lists them" in done.stderr) == (2, True)


def test_the_units_call_this_mailbot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "mailbot"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(program), "systemd"])
    target = tmp_path / "units"
    target.mkdir()
    assert run("systemd", target).exit_code == 0

    service = (target / "mailbot.service").read_text()
    assert f"ExecStart={program} run --config /etc/mailbot\n" in service
    assert (
        service.replace(str(program), "/usr/local/bin/mailbot")
        == (ROOT / "systemd/mailbot.service").read_text()
    )
    assert (target / "mailbot.socket").stat().st_mode & 0o777 == 0o644
    (target / "mailbot.service").write_text("mine")
    assert "left as it was" in run("systemd", target).stdout
    assert (target / "mailbot.service").read_text() == "mine"


@pytest.mark.parametrize(
    ("program", "hidden"),
    [
        ("/root/.local/bin/mailbot", True),
        ("/home/eko/bin/mailbot", True),
        ("/opt/mailbot/bin/mailbot", False),
    ],
)
def test_a_program_in_a_home_is_hidden_from_the_service(program: str, hidden: bool) -> None:
    assert is_hidden(Path(program)) is hidden


def test_a_missing_folder_for_the_units_is_an_error(tmp_path: Path) -> None:
    done = run("systemd", tmp_path / "nowhere")

    assert (done.exit_code, "No such file" in done.stderr) == (1, True)


def test_the_wheel_takes_every_folder_that_a_command_looks_for() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    folders = ("config", "templates", "docs", "systemd")

    assert wheel["only-include"] == ["mailbot", *folders]
    assert wheel["sources"] == {name: f"mailbot/shipped/{name}" for name in folders}
    taken = [
        *shipped.pages(),
        *shipped.units().iterdir(),
        *shipped.config().rglob("*.*"),
        *shipped.templates().rglob("*.j2"),
    ]
    left_out = [
        path for path in taken for rule in wheel["exclude"] if fnmatch.fnmatch(str(path), f"*{rule}*")
    ]
    assert left_out == []


@pytest.mark.parametrize("name", STARTERS)
def test_the_next_steps_work_as_they_are_printed(tmp_path: Path, name: str) -> None:
    target = tmp_path / "my policy"
    shown = run("init", target, "--from", name).stdout
    check, echo, explain = re.findall(r"(mailbot check .*|echo .*(?= \|)|mailbot explain .*)", shown)

    checked = run(*shlex.split(check)[1:])
    assert (checked.exit_code, "is fine" in checked.stdout) == (0, True), checked.output
    explained = run(*shlex.split(explain)[1:], stdin=shlex.split(echo)[1])
    assert (explained.exit_code, "Nothing was changed." in explained.stdout) == (0, True)
    told = json.loads(run(*shlex.split(explain)[1:], "--json", stdin=shlex.split(echo)[1]).stdout)
    assert told["ticket"]["rule"] == load(target, {}).tests[0].expected[0].values[0]


def test_the_mailbox_stands_where_the_starter_had_its_own(tmp_path: Path) -> None:
    words = (
        "--from",
        "clinic",
        "--mailbox",
        "Info@Sehat.co.id",
        "--brand",
        "Klinik Sehat",
        "--prefix",
        "SEHAT",
    )
    assert run("init", tmp_path, *words).exit_code == 0

    [box] = load(tmp_path, {}).policy.mailboxes.values()
    assert (box.address, box.brand, box.prefix) == ("info@sehat.co.id", "Klinik Sehat", "SEHAT")
    assert "# of the number: SEHAT-48217390-8" in (tmp_path / "mailbot.yaml").read_text()
    told = run("init", tmp_path, "--brand", "Another").stdout
    assert "--mailbox, --brand and --prefix changed nothing" in told


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--mailbox", "halo", "`halo` is not a mail address; write it like"),
        ("--mailbox", "halo+desk@toko.co.id", "without '+'"),
        ("--mailbox", f"{'long' * 10}@toko.co.id", "leave room for the reply token"),
        ("--brand", " ", "is not a name; 1 to 100 letters"),
        ("--prefix", "Toko", "is not a prefix; 2 to 10 capital letters"),
        ("--from", "hotel", "is not one of 'shop', 'clinic', 'school', 'bank', 'empty'"),
    ],
)
def test_a_bad_value_is_refused_before_anything_is_written(
    tmp_path: Path, option: str, value: str, message: str
) -> None:
    done = run("init", tmp_path / "new", option, value)

    assert (done.exit_code, message in done.stderr, (tmp_path / "new").exists()) == (2, True, False), (
        done.stderr
    )
    assert f"'{option}'" in done.stderr


def test_starters_are_not_mixed_in_one_directory(tmp_path: Path) -> None:
    run("init", tmp_path, "--from", "school")
    refused = run("init", tmp_path, "--from", "bank")

    assert (refused.exit_code, "from the starter 'school'" in refused.stderr) == (1, True)
    (tmp_path / "templates/macros/meeting.id.txt.j2").unlink()
    again = run("init", tmp_path)
    assert f"wrote {tmp_path}/templates: 1 file\n" in again.stdout
    assert not (tmp_path / "templates/id/acknowledgement.fraud.txt.j2").exists()


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("init", tmp_path / "file" / "below")

    assert (done.exit_code, "No existing file was changed." in done.stderr) == (1, True)
