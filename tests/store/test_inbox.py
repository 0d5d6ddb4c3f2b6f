"""Raw mail: kept once, claimed by one, never lost."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mailbot.store import inbox
from mailbot.store.inbox import Claim, ClaimLost, Done, Receipt, ReceivedMail, Unhandled
from mailbot.store.schema import inbox as inbox_table
from mailbot.store.schema import nodes as nodes_table
from mailbot.store.schema import raw_mails
from mailbot.store.service import nodes
from mailbot.store.store import Store
from tests.builders import NOW, envelope


def kept(mark: str, raw: bytes = b"Subject: x\r\n\r\n") -> ReceivedMail:
    return ReceivedMail(mark, envelope(), raw)


def state(store: Store, id_: int) -> tuple[str, int, str | None]:
    row = store.read_now(lambda c: c.execute(select(inbox_table).where(inbox_table.c.id == id_)).one())
    return row.state, row.attempts, row.reason


def node(name: str) -> nodes.Node:
    return nodes.Node(name, "host", 1, "intake", NOW, "v1")


def test_a_mail_is_kept_with_its_bytes_and_envelope(store: Store) -> None:
    receipt = store.write_now(inbox.keep, kept("m1", b"\x00\xff raw"))
    (claimed,) = store.write_now(inbox.claim, Claim("n1", 10))

    assert claimed.inbox_id == receipt.inbox_id
    assert (claimed.raw, claimed.envelope, claimed.attempts) == (b"\x00\xff raw", envelope(), 0)


def test_the_same_mail_sent_again_is_kept_once(store: Store) -> None:
    first = store.write_now(inbox.keep, kept("m1"))
    again = store.write_now(inbox.keep, kept("m1"))

    assert again == Receipt(first.inbox_id, known=True)


def test_copies_in_one_group_share_one_entry_and_others_get_their_own(store: Store) -> None:
    old = store.write_now(inbox.keep, kept("old"))
    with store.engine.begin() as connection:
        a, b, same, known = inbox.keep(connection, [kept("a"), kept("b"), kept("a"), kept("old")])

    assert (a.known, b.known, same.known, known.known) == (False, False, True, True)
    assert (same.inbox_id, known.inbox_id) == (a.inbox_id, old.inbox_id)
    assert a.inbox_id != b.inbox_id
    bodies = store.read_now(lambda c: c.execute(select(raw_mails.c.inbox_id)).all())
    assert len(bodies) == 3


def test_two_nodes_never_claim_the_same_mail(store: Store) -> None:
    for n in range(10):
        store.write_now(inbox.keep, kept(f"m{n}"))
    first = store.write_now(inbox.claim, Claim("n1", 6))
    second = store.write_now(inbox.claim, Claim("n2", 6))

    ids = [mail.inbox_id for mail in (*first, *second)]
    assert (len(first), len(second)) == (6, 4)
    assert ids == sorted(set(ids))


def test_on_postgresql_a_claim_does_not_wait_for_another_under_way(store: Store) -> None:
    if store.sqlite:
        pytest.skip("SQLite has one writer at a time")
    for n in range(4):
        store.write_now(inbox.keep, kept(f"m{n}"))
    with store.engine.begin() as one, store.engine.begin() as other:
        (mine,) = inbox.claim(one, [Claim("n1", 2)])
        (theirs,) = inbox.claim(other, [Claim("n2", 4)])

    assert {mail.inbox_id for mail in mine}.isdisjoint(mail.inbox_id for mail in theirs)
    assert len(theirs) == 2


def test_a_mail_without_a_claim_can_not_be_settled(store: Store) -> None:
    receipt = store.write_now(inbox.keep, kept("m1"))
    store.write_now(inbox.claim, Claim("n1", 1))
    with pytest.raises(ClaimLost), store.engine.begin() as connection:
        inbox.mark_done(connection, [Done(receipt.inbox_id, "n2", "TOKO-1")])

    assert state(store, receipt.inbox_id)[0] == "new"


def test_several_mails_are_settled_together(store: Store) -> None:
    ids = [store.write_now(inbox.keep, kept(f"m{n}")).inbox_id for n in range(3)]
    store.write_now(inbox.claim, Claim("n1", 3))
    with store.engine.begin() as connection:
        inbox.mark_done(connection, [Done(id_, "n1", "TOKO-1") for id_ in ids])

    assert {state(store, id_)[0] for id_ in ids} == {"done"}


def test_a_parked_mail_has_its_reason_and_comes_back_when_retried(store: Store) -> None:
    receipt = store.write_now(inbox.keep, kept("m1"))
    store.write_now(inbox.claim, Claim("n1", 1))
    assert store.write_now(inbox.park, Unhandled(receipt.inbox_id, "ValueError: no", "n2")) is False
    assert store.write_now(inbox.park, Unhandled(receipt.inbox_id, "ValueError: no", "n1")) is True
    assert state(store, receipt.inbox_id) == ("parked", 0, "ValueError: no")
    assert store.write_now(inbox.claim, Claim("n1", 1)) == []

    assert store.write_now(inbox.retry, receipt.inbox_id) is True
    assert store.write_now(inbox.retry, receipt.inbox_id) is False
    assert len(store.write_now(inbox.claim, Claim("n1", 1))) == 1


def grow_old(store: Store, name: str) -> None:
    old = update(nodes_table).where(nodes_table.c.id == name).values(seen_at=NOW - timedelta(days=999))
    with store.engine.begin() as connection:
        connection.execute(old)


def test_what_a_dead_node_held_comes_free_and_a_third_death_parks_it(store: Store) -> None:
    receipt = store.write_now(inbox.keep, kept("m1"))
    store.write_now(nodes.register, node("alive"))
    for attempts in (1, 2, 3):
        store.write_now(nodes.register, node(f"dead{attempts}"))
        assert len(store.write_now(inbox.claim, Claim(f"dead{attempts}", 1, (0, 1, 2)))) == 1
        grow_old(store, f"dead{attempts}")
        assert store.write_now(nodes.record_heartbeat, nodes.Beat(node("alive"))) == 1

    assert state(store, receipt.inbox_id) == ("parked", 3, "3 workers died while handling it")


def test_a_living_nodes_claims_are_left_alone(store: Store) -> None:
    store.write_now(inbox.keep, kept("m1"))
    for name in ("a", "b"):
        store.write_now(nodes.register, node(name))
    store.write_now(inbox.claim, Claim("a", 1))

    assert store.write_now(nodes.record_heartbeat, nodes.Beat(node("b"))) == 0


def test_the_claim_walks_the_index_of_waiting_mails_only(store: Store) -> None:
    if not store.sqlite:
        pytest.skip("asks SQLite's planner")
    seen: list[str] = []

    def look(connection: object) -> None:
        from sqlalchemy import event

        event.listen(store.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))

    look(None)
    store.write_now(inbox.claim, Claim("n1", 5))
    (query,) = [text for text in seen if text.startswith("SELECT")]
    plan = store.read_now(lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (0, 5, 0)).all())

    assert "ix_inbox_new" in str(plan)


def test_a_claim_takes_so_many_bytes_or_a_single_mail(store: Store) -> None:
    sizes = (10, 9_000_000, 8_000_000, 20_000_000, 10)
    for number, size in enumerate(sizes):
        store.write_now(inbox.keep, kept(f"m{number}", b"x" * size))

    claims = [store.write_now(inbox.claim, Claim("n1", 50)) for _ in range(4)]

    assert [[len(mail.raw) for mail in claimed] for claimed in claims] == [
        [10, 9_000_000],
        [8_000_000],
        [20_000_000],
        [10],
    ]
    assert [claimed[0].more_wait for claimed in claims] == [True, True, True, False]
