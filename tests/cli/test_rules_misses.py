"""`mailbot rules misses` as an admin reads it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailbot.cli import cli
from mailbot.config.api import load
from tests.builders import NOW
from tests.cli.test_merge import Shell
from tests.cli.test_merge import shell as shell  # the fixture
from tests.config.faults import lay

RULES = """
rules:
  - name: stolen account
    when: {text: {contains: [dibajak, diretas]}}
    then: {category: fraud, team: payments, urgency: critical}
  - name: everything else
    then: {team: frontline}
"""
SINCE = ("--since", "2026-11-01")


@pytest.fixture
def directory(shell: Shell, tmp_path: Path) -> Path:
    directory = lay(tmp_path / "config")
    (directory / "routing.yaml").write_text(RULES)
    put_in_force(shell, directory)
    return directory


def put_in_force(shell: Shell, directory: Path) -> None:
    templates = shell.desk.runtime.snapshot.composer.templates
    shell.desk.runtime.replace(load(directory, shell.env).policy, templates)


async def fill(shell: Shell, *bodies: str, correct: bool = True) -> list[str]:
    shell.desk.clock = NOW - timedelta(days=2)
    numbers = []
    for body in bodies:
        numbers.append((await shell.desk.receive(Subject="Tolong kak", body=body)).number)
        shell.desk.clock += timedelta(minutes=1)
        if correct:
            shell.run("ticket", "set", numbers[-1], "--category", "fraud", "--team", "payments")
    return numbers


def printed(shell: Shell, *words: str) -> str:
    result = CliRunner().invoke(cli, ["rules", "misses", *SINCE, *words], env=shell.env)
    assert result.exit_code == 0, result.output
    return result.output


async def test_the_answer_comes_first_and_the_word_to_add_stands_alone(shell: Shell, directory: Path) -> None:
    first, _ = await fill(shell, "isi dompet pindah semua", "saldo pindah semua")
    await fill(shell, "Barang saya mana", correct=False)

    lines = printed(shell).splitlines()

    assert lines[0].startswith("Since 1 November 2026 people corrected 2 of 2 tickets")
    assert f'   {first}  "Tolong kak"' in lines
    assert "       pindah semua" in lines
    assert "   catches 2 of 2, moves no other ticket of the 3" in lines
    assert max(map(len, lines)) <= 80


async def test_json_names_the_proposal_and_each_ticket(shell: Shell, directory: Path) -> None:
    numbers = await fill(shell, "isi dompet pindah semua", "saldo pindah semua")

    told = shell.shown("rules", "misses", *SINCE)

    assert (told["tickets"], told["corrected"], told["wrong"]) == (2, 2, 2)
    [group] = told["groups"]
    assert group["wanted"] == {"category": "fraud"}
    assert [each["number"] for each in group["tickets"]] == numbers
    assert group["tickets"][0]["wrong"]["team"] == {"rules": "frontline", "people": "payments"}
    assert group["proposal"]["add"] == "pindah semua"
    assert (group["proposal"]["to"], group["proposal"]["line"]) == ("stolen account", 3)
    assert (group["proposal"]["catches"], group["proposal"]["moves"]) == (numbers, [])
    assert group["proposal"]["fails_tests"] == []


async def test_a_proposal_names_the_tests_beside_the_rules_that_it_would_fail(
    shell: Shell, directory: Path
) -> None:
    await fill(shell, "isi dompet pindah semua", "saldo pindah semua")
    test = "\ntests:\n  - name: a move\n    mail: {from: a@x.example, body: kami pindah semua}\n"
    (directory / "routing.yaml").write_text(f"{RULES}{test}    expect: {{team: frontline}}\n")

    assert 'fails the test "a move" beside the rules' in printed(shell)


async def test_what_has_no_proposal_is_listed_below_with_the_reason(shell: Shell, directory: Path) -> None:
    await fill(shell, "tanya saldo dong", "cek saldo kak")
    await fill(shell, "saldo saya?", "saldo berapa", "isi saldo", correct=False)

    text = " ".join(printed(shell).split())

    assert "No proposal for 2 tickets" in text
    assert (
        '2 for fraud (team payments); the rules say "everything else"; "saldo" would catch 2 and move 3'
        in text
    )


async def test_a_desk_without_corrections_is_told_that_this_proves_little(
    shell: Shell, directory: Path
) -> None:
    await fill(shell, "Barang saya mana", correct=False)

    text = printed(shell)

    assert "people corrected 0 of 0 tickets" in text
    assert "only if your agents do correct tickets" in text


async def test_tests_are_written_once_and_name_nobody(shell: Shell, directory: Path) -> None:
    body = "Halo.\nIsi dompet pindah semua, HP 0812-3456-7890, email budi@surel.example.\nSalam, Wawan"
    [number] = await fill(shell, body)
    before = (directory / "routing.yaml").read_text()

    text = printed(shell, "--add-tests")
    again = printed(shell, "--add-tests")
    after = (directory / "routing.yaml").read_text()

    assert "Wrote 1 test to" in text
    assert "Wrote" not in again
    assert "Not written again: 1 ticket" in again
    assert after.startswith(before)
    [test] = load(directory, shell.env).tests
    assert (test.name, test.expected_to_fail) == (f"corrected {number}", True)
    assert test.mail.body == "Isi dompet pindah semua, HP 1234-5678-9012, email orang@surel.example."
    assert [(each.key, each.values) for each in test.expected] == [
        ("category", ("fraud",)),
        ("team", ("payments",)),
    ]


async def test_check_accepts_a_written_test_and_remarks_on_it_once_a_rule_is_mended(
    shell: Shell, directory: Path
) -> None:
    [number] = await fill(shell, "Isi dompet pindah semua")
    printed(shell, "--add-tests")
    assert "1 test is marked as expected to fail" in shell.run("check")

    routing = directory / "routing.yaml"
    routing.write_text(routing.read_text().replace("dibajak,", "dibajak, pindah semua,"))

    assert f"test `corrected {number}` passes now" in shell.run("check")
    assert "decide 1 of these right by now; 0 are left" in printed(shell)


async def test_a_mail_whose_text_alone_goes_right_gets_no_test(shell: Shell, directory: Path) -> None:
    vip = "  - name: vip\n    when: {sender: {is: budi@pelanggan.example}}\n    then: {team: frontline}\n"
    (directory / "routing.yaml").write_text(RULES.replace("rules:\n", f"rules:\n{vip}"))
    put_in_force(shell, directory)
    [number] = await fill(shell, "akun dibajak", correct=False)
    shell.run("ticket", "set", number, "--category", "fraud")

    assert f"attachment counted): {number}" in " ".join(printed(shell, "--add-tests").split())
    assert "tests:" not in (directory / "routing.yaml").read_text()


async def test_a_file_that_cannot_be_added_to_stays_as_it_is(shell: Shell, directory: Path) -> None:
    await fill(shell, "Isi dompet pindah semua")
    routing = directory / "routing.yaml"
    routing.write_text(
        f"{RULES}\ntests: [{{name: a, mail: {{from: a@x.example}}, expect: {{team: frontline}}}}]\n"
    )
    before = routing.read_text()

    text = shell.run("rules", "misses", *SINCE, "--add-tests", code=1)

    assert "`tests:` is written in brackets" in text
    assert routing.read_text() == before


async def test_rules_check_ends_with_what_it_does_not_prove(shell: Shell, directory: Path) -> None:
    shell.desk.clock = datetime.now(UTC) - timedelta(days=1)
    ticket = await shell.desk.receive(Subject="Isi dompet pindah")
    shell.run("ticket", "set", ticket.number, "--category", "fraud")

    counted = shell.run("rules", "check")
    shell.env["MAILBOT_STORE"] = f"sqlite:///{directory}/none.db"
    without = shell.run("rules", "check")

    assert counted.endswith("People corrected 1 ticket of the last 30 days: see `mailbot rules misses`.")
    assert "not that they catch what customers write. `mailbot rules misses` shows that" in without
    assert not (directory / "none.db").exists()
