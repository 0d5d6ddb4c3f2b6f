"""A desk that imports: tickets of another desk with sensible defaults, and a run over them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from mailbot.domain.model import Direction
from mailbot.operations.importing import run
from mailbot.operations.importing.batch import Counts
from mailbot.operations.importing.history import Import
from mailbot.operations.importing.model import ImportedMessage, ImportedStatus, ImportedTicket, ReadContext
from mailbot.operations.importing.run import Survey
from tests.builders import BOX, RINA
from tests.workers.test_intake import Desk

SITI = "siti@pelanggan.example"
HOUR = timedelta(hours=1)
LONG_AGO = timedelta(days=900)
SOURCE = "zammad"


def message(desk: Desk, id_: str, hours: float = 0, **changes: Any) -> ImportedMessage:
    """Return a message of 900 days ago, so many hours after the first."""
    standing: dict[str, Any] = {
        "external_id": id_,
        "at": desk.clock - LONG_AGO + hours * HOUR,
        "direction": Direction.IN,
        "author": SITI,
        "author_name": "Siti",
        "subject": "Saldo terpotong",
        "text": "Saldo saya terpotong dua kali.",
        "message_id": f"<{id_}@lama.example>",
    }
    return ImportedMessage(**{**standing, **changes})


def answer(desk: Desk, id_: str, hours: float = 1, **changes: Any) -> ImportedMessage:
    changes = {
        "direction": Direction.OUT,
        "author": RINA.address,
        "text": "Sudah kami kembalikan.",
        **changes,
    }
    return message(desk, id_, hours, **changes)


def ticket(desk: Desk, id_: str, *messages: ImportedMessage, **changes: Any) -> ImportedTicket:
    """Return a closed ticket, with a question and its answer where no messages are given."""
    listed = messages or (message(desk, f"{id_}a"), answer(desk, f"{id_}b"))
    standing: dict[str, Any] = {
        "external_id": id_,
        "numbers": (f"Ticket#20190{id_}",),
        "mailbox": "",
        "customer": SITI,
        "customer_name": "Siti",
        "subject": "Saldo terpotong",
        "opened_at": min(each.at for each in listed),
        "messages": listed,
        "status": ImportedStatus.CLOSED,
    }
    return ImportedTicket(**{**standing, **changes})


def context_of(desk: Desk, open_since: datetime | None = None) -> ReadContext:
    policy = desk.runtime.policy
    return ReadContext(BOX.address, frozenset(policy.mailboxes), frozenset(policy.agents), open_since)


def import_all(desk: Desk, found: Iterable[ImportedTicket], source: str = SOURCE) -> Counts:
    this = Import(source, desk.runtime.policy, desk.clock)
    return run.carry_out(desk.store, desk.runtime, found, this, context_of(desk), lambda counts: None)


def look_at(desk: Desk, found: Iterable[ImportedTicket]) -> tuple[Counts, Survey]:
    this = Import(SOURCE, desk.runtime.policy, desk.clock)
    return run.look(desk.store, found, this, context_of(desk), lambda counts: None)
