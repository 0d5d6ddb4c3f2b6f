"""Promise P6 on the wire: what a running daemon does with a configuration that is not right."""

import asyncio
import email
import signal
import ssl
from collections.abc import AsyncIterator
from email import policy
from pathlib import Path
from typing import Any

import pytest

from tests.channels.smtp_client import connect
from tests.channels.test_certificate import speaks_tls as offers_tls
from tests.channels.test_certificate import write_certificate
from tests.scenarios.harness import DaemonProcess, complaint, eventually, send
from tests.sink import SinkSmtp

ADMIN = "eko.kurniawan@ops.dukungan.example"
FAILING = """
tests:
  - name: broken hope
    mail: {from: siti@pelanggan.example, subject: Saldo terpotong dua kali}
    expect: {team: frontline}
"""
SHADOWED = """  - name: never asked
    when: {text: {contains: [pembayaran saya terpotong dua kali]}}
    then: {category: payment, team: payments}

"""


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[tuple[DaemonProcess, SinkSmtp]]:
    sink = await SinkSmtp().start()
    async with DaemonProcess(tmp_path, sink.port) as running:
        yield running, sink
    await sink.stop()


def node(daemon: DaemonProcess) -> dict[str, Any]:
    return daemon.rows("SELECT policy, reload_error, reloaded_at FROM nodes")[0]


async def ask(daemon: DaemonProcess) -> dict[str, Any]:
    """Send SIGHUP; return the node's row when the reload has ended."""
    before = node(daemon)["reloaded_at"]
    assert daemon.process
    daemon.process.send_signal(signal.SIGHUP)
    return dict(await eventually(lambda: (now := node(daemon))["reloaded_at"] != before and now))


async def admin_mails(sink: SinkSmtp, count: int) -> list[Any]:
    """Wait for so many mails to the admin and return them."""

    def to_admin() -> list[Any]:
        mine = [mail for mail in sink.mails if mail.recipients == (ADMIN,)]
        return mine if len(mine) >= count else []

    found = await eventually(to_admin)
    return [email.message_from_bytes(each.content, policy=policy.default) for each in found]


def broken(daemon: DaemonProcess, how: str) -> str:
    """Write faults into the files; return the expected problems with their places."""
    path = daemon.config / "routing.yaml"
    text = path.read_text()
    if how == "YAML":
        path.write_text(text + "  - name: [half a rule\n")
        return f"routing.yaml:{text.count(chr(10)) + 2}:"
    if how == "test":
        path.write_text(text + FAILING)
        line = text.count("\n") + FAILING[: FAILING.index("frontline")].count("\n") + 1
        return f"routing.yaml:{line}:20: test `broken hope`: team is payments, not frontline"
    last = text.rindex("  - name: everything else")
    path.write_text(text[:last] + SHADOWED + text[last:])
    return f"routing.yaml:{text[:last].count(chr(10)) + 1}:5: rule 'never asked' never matches"


@pytest.mark.parametrize("how", ["YAML", "test", "shadowed rule"])
async def test_p6_a_refused_reload_changes_nothing_and_each_admin_gets_one_mail_about_it(
    daemon: tuple[DaemonProcess, SinkSmtp], how: str
) -> None:
    running, sink = daemon
    good = (running.config / "routing.yaml").read_text()
    first = node(running)
    expected = broken(running, how)

    refused = await ask(running)
    assert refused["policy"] == first["policy"]
    assert expected in refused["reload_error"]
    assert expected in running.log
    [mail] = await admin_mails(sink, 1)
    text = mail.get_content().replace("\r\n", "\n")
    assert expected in text
    assert f"Policy {first['policy']} stays in force" in text
    assert (mail["Auto-Submitted"], mail["Subject"][:15]) == ("auto-generated", "Reload refused:")

    # The policy before decides about mail, and the same files are mailed about once.
    assert (await send(running.port, complaint(1), "siti@pelanggan.example")).startswith("250")
    await ask(running)
    await eventually(lambda: running.rows("SELECT state FROM outbox WHERE kind = 'team' AND state = 'sent'"))
    assert len(running.rows("SELECT id FROM outbox WHERE kind = 'bulletin'")) == 1
    [event] = running.rows("SELECT policy FROM events WHERE kind = 'ticket_routed'")
    assert event["policy"] == first["policy"]

    # A good one is taken.
    (running.config / "routing.yaml").write_text(
        good.replace("  - name: paid twice", "  - name: double charge")
    )
    taken = await ask(running)
    assert (taken["policy"] != first["policy"], taken["reload_error"]) == (True, None)
    told = "SELECT key FROM installation WHERE value LIKE '%refused%'"
    await eventually(lambda: not running.rows(told))  # the same fault is mailed again next time


async def test_a_renewed_certificate_is_taken_by_a_reload_and_a_bad_one_is_mailed_about(
    tmp_path: Path,
) -> None:
    old = write_certificate(tmp_path)
    async with SinkSmtp() as sink:
        running = DaemonProcess(tmp_path, sink.port)
        running.edit("mailbot.yaml", r"\Z", "\ntls: {certificate: ../cert.pem, key: ../key.pem}\n")
        async with running:
            assert await speaks_tls(running.port, old)
            new = write_certificate(tmp_path)
            assert (await ask(running))["reload_error"] is None
            assert await speaks_tls(running.port, new)

            (tmp_path / "key.pem").write_text("half a k")
            assert "cert.pem: this certificate can't be used" in (await ask(running))["reload_error"]
            assert await speaks_tls(running.port, new)
            [mail] = await admin_mails(sink, 1)
            assert mail["Subject"] == "Reload refused: 1 problem in cert.pem"
            assert "key.pem must be one pair" in mail.get_content().replace("\r\n", "\n")


async def speaks_tls(port: int, trusted: ssl.SSLContext) -> bool:
    async with connect(port) as session:
        return await offers_tls(session, trusted)


async def test_p6_reload_reports_the_problems_and_the_accepted_policy(
    daemon: tuple[DaemonProcess, SinkSmtp],
) -> None:
    running, sink = daemon
    first = node(running)
    expected = broken(running, "test")
    code, out, err = await running.command("reload")
    assert (code, out) == (78, "")
    assert expected in err
    assert node(running)["policy"] == first["policy"]
    # The daemon was asked as well, so that every admin gets the mail.
    assert expected in node(running)["reload_error"]
    await admin_mails(sink, 1)

    running.edit("routing.yaml", "expect: {team: frontline}", "expect: {team: payments}")
    running.edit("routing.yaml", "  - name: paid twice", "  - name: double charge")
    code, out, _ = await running.command("reload")
    assert code == 0
    assert "rule 'double charge' added" in out
    assert "1 test of the rules passes" in out


async def test_p6_a_failing_test_never_starts_a_daemon(tmp_path: Path) -> None:
    stopped = DaemonProcess(tmp_path, 1)
    expected = broken(stopped, "test")
    code, _, err = await stopped.command("run")
    assert code == 78
    assert expected in err
    assert not stopped.database.exists()


async def test_p6_a_reload_that_is_asked_for_during_another_takes_the_files_as_they_are_then(
    daemon: tuple[DaemonProcess, SinkSmtp],
) -> None:
    running, _ = daemon
    assert running.process
    for name in ("first name", "second name", "last name"):
        running.edit("routing.yaml", r"  - name: (paid twice|\w+ name)\n", f"  - name: {name}\n")
        running.process.send_signal(signal.SIGHUP)
        await asyncio.sleep(0.15)  # a reload takes longer

    def taken() -> bool:
        query = "SELECT outline FROM policies WHERE version = ?"
        return "last name" in str(running.rows(query, node(running)["policy"]))

    await eventually(taken)
