"""What people see of retention: what would go, what went, and holds."""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailbot.store.service import nodes
from mailbot.store.service.nodes import Node
from tests.cli.test_merge import Shell
from tests.workers.test_notices import PHOTO, with_files
from tests.workers.test_retention import closed as closed_now

YEAR = timedelta(days=366)
SPANS = "retention: {raw_mail: 90 days, attachments: 1 year, closed_tickets: 5 years, attempts: 30 days}\n"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    file = tmp_path / "config" / "mailbot.yaml"
    file.write_text(file.read_text() + SPANS)
    yield made
    made.store.close()


async def closed(shell: Shell, ago: timedelta) -> str:
    """Receive a mail with a photo so long ago, close its ticket, send all that is due."""
    clock = shell.desk.clock
    shell.desk.clock = clock - ago
    ticket = await closed_now(shell.desk, **with_files("Lihat foto.", foto__png=PHOTO))
    shell.desk.clock = clock
    return ticket.number


async def test_what_would_go_is_shown_and_then_deleted(shell: Shell) -> None:
    old, older = await closed(shell, ago=YEAR / 2), await closed(shell, ago=2 * YEAR)
    open_ticket = await shell.desk.receive()

    shown = shell.shown("retention")
    assert shown["dry_run"]
    counted = {line["kind"]: line["count"] for line in shown["found"]}
    assert counted["raw_mail"] == 2
    assert counted["attachments"] == 1
    assert all(line["bytes"] for line in shown["found"])
    assert shown == shell.shown("retention", "--dry-run")

    gone = shell.shown("retention", "--now")
    assert gone["found"] == shown["found"]
    assert shell.shown("retention")["found"] == []
    assert shell.shown("retention")["last_run"]["deleted"] == shown["found"]
    assert "for good" not in shell.run("retention")

    assert "deleted by retention on" in shell.run("ticket", "raw", old, code=1)
    assert "deleted by retention on" in shell.run("ticket", "attachment", older, "1", "-o", "-", code=1)
    assert "deleted by retention on" in shell.run("ticket", "attachment", older)
    assert "deleted by retention on" in shell.run("ticket", "show", older, "--all")
    assert "deleted by retention" not in shell.run("ticket", "show", old)
    proved = shell.shown("prove", old)
    assert proved["proved"]
    assert proved["mails"][0]["sha256"] == proved["mails"][0]["deleted_sha256"] != ""
    shell.run("ticket", "raw", open_ticket.number)
    assert "Lihat foto." in shell.run("ticket", "show", older, "--all")


async def test_a_deleted_ticket_is_named_as_such(shell: Shell) -> None:
    number = await closed(shell, ago=6 * YEAR)
    shell.run("retention", "--now")
    assert f"ticket {number} was deleted by retention on" in shell.run("ticket", "show", number, code=1)


async def test_a_hold_needs_a_reason_is_shown_and_keeps_everything(shell: Shell) -> None:
    number = await closed(shell, ago=6 * YEAR)
    assert "--reason" in shell.run("ticket", "legal-hold", number, code=2)
    shell.run("ticket", "legal-hold", number, "--reason", "Perkara 12/Pdt/2026")

    shown = shell.shown("ticket", "show", number)
    assert shown["legal_hold"]["reason"] == "Perkara 12/Pdt/2026"
    assert shown["events"][-1]["kind"] == "legal_hold_placed"
    assert "Perkara 12/Pdt/2026" in shell.run("ticket", "show", number)
    assert [each["number"] for each in shell.shown("ticket", "list", "--legal-hold")] == [number]
    assert shell.shown("retention")["held"] == [number]
    assert shell.shown("retention", "--now")["found"] == []
    shell.run("prove", number)

    shell.run("ticket", "legal-hold", number, "--release")
    assert shell.shown("ticket", "show", number)["legal_hold"] is None
    assert "no legal hold" in shell.run("ticket", "legal-hold", number, "--release", code=1)
    shell.run("retention", "--now")
    assert f"ticket {number} was deleted" in shell.run(
        "ticket", "legal-hold", number, "--reason", "x", code=1
    )


async def test_status_remarks_when_no_run_ended_for_hours(shell: Shell) -> None:
    def remarks() -> list[str]:
        found = shell.run("status", "--json", code=1)  # without the relay
        return [each for each in json.loads(found)["remarks"] if "retention" in each]

    node = Node("n1", socket.gethostname(), os.getpid(), "delivery", shell.desk.clock, "v1")
    shell.store.write_now(nodes.register, replace(node, started_at=datetime.now(UTC) - timedelta(hours=5)))
    assert remarks() == []
    shell.store.write_now(
        nodes.register, replace(node, id="n2", started_at=datetime.now(UTC) - timedelta(hours=7))
    )
    assert "has not ended yet" in remarks()[0]
    shell.run("retention", "--now")
    assert remarks() == []
