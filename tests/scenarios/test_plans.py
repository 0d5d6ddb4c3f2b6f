"""No command that reads, and no loop of the daemon, reads a whole table that grows with the tickets.

SQLite's plans are those of a store of any size: without statistics it never looks at the rows.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from mailbot.store.schema import metadata
from tests.faults.run import Simulation
from tests.scenarios.test_cli import Site, letter, shipped, site

__all__ = ["shipped", "site"]

GROWING = frozenset(
    {"tickets", "participants", "links", "messages", "attachments", "contents", "events", "deadlines"}
    | {"inbox", "raw_mails", "outbox", "frozen_mails", "frozen_files", "attempts", "deleted_tickets"}
)
# Their rows are the work that is not done yet.
PARTIAL = frozenset(
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
)
SCAN = re.compile(r"SCAN (\w+?)(?:_\d+)?(?: USING (?:COVERING )?INDEX (\w+))?")
# The newest rows of a table, whatever they are: it is read from its end.
NEWEST = re.compile(r"FROM (\w+)\s+(?:WHERE 1 = 1 )?ORDER BY \1\.id DESC\s+LIMIT \d+")
LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+\b")

COMMANDS = [
    ["ticket", "list"],
    ["ticket", "list", "--json"],
    ["ticket", "list", "--open", "--team", "payments"],
    ["ticket", "list", "--status", "closed", "--level", "L2", "--priority", "high", "--page", "3"],
    ["ticket", "list", "--agent", "rina@tim.example"],
    ["ticket", "list", "--customer", "siti@pelanggan.example"],
    ["ticket", "list", "--incident", "NUMBER"],
    ["ticket", "list", "--overdue"],
    ["ticket", "list", "--legal-hold"],
    ["ticket", "list", "--automatic"],
    ["ticket", "list", "--work", "--team", "payments"],
    ["ticket", "list", "--mine", "--as", "rina@tim.example"],
    ["ticket", "show", "NUMBER"],
    ["ticket", "show", "NUMBER", "--json"],
    ["explain", "NUMBER"],
    ["ticket", "raw", "NUMBER"],
    ["status"],
    ["status", "--json"],
    ["inbox", "list"],
    ["inbox", "list", "--stuck"],
    ["inbox", "show", "1"],
    ["outbox", "list"],
    ["outbox", "list", "--stuck"],
    ["outbox", "list", "--state", "failed", "--state", "deferred"],
    ["outbox", "list", "--waiting"],
    ["outbox", "list", "--ticket", "NUMBER"],
    ["inbox", "list", "--state", "parked"],
    ["outbox", "show", "1"],
    ["compensation", "list"],
]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements of every SQLite connection that is opened meanwhile, with their values."""
    seen: list[str] = []

    def trace(connection: Any, _record: Any) -> None:
        connection.set_trace_callback(seen.append)

    event.listen(Engine, "connect", trace)
    try:
        yield seen
    finally:
        event.remove(Engine, "connect", trace)


def scans(seen: list[str], database: Path) -> set[str]:
    """Return the growing tables that these statements read whole, each with its statement."""
    distinct = {
        LITERAL.sub("?", each): each
        for each in seen
        if re.match(r"\s*(SELECT|UPDATE|DELETE|WITH|INSERT)", each)
    }
    found = set()
    with closing(sqlite3.connect(database)) as connection:
        for statement in distinct.values():
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                scan = SCAN.fullmatch(step)
                if scan and scan[1] in GROWING and scan[2] not in PARTIAL and not NEWEST.search(statement):
                    found.add(f"{step}: {statement}")
    return found


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_that_reads_finds_its_rows_by_an_index(site: Site, words: list[str]) -> None:
    number = site.receive(letter())
    with statements() as seen:
        result = site.run(*(number if word == "NUMBER" else word for word in words))
    assert result.exit_code in (0, 1), result.output
    assert seen
    assert scans(seen, Path(site.url.removeprefix("sqlite:///"))) == set()


@pytest.mark.parametrize("script", ["complaints"])
def test_the_loops_of_the_daemon_find_their_rows_by_an_index(tmp_path: Path, script: str) -> None:
    simulation = Simulation(tmp_path)
    # The ledger of the test itself reads everything.
    event.listen(simulation._books, "connect", lambda connection, _: connection.set_trace_callback(None))
    with statements() as seen:
        simulation.run(script)
    assert len(seen) > 100
    assert scans(seen, tmp_path / "run.db") == set()
