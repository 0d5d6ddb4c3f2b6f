"""The migrations and the tables say the same, on both engines."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from mailbot.store import migrate
from mailbot.store.engine import open_engine
from mailbot.store.schema import metadata


def test_migrating_an_empty_database_gives_exactly_the_tables(store_url: str) -> None:
    assert migrate.upgrade(store_url) is None
    engine = open_engine(store_url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    assert differences == []


def test_a_second_upgrade_has_nothing_to_do(store_url: str) -> None:
    migrate.upgrade(store_url)

    assert migrate.upgrade(store_url) == migrate.HEAD


def test_head_names_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(migrate.__file__).replace("migrate.py", "migrations"))

    assert scripts.get_current_head() == migrate.HEAD
