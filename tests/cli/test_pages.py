"""Pages for people: the answer first, the terminal's width, times, names and reasons."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailbot.cli.shared.names import Names
from mailbot.cli.shared.wall_clock import Line, WallClock
from mailbot.cli.tickets.pages.timeline import Timeline
from mailbot.domain import reasons
from mailbot.domain.actor import POLICY
from mailbot.domain.events import NoteAdded
from mailbot.domain.reasons import Reason
from mailbot.domain.routing.pattern_text import shorten_patterns
from mailbot.views.wording import rule_words
from tests.builders import policy
from tests.cli.test_merge import Shell

NOW = datetime(2026, 11, 28, 9, 36, 31, tzinfo=UTC)
CLOCK = WallClock("Asia/Jakarta", NOW)
STYLE = re.compile(r"\x1b\[([\d;]*)m")
RUN = """
import json, sys
from mailbot.cli import cli
for words in json.loads(sys.argv[1]):
    try: cli(words, standalone_mode=False)
    except SystemExit: pass
"""
LONG = "Saldo saya terpotong dua kali untuk pesanan yang sama dan sampai hari ini belum ada kabar sama sekali"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


def on_terminal(shell: Shell, *commands: list[str], columns: int = 80) -> list[str]:
    """Run the commands at a terminal of that width and return its lines, with the codes of colours."""
    own, other = pty.openpty()
    env = {**os.environ, **shell.env, "COLUMNS": str(columns), "TERM": "xterm"}
    words = [sys.executable, "-c", RUN, json.dumps(commands)]
    process = subprocess.Popen(words, stdout=other, stderr=subprocess.STDOUT, env=env)
    os.close(other)
    shown = b""
    while True:
        try:
            chunk = os.read(own, 65_536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(own)
    assert process.wait() == 0, shown.decode()
    return shown.decode().replace("\r", "").split("\n")


@pytest.mark.parametrize("columns", [60, 80, 200])
async def test_pages_fit_the_terminal_and_no_word_is_broken(
    shell: Shell, tmp_path: Path, columns: int
) -> None:
    number = (await shell.desk.receive(Subject=LONG, body=f"{LONG}.\r\n" * 3)).number
    mail = tmp_path / "mail.eml"
    mail.write_text(f"From: siti@x.example\nTo: support@dukungan.example\nSubject: Saldo\n\n{LONG}\n")
    commands = [
        *(["ticket", "show", number], ["ticket", "show", number, "--all"], ["explain", number]),
        *(["explain", str(mail)], ["explain", str(mail), "--all"], ["ticket", "list"]),
    ]
    lines = on_terminal(shell, *commands, columns=columns)

    plain = [STYLE.sub("", line) for line in lines]
    assert [line for line in plain if len(line) > columns] == []
    words = " ".join(" ".join(plain).split())
    assert LONG in words.replace(" | ", " ")
    assert {code for line in lines for code in STYLE.findall(line)} <= {"", "0", "1", "31", "1;31"}


async def test_off_a_terminal_nothing_is_wrapped(shell: Shell) -> None:
    number = (await shell.desk.receive(Subject=LONG)).number
    shown = on_terminal(shell, ["ticket", "show", number], columns=60)
    assert STYLE.sub("", shown[0]) != f"{number}  {LONG}"
    assert f"{number} {LONG} new, " in shell.run("ticket", "show", number)


async def test_a_ticket_begins_with_its_promise_and_has_names_for_addresses(shell: Shell) -> None:
    ticket = await shell.desk.receive(From="Budi Santoso <budi@pelanggan.example>", Subject="Barang")
    shown = shell.run("ticket", "show", ticket.number)

    order = ["promise first answer by", "next step", "customer Budi Santoso <budi@", "reason", "Budi wrote |"]
    places = [shown.index(text.replace("Budi wrote", "Budi Santoso wrote")) for text in order]
    assert places == sorted(places)
    assert "LATE by" in shown
    owner = shell.desk.runtime.policy.agents[ticket.assignee or ""]
    assert f"owner {owner.name}, " in shown
    assert owner.address not in shown


async def test_a_ticket_whose_promise_passed_is_red_on_a_terminal(shell: Shell) -> None:
    number = (await shell.desk.receive()).number
    shown = on_terminal(shell, ["ticket", "show", number])
    [promise] = [line for line in shown if "promise " in line]
    assert promise.startswith("\x1b[31m")
    assert not any("\x1b[31m" in line for line in shown if "customer " in line)


async def test_what_came_of_a_message_stands_below_it(shell: Shell) -> None:
    number = (await shell.desk.receive()).number
    await shell.desk.receive(Subject=f"Re: {number}", body="STATUS")
    await shell.desk.receive(Subject=f"Re: {number}", body="Terima kasih banyak!")
    shown = shell.run("ticket", "show", number)
    assert "wrote | STATUS" in shown
    assert shown.index("wrote | STATUS") < shown.index("the customer asked for the status and got it")
    assert shown.index("wrote | Terima kasih") < shown.index("only thanks, so the turn stays as it is")
    assert "wrote again" not in shown


def test_a_number_that_names_no_ticket_is_repeated_as_typed(shell: Shell) -> None:
    assert "no ticket toko 48217390 8 in" in shell.run("ticket", "show", "toko", "48217390", "8", code=1)
    assert "'toko-48217390-7' is no" in shell.run("ticket", "show", "toko-48217390-7", code=1)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "16:36"), (59, "16:36:31"), (-59, "16:36:31"), (60, "16:36"), (86_400, "16:36")],
)
def test_a_time_has_seconds_where_another_is_less_than_a_minute_away(seconds: int, shown: str) -> None:
    clock = CLOCK.showing([NOW, NOW + timedelta(seconds=seconds)])
    assert clock.time(NOW) == shown


@pytest.mark.parametrize(
    ("away", "shown"),
    [
        (timedelta(minutes=-1), "16:35, LATE by 1 min"),
        (timedelta(seconds=-20), "16:36, LATE by 20 s"),
        (timedelta(hours=2, seconds=59), "18:37, 2 h left"),
        (timedelta(days=2), "Mon 30 Nov 16:36, 2 d left"),
        (timedelta(days=-400), "Fri 24 Oct 2025 16:36, LATE by 400 d"),
    ],
)
def test_a_promise_has_its_time_and_what_is_left(away: timedelta, shown: str) -> None:
    assert CLOCK.promise(NOW + away) == shown


def test_a_date_stands_once_before_the_times_of_its_day(capsys: pytest.CaptureFixture[str]) -> None:
    day = timedelta(days=1)
    CLOCK.print([Line(NOW - day, "one"), Line(NOW - day / 2, "two"), Line(NOW, "three"), Line(NOW, "four")])
    assert capsys.readouterr().out.split("\n") == [
        *("  Fri 27 Nov", "  16:36  one"),
        *("  Sat 28 Nov", "  04:36  two", "  16:36  three", "  16:36  four", ""),
    ]


@pytest.mark.parametrize(("count", "shown"), [(33, 33), (40, 3 + 1 + 30)])
def test_a_long_story_is_shown_by_its_beginning_and_its_end(
    count: int, shown: int, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = [NoteAdded(NOW + timedelta(hours=n), POLICY, f"note {n}") for n in range(count)]
    clock = WallClock("Asia/Jakarta", NOW + timedelta(hours=count))
    Timeline(Names(policy()), clock, notes).print()
    lines = [line for line in capsys.readouterr().out.splitlines() if ":" in line]
    assert (len(lines), lines[0][-7:], lines[-1][-7:]) == (shown, " note 0", f"note {count - 1}")


def test_addresses_are_replaced_by_names_and_unknown_ones_stay() -> None:
    names = Names(policy(), [("budi@x.example", "Budi Santoso"), ("ani@x.example", "")])
    text = "budi@x.example wrote to ani@x.example."
    assert names.in_text(text) == "Budi Santoso wrote to ani@x.example."
    assert (names.first("budi@x.example"), names.of(None)) == ("Budi", "")


def test_a_reason_is_words_and_never_a_long_pattern() -> None:
    pattern = r"text matches '\b(rusak|pecah|bocor|hancur|basah|tumpah|mati)\b'"
    assert str(rule_words(reasons.of("condition", condition=pattern))) == "its text fits the rule"
    found = reasons.of("text_has", words='"rusak"')
    recorded = Reason("condition", {"condition": pattern, "words": found})
    assert (str(rule_words(recorded)), str(recorded)) == ('the text has "rusak"', pattern)
    assert shorten_patterns(f"{pattern} and subject is 'x'") == "text matches … and subject is 'x'"
    phrase = "text contains 'an ordinary phrase of more than forty characters'"
    assert shorten_patterns(phrase) == phrase
