"""What is not set up costs nothing: no import, no port, no loop."""

import json
import subprocess
import sys
from pathlib import Path

from mailbot.store import migrate
from tests.scenarios.harness import DESK, free_port

# Starts a daemon in a process of its own, and prints what it has.
SCRIPT = """
import asyncio, json, os, sys, time
from datetime import UTC, datetime
from mailbot.daemon import ROLES, Daemon
from mailbot.operations.validate_policy import validate

async def main():
    validated = validate(sys.argv[1], os.environ, datetime.now(UTC).date())
    daemon = Daemon(validated.loaded.settings, os.environ, ROLES)
    await daemon.start(validated, time.monotonic())
    loops = [service.name for service in daemon.services]
    descriptors = [f"/proc/self/fd/{each}" for each in os.listdir("/proc/self/fd")]
    own = {os.readlink(each) for each in descriptors if os.path.exists(each)}
    rows = [line.split() for line in open("/proc/self/net/tcp").readlines()[1:]]
    ports = [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own]
    print(json.dumps({"loops": loops, "ports": ports, "modules": sorted(sys.modules)}))
    await daemon.stop()

from pathlib import Path
sys.argv[1] = Path(sys.argv[1])
asyncio.run(main())
"""


def test_a_daemon_without_channels_imports_nothing_of_them_and_opens_no_port(tmp_path: Path) -> None:
    port, store = free_port(), f"sqlite:///{tmp_path}/mailbot.db"
    migrate.upgrade(store)
    env = {
        "MAILBOT_STORE": store,
        "MAILBOT_LISTEN": f"127.0.0.1:{port}",
        "PATH": "/usr/bin",
        "MAILBOT_LOG": "text",
    }
    env["PYTHONPATH"] = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(DESK)],
        env=env,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])

    assert port in found["ports"]
    assert len(found["ports"]) <= 2  # the monitor's beside it
    assert [name for name in found["loops"] if name.split()[0] in ("read", "poll", "send")] == []
    of_channels = ("mailbot.channels.telegram", "mailbot.channels.whatsapp", "mailbot.channels.incoming")
    unwanted = (
        *of_channels,
        "mailbot.channels.registry",
        *(f"mailbot.workers.channels.{name}" for name in ("services", "reader", "poller", "sender")),
        "httpx",
        "starlette",
        "uvicorn",
    )
    assert [name for name in found["modules"] if name.startswith(unwanted)] == []
