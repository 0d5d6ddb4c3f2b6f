"""A desk with a number at the fake Cloud API, with the real channel, loops and store."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from mailbot.channels.seam import Call
from mailbot.channels.whatsapp.channel import build
from mailbot.domain.model import Ticket
from mailbot.store.channels import events
from mailbot.store.schema import inbox, outbox
from mailbot.store.store import Store
from mailbot.workers.channels.holder import Holder
from mailbot.workers.channels.reader import ChannelReader, as_kept
from mailbot.workers.channels.sender import ChannelSender
from mailbot.workers.failed_mail import FailedMail
from tests.builders import RINA
from tests.fakes.whatsapp import FakeWhatsapp
from tests.workers.test_intake import AGENTS_NETWORK, Desk, tag

SITI = "whatsapp:+6281234567890"


class WhatsappDesk(Desk):
    """A desk whose customers write by WhatsApp. Calls come in without a web server, as the pages take them."""

    def __init__(self, store: Store, fake: FakeWhatsapp, *, template: bool = True) -> None:
        super().__init__(store)
        self.fake, self.monotonic = fake, 0.0
        fake.now, fake.post = lambda: self.clock, self.post
        self.channel = build(fake.settings(template=template), lambda: self.clock)
        holder = Holder(store, "whatsapp", "n1", lambda: self.monotonic)
        self.reader = ChannelReader(self.deps, self.channel, holder, lambda: None)
        self.sender = ChannelSender(self.deps, self.channel, "n1", lambda: self.monotonic)
        self.failed_mail = FailedMail(self.deps)

    async def post(self, headers: dict[str, str], body: bytes) -> int:
        """Take a call, and keep its events before it gets its reply."""
        assert self.channel.receive
        reply = self.channel.receive(Call("POST", headers, {}, body))
        for each in as_kept("whatsapp", reply.events, self.clock):
            await self.store.write(events.keep, each)
        return reply.status

    async def turn(self) -> None:
        """Read what came, decide, send, and notify of failures."""
        while await self.reader.run_once() == 0:
            pass
        await self.work()
        while await self.failed_mail.run_once() == 0:
            pass
        while await self.sender.run_once() == 0:
            pass
        while await self.failed_mail.run_once() == 0:
            pass

    async def said(self, text: str = "", **more: Any) -> Ticket:
        """Let somebody write, and return the ticket that has it now."""
        assert await self.fake.write(text, **more) == 200
        await self.turn()
        return self.ticket_of(self.all(select(inbox.c.id).order_by(inbox.c.id.desc()))[0].id)

    async def answer(self, ticket: Ticket, text: str, files: Sequence[tuple[str, str, bytes]] = ()) -> None:
        """Let the agent answer, after the time in which they can take it back. `files`: name, type and bytes."""
        parts = [f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}"]
        for name, kind, content in files:
            head = (
                f'Content-Type: {kind}; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"'
            )
            encoded = base64.encodebytes(content).decode()
            parts.append(f"{head}\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}")
        body = "".join(f"--cut\r\n{part}\r\n" for part in parts) + "--cut--"
        await self.receive(
            sender=RINA.address,
            to=tag(ticket.number),
            Subject=f"Re: {ticket.subject} [{ticket.number}]",
            peer=AGENTS_NETWORK,
            body=body,
            MIME_Version="1.0",
            Content_Type='multipart/mixed; boundary="cut"',
        )
        self.clock += timedelta(minutes=3)
        await self.turn()

    def answers(self) -> list[Any]:
        """Return the rows of answers to customers."""
        return self.all(select(outbox).where(outbox.c.kind == "answer").order_by(outbox.c.id))


@asynccontextmanager
async def whatsapp_desk(store: Store, *, template: bool = True) -> AsyncIterator[WhatsappDesk]:
    async with FakeWhatsapp().served() as fake:
        desk = WhatsappDesk(store, fake, template=template)
        assert desk.channel.close
        try:
            yield desk
        finally:
            await desk.channel.close()
