"""A store moves to the other engine whole, or not at all, and nothing uses the old one by accident."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Engine,
    LargeBinary,
    String,
    Table,
    event,
    func,
    insert,
    select,
    text,
    update,
)

from mailbot.cli import cli
from mailbot.config.api import init
from mailbot.domain.model import InboxState, OutboxState
from mailbot.errors import StoreUnavailable
from mailbot.store import migrate, tickets
from mailbot.store.engine import open_engine, sqlite_path
from mailbot.store.schema import (
    STORED,
    Choice,
    Moment,
    attempts,
    events,
    inbox,
    installation,
    messages,
    outbox,
    raw_mails,
)
from mailbot.store.service import move
from mailbot.store.service import nodes as node_rows
from mailbot.store.service.life_lock import LifeLock
from mailbot.store.store import Store
from tests.builders import NOW
from tests.store.test_old_store import restore

Rows = Iterable[move.Row]
on_postgres = pytest.mark.parametrize("store_url", ["postgres"], indirect=True)


def unwatched(rows: Rows, _total: int, _label: str) -> Rows:
    return rows


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Return the URL of a SQLite store of a real day with all kinds of events, and a row in every table."""
    url = f"sqlite:///{tmp_path}/old.db"
    restore(url)
    migrate.upgrade(url)
    with_connection(url, fill)
    return url


def with_connection(url: str, act: Callable[[Connection], Any]) -> Any:
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            return act(connection)
    finally:
        engine.dispose()


def fill(connection: Connection) -> None:
    """Put a row into each table that is empty, and raw mails with bytes that are no text."""
    for table in STORED:
        if connection.scalar(select(func.count()).select_from(table)) == 0:
            connection.execute(insert(table).values(row_of(connection, table)))
    raw = b"Subject: \xff\0\xfe \x81\r\n\r\n\0\0"
    connection.execute(update(raw_mails).values(content=raw))


def row_of(connection: Connection, table: Table) -> dict[str, Any]:
    numbered = table.autoincrement_column
    return {column.name: value_of(connection, column) for column in table.columns if column is not numbered}


def value_of(connection: Connection, column: Column[Any]) -> Any:
    for key in column.foreign_keys:
        return connection.scalar(select(key.column).limit(1))
    match column.type:
        case Moment():
            return NOW + timedelta(microseconds=1)
        case Choice():
            return next(iter(column.type.values))
        case JSON():
            return {"z": 2.0, "a": [0.1, 1e16, None, {"é": "𝕏"}]}
        case LargeBinary():
            return b"\0\xff"
        case String():
            return "é"
        case Boolean():
            return True
    return 7


def counts(url: str) -> dict[str, int]:
    def count(connection: Connection) -> dict[str, int]:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in STORED
        }

    return with_connection(url, count)  # type: ignore[no-any-return]


def moved(source: str, target: str) -> move.Outcome:
    return move.move(source, target, "the new place", NOW, unwatched)


def test_every_row_of_every_table_arrives_and_the_same_tickets_are_read(source: str, store_url: str) -> None:
    before = counts(source)
    assert min(before.values()) > 0
    outcome = moved(source, store_url)

    assert outcome.same
    assert outcome.replaced == []
    assert counts(store_url) == {**before, "nodes": 0}  # of a daemon that no longer runs
    assert {each.table: each.rows for each in outcome.tables} == counts(store_url)
    numbers = with_connection(source, lambda c: c.scalars(select(events.c.ticket).distinct()).all())
    assert len(numbers) > 10
    assert with_connection(store_url, lambda c: tickets.load(c, numbers)) == with_connection(
        source, lambda c: tickets.load(c, numbers)
    )
    assert move.verify(source, store_url, unwatched).same


@on_postgres
def test_a_store_moves_back_to_sqlite(source: str, store_url: str, tmp_path: Path) -> None:
    back = f"sqlite:///{tmp_path}/back.db"
    before = counts(source)
    moved(source, store_url)

    assert moved(store_url, back).same
    assert counts(back) == {**before, "nodes": 0}


def test_new_ids_follow_those_that_a_client_has_seen(source: str, store_url: str) -> None:
    seen = with_connection(source, lambda c: c.scalar(select(func.max(inbox.c.id)))) + 1000
    with_connection(
        source,
        lambda c: c.execute(text("UPDATE sqlite_sequence SET seq = :n WHERE name = 'inbox'"), {"n": seen}),
    )
    moved(source, store_url)

    def next_id(connection: Connection, table: Table) -> Any:
        return connection.execute(insert(table), row_of(connection, table)).inserted_primary_key[0]

    last = with_connection(store_url, lambda c: c.scalar(select(func.max(attempts.c.id))))
    assert with_connection(store_url, lambda c: next_id(c, inbox)) == seen + 1
    assert with_connection(store_url, lambda c: next_id(c, attempts)) == last + 1


def test_rows_in_hand_are_released_as_at_a_start(source: str, store_url: str) -> None:
    def hold(connection: Connection) -> tuple[int, int]:
        mail = connection.scalar(select(func.min(inbox.c.id)))
        connection.execute(
            update(inbox).where(inbox.c.id == mail).values(state=InboxState.NEW, claimed_by="gone")
        )
        dot = connection.scalar(select(func.min(outbox.c.id)))
        values = {"state": OutboxState.DOT, "claimed_by": "gone", "dot_at": NOW, "unknown": 0}
        connection.execute(update(outbox).where(outbox.c.id == dot).values(values))
        return mail, dot

    mail, dot = with_connection(source, hold)
    outcome = moved(source, store_url)

    assert (outcome.same, outcome.released) == (True, 2)
    row = with_connection(store_url, lambda c: c.execute(select(inbox).where(inbox.c.id == mail)).one())
    assert (row.state, row.claimed_by, row.attempts) == (InboxState.NEW, None, 1)
    row = with_connection(store_url, lambda c: c.execute(select(outbox).where(outbox.c.id == dot)).one())
    assert (row.state, row.claimed_by, row.unknown) == (OutboxState.DUE, None, 1)


@on_postgres
def test_characters_that_postgresql_refuses_are_replaced_and_named(source: str, store_url: str) -> None:
    def spoil(connection: Connection) -> int:
        id_ = connection.scalar(select(func.min(messages.c.id)))
        values = {"subject": "a\0b", "addresses": {"name": "x\0", "to": [["\ud800", "b"]]}}
        connection.execute(update(messages).where(messages.c.id == id_).values(values))
        return id_

    id_ = with_connection(source, spoil)
    outcome = moved(source, store_url)

    assert outcome.same
    assert sorted(outcome.replaced) == [f"messages {id_}: addresses", f"messages {id_}: subject"]
    row = with_connection(store_url, lambda c: c.execute(select(messages).where(messages.c.id == id_)).one())
    assert row.subject == "a\ufffdb"
    assert row.addresses == {"name": "x\ufffd", "to": [["\ufffd", "b"]]}


@on_postgres
def test_a_row_that_postgresql_refuses_is_named_and_nothing_is_moved(source: str, store_url: str) -> None:
    with_connection(source, lambda c: c.execute(update(inbox).where(inbox.c.id == 3).values(ticket="T" * 40)))

    with pytest.raises(move.MoveRefused, match="inbox 3: the target refuses this row: value too long"):
        moved(source, store_url)
    assert sum(counts(store_url).values()) == 0
    assert migrate.upgrade(source) == migrate.HEAD  # it is still in use


@on_postgres
def test_a_difference_is_found_and_nothing_is_moved(source: str, store_url: str) -> None:
    def lossy(rows: Rows, _total: int, label: str) -> Rows:
        kept = list(rows)
        return kept[1:] if label == "verify events" else kept

    outcome = move.move(source, store_url, "there", NOW, lossy)

    assert [each.table for each in outcome.tables if not each.same] == ["events"]
    assert sum(counts(store_url).values()) == 0
    assert migrate.upgrade(source) == migrate.HEAD


def test_the_digest_sees_every_value_and_no_order() -> None:
    rows: list[move.Row] = [{"a": 1, "b": "x", "c": b"\0"}, {"a": 2, "b": None, "c": {"k": 2.0, "j": []}}]

    def digest(rows: Rows) -> str:
        tally = move.Tally()
        for row in rows:
            tally.add(row)
        return tally.digest

    assert digest(rows) == digest(rows[::-1]) == digest([rows[0], {**rows[1], "c": {"j": [], "k": 2}}])
    others = ({"a": 3}, {"b": "y"}, {"b": None}, {"b": "1"}, {"c": b""}, {"c": "\0"}, {"c": []})
    assert (
        len({digest([{**rows[0], **other}, rows[1]]) for other in others} | {digest(rows)}) == len(others) + 1
    )


@on_postgres
def test_a_target_that_holds_something_is_refused(source: str, store_url: str) -> None:
    migrate.upgrade(store_url)
    with_connection(store_url, lambda c: c.execute(insert(installation).values(key="secret", value="ab")))

    with pytest.raises(move.MoveRefused, match="the target is not empty: installation holds 1 row"):
        moved(source, store_url)


def test_tables_of_others_in_the_target_are_refused(source: str, store_url: str) -> None:
    with_connection(store_url, lambda c: c.execute(text("CREATE TABLE orders (id INTEGER)")))

    with pytest.raises(
        move.MoveRefused, match="the target can't be used: its tables are not those of an empty"
    ):
        moved(source, store_url)


@on_postgres
def test_a_postgresql_store_with_a_living_daemon_is_not_moved(
    source: str, store_url: str, tmp_path: Path
) -> None:
    moved(source, store_url)
    node = node_rows.Node("n1", "db.example", 77, "intake", NOW, "v1")
    with_connection(store_url, lambda c: node_rows.register(c, [node]))

    with pytest.raises(move.MoveRefused, match=r"in use by a daemon on db.example \(process 77\)"):
        moved(store_url, f"sqlite:///{tmp_path}/back.db")


def test_the_source_takes_no_mail_while_it_is_moved(source: str, store_url: str) -> None:
    refused = []

    def write(connection: Connection, items: Sequence[None]) -> list[None]:
        connection.execute(insert(installation).values(key="k", value="v"))
        return [None for _ in items]

    def meanwhile(rows: Rows, _total: int, label: str) -> Rows:
        if label == "copy inbox":
            other = Store(f"{source}?timeout=0.1")
            with pytest.raises(StoreUnavailable, match="locked"):
                other.write_now(write, None)
            other.close()
            refused.append(label)
        return rows

    assert move.move(source, store_url, "there", NOW, meanwhile).same
    assert refused


@on_postgres
def test_a_connection_that_breaks_at_the_commit_leaves_a_doubt_that_is_named(
    source: str, store_url: str
) -> None:
    def cut(connection: Connection) -> None:
        is_last = connection.dialect.name == "postgresql" and connection.scalar(
            select(func.count(events.c.seq))
        )
        if is_last:
            end = text("SELECT pg_terminate_backend(:pid)")
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
            with_connection(store_url, lambda c: c.execute(end, {"pid": pid}))

    event.listen(Engine, "commit", cut)
    with pytest.raises(move.MoveInDoubt):
        moved(source, store_url)
    event.remove(Engine, "commit", cut)

    assert sum(counts(store_url).values()) == 0
    assert migrate.upgrade(source) == migrate.HEAD  # it is not marked
    assert moved(source, store_url).same


class Desk:
    """The commands, with a configuration whose store is `source`."""

    def __init__(self, folder: Path, source: str) -> None:
        self.config, self.source = folder / "config", source
        init(self.config)

    def run(self, *words: str, given: bytes = b"") -> Result:
        env = {"MAILBOT_STORE": self.source, "MAILBOT_CONFIG": str(self.config)}
        return CliRunner().invoke(cli, words, env=env, input=given)


@pytest.fixture
def desk(tmp_path: Path, source: str) -> Desk:
    return Desk(tmp_path, source)


@on_postgres
def test_the_command_moves_and_shows_counts_and_digests(desk: Desk, store_url: str) -> None:
    done = desk.run("db", "migrate-to", store_url, "--json")

    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)
    assert (shown["same"], shown["moved"]) == (True, True)
    (events_,) = [table for table in shown["tables"] if table["table"] == "events"]
    assert events_["digest"] == events_["digest_there"]
    assert events_["rows"] == events_["rows_there"] > 1000
    assert "copy events: " in done.stderr
    again = desk.run("db", "migrate-to", store_url, "--verify")
    assert (again.exit_code, "Both stores hold the same" in again.stdout) == (0, True)


@on_postgres
def test_verify_finds_what_came_since(desk: Desk, store_url: str) -> None:
    desk.run("db", "migrate-to", store_url)
    with_connection(store_url, lambda c: c.execute(update(inbox).where(inbox.c.id == 3).values(peer="x")))
    found = desk.run("db", "migrate-to", store_url, "--verify", "--json")

    assert found.exit_code == 1
    assert [table["table"] for table in json.loads(found.stdout)["tables"] if not table["same"]] == ["inbox"]


@on_postgres
def test_nothing_uses_a_store_that_was_moved_until_it_is_reopened(desk: Desk, store_url: str) -> None:
    assert desk.run("db", "migrate-to", store_url).exit_code == 0
    mail = b"From: a@b.example\r\nTo: support@dukungan.example\r\n\r\nx"

    for words, code in (
        (("ticket", "list"), 1),
        (("db", "upgrade"), 1),
        (("status",), 1),
        (("deliver",), 75),
    ):
        done = desk.run(*words, given=mail)
        assert done.exit_code == code, words
        assert "it was moved on 20" in done.stderr, words
        assert "mailbot db reopen" in done.stderr, words
    with pytest.raises(StoreUnavailable, match="it was moved"):  # as the daemon starts
        migrate.upgrade(desk.source)
    assert desk.run("db", "migrate-to", store_url).exit_code == 1

    assert desk.run("db", "reopen").exit_code == 0
    assert desk.run("ticket", "list").exit_code == 0
    assert desk.run("db", "reopen").exit_code == 1


@on_postgres
def test_a_store_that_a_daemon_holds_is_not_moved(desk: Desk, store_url: str) -> None:
    with LifeLock(sqlite_path(desk.source)):
        done = desk.run("db", "migrate-to", store_url)

    assert done.exit_code == 1
    assert "is in use by process" in done.stderr


@pytest.mark.parametrize("target", ["mysql://host/x", "postgresql+asyncpg://host/x", ":memory:"])
def test_a_target_of_another_kind_is_wrong_usage(desk: Desk, target: str) -> None:
    assert desk.run("db", "migrate-to", target).exit_code == 2


def test_a_store_does_not_move_to_its_own_place(desk: Desk) -> None:
    done = desk.run("db", "migrate-to", sqlite_path(desk.source))

    assert done.exit_code == 1
    assert "already" in done.stderr


def test_no_password_is_shown(desk: Desk) -> None:
    target = "postgresql://mailbot:sangat-rahasia@127.0.0.1:1/mailbot?connect_timeout=1"
    done = desk.run("db", "migrate-to", target)

    assert done.exit_code == 1
    assert "rahasia" not in done.output + done.stderr
