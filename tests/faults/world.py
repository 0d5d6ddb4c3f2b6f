"""One simulated installation: nodes with the daemon's own workers, a database, a relay, senders that try again."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import make_url

from mailbot.channels.keep import MailAcceptor
from mailbot.config.model import Relay, Trust
from mailbot.delivery.sender import Delivery
from mailbot.domain.model import Envelope
from mailbot.domain.policy import Policy
from mailbot.errors import StoreUnavailable
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.templates import load as load_templates
from mailbot.metrics import Metrics
from mailbot.operations.reload import with_former_ladders
from mailbot.store.service import nodes, signing_secrets
from mailbot.workers.agent_loads import AgentLoads
from mailbot.workers.cleanup import Cleanup
from mailbot.workers.day.snoozes import Snoozes
from mailbot.workers.deadlines import Deadlines
from mailbot.workers.digests import Digests
from mailbot.workers.failed_mail import FailedMail
from mailbot.workers.heartbeat import Heartbeat
from mailbot.workers.inbound.direct import DirectIntake
from mailbot.workers.inbound.intake import Intake
from mailbot.workers.inbound.suspects import Suspects
from mailbot.workers.incidents.worker import Incidents
from mailbot.workers.loop import Worker, backoff
from mailbot.workers.pending_requests import PendingRequests
from mailbot.workers.retention import Retention
from mailbot.workers.runtime import Deps, Runtime, Snapshot
from mailbot.workers.signing_keys import SigningKeys, build_signer
from tests.builders import NOW
from tests.faults import chat
from tests.faults.points import Fault, Points
from tests.faults.relay import MemoryRelay
from tests.faults.store import FaultyStore, Trouble
from tests.faults.virtual import VirtualLoop

SETTINGS: Any = SimpleNamespace(secret=None, previous_secrets=())
TRUST = Trust(agent_networks=(ip_network("10.20.0.0/16"),))
RESTART = 2.0  # seconds until a supervisor starts a dead node again
PATIENCE = 60.0  # seconds until a sender takes silence for a refusal
AGAIN = 30.0  # seconds until a sender tries again
CURRENT: ContextVar["Node | None"] = ContextVar("node", default=None)


@cache
def templates() -> Any:
    return load_templates(Path(__file__).parents[2] / "templates")


@dataclass
class Turning:
    """A worker, its turn under way and when its next one is due."""

    worker: Worker
    task: asyncio.Task[None] | None = None
    due: float = 0.0
    failures: int = 0


class Node:
    """One daemon: the workers of `daemon.py`, turned by hand."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name = world, name
        self.trouble = Trouble(world.points, world.loop.time, world.now)
        self.trouble.left_out = world.left_out
        self.trouble.before_commit, self.trouble.after_commit = world.before_commit, world.after_commit
        self.store = FaultyStore(world.url, self.trouble)
        self.metrics, self.born = Metrics(), world.now()
        self.turnings: dict[str, Turning] = {}
        self.sessions: list[Any] = []
        self.tasks: set[asyncio.Task[Any]] = set()
        self.suspects = Suspects(Path(f"{make_url(world.url).database}.deciding"))

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def start(self) -> None:
        """Do what `Daemon.start` does. Raises StoreUnavailable, as a daemon then ends."""
        CURRENT.set(self)
        keys = build_signer(SETTINGS, await self.store.write(signing_secrets.create, None))
        policy = await with_former_ladders(self.store, self.world.policy)
        composer = Composer(templates(), keys, policy)
        snapshot = Snapshot(policy, composer, keys, TRUST, AgentLoads(self.world.loop.time))
        deps = Deps(self.store, Runtime(snapshot), self.world.now, self.metrics, self.waker("delivery"))
        if self.world.alone:
            await self.store.write(nodes.mark_others_dead, self.name)
        await self.store.write(nodes.register, self._describe())
        self.runtime = deps.runtime
        delivery, intake = self._delivery(), Intake(deps, self.name, monotonic=self.world.loop.time)
        for worker in [delivery, intake, *self._workers(deps)]:
            if not self.world.only or worker.name in self.world.only:
                self.turnings[worker.name] = Turning(worker)
        direct = DirectIntake(deps, self.name, intake, self.suspects, delivery, self.waker("intake"))
        if self.world.chat:
            for worker in chat.workers(self, deps, self.world.chat):
                self.turnings[worker.name] = Turning(worker)
        keep = direct if self.world.direct else None
        self.accept = MailAcceptor(self.store, self.metrics, keep=keep)

    def _describe(self) -> nodes.Node:
        return nodes.Node(self.name, "sim", 1, "", self.born, self.world.policy.version)

    def _workers(self, deps: Deps) -> list[Worker]:
        return [
            FailedMail(deps),
            Deadlines(deps),
            PendingRequests(deps),
            Incidents(deps),
            Snoozes(deps),
            Cleanup(deps),
            Retention(deps, rest=0.0),
            Digests(deps),
            SigningKeys(deps, SETTINGS),
            Heartbeat(self.store, self._describe, self.wake_all, monotonic=self.world.loop.time),
        ]

    def _delivery(self) -> Delivery:
        return Delivery(
            self.store,
            Relay("relay.example", 25, tls="none", connections=4),
            self.name,
            hostname="mailbot.example",
            metrics=self.metrics,
            wake=self.waker("delivery"),
            now=self.world.now,
            monotonic=self.world.loop.time,
            random=lambda: 0.5,
        )

    def waker(self, name: str) -> Callable[[], None]:
        def wake() -> None:
            if turning := self.turnings.get(name):
                turning.due = 0.0

        return wake

    def wake_all(self) -> None:
        for name in ("intake", "delivery", "read chat", "poll chat", "send chat"):
            self.waker(name)()

    def turn(self) -> None:
        """Begin the turns that are due."""
        now = self.world.loop.time()
        for turning in self.turnings.values():
            if turning.due <= now and (turning.task is None or turning.task.done()):
                turning.task = self.spawn(self._turn(turning))

    async def _turn(self, turning: Turning) -> None:
        CURRENT.set(self)
        turning.due = float("inf")  # a wake during the turn asks for another one
        try:
            rest = await turning.worker.run_once()
            seconds = rest.total_seconds() if isinstance(rest, timedelta) else rest
            turning.failures = 0
        except Exception as error:
            self.world.failures.append(error)
            turning.failures += 1
            seconds = backoff(turning.failures)
        turning.due = min(turning.due, self.world.loop.time() + seconds)

    def kill(self) -> None:
        """End the process: nothing of it is done any more, its connections are cut."""
        self.trouble.killed = True
        for session in self.sessions:
            session.cut()
        for task in self.tasks:
            task.cancel()
        self.store.close()
        self.suspects.close()


class World:
    """`count`: one node as on SQLite, whose start frees what was claimed, or several that watch each other.

    `left_out`: operations of the store that do nothing.
    """

    def __init__(
        self,
        url: str,
        policy: Policy,
        points: Points,
        *,
        count: int = 1,
        left_out: frozenset[str] = frozenset(),
    ) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.loop, self.url, self.policy, self.points = loop, url, policy, points
        self.alone, self._count, self._born = count == 1, count, 0
        self.left_out = left_out
        self.chat: chat.Provider | None = None  # of a channel beside mail
        self.prefix = "n"  # of the names of nodes: no name is used twice in a store
        self.before_commit = self.after_commit = lambda: None
        self.direct = True  # whether mails are decided when they are kept
        self.only: frozenset[str] = frozenset()  # names of the workers that run; empty: all
        self.longest_step = 64.0 if self.alone else 20.0  # seconds: several nodes take the silent for dead
        self.nodes: list[Node] = []
        self.failures: list[Exception] = []  # of turns: what a loop would have logged
        self.relay = MemoryRelay(interrupt=self._interrupt)
        self.answered: list[tuple[str, int]] = []  # Message-ID and inbox id of each mail that got its 250
        self._kept_at: dict[str, datetime] = {}
        loop.dial = self._dial

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.loop.time())

    @property
    def running(self) -> list[Node]:
        return [node for node in self.nodes if node.turnings and not node.trouble.killed]

    @property
    def well(self) -> bool:
        """Return whether all nodes run, and nothing of the trouble lasts."""
        now = self.loop.time()
        troubles = [node.trouble for node in self.running]
        lasting = [max(trouble.down_until, trouble.frozen_until) for trouble in troubles]
        return len(troubles) == self._count and all(until <= now for until in lasting)

    # --- time ---

    async def run(self, seconds: float, step: float = 1.0) -> None:
        """Let the workers turn for so long, at least one round at each `step`."""
        end = self.loop.time() + seconds
        await self._round()
        while (left := end - self.loop.time()) > 1e-6:
            await asyncio.sleep(min(left, step))
            await self._round()

    async def settle(self) -> None:
        """Let what came in be handled and answered."""
        for pause in (0.05, 0.1, 0.2, 0.5, 1.0):
            await self._round()
            await asyncio.sleep(pause)

    async def close(self) -> None:
        for node in self.nodes:
            node.kill()
        await asyncio.sleep(0)

    async def _round(self) -> None:
        for node in [node for node in self.nodes if node.trouble.killed]:
            node.kill()
            self.nodes.remove(node)
        while len(self.nodes) < self._count:
            self._born += 1
            node = Node(self, f"{self.prefix}{self._born}")
            self.nodes.append(node)
            node.spawn(self._start(node))
        for node in self.running:
            node.turn()
        await asyncio.sleep(0)

    async def _start(self, node: Node) -> None:
        await asyncio.sleep(RESTART)
        try:
            await node.start()
        except StoreUnavailable as error:
            self.failures.append(error)
            node.trouble.killed = True  # the daemon ends, and is started again

    # --- mail ---

    async def send(self, raw: bytes, message_id: str, sender: str, to: tuple[str, ...], peer: str) -> None:
        """Hand over a mail as a mail server does: again and again, until it has been answered 250."""
        while True:
            if node := next(iter(self.running), None):
                envelope = Envelope(sender, to, peer, self.now())
                task = node.spawn(node.accept(envelope, raw))
                await asyncio.wait([task], timeout=1.0)
                end = self.loop.time() + PATIENCE
                while not task.done() and not node.trouble.killed and self.loop.time() < end:
                    await self.run(5.0, 5.0)
                if task.done() and not task.cancelled() and not task.exception():
                    self.answered.append((message_id, task.result()))
                    node.wake_all()
                    return
            await self.run(AGAIN, 10.0)

    # --- the relay ---

    async def _dial(self, factory: Callable[[], asyncio.BaseProtocol]) -> Any:
        node = CURRENT.get()
        assert node
        session, protocol = await self.relay.dial(factory)
        node.sessions = [known for known in node.sessions if not known.is_closing()] + [session]
        return session, protocol

    def silence(self, fault: Fault) -> None:
        """Kill the node whose await never returns, or freeze its database."""
        node = CURRENT.get()
        assert node
        if fault.kills:
            node.trouble.killed = True
        else:
            node.trouble.freeze()

    def _interrupt(self, action: str) -> str | None:
        if action not in ("connect", "offer", "finish", "ehlo"):
            return None
        fault = self.points.reach(f"relay {action}")
        if fault is None:
            return None
        how = "after" if fault.done else "before"
        return f"silent {how}" if fault.outcome == "never return" else how
