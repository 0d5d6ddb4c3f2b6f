"""The time without a listener: from exec to the first greeting and to the first 250."""

import asyncio
import sys
import time
from pathlib import Path

from tests.bench import stage
from tests.bench.figures import Run
from tests.scenarios.harness import ROOT, DaemonProcess, complaint, greets, send

LOOK = 0.002  # seconds between two tries to connect
GIVE_UP = 30


async def once(folder: Path) -> Run:
    """Start twice: the first start creates the tables, the second finds them."""
    async with stage.desk(folder) as daemon:
        first_220, first_250 = await _start(daemon, 1)
        await daemon.stop()
        again_220, again_250 = await _start(daemon, 2)
        await daemon.stop()
    return Run(
        {
            "first 220, empty store (s)": first_220,
            "first 250, empty store (s)": first_250,
            "first 220, again (s)": again_220,
            "first 250, again (s)": again_250,
        }
    )


async def _start(daemon: DaemonProcess, number: int) -> tuple[float, float]:
    with (daemon.folder / "log").open("ab") as log:
        began = time.perf_counter()
        daemon.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mailbot", "run", "--config", str(daemon.config)),
            env=daemon.environment(),
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    async with asyncio.timeout(GIVE_UP):
        while not await greets(daemon.port):  # noqa: ASYNC110  (asks another process)
            await asyncio.sleep(LOOK)
    greeted = time.perf_counter() - began
    reply = await send(daemon.port, complaint(number), f"pelanggan{number}@pelanggan.example")
    assert reply.startswith("250"), reply
    return greeted, time.perf_counter() - began
