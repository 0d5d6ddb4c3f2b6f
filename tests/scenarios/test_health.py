"""A real daemon under the faults that it has to name: what /healthz, /metrics and `status` answer meanwhile."""

import asyncio
import json
import os
import resource
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.alerts import ALERTS, fires
from tests.profile import NIGHTLY
from tests.scenarios.harness import DaemonProcess, complaint, eventually, free_port, send
from tests.sink import SinkSmtp

RULES = {rule["alert"]: rule["expr"] for rule in YAML(typ="safe").load(ALERTS)["groups"][0]["rules"]}
SESSIONS = 10


class Monitored(DaemonProcess):
    """A daemon with a monitor. `free_space` below which it takes no mail."""

    monitor = 0

    def configure(self, free_space: str = "1 MiB") -> "Monitored":
        self.monitor = free_port()
        self.edit("mailbot.yaml", r"(?m)^limits:\n", f"monitor: 127.0.0.1:{self.monitor}\n\nlimits:\n")
        self.edit("mailbot.yaml", r"sessions: 200", f"sessions: {SESSIONS}\n  free_space: {free_space}")
        return self

    async def get(self, path: str) -> str:
        """Return status and body. It must answer within a second, whatever happens."""
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.monitor)
            writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            writer.close()
        return f"{head.split()[1]} {body}"

    async def names(self, text: str, seconds: float = 20, path: str = "/healthz?verbose") -> str:
        """Wait until /healthz names this trouble."""
        until = time.monotonic() + seconds
        while text not in (found := await self.get(path)):
            assert time.monotonic() < until, f"{text!r} is not in {found!r}\n{self.log[-3000:]}"
            await asyncio.sleep(0.2)
        return found

    async def alerts(self) -> set[str]:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.monitor)
            writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
            scraped = (await reader.read()).decode().partition("\r\n\r\n")[2]
            writer.close()
        return {name for name, rule in RULES.items() if "up{" not in rule and fires(rule, scraped)}


def change(daemon: DaemonProcess, *statements: str) -> None:
    with closing(sqlite3.connect(daemon.database, timeout=20)) as store, store:
        for statement in statements:
            store.execute(statement)


async def test_each_fault_of_a_running_daemon_is_named_and_fires_its_alert(tmp_path: Path) -> None:
    daemon = Monitored(tmp_path, free_port()).configure()  # nothing listens at the relay's port
    async with daemon:
        assert await daemon.get("/healthz") == "200 ok\n"
        assert await daemon.alerts() <= {"MailbotOldSqlite"}

        for number in (1, 2):
            assert (await send(daemon.port, complaint(number), "a@pelanggan.example")).startswith("250")
        await daemon.names("the relay can't be reached")
        await eventually(lambda: daemon.rows("SELECT 1 FROM inbox WHERE state = 'done'"))
        assert "MailbotRelayTrouble" in await daemon.alerts()
        assert await daemon.get("/readyz") == "200 ok\n"  # mail can still come in

        clients = [await asyncio.open_connection("127.0.0.1", daemon.port) for _ in range(SESSIONS - 1)]
        await daemon.names(f"{SESSIONS - 1} of {SESSIONS} SMTP sessions are open", path="/readyz")
        assert "MailbotDoorFull" in await daemon.alerts()
        for _, writer in clients:
            writer.close()
        await daemon.names("200 ok", path="/readyz")

        assert daemon.process
        pid = daemon.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 2, before[1]))
        await daemon.names("descriptors are in use", path="/readyz")
        assert "MailbotDescriptorsShort" in await daemon.alerts()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

        change(
            daemon,
            "INSERT INTO nodes SELECT 'other', host, pid, '', started_at, seen_at + 3600000000, policy,"
            " reloaded_at, NULL, '[]' FROM nodes",
            "UPDATE outbox SET state = 'sending', claimed_by = 'other', claimed_at = 0 WHERE id = 1",
            "UPDATE inbox SET state = 'parked' WHERE id = 1",
            "UPDATE deadlines SET state = 'parked' WHERE ticket = (SELECT min(ticket) FROM deadlines)",
        )
        await daemon.names("1 mails in the outbox are claimed and in nobody's hand")
        found = await daemon.names("note: 1 mails are parked")
        assert "note: 1 deadlines are parked" in found
        expected = {"MailbotRowsStuck", "MailbotMailParked", "MailbotDeadlinesParked"}
        assert expected <= await daemon.alerts()

        code, out, _ = await daemon.command("status", "--json")
        told = json.loads(out)
        assert (code, told["stuck_rows"], told["parked_deadlines"]) == (1, {"inbox": 0, "outbox": 1}, 1)
        assert told["store"]["probe_seconds"] < 5

        daemon.database.rename(tmp_path / "away.db")
        assert "was removed or replaced" in await daemon.names("the store takes no writes", path="/readyz")
        assert "MailbotStoreSilent" in await daemon.alerts()
        assert await daemon.get("/livez") == "200 ok\n"  # a restart would not bring it back
        (tmp_path / "away.db").rename(daemon.database)
        await daemon.names("200 ok", path="/readyz")


@pytest.mark.skipif(not NIGHTLY, reason="tests/workers/test_health.py tries it by day")
async def test_a_full_disk_is_named_by_all(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, Monitored(tmp_path, sink.port).configure("900000 GB") as daemon:
        assert (await daemon.get("/healthz")).startswith("503 only")
        assert {"MailbotDiskFull", "MailbotDiskFilling"} <= await daemon.alerts()
        code, out, _ = await daemon.command("status")
        assert (code, "no mail is accepted below" in out) == (1, True)


@pytest.mark.skipif(not NIGHTLY, reason="half a minute")
@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
async def test_a_locked_store_is_named_while_it_is_locked(tmp_path: Path, mode: str) -> None:
    async with SinkSmtp() as sink, Monitored(tmp_path, sink.port).configure() as daemon:
        with closing(sqlite3.connect(daemon.database, isolation_level=None)) as store:
            store.execute(f"BEGIN {mode}")
            await daemon.names("a write to the store has waited for", path="/healthz")
            assert "MailbotStoreSilent" in await daemon.alerts()
            began = time.monotonic()
            code, out, err = await daemon.command("status")
            assert (code, "the store takes no writes" in out + err) == (1, True), out + err
            assert "no daemon runs" not in out
            assert time.monotonic() - began < 25
            assert await daemon.get("/livez") == "200 ok\n"
            store.execute("ROLLBACK")
        assert await daemon.names("200 ok", path="/healthz")
        assert await daemon.alerts() <= {"MailbotOldSqlite"}
