"""The commands as people and programs call them: words, JSON, exit codes, and what they change."""

import asyncio
import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from mailbot.cli import COMMANDS, cli
from mailbot.cli.rules import group as rules
from mailbot.cli.shared import open_store, output, runtime
from mailbot.cli.tickets import group as ticket
from mailbot.config.api import init, load
from mailbot.domain.actor import Actor
from mailbot.domain.commands import AddNote
from mailbot.domain.commands.grammar import Act
from mailbot.domain.decisions import on_mail
from mailbot.domain.events import NoteAdded
from mailbot.domain.model import Envelope
from mailbot.domain.policy_review import policy_outline
from mailbot.mail.parsing.fingerprint import fingerprint
from mailbot.mail.parsing.parse import parse
from mailbot.operations import ticket_commands
from mailbot.store import inbox, migrate, outbox, queries, tickets
from mailbot.store.service import nodes, signing_secrets
from mailbot.store.service.life_lock import LifeLock
from mailbot.store.store import Store
from mailbot.views.clean_text import LINE
from mailbot.workers.inbound.ticketing import process_mails
from tests import builders
from tests.scenarios.harness import DaemonProcess, complaint, eventually, free_port, send
from tests.sink import SinkSmtp

ROOT = Path(__file__).parents[2]
CUSTOMER = "siti@pelanggan.example"
AGENT = "kartika.putri@staf.dukungan.example"


def letter(
    subject: str = "Saldo terpotong", text: str = "Mohon dicek.", sender: str = CUSTOMER, **more: str
) -> bytes:
    headers = {"From": f"Siti <{sender}>", "To": "support@dukungan.example", "Subject": subject, **more}
    headers.setdefault("Message-ID", f"<{abs(hash((subject, text, sender)))}@pelanggan.example>")
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()


@dataclass
class Site:
    """A configuration of its own, a store, and mail taken through the daemon's code without a daemon."""

    config: Path
    url: str

    def run(self, *words: str, stdin: str | bytes | None = None) -> Result:
        env = {**dict.fromkeys(n for n in os.environ if n.startswith("MAILBOT_")), "MAILBOT_STORE": self.url}
        return CliRunner(env=env).invoke(cli, [*words, "--config", str(self.config)], stdin)

    def json(self, *words: str) -> Any:
        """Run the command with --json; return the one JSON value on standard output."""
        result = self.run(*words, "--json")
        assert result.exit_code in (0, 1), result.output
        return json.loads(result.stdout)

    def store(self) -> Store:
        return Store(self.url)

    def receive(self, raw: bytes, sender: str = CUSTOMER) -> str:
        """Deliver a mail and return the number of its ticket."""
        loaded = load(self.config, {"MAILBOT_STORE": self.url})
        store = self.store()
        try:
            secrets = store.write_now(signing_secrets.create, None)
            snapshot = runtime.build_runtime(loaded.settings, loaded.policy, secrets).snapshot
            at = open_store.now()
            envelope = Envelope(sender, ("support@dukungan.example",), "192.0.2.7", at)
            store.write_now(inbox.keep, inbox.ReceivedMail(fingerprint(raw), envelope, raw))
            [[claimed]] = [store.write_now(inbox.claim, inbox.Claim("site", 1))]
            batch = [(claimed, parse(claimed.raw))]
            [filed] = store.write_now(
                lambda connection, items: [process_mails(connection, items[0], snapshot, "site", at)],
                batch,
            )
            return str(filed.decided.decision.ticket.number)
        finally:
            store.close()

    def everything(self) -> str:
        """Read all rows of all tables, for comparison."""
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
            return "\n".join(connection.iterdump())


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("desk") / "config"
    shutil.copytree(ROOT / "tests" / "scenarios" / "config", directory)
    shutil.copytree(ROOT / "templates", directory / "templates")
    return directory


@pytest.fixture
def site(shipped: Path, tmp_path: Path) -> Site:
    url = f"sqlite:///{tmp_path}/site.db"
    migrate.upgrade(url)
    return Site(shipped, url)


# --- names and help of commands ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "names"), [((), COMMANDS), (("ticket",), ticket.COMMANDS), (("rules",), rules.COMMANDS)]
)
def test_help_lists_every_command_and_loads_none_of_them(group: Sequence[str], names: Iterable[str]) -> None:
    program = (
        "import sys; from mailbot.cli import cli\n"
        "try: cli([*sys.argv[1:], '--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'sqlalchemy', 'pydantic', 'rich', 'jinja2', 'yaml', 'asyncio'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *group], capture_output=True, text=True, cwd=ROOT, check=True
    )

    for name in names:
        assert re.search(rf"^  {name} +\w", done.stdout, re.MULTILINE), name


def commands(
    group: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(group, click.Group):
        yield path, group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        yield from commands(command, (*path, name))


def test_every_command_has_a_help_text_and_takes_config_and_every_reader_takes_json() -> None:
    found = dict(commands(cli))
    assert {words[-1] for words in found} >= {
        "show",
        "list",
        "search",
        "assign",
        "escalate",
        "close",
        "note",
        "backup",
    }
    for words, command in found.items():
        options = {option for each in command.params for option in each.opts}
        assert command.help, words
        assert "--config" in options or words in {("demo",), ("init",), ("completion",), ("systemd",)}, words
        # what writes for people at a terminal, or bytes for a pipe
        silent = {
            ("init",),
            ("demo",),
            ("completion",),
            ("run",),
            ("deliver",),
            ("inbox", "raw"),
            ("systemd",),
        }
        silent |= {("ticket", "raw"), ("ticket", "attachment")}
        assert "--json" in options or words in silent, words


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("ticket", "show"),
        ("ticket", "list", "--status", "gone"),
        ("run", "--roles", "cooking"),
        ("check", "--schema", "nonsense"),
        ("inbox", "show", "zero"),
        ("explain", "m.eml", "--peer", "nowhere"),
    ],
)
def test_wrong_usage_is_exit_2_with_the_reason_on_standard_error(
    site: Site, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.eml").write_bytes(letter())
    result = site.run(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


def test_a_command_still_has_its_old_name(site: Site) -> None:
    assert site.json("mute", "list") == site.json("suppression", "list") == []


def test_a_misspelled_command_is_answered_with_the_one_that_was_meant(site: Site) -> None:
    assert "Did you mean 'ticket'?" in site.run("tickets").stderr


# --- configuration ----------------------------------------------------------------------------------------


def test_init_writes_a_configuration_that_passes_check_and_never_overwrites(tmp_path: Path) -> None:
    run = CliRunner().invoke
    directory = tmp_path / "new"
    assert run(cli, ["init", str(directory)]).exit_code == 0
    (directory / "teams.yaml").write_text((directory / "teams.yaml").read_text() + "# mine\n")
    again = run(cli, ["init", str(directory)])

    assert (directory / "teams.yaml").read_text().endswith("# mine\n")
    assert (again.exit_code, "left as it was" in again.stdout) == (0, True)
    done = run(cli, ["check", "--config", str(directory)])
    assert (done.exit_code, "is fine" in done.stdout) == (0, True), done.output
    told = json.loads(run(cli, ["check", "--json", "--config", str(directory)]).stdout)
    assert (told["ok"], told["problems"], bool(told["policy"])) == (True, [], True)


def test_check_names_every_problem_with_its_place_and_exits_78(tmp_path: Path) -> None:
    init(tmp_path)
    teams, template = tmp_path / "teams.yaml", tmp_path / "templates/en/answer.txt.j2"
    teams.write_text(teams.read_text().replace("calendar: extended", "calendar: extnded", 1))
    template.write_text("{{ txt }}")
    run = CliRunner().invoke
    result = run(cli, ["check", "--config", str(tmp_path)])

    assert (result.exit_code, result.stdout) == (78, "")
    assert re.search(r"teams\.yaml:\d+:\d+: .*extnded", result.stderr)
    assert re.search(r"answer\.txt\.j2:1:1: ", result.stderr)
    assert re.search(r"^ +\^$", result.stderr, re.MULTILINE)  # the caret
    refused = run(cli, ["check", "--json", "--config", str(tmp_path)])
    problems = json.loads(refused.stdout)["problems"]
    assert (refused.exit_code, len(problems)) == (78, 2)
    assert all(problem["file"] and problem["line"] for problem in problems)


@pytest.mark.parametrize("words", [("status",), ("ticket", "list", "--json"), ("reload",), ("db", "upgrade")])
def test_a_bad_configuration_is_exit_78_whatever_was_asked(tmp_path: Path, words: tuple[str, ...]) -> None:
    init(tmp_path)
    (tmp_path / "routing.yaml").write_text("rules: 7\n")
    result = CliRunner().invoke(cli, [*words, "--config", str(tmp_path)])

    assert (result.exit_code, result.stdout) == (78, "")
    assert "routing.yaml:1:" in result.stderr


@pytest.mark.parametrize("name", ["mailbot", "teams", "routing.yaml", "escalation"])
def test_each_file_has_its_json_schema(name: str) -> None:
    result = CliRunner().invoke(cli, ["check", "--schema", name])

    assert json.loads(result.stdout)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize(
    ("words", "env", "expected"),
    [
        (["--config", "a", "status"], {"MAILBOT_CONFIG": "c"}, "a"),
        (["status", "--config", "a"], {"MAILBOT_CONFIG": "c"}, "a"),
        (["status"], {"MAILBOT_CONFIG": "c"}, "c"),
        (["status"], {"MAILBOT_CONFIG": ""}, "config"),
    ],
)
def test_the_configuration_is_the_option_then_the_environment_then_here(
    words: list[str], env: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for each in ("a", "c", "config"):
        Path(each).mkdir()
        (Path(each) / "mailbot.yaml").write_text("nonsense: 1\n")
    result = CliRunner(env=env).invoke(cli, words)

    assert result.exit_code == 78
    assert f"{expected}/mailbot.yaml:1:1" in result.stderr


# --- the store --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [("status",), ("ticket", "list"), ("inbox", "list"), ("prove", "TOKO-48217390-8"), ("db", "backup", "b")],
)
def test_without_a_store_commands_explain_how_to_create_one_and_create_none(
    shipped: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    path = tmp_path / "none.db"
    result = Site(shipped, f"sqlite:///{path}").run(*words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"there is no store at {path}" in result.stderr
    assert "mailbot db upgrade" in result.stderr
    assert not path.exists()


def test_a_store_without_tables_is_named_and_upgraded(shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    site = Site(shipped, f"sqlite:///{tmp_path}/empty.db")

    assert "`mailbot db upgrade` creates its tables" in site.run("ticket", "list").stderr
    first, second = site.json("db", "upgrade"), site.json("db", "upgrade")
    assert (first["before"], first["changed"]) == (None, True)
    assert (second["before"], second["changed"]) == (first["now"], False)
    assert site.run("ticket", "list").exit_code == 0


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE alembic_version SET version_num = '0999'", "its schema 0999 is newer than"),
        ("ALTER TABLE nodes DROP COLUMN reload_error", "the table nodes has no column reload_error"),
        ("CREATE TABLE orders (id INTEGER)", "the table orders is none of them"),
    ],
)
def test_p12_no_command_works_with_a_store_that_is_not_known(
    shipped: Path, tmp_path: Path, statement: str, message: str
) -> None:
    site = Site(shipped, f"sqlite:///{tmp_path}/mailbot.db")
    migrate.upgrade(site.url)
    with closing(sqlite3.connect(tmp_path / "mailbot.db")) as store:
        store.execute(statement)
        store.commit()

    for words in (("status",), ("ticket", "list"), ("outbox", "retry", "1"), ("db", "upgrade")):
        refused = site.run(*words)
        assert (refused.exit_code, refused.stdout) == (1, ""), words
        assert message in refused.stderr
        assert "backup" in refused.stderr


def test_no_schema_is_changed_under_a_daemon(shipped: Path, tmp_path: Path) -> None:
    database = tmp_path / "mailbot.db"
    site = Site(shipped, f"sqlite:///{database}")
    with LifeLock(str(database)):
        refused = site.run("db", "upgrade")
        migrate.upgrade(site.url)
        nothing = site.run("db", "upgrade")

    assert (refused.exit_code, nothing.exit_code) == (1, 0)
    assert "is in use by process" in refused.stderr
    assert "nothing to do" in nothing.stdout


def test_files_with_customers_data_are_for_their_owner_whatever_the_umask(
    shipped: Path, tmp_path: Path
) -> None:
    site = Site(shipped, f"sqlite:///{tmp_path}/mailbot.db")
    old = os.umask(0)
    try:
        assert site.run("db", "upgrade").exit_code == 0
        with closing(site.store()) as store:
            store.read_now(migrate.current)
            assert site.run("db", "backup", str(tmp_path / "backup.db")).exit_code == 0
            modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.glob("*.db*")}
        assert CliRunner().invoke(cli, ["init", str(tmp_path / "config")]).exit_code == 0
        assert os.umask(0) == 0
    finally:
        os.umask(old)

    assert modes.keys() >= {"mailbot.db", "mailbot.db-wal", "mailbot.db.lock", "backup.db"}
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "config" / "mailbot.yaml").stat().st_mode & 0o777 == 0o666  # for the daemon's user


def test_p10_a_backup_is_a_store_of_its_own_readable_by_its_owner_alone(site: Site, tmp_path: Path) -> None:
    number = site.receive(letter())
    target = tmp_path / "backup.db"

    assert site.run("db", "backup", str(target)).exit_code == 0
    assert target.stat().st_mode & 0o077 == 0
    assert Site(site.config, f"sqlite:///{target}").json("ticket", "show", number)["number"] == number
    before = target.read_bytes()
    again = site.run("db", "backup", str(target))
    assert (again.exit_code, target.read_bytes() == before) == (1, True)
    assert "never replaces" in again.stderr


def test_a_backup_of_postgresql_is_left_to_its_own_tool(shipped: Path) -> None:
    result = Site(shipped, "postgresql://db.internal/mailbot").run("db", "backup", "b")

    assert result.exit_code == 2
    assert "pg_dump" in result.stderr


# --- reading tickets --------------------------------------------------------------------------------------


def test_a_ticket_is_shown_however_its_number_is_spelled(site: Site) -> None:
    number = site.receive(letter("Saldo terpotong Rp 250.000", "Uang saya hilang."))
    spellings = (
        number.lower(),
        number.replace("-", " "),
        f"[{number}]",
        number.replace("-", ""),
        f" {number} ",
    )
    for spelled in spellings:
        assert site.json("ticket", "show", *spelled.split())["number"] == number
    shown = site.run("ticket", "show", number).stdout

    for words in (
        number,
        "new, high, Payment   owner ",
        f"<{CUSTOMER}>",
        'reason     the text has "saldo terpotong" (rule "Failed payment")',
        "| Uang saya hilang.",
        "Payments L1",
        "first answer by ",
    ):
        assert words in shown
    everything = site.run("ticket", "show", number, "--all").stdout
    for words in ("payments, level L1, ladder brisk", "failed payment: text contains 'saldo terpotong'"):
        assert words in everything


def test_json_of_a_ticket_has_all_of_its_data(site: Site) -> None:
    number = site.receive(letter())
    told = site.json("ticket", "show", number)

    assert {
        "number",
        "status",
        "customer",
        "rule",
        "team",
        "level",
        "assignee",
        "priority",
        "deadline",
    } <= told.keys()
    assert [message["direction"] for message in told["messages"]] == ["in"]
    assert [each["seq"] for each in told["events"]] == list(range(1, told["events_count"] + 1))
    assert told["events"][0]["kind"] == "ticket_opened"
    assert told["deadlines"][0]["due_at"] == told["deadline"]["due_at"]
    assert {mail["kind"] for mail in told["outbox"]} == {"acknowledgement", "team"}
    assert told["participants"] == [{"address": CUSTOMER, "role": "customer"}]


@pytest.mark.parametrize("words", [("ticket", "show"), ("explain",), ("prove",)])
def test_a_number_that_does_not_exist_is_exit_1_without_standard_output(
    site: Site, words: tuple[str, ...]
) -> None:
    result = site.run(*words, "TOKO-48217390-8", "--json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no ticket TOKO-48217390-8" in result.stderr


def test_a_slip_in_the_check_digit_is_answered_with_the_number_that_was_meant(site: Site) -> None:
    number = site.receive(letter())
    result = site.run("ticket", "show", f"{number[:-1]}{(int(number[-1]) + 1) % 10}")

    assert result.exit_code == 1
    assert f"did you mean {number}?" in result.stderr


def test_lists_and_searches_show_what_matches_and_a_search_without_result_is_exit_1(
    site: Site,
) -> None:
    paid = site.receive(letter())
    late = site.receive(letter("Paket belum sampai", "Resi JX99", sender="budi@pelanggan.example"))

    assert {each["number"] for each in site.json("ticket", "list")} == {paid, late}
    assert [each["number"] for each in site.json("ticket", "list", "--team", "logistics")] == [late]
    assert site.json("ticket", "list", "--status", "closed") == []
    assert [each["number"] for each in site.json("ticket", "search", "jx99 paket")] == [late]
    nothing = site.run("ticket", "search", "tidakada", "--json")
    assert (nothing.exit_code, json.loads(nothing.stdout)) == (1, [])
    lines = site.run("ticket", "list").stdout.splitlines()
    assert lines[0].startswith("number\tstatus\t")  # no tables off a terminal
    assert len(lines) == 3


# --- changing tickets -------------------------------------------------------------------------------------


def kinds(told: dict[str, Any]) -> list[str]:
    return [each["kind"] for each in told["events"]]


def test_the_actor_of_a_change_is_recorded_and_the_people_concerned_are_notified(
    site: Site,
) -> None:
    number = site.receive(letter("Barang rusak"))
    assigned = site.json("ticket", "assign", number, AGENT.upper())
    assert (assigned["assignee"], kinds(assigned)[0]) == (AGENT, "ticket_assigned")
    assert assigned["sends"] == [{"kind": "team", "to": AGENT}]
    raised = site.json("ticket", "escalate", number, "--because", "penting", "--as", AGENT)
    assert raised["level"] == "L2"
    assert (raised["events"][0]["by"], raised["events"][0]["data"]["because"]) == (
        f"agent:{AGENT}",
        "penting",
    )
    closed = site.json("ticket", "close", number, "--because", "diganti")

    assert (closed["status"], closed["deadline"]) == ("closed", None)
    by = closed["events"][0]["by"]
    assert by == str(ticket_commands.operator())
    assert by.startswith("operator:")
    shown = site.json("ticket", "show", number)
    assert kinds(shown)[-len(kinds(closed)) :] == kinds(closed)
    assert shown["deadlines"] == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("assign", "{}", "kartika@staf.dukungan.example"), f"Near: {AGENT}"),
        (("escalate", "{}", "L9"), "there is no level 'L9'"),
        (("close", "{}", "--as", "nobody@x.example"), "no agent of any team"),
        (("close", "TOKO-48217390-8"), "there is no ticket"),
    ],
)
def test_what_is_refused_is_exit_1_with_the_reason_and_changes_nothing(
    site: Site, words: tuple[str, ...], why: str
) -> None:
    number = site.receive(letter("Barang rusak"))
    before = site.everything()
    result = site.run("ticket", *(word.format(number) for word in words), "--json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert why in result.stderr
    assert site.everything() == before


def test_p13_a_note_is_kept_on_the_ticket_and_is_sent_to_no_address(site: Site) -> None:
    number = site.receive(letter())
    owed = len(site.json("outbox", "list"))
    assert site.run("ticket", "note", number, "pelanggan", "lama", "--as", AGENT).exit_code == 0
    assert site.run("ticket", "note", number, "-", stdin="baris 1\nbaris 2\x1b[31m\x00\n").exit_code == 0

    notes = [each for each in site.json("ticket", "show", number)["messages"] if each["direction"] == "note"]
    assert (notes[0]["author"], notes[0]["text"]) == (AGENT, "pelanggan lama")
    assert notes[1]["text"].splitlines()[0] == "baris 1"
    assert not {"\x1b", "\x00"} & set(notes[1]["text"])
    assert len(site.json("outbox", "list")) == owed
    assert site.run("ticket", "note", number, "  ").exit_code == 2


def test_commands_at_the_same_time_are_all_recorded_one_after_the_other(store: Store, shipped: Path) -> None:
    policy = load(shipped, {}).policy
    decision = builders_opened(policy)
    with store.engine.begin() as connection:
        tickets.record(connection, [tickets.TicketChange(None, decision.ticket, decision.events, "v", None)])
    decided_by = runtime.build_runtime(load(shipped, {}).settings, policy, None)
    number = decision.ticket.number

    def note(text: str) -> None:
        ticket_commands.run_command(
            store,
            decided_by,
            ticket_commands.TicketCommand(
                number, Act((AddNote(text),)), Actor.operator("eko"), open_store.now()
            ),
        )

    threads = [threading.Thread(target=note, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = store.read_now(tickets.events_of, number)
    assert [each.seq for each in events] == list(range(1, len(events) + 1))
    assert sum(isinstance(each.event, NoteAdded) for each in events) == 8
    assert len(store.read_now(lambda each: queries.messages_of(each, number, longest=10))) == 8


def builders_opened(policy: Any) -> Any:
    return on_mail(
        None, builders.mail(), builders.envelope(), builders.facts(), policy, builders.NOW
    ).decision


# --- explain and prove ------------------------------------------------------------------------------------


def test_explaining_a_mail_shows_what_the_daemon_then_does_and_changes_nothing(
    site: Site, tmp_path: Path
) -> None:
    raw = letter("Charged twice", "My card was charged twice.", sender="andrew@post.example")
    path = tmp_path / "mail.eml"
    path.write_bytes(raw)
    before = site.everything()
    told = site.json("explain", str(path))
    assert site.everything() == before
    number = site.receive(raw, "andrew@post.example")
    real = site.json("ticket", "show", number)

    same = (
        "rule",
        "category",
        "priority",
        "team",
        "level",
        "ladder",
        "language",
        "customer",
        "tags",
        "status",
    )
    assert {name: told["ticket"][name] for name in same} == {name: real[name] for name in same}
    assert [each["kind"] for each in told["events"]] == kinds(real)
    assert {(each["kind"], each["to"]) for each in told["sends"]} >= {
        ("acknowledgement", "andrew@post.example")
    }
    assert {each["kind"] for each in told["sends"]} == {each["kind"] for each in real["outbox"]}
    assert [each["does"] for each in told["deadlines"]] == [each["does"] for each in real["deadlines"]]
    *asked, won = told["rules"]
    assert (won["name"], won["matched"], won["line"] > 0) == ("paid twice", True, True)
    assert not any(rule["matched"] for rule in asked)
    assert told["belongs"]["ticket"] is None
    assert "came in already as inbox 1" in site.run("explain", str(path)).stdout


def test_a_reply_is_explained_onto_its_ticket_without_asking_any_rule(site: Site) -> None:
    number = site.receive(letter())
    raw = letter(f"Re: [{number.lower()}] Saldo", "Sudah dicek?")
    result = site.run("explain", "-", "--json", stdin=raw)
    told = json.loads(result.stdout)

    assert (told["belongs"]["ticket"], told["rules"]) == (number, [])
    assert kinds(told)[0] == "customer_wrote"
    stranger = letter(f"Re: {number}", "Give me that", sender="maling@jahat.example")
    told = json.loads(site.run("explain", "-", "--json", stdin=stranger).stdout)
    assert (told["belongs"]["ticket"], told["belongs"]["claims"]) == (None, number)


def test_a_mail_can_be_explained_before_there_is_any_store(shipped: Path, tmp_path: Path) -> None:
    site = Site(shipped, f"sqlite:///{tmp_path}/none.db")
    result = site.run("explain", "-", stdin=letter())

    assert result.exit_code == 0, result.output
    for words in (
        "there is no store yet",
        "Payment -> Payments L1, ",
        '(rule "Failed payment", routing.yaml:',
        'the text has "saldo terpotong"',
        "first answer by ",
    ):
        assert words in result.stdout
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("headers", "options", "why"),
    [
        ({"Auto-Submitted": "auto-replied"}, (), "uto-"),
        ({"Return-Path": "<>"}, (), "null sender"),
        ({}, ("--from", "<>"), "null sender"),
    ],
)
def test_an_autoreply_is_explained_as_never_answered(
    site: Site, headers: dict[str, str], options: tuple[str, ...], why: str
) -> None:
    told = json.loads(site.run("explain", "-", "--json", *options, stdin=letter(**headers)).stdout)

    assert why in told["suppressed"]
    assert "acknowledgement" not in {each["kind"] for each in told["sends"]}


def test_explaining_a_number_shows_its_events_as_sentences_with_local_times(site: Site) -> None:
    number = site.receive(letter())
    site.run("ticket", "close", number, "--because", "selesai")
    told = site.run("explain", number).stdout

    assert 'because the text has "saldo terpotong" (rule "Failed payment")' in told
    assert told.index("because the text has") < told.index(": selesai")
    assert "Times are WIB." in told
    told = site.run("explain", number, "--all").stdout
    assert "rule 'failed payment' matched, because text contains 'saldo terpotong'" in told
    assert told.index("failed payment") < told.index("closed it: selesai")
    sentences = [each["sentence"] for each in site.json("explain", number)["events"]]
    assert all(sentences)


def test_a_file_that_is_not_there_is_exit_1(site: Site) -> None:
    result = site.run("explain", "nowhere.eml")

    assert result.exit_code == 1
    assert "there is no file nowhere.eml" in result.stderr


def test_prove_shows_digests_and_outcomes_and_detects_changes_in_the_database(
    site: Site,
) -> None:
    raw = letter()
    number = site.receive(raw)
    told = site.json("prove", number)
    assert told["proved"] is True
    [mail] = told["mails"]
    assert (mail["sha256"], mail["stored_bytes"]) == (hashlib.sha256(raw).hexdigest(), len(raw))
    assert {each["state"] for each in told["outbox"]} == {"due"}
    assert all(each["sha256"] and each["message_id"] for each in told["outbox"])

    with closing(sqlite3.connect(site.url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE tickets SET team = 'management'")
    tampered = site.run("prove", number)
    assert tampered.exit_code == 1
    assert "NO   the events, from first to last, make the ticket what it is" in tampered.stdout


def test_every_reader_works_on_either_engine(store_url: str, shipped: Path) -> None:
    migrate.upgrade(store_url)
    site = Site(shipped, store_url)
    number = site.receive(letter())
    reply = letter(f"Re: {number}", "Sudah?")

    assert [each["number"] for each in site.json("ticket", "list", "--overdue")] == []
    assert [each["number"] for each in site.json("ticket", "search", "saldo", "dicek")] == [number]
    for words in (("ticket", "show", number), ("explain", number), ("prove", number), ("inbox", "show", "1")):
        assert site.run(*words).exit_code == 0, words
    assert len(site.json("inbox", "list")) == 1
    assert len(site.json("outbox", "list")) == 2
    assert site.json("status")["outbox"]["due"] == 2
    explained = json.loads(site.run("explain", "-", "--json", stdin=reply).stdout)
    assert explained["belongs"]["ticket"] == number
    assert site.run("ticket", "close", number).exit_code == 0


def test_a_store_of_a_newer_version_is_left_alone(site: Site) -> None:
    with closing(sqlite3.connect(site.url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = site.everything()

    for words in (("ticket", "list"), ("db", "upgrade")):
        result = site.run(*words)
        assert (result.exit_code, "the newer mailbot" in result.stderr) == (1, True), words
    daemon = subprocess.run(
        [sys.executable, "-m", "mailbot", "run", "--config", str(site.config)],
        env={**os.environ, "MAILBOT_STORE": site.url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (daemon.returncode, "the newer mailbot" in daemon.stderr) == (1, True)
    assert site.everything() == before


# --- inbox and outbox -------------------------------------------------------------------------------------


def test_a_parked_mail_is_listed_with_its_reason_retried_dropped_and_brought_back(
    site: Site,
) -> None:
    store = site.store()
    envelope = Envelope(CUSTOMER, ("support@dukungan.example",), "192.0.2.7", open_store.now())
    one = store.write_now(inbox.keep, inbox.ReceivedMail("f" * 64, envelope, letter())).inbox_id
    store.write_now(inbox.park, inbox.Unhandled(one, "ValueError: aneh"))
    store.close()

    [listed] = site.json("inbox", "list", "--state", "parked")
    assert (listed["id"], listed["reason"], listed["sender"]) == (one, "ValueError: aneh", CUSTOMER)
    assert site.json("inbox", "show", str(one))["mail"]["subject"] == "Saldo terpotong"
    assert site.run("inbox", "show", str(one), "--raw").stdout_bytes == letter()
    assert site.json("inbox", "drop", str(one), "--because", "spam") == [{"id": one, "done": True}]
    dropped = site.json("inbox", "show", str(one))
    assert (dropped["state"], "spam" in dropped["reason"]) == ("done", True)
    assert site.run("inbox", "retry", str(one)).exit_code == 0
    assert site.json("inbox", "show", str(one))["state"] == "new"
    again = site.run("inbox", "retry", str(one), "999")
    assert again.exit_code == 1
    assert "is neither parked nor stuck, it is new" in again.stderr
    assert "there is no mail 999" in again.stderr


def test_the_outbox_shows_every_state_and_lets_go_of_what_is_dropped(site: Site) -> None:
    number = site.receive(letter())
    listed = site.json("outbox", "list", "--ticket", number)
    keys = "id ticket kind state recipient attempts unknown due_at settled_at sent_at dot_at code reply"
    assert {*keys.split(), "reason", "message_id"} <= listed[0].keys()
    acknowledgement = next(each["id"] for each in listed if each["kind"] == "acknowledgement")
    store = site.store()
    [claimed] = store.write_now(outbox.claim, outbox.Claim("n", 1, open_store.now()))
    at = open_store.now()
    store.write_now(
        outbox.record_results, outbox.AttemptResult(claimed.id, "n", "deferred", at, 451, "later", at)
    )
    store.close()

    shown = site.json("outbox", "show", str(acknowledgement))
    assert (shown["state"], shown["code"], shown["reply"]) == ("deferred", 451, "later")
    assert [each["outcome"] for each in shown["tries"]] == ["deferred"]
    assert number in shown["subject"]
    assert "451 later" in site.run("outbox", "show", str(acknowledgement)).stdout
    assert site.run("outbox", "retry", str(acknowledgement)).exit_code == 0
    assert site.run("outbox", "drop", str(acknowledgement)).exit_code == 0
    assert site.json("outbox", "show", str(acknowledgement))["state"] == "suppressed"
    assert site.run("outbox", "drop", str(acknowledgement)).exit_code == 1
    assert site.run("outbox", "show", "999").exit_code == 1


def test_what_sticks_at_a_node_that_is_gone_is_listed_and_comes_free(site: Site) -> None:
    site.receive(letter())
    store = site.store()
    envelope = Envelope(CUSTOMER, ("support@dukungan.example",), "192.0.2.7", open_store.now())
    one = store.write_now(inbox.keep, inbox.ReceivedMail("f" * 64, envelope, letter())).inbox_id
    assert (site.json("inbox", "list", "--stuck"), site.json("outbox", "list", "--stuck")) == ([], [])
    store.write_now(inbox.claim, inbox.Claim("gone", 1))
    [claimed, *_] = store.write_now(outbox.claim, outbox.Claim("gone", 1, open_store.now()))
    store.close()

    for kind, mail_id in (("inbox", one), ("outbox", claimed.id)):
        [stuck] = site.json(kind, "list", "--stuck")
        assert (stuck["id"], stuck["claimed_by"]) == (mail_id, "gone")
        assert site.run(kind, "retry", str(mail_id)).exit_code == 0
        assert site.json(kind, "list", "--stuck") == []


# --- status -----------------------------------------------------------------------------------------------


def test_status_gives_each_reason_why_mail_does_not_flow_and_exits_1(site: Site) -> None:
    store = site.store()
    envelope = Envelope(CUSTOMER, ("support@dukungan.example",), "192.0.2.7", open_store.now())
    one = store.write_now(inbox.keep, inbox.ReceivedMail("f" * 64, envelope, letter())).inbox_id
    store.write_now(inbox.park, inbox.Unhandled(one, "aneh"))
    store.write_now(
        nodes.register, nodes.Node("n1", "elsewhere", 1, "listener,intake", open_store.now(), "old")
    )
    store.close()
    result = site.run("status")

    assert result.exit_code == 1
    for reason in (
        "1 mails are parked",
        "no daemon does delivery",
        "no daemon does deadlines",
        "the relay 127.0.0.1:25",
    ):
        assert f"NOT WELL: {reason}" in result.stdout
    assert "uses policy old" in result.stdout
    told = site.json("status")
    assert (told["well"], len(told["reasons"]) >= 4, told["inbox"]["parked"]) == (False, True, 1)


def test_reload_without_a_daemon_is_exit_1_with_the_reason(site: Site) -> None:
    result = site.run("reload")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "no daemon of this host runs on this store" in result.stderr


# --- terminals --------------------------------------------------------------------------------------------

NASTY = "\x1b[2J\x1b]0;judul\x07 \u202eterbalik\u202c \x9b31m \x00 \u2028baris \r\nBcc: x"


def harmless(text: str) -> bool:
    """Check that no character moves a cursor, changes a colour or reverses a line."""
    return all(char == "\n" or char.isprintable() for char in text)


@given(st.text())
def test_any_text_of_a_mail_in_a_line_stays_one_printable_line(text: str) -> None:
    said = output.clean(text)

    assert said.isprintable()
    assert len(said) <= LINE
    assert not any(
        unicodedata.bidirectional(char) in {"RLO", "LRO", "RLE", "LRE", "RLI", "LRI"} for char in said
    )


@given(st.text(), st.integers(10, 100))
def test_any_text_of_a_mail_in_a_block_is_lines_of_printable_text(text: str, longest: int) -> None:
    assert harmless(output.clean_block(text * 3, longest))
    assert len(output.clean_block(text * 3, longest)) <= 4 * longest + 40  # a tab becomes four spaces at most


def test_a_plain_text_is_shown_as_it_is() -> None:
    assert (
        output.clean("  Saldo   terpotong Rp 250.000 – tolong! 漢字 😀 ")
        == "Saldo terpotong Rp 250.000 – tolong! 漢字 😀"
    )
    assert output.clean_block("satu\n\n  dua\r\ntiga\n") == "satu\n\n  dua\ntiga"


@pytest.mark.parametrize(
    "words", [("ticket", "show", "{}"), ("ticket", "list"), ("explain", "{}"), ("prove", "{}")]
)
def test_nothing_in_a_mail_reaches_the_terminal_as_a_command(site: Site, words: tuple[str, ...]) -> None:
    subject = "=?utf-8?B?" + base64.b64encode(NASTY.encode()).decode() + "?="
    number = site.receive(letter(subject, NASTY))
    result = site.run(*(word.format(number) for word in words))

    assert result.exit_code == 0
    assert harmless(result.stdout.replace("\t", " "))
    assert harmless(site.run("explain", "-", stdin=letter(subject, NASTY)).stdout)


# --- with a running daemon --------------------------------------------------------------------------------


async def test_a_running_daemon_is_healthy_accepts_new_rules_and_refuses_bad_ones(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, DaemonProcess(tmp_path, sink.port) as daemon:
        assert (await send(daemon.port, complaint(1), "pelanggan1@pelanggan.example")).startswith("250")
        await eventually(
            lambda: daemon.rows("SELECT * FROM outbox WHERE kind = 'acknowledgement' AND state = 'sent'")
        )
        code, out, err = await daemon.command("status")
        assert (code, "Mail is flowing." in out) == (0, True), out + err
        beside = Site(daemon.config, daemon.environment()["MAILBOT_STORE"])
        [listed] = beside.json("ticket", "list")
        assert beside.json("prove", listed["number"])["proved"] is True

        daemon.edit("routing.yaml", "name: refund", "name: refunds")
        code, out, err = await daemon.command("reload", "--json")
        [told] = json.loads(out)
        assert (code, told["trouble"], told["old"] != told["new"]) == (0, None, True), err
        assert told["changed"] == ["rule 'refund' removed", "rule 'refunds' added"]
        assert "nothing changed" in beside.run("reload").stdout

        daemon.edit("routing.yaml", "team: payments", "team: paiments")
        refused = beside.run("reload")
        assert (refused.exit_code, refused.stdout) == (78, "")
        assert re.search(r"routing\.yaml:\d+:\d+: ", refused.stderr)
        assert daemon.rows("SELECT policy FROM nodes") == [{"policy": told["new"]}]
        assert await daemon.stop() == 0


@pytest.mark.timeout(60)
def test_the_demo_shows_numbers_acknowledgements_a_reply_an_answer_and_an_escalation(tmp_path: Path) -> None:
    """Run what `make run` runs, through a pipe; it ends after the tour."""
    env = {**os.environ, "MAILBOT_LISTEN": f"127.0.0.1:{free_port()}", "TMPDIR": str(tmp_path)}
    env["MAILBOT_STORE"] = "sqlite:////nonexistent/real.db"  # a real store, which the demo never touches
    command = [sys.executable, "-m", "mailbot", "demo", "--once"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(set(re.findall(r"^  (TOKO-\d{8}-\d)  ", done.stdout, re.MULTILINE))) == 7
    assert len(re.findall(r"^  TOKO-\d{8}-\d  .*, by \d\d:\d\d", done.stdout, re.MULTILINE)) == 6
    assert re.search(r"^    answered in [\d.]+ m?s: \"Laporan", done.stdout, re.MULTILINE)
    assert 'reason: the text has "dibajak"' in done.stdout
    assert "the same ticket: number in the subject, sender takes part" in done.stdout
    assert "so it is the customer's turn and no promise runs" in done.stdout
    assert "first answer late: raised to L3, assigned to Oktavia Siregar" in done.stdout
    assert "exit code 0" in done.stdout
    [directory] = tmp_path.glob("mailbot-demo-*")
    assert Site(directory, f"sqlite:///{directory}/mailbot.db").run("ticket", "list").exit_code == 0


async def test_a_demo_that_is_interrupted_drains_its_daemon_and_exits_0(tmp_path: Path) -> None:
    env = {**os.environ, "MAILBOT_LISTEN": f"127.0.0.1:{free_port()}", "TMPDIR": str(tmp_path)}
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mailbot", "demo"), env=env, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert demo.stdout
    said = ""
    async with asyncio.timeout(40):
        while "answered in" not in said:
            said += (await demo.stdout.readline()).decode()
        demo.send_signal(signal.SIGINT)
        said += (await demo.stdout.read()).decode()
        assert (await demo.wait(), "exit code 0" in said) == (0, True), said


def test_a_demo_with_a_taken_port_names_the_port_and_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner(env={"MAILBOT_LISTEN": f"127.0.0.1:{port}"}).invoke(cli, ["demo"])

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"can't listen on 127.0.0.1:{port}" in result.stderr
    assert "MAILBOT_LISTEN=" in result.stderr


# --- differences after a reload ---------------------------------------------------------------------------


def test_differences_between_two_policies_are_listed_by_name() -> None:
    old = builders.policy()
    rules = (*old.rules[:1], *(), old.rules[1])
    assert (
        policy_outline.compare_outlines(
            policy_outline.outline(old), policy_outline.outline(builders.policy(rules=rules, version="v2"))
        )
        == []
    )
    new = builders.policy(
        rules=old.rules[1:],
        levels=("L1", "management"),
        teams={name: team for name, team in old.teams.items() if name != "payments"},
        ladders={**old.ladders, "slow": builders.STANDARD},
    )

    assert policy_outline.compare_outlines(policy_outline.outline(old), policy_outline.outline(new)) == [
        "team 'payments' removed",
        "rule 'payment' removed",
        "ladder 'slow' added",
        "levels changed",
    ]
