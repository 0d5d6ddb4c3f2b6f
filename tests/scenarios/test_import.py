"""An archive comes over beside a daemon that works, is killed on the way, and its customers answer old mails."""

import asyncio
import sys
from pathlib import Path

from tests.bench.parts.imports import records, write_mbox
from tests.scenarios.harness import RECIPIENT, DaemonProcess, complaint, eventually, send
from tests.sink import SinkSmtp

TICKETS = 600
BUDI = "budi@lain.example"


async def _killed_import(daemon: DaemonProcess, archive: Path) -> None:
    """Run the import and kill it by SIGKILL once it has recorded something."""
    words = ("-m", "mailbot", "import", "mbox", str(archive), "--config", str(daemon.config))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, env=daemon.environment(), cwd=daemon.root
    )
    await eventually(lambda: len(daemon.rows("SELECT 1 FROM imported WHERE kind = 'ticket' LIMIT 1")) == 1)
    process.kill()
    await process.wait()


def reply(sender: str, number: int, header: str) -> bytes:
    return (
        f"From: {sender}\r\nTo: {RECIPIENT}\r\n{header}\r\nMessage-ID: <r{number}@baru.example>\r\n"
        "Date: Sun, 29 Nov 2026 10:00:00 +0700\r\n\r\nMasih belum ada kabar, mohon dibantu.\r\n"
    ).encode()


async def test_an_archive_comes_over_silently_beside_a_daemon_and_old_mails_are_answered_here(
    tmp_path: Path,
) -> None:
    archive = tmp_path / "lama.mbox"
    found = list(records(TICKETS, 1, RECIPIENT))
    write_mbox(archive, found)
    async with SinkSmtp() as sink, DaemonProcess(tmp_path, sink.port) as daemon:
        await _killed_import(daemon, archive)
        assert (await send(daemon.port, complaint(1, sender=BUDI), BUDI)).startswith("250")
        code, out, err = await daemon.command("import", "mbox", str(archive))
        assert code == 0, err
        assert f"{TICKETS:,} tickets imported" not in out  # some were there
        code, out, _ = await daemon.command("import", "mbox", str(archive))
        assert "Nothing was changed" in out

        of_archive = "FROM messages JOIN imported ON imported.ticket = messages.ticket AND kind = 'ticket'"
        assert len(daemon.rows(f"SELECT messages.id {of_archive}")) == 3 * TICKETS
        assert len(daemon.rows(f"SELECT DISTINCT message_id {of_archive}")) == 3 * TICKETS
        recipients = {row["recipient"] for row in daemon.rows("SELECT recipient FROM outbox")}
        assert not recipients & {each.customer for each in found}

        newest, other = found[-1], found[-2]
        by_number = reply(newest.customer, 1, f"Subject: Re: [{newest.numbers[0]}] Pesanan")
        by_id = reply(
            other.customer, 2, f"Subject: Re: Pesanan\r\nIn-Reply-To: {other.messages[1].message_id}"
        )
        for sender, mail in ((newest.customer, by_number), (other.customer, by_id)):
            assert (await send(daemon.port, mail, sender)).startswith("250")
        for number, ticket in ((1, newest), (2, other)):
            (row,) = daemon.rows(
                "SELECT ticket FROM messages WHERE message_id = ?", f"<r{number}@baru.example>"
            )
            theirs = daemon.rows(
                "SELECT ticket FROM number_aliases WHERE alias = ?", ticket.numbers[0].upper()
            )
            assert [row] == theirs
        await eventually(
            lambda: not daemon.rows("SELECT id FROM messages EXCEPT SELECT id FROM search_documents")
        )
