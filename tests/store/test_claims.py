"""Promise P18: nothing is owned by nobody, whatever the reply to a commit was."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, select, update

from mailbot.errors import StoreUnavailable
from mailbot.store import inbox, outbox, outbox_queries
from mailbot.store.outbox import FinalDot
from mailbot.store.schema import inbox as inbox_table
from mailbot.store.schema import nodes as nodes_table
from mailbot.store.schema import outbox as outbox_table
from mailbot.store.service import claims, nodes
from mailbot.store.service.claims import Claims, Held, StuckClaims
from mailbot.store.store import Store
from tests.builders import NOW
from tests.shaky_store import ShakyStore
from tests.store.test_inbox import kept, node
from tests.store.test_outbox import claim, due_mail, enqueue_mail

CLEAR = StuckClaims(0, 0)


def mails(store: Store, count: int) -> list[int]:
    return [store.write_now(inbox.keep, kept(f"m{n}")).inbox_id for n in range(count)]


def owners(store: Store, table: Table) -> list[str | None]:
    query = select(table.c.claimed_by).order_by(table.c.id)
    return list(store.read_now(lambda c: c.scalars(query).all()))


def age(store: Store, table: Table, column: str, span: timedelta) -> None:
    at = store.read_now(nodes.database_time) - span
    with store.engine.begin() as connection:
        connection.execute(update(table).values({column: at}))


def attempts(store: Store) -> list[int]:
    return list(store.read_now(lambda c: c.scalars(select(inbox_table.c.attempts)).all()))


async def test_what_is_claimed_and_not_in_hand_comes_free_in_doubt(store: Store) -> None:
    first, *rest = mails(store, 3)
    store.write_now(inbox.claim, inbox.Claim("n1", 10))
    checked = Claims(store, "n1", inbox.release_unheld, lambda: 0.0)
    assert await checked.check((first,)) == 0  # neither doubt nor time for it
    checked.doubt()
    assert await checked.check((first,)) == 2
    assert await checked.check(()) == 0

    assert owners(store, inbox_table) == ["n1", None, None]
    assert attempts(store) == [0, 0, 0]
    assert [each.inbox_id for each in store.write_now(inbox.claim, inbox.Claim("n2", 9))] == rest


async def test_without_doubt_it_is_checked_every_ten_seconds(store: Store) -> None:
    mails(store, 1)
    now = 0.0
    checked = Claims(store, "n1", inbox.release_unheld, lambda: now)
    store.write_now(inbox.claim, inbox.Claim("n1", 10))
    now = 9.9
    assert await checked.check(()) == 0
    now = 10.0
    assert await checked.check(()) == 1


async def test_a_check_that_fails_is_made_again(store: Store) -> None:
    mails(store, 1)
    store.write_now(inbox.claim, inbox.Claim("n1", 10))
    shaky: Any = ShakyStore(store, "release_unheld")
    checked = Claims(shaky, "n1", inbox.release_unheld, lambda: 0.0)
    checked.doubt()
    with pytest.raises(StoreUnavailable):
        await checked.check(())
    assert await checked.check(()) == 1


def test_a_mail_that_our_own_fault_lost_is_tried_alone_and_parked_in_the_end(store: Store) -> None:
    mails(store, 1)
    for attempt in range(3):
        store.write_now(inbox.claim, inbox.Claim("n1", 1, (attempt,)))
        assert store.write_now(inbox.release_unheld, Held("n1", (), failed=True)) == 1

    [(state, owner)] = store.read_now(
        lambda c: c.execute(select(inbox_table.c.state, inbox_table.c.claimed_by)).all()
    )
    assert (state, owner) == ("parked", None)


def test_mail_at_the_dot_that_is_not_in_hand_counts_as_unknown(store: Store) -> None:
    enqueue_mail(store, due_mail(1), due_mail(2), due_mail(3))
    held, sending, dot = claim(store, "n1")
    store.write_now(outbox.mark_dot, FinalDot(dot.id, "n1", NOW))

    assert store.write_now(outbox.release_unheld, Held("n1", (held.id,))) == 2
    found = {each.id: each for each in store.read_now(outbox_queries.list_entries)}
    assert [found[each.id].state for each in (held, sending, dot)] == ["sending", "due", "due"]
    assert [found[each.id].unknown for each in (held, sending, dot)] == [0, 0, 1]


def test_a_mail_whose_result_is_still_being_written_is_not_claimed(store: Store) -> None:
    enqueue_mail(store, due_mail(1), due_mail(2))
    (one,) = store.write_now(outbox.claim, outbox.Claim("n1", 9, NOW, excluded=(1,)))
    assert one.id == 2


@pytest.mark.parametrize("table", [inbox_table, outbox_table], ids=["inbox", "outbox"])
def test_a_node_that_leaves_releases_what_it_holds_and_blames_no_mail(store: Store, table: Table) -> None:
    store.write_now(nodes.register, node("n1"))
    mails(store, 1)
    enqueue_mail(store, due_mail(1))
    store.write_now(inbox.claim, inbox.Claim("n1", 1))
    claim(store, "n1")

    store.write_now(nodes.remove, "n1")
    assert owners(store, table) == [None]
    assert attempts(store) == [0]


@pytest.mark.parametrize("table", [inbox_table, outbox_table], ids=["inbox", "outbox"])
def test_what_a_node_claimed_that_nobody_knows_is_released_by_any_heartbeat(
    store: Store, table: Table
) -> None:
    store.write_now(nodes.register, node("alive"))
    mails(store, 2)
    enqueue_mail(store, due_mail(1), due_mail(2))
    for name in ("alive", "gone"):
        store.write_now(inbox.claim, inbox.Claim(name, 1))
        claim(store, name, limit=1)

    assert store.write_now(nodes.record_heartbeat, nodes.Beat(node("alive"))) == 2
    assert owners(store, table) == ["alive", None]


def test_a_node_that_was_taken_for_dead_registers_again(store: Store) -> None:
    for name in ("frozen", "other"):
        store.write_now(nodes.register, node(name))
    mails(store, 1)
    store.write_now(inbox.claim, inbox.Claim("frozen", 1))
    with store.engine.begin() as connection:
        old = store.read_now(nodes.database_time) - timedelta(minutes=2)
        connection.execute(update(nodes_table).where(nodes_table.c.id == "frozen").values(seen_at=old))
    assert store.write_now(nodes.record_heartbeat, nodes.Beat(node("other"))) == 1
    assert store.write_now(nodes.record_heartbeat, nodes.Beat(node("frozen"))) == 0

    store.write_now(inbox.claim, inbox.Claim("frozen", 1, (0, 1)))
    assert store.write_now(nodes.record_heartbeat, nodes.Beat(node("other"))) == 0
    assert owners(store, inbox_table) == ["frozen"]


def test_a_claim_is_stuck_when_no_node_has_it_or_its_node_has_not_renewed_it(store: Store) -> None:
    store.write_now(nodes.register, node("n1"))
    mails(store, 2)
    enqueue_mail(store, due_mail(1))
    first, second = store.write_now(inbox.claim, inbox.Claim("n1", 2))
    claim(store, "gone")
    assert store.read_now(claims.count_stuck) == {"inbox": CLEAR, "outbox": StuckClaims(1, 0)}
    age(store, inbox_table, "claimed_at", timedelta(minutes=3))
    assert store.read_now(claims.count_stuck)["inbox"] == StuckClaims(0, 2)

    store.write_now(inbox.release_unheld, Held("n1", (first.inbox_id, second.inbox_id)))
    assert store.read_now(claims.count_stuck)["inbox"] == CLEAR


def test_a_living_claim_can_not_be_retried_and_a_stuck_one_can(store: Store) -> None:
    store.write_now(nodes.register, node("n1"))
    (mail,) = mails(store, 1)
    enqueue_mail(store, due_mail(1), due_mail(2))
    store.write_now(inbox.claim, inbox.Claim("n1", 1))
    sending, dot = claim(store, "n1")
    store.write_now(outbox.mark_dot, FinalDot(dot.id, "n1", NOW))
    retries = [outbox.Retry(each.id, NOW) for each in (sending, dot)]
    assert store.write_now(inbox.retry, mail) is False
    assert [store.write_now(outbox.retry, each) for each in retries] == [False, False]

    age(store, nodes_table, "seen_at", timedelta(minutes=2))
    assert store.write_now(inbox.retry, mail) is True
    assert [store.write_now(outbox.retry, each) for each in retries] == [True, True]
    assert owners(store, inbox_table) + owners(store, outbox_table) == [None] * 3
    assert [each.unknown for each in store.read_now(outbox_queries.list_entries)] == [1, 0]


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_a_row_that_a_foreign_transaction_holds_keeps_no_other_from_coming_free(store: Store) -> None:
    mails(store, 2)
    store.write_now(inbox.claim, inbox.Claim("n1", 2))
    with store.engine.begin() as foreign:
        foreign.execute(select(inbox_table).where(inbox_table.c.id == 1).with_for_update())
        assert store.write_now(inbox.release_unheld, Held("n1", ())) == 1
    assert store.write_now(inbox.release_unheld, Held("n1", ())) == 1
