"""Make a large desk: `python -m tests.bench.desk FOLDER --tickets 1000000 [--store URL]`.

Some hundred lives (`desk_lives`) are copied through a year, with numbers, customers, texts and weeks of their own,
straight into the tables. So `ticket show`, `report`, `simulate` and retention find what they find at a real desk.
"""

import argparse
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Protocol

import psycopg
from sqlalchemy import make_url

from mailbot.config.api import load
from mailbot.config.model import Loaded
from mailbot.domain import ticket_number
from mailbot.domain.people.addresses import owner
from mailbot.domain.policy_review.policy_outline import outline
from mailbot.store import ladders, migrate, policies
from mailbot.store.engine import is_sqlite, sqlite_path
from mailbot.store.schema import EPOCH, Moment, metadata
from mailbot.store.store import Store
from tests.bench import corpus
from tests.bench.desk_lives import RECENT, Life, Row, lives
from tests.scenarios.harness import ROOT

WEEKS = 52
LIVES = 1_200
KEPT = timedelta(days=30)  # as retention may leave it: the bytes of older mail are gone
CUSTOMERS = 0.4  # of the number of tickets
SPREAD = timedelta(days=14)  # over which open tickets fall due, from an hour after the end
SERIAL = ("inbox", "messages", "outbox", "attempts")  # tables with ids
BATCH = 500  # tickets that are written at once
MICROSECOND = timedelta(microseconds=1)
WEEK = timedelta(days=7)
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?=T\d\d:)")


class Target(Protocol):
    """A store that takes rows in bulk."""

    def write(self, table: str, rows: Sequence[Row]) -> None: ...


def build(loaded: Loaded, count: int, *, end: datetime | None = None, seed: int = 1) -> dict[str, int]:
    """Fill the empty store of these settings with `count` tickets. Returns how many rows each table has."""
    url, end = loaded.settings.store, (end or datetime.now(UTC)).replace(microsecond=0)
    migrate.upgrade(url)
    _enter_policy(loaded, end - WEEKS * WEEK)
    with tempfile.TemporaryDirectory() as scratch:
        models = lives(loaded.policy, Path(scratch), min(count, LIVES), end, seed)
    with _sqlite(url) if is_sqlite(url) else _postgresql(url) as target:
        copier = _Copier(models, Random(seed), end)
        for rows in copier.copies(count):
            for table, batch in rows.items():
                target.write(table, batch)
    return copier.written


def _enter_policy(loaded: Loaded, at: datetime) -> None:
    store, policy, sources = Store(loaded.settings.store), loaded.policy, loaded.sources
    entered = policies.ActivePolicy(policy.version, at, outline(policy), sources.files, sources.templates)
    store.write_now(policies.record_active, entered)
    store.write_now(ladders.save, policy)
    store.close()


# --- copies -----------------------------------------------------------------------------------------------


class _Copier:
    """Copies of lives, each a row of every table with what is its own."""

    def __init__(self, models: Sequence[Life], random: Random, end: datetime) -> None:
        self._random, self._end = random, end
        self._models = [[each for each in models if each.week == week] for week in range(RECENT)]
        self._used: set[str] = set()
        self._moved = _Moved()
        self._ids = dict.fromkeys(SERIAL, 0)
        self._mail = corpus.mails(1)[0].body
        self.written: dict[str, int] = defaultdict(int)

    def copies(self, count: int) -> Iterator[dict[str, list[Row]]]:
        """Yield the rows of all tickets by table, a batch of tickets at a time, oldest first."""
        rows: dict[str, list[Row]] = defaultdict(list)
        for done, (model, weeks) in enumerate(self._order(count), 1):
            self._copy(model, weeks, count, rows)
            if done % BATCH == 0 or done == count:
                for table, batch in rows.items():
                    self.written[table] += len(batch)
                yield rows
                rows.clear()

    def _order(self, count: int) -> Iterator[tuple[Life, int]]:
        """Name each ticket's life, and by how many weeks it is moved into the past."""
        for week in range(WEEKS - 1, -1, -1):
            models = self._models[min(week, RECENT - 1)] or [each for some in self._models for each in some]
            share = count // WEEKS + (week < count % WEEKS)
            for place in range(share):
                yield models[place * len(models) // share], max(0, week - RECENT + 1)

    def _copy(self, model: Life, weeks: int, count: int, rows: dict[str, list[Row]]) -> None:
        number = self._number(model.number)
        customer = f"pelanggan{int(count * CUSTOMERS * self._random.random() ** 2)}@contoh.example"
        ids: dict[tuple[str, int], int] = {}
        for table, moved, named in self._moved(model, weeks):
            row = moved.copy()
            for name in named:
                row[name] = row[name].replace(model.customer, customer).replace(model.number, number)
            if table != "events":
                self._own(table, row, ids)
                self._bytes(table, row, rows)
            rows[table].append(row)
        ticket = rows["tickets"][-1]
        ticket["subject"] = f"{self._random.choice(corpus.SUBJECTS)} {self._random.randrange(10**6):06d}"
        ticket["person"] = owner(customer)

    def _number(self, like: str) -> str:
        prefix = like.partition("-")[0]
        while True:
            number = ticket_number.make(prefix, f"{self._random.randrange(10**8):08d}")
            if number not in self._used:
                self._used.add(number)
                return number

    def _own(self, table: str, row: Row, ids: dict[tuple[str, int], int]) -> None:
        """Give a row what no other row may have."""
        if table in self._ids:
            self._ids[table] += 1
            if table in ("inbox", "outbox"):
                ids[(table, row["id"])] = self._ids[table]
            row["id"] = self._ids[table]
        if table == "inbox":
            row["fingerprint"] = f"{self._random.getrandbits(256):064x}"
        elif table == "messages":
            row["inbox_id"] = ids["inbox", row["inbox_id"]]
            row["text"] = row["visible"] = self._text()
        elif table == "outbox":
            nonce = f"{self._random.getrandbits(128):032x}"
            row["message_id"] = row["message_id"].replace(row["nonce"], nonce)
            row["nonce"] = nonce
        elif table == "attempts":
            row["outbox_id"] = ids["outbox", row["outbox_id"]]
        elif table == "deadlines":
            row["due_at"] = _micros(self._end + timedelta(hours=1) + SPREAD * self._random.random())

    def _bytes(self, table: str, row: Row, rows: dict[str, list[Row]]) -> None:
        """Keep the bytes of young mail, and when those of older mail were deleted."""
        at = {"inbox": "received_at", "outbox": "settled_at"}.get(table)
        if at is None:
            return
        if row[at] < _micros(self._end - KEPT):
            row["deleted_at"], row["deleted_digest"] = row[at] + KEPT // MICROSECOND, f"{row['id']:064x}"
        elif table == "inbox":
            rows["raw_mails"].append({"inbox_id": row["id"], "content": self._mail})
        else:
            rows["frozen_mails"].append({"nonce": row["nonce"], "content": self._mail, "files": "[]"})

    def _text(self) -> str:
        sentences = corpus.INDONESIAN if self._random.random() < 0.7 else corpus.ENGLISH
        order = f"INV/{self._random.randrange(10**8):08d}/{self._random.randrange(10**5):05d}"
        some = self._random.choices(sentences, k=self._random.randint(2, 7))
        return " ".join((*some, *self._random.choices(_phrases(), k=2), f"No. pesanan: {order}"))


def _micros(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


class _Moved:
    """Lives moved into the past by whole weeks: the same moments of the week, in columns and in JSON."""

    def __init__(self) -> None:
        self._weeks, self._known = 0, dict[str, list[_MovedRow]]()

    def __call__(self, life: Life, weeks: int) -> list["_MovedRow"]:
        """Return the rows, each with its table and the columns that name the ticket or its customer."""
        if weeks != self._weeks:  # week after week is copied
            self._weeks, self._known = weeks, {}
        if life.number not in self._known:
            self._known[life.number] = [
                _moved_row(life, table, row, weeks) for table, rows in life.rows.items() for row in rows
            ]
        return self._known[life.number]


_MovedRow = tuple[str, Row, list[str]]


def _moved_row(life: Life, table: str, row: Row, weeks: int) -> _MovedRow:
    moved = {name: _move(table, name, value, weeks) for name, value in row.items()}
    texts = {name: value for name, value in moved.items() if isinstance(value, str)}
    return (
        table,
        moved,
        [name for name, text in texts.items() if life.number in text or life.customer in text],
    )


def _move(table: str, name: str, value: Any, weeks: int) -> Any:
    if value is not None and isinstance(metadata.tables[table].c[name].type, Moment):
        return value - weeks * (WEEK // MICROSECOND)
    if isinstance(value, str) and weeks:
        return _DAY.sub(lambda match: _day_before(match[0], weeks), value)
    return value


@lru_cache(maxsize=10_000)
def _day_before(day: str, weeks: int) -> str:
    return (date.fromisoformat(day) - weeks * WEEK).isoformat()


@lru_cache(maxsize=1)
def _phrases() -> list[str]:
    """Make phrases of words whose frequencies follow Zipf's law, as in any language."""
    random = Random(1)
    syllables = [
        first + second for first in "bdgjklmnprst" for second in ("a", "i", "u", "e", "o", "an", "ang")
    ]
    words = ["".join(random.choices(syllables, k=random.randint(2, 4))) for _ in range(50_000)]
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    return [" ".join(random.choices(words, cum_weights=weights, k=10)) for _ in range(30_000)]


# --- targets ----------------------------------------------------------------------------------------------


class _SqliteTarget:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def write(self, table: str, rows: Sequence[Row]) -> None:
        names, marks = ", ".join(f'"{name}"' for name in rows[0]), ", ".join("?" * len(rows[0]))
        values = [tuple(row.values()) for row in rows]
        self._database.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


@contextmanager
def _sqlite(url: str) -> Iterator[Target]:
    """Write without sync and journal: what is lost can be made again."""
    database = sqlite3.connect(sqlite_path(url))
    for pragma in (
        "wal_checkpoint(TRUNCATE)",
        "journal_mode = OFF",
        "synchronous = OFF",
        "cache_size = -1000000",
    ):
        database.execute(f"PRAGMA {pragma}").fetchall()
    yield _SqliteTarget(database)
    database.commit()
    database.close()


class _PostgresqlTarget:
    def __init__(self, database: psycopg.Connection[Any]) -> None:
        self._database = database

    def write(self, table: str, rows: Sequence[Row]) -> None:
        names = ", ".join(f'"{name}"' for name in rows[0])
        with self._database.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(tuple(row.values()))


@contextmanager
def _postgresql(url: str) -> Iterator[Target]:
    """Write as a superuser, without checks of foreign keys."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as database:
        database.execute("SET session_replication_role = replica")
        yield _PostgresqlTarget(database)
        for table in SERIAL:
            last = f"(SELECT max(id) FROM {table})"
            database.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})")
        database.commit()
        database.autocommit = True
        database.execute("VACUUM ANALYZE")


# --- the command ------------------------------------------------------------------------------------------


def shipped(folder: Path, store: str) -> Path:
    """Copy the shipped configuration into a folder, with another store. Returns its directory."""
    config = folder / "config"
    shutil.copytree(ROOT / "config", config)
    shutil.copytree(ROOT / "templates", config / "templates")
    path = config / "mailbot.yaml"
    path.write_text(re.sub(r"(?m)^store: .*$", f"store: {store}", path.read_text()))
    return config


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.desk", description=__doc__)
    parser.add_argument("folder", type=Path, help="gets config/ and, without --store, mailbot.db")
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--store", help="an empty PostgreSQL database")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    config = shipped(wanted.folder, wanted.store or f"{wanted.folder.resolve()}/mailbot.db")
    began = time.perf_counter()
    written = build(load(config, os.environ), wanted.tickets, seed=wanted.seed)
    for table, count in written.items():
        print(f"{table:14}{count:>12,}")
    print(f"{time.perf_counter() - began:.0f} s, seed {wanted.seed}: mailbot --config {config} ...")


if __name__ == "__main__":
    main()
