"""What every page works with: the store, the policy in force, the templates of the pages."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from starlette.requests import Request

from mailbot.channels.keep import MailAcceptor
from mailbot.channels.message import Keep
from mailbot.channels.seam import Channel
from mailbot.config.model import Console, Settings
from mailbot.console.admin.memory import AdminMemory
from mailbot.console.clients import ClientLimits
from mailbot.console.lists.feed import Feed
from mailbot.console.lists.promises import Promises
from mailbot.console.render import Renderer
from mailbot.console.shared import Shared
from mailbot.domain.model import Envelope
from mailbot.domain.policy import Policy
from mailbot.operations.ticket_commands import TicketCommand, run_in_turn
from mailbot.operations.transaction import Decide, transact_in_turn
from mailbot.workers.runtime import Deps

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Desk:
    """The console of one node.

    `wake`: looks for mail that is to be decided or sent. `reload`: takes the policy in the files, as SIGHUP does.
    `keep`: keeps a mail before it returns; None: in the inbox. `shared`: what visitors share for a while.
    `channels`: beside mail, by name.
    `leaving` is set when the daemon stops: streams end themselves. `daemon`: its process number.
    """

    deps: Deps
    settings: Settings
    console: Console
    wake: Callable[[], None] = lambda: None
    reload: Callable[[], None] = lambda: None
    renderer: Renderer = field(default_factory=Renderer)
    clients: ClientLimits = field(default_factory=ClientLimits)
    keep: Keep | None = None
    promises: Promises = field(default_factory=Promises)
    admin: AdminMemory = field(default_factory=AdminMemory)
    shared: Shared = field(default_factory=Shared)
    feed: Feed = field(default_factory=Feed)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    daemon: int = field(default_factory=os.getpid)

    @property
    def policy(self) -> Policy:
        return self.deps.runtime.policy

    def now(self) -> datetime:
        return self.deps.now()

    async def read(self, query: Callable[..., R], *args: Any) -> R:
        """Run `query(connection, *args)` on a reader's thread. Raises StoreUnavailable."""
        return await self.deps.store.read(query, *args)

    async def write(self, operation: Callable[..., Any], item: Any) -> Any:
        """Apply a write operation of the store to one item; it is committed when this returns."""
        return await self.deps.store.write(operation, item)

    async def keep_mail(self, envelope: Envelope, raw: bytes, *, mark: str) -> int:
        """Keep a mail that a person wrote on a page, as one that came by SMTP. Raises StoreUnavailable."""
        keep = self.keep or MailAcceptor(self.deps.store, self.deps.metrics)
        kept = await keep(envelope, raw, mark=mark)
        self.wake()
        return kept

    async def transact(self, decide: Decide[R]) -> R:
        """Decide and record in one transaction, and let what it sends leave."""
        result = await transact_in_turn(self.deps.store, self.deps.runtime, self.now(), decide)
        self.wake()
        return result

    async def run(self, command: TicketCommand) -> Any:
        """Carry out a command on a ticket: Acted, a Refusal, or None when there is no such ticket."""
        result = await run_in_turn(self.deps.store, self.deps.runtime, command)
        self.wake()
        return result

    @property
    def secure(self) -> bool:
        """Check whether people come by https, so that cookies are for https alone."""
        return self.console.public_url.startswith("https://")

    @property
    def url(self) -> str:
        """Return where people reach the pages, without a slash at the end."""
        return self.console.url


def desk_of(request: Request) -> Desk:
    """Return the desk of the application that serves the request."""
    desk: Desk = request.app.state.desk
    return desk
