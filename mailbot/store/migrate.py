"""Bringing a database to the schema of this version, and copying one while it is in use."""

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select, table, text
from sqlalchemy import column as sql_column
from sqlalchemy.exc import DBAPIError

from mailbot.errors import StoreUnavailable
from mailbot.store.engine import open_engine, sqlite_path, translated

HEAD = "0002"  # the newest file in migrations/versions
_VERSION = table("alembic_version", sql_column("version_num"))
_LOCK = 0x6D61696C  # an advisory lock of PostgreSQL: nodes that start together migrate one after the other


def current(connection: Connection) -> str | None:
    """The schema version of a database; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(select(_VERSION.c.version_num))


def upgrade(url: str) -> str | None:
    """Migrates to HEAD. Returns the version it came from (HEAD: nothing was to do).

    Raises StoreUnavailable, also for a schema that a newer version of mailbot made.
    """
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            before = current(connection)
        if before is not None and before > HEAD:
            raise StoreUnavailable(f"its schema {before} is newer than {HEAD}: it needs the newer mailbot")
        if before != HEAD:
            _migrate(engine)
    except DBAPIError as error:
        raise translated(error) from error
    finally:
        engine.dispose()
    return before


def _migrate(engine: Engine) -> None:
    # Imported here: the usual start has nothing to migrate and should not wait for alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def backup(url: str, target: Path) -> None:
    """A consistent copy of a SQLite database through its own backup API, also while a daemon writes (P10).

    Raises FileExistsError when `target` exists: a backup never replaces another.
    """
    with target.open("xb"):
        pass
    source, copy = sqlite3.connect(f"file:{sqlite_path(url)}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        source.backup(copy, pages=1024, sleep=0.01)
        (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise OSError(f"the copy at {target} is not sound: {verdict}")
    finally:
        copy.close()
        source.close()
