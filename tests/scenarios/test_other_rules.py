"""From mail on the wire to what other rules would have done with it: the real daemon, diff, a policy that
looks on."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.config.faults import lay
from tests.scenarios.harness import DaemonProcess, complaint, eventually, free_port, send

RULES = """
rules:
  - name: parcels
    when: {subject: {contains: belum sampai}}
    then: {team: payments}
  - name: everything else
    then: {team: frontline}
"""


@pytest.fixture
def daemon(tmp_path: Path) -> DaemonProcess:
    """Build a daemon with the other rules in its folder; it is not started."""
    made = DaemonProcess(tmp_path, free_port())  # no relay listens: these tests need no outgoing mail
    (lay(made.config) / "routing.yaml").write_text(RULES)
    shutil.copytree(made.config, tmp_path / "config-new")
    (tmp_path / "config-new" / "routing.yaml").write_text(RULES.replace("belum sampai", "rusak"))
    return made


def let_look_on(daemon: DaemonProcess) -> None:
    mailbot = daemon.config / "mailbot.yaml"
    mailbot.write_text(f"{mailbot.read_text()}\nshadow: ../config-new\n")


async def receive(daemon: DaemonProcess, number: int, subject: str) -> str:
    """Send a mail and return the ticket that it opened."""
    sender = f"pelanggan{number}@pelanggan.example"
    reply = await send(daemon.port, complaint(number, subject=subject), sender)
    assert reply.startswith("250")
    query = "SELECT number FROM tickets WHERE customer = ?"
    row: Any = await eventually(lambda: daemon.rows(query, sender))
    return str(row[0]["number"])


async def test_a_changed_rule_names_its_tickets_in_stored_mail_and_in_mail_to_come(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    async with daemon:
        parcel = await receive(daemon, 1, "Pesanan belum sampai")
        broken = await receive(daemon, 2, "Barang rusak")
        await receive(daemon, 3, "Tanya jam buka")

        diff = ("rules", "diff", "live", str(tmp_path / "config-new"), "--since", "1d", "--json")
        code, out, err = await daemon.command(*diff)
        assert code == 1, err
        told = json.loads(out)
        assert {each["name"]: each["kind"] for each in told["changes"]} == {
            parcel: "uncaught",
            broken: "caught",
        }
        assert (told["unchanged"], told["drifted"]) == (1, [])

        let_look_on(daemon)
        assert daemon.process
        daemon.process.send_signal(signal.SIGHUP)
        await eventually(lambda: '"shadow_policy_loaded"' in daemon.log)
        late = await receive(daemon, 4, "Paket belum sampai juga")
        await receive(daemon, 5, "Tanya ongkir")
        await eventually(lambda: daemon.rows("SELECT 1 FROM shadow_runs WHERE (agreed, differed) = (1, 1)"))

        code, out, err = await daemon.command("rules", "shadow", "--json")
        assert code == 0, err
        [change] = json.loads(out)["changes"]
        assert (change["name"], change["old_rule"], change["new_rule"]) == (
            late,
            "parcels",
            "everything else",
        )
        team = next(each for each in change["differences"] if each["name"] == "team")
        assert (team["old"], team["new"]) == ("payments", "frontline")
        assert daemon.rows("SELECT team FROM tickets WHERE number = ?", late) == [{"team": "payments"}]


async def test_a_faulty_shadow_policy_is_a_warning_and_mail_is_handled(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    (tmp_path / "config-new" / "routing.yaml").write_text("rules: [nonsense]\n")
    let_look_on(daemon)

    async with daemon:
        await receive(daemon, 1, "Pesanan belum sampai")

        def refusals() -> list[dict[str, object]]:
            lines = [json.loads(line) for line in daemon.log.splitlines()]
            return [line for line in lines if line["event"] == "shadow_policy_refused"]

        [refused] = await eventually(refusals)
        assert "config-new/routing.yaml:1:9" in str(refused["problems"])
        assert daemon.rows("SELECT * FROM shadow_runs") == []
