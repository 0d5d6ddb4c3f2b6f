"""`mailbot simulate` as used from a shell: the record reproduced, another policy, files, a load made up."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, update

from mailbot.cli import cli
from mailbot.cli.shared import open_store
from mailbot.config.api import load
from mailbot.domain import commands as c
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import Ticket
from mailbot.domain.policy_review.policy_outline import outline
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import ladders, policies
from mailbot.store.deadlines import next_due_at
from mailbot.store.schema import events
from mailbot.workers.day.snoozes import Snoozes
from mailbot.workers.deadlines import Deadlines
from tests.analysis.simulate.months import written
from tests.builders import EKO, NOW
from tests.cli.test_merge import TEMPLATES, Shell
from tests.cli.test_merge import shell as shell  # the fixture

SPAN = ("--from", "2026-11-22", "--to", "2026-11-25")
RULES = "then: {team: payments, urgency: high}"


@pytest.fixture
def config(shell: Shell, tmp_path: Path) -> Path:
    """The directory of the policy in force."""
    directory = written(tmp_path / "config", 0)
    loaded = load(directory, shell.env)
    policy, sources = loaded.policy, loaded.sources
    shell.desk.runtime.replace(policy, TEMPLATES)
    entered = policies.ActivePolicy(policy.version, NOW, outline(policy), sources.files, sources.templates)
    shell.store.write_now(policies.record_active, entered)
    shell.store.write_now(ladders.save, policy)
    return directory


def changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    directory = written(tmp_path / "new", 0)
    text = (directory / name).read_text()
    assert old in text
    (directory / name).write_text(text.replace(old, new))
    return directory


async def filled(shell: Shell) -> list[Ticket]:
    """Three days with a daemon that is never late."""
    shell.desk.clock = NOW
    duty = Deadlines(shell.desk.deps)
    found = []
    for subject in ("Saldo terpotong", "Halo", "Barang"):
        found.append(await shell.desk.receive(Subject=subject))
        shell.desk.clock += timedelta(minutes=10)
    while (due := shell.store.read_now(next_due_at)) and due < NOW + timedelta(days=2):
        shell.desk.clock = due
        await duty.run_once()
    return found


async def test_the_record_is_reproduced(shell: Shell, config: Path) -> None:
    await filled(shell)
    told = shell.shown("simulate", *SPAN)

    assert (told["reproduced"], told["verdict"]["differences"], told["left_out"]) == (True, [], 0)
    assert told["verdict"]["same"] > 10
    assert [each["named"] for each in told["policies"]] == ["recorded"]
    assert "The record is reproduced" in shell.run("simulate", *SPAN, "--policy", "live")


async def test_a_difference_from_the_record_is_named_and_exits_1(shell: Shell, config: Path) -> None:
    ticket, *_ = await filled(shell)

    def spoil(connection: Connection, _items: object) -> list[None]:
        where = (events.c.ticket == ticket.number, events.c.kind == "ticket_escalated")
        data = {"level": "L9", "reason": {"code": "text", "params": {"text": "x"}}}
        assert connection.execute(update(events).where(*where).values(data=data)).rowcount
        return [None]

    shell.store.write_now(spoil, None)
    text = shell.run("simulate", *SPAN, code=1)

    assert f"{ticket.number} Mon 2026-11-23" in text
    assert "only recorded: escalated: to L9 by policy" in text
    assert "only simulated: escalated: to L2 by policy" in text


async def test_the_return_of_a_snoozed_ticket_is_not_modelled_and_no_difference(
    shell: Shell, config: Path
) -> None:
    shell.desk.clock = NOW
    ticket = await shell.desk.receive(Subject="Saldo terpotong")
    wait = Act((c.Snooze(NOW + timedelta(minutes=20)),))
    run_command(
        shell.store, shell.desk.runtime, TicketCommand(ticket.number, wait, EKO, NOW + timedelta(minutes=1))
    )
    shell.desk.clock += timedelta(minutes=21)
    await Snoozes(shell.desk.deps).run_once()
    told = shell.shown("simulate", *SPAN, "--to", "2026-11-23T10:30")
    text = shell.run("simulate", *SPAN, "--to", "2026-11-23T10:30")

    assert (told["reproduced"], told["verdict"]["differences"]) == (True, [])
    assert {each["because"] for each in told["verdict"]["not_modelled"]} == {"snoozed by hand"}
    assert "Not modelled, and so not compared: 1 act on 1 ticket" in text
    assert "notified: turn_came_back" in text


async def test_what_another_ladder_would_have_done_stands_beside_what_was_done(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    saldo, *_ = await filled(shell)
    new = changed(tmp_path, "escalation.yaml", "first_response: 30 min", "first_response: 5 h")
    told = shell.shown("simulate", *SPAN, "--policy", new, "--ticket", saldo.number)

    old_figures, new_figures = (each["figures"] for each in told["policies"])
    assert [each["named"] for each in told["policies"]] == ["live", str(new)]
    assert told["reproduced"] is None
    assert told["changed"] + told["same"] == 3
    assert old_figures["opened"] == new_figures["opened"] == 3
    steps = [
        next(line["due_at"] for line in each if line["what"] == "missed")
        for each in told["tickets"][0]["lives"]
    ]
    assert steps == ["2026-11-23T06:30:00+00:00", "2026-11-23T11:00:00+00:00"]
    assert "might have acted otherwise" in told["limits"][0]


async def test_other_rules_are_asked_again_unless_only_the_ladders_are_wanted(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    await filled(shell)
    new = changed(tmp_path, "routing.yaml", RULES, "then: {team: frontline, urgency: low}")
    told = shell.shown("simulate", *SPAN, "--policy", new)
    ladders_only = shell.shown("simulate", *SPAN, "--policy", new, "--ladders-only")

    (move,) = told["moves"]
    assert (move["old"]["team"], move["old"]["priority"]) == ("payments", "high")
    assert (move["new"]["team"], move["new"]["priority"]) == ("frontline", "low")
    assert (move["count"], told["not_routed_again"]) == (1, 0)
    assert (ladders_only["changed"], ladders_only["moves"]) == (0, [])


async def test_the_conclusions_come_first_with_names_instead_of_addresses(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    await filled(shell)
    new = changed(tmp_path, "escalation.yaml", "first_response: 30 min", "first_response: 900 h")
    text = shell.run("simulate", *SPAN, "--policy", new, "--limit", "1")
    told = shell.shown("simulate", *SPAN, "--policy", new)

    live, other = told["advice"]
    total = live["kept"] + live["missed"]
    assert f"live: {live['kept']} of {total} promises kept" in text
    assert live["missed"] > other["missed"]
    assert f"{live['missed'] - other['missed']} fewer than live" in text
    places = [
        text.index(each) for each in ("promises kept", "What to change", "open tickets", "tickets change")
    ]
    assert places == sorted(places)
    assert "1. Ladder `standard`, resolution within 8 h: 3 of 3 missed." in text
    assert "@tim.example" not in text


async def test_a_ticket_asked_for_is_found_in_any_spelling_or_named_as_typed(
    shell: Shell, config: Path
) -> None:
    ticket, *_ = await filled(shell)
    later = ("--from", "2026-11-22", "--to", "2026-11-23")

    assert shell.run("simulate", *SPAN, "--ticket", ticket.number.lower()).count(ticket.number) == 1
    assert f"ticket {ticket.number} was not open in this time" in shell.run(
        "simulate", *later, "--ticket", ticket.number
    )
    assert "'TOKO-12' is no ticket number" in shell.run("simulate", *SPAN, "--ticket", "TOKO-12", code=1)


async def test_the_record_may_stand_beside_another_policy(shell: Shell, config: Path) -> None:
    await filled(shell)
    told = shell.shown("simulate", *SPAN, "--policy", "live", "--against", "recorded")

    assert (told["reproduced"], told["changed"]) == (True, 0)
    assert told["policies"][0]["figures"] == told["policies"][1]["figures"]


async def test_everything_goes_to_a_file_and_a_picture(shell: Shell, config: Path, tmp_path: Path) -> None:
    await filled(shell)
    table, svg, png = (tmp_path / name for name in ("all.csv", "chart.svg", "chart.png"))
    shell.run("simulate", *SPAN, "--csv", table, "--chart", svg)
    shell.run("simulate", *SPAN, "--policy", config, "--chart", png)

    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert {"opened", "step", "missed", "escalated", "told"} <= {row["what"] for row in rows}
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert "<svg" in svg.read_text()
    assert "Escalated to" in svg.read_text()
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_made_up_load_needs_no_store_and_repeats_itself(tmp_path: Path) -> None:
    directory = written(tmp_path / "config", 0)
    env = {"MAILBOT_CONFIG": str(directory), "MAILBOT_STORE": f"sqlite:///{tmp_path}/none.db"}
    words = ["simulate", "--synthetic", "40", *SPAN, "--json"]
    runs = [CliRunner().invoke(cli, [*words, "--seed", seed], env=env) for seed in ("3", "3", "4")]
    told = [json.loads(each.stdout) for each in runs]

    assert [each.exit_code for each in runs] == [0, 0, 0]
    assert told[0] == told[1] != told[2]
    assert told[0]["synthetic"] == {"tickets": 40, "seed": 3}
    assert told[0]["policies"][0]["figures"]["opened"] == 40


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "2026-11-25", "--to", "2026-11-22"), 2, "--from must lie before --to"),
        (("--chart", "a.gif"), 2, "ends in .svg or .png"),
        (("--synthetic", "5", "--against", "recorded"), 2, "no record"),
        (("--policy", "nowhere"), 1, "'nowhere' is no directory"),
        (("--policy", "./nowhere"), 1, "there is no directory './nowhere'"),
    ],
)
def test_what_cannot_be_is_said(
    shell: Shell, config: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    assert said in shell.run("simulate", *words, code=code)


def test_a_policy_has_the_holidays_of_the_years_that_are_simulated() -> None:
    shipped = Path(__file__).parents[2] / "config"
    found = open_store.load_directory(str(shipped), date(2019, 1, 1)).policy

    assert found
    assert found.calendars["office"].dates[date(2019, 12, 25)] == ()
