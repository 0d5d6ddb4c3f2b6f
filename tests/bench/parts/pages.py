"""Pages of the console at a desk of many tickets, in a real browser: from a key to the loaded page."""

import asyncio
import json
import os
import secrets
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from mailbot.config.api import load as load_config
from mailbot.store.console import sessions
from mailbot.store.store import Store
from tests.bench.figures import Run, percentile
from tests.bench.targets.target import NotHere
from tests.mail import chromium
from tests.scenarios.harness import ROOT, DaemonProcess, free_port

ROUNDS = 20


async def once(config: Path) -> Run:
    """Serve the desk of this configuration and go through its pages. Raises NotHere without a browser."""
    if chromium.PROGRAM is None:
        raise NotHere("Chromium is not installed here: apt-get install chromium")
    port = free_port()
    daemon = DaemonProcess(config.parent, relay_port=9)  # nothing listens there: no mail leaves
    with (daemon.config / "mailbot.yaml").open("a") as file:
        file.write(f"\nconsole: 127.0.0.1:{port}\n")
    secret = await asyncio.to_thread(_log_in, daemon)
    async with daemon:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.browser", f"http://127.0.0.1:{port}", secret, str(ROUNDS)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
    spans: dict[str, list[float]] = json.loads(printed)
    every = [span for found in spans.values() for span in found]
    figures = {f"{name} p50 (ms)": percentile(found, 0.5) for name, found in spans.items()}
    return Run({**figures, "all p50 (ms)": percentile(every, 0.5), "all p99 (ms)": percentile(every, 0.99)})


def _log_in(daemon: DaemonProcess) -> str:
    """Begin a session of an agent of the lowest level of the largest team."""
    policy = load_config(daemon.config, os.environ).policy
    team = max(policy.teams.values(), key=lambda team: len(team.agents))
    secret = secrets.token_urlsafe(32)
    with closing(Store(f"sqlite:///{daemon.database}")) as store:
        store.write_now(
            sessions.add, sessions.begin(secret, team.agents[0].address, "link", datetime.now(UTC))
        )
    return secret
