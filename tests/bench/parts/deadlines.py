"""A million open tickets: the cost when nothing is due, when 500 are, and how late steps are taken.

Most tickets are copies of one real ticket, made inside SQLite. Those that fall due are opened by real
decisions, for a team that works round the clock. Then the real daemon runs on the same file.
"""

import asyncio
import json
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mailbot import log as journal
from mailbot.config.api import load as load_settings
from mailbot.domain import ladder, ticket_number
from mailbot.domain.decisions import on_mail
from mailbot.domain.matching import Match
from mailbot.domain.policy import Policy
from mailbot.domain.replies.mail_facts import MailFacts
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.templates import load as load_templates
from mailbot.metrics import Metrics
from mailbot.store import deadlines, migrate, tickets
from mailbot.store.store import Store
from mailbot.workers.deadlines import BATCH, Deadlines
from mailbot.workers.runtime import Deps, Runtime, Snapshot
from tests import builders
from tests.bench.figures import Run, percentile
from tests.scenarios.harness import DaemonProcess

QUIET_TURNS = 200
LEAD = timedelta(seconds=3)  # from now to the first step that the daemon has to take: it must be up by then
SPREAD = timedelta(seconds=4)
FIRST_DUE, FIRST_PUNCTUAL = 50_000_000, 60_000_000  # where their numbers begin, above the sleepers'
SUBJECT = "Akun saya terkunci"  # goes to a team that works round the clock


@dataclass(frozen=True, slots=True)
class Desk:
    """All that decisions need without a daemon. `first_step` is the time from opening to the first step."""

    store: Store
    runtime: Runtime
    first_step: timedelta


async def once(daemon: DaemonProcess, sleepers: int, rounds: int, punctual: int) -> Run:
    desk = _desk(daemon)
    began = time.perf_counter()
    _fill(desk, daemon, sleepers)
    measures = {"making the tickets (s)": time.perf_counter() - began}
    with (daemon.folder / "bench.log").open("w") as log:
        journal.configure("json", stream=log)  # saying what fired is part of the cost
        measures |= await _turns(desk, rounds)
    faults = _taken_once(daemon, expected=BATCH * rounds)
    now = datetime.now(UTC)
    step = SPREAD / punctual
    _open(desk, [now + LEAD + index * step for index in range(punctual)], first=FIRST_PUNCTUAL)
    desk.store.close()
    measures |= await _lateness(daemon, now + LEAD + SPREAD, punctual)
    faults |= _taken_once(daemon, expected=BATCH * rounds + punctual)
    return Run(measures, faults)


def _desk(daemon: DaemonProcess) -> Desk:
    env = daemon.environment()
    loaded = load_settings(daemon.config, env)
    migrate.upgrade(loaded.settings.store)
    keys = TokenSigner(b"a secret for the bench alone, no more")
    composer = Composer(load_templates(loaded.settings.templates), keys, loaded.policy)
    runtime = Runtime(Snapshot(loaded.policy, composer, keys, loaded.settings.trust))
    opened = _opened(0, builders.NOW, loaded.policy)
    assert opened.deadline
    return Desk(Store(loaded.settings.store), runtime, opened.deadline.due_at - builders.NOW)


def _number(index: int) -> str:
    return ticket_number.make("TOKO", f"{index:08d}")


def _opened(index: int, at: datetime, policy: Policy) -> tickets.TicketChange:
    """Open a ticket for a customer's mail, whose notices were sent long ago."""
    mail = builders.mail(sender=f"pelanggan{index}@pelanggan.example", subject=SUBJECT)
    envelope = builders.envelope(sender=mail.sender, received_at=at)
    decision = on_mail(None, mail, envelope, MailFacts(_number(index), Match()), policy, at).decision
    deadline = ladder.next_deadline(decision.ticket, policy)
    return tickets.TicketChange(None, decision.ticket, decision.events, policy.version, deadline)


def _open(desk: Desk, due: Sequence[datetime], *, first: int) -> None:
    """Open tickets whose first step falls due at these moments, numbered from `first`."""
    outcomes = tuple(
        _opened(index, due_at - desk.first_step, desk.runtime.policy)
        for index, due_at in enumerate(due, first)
    )
    desk.store.write_now(_record, outcomes)


def _record(connection: object, batches: Sequence[Sequence[tickets.TicketChange]]) -> list[None]:
    for outcomes in batches:
        tickets.record(connection, outcomes)  # type: ignore[arg-type]
    return [None] * len(batches)


# --- the sleepers -----------------------------------------------------------------------------------------


def _fill(desk: Desk, daemon: DaemonProcess, count: int) -> None:
    """Create open tickets whose steps are due at random over the next year."""
    _open(desk, [datetime.now(UTC) + timedelta(days=1)], first=0)
    desk.store.engine.dispose()
    with _careless(daemon) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(tickets)")]
        changed = {"number": "number(n)", "customer": "'pelanggan' || n || '@pelanggan.example'"}
        values = ", ".join(changed.get(name, name) for name in columns)
        database.execute(
            "WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n + 1 < ?) "
            f"INSERT INTO tickets ({', '.join(columns)}) SELECT {values} FROM counter, tickets "
            "WHERE number = ?",
            (count, _number(0)),
        )
        database.execute(
            "INSERT INTO deadlines (ticket, due_at, target, step, state) "
            "SELECT t.number, d.due_at + (t.rowid * 7919 % 31536000) * 1000000, d.target, d.step, d.state "
            "FROM tickets t, deadlines d WHERE d.ticket = ? AND t.number <> d.ticket",
            (_number(0),),
        )


@contextmanager
def _careless(daemon: DaemonProcess) -> Iterator[sqlite3.Connection]:
    """Open a connection without sync and journal: its data can be made again."""
    database = sqlite3.connect(daemon.database)
    database.create_function("number", 1, _number, deterministic=True)
    for pragma in (
        "wal_checkpoint(TRUNCATE)",
        "journal_mode = OFF",
        "synchronous = OFF",
        "cache_size = -262144",
    ):
        database.execute(f"PRAGMA {pragma}")
    try:
        yield database
        database.commit()
    finally:
        database.close()


# --- turns of the duty ------------------------------------------------------------------------------------


async def _turns(desk: Desk, rounds: int) -> dict[str, float]:
    """Run the worker with our clock: first nothing is due, then 500 for each round."""
    clock = datetime.now(UTC) + timedelta(minutes=1)
    duty = Deadlines(Deps(desk.store, desk.runtime, lambda: clock, Metrics(), lambda: None))
    quiet = [await _timed(duty) for _ in range(QUIET_TURNS)]
    looks = [_looked(desk, clock) for _ in range(QUIET_TURNS)]
    full, claims = [], []
    for index in range(rounds):
        _open(desk, [clock] * BATCH, first=FIRST_DUE + index * BATCH)
        clock += timedelta(seconds=1)
        claims.append(_looked(desk, clock))
        full.append(await _timed(duty))
    return {
        "a look, nothing due (ms)": statistics.median(looks),
        "a turn, nothing due (ms)": statistics.median(quiet),
        f"a look, {BATCH} due (ms)": statistics.median(claims),
        f"a turn, {BATCH} due (ms)": statistics.median(full),
    }


async def _timed(duty: Deadlines) -> float:
    """Measure the milliseconds of a turn: claim, decide, compose, record, log."""
    start = time.perf_counter()
    await duty.run_once()
    return 1000 * (time.perf_counter() - start)


def _looked(desk: Desk, now: datetime) -> float:
    start = time.perf_counter()
    desk.store.read_now(deadlines.due, now, BATCH)
    return 1000 * (time.perf_counter() - start)


# --- the daemon on the same tickets -----------------------------------------------------------------------


async def _lateness(daemon: DaemonProcess, last: datetime, count: int) -> dict[str, float]:
    async with daemon:
        async with asyncio.timeout(60):
            while len(late := _told(daemon)) < count and datetime.now(UTC) < last + timedelta(seconds=30):  # noqa: ASYNC110  (asks another process)
                await asyncio.sleep(0.2)
    return {
        "lateness p50 (ms)": percentile(late, 0.5),
        "lateness p99 (ms)": percentile(late, 0.99),
        "lateness at most (ms)": max(late, default=float("nan")),
    }


def _told(daemon: DaemonProcess) -> list[float]:
    """Read the milliseconds that the daemon logs after the commit."""
    lines = (json.loads(line) for line in daemon.log.splitlines() if '"deadline_fired"' in line)
    return [1000 * float(line["lateness"]) for line in lines]


def _taken_once(daemon: DaemonProcess, *, expected: int) -> dict[str, int]:
    """Check in the event log that each due step was taken once."""
    (row,) = daemon.rows(
        "SELECT count(*) AS taken, count(DISTINCT ticket) AS tickets FROM events WHERE kind = 'step_taken'"
    )
    return {"steps not taken": expected - row["tickets"], "taken twice": row["taken"] - row["tickets"]}
