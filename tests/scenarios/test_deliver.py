"""`mailbot deliver` as a mail server runs it: a process for each mail, judged by its exit code alone."""

import asyncio
import os
import random
import signal
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest

from mailbot.store import migrate, queries
from mailbot.store.store import Store
from tests.scenarios.harness import RECIPIENT, ROOT, DaemonProcess, complaint, eventually, send
from tests.sink import SinkSmtp

SENDER = "pelanggan1@pelanggan.example"
OK, USAGE, NOT_A_MAIL, NO_USER, LATER = 0, 64, 65, 67, 75


@pytest.fixture
def desk(tmp_path: Path) -> DaemonProcess:
    """Write a configuration and an empty store; the daemon is not started."""
    desk = DaemonProcess(tmp_path, relay_port=1)
    desk.edit("mailbot.yaml", r"(?m)^limits:\n", "limits:\n  free_space: 1 MB\n")
    migrate.upgrade(f"sqlite:///{desk.database}")
    return desk


async def pipe(
    desk: DaemonProcess, mail: bytes, *words: str, env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run `mailbot deliver WORDS`; return exit code, standard output and standard error."""
    process = await start(desk, *words, env=env)
    out, err = await process.communicate(mail)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def start(
    desk: DaemonProcess, *words: str, env: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    config = () if "--config" in words else ("--config", str(desk.config))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mailbot", "deliver", *words, *config),
        env={**desk.environment(), **(env or {})},
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def kept(desk: DaemonProcess) -> list[tuple[str, str, bytes]]:
    """Read sender, recipients as JSON, and content of each mail in the inbox."""
    rows = desk.rows(
        "SELECT sender, recipients, content FROM inbox JOIN raw_mails ON inbox_id = id ORDER BY id"
    )
    return [(row["sender"], row["recipients"], row["content"]) for row in rows]


def unix(mail: bytes) -> bytes:
    """Convert to the line ends of a mail server's pipe."""
    return b"From %s Mon Nov 23 10:00:00 2026\n" % SENDER.encode() + mail.replace(b"\r\n", b"\n")


# --- mail is kept -----------------------------------------------------------------------------------------


async def test_a_piped_mail_becomes_a_ticket_while_the_daemon_runs_and_comes_out_byte_for_byte(
    tmp_path: Path,
) -> None:
    async with SinkSmtp() as sink, DaemonProcess(tmp_path, sink.port) as daemon:
        mail = complaint(1)
        assert await pipe(daemon, unix(mail), "--from", SENDER, "--to", RECIPIENT) == (OK, "", "")
        await eventually(lambda: daemon.rows("SELECT 1 FROM outbox WHERE state = 'sent'"))
        ((number,),) = [tuple(row.values()) for row in daemon.rows("SELECT number FROM tickets")]
        ((message,),) = [tuple(row.values()) for row in daemon.rows("SELECT id FROM messages")]
        spoken = number.lower().replace("-", " ").split()
        for words in (
            ("ticket", "raw", number),
            ("ticket", "raw", *spoken, "--message", str(message)),
            ("inbox", "raw", "1"),
        ):
            code, out, err = await daemon.command(*words)
            assert (code, out.encode(), err) == (0, mail, "")
        for words in (("ticket", "raw", number, "--message", str(message + 1)), ("inbox", "raw", "2")):
            code, out, err = await daemon.command(*words)
            assert (code, out) == (1, "")
            assert err
    assert kept(daemon) == [(SENDER, f'["{RECIPIENT}"]', mail)]


async def test_a_mail_piped_while_the_daemon_is_away_waits_for_it(desk: DaemonProcess) -> None:
    assert (await pipe(desk, unix(complaint(1)), "--to", RECIPIENT))[0] == OK
    async with SinkSmtp() as sink:
        desk.relay_port = sink.port
        async with desk:
            await eventually(lambda: desk.rows("SELECT 1 FROM tickets"))
    assert desk.rows("SELECT state FROM inbox") == [{"state": "done"}]


async def test_p2_a_mail_is_kept_once_however_often_and_by_whichever_way_it_comes(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, DaemonProcess(tmp_path, sink.port) as daemon:
        mail = complaint(1)
        trace = f"Return-Path: <{SENDER}>\nDelivered-To: {RECIPIENT}\n".encode()
        assert (await send(daemon.port, mail, SENDER)).startswith("250 ")
        for each in (unix(mail), mail, trace + mail.replace(b"\r\n", b"\n")):
            assert (await pipe(daemon, each, "--to", RECIPIENT))[0] == OK
        await eventually(lambda: daemon.rows("SELECT 1 FROM tickets"))
    assert len(kept(daemon)) == 1


async def test_the_envelope_comes_from_the_environment_or_the_header(desk: DaemonProcess) -> None:
    env = {"SENDER": "dari@pelanggan.example", "ORIGINAL_RECIPIENT": "support+t.x@dukungan.example"}
    trace = b"Return-Path: <kembali@pelanggan.example>\nX-Original-To: support+t.y@dukungan.example\n"
    assert (await pipe(desk, unix(complaint(1)), env=env))[0] == OK
    assert (await pipe(desk, trace + complaint(2)))[0] == OK
    assert (await pipe(desk, complaint(3)))[0] == OK
    assert [(sender, recipients) for sender, recipients, _ in kept(desk)] == [
        ("dari@pelanggan.example", '["support+t.x@dukungan.example"]'),
        ("kembali@pelanggan.example", '["support+t.y@dukungan.example"]'),
        ("", f'["{RECIPIENT}"]'),
    ]


async def test_a_mail_of_25_mb_is_kept_and_one_over_the_limit_is_refused(desk: DaemonProcess) -> None:
    head, line = complaint(1), b"x" * 74 + b"\r\n"
    lines = (25 * 1024 * 1024 - len(head)) // len(line)
    large = head + line * lines
    assert await pipe(desk, unix(large), "--to", RECIPIENT) == (OK, "", "")
    assert kept(desk)[0][2] == large
    for more in (1, 400_000):  # a little too much, and more than is read
        code, out, err = await pipe(desk, unix(large + line * more), "--to", RECIPIENT)
        assert (code, out) == (NOT_A_MAIL, "")
        assert "bigger than 26214400" in err
    assert len(kept(desk)) == 1


async def test_a_broken_rule_does_not_keep_mail_waiting(desk: DaemonProcess) -> None:
    (desk.config / "routing.yaml").write_text("rules: [")
    assert await pipe(desk, complaint(1)) == (OK, "", "")


async def test_p1_a_killed_delivery_loses_nothing_and_doubles_nothing(desk: DaemonProcess) -> None:
    rng = random.Random(4)
    killed = 0

    async def one(number: int) -> None:
        nonlocal killed
        for _ in range(6):  # like a mail server: what did not end with 0 comes again
            process = await start(desk, "--to", RECIPIENT)
            asyncio.get_running_loop().call_later(rng.uniform(0.1, 0.6), _kill, process)
            await process.communicate(unix(complaint(number)))
            assert process.returncode in (0, -signal.SIGKILL)
            killed += process.returncode != 0
            if process.returncode == 0:
                return
        assert (await pipe(desk, unix(complaint(number)), "--to", RECIPIENT))[0] == OK

    for first in range(0, 12, 2):
        await asyncio.gather(one(first), one(first + 1))
    assert killed
    assert sorted(raw for _, _, raw in kept(desk)) == sorted(complaint(n) for n in range(12))
    assert desk.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def _kill(process: asyncio.subprocess.Process) -> None:
    """Send SIGKILL without `process.kill()`.

    `process.kill()` polls the exit code first. A process that is just ending then loses its exit code to that
    poll before asyncio reads it (255 on Python 3.11).
    """
    with suppress(ProcessLookupError):
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)


# --- temporary failures -----------------------------------------------------------------------------------


async def test_p4_a_locked_store_is_waited_for_and_then_the_mail_is_deferred(desk: DaemonProcess) -> None:
    env = {"MAILBOT_STORE": f"sqlite:///{desk.database}?timeout=0.5"}
    with closing(sqlite3.connect(desk.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, out, err = await pipe(desk, complaint(1), env=env)
        assert (code, out) == (LATER, "")
        assert "locked" in err
        other.execute("ROLLBACK")
    assert kept(desk) == []
    assert (await pipe(desk, complaint(1), env=env))[0] == OK


async def test_p4_without_a_store_the_mail_is_deferred_and_no_store_is_created(desk: DaemonProcess) -> None:
    desk.database.unlink()
    code, out, err = await pipe(desk, complaint(1))
    assert (code, out) == (LATER, "")
    assert "there is no store at" in err
    assert not desk.database.exists()


@pytest.mark.parametrize("content", [b"", b"this is no database" * 1000])
async def test_p4_a_store_without_tables_defers_the_mail(desk: DaemonProcess, content: bytes) -> None:
    desk.database.write_bytes(content)
    assert (await pipe(desk, complaint(1)))[0] == LATER


async def test_p4_a_full_disk_defers_the_mail(desk: DaemonProcess) -> None:
    desk.edit("mailbot.yaml", "free_space: 1 MB", "free_space: 900000 GB")
    code, out, err = await pipe(desk, complaint(1))
    assert (code, out) == (LATER, "")
    assert "space" in err


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("mailbot.yaml", "mailboxes: ["),
        ("mailbot.yaml", ""),
        ("mailbot.yaml", "mailboxes: []\n"),
        ("mailbot.yaml", "mailboxes: [{address: nobody}]\n"),
        ("mailbot.yaml", "mailboxes: [{brand: x}]\n"),
        ("mailbot.yaml", f"limits: {{size: huge}}\nmailboxes: [{{address: {RECIPIENT}}}]\n"),
    ],
)
async def test_p4_an_unusable_configuration_defers_the_mail(
    desk: DaemonProcess, file: str, text: str
) -> None:
    (desk.config / file).write_text(text)
    code, out, err = await pipe(desk, complaint(1), "--to", RECIPIENT)
    assert (code, out) == (LATER, "")
    assert "mailbot.yaml" in err


async def test_p4_any_other_fault_of_the_system_defers_the_mail(desk: DaemonProcess) -> None:
    wrong: list[Mapping[str, str]] = [
        {"MAILBOT_STORE": "mysql://x"},
        {"MAILBOT_LISTEN": "nonsense"},
        {"MAILBOT_STORE": "postgresql://nobody@127.0.0.1:1/nothing"},
    ]
    for env in wrong:
        code, out, err = await pipe(desk, complaint(1), env=env)
        assert (code, out) == (LATER, ""), err
        assert err.startswith("mailbot: ")
    assert (await pipe(desk, complaint(1), "--config", "/nowhere"))[0] == LATER
    assert (await pipe(desk, b""))[0] == LATER


async def test_a_refused_mail_is_read_to_its_end(desk: DaemonProcess) -> None:
    """Read to the end, as a mail server may take a closed pipe for the answer."""
    (desk.config / "mailbot.yaml").unlink()
    process = await start(desk)
    assert process.stdin
    for _ in range(40):
        process.stdin.write(bytes(1 << 20))
        await process.stdin.drain()  # raises when the other end is closed
    process.stdin.close()
    await process.stdin.wait_closed()
    assert await process.wait() == LATER


# --- permanent failures -----------------------------------------------------------------------------------


async def test_an_unknown_recipient_is_67_and_wrong_usage_64(desk: DaemonProcess) -> None:
    code, out, err = await pipe(desk, complaint(1), "--to", "nobody@dukungan.example")
    assert (code, out, err) == (NO_USER, "", "mailbot: 5.1.1 No such mailbox here\n")
    two = ("--to", "nobody@dukungan.example", "--to", RECIPIENT)
    assert (await pipe(desk, complaint(1), *two))[0] == OK
    for words in (("--too", "x"), ("extra",), ("--to",)):
        code, out, err = await pipe(desk, complaint(2), *words)
        assert (code, out) == (USAGE, "")
        assert "Usage: mailbot deliver" in err
    assert len(kept(desk)) == 1


# --- on PostgreSQL ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
async def test_postgresql_takes_piped_mail_too(desk: DaemonProcess, store_url: str) -> None:
    migrate.upgrade(store_url)
    for _ in range(2):
        assert await pipe(desk, unix(complaint(1)), env={"MAILBOT_STORE": store_url}) == (OK, "", "")
    store = Store(store_url)
    assert store.read_now(queries.raw_mail, 1) == complaint(1)
    assert len(store.read_now(queries.list_inbox)) == 1
    store.close()
