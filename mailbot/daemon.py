"""Builds everything from Settings, starts the services, stops them in order."""

import asyncio
import gc
import os
import resource
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import make_url

from mailbot import __version__, log, systemd
from mailbot.channels.imap.fetcher import ImapIntake
from mailbot.channels.smtp.accept import InFlow, Keeper
from mailbot.channels.smtp.listener import Listener
from mailbot.config.api import load_policy
from mailbot.config.checks.signing import KEY_HINT
from mailbot.config.model import ImapAccount, Loaded, Settings
from mailbot.delivery.sender import Delivery
from mailbot.domain.policy import Policy
from mailbot.domain.policy_outline import outline
from mailbot.errors import ConfigError, Problem
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.metrics import Figures, Metrics
from mailbot.operations.validate_policy import Approved, approve, doubts
from mailbot.store import installation, ladders, migrate, nodes, policies, queries
from mailbot.store.engine import sqlite_path
from mailbot.store.lock import LifeLock
from mailbot.store.store import Store
from mailbot.workers import admin_mail, refused
from mailbot.workers.cleanup import Cleanup
from mailbot.workers.deadlines import Deadlines
from mailbot.workers.failed_mail import FailedMail
from mailbot.workers.heartbeat import Heartbeat
from mailbot.workers.http_monitor import Monitor
from mailbot.workers.intake import Intake
from mailbot.workers.loop import Loop, stuck
from mailbot.workers.pending_requests import PendingRequests
from mailbot.workers.resolver import Resolver
from mailbot.workers.runtime import Runtime, Snapshot, signer
from mailbot.workers.sender_checks import SenderChecks
from mailbot.workers.shadow import Shadow
from mailbot.workers.weekly_report import WeeklyReports

ROLES = ("listener", "imap", "intake", "delivery", "deadlines")
FETCHING = timedelta(minutes=15)  # a turn of an IMAP worker: large mails over a thin line
DRAIN = timedelta(seconds=75)  # for sessions and sends under way; the unit allows 100 s for all of it


def run(directory: Path, env: Mapping[str, str], roles: Collection[str] = ROLES) -> int:
    """The daemon, until SIGTERM or SIGINT. Returns the exit code.

    Raises ConfigError, AlreadyRunning, StoreUnavailable, or OSError when it can't start.
    """
    started = time.monotonic()
    approved = approve(directory, env, datetime.now(UTC).date())
    settings = approved.loaded.settings
    _insist_on_key(settings)
    # The store's thread decides and composes; sessions and sends must not wait 5 ms for each of their turns.
    sys.setswitchinterval(0.001)
    log.configure(settings.log)
    with ExitStack() as stack:
        if settings.store.startswith("sqlite"):
            stack.enter_context(LifeLock(sqlite_path(settings.store)))
        migrate.upgrade(settings.store)
        return asyncio.run(_serve(approved, env, roles, started))


async def _serve(approved: Approved, env: Mapping[str, str], roles: Collection[str], started: float) -> int:
    daemon = Daemon(approved, env, roles)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    loop.add_signal_handler(signal.SIGHUP, daemon.ask_reload)
    await daemon.start(started)
    await stop.wait()
    await daemon.stop()
    return 0


class Daemon:
    """One node: its services, their loops, and the policy they share."""

    def __init__(self, approved: Approved, env: Mapping[str, str], roles: Collection[str] = ROLES) -> None:
        self._loaded, self._templates = approved.loaded, approved.templates
        self.settings, self._env, self._roles = self._loaded.settings, env, roles
        self.node = secrets.token_hex(8)
        self.metrics = Metrics()
        self._supervisor = systemd.from_environment(env, os.getpid())
        self._store = Store(self.settings.store)
        self._disk = Path(sqlite_path(self.settings.store)).resolve().parent if self._store.sqlite else None
        self._flow: InFlow | None = None  # a node without intake knows no pace
        self._loops: dict[str, Loop] = {}
        self._listener: Listener | None = None
        self._imap: list[ImapIntake] = []
        self._intake: Intake | None = None
        self._senders: SenderChecks | None = None
        self._delivery: Delivery | None = None
        self._monitor: Monitor | None = None
        self._shadow: Shadow | None = None
        self._reloading: asyncio.Task[None] | None = None
        self._asked_again = False  # to reload, while one was under way: it may have read the files before

    @property
    def port(self) -> int:
        """Where mail is taken in; 0 without the listener's role."""
        return self._listener.port if self._listener else 0

    async def start(self, started: float) -> None:
        """Everything up: when this returns, mail can come in."""
        self._greet()
        _allow_many_files()
        own: bytes = await self._store.write(installation.secret, None)
        keys = TokenSigner(self.settings.secret or own)
        policy = await self._with_former(self._loaded.policy)
        composer = Composer(self._templates, keys, policy, signer=signer(self.settings.dkim))
        self._runtime = Runtime(Snapshot(policy, composer, keys, self.settings.trust))
        await self._join()
        self._build()
        for loop in self._loops.values():
            loop.start()
        if self._listener:
            await self._listener.start()
        await self._watch()
        await self._look_on()
        # What lives now lives for good: the collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        self._supervisor.ready(f"policy {policy.version}")
        listen = ", ".join(self._listener.ways) if self._listener else "-"
        log.ready(listen=listen, seconds=time.monotonic() - started)

    def _greet(self) -> None:
        url = make_url(self.settings.store).render_as_string(hide_password=True)
        log.starting(
            version=__version__, policy=self._loaded.policy.version, store=url, roles=sorted(self._roles)
        )
        for problem in self._loaded.warnings:
            log.config_warning(problem=problem)
        if not self.settings.limits.rates:
            log.limits_disabled()

    async def _join(self) -> None:
        if self._store.sqlite:
            await self._store.write(nodes.bury_all_others, self.node)
        node = nodes.Node(
            id=self.node,
            host=socket.gethostname(),
            pid=os.getpid(),
            roles=",".join(sorted(self._roles)),
            started_at=_now(),
            policy=self._runtime.policy.version,
        )
        await self._store.write(nodes.join, node)
        await self._store.write(installation.forget, refused.TOLD)
        await self._enter(self._loaded)

    async def _enter(self, loaded: Loaded) -> None:
        """What we decide by from now on can be built again, however the files change."""
        policy, sources = loaded.policy, loaded.sources
        item = policies.InForce(policy.version, _now(), outline(policy), sources.files, sources.templates)
        await self._store.write(policies.enter, item)

    async def _with_former(self, policy: Policy) -> Policy:
        """Tickets climb the ladders that they were given: this policy's are kept for later ones, and those of
        earlier ones are known to it."""
        await asyncio.to_thread(lambda: policy.prefilter)  # before the first mail asks for it
        await self._store.write(ladders.keep, policy)
        return replace(policy, former=await self._store.read(ladders.known))

    async def _look_on(self) -> None:
        """Puts in place the policy that only looks on, as its files are now. A fault there is a warning:
        mail goes its way without it."""
        directory = self._loaded.settings.shadow
        if self._shadow is None or directory is None:
            return self._shadow.take(None) if self._shadow else None
        today = datetime.now(UTC).date()
        try:
            policy = (await asyncio.to_thread(load_policy, directory, self._env, today=today)).policy
        except ConfigError as refusal:
            log.shadow_policy_refused(problems=refusal.problems)
            self._shadow.take(None)
        else:
            log.shadow_policy_loaded(policy=policy.version)
            self._shadow.take(policy)

    def _build(self) -> None:
        store, runtime, metrics = self._store, self._runtime, self.metrics
        if "delivery" in self._roles:
            self._delivery = Delivery(
                store,
                self.settings.relay,
                self.node,
                hostname=self.settings.hostname,
                metrics=metrics,
                wake=self._waker("delivery"),
                now=_now,
            )
            self._loops["delivery"] = Loop(self._delivery)
            undelivered = FailedMail(store, runtime, self._waker("delivery"), metrics, _now)
            self._loops["undelivered"] = Loop(undelivered)
        if "intake" in self._roles:
            trust = self.settings.trust
            if trust.verify:
                self._senders = SenderChecks(trust, Resolver(trust.resolver).until, metrics)
            flow = self._flow = InFlow()
            shadow = self._shadow = Shadow(store, runtime, metrics, _now)
            self._intake = Intake(
                store,
                runtime,
                self.node,
                self._waker("delivery"),
                metrics,
                _now,
                self._senders,
                handled=flow.handled,
                seen=shadow.saw,
            )
            self._loops["intake"] = Loop(self._intake)
            self._loops["shadow"] = Loop(shadow)
        if "deadlines" in self._roles:
            self._loops["deadlines"] = Loop(Deadlines(store, runtime, self._waker("delivery"), metrics, _now))
            self._loops["undecided"] = Loop(PendingRequests(store, runtime, self._waker("delivery"), _now))
        if "listener" in self._roles:
            self._listener = self._make_listener()
        self._loops["sweep"] = Loop(Cleanup(store, _now))
        weekly = WeeklyReports(store, runtime, self._waker("delivery"), _now)
        self._loops["weekly report"] = Loop(weekly, patience=FETCHING)
        if "imap" in self._roles:
            self._imap = [self._make_imap(account) for account in self.settings.imap]
            self._loops |= {each.name: Loop(each, patience=FETCHING) for each in self._imap}
        self._loops["heartbeat"] = Loop(Heartbeat(store, self.node, self._wake_all))

    def _make_imap(self, account: ImapAccount) -> ImapIntake:
        return ImapIntake(
            self._store,
            account,
            policy=lambda: self._runtime.policy,
            keep=Keeper(self._store, self.metrics, self._flow),
            wake_intake=self._waker("intake"),
            wake=self._waker(f"imap {account.name}"),
            largest=self.settings.limits.size,
            now=_now,
        )

    def _make_listener(self) -> Listener:
        inherited = systemd.inherited_sockets(self._env, os.getpid())
        return Listener(
            self.settings,
            policy=lambda: self._runtime.policy,
            keep=Keeper(self._store, self.metrics, self._flow),
            wake=self._waker("intake"),
            free_space=self._free_space,
            sockets=[each for name, each in inherited if name != "lmtp"],
            lmtp_sockets=[each for name, each in inherited if name == "lmtp"],
            refused=lambda code: self.metrics.refused.labels(str(code)).inc(),
            now=_now,
        )

    def _waker(self, name: str) -> Callable[[], None]:
        """Wakes that loop; when another node has the role, its own polling finds the work."""

        def wake() -> None:
            if loop := self._loops.get(name):
                loop.wake()

        return wake

    def _wake_all(self) -> None:
        for name in ("intake", "delivery"):
            self._waker(name)()

    def _free_space(self) -> int:
        """Bytes left where the store is; a database elsewhere looks after its own disk."""
        return shutil.disk_usage(self._disk).free if self._disk else 1 << 60

    async def _watch(self) -> None:
        if self.settings.monitor:
            monitor = Monitor(
                self.settings.monitor.host,
                self.settings.monitor.port,
                metrics=self.metrics,
                figures=self._figures,
                health=self.troubles,
                loops=list(self._loops.values()),
            )
            try:
                await monitor.start()
            except OSError as error:
                log.monitor_unavailable(error=error)  # mail matters more than being watched
            else:
                self._monitor = monitor
                log.monitor_listening(host=self.settings.monitor.host, port=monitor.port)
        if self._supervisor.watchdog:
            every = self._supervisor.watchdog / 3
            self._watchdog = Loop(systemd.Watchdog(self._supervisor, every, self._stuck))
            self._watchdog.start()

    async def _figures(self) -> Figures:
        standing = await self._store.read(queries.figures, _now())
        return Figures(standing.inbox, standing.outbox, standing.overdue_deadlines, standing.oldest)

    def _stuck(self) -> list[str]:
        return stuck(self._loops.values(), time.monotonic())

    def troubles(self) -> list[str]:
        """Why this node is not well; empty when it is."""
        found = [f"{name} does not turn" for name in self._stuck()]
        if self._delivery and self._delivery.relay_is_down:
            found.append("the relay can't be reached, mail is held")
        return found + [f"{each.name}: {each.trouble}" for each in self._imap if each.trouble]

    def ask_reload(self) -> None:
        """SIGHUP: takes the configuration as it is now, all or nothing."""
        self._asked_again = True
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload_as_asked())

    async def _reload_as_asked(self) -> None:
        while self._asked_again:
            self._asked_again = False
            await self._reload()

    async def _reload(self) -> None:
        self._supervisor.reloading()
        old, trouble = self._runtime.policy.version, None
        try:
            found = await asyncio.to_thread(self._read_again)
            loaded = found.loaded
            await self._enter(loaded)  # before the first event by it
            self._runtime.replace(await self._with_former(loaded.policy), found.templates)
            self._loaded = loaded
            await self._look_on()
        except ConfigError as refusal:
            log.policy_refused(problems=refusal.problems)
            trouble = str(refusal)
            await self._tell_admins(refusal.problems)
        else:
            log.policy_reloaded(old=old, new=loaded.policy.version)
            await self._store.write(installation.forget, refused.TOLD)
        finally:  # whatever happened, we go on by the policy that we have
            self._supervisor.ready(f"policy {self._runtime.policy.version}")
        if trouble:
            await self._enter(self._loaded)
        if self._asked_again:
            return  # who asked last waits for what comes of the files as they are now
        await self._store.write(
            nodes.note_reload, nodes.Reloaded(self.node, _now(), self._runtime.policy.version, trouble)
        )

    def _read_again(self) -> Approved:
        """Raises ConfigError for whatever keeps the new policy from being taken."""
        directory = self.settings.directory
        found = approve(directory, self._env, datetime.now(UTC).date())
        if problems := doubts(found.loaded, directory):
            raise ConfigError(problems)
        return found

    async def _tell_admins(self, problems: Sequence[Problem]) -> None:
        told = refused.occasion(problems, socket.gethostname(), self._runtime.snapshot, _now())
        first = bool(told.bulletins) and await self._store.write(admin_mail.enqueue_once, told)
        if first:
            log.admins_notified(admins=len(told.bulletins))
            self._waker("delivery")()

    async def stop(self) -> None:
        """Drains (promise P9): no session is cut after its DATA, no send after its dot."""
        started = time.monotonic()
        log.stopping(why="asked to")
        self._supervisor.stopping("draining")

        def left() -> timedelta:
            spent = timedelta(seconds=time.monotonic() - started)
            return max(timedelta(seconds=1), DRAIN - spent)

        await asyncio.gather(*(self._cut_short(each) for each in self._imap))
        if self._listener:
            await self._listener.drain(left())
        for name in ("intake", "deadlines", "undecided", "undelivered", "sweep", "shadow", "weekly report"):
            if name in self._loops:
                await self._loops[name].stop()
        if self._intake:
            await self._intake.let_go()
        if self._senders:
            self._senders.close()
        if self._delivery:
            await self._loops["delivery"].stop()
            await self._delivery.drain(left())
        await self._loops["heartbeat"].stop()
        if self._monitor:
            await self._monitor.stop()
        await self._store.write(nodes.leave, self.node)
        await asyncio.to_thread(self._store.close)
        log.stopped(seconds=time.monotonic() - started)

    async def _cut_short(self, imap: ImapIntake) -> None:
        """Mail on its way from a folder need not come in: unmarked, it is fetched again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.7):
                await self._loops[imap.name].stop()
        await imap.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _insist_on_key(settings: Settings) -> None:
    """A shell may lack the key. A daemon without it would send what the domain's policy has others reject."""
    if settings.dkim and not settings.dkim.key:
        where = str(settings.directory / "mailbot.yaml")
        raise ConfigError([Problem(where, 0, 0, "`dkim` is set, but there is no key to sign with", KEY_HINT)])


def _allow_many_files() -> None:
    """Descriptors up to the hard limit: 200 sessions and their store must not meet the shell's default."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
