"""The feed of events: filled with the events, read in an order in which no late commit is passed by."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, text, update

from mailbot.domain.decisions import on_deadline
from mailbot.domain.events import EVENT_KINDS
from mailbot.domain.webhooks.event_types import KINDS, NAMES
from mailbot.store.schema import event_feed, metadata, webhook_attempts, webhooks
from mailbot.store.service import nodes
from mailbot.store.store import Store
from mailbot.store.webhooks import feed, states
from mailbot.store.webhooks.feed import FeedEntry, Place
from mailbot.store.webhooks.states import Attempt, Change, Claim, Named, Old, Progress
from tests.builders import NOW, NUMBER, policy
from tests.postgres_server import serve_postgres_alone
from tests.store.test_tickets import opened, outcome, record

on_postgres = pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
# Kinds that no webhook hears of: the work inside, or what follows from another event.
INSIDE = {
    "automatic_mail_received", "thanks_received", "copy_received", "acknowledgement_enqueued",
    "acknowledgement_suppressed", "progress_suppressed", "closing_word_suppressed", "clocks_set", "step_taken",
    "reminder_due", "ladder_changed", "people_notified", "ticket_snoozed", "status_asked", "survey_enqueued",
    "message_moved", "merge_received", "merge_reverted", "ticket_rebuilt", "links_revoked", "approval_requested",
}  # fmt: skip
HOOK, NODE = "accounting", "node-a"
MINE = Claim(HOOK, NODE)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with serve_postgres_alone() as url:
        yield url


@pytest.fixture
def fed(store_url: str) -> Iterator[Store]:
    """Open an empty store whose events webhooks hear of."""
    store = Store(store_url, feeds=lambda: True)
    metadata.create_all(store.engine)
    yield store
    store.close()


def entries(store: Store, place: Place, limit: int = 100) -> list[FeedEntry]:
    return store.read_now(feed.read, place, limit)[1]


def prepared(store: Store, name: str = HOOK) -> Place:
    store.write_now(states.prepare, Named((name,), NOW))
    return place_of(store, name)


def place_of(store: Store, name: str = HOOK) -> Place:
    found = store.read_now(states.load, name)
    assert found
    return found.place


def put(connection: Connection, ticket: str, seq: int = 1) -> None:
    feed.add(connection, [{"ticket": ticket, "seq": seq, "at": NOW, "kind": "ticket_opened"}])


def test_each_kind_of_event_is_public_or_known_to_be_about_the_work_inside() -> None:
    assert set(KINDS) | INSIDE == set(EVENT_KINDS)
    assert not set(KINDS) & INSIDE
    assert len(set(NAMES)) == len(NAMES)


def test_events_are_in_the_feed_in_their_order(fed: Store) -> None:
    begin = prepared(fed)
    decision = opened()
    record(fed, outcome(None, decision))
    late = on_deadline(decision.ticket, policy(), NOW + timedelta(hours=9))
    record(fed, outcome(decision.ticket, late))

    events = [*decision.events, *late.events]
    public = [n for n, event in enumerate(events, 1) if event.kind in KINDS]
    assert [(each.ticket, each.seq) for each in entries(fed, begin)] == [(NUMBER, n) for n in public]
    assert len(public) >= 3


def test_nothing_is_recorded_where_no_webhook_is_configured(store: Store) -> None:
    record(store, outcome(None, opened()))

    with store.engine.begin() as connection:
        assert connection.scalar(select(event_feed.c.id)) is None


def test_a_decision_that_is_not_recorded_leaves_nothing_in_the_feed(fed: Store) -> None:
    begin = prepared(fed)
    record(fed, outcome(None, opened()))
    known = len(entries(fed, begin))
    with pytest.raises(Exception, match=r"(?i)unique"):
        record(fed, outcome(None, opened()))

    assert len(entries(fed, begin)) == known


def test_a_new_webhook_hears_of_what_happens_from_now_on(fed: Store) -> None:
    with fed.engine.begin() as connection:
        put(connection, "OLD-1")
    begin = prepared(fed)
    with fed.engine.begin() as connection:
        put(connection, "NEW-1")

    assert [each.ticket for each in entries(fed, begin)] == ["NEW-1"]


@on_postgres
def test_a_commit_that_comes_late_is_not_passed_by(fed: Store) -> None:
    begin = prepared(fed)
    with fed.engine.connect() as slow, fed.engine.connect() as fast:
        put(slow, "SLOW")  # it has the lower id
        put(fast, "FAST")
        fast.commit()
        meanwhile = entries(fed, begin)
        slow.commit()

    assert [each.ticket for each in meanwhile] == []  # the oldest transaction still runs
    assert [each.ticket for each in entries(fed, begin)] == ["SLOW", "FAST"]


@on_postgres
def test_an_older_transaction_with_a_higher_id_is_not_passed_by(fed: Store) -> None:
    begin = prepared(fed)
    with fed.engine.connect() as older, fed.engine.connect() as newer:
        older.execute(select(text("pg_current_xact_id()")))
        put(newer, "NEWER")
        put(older, "OLDER")
        older.commit()
        place, found = fed.read_now(feed.read, begin, 100)
        assert [each.ticket for each in found] == ["OLDER"]
        assert found
        newer.commit()

    place = dataclasses.replace(place, position=found[-1].id)
    assert [each.ticket for each in entries(fed, place)] == ["NEWER"]


ACTS = st.tuples(st.sampled_from(["begin", "write", "end", "look"]), st.integers(0, 3))


@on_postgres
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTS, max_size=25))
def test_every_entry_is_read_once_however_transactions_overlap(
    fed: Store, acts: list[tuple[str, int]]
) -> None:
    """Transactions begin, write and end in any order, while a reader goes on in small steps."""
    begin = place = fed.read_now(feed.newest_place)
    seen: list[FeedEntry] = []
    written = 0

    def look() -> None:
        nonlocal place
        start, found = fed.read_now(feed.read, place, 2)
        seen.extend(found)
        place = dataclasses.replace(start, position=found[-1].id) if found else start

    with (
        ExitStack() as opened_here
    ):  # none may outlive a failed example: it would hold the next one's feed back
        running: list[Connection] = []
        for act, which in acts:
            if act == "begin" and len(running) < 4:
                running.append(opened_here.enter_context(fed.engine.connect()))
                running[-1].execute(select(text("pg_current_xact_id()")))
            elif act == "write" and running:
                put(running[which % len(running)], "T", written := written + 1)
            elif act == "end" and running:
                ended = running.pop(which % len(running))
                ended.commit()
                ended.close()
            elif act == "look":
                look()
        for each in running:
            each.commit()
    for _ in range(written + 1):
        look()

    assert sorted(each.seq for each in seen) == list(range(1, written + 1))
    assert fed.read_now(feed.count_after, begin) == written


# --- serving -----------------------------------------------------------------------------------------------------


def served(store: Store, count: int) -> None:
    """Claim, and record that so many entries were taken."""
    found = store.write_now(states.claim, MINE)
    assert found
    start, waiting = store.read_now(feed.read, found.place, count)
    at = dataclasses.replace(start, position=waiting[-1].id)
    attempts = tuple(Attempt(each.id, NOW, 204) for each in waiting)
    assert store.write_now(states.record, Progress(MINE, found.place, at, NOW, attempts))


def live(store: Store, *names: str) -> None:
    for name in names:
        store.write_now(nodes.register, nodes.Node(name, "host", 1, "delivery", NOW, "v1"))


def test_only_one_node_serves_a_webhook(fed: Store) -> None:
    prepared(fed)
    live(fed, NODE, "node-b")
    other = Claim(HOOK, "node-b")

    assert fed.write_now(states.claim, MINE)
    assert fed.write_now(states.claim, MINE)
    assert fed.write_now(states.claim, other) is None
    fed.write_now(states.release, MINE)
    assert fed.write_now(states.claim, other)


def test_a_webhook_of_a_node_that_is_gone_is_free_at_once(fed: Store) -> None:
    prepared(fed)
    live(fed, NODE, "node-b")
    assert fed.write_now(states.claim, MINE)
    fed.write_now(nodes.remove, NODE)

    assert fed.write_now(states.claim, Claim(HOOK, "node-b"))


def test_a_webhook_of_a_node_that_hangs_is_served_by_another(fed: Store) -> None:
    prepared(fed)
    live(fed, NODE, "node-b")
    assert fed.write_now(states.claim, MINE)
    with fed.engine.begin() as connection:
        connection.execute(update(webhooks).values(held_until=NOW))

    assert fed.write_now(states.claim, Claim(HOOK, "node-b"))
    place = place_of(fed)
    assert not fed.write_now(states.record, Progress(MINE, place, Place(9), NOW))
    assert place_of(fed) == place


def test_the_place_moves_with_what_was_taken(fed: Store) -> None:
    prepared(fed)
    with fed.engine.begin() as connection:
        for n in (1, 2, 3):
            put(connection, f"T-{n}")
    served(fed, 2)

    assert [each.ticket for each in entries(fed, place_of(fed))] == ["T-3"]
    assert [each.code for each in fed.read_now(states.attempts_of, HOOK, 10)] == [204, 204]


def test_what_an_operator_moves_is_not_moved_back_by_a_node_that_served_it_meanwhile(fed: Store) -> None:
    prepared(fed)
    with fed.engine.begin() as connection:
        for n in (1, 2, 3):
            put(connection, f"T-{n}")
    served(fed, 3)
    here = place_of(fed)
    again = fed.read_now(feed.place_before, event_feed.c.at >= NOW)
    assert again
    fed.write_now(states.move, Change(HOOK, NOW, place=again))

    assert not fed.write_now(states.record, Progress(MINE, here, here, NOW, (Attempt(3, NOW, 204),)))
    assert [each.ticket for each in entries(fed, place_of(fed))] == ["T-1", "T-2", "T-3"]


def test_a_failure_is_counted_and_a_success_ends_the_count(fed: Store) -> None:
    here = prepared(fed)
    fed.write_now(states.claim, MINE)
    failed = Progress(MINE, here, here, NOW, (Attempt(1, NOW, 500, "HTTP 500"),), failures=1, due_at=NOW)
    fed.write_now(states.record, failed)
    found = fed.read_now(states.load, HOOK)
    assert found
    assert (found.failures, found.error) == (1, "HTTP 500")

    fed.write_now(states.record, Progress(MINE, here, here, NOW, (Attempt(1, NOW, 200),)))
    found = fed.read_now(states.load, HOOK)
    assert found
    assert (found.failures, found.error, found.delivered_at) == (0, None, NOW)


def test_a_disabled_webhook_is_not_served_until_it_is_enabled(fed: Store) -> None:
    prepared(fed)

    assert fed.write_now(states.disable, Change(HOOK, NOW, "operator:eko"))
    assert not fed.write_now(states.disable, Change(HOOK, NOW, "operator:eko"))
    assert fed.write_now(states.claim, MINE) is None
    assert fed.write_now(states.enable, Change(HOOK, NOW))
    assert not fed.write_now(states.enable, Change(HOOK, NOW))
    assert fed.write_now(states.claim, MINE)


# --- cleaning, and other servers ---------------------------------------------------------------------------------


def test_old_entries_go_once_every_webhook_is_past_them(fed: Store) -> None:
    prepared(fed)
    prepared(fed, "slow")
    prepared(fed, "off")
    fed.write_now(states.disable, Change("off", NOW, "operator:eko"))
    prepared(fed, "no longer configured")
    with fed.engine.begin() as connection:
        for n in (1, 2, 3):
            put(connection, f"T-{n}")
    served(fed, 3)
    old = Old(NOW + timedelta(days=1), (HOOK, "slow", "off"), 100)

    fed.write_now(states.remove_old, old)
    assert [each.ticket for each in entries(fed, place_of(fed, "slow"))] == ["T-1", "T-2", "T-3"]
    fed.write_now(states.remove_old, dataclasses.replace(old, names=(HOOK, "off")))
    assert entries(fed, place_of(fed, "slow")) == []


def test_what_is_younger_is_kept_for_a_replay_and_a_removal_takes_a_bounded_number(fed: Store) -> None:
    prepared(fed)
    with fed.engine.begin() as connection:
        for n in (1, 2, 3):
            put(connection, f"T-{n}")
        connection.execute(
            insert(webhook_attempts),
            [{"webhook": HOOK, "feed_id": n, "at": NOW, "code": 200} for n in (1, 2, 3)],
        )
    served(fed, 3)

    assert fed.write_now(states.remove_old, Old(NOW, (HOOK,), 100)) == 0
    assert fed.write_now(states.remove_old, Old(NOW + timedelta(days=1), (HOOK,), 2)) == 4


@on_postgres
def test_on_another_server_that_counts_from_the_beginning_nothing_is_lost(fed: Store) -> None:
    prepared(fed)
    prepared(fed, "behind")
    with fed.engine.begin() as connection:
        for n in (1, 2, 3):
            put(connection, f"T-{n}")
    served(fed, 2)
    far = 1 << 40  # the numbers of a server that ran for years
    with fed.engine.begin() as connection:
        connection.execute(update(event_feed).values(transaction=event_feed.c.transaction + far))
        moved = {name: webhooks.c[name] + far for name in ("window_from", "window_to")}
        connection.execute(update(webhooks).values(moved))

    fed.write_now(states.prepare, Named((HOOK, "behind"), NOW))
    with fed.engine.begin() as connection:
        put(connection, "T-4")
    served(fed, 1)
    assert [each.ticket for each in entries(fed, place_of(fed))] == ["T-4"]
    start, first = fed.read_now(feed.read, place_of(fed, "behind"), 100)
    after = dataclasses.replace(start, position=first[-1].id)
    assert [each.ticket for each in (*first, *entries(fed, after))] == ["T-1", "T-2", "T-3", "T-4"]
