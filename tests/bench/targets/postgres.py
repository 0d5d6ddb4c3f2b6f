"""A PostgreSQL server of our own, with the settings of its distribution."""

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

import psycopg

from tests.bench.targets.target import NotHere
from tests.scenarios.harness import free_port

GIVE_UP = 30  # seconds


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    pid: int

    def number(self, query: str) -> int:
        """Return the one number that a query asks for."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            (number,) = connection.execute(query).fetchone()  # type: ignore[call-overload, misc]
        return int(number)


@asynccontextmanager
async def server(folder: Path, env: dict[str, str]) -> AsyncIterator[Server]:
    """Run a server with an empty database below the folder. Raises NotHere."""
    data, port, user = folder / "postgres", free_port(), _user()
    data.mkdir(mode=0o700)
    if user:
        shutil.chown(data, user, user)
    initdb = (_binary("initdb"), "-D", str(data), "-A", "trust", "-U", "mailbot", "-E", "UTF8", "--no-sync")
    await asyncio.to_thread(subprocess.run, initdb, user=user, cwd="/", capture_output=True, check=True)
    words = (_binary("postgres"), "-D", str(data), "-p", str(port), "-k", str(data), "-h", "127.0.0.1")
    with (folder / "postgres.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *words, user=user, cwd="/", env={**os.environ, **env}, stdout=log, stderr=log
        )
    try:
        url = f"postgresql://mailbot@127.0.0.1:{port}/postgres"
        await _answers(url, process)
        yield Server(url, process.pid)
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: the data goes too
        async with asyncio.timeout(GIVE_UP):
            await process.wait()


async def _answers(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(GIVE_UP):
        while True:
            try:
                psycopg.connect(url).close()
            except psycopg.OperationalError:
                assert process.returncode is None, "PostgreSQL did not start"
                await asyncio.sleep(0.05)
            else:
                return


@cache
def check() -> str:
    """Return the version of the server. Raises NotHere."""
    told = subprocess.run((_binary("postgres"), "--version"), capture_output=True, text=True, check=True)
    return told.stdout.replace("postgres (PostgreSQL)", "PostgreSQL").strip()


def _binary(name: str) -> str:
    """Return a path of the newest PostgreSQL that is installed. Debian has it off the PATH."""
    found = [str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    newest = max(found, key=lambda path: float(path.split("/")[4]), default=shutil.which(name))
    if newest is None:
        raise NotHere("PostgreSQL is not installed here: apt-get install postgresql")
    return newest


def _user() -> str | None:
    """Return whose it must be: PostgreSQL refuses root."""
    if os.geteuid():
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
