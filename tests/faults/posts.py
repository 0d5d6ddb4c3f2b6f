"""People and programs that post in a simulated installation, and post again until they are answered."""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mailbot.channels import message as seam
from mailbot.channels.message import ChannelMessage
from mailbot.channels.web import form as web_form
from mailbot.channels.web.form import FormMessage
from mailbot.domain.actor import Actor
from mailbot.domain.reasons import Refusal
from mailbot.domain.web_forms.answers import Answers
from mailbot.domain.web_forms.model import WebForm
from mailbot.operations.form_posts import FormPost, Outcome, confirm, take_post
from mailbot.operations.program_requests import ProgramRequest, carry_out_once
from mailbot.operations.transaction import transact_in_turn
from mailbot.store import inbox
from mailbot.store.inbox import Receipt, ReceivedMail
from mailbot.workers.transaction import Transaction
from tests.builders import BOX

if TYPE_CHECKING:
    from tests.faults.world import Node, World

R = TypeVar("R")

FORM = WebForm("kontak", BOX.address, {"id": "Hubungi kami", "en": "Contact us"})
PROGRAM = Actor.operator("shop")
ADDRESS = "https://desk.example"
PATIENCE = 60.0  # seconds until silence counts as an error


class Posts:
    """Whoever posts. Each message keeps its key, as a form does and as programs are told to."""

    def __init__(self, world: "World") -> None:
        self._world, self._count = world, 0

    async def fill_in(self, address: str, text: str) -> str:
        """Send a form until the page says that it was taken, and return the Message-ID of what waits."""
        self._count += 1
        once = f"form-{self._count}"
        node = await self._node()
        filled = FormMessage(FORM, address, "", text, Answers({}, {}, (), "", {}, ()), (), "id", once)
        envelope, raw, mark = await web_form.build(filled, BOX, node.runtime.snapshot.keys, self._world.now())
        post = FormPost(FORM, once, text, address, "id", envelope, raw, mark, ADDRESS)
        await self._answered(partial(take_post, post=post), lambda outcome: outcome is Outcome.TAKEN)
        return _message_id(web_form.CHANNEL, mark)

    async def press(self, key: str) -> None:
        """Press the button behind the mailed link until the page says that the message arrived."""
        await self._answered(partial(confirm, key=key, form=FORM.name), bool)

    async def bring(self, address: str, text: str) -> str:
        """Bring a message as a shop's program does, and return its Message-ID."""
        self._count += 1
        node = await self._node()
        message = ChannelMessage("api", address, f"shop {self._count}", text)
        envelope, raw = seam.build(message, BOX, node.runtime.snapshot.keys, self._world.now())
        mail = ReceivedMail(message.mark, envelope, raw)
        request = ProgramRequest("", f"message {self._count}", text, PROGRAM, self._world.now())

        def keep(transaction: Transaction) -> Receipt:
            return inbox.keep(transaction.connection, [mail])[0]

        def decide(transaction: Transaction) -> object:
            return carry_out_once(transaction, request, keep, lambda _, receipt: str(receipt))

        await self._answered(decide, lambda done: done is not None and not isinstance(done, Refusal))
        return _message_id("api", message.mark)

    async def _answered(self, decide: Callable[[Transaction], R], is_good: Callable[[R], bool]) -> None:
        """Ask again and again, as somebody who sees an error page or nothing at all."""
        while True:
            node = await self._node()
            task = node.spawn(transact_in_turn(node.store, node.runtime, self._world.now(), decide))
            await asyncio.wait([task], timeout=1.0)
            end = self._world.loop.time() + PATIENCE
            while not task.done() and not node.trouble.killed and self._world.loop.time() < end:
                await self._world.run(5.0, 5.0)
            if task.done() and not task.cancelled() and task.exception() is None and is_good(task.result()):
                node.wake_all()
                return
            task.cancel()
            await self._world.run(20.0, 10.0)

    async def _node(self) -> "Node":
        while not self._world.running:
            await self._world.run(1.0, 1.0)
        return self._world.running[0]


def key_in(content: bytes) -> str:
    """Return the key of the link in a confirmation mail."""
    found = re.search(rb"/confirm\?\S*key=([A-Za-z0-9_-]+)", content)
    assert found, content
    return found[1].decode()


def _message_id(channel: str, mark: str) -> str:
    return f"<{channel}.{mark[:32]}@{BOX.domain}>"
