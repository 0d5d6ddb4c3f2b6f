"""`mailbot init`: what it writes, what it says, and that its next steps work as they are printed."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from mailbot.config.api import load
from mailbot.config.starters import STARTERS


def run(*words: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], stdin)


@pytest.mark.parametrize("name", STARTERS)
def test_the_next_steps_work_as_they_are_printed(tmp_path: Path, name: str) -> None:
    target = tmp_path / "my policy"
    shown = run("init", target, "--from", name).stdout
    check, echo, explain = re.findall(r"(mailbot check .*|echo .*(?= \|)|mailbot explain .*)", shown)

    checked = run(*shlex.split(check)[1:])
    assert (checked.exit_code, "is fine" in checked.stdout) == (0, True), checked.output
    explained = run(*shlex.split(explain)[1:], stdin=shlex.split(echo)[1])
    assert (explained.exit_code, "Nothing was changed." in explained.stdout) == (0, True)
    rule = re.search(r"so rule '(.*)' decides", explained.stdout)
    assert rule
    assert rule[1] == load(target, {}).tests[0].expected[0].values[0]


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
