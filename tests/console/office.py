"""The pages over a real store with real tickets: by HTTP without a socket, or served for a browser."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx

from mailbot.channels.seam import Channel
from mailbot.config.api import load
from mailbot.config.model import Console, Settings
from mailbot.console.app import build
from mailbot.console.desk import Desk
from mailbot.console.guards import cookie_name, csrf_token
from mailbot.console.service import ConsoleService
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Agent
from mailbot.store.console import sessions
from mailbot.store.store import Store
from tests.builders import RINA
from tests.workers.test_intake import Desk as Intake

R = TypeVar("R")
URL = "http://console.example"
SHIPPED = Path(__file__).parents[2] / "config"


@cache
def shipped_settings() -> Settings:
    return load(SHIPPED, {}).settings


class Office:
    """A console with an intake beside it. `policy_changes`: what differs from the policy of `tests.builders`.

    `intake.clock` is the time that both see.
    """

    def __init__(
        self,
        store: Store,
        *,
        public_url: str = "",
        console: Console | None = None,
        intake: Intake | None = None,
        channels: Sequence[Channel] = (),
        **policy_changes: Any,
    ) -> None:
        self.intake = intake or Intake(store, public_url=public_url, **policy_changes)
        self.store = store
        console = console or Console("127.0.0.1", 0, public_url=public_url)
        by_name = {each.name: each for each in channels}
        self.desk = Desk(self.intake.deps, shipped_settings(), console, channels=by_name)
        self.app = build(self.desk)
        self._sessions = 0

    async def receive(self, **mail: str) -> Ticket:
        """Take in one mail and return its ticket. Keywords: sender, to, body, and header fields."""
        return await self.intake.receive(**mail)

    def ticket(self, number: str) -> Ticket:
        from mailbot.store.tickets import load as load_tickets

        return self.store.read_now(load_tickets, [number])[number]

    def leave(self, agent: Agent) -> None:
        """Drop an agent from the policy, as a reload does."""
        policy = self.desk.policy
        teams = {
            name: replace(team, agents=tuple(each for each in team.agents if each != agent))
            for name, team in policy.teams.items()
        }
        self.intake.runtime.replace(
            replace(policy, teams=teams), self.intake.runtime.snapshot.composer.templates
        )

    def begin_session(self, address: str = RINA.address) -> str:
        """Log this person in, and return the secret that the browser keeps."""
        self._sessions += 1
        secret = f"secret of the session {self._sessions} of {address}"
        self.store.write_now(sessions.add, sessions.begin(secret, address, "link", self.intake.clock))
        return secret

    @asynccontextmanager
    async def visitor(  # type: ignore[misc]
        self, address: str = "", *, peer: str = "127.0.0.1", **headers: str
    ) -> "Iterator[Visitor]":
        """Open a browser without scripts; with an address its person is logged in. `peer`: its IP address."""
        secret = self.begin_session(address) if address else ""
        cookies = {cookie_name(self.desk): secret} if secret else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(peer, 40000))
        async with httpx.AsyncClient(
            transport=transport,
            base_url=self.desk.console.public_url or URL,
            cookies=cookies,
            headers=headers,
        ) as client:
            yield Visitor(client, csrf_token(secret) if secret else "")

    @contextmanager
    def served(self) -> "Iterator[Served]":
        """Serve the console on a free port, in a thread of its own."""
        served = Served(self)
        try:
            yield served
        finally:
            served.stop()


class Visitor:
    """A person at the pages. `post` sends the form token along."""

    def __init__(self, client: httpx.AsyncClient, csrf: str) -> None:
        self.client, self.csrf = client, csrf

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
        return await self.client.post(path, data={"csrf": self.csrf, **(data or {})}, **options)


class Served:
    """The console in a thread with an event loop of its own. `url` is where it listens."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._service = ConsoleService(office.desk)
        self.call(self._service.start())
        self.url = f"http://127.0.0.1:{self._service.port}"

    def call(self, work: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine in the console's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def receive(self, **mail: str) -> Ticket:
        """Take in one mail and return its ticket."""
        return self.call(self._office.receive(**mail))

    def stop(self) -> None:
        self.call(self._service.stop(timedelta(seconds=5)))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
