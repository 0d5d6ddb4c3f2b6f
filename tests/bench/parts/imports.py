"""Bring over a large desk: `python -m tests.bench.parts.imports FOLDER --tickets 100000 [--only records]`.

Three messages a ticket: as records, which a reader of an API's export yields, and as an mbox, whose mails are parsed
and kept. Each is imported into an empty SQLite store by the shipped policy, and then once more. Nothing may be there
twice, and no mail may wait to be sent.
"""

import argparse
import os
import resource
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from random import Random

from sqlalchemy import Connection, func, select

from mailbot.cli.shared.runtime import build_runtime
from mailbot.config.api import load
from mailbot.domain.model import Direction
from mailbot.operations.importing import mbox, run
from mailbot.operations.importing.history import Import
from mailbot.operations.importing.model import ImportedMessage, ImportedStatus, ImportedTicket, ReadContext
from mailbot.store import migrate
from mailbot.store.schema import messages, outbox, tickets
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime
from tests.bench.figures import Part, Run

CONFIG = Path(__file__).parents[3] / "config"
MESSAGES = 3  # of each ticket: a question, an answer, thanks
WORDS = (
    *(
        "mohon",
        "bantuan",
        "transaksi",
        "saldo",
        "terpotong",
        "belum",
        "kembali",
        "pesanan",
        "barang",
        "sampai",
    ),
    *(
        "rusak",
        "kurir",
        "paket",
        "uang",
        "saya",
        "akun",
        "terkunci",
        "refund",
        "pengiriman",
        "alamat",
        "toko",
    ),
)
RECORDS, MBOX = "records", "mbox"


def records(count: int, seed: int, mailbox: str) -> Iterator[ImportedTicket]:
    """Yield tickets of the last years, one in twenty of them still open."""
    random, newest = Random(seed), datetime.now(UTC) - timedelta(hours=12)
    for number in range(count):
        began = newest - timedelta(minutes=20) * (count - number)
        customer = f"pelanggan{random.randrange(count // 3 + 1)}@pelanggan.example"
        listed = [_message(number, place, began, customer, mailbox, random) for place in range(MESSAGES)]
        status = ImportedStatus.CLOSED if random.random() < 0.95 else ImportedStatus.OPEN
        yield ImportedTicket(
            external_id=str(number),
            numbers=(f"Ticket#{2019000000 + number}",),
            mailbox=mailbox,
            customer=customer,
            customer_name="",
            subject=listed[0].subject,
            opened_at=began,
            messages=tuple(listed),
            status=status,
        )


def _message(
    number: int, place: int, began: datetime, customer: str, mailbox: str, random: Random
) -> ImportedMessage:
    is_answer = place == 1
    named = f"Re: [Ticket#{2019000000 + number}] " if place else ""
    return ImportedMessage(
        external_id=f"{number}.{place}",
        at=began + timedelta(hours=2 * place),
        direction=Direction.OUT if is_answer else Direction.IN,
        author=mailbox if is_answer else customer,
        author_name="",
        subject=f"{named}Pesanan {number}",
        text=f"Tentang {number}: {' '.join(random.choices(WORDS, k=60))}.",
        message_id=f"<{number}.{place}@lama.example>",
        references=(f"<{number}.0@lama.example>",) if place else (),
        to=(("", customer if is_answer else mailbox),),
    )


def write_mbox(path: Path, found: Iterable[ImportedTicket]) -> None:
    """Write the mails of these tickets as mboxrd."""
    with path.open("w") as file:
        for each in (message for ticket in found for message in ticket.messages):
            head = {
                "From": each.author,
                "To": each.to[0][1],
                "Subject": each.subject,
                "Date": format_datetime(each.at),
                "Message-ID": each.message_id,
                "References": " ".join(each.references),
                "Content-Type": "text/plain; charset=utf-8",
            }
            lines = "".join(f"{name}: {value}\n" for name, value in head.items() if value)
            file.write(f"From {each.author} {each.at:%a %b %d %H:%M:%S %Y}\n{lines}\n{each.text}\n\n")


async def once(folder: Path, what: str, count: int, seed: int) -> Run:
    """Import into an empty store, and again."""
    store_path = folder / f"import-{what}.db"
    store_path.unlink(missing_ok=True)
    url = f"sqlite:///{store_path}"
    migrate.upgrade(url)
    loaded = load(CONFIG, {**os.environ, "MAILBOT_STORE": url})
    runtime, store = build_runtime(loaded.settings, loaded.policy, None), Store(url)
    try:
        measures: dict[str, float] = {}
        for again in (False, True):
            measures |= _measure(store, runtime, _reader(folder, what, count, seed), what, again=again)
        found = store.read_now(_counts)
    finally:
        store.close()
    measures["size of the store (MB)"] = store_path.stat().st_size / 1e6
    measures["memory at most (MB)"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    faults = {
        "tickets lost or twice": abs(found[0] - count),
        "messages lost or twice": abs(found[1] - MESSAGES * count),
        "mails to be sent": found[2],
        "changed by the second run": int(measures.pop("changed again")),
    }
    return Run(measures, faults)


def _reader(folder: Path, what: str, count: int, seed: int) -> Path | Iterator[ImportedTicket]:
    mailbox = next(iter(load(CONFIG, os.environ).policy.mailboxes))
    if what == RECORDS:
        return records(count, seed, mailbox)
    path = folder / f"import-{count}.mbox"
    if not path.exists():
        write_mbox(path, records(count, seed, mailbox))
    return path


def _measure(
    store: Store, runtime: Runtime, found: Path | Iterator[ImportedTicket], what: str, *, again: bool
) -> dict[str, float]:
    policy = runtime.policy
    context = ReadContext(next(iter(policy.mailboxes)), frozenset(policy.mailboxes), frozenset(policy.agents))
    read = mbox.read(found, context) if isinstance(found, Path) else found
    this = Import(what, policy, datetime.now(UTC))
    began, cpu = time.perf_counter(), time.process_time()
    counts = run.carry_out(store, runtime, read, this, context, lambda _: None)
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    if again:
        return {
            "second run (s)": seconds,
            "second run, CPU (s)": spent,
            "changed again": counts.new + counts.grown,
        }
    return {
        "first run (s)": seconds,
        "first run, CPU (s)": spent,
        "tickets/s": counts.new / seconds,
        "CPU a message (ms)": spent / max(1, counts.messages) * 1000,
    }


def _counts(connection: Connection) -> tuple[int, int, int]:
    counted = [
        connection.scalar(select(func.count()).select_from(each)) for each in (tickets, messages, outbox)
    ]
    return counted[0] or 0, counted[1] or 0, counted[2] or 0


def main() -> None:
    import asyncio

    parser = argparse.ArgumentParser(prog="python -m tests.bench.parts.imports", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--only", choices=(RECORDS, MBOX))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chosen = (asked.only,) if asked.only else (RECORDS, MBOX)
    runs = {what: [asyncio.run(once(asked.folder, what, asked.tickets, asked.seed))] for what in chosen}
    print(Part("import", f"{asked.tickets:,} tickets of another desk", runs).table())


if __name__ == "__main__":
    main()
