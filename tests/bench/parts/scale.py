"""What grows with a desk: `python -m tests.bench.parts.scale --tickets 10000 100000 [--desk FOLDER]`.

Each size is a desk of `tests.bench.desk`, or FOLDER, made before. Queries are measured as CPU of their thread, the
median of some runs on a warm cache; commands as CPU and time of their process.
"""

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import select

from mailbot import log as journal
from mailbot.config.api import load
from mailbot.config.model import Loaded
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.templates import load as load_templates
from mailbot.metrics import Metrics
from mailbot.store import deadlines, inbox, outbox, queries
from mailbot.store.engine import sqlite_path
from mailbot.store.lists import ticket_list, worklists
from mailbot.store.lists.ticket_list import TicketFilter
from mailbot.store.schema import deadlines as deadlines_table
from mailbot.store.service import nodes
from mailbot.store.store import Store
from mailbot.workers.deadlines import BATCH, Deadlines
from mailbot.workers.runtime import Deps, Runtime, Snapshot
from tests.bench import desk
from tests.bench.figures import Part, Run
from tests.scenarios.harness import ROOT

NOW = datetime.now(UTC)
MOST = ("new", "open", "waiting", "closed", "merged")  # as `ticket list` asks
TIMES = 5


async def once(folder: Path, tickets: int) -> Run:
    """Make a desk of so many tickets and measure it."""
    config = desk.shipped(folder, f"{folder}/mailbot.db")
    loaded = load(config, os.environ)
    began = time.perf_counter()
    rows = desk.build(loaded, tickets)
    made = time.perf_counter() - began
    run = await measure(config)
    return Run({"rows of all tables": float(sum(rows.values())), "made in (s)": made, **run.measures})


async def measure(config: Path) -> Run:
    """Measure the desk of this configuration."""
    loaded = load(config, os.environ)
    store = Store(loaded.settings.store)
    measures = _size(loaded.settings.store) if store.sqlite else {}
    measures |= {f"{name} (ms)": 1000 * _cpu(store, query) for name, query in _queries(store)}
    measures |= await _due(store, loaded)
    number = store.read_now(ticket_list.list_tickets, TicketFilter(limit=1))[0].ticket.number
    store.close()
    for words in (("ticket", "list"), ("ticket", "show", number), ("status",), ("report", "--since", "365d")):
        measures |= _command(config, *words)
    if store.sqlite:
        measures |= _command(config, "db", "backup", f"{config}/copy.db", name="db backup")
        (config / "copy.db").unlink()
    return Run(measures)


def _size(url: str) -> dict[str, float]:
    return {"store (MB)": os.path.getsize(sqlite_path(url)) / 1e6}


def _queries(store: Store) -> Iterator[tuple[str, Callable[[Any], object]]]:
    """Name what people, /metrics and the daemon's loops ask again and again."""
    some = store.read_now(ticket_list.list_tickets, TicketFilter(limit=1))[0].ticket
    filters = {
        "newest": TicketFilter(statuses=MOST, folded=True),
        "open": TicketFilter(statuses=MOST[:3], folded=True),
        "of a team": TicketFilter(statuses=MOST, folded=True, team=some.team),
        "of no team": TicketFilter(statuses=MOST, folded=True, team="nobody"),
        "of an agent": TicketFilter(statuses=MOST, folded=True, assignee=some.assignee or ""),
        "of a customer": TicketFilter(statuses=MOST, customer=some.customer),
        "overdue": TicketFilter(statuses=MOST, overdue_at=NOW),
        "page 100": TicketFilter(statuses=MOST, folded=True, page=100),
    }
    for name, wanted in filters.items():
        yield f"list: {name}", lambda c, wanted=wanted: ticket_list.list_tickets(c, wanted)
    number = some.number
    yield "show", lambda c: (queries.ticket(c, number), queries.messages_of(c, number, longest=4000))
    yield "worklist of a team", lambda c: worklists.live_tickets(c, team=some.team)
    yield "figures for /metrics", lambda c: queries.store_status(c, NOW)
    node = nodes.Node("bench", "here", 1, "", NOW, "")
    yield "a heartbeat", lambda c: nodes.record_heartbeat(c, [nodes.Beat(node, judges=False)])
    yield "a claim of the inbox", lambda c: inbox.claim(c, [inbox.Claim("bench", 200)])
    yield "a claim of the outbox", lambda c: outbox.claim(c, [outbox.Claim("bench", 100, NOW)])


def _cpu(store: Store, query: Callable[[Any], object]) -> float:
    """Return seconds. What the query writes is rolled back."""
    spent = []
    for _ in range(TIMES):
        began = time.thread_time()
        with store.engine.connect() as connection, connection.begin() as transaction:
            query(connection)
            transaction.rollback()
        spent.append(time.thread_time() - began)
    return median(spent)


async def _due(store: Store, loaded: Loaded) -> dict[str, float]:
    """Take a turn of the deadlines when nothing is due, and when 500 are, by a clock of our own."""
    keys = TokenSigner(b"a secret for the bench alone, no more")
    composer = Composer(load_templates(loaded.settings.templates), keys, loaded.policy)
    runtime = Runtime(Snapshot(loaded.policy, composer, keys, loaded.settings.trust))
    moments = select(deadlines_table.c.due_at).order_by(deadlines_table.c.due_at).offset(BATCH - 1).limit(1)
    at = store.read_now(lambda c: c.scalar(moments))
    with StringIO() as log:
        journal.configure("json", stream=log)
        clock = store.read_now(deadlines.next_due_at)
        found = {}
        for name, now in (("nothing", clock and clock.replace(year=2000)), (f"{BATCH}", at)):
            if now is not None:
                duty = Deadlines(Deps(store, runtime, lambda now=now: now, Metrics(), lambda: None))
                found[f"a turn, {name} due, CPU (ms)"] = 1000 * await _spent(duty.run_once)
    return found


async def _spent(work: Callable[[], Awaitable[object]]) -> float:
    began = time.process_time()
    await work()
    return time.process_time() - began


def _command(config: Path, *words: str, name: str = "") -> dict[str, float]:
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = (sys.executable, "-m", "mailbot", *words, "--config", str(config))
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    assert done.returncode in (0, 1), words  # 1: no daemon runs, as status says
    after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    what = name or " ".join(word for word in words if not word.startswith("TOKO"))
    return {f"mailbot {what}, CPU (s)": cpu, f"mailbot {what}, time (s)": took}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.parts.scale", description=__doc__)
    parser.add_argument("--tickets", type=int, nargs="*", default=[], metavar="N")
    parser.add_argument("--desk", type=Path, nargs="*", default=[], help="a folder of tests.bench.desk")
    wanted = parser.parse_args()
    columns = {}
    for count in wanted.tickets:
        with tempfile.TemporaryDirectory() as folder:
            columns[f"{count:,}"] = [asyncio.run(once(Path(folder), count))]
    for folder in wanted.desk:
        columns[folder.name] = [asyncio.run(measure(folder / "config"))]
    print(Part("scale", "a year of tickets", columns).table())


if __name__ == "__main__":
    main()
