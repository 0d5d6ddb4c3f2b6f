"""Postfix as a floor to compare with: it accepts, queues and relays each mail, and makes no ticket."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.bench.targets.target import NotHere, Running
from tests.scenarios.harness import free_port, greets

GIVE_UP = 30  # seconds
QUEUES = ("incoming", "active", "deferred")

# Everything not named here has Postfix's own default. Nothing looks at the real /etc/postfix or at DNS.
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME LD_PRELOAD SLOW_FSYNC_MS
myhostname = mx.dukungan.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
relayhost = [127.0.0.1]:{relay_port}
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    name: str = "postfix"

    def check(self) -> str:
        return f"Postfix {_setting('mail_version')}, accept, queue and relay"

    @asynccontextmanager
    async def running(self, folder: Path, relay_port: int, env: dict[str, str]) -> AsyncIterator[Running]:
        port, config = free_port(), folder / "postfix"
        config.mkdir()
        (config / "main.cf").write_text(MAIN.format(folder=folder, relay_port=relay_port))
        (config / "master.cf").write_text(MASTER.format(port=port))
        _make_queue(folder)
        master = await _start(config, env)
        try:
            async with asyncio.timeout(GIVE_UP):
                while not await greets(port):  # noqa: ASYNC110  (asks another process)
                    await asyncio.sleep(0.02)
            yield Running(port, (master.pid,), lambda: _waiting(folder), lambda ledger: ledger.relayed)
        finally:
            os.killpg(master.pid, signal.SIGTERM)
            async with asyncio.timeout(GIVE_UP):
                await master.wait()


def _make_queue(folder: Path) -> None:
    for name in ("data", "queue"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")


async def _start(config: Path, env: dict[str, str]) -> asyncio.subprocess.Process:
    """Start the master of its processes, in a process group of its own."""
    its = {**os.environ, **env}
    check = ("postfix", "-c", str(config), "check")  # makes the queue's folders
    done = await asyncio.to_thread(subprocess.run, check, env=its, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    master = (f"{_setting('daemon_directory')}/master", "-c", str(config), "-d")
    with (config / "output").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *master, env=its, stdout=log, stderr=log, start_new_session=True
        )


def _waiting(folder: Path) -> int:
    return sum(len(files) for queue in QUEUES for _, _, files in os.walk(folder / "queue" / queue))


@cache
def _setting(name: str) -> str:
    """Return a built-in setting. Raises NotHere where it can't be run."""
    if shutil.which("postconf") is None:
        raise NotHere("Postfix is not installed here: apt-get install postfix, and don't let it start")
    if os.geteuid():
        raise NotHere("Postfix starts as root only")
    if "postfix" not in {entry.pw_name for entry in pwd.getpwall()}:
        raise NotHere("there is no user `postfix` here")
    return subprocess.run(
        ("postconf", "-dh", name), capture_output=True, text=True, check=True
    ).stdout.strip()
