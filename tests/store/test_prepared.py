"""Statements run on the driver's cursor: the same rows and the same errors as with SQLAlchemy's `execute`."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from mailbot.domain.model import InboxState
from mailbot.errors import StoreUnavailable
from mailbot.store.database.errors import translating
from mailbot.store.database.prepared import Prepared, PreparedList
from mailbot.store.schema import inbox
from mailbot.store.store import Store

AT = datetime(2026, 11, 28, 9, 30, 15, 123456, tzinfo=UTC)
ROWS = [
    {"fingerprint": f"f{n}", "state": state, "received_at": AT, "sender": "ani@example.id",
     "recipients": ["halo@toko.example", "é\u2028'\""], "peer": "192.0.2.7", "size": n}
    for n, state in enumerate(InboxState)
]  # fmt: skip
ADD = Prepared(lambda dialect: insert(inbox), list(ROWS[0]))
PARK = Prepared(
    lambda dialect: (
        update(inbox)
        .where(inbox.c.fingerprint == bindparam("b_fingerprint"), inbox.c.size + 1 > 1)
        .values(state=InboxState.PARKED, reason=None, ticket=bindparam("b_ticket"), claimed_at=AT)
        .returning(inbox.c.state, inbox.c.recipients, inbox.c.claimed_at, inbox.c.ticket)
    )
)


@pytest.mark.parametrize("count", [1, 3])
def test_prepared_rows_read_back_like_those_of_sqlalchemy(store: Store, count: int) -> None:
    columns = [inbox.c[name] for name in ROWS[0]]
    with store.engine.connect() as connection:
        connection.execute(insert(inbox), ROWS[:count])
        wanted = connection.execute(select(*columns).order_by(inbox.c.id)).all()
        connection.rollback()
        assert ADD.run(connection, ROWS[:count]) == count
        assert connection.execute(select(*columns).order_by(inbox.c.id)).all() == wanted


def test_a_result_is_converted_and_constants_stay_in_the_statement(store: Store) -> None:
    with store.engine.connect() as connection:
        ADD.run(connection, ROWS)
        found = PARK.fetch(connection, {"b_fingerprint": "f1", "b_ticket": "T-1"})
        assert found == [(InboxState.PARKED, ROWS[1]["recipients"], AT, "T-1")]
        assert PARK.fetch(connection, {"b_fingerprint": "none", "b_ticket": "T-1"}) == []


def test_a_prepared_statement_belongs_to_the_transaction(store: Store) -> None:
    with store.engine.connect() as connection:
        ADD.run(connection, ROWS)
        assert connection.in_transaction()
        connection.rollback()
        assert connection.execute(select(inbox.c.id)).all() == []


@pytest.mark.parametrize("rows", [ROWS[:1], ROWS])
def test_a_second_row_with_the_same_key_is_an_integrity_error(
    store: Store, rows: list[dict[str, object]]
) -> None:
    with store.engine.connect() as connection:
        ADD.run(connection, ROWS[:1])
        with pytest.raises(IntegrityError, match="INSERT INTO inbox") as raised:
            ADD.run(connection, rows)
        assert "ani@example.id" not in str(raised.value)  # customer text has no place in errors


@pytest.mark.parametrize("count", [1, 2])
def test_a_value_that_no_column_can_hold_fails_as_it_does_with_sqlalchemy(store: Store, count: int) -> None:
    rows = [{**ROWS[0], "sender": "\ud800"}] * count
    with store.engine.connect() as connection:
        with pytest.raises(Exception) as wanted:  # noqa: PT011  (the drivers' classes differ)
            connection.execute(insert(inbox), rows)
        connection.rollback()
        with pytest.raises(type(wanted.value)):
            ADD.run(connection, rows)


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("at_once", [1, 2])
def test_a_connection_that_broke_is_invalidated(store_url: str, at_once: int) -> None:
    store = Store(store_url)
    try:
        with store.engine.connect() as connection, store.engine.connect() as other:
            own = connection.scalar(text("SELECT pg_backend_pid()"))
            other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
            with pytest.raises(StoreUnavailable), translating():
                ADD.run(connection, ROWS[:at_once])
            assert connection.invalidated
    finally:
        store.close()


BY_FINGERPRINT = PreparedList(
    lambda listed: (
        select(inbox.c.fingerprint, inbox.c.received_at)
        .where(inbox.c.fingerprint.in_(listed), inbox.c.size < bindparam("most"))
        .order_by(inbox.c.fingerprint)
    )
)


@pytest.mark.parametrize("asked", [0, 1, 2, 3, 5, 256, 257, 900])
def test_a_list_of_any_length_finds_each_row_once(store: Store, asked: int) -> None:
    rows = [{**ROWS[0], "fingerprint": f"f{n:03}", "size": n} for n in range(700)]
    listed = [f"f{n:03}" for n in range(0, 2 * asked, 2)]
    with store.engine.connect() as connection:
        ADD.run(connection, rows)
        found = BY_FINGERPRINT.fetch(connection, listed, {"most": 690})
    assert found == [(each, AT) for each in listed if int(each[1:]) < 690]


def test_listeners_see_prepared_statements_too(store: Store) -> None:
    seen: list[tuple[str, bool]] = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: seen.append((args[2][:6], args[5])))
    with store.engine.connect() as connection:
        ADD.run(connection, ROWS)
        BY_FINGERPRINT.fetch(connection, ["f0"], {"most": 1})
    assert [each for each in seen if not each[0].startswith("BEGIN")] == [("INSERT", True), ("SELECT", False)]


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_a_connection_that_was_closed_on_our_side_is_the_stores_trouble(store_url: str) -> None:
    store = Store(store_url)
    try:
        with store.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            driver: Any = connection.connection.driver_connection
            driver.close()
            with pytest.raises(StoreUnavailable), translating():
                ADD.run(connection, ROWS[:1])
            assert connection.invalidated
    finally:
        store.close()
