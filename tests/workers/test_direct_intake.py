"""Mails that are decided in the transaction that keeps them."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from mailbot.delivery.handover import Grant
from mailbot.domain.model import Envelope
from mailbot.errors import StoreUnavailable
from mailbot.store import inbox as inbox_store
from mailbot.store import outbox as outbox_store
from mailbot.store.inbox import Receipt, ReceivedMail
from mailbot.store.outbox import Claimed
from mailbot.store.schema import inbox, outbox
from mailbot.store.store import Store
from mailbot.workers.inbound import direct
from mailbot.workers.inbound.direct import DirectIntake
from mailbot.workers.inbound.suspects import Suspects
from tests.builders import BOX
from tests.shaky_store import ShakyStore
from tests.workers.test_intake import BUDI, Desk


class Delivery:
    """Grants `rows`, the first `dots` of them at their dot, and notes what is handed over."""

    def __init__(self, rows: int = 0, dots: int = 0) -> None:
        self.rows, self.dots = rows, dots
        self.taken: list[Claimed] = []
        self.given_back: list[bool] = []
        self.left = False
        self.is_behind = False

    def grant(self, mails: int) -> Grant | None:
        sessions: list[Any] = [object()] * self.dots
        return Grant(self.rows, sessions) if self.rows else None

    def take_over(self, grant: Grant, rows: Sequence[Claimed], *, left: bool) -> None:
        self.taken += rows
        self.left = left

    def give_back(self, grant: Grant, *, in_doubt: bool) -> None:
        self.given_back.append(in_doubt)


class Door:
    """A desk whose mails are decided when they are kept."""

    def __init__(self, desk: Desk, suspects: Suspects, delivery: Delivery | None = None) -> None:
        self.desk, self.delivery = desk, delivery or Delivery()
        self.direct = DirectIntake(desk.deps, "n1", desk.intake, suspects, self.delivery, desk._wake)
        desk.intake.has_older_mail = False

    async def send(self, text: str = "Barang belum sampai", fingerprint: str = "a" * 64) -> Receipt:
        envelope = Envelope(BUDI, (BOX.address,), "192.0.2.7", self.desk.clock)
        raw = f"From: {BUDI}\r\nTo: {BOX.address}\r\nSubject: {text}\r\nMessage-ID: <{fingerprint}@x>\r\n\r\n{text}"
        return await self.direct(ReceivedMail(fingerprint, envelope, raw.encode()))

    def rows(self, table: Any) -> list[Any]:
        return self.desk.all(select(table).order_by(table.c.id))


@pytest.fixture
def suspects(tmp_path: Path) -> Iterator[Suspects]:
    opened = Suspects(tmp_path / "deciding")
    yield opened
    opened.close()


@pytest.fixture
def door(store: Store, suspects: Suspects) -> Door:
    return Door(Desk(store), suspects)


async def test_a_mail_has_its_ticket_and_its_mails_when_it_is_kept(door: Door) -> None:
    receipt = await door.send()
    assert receipt.decided
    (row,) = door.rows(inbox)
    assert (row.id, row.state, row.claimed_by) == (receipt.inbox_id, "done", None)
    assert door.desk.ticket_of(receipt.inbox_id).number == row.ticket
    assert {each.state for each in door.rows(outbox)} == {"due"}


async def test_mails_that_come_together_share_one_transaction(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    process = direct.process_mails

    def counted(connection: Any, batch: Any, *rest: Any, **named: Any) -> Any:
        sizes.append(len(batch))
        return process(connection, batch, *rest, **named)

    monkeypatch.setattr(direct, "process_mails", counted)
    marks = [f"{n:064x}" for n in range(5)]
    receipts = await asyncio.gather(*(door.send(fingerprint=mark) for mark in marks))
    assert len({receipt.inbox_id for receipt in receipts}) == 5
    assert sizes == [5]


async def test_the_same_mail_twice_at_once_is_one_ticket(door: Door) -> None:
    one, two = await asyncio.gather(door.send(), door.send())
    assert one.inbox_id == two.inbox_id
    assert {one.known, two.known} == {True, False}
    assert len(door.rows(inbox)) == 1


async def test_mails_are_handed_over_although_time_passes_while_they_are_decided(
    store: Store, suspects: Suspects
) -> None:
    desk = Desk(store)

    def now() -> datetime:
        desk.clock += timedelta(microseconds=50)
        return desk.clock

    desk.deps = replace(desk.deps, now=now)
    door = Door(desk, suspects, Delivery(rows=4))
    await door.send()
    assert len(door.delivery.taken) == len(door.rows(outbox)) > 0


async def test_the_node_that_decides_gets_the_mails_to_send(store: Store, suspects: Suspects) -> None:
    door = Door(Desk(store), suspects, Delivery(rows=4, dots=1))
    await door.send()
    rows = door.rows(outbox)
    assert [(each.claimed_by, each.claimed_at) for each in rows] == [("n1", None)] * len(rows)
    first, *rest = sorted(rows, key=lambda row: row.lane)
    assert (first.kind, first.state, first.dot_at) == ("acknowledgement", "dot", door.desk.clock)
    assert {each.state for each in rest} == {"sending"}
    taken = {each.id: each for each in door.delivery.taken}
    assert taken.keys() == {row.id for row in rows}
    assert taken[first.id].marked
    assert taken[first.id].content == store.read_now(outbox_store.frozen.load, [first.nonce])[first.nonce]


async def test_what_the_share_does_not_cover_waits_in_the_store(store: Store, suspects: Suspects) -> None:
    door = Door(Desk(store), suspects, Delivery(rows=1))
    await door.send()
    by_kind = {row.kind: row.state for row in door.rows(outbox)}
    assert by_kind.pop("acknowledgement") == "sending"
    assert set(by_kind.values()) == {"due"}
    assert door.delivery.left


async def test_new_mail_waits_a_little_while_delivery_is_behind(door: Door) -> None:
    door.delivery.is_behind = True
    sending = asyncio.create_task(door.send())
    await asyncio.sleep(direct.BRAKE / 4)
    assert not sending.done()
    door.delivery.is_behind = False
    assert (await sending).decided


async def test_delivery_that_stays_behind_delays_no_mail_for_long(door: Door) -> None:
    door.delivery.is_behind = True
    assert (await asyncio.wait_for(door.send(), 10)).decided


async def test_a_kill_at_the_first_dot_blames_no_mail(store: Store, suspects: Suspects) -> None:
    """Two such kills in a row would let a mail wait for hours that may never have left."""
    door = Door(Desk(store), suspects, Delivery(rows=4, dots=1))
    await door.send()
    store.write_now(lambda c, _: [outbox_store.release(c, outbox.c.claimed_by == "n1")], None)
    first = next(row for row in door.rows(outbox) if row.kind == "acknowledgement")
    assert (first.state, first.unknown, first.unknown_in_a_row) == ("due", 1, 0)


async def test_a_mail_that_cannot_be_decided_is_kept_for_intake(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(direct, "process_mails", fails)
    receipt = await door.send()
    assert not receipt.decided
    assert [row.state for row in door.rows(inbox)] == ["new"]
    assert door.rows(outbox) == []
    await door.desk.work()
    assert door.desk.ticket_of(receipt.inbox_id)


async def test_a_mail_is_refused_where_the_database_undid_the_whole_transaction(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(connection: Connection, *_: Any, **__: Any) -> Any:
        connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself on a full disk
        raise RuntimeError("out of space")

    monkeypatch.setattr(direct, "process_mails", fails)
    with pytest.raises(StoreUnavailable, match="undone the whole transaction"):
        await door.send()
    assert door.rows(inbox) == []


async def test_one_mail_that_cannot_be_kept_does_not_harm_the_others(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = inbox_store.keep

    def picky(connection: Any, items: Sequence[ReceivedMail]) -> list[Receipt]:
        if any(item.fingerprint == "b" * 64 for item in items):
            raise ValueError("no such mail")
        return keep(connection, items)

    monkeypatch.setattr(inbox_store, "keep", picky)
    sent = [door.send(fingerprint=letter * 64) for letter in "abc"]
    one, two, three = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(two, ValueError)
    assert isinstance(one, Receipt)
    assert isinstance(three, Receipt)
    await door.desk.work()
    assert [row.state for row in door.rows(inbox)] == ["done", "done"]


async def test_while_older_mail_waits_a_new_one_does_not_overtake_it(door: Door) -> None:
    door.desk.intake.has_older_mail = True
    assert not (await door.send()).decided
    await door.desk.work()
    assert (await door.send(fingerprint="b" * 64)).decided


async def test_a_look_into_an_empty_inbox_leaves_the_direct_way_open(door: Door) -> None:
    look = asyncio.create_task(door.desk.intake.run_once())
    await asyncio.sleep(0)  # its claim is under way
    assert (await door.send()).decided
    await look
    assert not door.desk.intake.has_older_mail


async def test_mail_that_was_kept_during_a_claim_still_waits_after_it(door: Door) -> None:
    look = asyncio.create_task(door.desk.intake.run_once())
    await asyncio.sleep(0)
    door.desk.intake.expect_kept_mail()
    await look
    assert not (await door.send()).decided


async def test_after_a_commit_without_a_reply_delivery_looks_what_is_its_own(
    store: Store, suspects: Suspects
) -> None:
    desk = Desk(store)
    shaky: Any = ShakyStore(store, "_keep_and_decide", committed=True)
    door = Door(desk, suspects, Delivery(rows=4))
    door.direct._store = shaky
    with pytest.raises(StoreUnavailable):
        await door.send()
    assert door.delivery.given_back == [True]
    again = await door.send()
    assert again.known
    assert len(door.rows(inbox)) == 1


async def test_a_mail_that_kills_its_process_is_kept_alone_the_next_time(
    store: Store, tmp_path: Path
) -> None:
    path, fingerprint = tmp_path / "deciding", "c" * 64
    for _ in range(2):
        killed = Suspects(path)
        killed.begin([fingerprint])
        killed.close()  # as the kernel does it: nothing is cleared
    again = Suspects(path)
    assert again.attempts(fingerprint) == 2
    door = Door(Desk(store), again)
    assert not (await door.send(fingerprint=fingerprint)).decided
    (row,) = door.rows(inbox)
    assert (row.state, row.attempts) == ("new", 2)
    assert again.attempts(fingerprint) == 0
    again.close()


async def test_a_process_that_ends_between_two_mails_leaves_no_suspect(store: Store, tmp_path: Path) -> None:
    before = Suspects(tmp_path / "deciding")
    await Door(Desk(store), before).send()
    before.close()
    after = Suspects(tmp_path / "deciding")
    assert after.attempts("a" * 64) == 0
    after.close()


def test_two_processes_have_a_file_each(tmp_path: Path) -> None:
    one, two = Suspects(tmp_path / "deciding"), Suspects(tmp_path / "deciding")
    one.begin(["d" * 64])
    two.end()
    one.close()
    again = Suspects(tmp_path / "deciding")
    assert again.attempts("d" * 64) == 1
    again.close()
    two.close()


@pytest.mark.parametrize("spoiled", [b"", b"\0" * 9000, b"garbage" * 3000])
def test_a_spoiled_file_is_an_empty_one(tmp_path: Path, spoiled: bytes) -> None:
    (tmp_path / "deciding").write_bytes(spoiled)
    opened = Suspects(tmp_path / "deciding")
    assert opened.attempts("a" * 64) == 0
    opened.close()
