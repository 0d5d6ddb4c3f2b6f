"""What comes with an installation: the documentation, the units, and that a wheel has all of it."""

import fnmatch
import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from mailbot.cli.service.shipped import is_hidden
from mailbot.config import shipped

ROOT = Path(__file__).parents[2]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


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
    taken = [*shipped.pages(), *shipped.units().iterdir(), *shipped.templates().rglob("*.j2")]
    left_out = [
        path for path in taken for rule in wheel["exclude"] if fnmatch.fnmatch(str(path), f"*{rule}*")
    ]
    assert left_out == []
