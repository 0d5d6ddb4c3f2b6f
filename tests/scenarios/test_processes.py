"""`mailbot run --processes N`: several real processes behind one port, killed, frozen, replaced, drained."""

import asyncio
import json
import math
import os
import re
import signal
import socket
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.profile import NIGHTLY
from tests.scenarios.harness import DaemonProcess, complaint, eventually, free_port, send, settled
from tests.scenarios.ledger import check, client
from tests.scenarios.postgres import PostgresDaemon, own_database
from tests.sink import SinkSmtp

OPEN = "SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'suppressed')"


def events(daemon: DaemonProcess, name: str) -> list[dict[str, Any]]:
    """Return the log lines of one kind."""
    return [line for line in map(json.loads, daemon.log.splitlines()) if line.get("event") == name]


def pids(daemon: DaemonProcess) -> dict[str, int]:
    """Return the newest process of each name."""
    return {line["name"]: line["pid"] for line in events(daemon, "process_ready")}


def runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def all_ready(daemon: DaemonProcess) -> dict[str, int]:
    await eventually(lambda: events(daemon, "processes_ready"), 60)
    return pids(daemon)


@contextmanager
def make_daemon(
    engine: str, request: pytest.FixtureRequest, folder: Path, relay: int
) -> Iterator[DaemonProcess]:
    if engine == "sqlite":
        yield DaemonProcess(folder, relay)
        return
    with own_database(request.getfixturevalue("postgres")) as url:
        yield PostgresDaemon(folder, relay, {"MAILBOT_STORE": url}, database_url=url)


@dataclass
class Desk:
    """A daemon of several processes with its relay, and the mails that clients send it all the time."""

    daemon: DaemonProcess
    sink: SinkSmtp
    todo: list[int]
    accepted: Counter[int]


@asynccontextmanager
async def desk(
    engine: str,
    request: pytest.FixtureRequest,
    folder: Path,
    *,
    processes: int,
    mails: int,
    monitor: int = 0,
    console: int = 0,
    env: Mapping[str, str] | None = None,
) -> AsyncIterator[Desk]:
    async with SinkSmtp() as sink:
        with make_daemon(engine, request, folder, sink.port) as daemon:
            daemon.env |= env or {}
            for name, port in (("monitor", monitor), ("console", console)):
                if port:
                    with (daemon.config / "mailbot.yaml").open("a") as file:
                        file.write(f"\n{name}: 127.0.0.1:{port}\n")
            daemon.options = ("--processes", str(processes))
            async with daemon:
                yield Desk(daemon, sink, list(range(mails)), Counter())


@pytest.fixture(params=["sqlite", "postgres"] if NIGHTLY else ["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def scrape(port: int, path: str = "/metrics") -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as refusal:
        return str(refusal.read().decode())


def value(page: str, name: str) -> float:
    """Return the value of a metric, its labels being part of the name; NaN without one."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.M)
    return float(found[1]) if found else math.nan


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.timeout(240)
async def test_all_processes_take_mail_report_on_one_page_and_drain(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    monitor = free_port()
    async with desk(engine, request, tmp_path, processes=3, mails=40, monitor=monitor) as d:
        found = await all_ready(d.daemon)
        await asyncio.gather(*(client(lambda: d.daemon.port, d.todo, d.accepted) for _ in range(6)))
        await settled(d.daemon)
        check(d.daemon, d.sink, d.accepted, 40)
        for _ in range(30):
            assert (await send(d.daemon.port, b"", "a@b.example", "x@elsewhere.example"))[:3] == "550"
        page = await asyncio.to_thread(scrape, monitor)
        assert value(page, 'mailbot_smtp_refusals_total{code="550"}') == 30
        assert value(page, "mailbot_mails_accepted_total") == 40
        for name in found:
            assert value(page, f'mailbot_process_up{{process="{name}"}}') == 1
            assert value(page, f'mailbot_process_cpu_seconds_total{{process="{name}"}}') > 0
        assert (await asyncio.to_thread(scrape, monitor, "/healthz")) == "ok\n"
        _, out, _ = await d.daemon.command("status", "--json")
        assert json.loads(out)["daemons"][0]["processes"] == found
        assert await d.daemon.stop() == 0
        assert not any(map(runs, found.values()))


@pytest.mark.timeout(240)
async def test_p1_p2_each_process_may_be_killed_and_none_outlives_the_supervisor(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async with desk(engine, request, tmp_path, processes=2, mails=80) as d:
        clients = [
            asyncio.create_task(client(lambda: d.daemon.port, d.todo, d.accepted, 0.1)) for _ in range(4)
        ]
        for name in await all_ready(d.daemon):
            victim = pids(d.daemon)[name]
            os.kill(victim, signal.SIGKILL)
            await eventually(lambda name=name, victim=victim: pids(d.daemon)[name] != victim, 60)
        await asyncio.gather(*clients)
        await settled(d.daemon, seconds=100)
        check(d.daemon, d.sink, d.accepted, 80)
        assert len(events(d.daemon, "process_restarts")) == 2
        living = pids(d.daemon).values()
        assert all(map(runs, living))
        await d.daemon.stop(signal.SIGKILL)
        await eventually(lambda: not any(map(runs, living)))


@pytest.mark.timeout(240)
async def test_a_rolling_restart_refuses_no_client_and_no_visitor_and_loses_no_mail(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    replies: Counter[str] = Counter()
    visits: Counter[str] = Counter()
    console = free_port()
    async with desk(engine, request, tmp_path, processes=2, mails=0, console=console) as d:
        before = await all_ready(d.daemon)
        ended = asyncio.Event()

        async def steady(first: int) -> None:
            number = first
            while not ended.is_set():
                sender = f"pelanggan{number}@pelanggan.example"
                replies[(await send(d.daemon.port, complaint(number), sender))[:3]] += 1
                d.accepted[number] += 1
                number += 1
                await asyncio.sleep(0.05)

        async def visit() -> None:
            while not ended.is_set():
                visits[(await asyncio.to_thread(scrape, console, "/login"))[:15]] += 1
                await asyncio.sleep(0.1)

        clients = [asyncio.create_task(steady(1000 * n)) for n in range(3)]
        clients.append(asyncio.create_task(visit()))
        assert d.daemon.process
        d.daemon.process.send_signal(signal.SIGUSR2)
        await eventually(lambda: len(events(d.daemon, "process_replaced")) == 2, 200)
        ended.set()
        await asyncio.gather(*clients)
        assert set(replies) == {"250"}
        assert set(visits) == {"<!doctype html>"}
        await settled(d.daemon)
        assert {row["n"] for row in d.daemon.rows("SELECT count(*) n FROM tickets")} == {len(d.accepted)}
        assert not any(map(runs, before.values()))
        assert await d.daemon.stop() == 0


ANOTHER = """  - address: baru@dukungan.example
    brand: TokoBaru
    prefix: BARU
"""


class Systemd:
    """What systemd gets: the datagrams on NOTIFY_SOCKET."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(self.path)
        self.messages: list[str] = []
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> None:
        self.messages.append(self._socket.recv(4096).decode())

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def count(self, field: str) -> int:
        return sum(field in message for message in self.messages)


@pytest.mark.timeout(240)
async def test_systemd_hears_of_all_and_a_process_that_stands_still_is_replaced(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    systemd = Systemd(tmp_path)
    env = {"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "12000000"}
    async with desk("sqlite", request, tmp_path, processes=3, mails=20, env=env) as d:
        found = await all_ready(d.daemon)
        await eventually(lambda: systemd.count("READY=1"))
        assert "not ready" not in systemd.messages[-1]
        d.daemon.edit("mailbot.yaml", "mailboxes:", f"mailboxes:\n{ANOTHER}")
        assert d.daemon.process
        d.daemon.process.send_signal(signal.SIGHUP)
        await eventually(lambda: systemd.count("READY=1") == 2, 60)
        assert systemd.count("RELOADING=1") == 1
        await eventually(lambda: len(events(d.daemon, "front_policy")) == 2)
        for _ in range(8):  # whichever front takes it
            reply = await send(
                d.daemon.port, complaint(1), "pelanggan1@pelanggan.example", "baru@dukungan.example"
            )
            assert reply.startswith("250")
        pings = systemd.count("WATCHDOG=1")
        await eventually(lambda: systemd.count("WATCHDOG=1") > pings)
        os.kill(found["front-1"], signal.SIGSTOP)
        await eventually(lambda: events(d.daemon, "process_hangs"), 30)
        await eventually(lambda: pids(d.daemon)["front-1"] != found["front-1"], 60)
        assert await d.daemon.stop() == 0
        await eventually(lambda: systemd.count("STOPPING=1"))
    systemd.close()
