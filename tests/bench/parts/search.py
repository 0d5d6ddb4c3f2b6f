"""Search in a large desk: `python -m tests.bench.parts.search FOLDER --tickets 500000 [--store URL]`.

A desk is made (`tests.bench.desk`) unless the folder has one. Then the index is filled, and some hundred searches of
several kinds are timed: common and rare words, phrases, numbers, filters, words that are nowhere. Each word of the
texts is as frequent as in a language (Zipf).
"""

import argparse
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from sqlalchemy import Connection, func, select, text

from mailbot.config.api import load
from mailbot.domain.search.query import parse
from mailbot.store import migrate
from mailbot.store.schema import messages, tickets
from mailbot.store.search import index
from mailbot.store.search.find import PageRequest, Sort, search
from mailbot.store.store import Store
from tests.bench import corpus, desk
from tests.bench.figures import Run, percentile

BATCH = 200
WORDS = (
    *("saya", "pesanan", "uang", "pengiriman", "dikembalikan", "refund"),
    *("cashback", "kecewa", "the", "order", "saldo"),
)
FILTERS = (
    *("is:open", "is:closed", "team:payments", "since:7d", "since:30d", "until:2026-06-01"),
    *("tag:fraud", "is:escalated"),
)


def fill(store: Store) -> dict[str, float]:
    """Index everything, without the worker's rests. Returns the figures."""
    began, cpu, longest, done = time.perf_counter(), time.process_time(), 0.0, 0
    while True:
        mark = store.read_now(index.mark)
        found = index.with_words(store.read_now(index.pending, mark, BATCH))
        if not found:
            break
        written = time.perf_counter()
        store.write_now(index.add, index.Addition(found, mark, found[-1].unread.id))
        longest = max(longest, time.perf_counter() - written)
        done += len(found)
    seconds = time.perf_counter() - began
    return {
        "messages": done,
        "messages/s": done / seconds,
        "CPU ms a message": (time.process_time() - cpu) / max(1, done) * 1000,
        f"longest transaction of {BATCH} (ms)": longest * 1000,
    }


def searches(store: Store, random: Random, count: int) -> Iterator[tuple[str, str]]:
    """Yield (kind, query): words of texts, each as often as it is common."""
    texts = store.read_now(_texts, random, count)
    for number, customer, written in texts:
        words = [word for word in written.split() if word.isalpha()]
        order = next(word for word in written.split() if word.startswith("INV/"))
        at = random.randrange(len(words) - 2)
        yield "a common word", random.choice(WORDS)
        yield "two common words", " ".join(random.sample(WORDS, 2))
        yield "a word of a text", random.choice(words)
        yield "three words of a text", " ".join(random.sample(words, 3))
        yield "a phrase", f'"{words[at]} {words[at + 1]}"'
        yield "a phrase that is nowhere", f'"{random.choice(words)} {random.choice(WORDS)}"'
        yield "a rare and a common word", f"{words[-1]} saya"
        yield "either of two words", f"{random.choice(words)} OR {random.choice(WORDS)}"
        yield "without a word", f"{random.choice(WORDS)} -{random.choice(WORDS)}"
        yield "a word and a filter", f"{random.choice(WORDS)} {random.choice(FILTERS)}"
        yield "a rare word and a filter", f"{words[-1]} {random.choice(FILTERS)}"
        yield "a filter alone", random.choice(FILTERS)
        yield "a ticket number", number
        yield "an order number", order
        yield "the start of an order number", order[:10]
        yield "a customer", customer
        yield "messages from a customer", f"from:{customer}"
        yield "the start of a word", f"{random.choice(words)[:4]}*"
        yield "nowhere", f"zq{random.randrange(10**6)}x"


def _texts(connection: Connection, random: Random, count: int) -> list[tuple[str, str, str]]:
    last = connection.scalar(select(func.max(messages.c.id))) or 0
    ids = [random.randrange(1, last + 1) for _ in range(count)]
    joined = select(messages.c.ticket, tickets.c.customer, messages.c.visible).join(tickets)
    return [tuple(row) for row in connection.execute(joined.where(messages.c.id.in_(ids)))]


def timed(store: Store, count: int, seed: int) -> dict[str, list[tuple[float, str]]]:
    """Return (milliseconds, query) of each search by kind."""
    random, now = Random(seed), datetime.now(UTC)
    found: dict[str, list[tuple[float, str]]] = {}
    for kind, asked in searches(store, random, count):
        page = PageRequest(sort=random.choice((Sort.BEST, Sort.BEST, Sort.NEWEST)))
        clock = time.thread_time if store.sqlite else time.perf_counter
        began = clock()
        store.read_now(search, parse(asked, now), page, now)
        found.setdefault(kind, []).append(((clock() - began) * 1000, asked))
    return found


async def once(config: Path, searches_each: int, seed: int) -> Run:
    """Fill the index of a large desk and search in it."""
    store = Store(load(config, os.environ).settings.store)
    try:
        filled, found = fill(store), timed(store, searches_each, seed)
    finally:
        store.close()
    every = [spent for each in found.values() for spent, _ in each]
    kinds = {kind: percentile([spent for spent, _ in each], 0.99) for kind, each in found.items()}
    return Run(
        {
            **filled,
            f"{len(every)} searches p50 (ms)": percentile(every, 0.5),
            "a search p99 (ms)": percentile(every, 0.99),
            **{f"{kind} p99 (ms)": p99 for kind, p99 in kinds.items()},
        },
        remarks=(f"the slowest: {max(one for each in found.values() for one in each)[1]}",),
    )


def size(connection: Connection) -> int:
    """Return the bytes of the index."""
    if connection.dialect.name == "postgresql":
        return connection.scalar(text("SELECT pg_total_relation_size('search_documents')")) or 0
    query = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%search\\_%' ESCAPE '\\' AND aggregate"
    return connection.scalar(text(query)) or 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.parts.search", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tickets", type=int, default=500_000)
    parser.add_argument("--store", help="an empty PostgreSQL database")
    parser.add_argument("--searches", type=int, default=20, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    config = wanted.folder / "config"
    if not config.exists():
        wanted.folder.mkdir(parents=True, exist_ok=True)
        config = desk.shipped(wanted.folder, wanted.store or f"{wanted.folder.resolve()}/mailbot.db")
        print(desk.build(load(config, os.environ), wanted.tickets, seed=wanted.seed))
    url = load(config, os.environ).settings.store
    migrate.upgrade(url)
    store = Store(url)
    for name, value in fill(store).items():
        print(f"{name:40}{value:12,.2f}")
    count = store.read_now(lambda connection: connection.scalar(select(func.count()).select_from(messages)))
    if os.environ.get("MAILBOT_BENCH_SIZE"):
        print(f"bytes a message: {store.read_now(size) / max(1, count):.0f}")
    if store.url.startswith("postgresql"):
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE search_documents"))
    print(f"{count:,} messages, seed {wanted.seed}, corpus of {len(corpus.INDONESIAN)} sentences")
    for kind, each in timed(store, wanted.searches, wanted.seed).items():
        spent = [one for one, _ in each]
        worst = f"worst: {max(each)[1]}"
        print(f"{kind:32}{percentile(spent, 0.5):9.1f}{percentile(spent, 0.99):9.1f} ms   {worst}")


if __name__ == "__main__":
    main()
