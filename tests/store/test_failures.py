"""Mail that did not arrive and addresses that are muted, on both engines."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from mailbot.domain.reasons import NO_REASON, of
from mailbot.domain.replies.undeliverable import Returned, Suppression
from mailbot.store import failures, outbox, outbox_queries, suppressions
from mailbot.store.failures import DeliveryReport
from mailbot.store.outbox import AttemptResult, Claim, Claimed, FinalDot, OutboxMail
from mailbot.store.store import Store

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
BUDI = "budi@pelanggan.example"


def enqueue_mail(store: Store, nonce: str = "n1", **changes: Any) -> None:
    values: dict[str, Any] = {
        "nonce": nonce,
        "message_id": f"<{nonce}@bank.example>",
        "ticket": "TOKO-1",
        "kind": "answer",
        "lane": 1,
        "sender": "support@bank.example",
        "recipient": BUDI,
        "content": b"x",
        "reason": NO_REASON,
        "requested_at": NOW,
        "due_at": NOW,
    }
    with store.engine.begin() as connection:
        outbox.enqueue(connection, [OutboxMail(**(values | changes))])


def claim(store: Store, node: str = "a") -> list[Claimed]:
    return store.write_now(outbox.claim, Claim(node, 100, NOW))


def fail(store: Store, row: Claimed, at: datetime = NOW) -> None:
    assert store.write_now(
        outbox.record_results, AttemptResult(row.id, "a", "failed", at, 550, "5.1.1 nobody")
    )


def come_back(store: Store, id_: int, at: datetime = NOW, *, failed: bool = True) -> None:
    with store.engine.begin() as connection:
        failures.record_reports(
            connection, [DeliveryReport(Returned(id_, "5.1.1", "no such user", failed), "a", at)]
        )


def tell(store: Store, ids: list[int], at: datetime) -> None:
    with store.engine.begin() as connection:
        failures.mark_reported(connection, ids, at)


def untold(store: Store, *among: int) -> list[int]:
    return [each.sent.id for each in store.read_now(failures.unreported, 10, among)]


def test_the_mail_of_a_nonce_is_found_with_what_a_decision_needs(store: Store) -> None:
    enqueue_mail(store, why="new", kind="team")
    found = store.read_now(failures.load_sent, {"n1", "unknown"})

    assert set(found) == {"n1"}
    sent = found["n1"]
    assert (sent.ticket, sent.kind, sent.why, sent.recipient) == ("TOKO-1", "team", "new", BUDI)
    assert (sent.state, sent.told) == ("due", False)


@pytest.mark.parametrize("state", ["sending", "dot", "sent", "deferred"])
def test_a_mail_that_came_back_has_failed_whoever_still_holds_it(store: Store, state: str) -> None:
    enqueue_mail(store)
    (row,) = claim(store)
    if state == "dot":
        store.write_now(outbox.mark_dot, FinalDot(row.id, "a", NOW))
    elif state != "sending":
        store.write_now(outbox.record_results, AttemptResult(row.id, "a", state, NOW, 250, "OK", LATER))  # type: ignore[arg-type]
    come_back(store, row.id, LATER)

    entry = store.read_now(outbox_queries.find_entry, row.id)
    assert entry
    assert (entry.state, entry.reply, entry.settled_at) == ("failed", "5.1.1 no such user", LATER)
    assert store.read_now(outbox_queries.attempts_of, row.id)[-1].outcome == "bounced"
    assert (
        store.write_now(outbox.record_results, AttemptResult(row.id, "a", "sent", LATER, 250, "OK")) is False
    )
    assert store.write_now(outbox.claim, Claim("b", 9, LATER + timedelta(days=1))) == []
    assert untold(store) == []


def test_a_complaint_leaves_the_delivery_as_it_is(store: Store) -> None:
    enqueue_mail(store)
    (row,) = claim(store)
    store.write_now(outbox.record_results, AttemptResult(row.id, "a", "sent", NOW, 250, "OK"))
    come_back(store, row.id, failed=False)

    entry = store.read_now(outbox_queries.find_entry, row.id)
    assert entry
    assert entry.state == "sent"
    assert store.read_now(failures.load_sent, ["n1"])["n1"].told


def test_a_suppressed_mail_stays_suppressed(store: Store) -> None:
    enqueue_mail(store, reason=of("null_sender"))
    id_ = store.read_now(failures.load_sent, ["n1"])["n1"].id
    come_back(store, id_)

    entry = store.read_now(outbox_queries.find_entry, id_)
    assert entry
    assert entry.state == "suppressed"


def test_a_failure_is_pending_until_reported_and_again_after_the_next_failure(store: Store) -> None:
    enqueue_mail(store)
    (row,) = claim(store)
    assert untold(store) == []
    fail(store, row)
    assert untold(store) == untold(store, row.id) == [row.id]
    assert untold(store, row.id + 1) == []

    tell(store, [row.id], NOW)
    assert untold(store) == []
    store.write_now(outbox.retry, outbox.Retry(row.id, NOW))
    assert untold(store) == []
    fail(store, claim(store)[0], LATER)
    assert untold(store) == [row.id]


def test_a_failure_after_the_read_is_not_marked_as_reported(store: Store) -> None:
    enqueue_mail(store)
    (row,) = claim(store)
    fail(store, row, LATER)
    tell(store, [row.id], NOW)

    assert untold(store) == [row.id]


def test_a_report_is_marked_per_ticket_and_recipient(store: Store) -> None:
    enqueue_mail(store, "n1")
    enqueue_mail(store, "n2")
    enqueue_mail(store, "n3", recipient="lain@pelanggan.example")
    enqueue_mail(store, "n4", ticket="TOKO-2")
    come_back(store, store.read_now(failures.load_sent, ["n1"])["n1"].id)

    found = store.read_now(failures.load_sent, ["n1", "n2", "n3", "n4"])
    assert {nonce: each.told for nonce, each in found.items()} == {
        "n1": True,
        "n2": True,
        "n3": False,
        "n4": False,
    }


def _suppression(kind: str = "bounce", address: str = BUDI, **changes: Any) -> Suppression:
    return Suppression(address, kind, **({"reason": "5.1.1", "since": NOW, "until": None} | changes))


def put(store: Store, *found: Suppression) -> None:
    with store.engine.begin() as connection:
        suppressions.add(connection, found)


def load(store: Store, now: datetime = NOW) -> dict[str, Suppression]:
    return store.read_now(suppressions.load, [BUDI, "lain@x.example"], now)


def test_a_suppression_holds_until_it_expires_or_is_lifted(store: Store) -> None:
    put(store, _suppression(until=LATER), _suppression(address="lain@x.example"))

    assert set(load(store)) == {BUDI, "lain@x.example"}
    assert load(store)[BUDI] == _suppression(until=LATER)
    assert set(load(store, LATER)) == {"lain@x.example"}
    assert store.write_now(suppressions.remove, "lain@x.example") is True
    assert store.write_now(suppressions.remove, "lain@x.example") is False
    assert set(load(store)) == {BUDI}


def test_the_newest_reason_wins_but_a_complaint_is_not_replaced_by_a_bounce(store: Store) -> None:
    put(store, _suppression())
    put(store, _suppression(reason="5.2.2", until=LATER))
    assert load(store)[BUDI].reason == "5.2.2"
    put(store, _suppression("complaint", reason=""))
    put(store, _suppression(reason="5.1.1"))
    assert load(store)[BUDI].kind == "complaint"


def test_the_list_holds_what_holds_now(store: Store) -> None:
    put(
        store,
        _suppression(until=LATER),
        _suppression(address="lain@x.example", since=NOW - timedelta(days=1)),
    )

    assert [each.address for each in store.read_now(suppressions.list_active, NOW, 10)] == [
        BUDI,
        "lain@x.example",
    ]
    assert [each.address for each in store.read_now(suppressions.list_active, LATER, 10)] == [
        "lain@x.example"
    ]
    assert len(store.read_now(suppressions.list_active, NOW, 1)) == 1


PLANS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda c: failures.unreported(c, 10), "ix_outbox_unreported"),
    (lambda c: failures.load_sent(c, ["n1"]), "nonce"),
]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("operation", "index"), PLANS, ids=["untold", "sent"])
def test_nothing_reads_all_that_was_ever_sent(
    store: Store, operation: Callable[[Any], Any], index: str
) -> None:
    statements: list[tuple[str, Any]] = []
    with store.engine.begin() as connection:
        event.listen(connection, "before_cursor_execute", lambda *a: statements.append((a[2], a[3])))
        operation(connection)
        for statement, parameters in [each for each in statements if each[0].startswith("SELECT")]:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            told = "\n".join(row[-1] for row in plan)
            assert index in told
            assert "SCAN outbox" not in told.replace(f"SCAN outbox USING INDEX {index}", "")
