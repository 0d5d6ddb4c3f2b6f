"""A chat in a simulated installation: its provider in memory, and the daemon's own loops and web address for it.

Two orders that break the promise are here as well, so that a test sees them found: a call that is answered before the
commit, and a position that is recorded before what it confirms is kept.
"""

import asyncio
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailbot.channels.message import ChannelMessage
from mailbot.channels.seam import Call, Channel, Event, Found, Outgoing, Polled, Reply, Result, Unavailable
from mailbot.console.channels.routes import called
from mailbot.domain.model import AttemptOutcome
from mailbot.domain.people.identities import identity
from mailbot.store.channels import events, states
from mailbot.store.channels.states import Position
from mailbot.workers.channels.holder import REST, Holder
from mailbot.workers.channels.poller import ChannelPoller
from mailbot.workers.channels.reader import ChannelReader, as_kept
from mailbot.workers.channels.sender import ChannelSender
from mailbot.workers.loop import Worker
from mailbot.workers.runtime import Deps
from tests.builders import BOX
from tests.faults.relay import Arrived

if TYPE_CHECKING:
    from tests.faults.world import Node, World

NAME = "chat"
LONG = 5.0  # seconds of a question without news
LATENCY = 0.002


class Provider:
    """What the provider has: `waiting` is not confirmed yet, `taken` came from us.

    `way`: "polled" or "called". `hasty`: the broken order.
    """

    def __init__(self, world: "World", way: str, *, hasty: bool = False) -> None:
        self._world, self.way, self.hasty = world, way, hasty
        self.waiting: list[tuple[int, Event]] = []
        self.taken: list[Outgoing] = []
        self._count = 0

    def event(self, by: str, text: str) -> Event:
        """Make the event of what somebody writes."""
        self._count += 1
        return Event(f"e{self._count}", json.dumps({"from": by, "text": text}).encode())

    def channel(self) -> Channel:
        """Return the channel of one node."""
        polled = self.way == "polled"
        return Channel(
            NAME,
            BOX.address,
            self._read,
            self._send,
            receive=None if polled else self._receive,
            poll=self._poll if polled else None,
        )

    async def _read(self, event: Event) -> Sequence[Found]:
        await self._reach("read")
        return [message_of(event)]

    def _receive(self, call: Call) -> Reply:
        body = json.loads(call.body)
        return Reply(events=(Event(body["id"], body["content"].encode()),))

    async def _poll(self, position: str) -> Polled:
        """Return what comes after a position, and forget what it confirms, as the Bot API does."""
        confirmed = int(position or 0)
        await self._reach("poll", lambda: self._confirm(confirmed))
        self._confirm(confirmed)
        if not self.waiting:
            await asyncio.sleep(LONG)
        found = list(self.waiting)
        return Polled(tuple(event for _, event in found), str(found[-1][0]) if found else position)

    def _confirm(self, position: int) -> None:
        self.waiting = [each for each in self.waiting if each[0] > position]

    async def _send(self, message: Outgoing) -> Result:
        """Take a message. Where no reply comes back, the channel can't know whether it was taken."""
        try:
            await self._reach("send", lambda: self._take(message))
        except Unheard:
            return Result(AttemptOutcome.UNKNOWN, "no reply")
        except Unavailable as error:
            return Result(AttemptOutcome.DEFERRED, str(error), is_ours=True)
        self._take(message)
        return Result(AttemptOutcome.SENT, external_ids={1: f"ours-{len(self.taken)}"})

    def _take(self, message: Outgoing) -> None:
        self.taken.append(message)
        raw = f"Message-ID: {message.key}\n\n{message.text}".encode()
        self._world.relay.arrived.append(Arrived(message.to, raw, self._world.loop.time(), "250 taken"))

    async def _reach(self, action: str, done: Any = lambda: None) -> None:
        """Count a point, and do what is planned there. Raises Unavailable, or never returns."""
        fault = self._world.points.reach(f"chat {action}")
        await asyncio.sleep(LATENCY)
        if fault is None:
            return
        if fault.done:
            done()
        if fault.kills or fault.freezes:
            self._world.silence(fault)
            await asyncio.get_running_loop().create_future()
        raise Unheard("the connection was cut") if fault.done else Unavailable("it can't be reached")

    async def write(self, by: str, text: str) -> str:
        """Let somebody write, and return the Message-ID of the mail that it becomes."""
        event = self.event(by, text)
        if self.way == "polled":
            self.waiting.append((self._count, event))
        else:
            await self._call(event)
        return f"<{NAME}.{message_of(event).mark[:32]}@{BOX.domain}>"

    async def _call(self, event: Event) -> None:
        """Call the web address as a provider does: again and again, until it has been answered 2xx."""
        body = json.dumps({"id": event.external_id, "content": event.content.decode()}).encode()
        while True:
            if node := next(iter(self._world.running), None):
                task = node.spawn(self._answered(node, body, event))
                await asyncio.wait([task], timeout=30.0)
                if task.done() and not task.cancelled() and task.exception() is None and task.result() < 300:
                    return
                task.cancel()
            await self._world.run(20.0, 10.0)

    async def _answered(self, node: "Node", body: bytes, event: Event) -> int:
        if self.hasty:  # the promise broken: 2xx goes out, then the commit is tried
            new = events.NewEvent(NAME, event.external_id, event.content, self._world.now())
            node.spawn(node.store.write(events.keep, new))
            return 200
        try:
            return (await called(_request(node, self, body))).status_code
        except HTTPException as error:
            return error.status_code


class Unheard(Unavailable):
    """The provider did it, and its reply was lost."""


def message_of(event: Event) -> ChannelMessage:
    """Return what somebody wrote."""
    said = json.loads(event.content)
    return ChannelMessage(NAME, identity(NAME, said["from"]), event.external_id, said["text"])


def _request(node: "Node", provider: Provider, body: bytes) -> Request:
    """Return the request as the pages' process of this node gets it."""
    desk = SimpleNamespace(
        channels={NAME: provider.channel()}, now=node.world.now, write=node.store.write, wake=node.wake_all
    )

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    app = SimpleNamespace(state=SimpleNamespace(desk=desk))
    scope = {"type": "http", "method": "POST", "headers": [], "query_string": b"", "app": app}
    return Request({**scope, "path": f"/channels/{NAME}", "path_params": {"name": NAME}}, receive)


class HastyPoller(ChannelPoller):
    """The promise broken: the position is recorded before what it confirms is kept."""

    async def run_once(self) -> Any:
        """Ask once, record the position, then keep what came."""
        assert self._channel.poll
        if not await self._holder.holds():
            return REST
        position = await self._store.read(states.position, NAME)
        try:
            polled = await self._channel.poll(position)
        except Unavailable:
            return 5.0
        await self._store.write(states.advance, Position(NAME, polled.position))
        for each in as_kept(NAME, polled.events, self._deps.now()):
            await self._store.write(events.keep, each)
        self._wake_reader()
        return 0


def workers(node: "Node", deps: Deps, provider: Provider) -> list[Worker]:
    """Return the loops of the chat on one node, as `workers.channels.services` puts them together."""
    channel, clock = provider.channel(), node.world.loop.time
    holder = Holder(node.store, NAME, node.name, clock)
    reader = ChannelReader(deps, channel, holder, node.waker("intake"))
    found: list[Worker] = [reader, ChannelSender(deps, channel, node.name, clock)]
    if channel.poll:
        poller = HastyPoller if provider.hasty else ChannelPoller
        found.append(poller(deps, channel, holder, node.waker(reader.name)))
    return found
