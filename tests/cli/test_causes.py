"""`mailbot cause`, and closing with a cause, as used from a shell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_merge import Shell

DAMAGE = "damaged-in-transit"
CAUSES = """causes:
  damaged-in-transit: {id: Rusak di perjalanan, en: Damaged in transit}
  app-fault: {id: Kesalahan aplikasi, en: Fault in our app}
  spam: {id: Spam, en: Spam, silent: yes}
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    path = tmp_path / "config" / "routing.yaml"
    path.write_text(CAUSES + path.read_text())
    yield made
    made.store.close()


async def test_a_ticket_is_closed_with_a_cause_that_lists_and_reports_count(shell: Shell) -> None:
    number = (await shell.desk.receive()).number
    closed = shell.shown("ticket", "close", number, "--cause", "rusak di perjalanan")
    assert (closed["cause"], closed["sends"][0]["kind"]) == (DAMAGE, "closing")
    assert "cause: Damaged in transit" in shell.run("ticket", "show", number)
    assert f"cause {DAMAGE}" in shell.run("explain", number, "--all")
    assert [each["cause"] for each in shell.shown("ticket", "list")] == [DAMAGE]

    shell.run("cause", "act", "Damaged in transit", "kemasan", "baru", "--on", "2026-11-20")
    (listed,) = [each for each in shell.shown("cause", "list") if each["cause"] == DAMAGE]
    assert (listed["label"], listed["tickets"], listed["actions"][0]["text"]) == (
        "Damaged in transit",
        1,
        "kemasan baru",
    )
    (action,) = shell.shown("report")["cause_actions"]
    assert (action["cause"], action["per_week_before"]) == (DAMAGE, None)
    assert "What was done about causes" in shell.run("report")


async def test_who_names_no_cause_reads_which_fit_and_names_one_later(shell: Shell) -> None:
    number = (await shell.desk.receive()).number
    assert f"no cause was named; fitting ones: {DAMAGE}, app-fault:" in shell.run("ticket", "close", number)
    assert shell.shown("ticket", "set", number, "--cause", DAMAGE)["cause"] == DAMAGE
    (counted,) = [each for each in shell.shown("report")["figures"]["closing_causes"] if each["cause"]]
    assert counted == {"cause": DAMAGE, "count": 1}


@pytest.mark.parametrize(
    "words", [("cause", "act", "damaged-in-transot", "x"), ("ticket", "close", "NUMBER", "damajed")]
)
async def test_an_unknown_cause_is_refused_with_the_nearest(shell: Shell, words: tuple[str, ...]) -> None:
    number = (await shell.desk.receive()).number

    told = shell.run(*(word.replace("NUMBER", number) for word in words), code=1)
    assert "there is no cause" in told
    assert DAMAGE in told


def test_an_action_ahead_is_refused(shell: Shell) -> None:
    assert "lies ahead" in shell.run("cause", "act", DAMAGE, "x", "--on", "2100-01-01", code=2)
