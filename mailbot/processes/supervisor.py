"""The process that starts the others, starts them again when they end, and answers for all of them to systemd.

Theory of operation. The first child, `main`, reads the configuration, opens the listening sockets and sends them
here, with what it needs beside it: `fronts` for SQLite, whose store takes one process, or more `nodes`. The sockets
stay open here for good, so no client is refused while any child is replaced. Children report as services do to
systemd (ready, reloading, alive); one that is silent for too long is killed. Before the first READY any end of a
child ends us with its exit code, as one process would. Later it is started again, with growing pauses.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress

from mailbot import log, systemd
from mailbot.channels.smtp.shared_limits import SharedLimits
from mailbot.processes.child import Child
from mailbot.processes.place import GO, LEAVE, MAIN, STATE, NamedSocket

WATCHDOG = (
    30.0  # seconds of silence after which a child is killed; half of systemd's span where that is shorter
)
LONGEST_PAUSE = 15.0  # seconds before a child is started again
STEADY = 60.0  # seconds after which a child's earlier ends are forgotten
STOP = 92.0  # seconds for all to drain; the unit allows 100
SUCCESSOR = 300.0  # seconds for a successor to load, and for a predecessor to leave
BACKLOG = 128
OF_POLICY = ("main", "node")  # those whose reload counts; fronts follow main


class Supervisor:
    """Runs `count` processes of `mailbot ARGUMENTS`. `sockets` are those of systemd."""

    def __init__(
        self,
        arguments: Sequence[str],
        count: int,
        notify: systemd.Supervisor,
        sockets: Sequence[NamedSocket] = (),
    ) -> None:
        self._arguments, self._count, self._notify = arguments, count, notify
        self._sockets, self._limits = list(sockets), SharedLimits(count)
        self._children: dict[str, Child] = {}
        self._failures: dict[str, int] = {}
        self._restarts: dict[str, int] = {}
        self._running: set[Child] = set()  # the children, their successors, and those that leave
        self._tasks: set[asyncio.Task[None]] = set()
        self._peers: dict[str, socket.socket] = {}
        self._addresses: dict[str, str] = {}
        self._stop, self._all_ended = asyncio.Event(), asyncio.Event()
        self._was_ready = self._stopping = self._reloading = False
        self._rolling: asyncio.Task[None] | None = None
        self._code = 0
        self._started = time.monotonic()
        span = notify.watchdog.total_seconds() / 2 if notify.watchdog else WATCHDOG
        self._watchdog = min(WATCHDOG, span)

    async def run(self) -> int:
        """Run until SIGTERM or SIGINT, or until the start fails. Return the exit code."""
        self._handle_signals()
        self._children[MAIN] = self._start(MAIN)
        watching = asyncio.create_task(self._watch())
        await self._stop.wait()
        watching.cancel()
        await self._end_all()
        return self._code

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        loop.add_signal_handler(signal.SIGHUP, self._forward, signal.SIGHUP)
        loop.add_signal_handler(signal.SIGURG, self._forward, signal.SIGURG)
        loop.add_signal_handler(signal.SIGUSR2, self.roll)

    def _forward(self, number: signal.Signals) -> None:
        """Signal those that have a policy and a store: what they reload reaches the fronts."""
        for child in self._children.values():
            if child.name.startswith(OF_POLICY) and child.ready.is_set():
                child.signal(number)

    # --- starting -----------------------------------------------------------------------------------------

    def _start(self, name: str, *, standby: bool = False) -> Child:
        child = Child(name, self._on_report)
        peers = self._peers.get(name) or self._listen(name)
        child.start(
            self._arguments,
            self._sockets,
            peers,
            self._addresses,
            self._watchdog,
            self._limits,
            standby=standby,
        )
        self._running.add(child)
        return child

    def _listen(self, name: str) -> socket.socket:
        """Open the socket on which a process of this name answers the others, now and after it was replaced.

        Its name is abstract: no file is left behind. Who connects is checked by user there.
        """
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        address = f"\0mailbot-{os.getpid()}-{secrets.token_hex(6)}-{name}"
        listening.bind(address)
        listening.listen(BACKLOG)
        self._peers[name], self._addresses[name] = listening, address
        return listening

    def _start_others(self, mode: str) -> None:
        kind, first = ("front", 1) if mode == "fronts" else ("node", 2)
        names = [f"{kind}-{number}" for number in range(first, first + self._count - 1)]
        for name in names:  # all addresses first: each is handed all of them
            self._listen(name)
        self._children |= {name: self._start(name) for name in names}

    # --- what children report -----------------------------------------------------------------------------

    def _on_report(self, child: Child, fields: Mapping[str, str]) -> None:
        self._sockets += child.kept  # before any other starts: it is handed them all
        child.kept.clear()
        if "X_LOG" in fields:
            log.configure(fields["X_LOG"])
        if "X_MODE" in fields and len(self._children) == 1 < self._count:
            self._start_others(child.mode)
        if "X_OUTDATED" in fields:  # the program was upgraded on disk, and a front was started again
            self.roll()
        if "READY" in fields:
            self._on_ready(child)
        if "RELOADING" in fields and not self._reloading:
            self._reloading = True
            self._notify.reloading()
        if "STATUS" in fields and "READY" not in fields:
            self._notify.status(self._status())

    def _on_ready(self, child: Child) -> None:
        if not child.reported:
            child.reported = True
            log.process_ready(name=child.name, pid=child.pid, seconds=time.monotonic() - child.started_at)
        if not self._was_ready and len(self._children) == self._count and self._all_ready():
            self._was_ready = True
            self._notify.ready(self._status())
            log.processes_ready(count=self._count, seconds=time.monotonic() - self._started)
        elif self._reloading and not any(child.reloading for child in self._children.values()):
            self._reloading = False
            self._notify.ready(self._status())
        self._publish()

    def _all_ready(self) -> bool:
        return all(child.ready.is_set() for child in self._children.values())

    def _status(self) -> str:
        main = self._children.get(MAIN)
        missing = [name for name, child in self._children.items() if not child.ready.is_set()]
        count = f"{self._count} processes"
        waiting = f"; not ready: {', '.join(missing)}" if missing else ""
        return f"{main.status if main else ''}; {count}{waiting}"

    def state(self) -> list[dict[str, object]]:
        """Describe each process for `status` and the metrics."""
        return [
            {
                "name": name,
                "pid": child.pid,
                "ready": child.ready.is_set() and not child.ended.is_set(),
                "restarts": self._restarts.get(name, 0),
            }
            for name, child in self._children.items()
        ]

    def _publish(self) -> None:
        """Send every process the state of all."""
        message = STATE + json.dumps(self.state()).encode()
        for child in self._children.values():
            if child.ready.is_set():
                child.send(message)

    # --- ends ---------------------------------------------------------------------------------------------

    def _reap(self) -> None:
        for child in tuple(self._running):
            if (code := child.reap()) is not None:
                self._running.discard(child)
                self._limits.give_back(child.row)
                self._on_end(child, code)
        if not self._running:
            self._all_ended.set()

    def _on_end(self, child: Child, code: int) -> None:
        is_current = self._children.get(child.name) is child
        if is_current and self._was_ready and not self._stopping:
            return self._restart_later(child, code)
        log.process_ended(name=child.name, pid=child.pid, code=code)
        if is_current and not self._stopping:
            self._code = 1 if code <= 0 else code
            self._stop.set()
        elif is_current and code and (child.ready.is_set() or code != -signal.SIGTERM):
            self._code = self._code or (1 if code < 0 else code)
        return None

    def _restart_later(self, child: Child, code: int) -> None:
        steady = time.monotonic() - child.started_at > STEADY
        failures = self._failures[child.name] = 1 if steady else self._failures.get(child.name, 0) + 1
        pause = min(LONGEST_PAUSE, 0.1 * 2.0 ** min(failures - 1, 16))
        log.process_restarts(name=child.name, pid=child.pid, code=code, restart_in=pause)
        self._restarts[child.name] = self._restarts.get(child.name, 0) + 1
        self._run(self._restart(child, pause))
        self._notify.status(self._status())
        self._publish()

    async def _restart(self, child: Child, pause: float) -> None:
        await asyncio.sleep(pause)
        if not self._stopping and self._children.get(child.name) is child:
            self._children[child.name] = self._start(child.name)

    def _run(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _watch(self) -> None:
        """Kill a child that is silent, and report to systemd while none is."""
        every = min(1.0, self._watchdog / 3)
        ping = self._notify.watchdog.total_seconds() / 4 if self._notify.watchdog else float("inf")
        reported_at = float("-inf")
        while True:
            await asyncio.sleep(every)
            silent = [child for child in self._children.values() if self._is_silent(child)]
            for child in silent:
                if not child.killed:
                    child.killed = True
                    log.process_hangs(name=child.name, pid=child.pid, seconds=child.silent_for())
                    child.signal(signal.SIGKILL)
            if self._was_ready and not silent and time.monotonic() - reported_at >= ping:
                reported_at = time.monotonic()
                self._notify.alive()

    def _is_silent(self, child: Child) -> bool:
        runs = child.ready.is_set() and not child.ended.is_set()
        return runs and child.silent_for() > self._watchdog

    async def _end_all(self) -> None:
        """Let all drain: fronts finish their sessions while main still keeps, then main sends what it has."""
        self._stopping = True
        self._notify.stopping("draining")
        for task in self._tasks:
            task.cancel()
        self._reap()
        for child in self._running:
            child.signal(signal.SIGTERM)
        if self._running and not await _wait(self._all_ended, STOP):
            for child in self._running:
                child.signal(signal.SIGKILL)
            await self._all_ended.wait()

    # --- replacing ----------------------------------------------------------------------------------------

    def roll(self) -> None:
        """Replace one process after another, while the others accept mail."""
        if self._was_ready and not self._stopping and (self._rolling is None or self._rolling.done()):
            self._rolling = self._run(self._roll())

    async def _roll(self) -> None:
        for name in tuple(self._children):
            if not await self._replace(name):
                return

    async def _replace(self, name: str) -> bool:
        """Start a successor, let the process leave, put the successor in its place. False when it could not start.

        Where the store takes one process, the successor loads all it needs, then waits for that one to end.
        """
        old, alone = self._children[name], name == MAIN and self._children[MAIN].mode == "fronts"
        new = self._start(name, standby=alone)
        if not await _first(new.prepared if alone else new.ready, new.ended, SUCCESSOR):
            log.process_not_replaced(name=name, pid=old.pid)
            new.signal(signal.SIGKILL)
            return False
        self._children[name] = new
        old.send(LEAVE)
        if not await _wait(old.ended, SUCCESSOR):
            old.signal(signal.SIGKILL)
            await old.ended.wait()
        new.send(GO)
        replaced = await _first(new.ready, new.ended, SUCCESSOR)
        log.process_replaced(name=name, before=old.pid, now=new.pid)
        return replaced


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def _first(event: asyncio.Event, ended: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, for the process's end, or for so many seconds. Return whether the event came."""
    waits = [asyncio.ensure_future(each.wait()) for each in (event, ended)]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for each in waits:
        each.cancel()
    return event.is_set()


def supervise(arguments: Sequence[str], count: int, env: Mapping[str, str], *, listens: bool) -> int:
    """Run `mailbot ARGUMENTS` in `count` processes and return the exit code. `listens`: they accept mail."""
    pid = os.getpid()
    inherited = systemd.inherited_sockets(env, pid) if listens else []
    notify = systemd.from_environment(env, pid)
    log.configure(env.get("MAILBOT_LOG", ""))

    async def run() -> int:
        return await Supervisor(arguments, count, notify, inherited).run()

    return asyncio.run(run())
