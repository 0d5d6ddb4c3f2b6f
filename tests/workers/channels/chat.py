"""A desk with one made-up chat, whose provider is a list in memory."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mailbot.channels.message import ChannelMessage
from mailbot.channels.seam import (
    Channel,
    Event,
    Found,
    Greeting,
    Outgoing,
    ReadLater,
    Result,
    Status,
    Unreadable,
)
from mailbot.domain.model import AttemptOutcome, Ticket
from mailbot.domain.people.identities import identity
from mailbot.store.channels import events
from mailbot.store.channels.events import NewEvent
from mailbot.store.store import Store
from mailbot.workers.channels.holder import Holder
from mailbot.workers.channels.reader import ChannelReader
from mailbot.workers.channels.sender import ChannelSender
from tests.builders import BOX
from tests.workers.test_intake import Desk

SITI = identity("chat", "+6281")


class Provider:
    """What the provider of the chat does: `sent` is what it took, `results` what it answers next."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.asked: list[Outgoing] = []  # also what was not taken
        self.results: list[Result] = []
        self.unready: set[str] = set()  # external ids whose files can't be fetched now

    async def read(self, event: Event) -> Sequence[Found]:
        """Make a message of the JSON of an event."""
        if event.external_id in self.unready:
            raise ReadLater("its file can't be fetched")
        try:
            given = json.loads(event.content)
        except ValueError as error:
            raise Unreadable("no JSON") from error
        if "status" in given:
            return [
                Status(given["of"], given["status"], datetime.fromisoformat(given["at"]), given["reason"])
            ]
        if "at" in given:
            given["at"] = datetime.fromisoformat(given["at"])
        if given["text"] == "/start":
            return [Greeting(identity("chat", given["from"]), given["name"], "id")]
        return [ChannelMessage("chat", identity("chat", given.pop("from")), event.external_id, **given)]

    async def send(self, message: Outgoing) -> Result:
        """Take a message, unless the test wants another result."""
        self.asked.append(message)
        result = self.results.pop(0) if self.results else None
        if result is None or result.outcome is not AttemptOutcome.DEFERRED:
            self.sent.append(message)
        return result or Result(AttemptOutcome.SENT, external_ids={1: f"ours-{len(self.sent)}"})


class ChatDesk(Desk):
    """A desk whose customers also write by a chat."""

    def __init__(self, store: Store, **policy_changes: Any) -> None:
        super().__init__(store, **policy_changes)
        self.provider, self.monotonic = Provider(), 0.0
        self.channel = Channel("chat", BOX.address, self.provider.read, self.provider.send)
        holder = Holder(store, "chat", "n1", lambda: self.monotonic)
        self.reader = ChannelReader(self.deps, self.channel, holder, lambda: None)
        self.sender = ChannelSender(self.deps, self.channel, "n1", lambda: self.monotonic)
        self._events = 0

    async def write(self, text: str, by: str = "+6281", **more: Any) -> bool:
        """Let somebody write. Return whether it is new."""
        self._events += 1
        external_id = more.pop("id", f"event-{self._events}")
        content = json.dumps({"from": by, "text": text, "name": "Siti", **more}).encode()
        new = NewEvent("chat", external_id, content, self.clock)
        return bool(await self.store.write(events.keep, new))

    async def report(self, of: str, status: str, reason: str = "") -> None:
        """Let the provider say what became of a message of ours."""
        told = {"of": of, "status": status, "reason": reason, "at": self.clock.isoformat()}
        content = json.dumps(told).encode()
        await self.store.write(events.keep, NewEvent("chat", f"{of}.{status}", content, self.clock))
        await self.turn()

    async def turn(self) -> None:
        """Read what came, decide, and send."""
        while await self.reader.run_once() == 0:
            pass
        await self.work()
        while await self.sender.run_once() == 0:
            pass

    async def said(self, text: str, by: str = "+6281", **more: Any) -> Ticket:
        """Let somebody write, and return the ticket that has it now."""
        await self.write(text, by, **more)
        await self.turn()
        number = self.store.read_now(lambda c: c.exec_driver_sql("SELECT max(id) FROM inbox").scalar())
        return self.ticket_of(number)
