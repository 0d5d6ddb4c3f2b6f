"""Fixtures that more than one folder needs: an empty store on either engine."""

import compileall
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from mailbot.store.store import Store
from tests import empty_store
from tests.postgres_server import serve_postgres
from tests.profile import NIGHTLY

settings.load_profile("nightly" if NIGHTLY else "default")

# The suite starts hundreds of processes. Where Python is told to write no bytecode, each would compile all our code.
compileall.compile_dir(Path(__file__).parents[1] / "mailbot", quiet=2)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Return the URL of a PostgreSQL: MAILBOT_TEST_DATABASE_URL, or one server for the whole test run."""
    if given := os.environ.get("MAILBOT_TEST_DATABASE_URL"):
        yield given
        return
    # The workers of one xdist run share the server; the last to leave stops it and removes its files.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    directory = Path(tempfile.gettempdir(), f"mailbot-postgres-{run}")
    directory.mkdir(exist_ok=True)
    with serve_postgres(directory) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty database of the test's own. Indirect parametrisation chooses one engine.

    It has no tables either, unless the test asks for `store`.
    """
    has_tables = "store" in request.fixturenames
    if request.param == "sqlite":
        yield empty_store.sqlite_url(tmp_path) if has_tables else f"sqlite:///{tmp_path}/mailbot.db"
        return
    server = request.getfixturevalue("postgres")
    lend = empty_store.postgres_url if has_tables else empty_store.bare_postgres_url
    with lend(server) as url:
        yield url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Open an empty store with all tables."""
    store = Store(store_url)
    yield store
    store.close()
