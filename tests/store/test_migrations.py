"""Migrations and tables give the same schema on both engines, and an unknown database is refused."""

import hashlib
import importlib
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from string import Formatter
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy import Connection, inspect, make_url, text

from mailbot.domain.events import EVENT_KINDS
from mailbot.domain.people.addresses import owner
from mailbot.domain.reason_texts import TEXTS
from mailbot.domain.reasons import Reason, render
from mailbot.errors import StoreUnavailable
from mailbot.store import migrate
from mailbot.store.engine import open_engine
from mailbot.store.schema import WORDS, metadata

# A landed migration is never changed: stores were made by it. Every change is a new file.
DIGESTS = {
    "0001_first.py": "e8d10e5c6938f7b19d485922cabf612e4e52575b7b36d0d2f688054c2f2d55a6",
    "0002_plain_names.py": "63be2d2a8e8ccc983784896b47c4f1db5b9fa7b1616624511566e4f2d21fdd15",
    "0003_people.py": "e1b670657081090349ee86a1674cc1d667bc1bd16d9006aa2661cae05c295d6f",
    "0004_turns.py": "2ef26beb778d7c31128602de5e1850dfbd1c8da3901536b9328cd59fbe10c4e8",
    "0005_claims.py": "0a1e00c1367daceeb6ba26c4971c4879b0c45da529b69816d0511d4123388aea",
    "0006_search.py": "02b6bd2d73a39f8a90945e5c3d201d493597c0adf5b613c63588c06b709b22fd",
    "0007_console.py": "a8bca797edfcad6f901289d83ca84fde5f610103d83fb033d0d785cb8090cc6d",
    "0008_channels.py": "df4ab0dbf0f719b5026bb05f8817792352acc8b47da1e7f24ec3cbc01cb8e74f",
}


def test_a_published_migration_is_never_changed() -> None:
    for name, digest in DIGESTS.items():
        content = (migrate.SCRIPTS / "versions" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, name


def test_migrating_an_empty_database_gives_exactly_the_tables(store_url: str) -> None:
    assert migrate.upgrade(store_url) is None
    engine = open_engine(store_url)
    with engine.connect() as connection:
        options = {"include_name": lambda name, *_: not (name or "").startswith(WORDS)}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    engine.dispose()

    assert differences == []


def test_a_second_upgrade_has_nothing_to_do(store_url: str) -> None:
    migrate.upgrade(store_url)

    assert migrate.upgrade(store_url) == migrate.HEAD


def test_the_revisions_are_those_of_the_files() -> None:
    scripts = ScriptDirectory(str(migrate.SCRIPTS))

    assert tuple(each.revision for each in scripts.walk_revisions())[::-1] == migrate.REVISIONS


@pytest.mark.parametrize("before", migrate.REVISIONS[3:-1])  # those before 0004 renamed columns
def test_p12_nodes_of_the_version_before_go_on_with_the_tables_they_know(before: str) -> None:
    newer = migrate.REVISIONS[migrate.REVISIONS.index(before) + 1]
    engine = open_engine("sqlite://")
    with engine.begin() as connection:
        migrate.run_migrations(connection, before)
        known = columns_of(connection)
        migrate.run_migrations(connection, newer)
        now = columns_of(connection)
    engine.dispose()

    assert known.keys() <= now.keys()
    for table, columns in known.items():
        added = {name: column for name, column in now[table].items() if name not in columns}
        assert columns.keys() <= now[table].keys(), table
        assert all(each["nullable"] or each["default"] is not None for each in added.values()), table


def columns_of(connection: Connection) -> dict[str, dict[str, Any]]:
    tables = inspect(connection).get_multi_columns()
    return {name: {each["name"]: each for each in columns} for (_, name), columns in tables.items() if name}


def execute(url: str, *statements: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE alembic_version SET version_num = '0999'", "its schema 0999 is newer than 0008"),
        ("UPDATE alembic_version SET version_num = '0000'", "its schema 0000 is unknown"),
        ("UPDATE alembic_version SET version_num = '0001'", "not those of schema 0001: the table"),
        ("DROP TABLE alembic_version", "not those of an empty database: the table"),
        ("CREATE TABLE orders (id INTEGER)", "not those of schema 0008: the table orders is none of them"),
        ("DROP TABLE imap_folders", "the table imap_folders is missing"),
        ("ALTER TABLE nodes DROP COLUMN reload_error", "the table nodes has no column reload_error"),
        ("ALTER TABLE nodes ADD COLUMN mood TEXT", "the table nodes has an unknown column mood"),
    ],
)
def test_a_database_that_is_not_known_is_refused(store_url: str, statement: str, message: str) -> None:
    migrate.upgrade(store_url)
    execute(store_url, statement)

    with pytest.raises(StoreUnavailable, match=message) as refused:
        migrate.upgrade(store_url)
    assert "backup" in str(refused.value)


def test_tables_of_others_are_refused(store_url: str) -> None:
    execute(store_url, "CREATE TABLE orders (id INTEGER)")

    with pytest.raises(StoreUnavailable, match="not those of an empty database: the table orders"):
        migrate.upgrade(store_url)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_lacks_letters_is_refused(postgres: str, encoding: str) -> None:
    name = f"letters_{encoding.lower()}_{uuid.uuid4().hex[:8]}"
    engine = open_engine(postgres).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
        )
    engine.dispose()

    with pytest.raises(StoreUnavailable, match=rf"its encoding is {encoding}.*createdb --encoding UTF8"):
        migrate.upgrade(make_url(postgres).set(database=name).render_as_string(hide_password=False))


plain_names = importlib.import_module("mailbot.store.migrations.versions.0002_plain_names")


def test_0002_gives_every_event_a_kind_of_this_version() -> None:
    assert {kind for kind, _ in plain_names.EVENTS.values()} <= EVENT_KINDS.keys()  # later ones came since


def test_0002_gives_reasons_of_this_version_with_their_parameters() -> None:
    patterns = {**plain_names.PATTERNS, **plain_names.LIMITS}
    for pattern, code in patterns.items():
        wanted = {name for _, name, _, _ in Formatter().parse(TEXTS[code][0]) if name}
        assert re.compile(pattern).groupindex.keys() == wanted, code
    assert {*plain_names.SENTENCES.values(), "matched", "together", "condition", "text"} <= TEXTS.keys()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("by agent:rina@tim.example", "by agent rina@tim.example"),
        ("1 of 3 on duty; the skill fraud; least load: 2 in hand", ""),
        (
            "first_response is due, held until the quiet hours were over",
            "first response is due; held until the quiet hours were over",
        ),
        ("known Message-ID, sender takes part; TOKO-1-2 and TOKO-3-4 merged into TOKO-5-6", ""),
        (
            "not confirmed in time, and no further step follows",
            "not confirmed in time; no further step follows",
        ),
        ("list mail (List-Id)", ""),
        ("limit reached: address", ""),
    ],
)
def test_0002_keeps_the_facts_of_a_sentence(old: str, new: str) -> None:
    reason = TypeAdapter(Reason).validate_python(plain_names.reason_of(old))

    assert reason.code != "text"
    assert render(reason, "en") == (new or old)


@pytest.mark.parametrize(
    "text", ["by mistake", "penting sekali; because I say so", "nobody had it, nor will"]
)
def test_0002_keeps_the_words_of_a_person(text: str) -> None:
    assert plain_names.reason_of(text) == {"code": "text", "params": {"text": text}}


@given(
    st.from_regex(r"[a-z.]{1,8}(\+[a-z]{0,4})?@(gmail\.com|googlemail\.com|toko\.example)", fullmatch=True)
)
def test_the_migration_spells_people_as_the_domain_does(address: str) -> None:
    migration = importlib.import_module("mailbot.store.migrations.versions.0003_people")
    assert migration._person(address) == owner(address)


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_a_deadlock_with_a_node_of_the_version_before_does_not_end_the_migration(store_url: str) -> None:
    engine = open_engine(store_url)
    with engine.begin() as connection:
        migrate.run_migrations(connection, "0004")
    with ThreadPoolExecutor() as pool, engine.connect() as old:
        old.execute(text("SET deadlock_timeout = '1min'"))  # so that the migration is the one to give way
        old.execute(text("LOCK TABLE outbox IN ROW EXCLUSIVE MODE"))
        upgrading = pool.submit(migrate.upgrade, store_url)
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'outbox'::regclass")
        deadline = time.monotonic() + 20
        while not old.scalar(waiting):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        old.execute(text("LOCK TABLE inbox IN ROW EXCLUSIVE MODE"))
        old.commit()
        assert upgrading.result(30) == "0004"
    engine.dispose()
