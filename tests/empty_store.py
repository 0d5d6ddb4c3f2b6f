"""Empty databases for tests, with all tables: made once, then copied (SQLite) or emptied (PostgreSQL).

Making the tables takes 65 ms on SQLite, 200 by migrations, and 450 ms on PostgreSQL: more than most tests take.
"""

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from mailbot.store import migrate
from mailbot.store.schema import metadata
from mailbot.store.store import Store
from tests.postgres_server import connected, execute

# Raises an error where the test left other tables, indexes or triggers than it found.
EMPTY = """
DO $$
DECLARE found record; filled boolean; made integer;
BEGIN
    SET LOCAL session_replication_role = replica;  -- no trigger and no foreign key
    SET LOCAL lock_timeout = '5s';
    SELECT count(*) INTO made FROM pg_class WHERE relnamespace = '{schema}'::regnamespace;
    IF made <> {relations} OR EXISTS (SELECT FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
            WHERE relnamespace = '{schema}'::regnamespace AND tgenabled = 'D') THEN
        RAISE EXCEPTION 'the test changed the tables';
    END IF;
    FOR found IN SELECT oid::regclass AS name, oid, relkind FROM pg_class
            WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'S') LOOP
        IF found.relkind = 'S' THEN
            PERFORM setval(found.oid, 1, false);
        ELSE
            EXECUTE format('SELECT EXISTS (SELECT FROM %s)', found.name) INTO filled;
            IF filled THEN EXECUTE format('DELETE FROM %s', found.name); END IF;
        END IF;
    END LOOP;
END $$
"""


@dataclass(frozen=True)
class Schema:
    """A schema with all tables. `relations`: how many tables, indexes and the like it has."""

    name: str
    url: str
    relations: int


_unused = dict[str, list[Schema]]()  # with empty tables, by server


@cache
def _empty_file(make: Callable[[str], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "empty.db")
        make(f"sqlite:///{path}")
        return path.read_bytes()


def with_tables(url: str) -> None:
    """Make all tables in an empty database."""
    store = Store(url)
    metadata.create_all(store.engine)
    store.close()


def sqlite_url(folder: Path) -> str:
    """Return the URL of a new database with empty tables."""
    return _copied(folder, with_tables)


def migrated_url(folder: Path) -> str:
    """Return the URL of a new database as `mailbot migrate` makes it, which the commands want."""
    return _copied(folder, migrate.upgrade)


def _copied(folder: Path, make: Callable[[str], object]) -> str:
    path = folder / "mailbot.db"
    path.write_bytes(_empty_file(make))
    return f"sqlite:///{path}"


@contextmanager
def postgres_url(server: str) -> Iterator[str]:
    """Lend a schema with empty tables; the next test gets it again."""
    unused = _unused.setdefault(server, [])
    lent = unused.pop() if unused else _make(server)
    yield lent.url
    try:
        execute(server, EMPTY.format(schema=lent.name, relations=lent.relations))
    except DBAPIError:  # changed tables, or a connection that the test left open
        execute(server, f"DROP SCHEMA {lent.name} CASCADE")
    else:
        unused.append(lent)


@contextmanager
def bare_postgres_url(server: str) -> Iterator[str]:
    """Make a schema without tables."""
    schema = _bare(server)
    yield schema.url
    execute(server, f"DROP SCHEMA {schema.name} CASCADE")


def _bare(server: str) -> Schema:
    name = f"test_{uuid.uuid4().hex}"
    execute(server, f"CREATE SCHEMA {name}")
    url = make_url(server).update_query_dict({"options": f"-csearch_path={name}"})
    return Schema(name, url.render_as_string(hide_password=False), 0)


def _make(server: str) -> Schema:
    schema = _bare(server)
    with_tables(schema.url)
    count = text(f"SELECT count(*) FROM pg_class WHERE relnamespace = '{schema.name}'::regnamespace")
    with connected(server) as connection:
        return replace(schema, relations=connection.scalar(count))
