"""How many statements a new mail costs: each of them is paid by every mail."""

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event

from mailbot.store.store import Store
from tests.workers.test_customer_history import ELSE, KNOWN
from tests.workers.test_intake import Desk


@pytest.fixture
def statements(store: Store) -> list[str]:
    """List what SQLite runs: also prepared statements, of which SQLAlchemy's events know nothing."""
    run: list[str] = []

    def listen(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(lambda sql: run.append(" ".join(sql.split()[:3])))

    event.listen(store.engine, "checkout", listen)
    return run


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_new_mail_reads_little_and_writes_each_row_once(store: Store, statements: list[str]) -> None:
    desk = Desk(store, rules=(KNOWN, ELSE))
    await desk.receive(sender="siti@pelanggan.example")
    await desk.keep()
    statements.clear()
    await desk.work()

    counted = Counter(
        each for each in statements if each.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")
    )
    inserts = {each.split()[2]: count for each, count in counted.items() if each.startswith("INSERT")}
    events = inserts.pop("events")
    assert inserts == {
        "tickets": 1,
        "participants": 1,
        "messages": 1,
        "deadlines": 1,
        "outbox": 2,
        "frozen_mails": 2,  # the acknowledgement and the agent's notice
    }
    assert events <= 6
    assert sum(count for each, count in counted.items() if each.startswith("SELECT")) <= 5
    assert sum(count for each, count in counted.items() if each.startswith(("UPDATE", "DELETE"))) <= 2
