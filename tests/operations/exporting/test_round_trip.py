"""An export makes the same store again, on either engine: its own export has the very same bytes."""

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from mailbot.operations.exporting.jsonl import Exported, Record, export
from mailbot.operations.importing import jsonl
from mailbot.operations.importing.model import Unreadable
from mailbot.store import migrate
from mailbot.store.portable.shapes import LEFT_OUT, SHAPES, tables
from mailbot.store.schema import (
    api_tokens,
    channel_messages,
    compensations,
    imported,
    installation,
    messages,
    metadata,
    outbox,
    raw_mails,
    sessions,
    tickets,
)
from mailbot.store.service import move
from mailbot.store.store import Store
from tests.store.test_move import row_of, with_connection
from tests.store.test_old_store import restore as restore_old_store


def unwatched(records: Iterable[Record], _total: int, _label: str) -> Iterable[Record]:
    return records


def exported(url: str, since: Any = None) -> bytes:
    return export_of(url, since)[0]


def export_of(url: str, since: Any = None) -> tuple[bytes, Exported]:
    store, out = Store(url), io.BytesIO()
    try:
        result = store.read_now(export, out, since, unwatched)
    finally:
        store.close()
    return out.getvalue(), result


def restored(url: str, path: Path, **options: Any) -> jsonl.Restored:
    return jsonl.restore(url, path, unwatched, **options)


def fill(connection: Any) -> None:
    """Put a row into each table that is empty but the ledger, whose lines prove each other."""
    for table in metadata.sorted_tables:
        if table is not compensations and not connection.scalar(select(func.count()).select_from(table)):
            connection.execute(insert(table).values(row_of(connection, table)))
    connection.execute(update(raw_mails).values(content=b"Subject: \xff\0\xfe \x81\r\n\r\n\0\0"))
    settled = connection.scalar(select(outbox.c.id).where(outbox.c.state == "sent").limit(1))
    connection.execute(update(imported).values(ticket=select(tickets.c.number).limit(1).scalar_subquery()))
    connection.execute(update(channel_messages).values(outbox_id=settled))


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a SQLite store of a real day with all kinds of events, and a row in each table."""
    url = f"sqlite:///{tmp_path_factory.mktemp('day')}/old.db"
    restore_old_store(url)
    migrate.upgrade(url)
    with_connection(url, fill)
    return url


@pytest.fixture
def file(day: str, tmp_path: Path) -> Path:
    path = tmp_path / "export.jsonl"
    path.write_bytes(exported(day))
    return path


def test_the_restored_store_exports_the_same_bytes(file: Path, store_url: str) -> None:
    found = restored(store_url, file)
    assert found.records["ticket"] > 10
    assert exported(store_url) == file.read_bytes()


def test_every_kind_of_record_is_in_the_export_with_all_its_parts(file: Path) -> None:
    records = [json.loads(line) for line in file.read_bytes().splitlines()]
    for shape in SHAPES:
        mine = [record for record in records if record["record"] == shape.kind]
        assert mine, shape.kind
        for name in shape.parts:
            assert any(record.get(name) for record in mine), (shape.kind, name)


def test_every_table_is_exported_or_left_out_for_a_reason() -> None:
    exported = {table for shape in SHAPES for table in tables(shape)}
    assert exported.isdisjoint(LEFT_OUT)
    assert exported | LEFT_OUT.keys() == set(metadata.sorted_tables)


def test_no_part_has_the_name_of_a_column() -> None:
    for shape in SHAPES:
        assert shape.parts.keys().isdisjoint({"record", *shape.table.c.keys()})


@pytest.mark.parametrize("table", [installation, sessions, api_tokens])
def test_what_proves_who_somebody_is_stays_behind(day: str, file: Path, table: Any) -> None:
    secret = "s3cret-value"
    column = next(name for name in ("value", "digest") if name in table.c)
    with_connection(day, lambda c: c.execute(update(table).values({column: secret})))
    assert secret.encode() not in exported(day)


def test_mail_that_waits_to_be_sent_stays_behind_and_is_counted(day: str, file: Path) -> None:
    waits = (outbox.c.state == "sent", outbox.c.id.not_in(select(channel_messages.c.outbox_id)))
    number = with_connection(day, lambda c: c.scalar(select(outbox.c.id).where(*waits).limit(1)))
    before = export_of(day)[1]
    with_connection(day, lambda c: c.execute(update(outbox).where(outbox.c.id == number).values(state="due")))
    try:
        found = export_of(day)[1]
    finally:
        back = update(outbox).where(outbox.c.id == number).values(state="sent")
        with_connection(day, lambda c: c.execute(back))
    assert found.waiting == before.waiting + 1
    assert found.records["sent"] == before.records["sent"] - 1


def test_new_messages_get_ids_behind_the_restored_ones(file: Path, store_url: str) -> None:
    restored(store_url, file)

    def add(connection: Any) -> tuple[int, int]:
        last = connection.scalar(select(func.max(messages.c.id)))
        values = row_of(connection, messages) | {"ticket": connection.scalar(select(tickets.c.number))}
        return last, connection.execute(insert(messages).values(values)).inserted_primary_key[0]

    last, new = with_connection(store_url, add)
    assert new > last


def test_since_a_moment_there_are_whole_tickets_and_their_export_is_restored(
    day: str, store_url: str, tmp_path: Path
) -> None:
    opened = with_connection(day, lambda c: c.scalars(select(tickets.c.opened_at)).all())
    since = sorted(opened)[-3]
    part = exported(day, since)
    whole = [json.loads(line) for line in exported(day).splitlines()]
    mine = [json.loads(line) for line in part.splitlines()]
    found = [record for record in mine if record["record"] == "ticket"]
    assert 3 <= len(found) < sum(record["record"] == "ticket" for record in whole)
    assert all(record in whole for record in found)
    path = tmp_path / "part.jsonl"
    path.write_bytes(part)
    restored(store_url, path)
    assert exported(store_url).splitlines()[1:-1] == part.splitlines()[1:-1]


def test_a_dry_run_leaves_the_store_empty(file: Path, store_url: str) -> None:
    assert restored(store_url, file, dry_run=True).records["ticket"] > 10
    assert with_connection(store_url, lambda c: c.scalar(select(func.count()).select_from(tickets))) == 0


def test_an_import_that_breaks_off_leaves_the_store_empty(file: Path, store_url: str) -> None:
    def broken(records: Iterable[Record], total: int, _label: str) -> Iterable[Record]:
        for place, record in enumerate(records):
            if place == total - 2:
                raise KeyboardInterrupt
            yield record

    with pytest.raises(KeyboardInterrupt):
        jsonl.restore(store_url, file, broken)
    assert with_connection(store_url, lambda c: c.scalar(select(func.count()).select_from(tickets))) == 0
    restored(store_url, file)
    assert exported(store_url) == file.read_bytes()


def test_a_store_with_tickets_is_left_alone(file: Path, store_url: str) -> None:
    restored(store_url, file)
    with pytest.raises(move.MoveRefused, match="not empty"):
        restored(store_url, file)
    assert exported(store_url) == file.read_bytes()


# --- files that are not what was exported -----------------------------------------------------------------


def changed(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> Path:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    return path


def first_of(lines: list[bytes], kind: str) -> int:
    return next(i for i, line in enumerate(lines) if line.startswith(b'{"record":"' + kind.encode()))


def with_record(path: Path, kind: str, **values: Any) -> tuple[Path, int]:
    """Change values of the first record of a kind. Return its line, too."""
    lines = path.read_bytes().splitlines(keepends=True)
    place = first_of(lines, kind)
    lines[place] = json.dumps(json.loads(lines[place]) | values).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    return path, place + 1


@pytest.mark.parametrize("lines", [1, 2, 20])
def test_a_file_that_was_cut_off_is_refused(file: Path, tmp_path: Path, lines: int) -> None:
    changed(file, lambda all_lines: all_lines[:-lines])
    assert_refused(file, tmp_path, r"export\.jsonl: the last line is not that of an export")


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [*lines[:5], *lines[6:]],
        lambda lines: [*lines[:5], lines[5], *lines[5:]],
        lambda lines: [*lines[:-1], lines[-1].replace(b'"sha256":"', b'"sha256":"0')],
    ],
)
def test_lines_that_were_taken_out_or_added_are_noticed(file: Path, tmp_path: Path, change: Any) -> None:
    assert_refused(changed(file, change), tmp_path, r"export\.jsonl:\d+: ")


def test_a_changed_ticket_is_noticed(file: Path, tmp_path: Path) -> None:
    path, _ = with_record(file, "ticket", subject="changed later")
    assert_refused(path, tmp_path, "the lines are not those that were exported")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"opened_at": "yesterday"}, "opened_at must be a moment"),
        ({"opened_at": "9999-12-31T23:59:59"}, "opened_at must be a moment"),
        ({"opened_at": None}, "opened_at is missing"),
        ({"escalated": True}, "escalated must be a whole number"),
        ({"escalated": 1 << 70}, "escalated must be a whole number"),
        ({"subject": 7}, "subject must be a text"),
        ({"turn": ["ours"]}, "turn must be one of"),
        ({"proven": 1}, "proven must be true or false"),
        ({"hovercraft": "eels"}, "hovercraft is unknown"),
        ({"events": 1, "messages": "none"}, "messages must be a list of objects"),
        ({"participants": [{"address": "a@b.example"}]}, r"participants\[0\]: role is missing"),
        ({"deadline": [1]}, "deadline must be an object"),
    ],
)
def test_a_value_that_no_ticket_has_is_named_with_its_line(
    file: Path, tmp_path: Path, values: dict[str, Any], reason: str
) -> None:
    path, line = with_record(file, "ticket", **values)
    assert_refused(path, tmp_path, rf"export\.jsonl:{line}: {reason}")


def test_base64_that_is_none_is_named(file: Path, tmp_path: Path) -> None:
    path, line = with_record(file, "file", content="%%%")
    assert_refused(path, tmp_path, rf":{line}: content must be base64")


def test_a_row_that_the_store_refuses_is_named_by_its_line(file: Path, store_url: str) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    place = first_of(lines, "ticket")
    changed(file, lambda lines: [*lines[: place + 1], lines[place], *lines[place + 1 :]])
    with pytest.raises(Unreadable, match=rf":{place + 2}: the store refuses a row of tickets"):
        restored(store_url, file)
    assert with_connection(store_url, lambda c: c.scalar(select(func.count()).select_from(tickets))) == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\xff\xfe\n", "the line is no JSON"),
        (b"[" * 100_000 + b"\n", "the line is no JSON"),
        (b"[1]\n", "the line is no JSON object"),
        (b'{"record":"session","digest":"x"}\n', "session is no kind of record"),
        (b'{"record":"\\u001b[31m"}\n', "this is no kind of record"),
        (b'{"record":7}\n', "this is no kind of record"),
        (b'{"record":"policy"}\n', "a policy stands behind a cause_action"),
    ],
)
def test_a_line_that_is_no_record_is_named(file: Path, tmp_path: Path, line: bytes, reason: str) -> None:
    changed(file, lambda lines: [*lines[:-1], line, lines[-1]])
    assert_refused(file, tmp_path, reason)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b'{"record":"ticket"}\n', "this is no export of mailbot"),
        (b'{"record":"header","format":"zammad","version":1}\n', "this is no export of mailbot"),
        (b'{"record":"header","format":"mailbot","version":2}\n', "the export has version 2"),
    ],
)
def test_the_header_of_another_export_is_refused(
    file: Path, tmp_path: Path, header: bytes, reason: str
) -> None:
    assert_refused(changed(file, lambda lines: [header, *lines[1:]]), tmp_path, reason)


def assert_refused(path: Path, folder: Path, reason: str) -> None:
    url = f"sqlite:///{folder}/new.db"
    with pytest.raises(Unreadable, match=reason):
        restored(url, path)
    assert with_connection(url, lambda c: c.scalar(select(func.count()).select_from(tickets))) == 0
