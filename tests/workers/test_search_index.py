"""The worker that fills the index: behind the mail, resumable, and rid of what was deleted."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from mailbot.domain.search.query import parse
from mailbot.store.retention.compact import compact
from mailbot.store.schema import messages, search_state
from mailbot.store.search import index, merging
from mailbot.store.search.find import PageRequest, search
from mailbot.store.store import Store
from mailbot.workers.search_index import FOLLOWER, IDLE, SearchIndex
from tests.store.test_search import add, find, number, write
from tests.workers.test_intake import Desk


async def settle(worker: SearchIndex) -> None:
    while await worker.run_once() != IDLE:
        pass


async def test_mail_is_found_by_its_words_after_a_turn_of_the_worker(store: Store) -> None:
    desk = Desk(store)
    ticket = await desk.receive()
    await settle(SearchIndex(desk.deps))

    page = store.read_now(search, parse("pesan", desk.clock), PageRequest(), desk.clock)
    assert [each.listed.ticket.number for each in page.found] == [ticket.number]
    assert store.read_now(index.waiting) == 0


async def test_many_messages_are_indexed_turn_by_turn_and_a_new_worker_goes_on(store: Store) -> None:
    add(store, 1, *(f"pesanan {n}" for n in range(45)))
    first = SearchIndex(Desk(store).deps)
    await first.run_once()
    done = store.read_now(index.mark)
    await settle(SearchIndex(Desk(store).deps))  # after a restart

    assert 0 < done < store.read_now(index.mark)
    assert store.read_now(index.waiting) == 0
    assert find(store, "pesanan") == [number(1)]


async def test_what_was_moved_or_changed_is_read_again(store: Store) -> None:
    worker = SearchIndex(Desk(store).deps)
    add(store, 1, "saldo")
    add(store, 2)
    await settle(worker)
    with store.engine.begin() as connection:
        connection.execute(update(messages).values(ticket=number(2), visible="refund"))
    await settle(worker)

    assert (find(store, "saldo"), find(store, "refund")) == ([], [number(2)])
    assert not store.read_now(index.queued)


async def test_a_worker_leaves_the_index_to_a_node_that_holds_it(store: Store) -> None:
    if store.sqlite:
        pytest.skip("one daemon has the file")
    add(store, 1, "saldo")
    worker = SearchIndex(Desk(store).deps)
    await worker.run_once()
    write(store, number(1), "refund")
    with store.engine.begin() as other:
        other.execute(update(search_state).values(value=search_state.c.value))
        assert await worker.run_once() == FOLLOWER
    await settle(worker)
    assert find(store, "refund") == [number(1)]


async def test_an_index_of_another_version_is_made_anew(store: Store) -> None:
    add(store, 1, "saldo")
    worker = SearchIndex(Desk(store).deps)
    await settle(worker)
    with store.engine.begin() as connection:
        connection.execute(update(search_state).where(search_state.c.key == "version").values(value=0))
    await settle(worker)

    assert find(store, "saldo") == [number(1)]
    assert store.read_now(index.is_current)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_words_of_deleted_messages_leave_the_index_a_little_at_a_time(store: Store) -> None:
    worker = SearchIndex(Desk(store).deps, merge_every=0)
    for n in range(1, 8):
        add(store, n, "kwarsa zamrudrahasia" if n == 3 else "kwarsa")
        await settle(worker)
    with store.engine.begin() as connection:
        connection.execute(delete(messages).where(messages.c.ticket == number(3)))
    assert b"zamrud" in words_in(store)
    assert store.read_now(merging.removed) == 1
    await settle(worker)

    assert store.read_now(merging.removed) == 0
    assert b"zamrud" not in words_in(store)
    assert len(find(store, "kwarsa")) == 6


def words_in(store: Store) -> bytes:
    """Return the blobs in which FTS5 keeps its words."""
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT block FROM search_words_data").scalars()
        return b"".join(bytes(row) for row in rows)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_after_a_compaction_no_byte_of_a_deleted_message_is_in_the_file(
    store: Store, tmp_path: Path
) -> None:
    worker = SearchIndex(Desk(store).deps)
    add(store, 1, "kwarsa zamrudrahasia biasa", subject="pirusrahasia")
    add(store, 2, "kwarsa biasa")
    await settle(worker)
    with store.engine.begin() as connection:
        connection.execute(delete(messages).where(messages.c.ticket == number(1)))
        connection.exec_driver_sql("UPDATE tickets SET subject = '' WHERE number = ?", (number(1),))
    store.close()
    path = tmp_path / "mailbot.db"
    compact(path)

    content = path.read_bytes()
    assert b"kwarsa" in content
    assert b"zamrud" not in content
    assert b"pirus" not in content


async def test_a_search_of_old_mail_works_while_the_index_is_filled(store: Store) -> None:
    add(store, 1, *("lama" for _ in range(80)))
    worker = SearchIndex(Desk(store).deps)
    await worker.run_once()
    page = store.read_now(
        search, parse("lama", Desk(store).clock), PageRequest(), Desk(store).clock + timedelta(1)
    )

    assert [each.listed.ticket.number for each in page.found] == [number(1)]
    assert page.not_indexed == 80 - store.read_now(index.mark) - 60
