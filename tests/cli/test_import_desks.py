"""Exports of Zammad, FreeScout and osTicket through `mailbot import`: once, silently, and with their old numbers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mailbot.store.schema import outbox
from tests.cli.test_merge import Shell
from tests.operations.importing import exports
from tests.operations.importing.exports import BUDI, Row

DESKS: dict[str, tuple[Callable[..., Path], Row, str]] = {
    "zammad": (exports.zammad, exports.zammad_ticket(state="open"), "Ticket#2024050110001"),
    "freescout": (exports.freescout, exports.freescout_conversation(status=1), "#101"),
    "osticket": (exports.osticket, exports.osticket_ticket(state="open"), "#483920"),
}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    made.env["MAILBOT_SECRET"] = "0123456789abcdef" * 4
    yield made
    made.store.close()


@pytest.mark.parametrize("name", DESKS)
async def test_a_reply_with_the_old_number_finds_what_was_imported(
    name: str, shell: Shell, tmp_path: Path
) -> None:
    write, row, number = DESKS[name]
    folder = tmp_path / "export"
    folder.mkdir()
    first = json.loads(shell.run("import", name, write(folder, row), "--json"))
    again = json.loads(shell.run("import", name, folder, "--json"))
    assert (first["new"], first["messages"], first["problems"]) == (1, 2, 0)
    assert (again["new"], again["grown"], again["same"]) == (0, 0, 1)
    assert shell.store.read_now(lambda c: c.scalar(select(func.count()).select_from(outbox))) == 0

    (ticket,) = json.loads(shell.run("ticket", "list", "--json"))
    assert ticket["customer"] == BUDI
    reply = await shell.desk.receive(sender=BUDI, Subject=f"Re: Barang belum sampai [{number}]")
    assert reply.number == ticket["number"]
