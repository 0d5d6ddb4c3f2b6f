"""Delivery against a real SMTP sink: what is in the store at each moment, whatever the relay does."""

import asyncio
import logging
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from sqlalchemy import delete

from mailbot.config.model import Relay
from mailbot.delivery.results import RetryPolicy
from mailbot.delivery.sender import Delivery
from mailbot.delivery.smtp_client import Timeouts
from mailbot.domain.reasons import NO_REASON
from mailbot.errors import StoreUnavailable
from mailbot.metrics import Metrics
from mailbot.store import outbox, outbox_queries
from mailbot.store.outbox import OutboxMail
from mailbot.store.schema import frozen_mails
from mailbot.store.schema import outbox as outbox_table
from mailbot.store.store import Store
from mailbot.workers.loop import Loop
from tests.shaky_store import ShakyStore
from tests.sink import DROP, Dialogue, SinkSmtp

QUICK_RETRY = RetryPolicy(
    retry=lambda attempts, random: timedelta(seconds=0.03), probe=lambda failures: 0.03, poll=0.05
)
SLOW_RETRY = RetryPolicy(retry=lambda *_: timedelta(hours=1), poll=0.05)
DRAIN_TIMEOUT = timedelta(seconds=5)
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def due_mail(n: int = 1, **changes: Any) -> OutboxMail:
    now = datetime.now(UTC)
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
        "requested_at": now,
        "due_at": now,
    }
    return OutboxMail(**(values | changes))


def enqueue(store: Store, *items: OutboxMail) -> None:
    with store.engine.begin() as connection:
        outbox.enqueue(connection, items)


def only_entry(store: Store) -> outbox_queries.Entry:
    (entry,) = store.read_now(outbox_queries.list_entries)
    return entry


def states(store: Store) -> dict[str, int]:
    return store.read_now(outbox_queries.count_by_state)


def outcomes(store: Store, id_: int = 1) -> list[str]:
    return [attempt.outcome for attempt in store.read_now(outbox_queries.attempts_of, id_)]


async def until(true: Callable[[], object], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "the condition was never met"
        await asyncio.sleep(0.005)


async def all_sent(store: Store, count: int) -> None:
    await until(lambda: states(store) == {"sent": count})


def make(
    store: Any, sink: SinkSmtp, *, node: str = "a", relay: dict[str, Any] | None = None, **more: Any
) -> Loop:
    values: dict[str, Any] = {"tls": "none", "connections": 3} | (relay or {})
    settings = Relay("127.0.0.1", sink.port, **values)
    values = {"retry_policy": QUICK_RETRY, "metrics": Metrics(), "hostname": "bot.bank.example"} | more
    delivery = Delivery(store, settings, node, wake=lambda: loop.wake(), **values)
    loop = Loop(delivery)
    return loop


def worker_of(loop: Loop) -> Delivery:
    delivery = loop._worker
    assert isinstance(delivery, Delivery)
    return delivery


@asynccontextmanager
async def delivering(store: Any, sink: SinkSmtp, **changes: Any) -> AsyncIterator[Delivery]:
    loop = make(store, sink, **changes)
    await loop.start()
    try:
        yield worker_of(loop)
    finally:
        await loop.stop()
        await worker_of(loop).drain(DRAIN_TIMEOUT)


@pytest.fixture
async def sink() -> AsyncIterator[SinkSmtp]:
    async with SinkSmtp() as sink:
        yield sink


async def test_each_state_is_committed_before_the_next_step_to_the_relay(
    store: Store, sink: SinkSmtp
) -> None:
    states_seen: list[tuple[str, str]] = []

    def note_state(phase: str) -> Callable[[Dialogue], Any]:
        async def step(_: Dialogue) -> None:
            states_seen.append((phase, only_entry(store).state))

        return step

    for phase in ("mail", "rcpt", "data", "dot"):
        sink.on[phase] = note_state(phase)
    enqueue(store, due_mail())
    async with delivering(store, sink):
        await all_sent(store, 1)
    assert states_seen == [("mail", "sending"), ("rcpt", "sending"), ("data", "sending"), ("dot", "dot")]
    entry = only_entry(store)
    assert (entry.code, entry.reply, entry.attempts, entry.unknown) == (250, "2.0.0 OK queued", 1, 0)
    assert outcomes(store) == ["sent"]


@on_sqlite
@pytest.mark.parametrize(
    "content",
    [
        b"Subject: x\r\n\r\n.\r\n..dots\r\n.",
        b".\r\n",
        b"Subject: \xc3\xa9\r\n\r\n\xff\r\n",
        b"Subject: x\r\n\r\n" + b"line\r\n" * 100_000,
    ],
    ids=["dots", "one dot", "8 bit", "600 kB"],
)
async def test_the_relay_gets_the_frozen_bytes(store: Store, sink: SinkSmtp, content: bytes) -> None:
    enqueue(store, due_mail(content=content, sender=""))
    async with delivering(store, sink):
        (mail,) = await sink.wait_for(1)
    assert mail.content == (content if content.endswith(b"\r\n") else content + b"\r\n")
    assert (mail.sender, mail.recipients) == ("", ("user1@mail.example",))
    body = "" if content.isascii() else " BODY=8BITMIME"
    assert f"MAIL FROM:<> SIZE={len(content)}{body}" in sink.dialogues[0].commands


@on_sqlite
async def test_a_bare_line_feed_can_not_smuggle_a_second_mail(store: Store, sink: SinkSmtp) -> None:
    enqueue(store, due_mail(content=b"Subject: x\n\nhello\n.\nMAIL FROM:<x@y.example>\r\n.\rRSET\n"))
    async with delivering(store, sink):
        await all_sent(store, 1)
    assert len(sink.mails) == 1
    assert (
        sink.mails[0].content == b"Subject: x\r\n\r\nhello\r\n.\r\nMAIL FROM:<x@y.example>\r\n.\r\nRSET\r\n"
    )


@on_sqlite
async def test_a_relay_without_any_extension_gets_one_command_at_a_time(store: Store) -> None:
    async with SinkSmtp(extensions=()) as sink:
        sink.on["rcpt"] = ["550 no such user", None, "550 no such user"]
        enqueue(store, due_mail(1), due_mail(2))
        async with delivering(store, sink, relay={"connections": 1}, retry_policy=SLOW_RETRY):
            await until(lambda: states(store) == {"sent": 1, "failed": 1})
    assert sink.dialogues[0].commands[:4] == [
        "EHLO bot.bank.example",
        "MAIL FROM:<support@bank.example>",
        "RCPT TO:<user1@mail.example>",
        "RSET",
    ]


@on_sqlite
@pytest.mark.parametrize(
    ("phase", "reply"),
    [
        ("rcpt", "554 5.7.1 relay access denied"),
        ("rcpt", "550 no"),
        ("rcpt", "553 5.1.3 bad"),
        ("rcpt", "550 5.1.1 user unknown"),
        ("data", "554 no valid recipients"),
        ("dot", "550 5.7.1 refused"),
    ],
)
async def test_a_relay_that_refuses_everybody_for_good_fails_nobody_and_gets_everything_when_it_is_mended(
    store: Store, sink: SinkSmtp, phase: str, reply: str
) -> None:
    enqueue(store, due_mail(0))
    trouble: list[str] = []
    async with delivering(store, sink) as delivery:
        await all_sent(store, 1)  # it worked a moment ago
        sink.on[phase] = reply
        mails = (due_mail(n, kind="acknowledgement" if n % 2 else "team", lane=n % 3) for n in range(1, 25))
        enqueue(store, *mails)
        await until(lambda: sum("RCPT" in line for d in sink.dialogues for line in d.commands) > 60)
        assert "failed" not in states(store)
        trouble.append(delivery.relay_trouble)
        assert delivery.relay_is_down
        del sink.on[phase]
        await all_sent(store, 25)
        assert delivery.relay_trouble == ""
    assert trouble == [f"the relay refuses all mail: {reply} (mail is held, one at a time is tried)"]


@on_sqlite
async def test_a_relay_that_takes_mail_to_staff_alone_fails_no_customer(store: Store, sink: SinkSmtp) -> None:
    async def no_rights(dialogue: Dialogue) -> str | None:
        return None if "staff@" in dialogue.commands[-1] else "554 5.7.1 relay access denied"

    sink.on["rcpt"] = no_rights
    staff = (due_mail(n, recipient=f"staff@{n}.bank.example") for n in range(20))
    customers = (due_mail(n, kind="acknowledgement", lane=0) for n in range(20, 40))
    async with delivering(store, sink) as delivery:
        enqueue(store, *customers, *staff)
        await until(lambda: states(store).get("sent") == 20)
        await until(lambda: not delivery.relay_is_down)
        assert delivery.relay_trouble == "the relay refuses mail to customers: 554 5.7.1 relay access denied"
        assert "failed" not in states(store)
        del sink.on["rcpt"]
        await all_sent(store, 40)


@on_sqlite
async def test_a_relay_that_takes_every_mail_without_a_reply_gets_few_copies(
    store: Store, sink: SinkSmtp
) -> None:
    sink.on["dot"] = DROP
    enqueue(store, *(due_mail(n) for n in range(50)))
    retry_policy = replace(QUICK_RETRY, probe=lambda failures: 0.1)
    async with delivering(store, sink, retry_policy=retry_policy) as delivery:
        await until(lambda: delivery.relay_is_down)
        await asyncio.sleep(0.5)
        assert "takes mail without a reply" in delivery.relay_trouble
        assert len(sink.mails) < 15
        del sink.on["dot"]
        await all_sent(store, 50)
    assert max(Counter(mail.recipients for mail in sink.mails).values()) == 2


REFUSALS = [
    ("mail", "451 4.3.0 later", "deferred"),
    ("rcpt", "450 4.2.1 greylisted", "deferred"),
    ("data", "452 4.3.1 full", "deferred"),
    ("dot", "451 4.7.1 later", "deferred"),
    ("dot", "421 4.3.2 closing", "deferred"),
    ("rcpt", "550 5.1.1 unknown", "failed"),
    ("data", "554 5.5.1 no", "failed"),
    ("dot", "554 5.7.1 spam", "failed"),
]


@on_sqlite
@pytest.mark.parametrize(("phase", "reply", "state"), REFUSALS, ids=[f"{r[0]} {r[1][:3]}" for r in REFUSALS])
async def test_a_refusal_concerns_one_mail_and_the_next_one_is_sent(
    store: Store, sink: SinkSmtp, phase: str, reply: str, state: str
) -> None:
    sink.on[phase] = [reply, None, reply]
    enqueue(store, due_mail(1), due_mail(2))
    async with delivering(store, sink, relay={"connections": 1}, retry_policy=SLOW_RETRY):
        await until(lambda: states(store) == {"sent": 1, state: 1})
    entry = store.read_now(outbox_queries.find_entry, 1)
    assert entry
    # A permanent refusal is believed when the relay has accepted another mail and refuses again.
    tries = ["deferred", "failed"] if state == "failed" else ["deferred"]
    assert (entry.state, entry.code, entry.attempts) == (state, int(reply[:3]), len(tries))
    assert entry.reply == reply[4:]
    assert outcomes(store) == tries
    assert [mail.recipients for mail in sink.taken] == [("user2@mail.example",)]
    if not reply.startswith("421"):
        assert len(sink.dialogues) == 1  # the connection stays warm


@on_sqlite
async def test_a_deferred_mail_is_sent_again_with_the_same_bytes(store: Store, sink: SinkSmtp) -> None:
    sink.on["dot"] = ["451 no", "451 still no"]
    metrics = Metrics()
    enqueue(store, due_mail(kind="acknowledgement", lane=0))
    async with delivering(store, sink, metrics=metrics):
        await all_sent(store, 1)
    assert outcomes(store) == ["deferred", "deferred", "sent"]
    assert len({mail.content for mail in sink.mails}) == 1
    assert metrics.registry.get_sample_value("mailbot_deliveries_deferred_total") == 2
    assert metrics.registry.get_sample_value("mailbot_acknowledgements_sent_total") == 1


@on_sqlite
async def test_a_mail_that_is_deferred_for_too_long_fails(store: Store, sink: SinkSmtp) -> None:
    sink.on["rcpt"] = "450 never"
    enqueue(store, due_mail())
    retry_policy = RetryPolicy(
        retry=QUICK_RETRY.retry, poll=0.05, give_up=timedelta(seconds=20)
    )  # 2 + 5 + 15 s of rest
    async with delivering(store, sink, retry_policy=retry_policy):
        await until(lambda: states(store) == {"failed": 1})
    assert outcomes(store) == ["deferred", "deferred", "deferred", "failed"]


@on_sqlite
async def test_a_relay_that_asks_for_a_body_without_a_recipient_gets_none(
    store: Store, sink: SinkSmtp
) -> None:
    async def careless(dialogue: Dialogue) -> str:
        dialogue.recipients.append("nobody")  # so that the sink itself does not mind
        return "354 go ahead"

    sink.on["rcpt"] = ["550 unknown", None, "550 unknown"]
    sink.on["data"] = [careless, None, careless]
    enqueue(store, due_mail(1), due_mail(2))
    async with delivering(store, sink, relay={"connections": 1}, retry_policy=SLOW_RETRY):
        await until(lambda: states(store) == {"sent": 1, "failed": 1})
    assert [mail.recipients for mail in sink.mails] == [("user2@mail.example",)]


async def test_a_relay_that_is_down_fails_nothing_and_gets_everything_once_when_it_is_back(
    store: Store, sink: SinkSmtp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mailbot")
    await sink.stop()
    enqueue(store, *(due_mail(n, lane=n % 3) for n in range(40)))
    probes: list[int] = []

    def probe(failures: int) -> float:
        probes.append(failures)
        return 0.03

    retry_policy = RetryPolicy(retry=QUICK_RETRY.retry, probe=probe, poll=0.05)
    async with delivering(store, sink, retry_policy=retry_policy) as delivery:
        await until(lambda: delivery.relay_is_down and len(probes) > 4)
        assert set(states(store)) <= {"due", "sending"}
        await sink.start()
        await all_sent(store, 40)
        assert not delivery.relay_is_down
    entries = store.read_now(outbox_queries.list_entries)
    assert {entry.attempts for entry in entries} == {1}
    assert Counter(mail.recipients for mail in sink.taken) == {
        (f"user{n}@mail.example",): 1 for n in range(40)
    }
    lines = Counter(record.message for record in caplog.records)
    assert (lines["relay_down"], lines["relay_up"]) == (1, 1)


@on_sqlite
@pytest.mark.parametrize("phase", ["connect", "mail", "rcpt", "data"])
async def test_a_relay_that_hangs_up_in_mid_dialogue_costs_no_mail_an_attempt(
    store: Store, sink: SinkSmtp, phase: str
) -> None:
    sink.on[phase] = [DROP] * 4 + ["421 4.3.2 shutting down"] * 4
    enqueue(store, *(due_mail(n) for n in range(10)))
    async with delivering(store, sink):
        await all_sent(store, 10)
    assert {entry.attempts for entry in store.read_now(outbox_queries.list_entries)} == {1}
    assert len(sink.mails) == 10


@on_sqlite
@pytest.mark.parametrize(
    ("phase", "reply"),
    [("connect", "554 5.7.1 not you"), ("ehlo", "550 5.7.1 not you"), ("mail", "530 5.7.0 log in first")],
)
async def test_a_relay_that_refuses_every_mail_fails_none(
    store: Store, sink: SinkSmtp, phase: str, reply: str
) -> None:
    sink.on[phase] = reply
    enqueue(store, *(due_mail(n) for n in range(5)))
    async with delivering(store, sink) as delivery:
        await until(lambda: delivery.relay_is_down and len(sink.dialogues) > 4)
        assert set(states(store)) <= {"due", "sending"}
        del sink.on[phase]
        await all_sent(store, 5)
    assert {entry.attempts for entry in store.read_now(outbox_queries.list_entries)} == {1}


@on_sqlite
@pytest.mark.parametrize(
    ("phase", "reply", "changes"),
    [
        ("mail", "553 5.7.1 not owned by you", {"sender": "bad@x.example"}),
        ("rcpt", DROP, {"recipient": "bad@x.example"}),
    ],
    ids=["refused sender", "broken connection"],
)
async def test_a_mail_that_ends_every_connection_does_not_hold_up_the_others(
    store: Store, sink: SinkSmtp, phase: str, reply: Any, changes: dict[str, str]
) -> None:
    async def refuse_one(dialogue: Dialogue) -> Any:
        return reply if "bad@" in dialogue.commands[-1] else None

    sink.on[phase] = refuse_one
    enqueue(store, due_mail(0, lane=0, **changes), *(due_mail(n) for n in range(1, 20)))
    retry_policy = RetryPolicy(retry=lambda *_: timedelta(seconds=0.2), probe=QUICK_RETRY.probe, poll=0.05)
    async with delivering(store, sink, retry_policy=retry_policy):
        await until(lambda: states(store).get("sent") == 19)
    entry = store.read_now(outbox_queries.find_entry, 1)
    assert entry
    assert (entry.state, entry.attempts) == ("due", 0)


async def test_a_reply_lost_after_the_dot_is_unknown_and_the_copy_is_identical(
    store: Store, sink: SinkSmtp
) -> None:
    sink.on["dot"] = [DROP]
    enqueue(store, due_mail())
    async with delivering(store, sink):
        await all_sent(store, 1)
    assert outcomes(store) == ["unknown", "sent"]
    assert (only_entry(store).unknown, only_entry(store).attempts) == (1, 2)
    first, second = sink.mails
    assert first.content == second.content


@on_sqlite
async def test_a_relay_that_never_answers_the_dot_gets_three_copies_at_most(
    store: Store, sink: SinkSmtp
) -> None:
    sink.on["dot"] = DROP
    enqueue(store, due_mail())
    retry_policy = replace(QUICK_RETRY, unknown_pause=timedelta(seconds=0.1))
    async with delivering(store, sink, retry_policy=retry_policy):
        await until(lambda: states(store) == {"failed": 1})
        await asyncio.sleep(0.2)
    assert (len(sink.mails), outcomes(store)) == (3, ["unknown"] * 3)
    entry = only_entry(store)
    assert (entry.unknown, entry.reply) == (3, outbox.TOO_MANY_UNKNOWN)
    assert entry.settled_at


@on_sqlite
async def test_a_judged_reply_ends_the_row_of_unknowns(store: Store, sink: SinkSmtp) -> None:
    sink.on["dot"] = [DROP, DROP, "451 busy", DROP, DROP]
    enqueue(store, due_mail())
    retry_policy = replace(QUICK_RETRY, unknown_pause=timedelta(seconds=0.05))
    async with delivering(store, sink, retry_policy=retry_policy):
        await all_sent(store, 1)
    assert outcomes(store) == ["unknown", "unknown", "deferred", "unknown", "unknown", "sent"]
    assert only_entry(store).unknown == 4


@on_sqlite
async def test_a_connection_cut_while_the_body_is_awaited_is_unknown_too(
    store: Store, sink: SinkSmtp
) -> None:
    sink.on["body"] = [DROP]
    enqueue(store, due_mail())
    async with delivering(store, sink):
        await all_sent(store, 1)
    # The cut may be noticed before or after the body is written, never as anything that could lose the mail.
    assert outcomes(store)[-1] == "sent"
    assert len(sink.mails) == 1


@on_sqlite
async def test_a_relay_that_never_answers_the_dot_leaves_the_mail_unknown_after_the_timeout(
    store: Store, sink: SinkSmtp
) -> None:
    async def hang(_: Dialogue) -> None:
        await asyncio.sleep(30)

    sink.on["dot"] = [hang]
    enqueue(store, due_mail())
    async with delivering(store, sink, timeouts=Timeouts(dot=0.1)):
        await all_sent(store, 1)
    assert outcomes(store) == ["unknown", "sent"]


@on_sqlite
@pytest.mark.parametrize("reply", ["999 what", "hello", "250-" + "x" * 40_000, "2"])
async def test_replies_that_are_no_smtp_cost_no_attempt(store: Store, sink: SinkSmtp, reply: str) -> None:
    sink.on["rcpt"] = [reply]
    enqueue(store, due_mail())
    async with delivering(store, sink):
        await all_sent(store, 1)
    assert only_entry(store).attempts == 1


@on_sqlite
async def test_a_stale_connection_is_replaced_at_once_without_counting_as_trouble(
    store: Store, sink: SinkSmtp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mailbot")
    retry_policy = RetryPolicy(retry=lambda *_: timedelta(hours=1), probe=lambda _: 3600.0, poll=0.05)

    async def stale(dialogue: Dialogue) -> str | None:
        return DROP if dialogue.number == 1 and len(sink.mails) == 1 else None

    sink.on["mail"] = stale  # the second mail on the first connection finds it closed
    async with delivering(store, sink, retry_policy=retry_policy, relay={"connections": 1}) as delivery:
        enqueue(store, due_mail(1))
        await all_sent(store, 1)
        enqueue(store, due_mail(2))
        await all_sent(store, 2)
        await sink.stop()  # cuts the idle connection, which is noticed before its next use
        await sink.start()
        enqueue(store, due_mail(3))
        await all_sent(store, 3)
        assert not delivery.relay_is_down
    assert [len(sink.mails), len(sink.dialogues)] == [3, 3]
    assert "relay_down" not in caplog.messages


@on_sqlite
async def test_a_relay_that_grants_two_connections_gets_everything_over_two(
    store: Store, sink: SinkSmtp, caplog: pytest.LogCaptureFixture
) -> None:
    open_ = 0

    async def two(dialogue: Dialogue) -> str | None:
        nonlocal open_
        open_ += 1
        return "421 4.7.0 too many connections" if open_ > 2 else None

    async def slowly(_: Dialogue) -> None:
        await asyncio.sleep(0.01)

    sink.on |= {"connect": two, "dot": slowly}
    enqueue(store, *(due_mail(n) for n in range(30)))
    async with delivering(store, sink, relay={"connections": 5}):
        await all_sent(store, 30)
    assert {entry.attempts for entry in store.read_now(outbox_queries.list_entries)} == {1}
    assert "relay_down" not in caplog.messages


@on_sqlite
async def test_acknowledgements_overtake_waiting_mails(store: Store, sink: SinkSmtp) -> None:
    async def slowly(_: Dialogue) -> None:
        await asyncio.sleep(0.02)

    sink.on["dot"] = slowly
    enqueue(store, *(due_mail(n) for n in range(30)))
    async with delivering(store, sink, relay={"connections": 2}):
        await sink.wait_for(1)
        enqueue(store, due_mail(99, lane=0))
        await until(lambda: any("user99" in mail.recipients[0] for mail in sink.mails))
        assert len(sink.mails) < 28
        await all_sent(store, 31)


@on_sqlite
@pytest.mark.parametrize("phase", ["rcpt", "dot"])
@pytest.mark.parametrize("warm", [False, True], ids=["slow from the start", "quick at first"])
async def test_a_slow_domain_delays_no_mail_to_others(
    store: Store, sink: SinkSmtp, phase: str, warm: bool
) -> None:
    slow_under_way = most = 0
    slow, healed = not warm, asyncio.Event()

    async def half_a_minute(dialogue: Dialogue) -> None:
        nonlocal slow_under_way, most
        if slow and any("@slow.example" in line for line in dialogue.commands[-2:]):
            slow_under_way += 1
            most = max(most, slow_under_way)
            await healed.wait()

    sink.on[phase] = half_a_minute
    async with delivering(store, sink, relay={"connections": 8}):
        early = [due_mail(n, lane=0, recipient=f"u{n}@slow.example") for n in range(200)]
        enqueue(store, *(early[:40] if warm else ()))
        await all_sent(store, 40) if warm else None
        slow = True
        enqueue(store, *early[40 if warm else 0 :])
        await until(lambda: slow_under_way >= 2)
        begun = time.monotonic()
        enqueue(store, *(due_mail(n, lane=0, recipient=f"u@q{n % 7}.example") for n in range(200, 300)))
        await until(lambda: states(store).get("sent") == (140 if warm else 100), seconds=25)
        assert time.monotonic() - begun < 15
        assert most == (6 if warm else 2)
        slow = False
        healed.set()
        await all_sent(store, 300)


async def test_two_nodes_on_one_database_send_each_mail_once(store: Store, sink: SinkSmtp) -> None:
    enqueue(store, *(due_mail(n) for n in range(150)))
    async with delivering(store, sink, node="a"), delivering(store, sink, node="b"):
        await all_sent(store, 150)
    assert Counter(mail.recipients for mail in sink.mails) == {
        (f"user{n}@mail.example",): 1 for n in range(150)
    }
    assert {a.node for n in range(1, 151) for a in store.read_now(outbox_queries.attempts_of, n)} == {
        "a",
        "b",
    }


async def test_a_row_that_another_node_claimed_is_not_sent_by_us(store: Store, sink: SinkSmtp) -> None:
    async def release_row(_: Dialogue) -> None:
        with store.engine.begin() as connection:
            assert outbox.release(connection, outbox_table.c.claimed_by == "a") == 1

    sink.on["data"] = [release_row]
    enqueue(store, due_mail())
    async with delivering(store, sink):
        await all_sent(store, 1)
    assert (len(sink.mails), len(sink.dialogues)) == (1, 2)
    assert outcomes(store) == ["sent"]


@on_sqlite
async def test_mails_that_can_not_be_sent_fail_and_the_others_leave(store: Store, sink: SinkSmtp) -> None:
    bad = ["a b@x.example", "x@y.example> SIZE=1", "x@y.example\r\nRSET", "é@x.example", "", "<x@y.example>"]
    enqueue(store, *(due_mail(n, lane=0, recipient=each) for n, each in enumerate(bad)))
    enqueue(store, due_mail(50, lane=0), *(due_mail(n) for n in range(51, 60)))
    with store.engine.begin() as connection:
        connection.execute(delete(frozen_mails).where(frozen_mails.c.nonce == "nonce50"))
    async with delivering(store, sink):
        await until(lambda: states(store) == {"failed": 7, "sent": 9})
    assert len(sink.mails) == 9


@on_sqlite
@pytest.mark.parametrize("operation", ["mark_dot", "record_results"])
async def test_trouble_with_the_store_sends_nothing_twice(
    store: Store, sink: SinkSmtp, operation: str
) -> None:
    enqueue(store, *(due_mail(n) for n in range(5)))
    async with delivering(ShakyStore(store, operation, 3, StoreUnavailable("locked")), sink):
        await all_sent(store, 5)
    assert len(sink.mails) == 5
    assert {entry.attempts for entry in store.read_now(outbox_queries.list_entries)} == {1}


@pytest.mark.parametrize("operation", ["claim", "mark_dot", "record_results", "give_back"])
async def test_a_lost_reply_to_a_commit_leaves_no_mail_claimed_and_sends_none_twice(
    store: Store, sink: SinkSmtp, operation: str
) -> None:
    enqueue(store, *(due_mail(n) for n in range(5)))
    if operation == "give_back":
        sink.on["mail"] = [DROP]
    async with delivering(ShakyStore(store, operation, 2, committed=True), sink):
        await all_sent(store, 5)
    assert len(sink.mails) == 5
    assert {entry.unknown for entry in store.read_now(outbox_queries.list_entries)} == {0}


@on_sqlite
async def test_an_internal_error_defers_its_mail_and_no_other(
    store: Store, sink: SinkSmtp, caplog: pytest.LogCaptureFixture
) -> None:
    enqueue(store, *(due_mail(n) for n in range(5)))
    async with delivering(ShakyStore(store, "mark_dot", 1, ZeroDivisionError("bug")), sink):
        await all_sent(store, 5)
    assert len(sink.mails) == 5
    attempts = [each for n in range(1, 6) for each in store.read_now(outbox_queries.attempts_of, n)]
    assert Counter(each.outcome for each in attempts) == {"sent": 5, "deferred": 1}
    assert "mailbot: ZeroDivisionError" in [each.reply for each in attempts]
    assert "loop_failed" in caplog.messages


async def test_a_drain_waits_for_mails_after_their_dot_and_releases_the_rest(
    store: Store, sink: SinkSmtp
) -> None:
    at_the_dot, answer = asyncio.Event(), asyncio.Event()

    async def wait(_: Dialogue) -> None:
        at_the_dot.set()
        await answer.wait()

    sink.on["dot"] = wait
    enqueue(store, *(due_mail(n) for n in range(20)))
    loop = make(store, sink, relay={"connections": 2})
    await loop.start()
    await at_the_dot.wait()
    await loop.stop()
    draining = asyncio.create_task(worker_of(loop).drain(DRAIN_TIMEOUT))
    await asyncio.sleep(0.05)
    assert not draining.done()
    answer.set()
    await draining
    assert len(sink.mails) in (1, 2)
    assert states(store) == {"sent": len(sink.mails), "due": 20 - len(sink.mails)}
    assert all(mail.reply.startswith("250") for mail in sink.mails)
    await until(lambda: sink.dialogues[0].commands[-1] == "QUIT")


@on_sqlite
async def test_a_drain_that_runs_out_of_time_leaves_no_row_claimed(store: Store, sink: SinkSmtp) -> None:
    async def hang(_: Dialogue) -> None:
        await asyncio.sleep(30)

    async def hang_second(dialogue: Dialogue) -> None:
        if "user2@" in dialogue.commands[-1]:
            await asyncio.sleep(30)

    sink.on |= {"dot": hang, "rcpt": hang_second}
    enqueue(store, due_mail(1), due_mail(2, recipient="user2@other.example"))
    loop = make(store, sink, retry_policy=RetryPolicy(retry=lambda *_: timedelta(hours=1)))
    await loop.start()
    await until(lambda: states(store) == {"dot": 1, "sending": 1} and len(sink.dialogues) == 2)
    await loop.stop()
    await worker_of(loop).drain(timedelta(seconds=0.1))
    assert states(store) == {"deferred": 1, "due": 1}
    assert outcomes(store, 1) == ["unknown"]
    assert outcomes(store, 2) == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@on_sqlite
@pytest.mark.parametrize(("tls", "implicit"), [("required", False), ("implicit", True), ("starttls", False)])
@pytest.mark.parametrize("login", ["", "robot:s3cret"])
async def test_mail_and_password_travel_under_tls(
    store: Store, authority: trustme.CA, tls: str, implicit: bool, login: str
) -> None:
    user, _, password = login.partition(":")
    enqueue(store, due_mail(1), due_mail(2))
    async with SinkSmtp(tls=server_context(authority), implicit_tls=implicit, login=login) as sink:
        relay = {"tls": tls, "user": user, "password": password}
        async with delivering(store, sink, relay=relay, tls=client_context(authority)):
            await all_sent(store, 2)
    assert all(mail.tls for mail in sink.mails)
    verbs = [line.split(" ")[0] for line in sink.dialogues[0].commands]
    assert ("AUTH" in verbs) == bool(login)
    assert "STARTTLS" not in verbs or "AUTH" not in verbs[: verbs.index("STARTTLS")]


@on_sqlite
async def test_tls_as_offered_takes_any_certificate_and_none(store: Store, authority: trustme.CA) -> None:
    enqueue(store, due_mail(1))
    async with (
        SinkSmtp(tls=server_context(authority, "else.example")) as sink,
        delivering(store, sink, relay={"tls": "starttls"}),
    ):
        await all_sent(store, 1)
        assert sink.mails[0].tls
    enqueue(store, due_mail(2))
    async with SinkSmtp() as sink, delivering(store, sink, relay={"tls": "starttls"}):
        await all_sent(store, 2)
        assert not sink.mails[0].tls


@on_sqlite
@pytest.mark.parametrize(
    ("relay", "offered"),
    [
        ({"tls": "required"}, None),
        ({"tls": "starttls", "user": "robot", "password": "s3cret"}, None),
        ({"tls": "required"}, "else.example"),
        ({"tls": "required", "user": "robot", "password": "wrong"}, "127.0.0.1"),
    ],
    ids=["no TLS", "no TLS for the password", "wrong certificate", "wrong password"],
)
async def test_nothing_leaves_to_a_relay_that_is_not_as_configured(
    store: Store, authority: trustme.CA, relay: dict[str, Any], offered: str | None
) -> None:
    enqueue(store, due_mail())
    tls = server_context(authority, offered) if offered else None
    async with SinkSmtp(tls=tls, login="robot:s3cret") as sink:
        async with delivering(store, sink, relay=relay, tls=client_context(authority)) as delivery:
            await until(lambda: delivery.relay_is_down)
        assert not any(
            line.startswith(("MAIL", "AUTH PLAIN"))
            for d in sink.dialogues
            if not d.tls
            for line in d.commands
        )
    assert sink.mails == []
    assert (only_entry(store).state, only_entry(store).attempts) == ("due", 0)
