"""`mailbot run --processes N`: several real processes behind one port, killed, frozen, replaced, drained."""

import asyncio
import json
import math
import os
import re
import signal
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.harness import RECIPIENT, DaemonProcess, complaint, eventually, free_port, send, settled
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
    engine: str, request: pytest.FixtureRequest, folder: Path, *, processes: int, mails: int, monitor: int = 0
) -> AsyncIterator[Desk]:
    async with SinkSmtp() as sink:
        with make_daemon(engine, request, folder, sink.port) as daemon:
            if monitor:
                with (daemon.config / "mailbot.yaml").open("a") as file:
                    file.write(f"\nmonitor: 127.0.0.1:{monitor}\n")
            daemon.options = ("--processes", str(processes))
            async with daemon:
                yield Desk(daemon, sink, list(range(mails)), Counter())


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_mail_comes_through_all_processes_and_all_drain(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async with desk(engine, request, tmp_path, processes=3, mails=60) as d:
        found = await all_ready(d.daemon)
        assert len(found) == 3
        await asyncio.gather(*(client(lambda: d.daemon.port, d.todo, d.accepted) for _ in range(6)))
        await settled(d.daemon)
        check(d.daemon, d.sink, d.accepted, 60)
        assert await d.daemon.stop() == 0
        assert not any(map(runs, found.values()))


@pytest.mark.timeout(240)
async def test_p1_p2_each_process_may_be_killed_and_comes_back(
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
        assert await d.daemon.stop() == 0


async def test_no_process_outlives_a_supervisor_that_is_killed(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async with desk(engine, request, tmp_path, processes=2, mails=0) as d:
        found = await all_ready(d.daemon)
        await d.daemon.stop(signal.SIGKILL)
        await eventually(lambda: not any(map(runs, found.values())))


@pytest.mark.timeout(240)
async def test_a_rolling_restart_refuses_no_client_and_loses_no_mail(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    replies: Counter[str] = Counter()
    async with desk(engine, request, tmp_path, processes=2, mails=0) as d:
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

        clients = [asyncio.create_task(steady(1000 * n)) for n in range(3)]
        assert d.daemon.process
        d.daemon.process.send_signal(signal.SIGUSR2)
        await eventually(lambda: len(events(d.daemon, "process_replaced")) == 2, 200)
        ended.set()
        await asyncio.gather(*clients)
        assert set(replies) == {"250"}
        await settled(d.daemon)
        assert {row["n"] for row in d.daemon.rows("SELECT count(*) n FROM tickets")} == {len(d.accepted)}
        assert not any(map(runs, before.values()))
        assert await d.daemon.stop() == 0


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


async def test_one_page_has_the_metrics_of_all_processes_and_names_one_that_is_down(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    monitor = free_port()
    async with desk(engine, request, tmp_path, processes=3, mails=0, monitor=monitor) as d:
        found = await all_ready(d.daemon)
        stranger = complaint(0).replace(RECIPIENT.encode(), b"x@elsewhere.example")
        for _ in range(30):
            assert (await send(d.daemon.port, stranger, "a@b.example", "x@elsewhere.example"))[:3] == "550"
        page = await asyncio.to_thread(scrape, monitor)
        assert value(page, 'mailbot_smtp_refusals_total{code="550"}') == 30
        for name in found:
            assert value(page, f'mailbot_process_up{{process="{name}"}}') == 1
            assert value(page, f'mailbot_process_cpu_seconds_total{{process="{name}"}}') > 0
        assert page.count("\n# TYPE mailbot_smtp_refusals_total counter") == 1
        assert (await asyncio.to_thread(scrape, monitor, "/healthz")) == "ok\n"
        victim = next(name for name in found if name != "main")
        os.kill(found[victim], signal.SIGKILL)
        await eventually(lambda: pids(d.daemon)[victim] != found[victim], 90)
        page = await asyncio.to_thread(scrape, monitor)
        assert value(page, f'mailbot_process_restarts_total{{process="{victim}"}}') == 1
