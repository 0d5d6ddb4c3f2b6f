"""Bringing a database to the schema of this version."""

from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, select, table, text
from sqlalchemy import column as sql_column

from mailbot.errors import StoreUnavailable
from mailbot.store.database.errors import translating
from mailbot.store.engine import open_engine
from mailbot.store.schema import WORDS, metadata
from mailbot.store.service import installation
from mailbot.store.writers import repeated

REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
)  # the files in migrations/versions. A landed one is never changed
HEAD = REVISIONS[-1]
SCRIPTS = Path(__file__).parent / "migrations"
_VERSION = table("alembic_version", sql_column("version_num"))
_LOCK = 0x6D61696C  # an advisory lock of PostgreSQL: nodes that start together migrate one after the other

Columns = dict[str, set[str]]  # names of columns by table


def current(connection: Connection) -> str | None:
    """Return the schema version of a database; None without one."""
    if "alembic_version" not in _tables(connection):
        return None
    return connection.scalar(select(_VERSION.c.version_num))


def version(url: str) -> str | None:
    """Return the schema version of the database at this URL. Raises StoreUnavailable."""
    engine = open_engine(url)
    try:
        with translating(), engine.connect() as connection:
            return current(connection)
    finally:
        engine.dispose()


def upgrade(url: str) -> str | None:
    """Migrate to HEAD. Return the version before (HEAD: nothing was to do; None: the database was empty).

    Raises StoreUnavailable, also for a schema that this version does not know.
    """
    engine = open_engine(url)
    try:
        # Nodes of the version before go on meanwhile: a deadlock with one of them is no reason not to start.
        return repeated(partial(_upgrade, engine))
    finally:
        engine.dispose()


def _upgrade(engine: Engine) -> str | None:
    # One transaction: nothing changes between the check and the migration, and a failed one leaves no trace.
    with translating(), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        before = current(connection)
        if reason := _wrong_encoding(connection) or unknown_reason(connection, before):
            raise StoreUnavailable(reason)
        if before != HEAD:
            run_migrations(connection, HEAD)
        if reason := installation.moved_reason(connection):
            raise StoreUnavailable(reason)
        return before


def _wrong_encoding(connection: Connection) -> str:
    """Return why this database can't keep all letters, and what to do; else ""."""
    if connection.dialect.name != "postgresql":
        return ""
    found = connection.scalar(text("SHOW server_encoding"))
    return (
        ""
        if found == "UTF8"
        else f"its encoding is {found}, and mails have letters of all scripts. {_ENCODING}"
    )


def unknown_reason(connection: Connection, version: str | None) -> str:
    """Return why this database can't be used, and what to do; "" when its tables are those of `version`."""
    if version is not None and version > HEAD:
        return (
            f"its schema {version} is newer than {HEAD}: it needs the newer mailbot, or a backup from before"
        )
    if version is not None and version not in REVISIONS:
        return f"its schema {version} is unknown, this version works with {HEAD}. {_WAY_OUT}"
    if difference := _difference(_expected(version), _actual(connection)):
        schema = f"schema {version}" if version else "an empty database"
        return f"its tables are not those of {schema}: {difference}. {_WAY_OUT}"
    return ""


_ENCODING = "Create it with `createdb --encoding UTF8 --template template0`"
_WAY_OUT = "Use the version that made it, restore a backup, or set `store` to an empty database"


def _expected(version: str | None) -> Columns:
    """Return the tables of that version. An older one is built in memory by its own migrations."""
    if version is None:
        return {}
    if version == HEAD:
        return {each.name: {column.name for column in each.columns} for each in metadata.sorted_tables}
    engine = open_engine("sqlite://")
    try:
        with engine.begin() as connection:
            run_migrations(connection, version)
            return _actual(connection)
    finally:
        engine.dispose()


def _actual(connection: Connection) -> Columns:
    tables = _tables(connection).items()
    return {
        name: columns for name, columns in tables if name != "alembic_version" and not name.startswith(WORDS)
    }


# In one statement: each command asks, and SQLAlchemy's inspector takes 40 ms.
_COLUMNS = {
    "sqlite": "SELECT m.name, p.name FROM sqlite_master AS m, pragma_table_info(m.name) AS p WHERE m.type = 'table'"
    " AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "postgresql": "SELECT t.relname, c.attname FROM pg_class AS t JOIN pg_attribute AS c ON c.attrelid = t.oid"
    " WHERE t.relkind IN ('r', 'p') AND t.relnamespace = current_schema()::regnamespace"
    " AND c.attnum > 0 AND NOT c.attisdropped",
}


def _tables(connection: Connection) -> Columns:
    """Return the tables that the database has, with their columns."""
    found: Columns = {}
    for name, column in connection.exec_driver_sql(_COLUMNS[connection.dialect.name]):
        found.setdefault(name, set()).add(column)
    return found


def _difference(expected: Columns, actual: Columns) -> str:
    """Return the first difference of two sets of tables; "" when there is none."""
    if foreign := sorted(actual.keys() - expected.keys()):
        return f"the table {foreign[0]} is none of them"
    for name, columns in expected.items():
        if name not in actual:
            return f"the table {name} is missing"
        if missing := sorted(columns - actual[name]):
            return f"the table {name} has no column {missing[0]}"
        if extra := sorted(actual[name] - columns):
            return f"the table {name} has an unknown column {extra[0]}"
    return ""


def run_migrations(connection: Connection, target: str) -> None:
    # Imported here: the usual start has nothing to migrate and should not wait for alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, target)
