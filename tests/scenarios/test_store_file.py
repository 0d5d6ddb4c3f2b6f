"""The real daemon and its SQLite file: no second daemon (P11), no other readers, backup and restore (P10)."""

import asyncio
import os
import shutil
from pathlib import Path

from tests.scenarios.harness import DaemonProcess, complaint, eventually, free_port, send, settled
from tests.sink import SinkSmtp


async def test_p11_a_second_daemon_by_a_hard_link_is_refused_without_the_lock_file_too(
    tmp_path: Path,
) -> None:
    old = os.umask(0)
    async with DaemonProcess(tmp_path, free_port()) as first:
        os.umask(old)
        assert first.process
        files = [tmp_path / f"mailbot.db{suffix}" for suffix in ("", "-wal", "-shm", ".lock")]
        assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
        (tmp_path / "mailbot.db.lock").unlink()
        other = tmp_path / "other"
        other.mkdir()
        os.link(tmp_path / "mailbot.db", other / "mailbot.db")

        code, _, error = await DaemonProcess(other, free_port()).command("run")

        assert code == 1
        assert f"is in use by process {first.process.pid}:" in error
        assert await first.stop() == 0


async def test_p10_a_backup_from_under_load_works_again_elsewhere(tmp_path: Path) -> None:
    live, backup = DaemonProcess(tmp_path / "live", free_port()), tmp_path / "backup.db"
    async with live:  # without a relay: what is owed waits in the backup
        load = asyncio.create_task(keep_sending(live))
        await eventually(lambda: len(live.rows("SELECT 1 FROM tickets")) > 5)
        code, _, error = await live.command("db", "backup", str(backup))
        load.cancel()
        assert (code, error) == (0, "")
        given = {row["number"] for row in live.rows("SELECT number FROM tickets")}

    async with SinkSmtp() as relay:
        restored = DaemonProcess(tmp_path / "restored", relay.port)
        shutil.copy(backup, restored.database)
        restored.database.chmod(0o644)
        known = {row["number"] for row in restored.rows("SELECT number FROM tickets")}
        async with restored:
            assert (await send(restored.port, complaint(999), "baru@pelanggan.example")).startswith("250")
            await settled(restored)
            new = {row["number"] for row in restored.rows("SELECT number FROM tickets")} - known
            acks = restored.rows("SELECT ticket, state, unknown FROM outbox WHERE kind = 'acknowledgement'")

    assert len(known) > 5
    assert known <= given
    assert new.isdisjoint(given)
    assert {row["ticket"] for row in acks if row["state"] == "sent"} == known | new
    assert all(row["unknown"] for row in acks if row["ticket"] in known)
    assert "backup_restored" in restored.log
    assert "file_made_private" in restored.log
    assert restored.database.stat().st_mode & 0o777 == 0o600


async def keep_sending(daemon: DaemonProcess) -> None:
    for number in range(10_000):
        await send(daemon.port, complaint(number), f"pelanggan{number}@pelanggan.example")


async def test_p1_mail_for_a_store_that_was_removed_is_not_accepted(tmp_path: Path) -> None:
    async with DaemonProcess(tmp_path, free_port()) as daemon:
        assert (await send(daemon.port, complaint(1), "a@pelanggan.example")).startswith("250")
        daemon.database.rename(tmp_path / "away.db")
        held = asyncio.create_task(send(daemon.port, complaint(2), "b@pelanggan.example"))
        await asyncio.sleep(1.5)
        assert not held.done()  # it waits for the store, then 451 (P4)
        (tmp_path / "away.db").rename(daemon.database)
        assert (await held).startswith("250")
