"""Greet people who opened a chat with us: what to write here, in both languages, and no ticket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.channels.seam import Greeting
from mailbot.domain.notices import ChatGreeting
from mailbot.domain.people.addresses import owner
from mailbot.domain.policy import Mailbox, Policy, Rate
from mailbot.domain.replies.auto_reply import rates, spend
from mailbot.store import outbox, rate_limits, suppressions
from mailbot.store.channels import events
from mailbot.store.channels.events import Read
from mailbot.workers import outbox_rows
from mailbot.workers.runtime import Snapshot

_TEXTS = {
    "id": "Halo! Di sini layanan pelanggan {brand}. Tulis keluhan atau pertanyaan Anda, boleh dengan foto. "
    "Anda segera mendapat nomor tiket, dan petugas kami membalas di sini.",
    "en": "Hello! This is the customer service of {brand}. Write your complaint or question here, with photos "
    "if you like. You get a ticket number at once, and our people answer here.",
}


@dataclass(frozen=True, slots=True)
class Welcome:
    """An event that was read, and whom it makes us greet in the name of a mailbox."""

    read: Read
    greetings: tuple[Greeting, ...]
    box: Mailbox
    snapshot: Snapshot
    now: datetime


def greet(connection: Connection, items: Sequence[Welcome]) -> list[bool]:
    """Mark events as done and enqueue their greetings, in one commit. False: done already.

    Who opens the chat again gets messages again. How many greetings leave is limited as answers to questions are.
    """
    done = events.finish(connection, [each.read for each in items])
    for welcome, is_new in zip(items, done, strict=True):
        for greeting in welcome.greetings if is_new else ():
            suppressions.remove(connection, [greeting.to])
            _enqueue(connection, welcome, greeting)
    return done


def _enqueue(connection: Connection, welcome: Welcome, greeting: Greeting) -> None:
    snapshot, now = welcome.snapshot, welcome.now
    limits = list(_limits(greeting.to, snapshot.policy))
    spent = spend(limits, rate_limits.load(connection, [key for key, _ in limits]), now)
    if isinstance(spent, str):
        return
    rate_limits.save(connection, spent)
    row = outbox_rows.build_row(greeting_of(greeting, welcome.box), snapshot, now, now)
    outbox.enqueue(connection, [row])


def _limits(to: str, policy: Policy) -> Iterator[tuple[str, Rate]]:
    for rate in policy.answers.status:
        yield f"greeting {owner(to)} {rate.count} per {rate.period}", rate
    yield from ((key, rate) for key, rate in rates(to, policy) if key.startswith("overall "))


def greeting_of(greeting: Greeting, box: Mailbox) -> ChatGreeting:
    """Return the notice: in the person's language first, as far as we know it."""
    languages = ("en", "id") if greeting.language == "en" else ("id", "en")
    text = "\n\n".join(_TEXTS[language].format(brand=box.brand) for language in languages)
    return ChatGreeting(box.address, greeting.to, languages[0], box.brand, text)
