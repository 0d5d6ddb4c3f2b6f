"""The outbox on both engines: who may send what, and what is known afterwards."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event
from sqlalchemy.exc import IntegrityError

from mailbot.domain.reasons import NO_REASON, of, written
from mailbot.domain.replies.undeliverable import Suppression
from mailbot.store import outbox, outbox_queries, suppressions
from mailbot.store.outbox import (
    AttemptResult,
    Claim,
    Claimed,
    Dropped,
    FinalDot,
    OutboxMail,
    Retry,
    RetryFailed,
    Unsent,
)
from mailbot.store.schema import frozen_mails
from mailbot.store.schema import outbox as outbox_table
from mailbot.store.store import Store

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def due_mail(n: int = 1, **changes: Any) -> OutboxMail:
    values: dict[str, Any] = {
        "nonce": f"nonce{n}",
        "message_id": f"<m{n}@bank.example>",
        "ticket": f"TOKO-{n}",
        "kind": "team",
        "lane": 2,
        "sender": "support@bank.example",
        "recipient": f"user{n}@mail.example",
        "content": b"Subject: x\r\n\r\nmail %d\r\n" % n,
        "reason": NO_REASON,
        "requested_at": NOW,
        "due_at": NOW,
    }
    return OutboxMail(**(values | changes))


def enqueue_mail(store: Store, *items: OutboxMail) -> None:
    with store.engine.begin() as connection:
        outbox.enqueue(connection, items)


def claim(store: Store, node: str = "a", limit: int = 100, now: datetime = NOW) -> list[Claimed]:
    return store.write_now(outbox.claim, Claim(node, limit, now))


def settled(row: Claimed, outcome: Any = "sent", **changes: Any) -> AttemptResult:
    values: dict[str, Any] = {"node": "a", "at": NOW, "code": 250, "reply": "OK", "due_at": None}
    return AttemptResult(row.id, outcome=outcome, **(values | changes))


def only(store: Store) -> outbox_queries.Entry:
    (entry,) = store.read_now(outbox_queries.list_entries)
    return entry


def release(store: Store, *nodes: str) -> int:
    with store.engine.begin() as connection:
        return outbox.release(connection, outbox_table.c.claimed_by.in_(nodes))


def test_due_mail_is_claimed_with_its_exact_bytes(store: Store) -> None:
    content = bytes(range(256))
    enqueue_mail(store, due_mail(content=content))
    (row,) = claim(store)
    assert (row.content, row.recipient, row.attempts) == (content, "user1@mail.example", 0)
    assert only(store).state == "sending"
    assert claim(store, "b") == []


def test_acknowledgements_leave_first_and_within_a_lane_the_longest_due(store: Store) -> None:
    minute = timedelta(minutes=1)
    enqueue_mail(
        store,
        due_mail(1, lane=2, due_at=NOW - 9 * minute),
        due_mail(2, lane=0, due_at=NOW - minute),
        due_mail(3, lane=1),
        due_mail(4, lane=0, due_at=NOW - 2 * minute),
        due_mail(5, lane=0, due_at=NOW + minute),
    )
    assert [row.ticket for row in claim(store, limit=3)] == ["TOKO-4", "TOKO-2", "TOKO-3"]
    assert [row.ticket for row in claim(store)] == ["TOKO-1"]
    assert store.read_now(outbox.next_due) == NOW + minute


def test_a_suppressed_mail_is_recorded_with_its_reason_and_never_claimed(store: Store) -> None:
    enqueue_mail(store, due_mail(content=None, reason=of("list_mail", field="List-Id")))
    assert claim(store, now=NOW + timedelta(days=365)) == []
    assert (only(store).state, only(store).reason) == ("suppressed", of("list_mail", field="List-Id"))
    assert store.read_now(outbox.next_due) is None


def test_a_ticket_has_one_acknowledgement_however_it_came_about(store: Store) -> None:
    enqueue_mail(
        store,
        due_mail(
            1,
            ticket="TOKO-1",
            kind="acknowledgement",
            lane=0,
            content=None,
            reason=of("rate_limit", scope="address"),
        ),
    )
    with pytest.raises(IntegrityError):
        enqueue_mail(store, due_mail(2, ticket="TOKO-1", kind="acknowledgement", lane=0))
    enqueue_mail(store, due_mail(3, ticket="TOKO-1"))  # other mail of the ticket is free


@pytest.mark.parametrize("changes", [{"lane": 7}, {"content": None}])
def test_a_mail_that_could_never_leave_is_not_taken(store: Store, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="never leave"):
        enqueue_mail(store, due_mail(**changes))
    assert store.read_now(outbox_queries.list_entries) == []


def test_a_domain_that_has_its_share_leaves_room_for_those_behind_it(store: Store) -> None:
    first = [due_mail(n, recipient=f"u@{'slow' if n < 60 else 'full'}.example") for n in range(70)]
    enqueue_mail(store, *first, *(due_mail(n, recipient=f"u@q{n}.example") for n in range(70, 100)))
    wanted = Claim("a", 20, NOW, quotas={"full.example": 0}, quota=3)
    domains = Counter(row.domain for row in store.write_now(outbox.claim, wanted))
    assert domains.pop("slow.example") == 3
    assert len(domains) == 17
    assert "full.example" not in domains


def test_a_claim_takes_so_many_bytes_and_says_that_more_wait(store: Store) -> None:
    file = b"B" * 1000  # the same for all, kept once
    mails = [due_mail(n, content=b"S: x\r\n\r\n" + file, parts=((8, file),)) for n in range(5)]
    enqueue_mail(store, *mails, due_mail(5, content=b"S: y\r\n\r\n" + b"C" * 5000))

    def taken(size: int) -> list[tuple[int, bool]]:
        rows = store.write_now(outbox.claim, Claim("a", 100, NOW, size=size))
        return [(row.size, row.more_wait) for row in rows]

    assert taken(2500) == [(1008, True)] * 2
    assert taken(0) == [(1008, True)]  # one always may leave
    assert taken(2500) == [(1008, True)] * 2
    assert taken(2500) == [(5008, False)]


def test_the_dot_is_marked_for_its_owner_only_and_only_once(store: Store) -> None:
    enqueue_mail(store, due_mail(1), due_mail(2), due_mail(3))
    first, second, third = claim(store)
    assert store.write_now(outbox.mark_dot, FinalDot(first.id, "b", NOW)) is False
    with store.engine.begin() as connection:
        marks = [FinalDot(first.id, "a", NOW), FinalDot(second.id, "b", NOW), FinalDot(third.id, "a", NOW)]
        assert outbox.mark_dot(connection, marks) == [True, False, True]
    assert store.write_now(outbox.mark_dot, FinalDot(first.id, "a", NOW)) is False
    assert [entry.state for entry in store.read_now(outbox_queries.list_entries)] == ["dot", "sending", "dot"]


def test_a_sent_mail_is_done_with_its_reply_and_one_attempt(store: Store) -> None:
    enqueue_mail(store, due_mail())
    (row,) = claim(store)
    assert store.write_now(
        outbox.record_results, settled(row, reply="2.0.0 queued\r\n\x00 as \x1b[31m" + "A" * 900)
    )
    entry = only(store)
    assert (entry.state, entry.code, entry.attempts, entry.settled_at) == ("sent", 250, 1, NOW)
    assert entry.reply == ("2.0.0 queued  as [31m" + "A" * 900)[:200]
    (attempt,) = store.read_now(outbox_queries.attempts_of, row.id)
    assert (attempt.node, attempt.outcome, attempt.reply) == ("a", "sent", entry.reply)
    assert claim(store, now=NOW + timedelta(days=365)) == []


@pytest.mark.parametrize(("outcome", "unknown"), [("deferred", 0), ("unknown", 1)])
def test_a_deferred_mail_waits_for_its_time_and_comes_again(store: Store, outcome: str, unknown: int) -> None:
    enqueue_mail(store, due_mail())
    (row,) = claim(store)
    store.write_now(outbox.record_results, settled(row, outcome, code=450, due_at=LATER))
    entry = only(store)
    assert (entry.state, entry.attempts, entry.unknown, entry.settled_at) == ("deferred", 1, unknown, None)
    assert claim(store, now=LATER - timedelta(microseconds=1)) == []
    (again,) = claim(store, "b", now=LATER)
    assert (again.content, again.attempts) == (row.content, 1)
    assert [attempt.outcome for attempt in store.read_now(outbox_queries.attempts_of, row.id)] == [outcome]


async def test_results_of_a_group_are_recorded_where_the_claim_still_holds(store: Store) -> None:
    enqueue_mail(store, due_mail(1), due_mail(2), due_mail(3))
    first, second, third = claim(store)
    release(store, "a")
    assert {row.id for row in claim(store, "b", limit=1)} == {first.id}
    assert {row.id for row in claim(store, "a")} == {second.id, third.id}
    with pytest.raises(outbox.ClaimLost), store.engine.begin() as connection:
        outbox.record_results(connection, [settled(row) for row in (first, second, third)])
    # The store falls back to one by one when a group fails.
    block = threading.Event()
    blocker = store.write(_wait_for, block)
    waiting = asyncio.gather(
        blocker, *(store.write(outbox.record_results, settled(r)) for r in (first, second, third))
    )
    await asyncio.sleep(0)
    block.set()
    assert (await waiting)[1:] == [False, True, True]
    states = {entry.id: entry.state for entry in store.read_now(outbox_queries.list_entries)}
    assert states == {first.id: "sending", second.id: "sent", third.id: "sent"}
    assert store.read_now(outbox_queries.attempts_of, first.id) == []


def _wait_for(_connection: Any, blocks: Any) -> list[None]:
    for block in blocks:
        block.wait(5)
    return [None] * len(blocks)


def test_a_held_mail_is_due_again_as_if_nothing_had_been_tried(store: Store) -> None:
    enqueue_mail(store, due_mail(1, due_at=NOW - timedelta(hours=1)), due_mail(2))
    first, second = claim(store)
    store.write_now(outbox.mark_dot, FinalDot(second.id, "a", NOW))
    store.write_now(outbox.give_back, Unsent(first.id, "b"))  # not the owner: no effect
    store.write_now(outbox.give_back, Unsent(first.id, "a"))
    store.write_now(outbox.give_back, Unsent(second.id, "a", LATER))
    newest, oldest = store.read_now(outbox_queries.list_entries)
    assert (oldest.state, oldest.attempts, oldest.due_at) == ("due", 0, NOW - timedelta(hours=1))
    assert (newest.state, newest.attempts, newest.due_at) == ("due", 0, LATER)
    assert [row.id for row in claim(store)] == [first.id]


def test_a_dead_nodes_mail_waits_again_and_mail_at_the_dot_is_unknown(store: Store) -> None:
    enqueue_mail(store, due_mail(1), due_mail(2), due_mail(3))
    (alive,) = claim(store, "alive", limit=1)
    sending, dot = claim(store, "dead")
    store.write_now(outbox.mark_dot, FinalDot(dot.id, "dead", NOW))
    assert release(store, "dead", "other") == 2
    found = {entry.id: entry for entry in store.read_now(outbox_queries.list_entries)}
    assert (found[alive.id].state, found[sending.id].state, found[dot.id].state) == ("sending", "due", "due")
    assert (found[sending.id].unknown, found[dot.id].unknown, found[dot.id].attempts) == (0, 1, 1)
    (attempt,) = store.read_now(outbox_queries.attempts_of, dot.id)
    assert (attempt.outcome, attempt.node, attempt.at) == ("unknown", "dead", NOW)
    assert release(store, "dead") == 0
    # The node was not dead after all: it may neither send nor record anything for these rows.
    assert store.write_now(outbox.mark_dot, FinalDot(sending.id, "dead", NOW)) is False
    assert store.write_now(outbox.record_results, settled(dot, node="dead")) is False


def test_a_mail_whose_sender_dies_at_the_dot_waits_longer_the_second_time_and_fails_the_third(
    store: Store,
) -> None:
    enqueue_mail(store, due_mail())
    at, found = NOW, []
    for _ in range(3):
        (row,) = claim(store, "dead", now=at)
        store.write_now(outbox.mark_dot, FinalDot(row.id, "dead", at))
        release(store, "dead")
        found.append((only(store).state, only(store).due_at - at, only(store).settled_at))
        at = only(store).due_at
    assert found[0] == ("due", timedelta(), None)
    assert found[1] == ("due", outbox.UNKNOWN_PAUSE, None)
    assert (found[2][0], found[2][2]) == ("failed", at)
    assert (only(store).unknown, only(store).attempts, only(store).reply) == (3, 3, outbox.TOO_MANY_UNKNOWN)
    assert len(store.read_now(outbox_queries.attempts_of, row.id)) == 3
    store.write_now(outbox.retry, Retry(row.id, at))  # an operator's word begins again
    assert [row.unknown_in_a_row for row in claim(store, now=at)] == [0]


def test_an_operator_may_retry_what_failed_and_drop_what_waits(store: Store) -> None:
    enqueue_mail(store, due_mail(1), due_mail(2))
    failed, sent = claim(store)
    store.write_now(outbox.record_results, settled(failed, "failed", code=550, reply="no such user"))
    store.write_now(outbox.record_results, settled(sent))
    assert store.write_now(outbox.drop, Dropped(sent.id, written("why not"), NOW)) is False
    assert store.write_now(outbox.retry, Retry(sent.id, NOW)) is False
    assert store.write_now(outbox.retry, Retry(failed.id, LATER)) is True
    (again,) = claim(store, now=LATER)
    assert (again.id, again.attempts) == (failed.id, 0)
    assert store.write_now(outbox.drop, Dropped(failed.id, written("in the air"), NOW)) is False
    store.write_now(outbox.give_back, Unsent(failed.id, "a"))
    assert store.write_now(outbox.drop, Dropped(failed.id, written("wrong address"), LATER)) is True
    entry = store.read_now(outbox_queries.find_entry, failed.id)
    assert entry
    assert (entry.state, entry.reason) == ("suppressed", written("wrong address"))
    assert claim(store, now=NOW + timedelta(days=9)) == []


def test_all_that_failed_since_a_time_is_tried_again_and_its_recipients_get_mail(store: Store) -> None:
    enqueue_mail(
        store, *(due_mail(n, recipient=f"siti@{'surel' if n < 3 else 'pos'}.example") for n in range(4))
    )
    for hours, row in enumerate(claim(store)):
        at = NOW + timedelta(hours=hours)
        store.write_now(outbox.record_results, settled(row, "failed", at=at, code=554))
    since = NOW + timedelta(hours=1)
    bounced = [
        Suppression("siti@surel.example", "bounce", "5.7.1", since, None),
        Suppression("siti@pos.example", "complaint", "spam", since, None),
    ]
    with store.engine.begin() as connection:
        suppressions.add(connection, bounced)
    wanted = RetryFailed(since, "", since)

    assert store.write_now(outbox.retry_failed, replace(wanted, only_count=True)) == (3, 0)
    assert store.write_now(outbox.retry_failed, replace(wanted, domain="surel.example")) == (2, 1)
    assert store.write_now(outbox.retry_failed, wanted) == (1, 0)
    assert Counter(store.read_now(outbox_queries.count_by_state)) == Counter(due=3, failed=1)


def test_two_nodes_never_claim_the_same_mail(store: Store) -> None:
    enqueue_mail(store, *(due_mail(n, lane=n % 3) for n in range(200)))

    def take(node: str) -> list[int]:
        mine: list[int] = []
        while rows := claim(store, node, limit=7):
            mine += [row.id for row in rows]
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(take, "abcd"))
    everything = [id_ for each in taken for id_ in each]
    # SKIP LOCKED may end a turn early while others hold rows; what is left is claimed by the next turn.
    everything += take("e")
    assert sorted(everything) == sorted(set(everything))
    assert len(everything) == 200


def test_a_mail_with_missing_bytes_is_claimed_with_the_others(store: Store) -> None:
    enqueue_mail(store, due_mail(1), due_mail(2))
    with store.engine.begin() as connection:
        connection.execute(delete(frozen_mails).where(frozen_mails.c.nonce == "nonce1"))
    assert [row.content is None for row in claim(store)] == [True, False]


def test_figures_count_pending_mail_and_its_age(store: Store) -> None:
    assert store.read_now(outbox_queries.unsettled) == outbox_queries.Unsettled(
        {"due": 0, "deferred": 0, "sending": 0, "dot": 0}, None
    )
    hour = timedelta(hours=1)
    enqueue_mail(store, *(due_mail(n, requested_at=NOW - n * hour) for n in range(1, 6)))
    one, two, three, _four = claim(store, limit=4)
    store.write_now(outbox.mark_dot, FinalDot(one.id, "a", NOW))
    store.write_now(outbox.record_results, settled(two, "deferred", due_at=LATER))
    store.write_now(outbox.record_results, settled(three))
    figures = store.read_now(outbox_queries.unsettled)
    assert figures.by_state == {"due": 1, "deferred": 1, "sending": 1, "dot": 1}
    assert figures.oldest_at == NOW - 5 * hour
    assert store.read_now(outbox_queries.count_by_state) == figures.by_state | {"sent": 1}
    assert len(store.read_now(lambda c: outbox_queries.list_entries(c, states=("due", "sent")))) == 2
    assert [e.ticket for e in store.read_now(lambda c: outbox_queries.list_entries(c, ticket="TOKO-3"))] == [
        "TOKO-3"
    ]


PLANS: list[tuple[str, Callable[[Any], Any], str]] = [
    ("claim", lambda c: outbox.claim(c, [Claim("a", 5, NOW)]), "ix_outbox_waiting"),
    ("next_due", outbox.next_due, "ix_outbox_waiting"),
    ("release", lambda c: outbox.release(c, outbox_table.c.claimed_by.in_(["a"])), "ix_outbox_under_way"),
]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("name", "operation", "index"), PLANS, ids=[plan[0] for plan in PLANS])
def test_no_hot_operation_reads_what_was_sent_long_ago(
    store: Store, name: str, operation: Callable[[Any], Any], index: str
) -> None:
    statements: list[tuple[str, Any]] = []
    with store.engine.begin() as connection:
        event.listen(connection, "before_cursor_execute", lambda *a: statements.append((a[2], a[3])))
        operation(connection)
        for statement, parameters in [each for each in statements if each[0].startswith("SELECT")]:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            told = "\n".join(row[-1] for row in plan)
            assert index in told
            assert "SCAN outbox" not in told
            assert "TEMP B-TREE" not in told or name == "release"
