"""The daemon: builds everything from the settings, starts it, and stops it in order.

Theory of operation. `Daemon._build` puts all that runs into one list of services: loops around workers, the
SMTP listener, the monitor. They start in the order of the list and stop by their stop stage. A new worker is
one class with `name`, `stop_stage` and `run_once`, and one line in `_build`.
"""

import asyncio
import ctypes
import errno
import gc
import hashlib
import os
import resource
import secrets
import shutil
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from mailbot import __version__, log, systemd
from mailbot.channels.front.link import Report
from mailbot.channels.front.server import FrontServer
from mailbot.channels.keep import Backpressure, MailAcceptor
from mailbot.channels.smtp import not_ready
from mailbot.channels.smtp.listener import Listener, open_missing
from mailbot.config.checks.signing import KEY_HINT
from mailbot.config.model import Channels, Console, Loaded, Settings
from mailbot.delivery.sender import Delivery
from mailbot.errors import ConfigError, Problem, StoreUnavailable
from mailbot.mail.compose.compose import Composer
from mailbot.metrics import Figures, Metrics
from mailbot.metrics_page import export
from mailbot.operations.daemons import ROLES
from mailbot.operations.reload import Reloader, record_policy, with_former_ladders
from mailbot.operations.validate_policy import Validated, validate
from mailbot.processes.console import Beside, ConsoleProcess
from mailbot.processes.others import MainLink, Others
from mailbot.processes.place import (
    CONSOLE,
    LMTP,
    MAIN,
    MONITOR,
    SMTP,
    NamedSocket,
    Place,
    divided,
    sockets_of,
)
from mailbot.store import migrate, queries
from mailbot.store.engine import is_sqlite, sqlite_path
from mailbot.store.service import nodes, signing_secrets
from mailbot.store.service.backup import begin_restored
from mailbot.store.service.life_lock import LifeLock, make_private, network_file_system
from mailbot.store.store import Store
from mailbot.workers.cleanup import Cleanup
from mailbot.workers.day.absences import Absences
from mailbot.workers.day.mornings import Mornings
from mailbot.workers.day.snoozes import Snoozes
from mailbot.workers.deadlines import Deadlines
from mailbot.workers.digests import Digests
from mailbot.workers.failed_mail import FailedMail
from mailbot.workers.health.health import Health
from mailbot.workers.health.http_monitor import Monitor, open_port
from mailbot.workers.health.store_probe import StoreProbe
from mailbot.workers.health.troubles import Code, old_sqlite
from mailbot.workers.heartbeat import Heartbeat
from mailbot.workers.inbound.direct import DirectIntake
from mailbot.workers.inbound.intake import Intake
from mailbot.workers.inbound.suspects import Suspects
from mailbot.workers.incidents.worker import Incidents
from mailbot.workers.loop import STOP_ORDER, Loop, Service, stop_all, stuck
from mailbot.workers.pending_requests import PendingRequests
from mailbot.workers.retention import Retention
from mailbot.workers.runtime import Deps, Runtime, Snapshot, signer
from mailbot.workers.search_index import SearchIndex
from mailbot.workers.shadow import Shadow
from mailbot.workers.signing_keys import SigningKeys, build_signer
from mailbot.workers.weekly_report import WeeklyReports

if TYPE_CHECKING:
    from mailbot.channels.imap.fetcher import ImapFetcher
    from mailbot.channels.seam import Channel
    from mailbot.workers.channels.services import ChannelServices

# Of several processes the main one alone has these: two would fetch the same mails, or serve at one port.
OF_ONE = ("imap", "console", "channels")
LONG_TURN = timedelta(minutes=15)  # for large mails over a slow IMAP connection, and for the weekly report
IMAP_GRACE = timedelta(seconds=0.7)  # a fetch cut off loses nothing: an unmarked mail is fetched again
WEBHOOK_GRACE = timedelta(seconds=3)  # what was cut off is sent again under its id
DRAIN = timedelta(seconds=75)  # for sessions and sends under way; the unit allows 100 s for all of it
M_MMAP_THRESHOLD = -3  # of mallopt(3), in glibc's malloc.h
NO_LIMIT = 1 << 60  # bytes: a database elsewhere looks after its own disk


def run(
    directory: Path,
    env: Mapping[str, str],
    roles: Collection[str] = ROLES,
    place: Place | None = None,
    beside: Beside | None = None,
) -> int:
    """Run the daemon until SIGTERM or SIGINT, and return the exit code.

    `place`: where a supervisor put it. `beside`: it is the process of the pages of that daemon.
    Raises ConfigError, AlreadyRunning, StoreUnavailable, or OSError when it can't start.
    """
    inherited: Sequence[NamedSocket] = place.sockets if place else beside.sockets if beside else []
    if place is None and "listener" in roles:
        inherited = systemd.inherited_sockets(env, os.getpid())
    try:
        return _run(directory, env, roles, inherited, place, beside)
    except ConfigError:  # no restart helps, and systemd keeps its sockets open
        if inherited:
            log.configure()  # by the files, where they are good
            log.clients_refused(clients=not_ready.answer(listening for _, listening in inherited))
        raise


def _run(
    directory: Path,
    env: Mapping[str, str],
    roles: Collection[str],
    inherited: Sequence[NamedSocket],
    place: Place | None = None,
    beside: Beside | None = None,
) -> int:
    started = time.monotonic()
    validated = validate(directory, env, datetime.now(UTC).date())
    settings = validated.loaded.settings
    _require_signing_key(settings)
    # The store's thread decides and composes; sessions and sends must not wait 5 ms for each of their turns.
    sys.setswitchinterval(0.001)
    log.configure(settings.log)
    if place:
        inherited = _take_part(place, settings, roles)
    with ExitStack() as stack:
        if beside is None:  # else its daemon holds the store, and has migrated it
            if is_sqlite(settings.store):
                stack.enter_context(_hold(sqlite_path(settings.store)))
            _migrate(settings.store)
        daemon = Daemon(settings, env, roles, inherited, place, beside)
        return asyncio.run(serve(daemon, validated, started))


def _take_part(place: Place, settings: Settings, roles: Collection[str]) -> list[NamedSocket]:
    """Open the sockets for all processes, name the kind of the others, and wait until the store is ours to open.

    Raises ConfigError or OSError when an address can't be opened.
    """
    opened = open_missing(settings.listen, place.sockets) if "listener" in roles else []
    pages = settings.console if "console" in roles else None
    for kind, at in ((MONITOR, settings.monitor), (CONSOLE, pages)):
        if at and place.name == MAIN and not sockets_of(place.sockets, kind):
            with suppress(OSError):  # the service itself tries once more, and logs it
                opened.append((kind, open_port(at.host, at.port)))
    place.supervisor.keep_sockets(opened)
    place.supervisor.describe(mode="fronts" if is_sqlite(settings.store) else "nodes", log=settings.log)
    place.wait_for_go()
    place.sockets.extend(opened)
    return place.sockets


def _migrate(store: str) -> None:
    """Bring the store to this version's schema. Raises StoreUnavailable, also for one that is not known."""
    started = time.monotonic()
    before = migrate.upgrade(store)
    if before != migrate.HEAD:
        log.schema_migrated(before=before or "none", now=migrate.HEAD, seconds=time.monotonic() - started)


def _hold(database: str) -> LifeLock:
    """Lock a SQLite store for the daemon's life. Raises AlreadyRunning or OSError."""
    lock = LifeLock(database)
    for path in make_private(database):
        log.file_made_private(path=path)
    if kind := network_file_system(database):
        log.store_on_network(path=database, kind=kind)
    return lock


async def serve(daemon: "Daemon", validated: Validated, started: float) -> int:
    """Start the daemon, wait for SIGTERM or SIGINT, stop it. `started` is monotonic."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    loop.set_exception_handler(_DescriptorReports())
    loop.add_signal_handler(signal.SIGHUP, daemon.request_reload)
    loop.add_signal_handler(signal.SIGURG, daemon.wake)  # of a command that left work in the store
    if daemon.place:

        def leave() -> None:
            daemon.leaving = True
            stop.set()

        def note(state: bytes) -> None:
            if daemon.others:
                daemon.others.note(state)

        loop.add_reader(daemon.place.channel, daemon.place.listen(leave, note))
    await daemon.start(validated, started)
    await stop.wait()
    await daemon.stop()
    return 0


class Daemon:
    """One node: its services and the policy they share. `services` is all that starts and stops.

    `inherited` are the sockets of systemd, instead of those of `listen`.
    """

    def __init__(
        self,
        settings: Settings,
        env: Mapping[str, str],
        roles: Collection[str] = ROLES,
        inherited: Sequence[NamedSocket] = (),
        place: Place | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.settings, self._env, self._inherited, self.place = settings, env, inherited, place
        self._beside = beside
        self._pages: ConsoleProcess | None = None
        if place and not is_sqlite(settings.store):  # each node has a share of the door
            self.settings = replace(settings, limits=divided(settings.limits, place.doors))
        self._is_main = place is None or place.name == MAIN
        self._roles = roles if self._is_main else [role for role in roles if role not in OF_ONE]
        self.node, self._started_at = secrets.token_hex(8), _now()
        self.metrics = Metrics()
        self.services: list[Service] = []
        self._loops: dict[str, Loop] = {}  # those among the services, by name
        self._of_channels: list[str] = []  # names of loops
        self._supervisor = place.supervisor if place else systemd.from_environment(env, os.getpid())
        self._store = Store(self.settings.store, feeds=(lambda: True) if self.settings.webhooks else None)
        self._disk = Path(sqlite_path(self.settings.store)).resolve().parent if self._store.sqlite else None
        self._flow = Backpressure() if "intake" in roles else None  # a node without intake knows no pace
        self._probe = StoreProbe(on_failure=self.metrics.store_failures.inc)
        self.health = Health(
            self._store, self.settings, self._probe, stuck=self._stuck, disk=self._disk, now=_now
        )
        self._listener: Listener | None = None
        self._fronts: FrontServer | None = None  # where front processes have the listener
        self.leaving = False  # for a successor, which waits for our end
        self.others: Others | None = None  # the processes beside us, where we are main
        self._keep: DirectIntake | None = None
        self._reloading: asyncio.Task[None] | None = None
        self._reload_requested = False  # a reload under way may have read the files before they changed

    async def start(self, validated: Validated, started: float) -> None:
        """Start everything. When this returns, mail can come in. `started` is monotonic."""
        loaded = validated.loaded
        self._log_start(loaded)
        _allow_many_files()
        _return_large_blocks()
        own = self.settings.secret
        mark = signing_secrets.fingerprint(own) if own else None
        keys = build_signer(self.settings, await self._store.write(signing_secrets.create, mark))
        policy = await with_former_ladders(self._store, loaded.policy)
        composer = Composer(validated.templates, keys, policy, signer=signer(self.settings.dkim))
        runtime = Runtime(Snapshot(policy, composer, keys, self.settings.trust))
        self._deps = Deps(self._store, runtime, _now, self.metrics, self._wake_senders)
        if self._beside:
            shadow, listener = self._build_beside(self._beside)
        else:
            await self._join()
            shadow, listener = self._build()
        self._reloader = Reloader(
            self._deps,
            loaded,
            self._env,
            self.node,
            shadow,
            renew_certificate=listener.renew_certificate if listener else lambda listen: None,
        )
        await record_policy(self._store, loaded)
        await self._reloader.forget_refusals()
        for service in self.services:
            await service.start()
        await self._reloader.load_shadow_policy()
        # What lives now lives for good: the collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        self._supervisor.ready(f"policy {policy.version}")
        log.ready(
            listen=", ".join(listener.addresses) if listener else "-", seconds=time.monotonic() - started
        )

    async def stop(self) -> None:
        """Drain and stop (promise P9): no session is cut after its DATA, no send after its final dot."""
        started = time.monotonic()
        log.stopping(reason="signal")
        self._supervisor.stopping("draining")
        if self._fronts:
            self._fronts.leaving = self.leaving
        if self._listener:
            self._listener.retiring = self.leaving
        await stop_all(self.services, DRAIN)
        try:
            await self._store.write(nodes.remove, self.node)
        except StoreUnavailable as error:  # the heartbeat of another node, or our next start, removes it
            log.stop_failed(name="node", error=error)
        await asyncio.to_thread(self._store.close)
        log.stopped(seconds=time.monotonic() - started)

    def request_reload(self) -> None:
        """Take the configuration as it is now, all or nothing. Requests during a reload become one more."""
        self._reload_requested = True
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload_while_requested())

    async def _reload_while_requested(self) -> None:
        while self._reload_requested:
            self._reload_requested = False
            self._supervisor.reloading()
            try:
                error = await self._reloader.reload()
            finally:  # whatever happened, we go on by the policy that we have
                self._supervisor.ready(f"policy {self._deps.runtime.policy.version}")
            if self._fronts:
                self._fronts.publish_policy()
            if self._pages and not error:
                self._pages.request_reload()
            if not self._reload_requested:  # else the newest request waits for what comes of the files now
                await self._reloader.record_result(error)

    def _log_start(self, loaded: Loaded) -> None:
        url = make_url(self.settings.store).render_as_string(hide_password=True)
        log.starting(version=__version__, policy=loaded.policy.version, store=url, roles=sorted(self._roles))
        for problem in loaded.warnings:
            log.config_warning(problem=problem)
        if not self.settings.limits.rates:
            log.limits_disabled()
        if self._store.sqlite and old_sqlite():
            log.sqlite_old(version=sqlite3.sqlite_version)

    async def _join(self) -> None:
        if self._store.sqlite:
            await self._store.write(nodes.mark_others_dead, self.node)
        if restored := await self._store.write(begin_restored, _now()):
            made_at, mails = restored
            log.backup_restored(made_at=made_at, mails=mails)
        await self._store.write(nodes.register, self._describe())
        if self.settings.webhooks and "delivery" in self._roles:
            from mailbot.store.webhooks import states

            names = tuple(webhook.name for webhook in self.settings.webhooks)
            await self._store.write(states.prepare, states.Named(names, _now()))

    def _describe(self) -> nodes.Node:
        return nodes.Node(
            id=self.node,
            host=socket.gethostname(),
            pid=os.getpid(),
            roles=",".join(sorted(self._roles)),
            started_at=self._started_at,
            policy=self._deps.runtime.policy.version,
            troubles=self.health.published(),
        )

    def _build(self) -> tuple[Shadow | None, Listener | None]:
        deps, roles = self._deps, self._roles
        shadow = listener = delivery = None
        if "delivery" in roles:
            delivery = self._add_delivery()
            self.add(Loop(FailedMail(deps)))
            if self.settings.webhooks:
                self._add_webhooks()
        if "intake" in roles:
            shadow = Shadow(deps)
            self._add_intake(shadow, delivery)
            self.add(Loop(shadow))
        if "deadlines" in roles:
            self.add(Loop(Deadlines(deps)))
            self.add(Loop(PendingRequests(deps)))
            self.add(Loop(Incidents(deps)))
            self.add(Loop(Snoozes(deps)))
            self.add(Loop(Mornings(deps)))
            self.add(Loop(Absences(deps)))
        self.add(Loop(Cleanup(deps)))
        self.add(Loop(Retention(deps)))
        self.add(Loop(SearchIndex(deps)))
        self.add(Loop(SigningKeys(deps, self.settings)))
        self.add(Loop(Digests(deps)))
        self.add(Loop(WeeklyReports(deps), patience=LONG_TURN))
        if "imap" in roles and self.settings.imap:
            self._add_imap()
        if "channels" in roles and self.settings.channels != Channels():
            self._add_channels()
        self.add(Loop(Heartbeat(self._store, self._describe, self.wake, self._probe)))
        self.add(Loop(self.health))
        if self.place:
            self._add_others(self.place)
        if "listener" in roles and not (self.place and self._store.sqlite):
            listener = self._add_listener()
        if "console" in self._roles and self.settings.console:
            self._add_pages(self.settings.console)
        if self.settings.monitor and self._is_main:
            self._add_monitor(self.settings.monitor.host, self.settings.monitor.port)
        if self._supervisor.watchdog:
            every = self._supervisor.watchdog / 3
            self.add(Loop(systemd.Watchdog(self._supervisor, every, self.health.stuck_loops)))
        return shadow, listener

    def add(self, service: Service) -> None:
        """Start and stop it with all others. Raises ValueError for a stop stage that no stop would come to."""
        if service.stop_stage not in STOP_ORDER:
            raise ValueError(f"{service.name} stops at {service.stop_stage!r}, which is none of {STOP_ORDER}")
        self.services.append(service)
        if isinstance(service, Loop):
            self._loops[service.name] = service

    def _add_delivery(self) -> Delivery:
        delivery = Delivery(
            self._store,
            self.settings.relay,
            self.node,
            hostname=self.settings.hostname,
            metrics=self.metrics,
            wake=self._waker("delivery"),
            now=_now,
        )
        self.add(Loop(delivery, on_stop=delivery.drain))
        self.health.name_trouble(Code.RELAY, lambda: delivery.relay_trouble)
        return delivery

    def _add_webhooks(self) -> None:
        """Serve each webhook in a loop of its own: a slow one delays nothing else."""
        from mailbot.views.webhook_json import bodies  # few installations use webhooks
        from mailbot.workers.webhooks.cleanup import WebhookCleanup
        from mailbot.workers.webhooks.sender import WebhookSender

        for webhook in self.settings.webhooks:
            sender = WebhookSender(self._deps, webhook, self.node, bodies)
            self.add(Loop(sender, grace=WEBHOOK_GRACE, on_stop=sender.close))
            self.health.name_trouble(Code.WEBHOOK, partial(getattr, sender, "trouble"))
        self.add(Loop(WebhookCleanup(self._deps, tuple(each.name for each in self.settings.webhooks))))

    def _add_intake(self, shadow: Shadow, delivery: Delivery | None) -> None:
        trust, checks = self.settings.trust, None
        if trust.verify:
            from mailbot.workers.inbound.sender_checks import SenderChecks
            from mailbot.workers.resolver import Resolver

            checks = SenderChecks(trust, Resolver(trust.resolver).until, self.metrics)
        assert self._flow
        handled, enqueue = self._flow.handled, shadow.enqueue
        intake = Intake(self._deps, self.node, checks, on_claimed=handled, on_processed=enqueue)
        suspects = Suspects(self._suspects_path())
        self._keep = DirectIntake(self._deps, self.node, intake, suspects, delivery, self._waker("intake"))

        async def release(span: timedelta) -> None:
            await intake.release()
            if checks:
                checks.close()

        self.add(Loop(intake, on_stop=release))

    def _add_imap(self) -> None:
        from mailbot.channels.imap.fetcher import ImapFetcher  # few installations use it

        for account in self.settings.imap:
            fetcher = ImapFetcher(
                self._store,
                account,
                policy=lambda: self._deps.runtime.policy,
                keep=self._acceptor(),
                wake=self._waker(f"imap {account.name}"),
                size_limit=self.settings.limits.size,
                now=_now,
            )
            self.add(Loop(fetcher, patience=LONG_TURN, grace=IMAP_GRACE, on_stop=fetcher.close))
            self.health.name_trouble(Code.IMAP, partial(_imap_trouble, fetcher))

    def _add_channels(self) -> None:
        from mailbot.channels.registry import build_all  # few installations use any
        from mailbot.workers.channels.services import ChannelServices

        for channel in build_all(self.settings.channels):
            services = ChannelServices(self._deps, channel, self.node, self._waker("intake"), self._waker)
            for loop in services.loops:
                self.add(loop)
                self._of_channels.append(loop.name)
            self.health.name_trouble(Code.CHANNEL, partial(_trouble_of, services))

    def _add_listener(self) -> Listener:
        listener = Listener(
            self.settings,
            policy=lambda: self._deps.runtime.policy,
            keep=self._acceptor(),
            free_space=self._free_space,
            spool=self._disk,
            sockets=sockets_of(self._inherited, SMTP),
            lmtp_sockets=sockets_of(self._inherited, LMTP),
            shared=self.place.shared if self.place else None,
            count_refusal=lambda code: self.metrics.refused.labels(str(code)).inc(),
            now=_now,
        )
        self.add(listener)
        self._listener = listener
        self.health.door = lambda: listener.sessions
        self.metrics.stress.set_function(lambda: float(listener.stress))
        self.health.certificate_end = lambda: listener.certificate_end
        return listener

    def _acceptor(self) -> MailAcceptor:
        return MailAcceptor(self._store, self.metrics, self._flow, self._keep)

    def _add_pages(self, console: Console) -> None:
        """Serve the pages in a process of their own, unless this node does nothing else."""
        sockets = sockets_of(self._inherited, CONSOLE)
        if set(self._roles) == {"console"}:
            self._add_console(console, self.wake, self.request_reload, os.getpid())
            return
        self._pages = ConsoleProcess(self.settings.directory, console, self._env, sockets)
        self.add(self._pages)

    def _build_beside(self, beside: Beside) -> tuple[None, None]:
        """Build the process of the pages: the daemon beside it has all other loops."""
        assert self.settings.console
        self.add(Loop(SigningKeys(self._deps, self.settings)))
        self._add_console(self.settings.console, beside.wake, beside.reload, beside.daemon)
        return None, None

    def _add_console(
        self, console: Console, wake: Callable[[], None], reload: Callable[[], None], daemon: int
    ) -> None:
        from mailbot.console.desk import Desk  # the extra `console` may be missing
        from mailbot.console.service import ConsoleService

        desk = Desk(
            self._deps,
            self.settings,
            console,
            wake=wake,
            reload=reload,
            keep=self._acceptor(),
            channels=self._called_channels(),
            daemon=daemon,
        )
        self.add(ConsoleService(desk, sockets_of(self._inherited, CONSOLE)))

    def _called_channels(self) -> "dict[str, Channel]":
        """Build the channels whose providers call our web address."""
        if self.settings.channels == Channels():
            return {}
        from mailbot.channels.registry import build_all

        return {each.name: each for each in build_all(self.settings.channels) if each.receive}

    def _add_others(self, place: Place) -> None:
        """Answer the other processes where we are main, else report to it."""
        if not self._is_main:
            self.add(MainLink(place.addresses[MAIN], place.name, self._report))
            return
        assert place.peers
        self._fronts = FrontServer(
            place.peers,
            self.settings,
            policy=lambda: (self._deps.runtime.policy, self._reloader.sources),
            keep=self._acceptor(),
            waits=self._store.sqlite,
        )
        self.others = others = Others(self._fronts, place.name)
        self.add(self._fronts)
        self.add(Loop(others))
        self.health.of_processes = others.troubles
        if self._store.sqlite:
            self.health.door = lambda: others.sessions

    def _report(self) -> Report:
        """Report on this node to main, which serves one page for all."""
        self.health.show(self.metrics)
        self.metrics.show_loops(
            {name: time.monotonic() - loop.turned_at for name, loop in self._loops.items()}
        )
        return {
            "sessions": self.health.door() if self.health.door else 0,
            "metrics": export(self.metrics.registry),
            "troubles": [(str(each.code), each.text) for each in self.health.of_node()],
        }

    def _add_monitor(self, host: str, port: int) -> None:
        self.add(
            Monitor(
                host,
                port,
                metrics=self.metrics,
                figures=self._figures,
                health=self.health,
                loops=list(self._loops.values()),
                others=self.others,
                sockets=sockets_of(self.place.sockets, MONITOR) if self.place else (),
            )
        )

    def _suspects_path(self) -> Path:
        """Return where the mails being decided are noted: beside a SQLite store, else where systemd lets us write."""
        if self._disk:
            return Path(f"{sqlite_path(self.settings.store)}.deciding")
        folder = self._env.get("STATE_DIRECTORY") or self._env.get("RUNTIME_DIRECTORY") or gettempdir()
        name = hashlib.sha256(self.settings.store.encode()).hexdigest()[:16]
        return Path(folder.split(":")[0], f"mailbot-{os.getuid()}-{name}.deciding")

    def _waker(self, name: str) -> Callable[[], None]:
        """Return what wakes that loop. When another node has the role, its own polling finds the work."""

        def wake() -> None:
            if loop := self._loops.get(name):
                loop.wake()

        return wake

    def _wake_senders(self) -> None:
        """Let what was enqueued leave, by the relay and by other channels."""
        for loop in self._loops.values():
            if loop.stop_stage == "deliver":
                loop.wake()

    def wake(self) -> None:
        """Look for work that others left in the store."""
        for name in ("intake", "delivery", *self._of_channels):
            self._waker(name)()

    def _free_space(self) -> int:
        """Return the bytes left where the store is."""
        return shutil.disk_usage(self._disk).free if self._disk else NO_LIMIT

    async def _figures(self) -> Figures:
        counts = await self._store.read(queries.store_status, _now())
        return Figures(
            counts.inbox,
            counts.outbox,
            counts.overdue_deadlines,
            counts.oldest,
            counts.incidents,
            counts.stuck,
            counts.parked_deadlines,
        )

    def _stuck(self) -> list[str]:
        return stuck(self._loops.values(), time.monotonic())


def _now() -> datetime:
    return datetime.now(UTC)


def _trouble_of(services: "ChannelServices") -> str:
    return services.trouble


def _imap_trouble(fetcher: "ImapFetcher") -> str:
    return f"{fetcher.name}: {fetcher.error}" if fetcher.error else ""


class _DescriptorReports:
    """Handles errors of the event loop. A want of file descriptors is logged once a minute, not for each connection.

    asyncio tries to accept a thousand times in a row, with a traceback for each.
    """

    def __init__(self) -> None:
        self._next_at = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in (errno.EMFILE, errno.ENFILE):
            return loop.default_exception_handler(context)
        if loop.time() >= self._next_at:
            self._next_at = loop.time() + 60
            log.descriptors_used_up(limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        return None


def _return_large_blocks() -> None:
    """Let the C library give each large block back to the system when it is freed.

    After the first large mail it would keep such blocks in its heaps: 480 MB after ten mails of 24 MB (measured).
    """
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 20)
    except (OSError, AttributeError):
        pass  # another C library, with ways of its own


def _require_signing_key(settings: Settings) -> None:
    """Raise ConfigError when there is no key: the daemon would send what the domain's policy has others
    reject.

    A shell may lack the key.
    """
    if settings.dkim and not settings.dkim.key:
        where = str(settings.directory / "mailbot.yaml")
        raise ConfigError([Problem(where, 0, 0, "`dkim` is set, but there is no key to sign with", KEY_HINT)])


def _allow_many_files() -> None:
    """Raise the limit of open files: 200 sessions and their store must not meet the shell's default."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
