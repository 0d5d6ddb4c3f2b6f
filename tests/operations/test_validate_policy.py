"""What must hold before a policy comes in force, and what admins hear when it does not."""

import os
from datetime import date
from pathlib import Path

import pytest

from mailbot.config.model import Trust
from mailbot.errors import ConfigError, Problem
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.templates import load as load_templates
from mailbot.operations.validate_policy import validate, validate_with_analysis
from mailbot.workers.admin_mail import reload_refused
from mailbot.workers.runtime import Snapshot
from tests.builders import BOX, NOW, policy
from tests.config.faults import BASE, brief, lay

ROOT = Path(__file__).parents[2]
START = len((BASE / "routing.yaml").read_text().splitlines()) + 1
MAIL = b"From: siti@pelanggan.example\r\nSubject: saldo terpotong\r\n\r\nMohon dibantu.\r\n"
TODAY = date(2026, 11, 21)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    lay(tmp_path)
    (tmp_path / "templates").symlink_to(ROOT / "templates")
    return tmp_path


def add(directory: Path, text: str) -> None:
    path = directory / "routing.yaml"
    path.write_text(path.read_text() + text)


def refusal(directory: Path) -> list[str]:
    with pytest.raises(ConfigError) as error:
        validate(directory, {}, TODAY)
    return [brief(each) for each in error.value.problems]


def test_a_policy_with_passing_tests_is_approved(directory: Path) -> None:
    (directory / "siti.eml").write_bytes(MAIL)
    add(directory, "tests:\n- {name: a, mail: siti.eml, expect: {team: payments}}\n")
    found = validate(directory, {}, TODAY)
    assert [test.name for test in found.loaded.tests] == ["a"]


def test_every_failed_expectation_is_reported_with_its_place(directory: Path) -> None:
    text = """tests:
  - name: a
    mail: {from: siti@pelanggan.example, subject: saldo terpotong}
    expect:
      team: frontline
      tags: [x]
  - name: b
    mail: {from: siti@pelanggan.example, subject: lain}
    expect: {team: frontline}
  - name: c
    mail: nowhere.eml
    expect: {team: frontline}
"""
    add(directory, text)
    first, second, third = refusal(directory)
    assert first.startswith(
        f"routing.yaml:{START + 4}:13: test `a`: team is payments, not frontline | rule '"
    )
    assert second.startswith(f"routing.yaml:{START + 5}:13: test `a`: tags should hold x, there is ")
    missing = "test `c`: nowhere.eml can't be read: No such file or directory"
    assert third == f"routing.yaml:{START + 10}:11: {missing}"


def test_a_test_that_is_expected_to_fail_is_no_problem_and_a_remark_once_it_passes(directory: Path) -> None:
    text = """tests:
- {name: a, mail: {from: siti@pelanggan.example, subject: lain}, expect: {team: payments}, expected_to_fail: yes}
- {name: b, mail: {from: siti@pelanggan.example, subject: lain}, expect: {team: frontline}, expected_to_fail: yes}
"""
    add(directory, text)
    [remark] = validate(directory, {}, TODAY).loaded.warnings
    assert brief(remark).startswith(f"routing.yaml:{START + 2}:19: test `b` passes now | remove")


def test_a_pipe_in_place_of_a_mail_is_a_problem_and_no_wait(directory: Path) -> None:
    os.mkfifo(directory / "pipe.eml")
    add(directory, "tests:\n- {name: a, mail: pipe.eml, expect: {team: frontline}}\n")
    assert refusal(directory) == [
        f"routing.yaml:{START + 1}:19: test `a`: pipe.eml can't be read: is not a file"
    ]


def test_a_rule_shadowed_by_another_is_a_problem(directory: Path) -> None:
    path = directory / "routing.yaml"
    rule = (
        "  - name: shadowed\n    when: {subject: {contains: xsaldo terpotongx}}\n    then: {team: payments}\n"
    )
    text = path.read_text()
    last = text.rindex("  - name:")
    path.write_text(text[:last] + rule + text[last:])
    validate(directory, {}, TODAY)
    with pytest.raises(ConfigError) as refusal:
        validate_with_analysis(directory, {}, TODAY)
    [fault] = refusal.value.problems
    line = text[:last].count("\n") + 1
    assert (fault.line, Path(fault.file).name) == (line, "routing.yaml")
    assert "'shadowed' never matches" in fault.message


def live(*admins: str) -> Snapshot:
    mine = policy(admins=admins)
    keys = TokenSigner(b"a secret of sixteen bytes or more")
    return Snapshot(mine, Composer(load_templates(ROOT / "templates"), keys, mine), keys, Trust())


def problem(line: int, folder: str = "/etc/mailbot") -> Problem:
    return Problem(f"{folder}/routing.yaml", line, 5, "there is no team `x`", "known here: y", "team: x")


def test_each_admin_gets_every_problem_with_its_place() -> None:
    told = reload_refused([problem(3), problem(9)], "web1", live("a@x.example", "b@x.example"), NOW)
    assert [each.to for each in told.bulletins] == ["a@x.example", "b@x.example"]
    first = told.bulletins[0]
    assert (first.mailbox, first.subject) == (BOX.address, "Reload refused: 2 problems in routing.yaml")
    for words in (
        "web1",
        "v1 stays in force",
        "routing.yaml:3:5: there",
        "routing.yaml:9:5: there",
        "known here",
    ):
        assert words in first.text


def test_the_same_fault_on_another_node_is_the_same_occasion_and_another_fault_is_not() -> None:
    mine = live("a@x.example")
    keys = [
        reload_refused(found, host, mine, NOW).key
        for found, host in (
            ([problem(3), problem(4)], "web1"),
            ([problem(4, "/srv"), problem(3, "/srv")], "web2"),
            ([problem(3)], "web1"),
        )
    ]
    assert keys[0] == keys[1] != keys[2]


def test_a_mail_about_a_thousand_problems_is_still_a_mail() -> None:
    told = reload_refused([problem(n) for n in range(1000)], "web1", live("a@x.example"), NOW)
    assert "... and 800 more" in told.bulletins[0].text
