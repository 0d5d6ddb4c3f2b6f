"""Agents at the pages while mail comes: what they cost the mail, and how long their pages take."""

import asyncio
import itertools
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailbot.config.api import load as load_config
from mailbot.store.console import sessions
from mailbot.store.store import Store
from tests.bench import corpus, meter
from tests.bench.figures import Run, percentile
from tests.bench.ledger import Ledger
from tests.bench.parts import load
from tests.bench.sink import Sink
from tests.bench.stage import Stage, own_folder
from tests.bench.targets import mailbot
from tests.bench.targets.target import Running
from tests.scenarios.harness import ROOT, DaemonProcess, free_port

RATE = 50  # mails a second
BEFORE = 5.0  # seconds that the agents are there before the mail comes


async def once(folder: Path, agents: int, mails: int, seed: int) -> Run:
    """Send mails at a steady rate while so many agents work."""
    wanted = load.steady(mails, seed, RATE)
    ledger = Ledger(await asyncio.to_thread(corpus.mails, mails, seed=seed))
    port = free_port()
    async with _running(folder, port) as (place, daemon):
        await place.warm_up()
        visitors = asyncio.create_task(_visit(daemon, port, agents, mails / RATE + BEFORE))
        await asyncio.sleep(BEFORE)
        with meter.Meter(place.server.roots) as spent:
            await place.play(ledger, wanted.send)
            costs = {"CPU a mail, pages included (ms)": 1000 * spent.spent / max(1, ledger.taken)}
        times = await visitors
    faults = {**ledger.faults(), "pages that failed": len(times["failed"])}
    return Run({**load.latencies(ledger), **costs, **_figures(times["spans"])}, faults)


@asynccontextmanager
async def _running(folder: Path, port: int) -> AsyncIterator[tuple[Stage, DaemonProcess]]:
    with own_folder(folder) as own:
        async with Sink() as sink:
            daemon = mailbot.desk(own, sink.port)
            with (daemon.config / "mailbot.yaml").open("a") as file:
                file.write(f"\nconsole: 127.0.0.1:{port}\n")
            async with daemon:
                assert daemon.process
                waiting = lambda: int(daemon.rows(mailbot.WAITING)[0]["n"])  # noqa: E731
                yield Stage(Running(daemon.port, (daemon.process.pid,), waiting), sink), daemon


async def _visit(daemon: DaemonProcess, port: int, agents: int, seconds: float) -> dict[str, Any]:
    """Let so many agents work for that time, in a process of their own."""
    keys = await asyncio.to_thread(_log_in, daemon, agents)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.visitors", f"http://127.0.0.1:{port}", "mailbot", str(seconds)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate("\n".join(keys).encode())
    found: dict[str, Any] = json.loads(printed)
    return found


def _log_in(daemon: DaemonProcess, agents: int) -> list[str]:
    """Begin a session for each agent; several at the same desk where there are more sessions than agents."""
    policy = load_config(daemon.config, os.environ).policy
    keys = [secrets.token_urlsafe(32) for _ in range(agents)]
    with closing(Store(f"sqlite:///{daemon.database}")) as store:
        for key, address in zip(keys, itertools.cycle(policy.agents), strict=False):
            store.write_now(sessions.add, sessions.begin(key, address, "link", datetime.now(UTC)))
    return keys


def _figures(spans: dict[str, list[float]]) -> dict[str, float]:
    found = {}
    for kind, times in sorted(spans.items()):
        found[f"{kind} p50 (ms)"] = percentile(times, 0.5)
        found[f"{kind} p99 (ms)"] = percentile(times, 0.99)
        found[f"{kind}, requests"] = float(len(times))
    return found
