"""Ladders of open tickets when the policy changes: on the running daemon, as admins ask for it."""

from pathlib import Path
from typing import Any

from tests.scenarios.harness import DaemonProcess, complaint, eventually, send
from tests.sink import SinkSmtp

ASKING = """  urgent:
    targets: {first_response: 15 min, next_response: 30 min, resolution: 4 h, follow_up: 8 h}
    steps:
      - at: 0.1% of first_response
        ask_decision: management
        question: May the account be frozen?
        options: [freeze, wait]
      - at: first_response
        escalate_to: {fraud: L3, other: management}
"""


def asked(sink: SinkSmtp) -> list[str]:
    return [
        mail.content.decode()
        for mail in sink.mails
        if b"#decide" in mail.content or b"#putuskan" in mail.content
    ]


def armed(daemon: DaemonProcess) -> Any:
    return daemon.rows("SELECT * FROM deadlines")


async def test_a_reload_keeps_the_ladders_of_open_tickets_or_changes_them_after_a_list(
    tmp_path: Path,
) -> None:
    sink = await SinkSmtp().start()
    async with DaemonProcess(tmp_path, sink.port) as daemon:
        await send(daemon.port, complaint(1, subject="Akun saya diretas"), "pelanggan1@pelanggan.example")
        number = (await eventually(lambda: daemon.rows("SELECT number FROM tickets")))[0]["number"]
        before = armed(daemon)
        daemon.edit("escalation.yaml", r"(?ms)^  urgent:\n.*\Z", ASKING)

        _, out, _ = await daemon.command("reload")
        assert "1 open ticket of ladder urgent keeps it as it was" in out
        assert (armed(daemon), asked(sink)) == (before, [])
        code, out, err = await daemon.command("reload", "--open-tickets", "recompute", "--yes")
        assert code == 0, err
        assert (code, number in out, "applied to 1 of 1 open tickets" in out) == (0, True, True)
        await eventually(lambda: asked(sink))
        (changed,) = daemon.rows("SELECT by FROM events WHERE kind = 'ladder_changed'")
        assert changed["by"].startswith("operator:")
    await sink.stop()
