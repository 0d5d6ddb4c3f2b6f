"""Random years of a desk: what a plain model says is past its time goes in each run, and nothing else."""

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from mailbot.cli.tickets.prove import _rebuild
from mailbot.domain.commands import AddNote, Merge
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import OVER
from mailbot.domain.policy import Retention
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import frozen, tickets
from mailbot.store.retention import legal_holds
from mailbot.store.schema import metadata
from mailbot.store.store import Store
from tests.builders import OPERATOR
from tests.profile import sample
from tests.workers.test_intake import Desk
from tests.workers.test_notices import PHOTO, with_files
from tests.workers.test_retention import close, desk_of, run, send_all

DAY = timedelta(days=1)
SPANS = (None, 10 * DAY, 40 * DAY, 200 * DAY, 500 * DAY)
Rows = Mapping[str, list[Any]]


class Years:
    """A desk in the hands of chance, seeded."""

    def __init__(self, store: Store, seed: int) -> None:
        self.random = random.Random(seed)
        choose = self.random.choice
        self.kept = Retention(
            choose(SPANS), choose(SPANS), choose((None, 60 * DAY, 500 * DAY)), choose(SPANS)
        )
        self.desk = desk_of(store, self.kept)
        self.numbers: list[str] = []

    async def receive(self) -> None:
        sender = f"orang{self.random.randrange(6)}@pelanggan.example"
        file = self.random.choice((None, PHOTO, self.random.randbytes(300)))
        mail = with_files("Lihat foto.", foto__png=file) if file else {}
        subject = f"Re: [{self._any()}] Barang" if self.numbers and self.random.random() < 0.4 else "Barang"
        ticket = await self.desk.receive(sender=sender, Subject=subject, **mail)
        self.numbers.append(ticket.number)

    def _any(self) -> str:
        return self.random.choice(self.numbers)

    async def act(self) -> None:
        """Do one thing, which may be refused."""
        kinds: list[Callable[[], Any]] = [self._close] * 5 + [
            self._note,
            self._merge,
            self._hold,
            self._release,
        ]
        if self.numbers:
            self.random.choice(kinds)()
        if self.random.random() < 0.8:
            send_all(self.desk)

    def _close(self) -> None:
        close(self.desk, self._any())

    def _note(self) -> None:
        note = TicketCommand(self._any(), Act((AddNote("catatan"),)), OPERATOR, self.desk.clock)
        run_command(self.desk.store, self.desk.runtime, note)

    def _merge(self) -> None:
        merge = Merge(self._any(), other_customer=True)
        join(self.desk.store, self.desk.runtime, MergeCommand(self._any(), merge, OPERATOR, self.desk.clock))

    def _hold(self) -> None:
        number = self._any()
        with self.desk.store.engine.begin() as connection:
            if tickets.used_numbers(connection, [number]):
                legal_holds.place(connection, number, self.desk.clock, OPERATOR, "case")

    def _release(self) -> None:
        with self.desk.store.engine.begin() as connection:
            legal_holds.release(connection, self._any())


# --- the model --------------------------------------------------------------------------------------------


def rows(desk: Desk) -> Rows:
    return desk.store.read_now(
        lambda c: {each.name: c.execute(select(each)).all() for each in metadata.sorted_tables}
    )


class Model:
    """What the spans say about these rows, by plain loops."""

    def __init__(self, before: Rows, kept: Retention, now: datetime) -> None:
        self.rows, self.kept, self.now = before, kept, now
        self.tickets = {row.number: row for row in before["tickets"]}
        self.held = {self.root(row.ticket) for row in before["legal_holds"]}

    def root(self, number: str) -> str:
        while number in self.tickets and self.tickets[number].merged_into:
            number = self.tickets[number].merged_into
        return number

    def past(self, at: datetime, span: timedelta | None) -> bool:
        return span is not None and at < self.now - span

    def free(self, number: str | None) -> bool:
        """Whether the ticket is over, and its target, and nothing of them is held."""
        if not number or number not in self.tickets:
            return True
        target = self.tickets[number].merged_into
        ends = ("closed", "filed")
        over = self.tickets[target or number].status in ends
        return over and self.root(number) not in self.held

    def due_tickets(self) -> set[str]:
        families: dict[str, list[str]] = {}
        for number in self.tickets:
            families.setdefault(self.root(number), []).append(number)
        return {each for root, members in families.items() if self._goes(root, members) for each in members}

    def _goes(self, root: str, members: list[str]) -> bool:
        ticket = self.tickets[root]
        newest = max(
            [ticket.closed_at or ticket.opened_at, *(m.at for m in self.rows["messages"] if m.ticket == root)]
        )
        settled = ("sent", "suppressed", "failed")
        waits = any(row.ticket in members and row.state not in settled for row in self.rows["outbox"])
        named = any(
            link.other in members and self.tickets[link.ticket].status not in OVER
            for link in self.rows["links"]
        )
        ended = ticket.status in ("closed", "filed") and self.past(newest, self.kept.closed_tickets)
        return ended and root not in self.held and not waits and not named

    def due_raw(self) -> set[int]:
        with_files = {row.inbox_id for row in self.rows["attachments"]}
        gone = self.due_tickets()
        return {
            row.id
            for row in self.rows["inbox"]
            if row.state == "done"
            and (
                row.ticket in gone
                or (
                    self.free(row.ticket)
                    and (
                        self.past(row.received_at, self.kept.raw_mail)
                        or (row.id in with_files and self.past(row.received_at, self.kept.attachments))
                    )
                )
            )
        }

    def due_files(self) -> set[int]:
        return {
            row.id
            for row in self.rows["inbox"]
            if row.state == "done"
            and self.free(row.ticket)
            and self.past(row.received_at, self.kept.attachments)
        }

    def due_attempts(self) -> set[int]:
        gone, outbox = self.due_tickets(), {row.id: row for row in self.rows["outbox"]}
        return {
            row.id
            for row in self.rows["attempts"]
            for mail in (outbox[row.outbox_id],)
            if mail.ticket in gone
            or (mail.state == "sent" and self.free(mail.ticket) and self.past(row.at, self.kept.attempts))
        }


async def run_and_compare(desk: Desk, kept: Retention) -> None:
    before = rows(desk)
    model = Model(before, kept, desk.clock)
    await run(desk)
    after = rows(desk)
    assert _keys(before, after, "tickets", "number") == model.due_tickets()
    assert _keys(before, after, "raw_mails", "inbox_id") == model.due_raw() & {
        r.inbox_id for r in before["raw_mails"]
    }
    assert _keys(before, after, "attempts", "id") == model.due_attempts()
    marked = {row.inbox_id for row in after["attachments"] if row.deleted_at}
    deleted = _keys(before, after, "attachments", "inbox_id")
    due = model.due_files() & {row.inbox_id for row in before["attachments"]}
    assert due <= marked | deleted
    assert {row.inbox_id for row in before["attachments"] if row.deleted_at} | due >= marked
    _is_sound(desk, after)


def _keys(before: Rows, after: Rows, table: str, key: str) -> set[Any]:
    return {getattr(row, key) for row in before[table]} - {getattr(row, key) for row in after[table]}


def _is_sound(desk: Desk, after: Rows) -> None:
    """Nothing points to what is gone, no shared content is missing or left over, each ticket is its events."""
    if desk.store.sqlite:
        assert desk.all(text("PRAGMA foreign_key_check")) == []
    listed = {row.digest for row in after["attachments"] if not row.deleted_at}
    assert {row.digest for row in after["contents"]} == listed
    assert {row.digest for row in after["frozen_files"]} == {
        d for row in after["frozen_mails"] for _, d in row.files
    }
    whole = desk.store.read_now(frozen.load, [row.nonce for row in after["frozen_mails"]])
    unsent = {row.nonce for row in after["outbox"] if row.state in ("due", "deferred")}
    assert unsent <= whole.keys()
    for row in after["inbox"]:
        has_bytes = any(raw.inbox_id == row.id for raw in after["raw_mails"])
        assert has_bytes == (row.deleted_at is None)
    for row in after["tickets"]:
        ticket = desk.store.read_now(tickets.load, [row.number])[row.number]
        assert _rebuild(row.number, desk.store.read_now(tickets.events_of, row.number)) == ticket


@pytest.mark.parametrize("seed", sample(range(0, 200, 7), 2))
async def test_each_run_takes_what_the_model_says(store: Store, seed: int) -> None:
    years = Years(store, seed)
    for _ in range(6):
        for _ in range(years.random.randrange(1, 4)):
            await years.receive()
            await years.act()
        years.desk.clock += years.random.randrange(1, 90) * DAY
        await run_and_compare(years.desk, years.kept)
