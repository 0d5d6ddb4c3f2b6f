"""The front process: the door without a store. It speaks SMTP and LMTP, and main keeps what it takes."""

import asyncio
import math
import os
import resource
import shutil
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailbot import log, systemd
from mailbot.channels.front.client import MainKeeper, PolicyInForce, Welcome
from mailbot.channels.front.link import Link, Report
from mailbot.channels.keep import LARGE
from mailbot.channels.smtp.listener import Listener
from mailbot.config.model import Settings, Sources, Trust
from mailbot.domain.model import Envelope, ReadAhead
from mailbot.domain.policy import Mailbox, Policy
from mailbot.errors import ConfigError
from mailbot.mail.parsing.fingerprint import fingerprint
from mailbot.mail.parsing.parse import parse
from mailbot.metrics import Metrics
from mailbot.metrics_page import export
from mailbot.processes.place import LMTP, MAIN, SMTP, Place, divided, sockets_of
from mailbot.store.engine import is_sqlite, sqlite_path
from mailbot.workers.health import troubles
from mailbot.workers.inbound.prepare import prepare
from mailbot.workers.loop import Loop

DRAIN = timedelta(seconds=70)  # for sessions under way; main waits for us, and then needs some for its own


def run(place: Place) -> int:
    """Run a front until SIGTERM, the supervisor's LEAVE or its end. Return the exit code. Raises OSError."""

    async def run_front() -> int:
        return await _Front(place).run()

    return asyncio.run(run_front())


class _Front:
    def __init__(self, place: Place) -> None:
        self._place, self._metrics = place, Metrics()
        self._started = time.monotonic()
        self._stop = asyncio.Event()
        self._policy = _policy("", ())
        self._main = MainKeeper(self._take_policy, self._read_ahead, self._report_upgrade)
        self._link = Link(place.addresses[MAIN], place.name, self._report, self._main)
        self._listener: Listener | None = None
        self._trust: Trust | None = None
        self._rules: Policy | None = None  # the whole policy, once it is built
        self._building: asyncio.Task[None] | None = None

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # main's reload reaches us
        loop.add_reader(self._place.channel, self._place.listen(self._leave, lambda state: None))
        connecting = asyncio.create_task(self._link.run())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait((self._main.welcome, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not self._stop.is_set():
            await self._serve(await self._main.welcome)
        stopping.cancel()
        connecting.cancel()
        return 0

    def _leave(self) -> None:
        """Stop, and leave the clients that come to our successor."""
        if self._listener:
            self._listener.retiring = True
        self._stop.set()

    async def _serve(self, welcome: Welcome) -> None:
        """Accept mail until we are stopped."""
        settings, supervisor = welcome.settings, self._place.supervisor
        log.configure(settings.log)
        sys.setswitchinterval(0.001)  # sessions must not wait while the rules are built on a thread
        self._trust = settings.trust
        self._listener = listener = self._listen(settings)
        await listener.start()
        assert supervisor.watchdog
        watchdog = Loop(systemd.Watchdog(supervisor, supervisor.watchdog / 3, list))
        await watchdog.start()
        supervisor.ready(f"policy {self._policy.version}")
        log.ready(listen=", ".join(listener.addresses), seconds=time.monotonic() - self._started)
        await self._stop.wait()
        began = time.monotonic()
        log.stopping(reason="signal")
        supervisor.stopping("draining")
        await listener.stop(DRAIN)
        self._link.close()
        await watchdog.stop()
        log.stopped(seconds=time.monotonic() - began)

    def _listen(self, settings: Settings) -> Listener:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        disk = Path(sqlite_path(settings.store)).resolve().parent if is_sqlite(settings.store) else None
        return Listener(
            replace(settings, limits=divided(settings.limits, self._place.doors)),
            policy=lambda: self._policy,
            keep=self._main,
            free_space=lambda: shutil.disk_usage(disk).free if disk else 1 << 60,
            spool=disk,
            shared=self._place.shared,
            sockets=sockets_of(self._place.sockets, SMTP),
            lmtp_sockets=sockets_of(self._place.sockets, LMTP),
            count_refusal=lambda code: self._metrics.refused.labels(str(code)).inc(),
        )

    def _report_upgrade(self) -> None:
        log.main_outdated()
        self._place.supervisor.describe(outdated="1")

    def _report(self) -> Report:
        """Report what main can't know: our sessions, our part of the metrics, our troubles."""
        listener, end = self._listener, None
        if listener:
            self._metrics.stress.set(listener.stress)
            self._metrics.sessions.set(listener.sessions)
            end = listener.certificate_end
            self._metrics.certificate_end.set(end.timestamp() if end else math.nan)
        found = [
            troubles.few_descriptors(*troubles.count_descriptors()),
            troubles.ending_certificate(end, datetime.now(UTC)),
        ]
        return {
            "sessions": listener.sessions if listener else 0,
            "metrics": export(self._metrics.registry),
            "troubles": [(str(each.code), each.text) for each in found if each],
        }

    def _read_ahead(self, envelope: Envelope, raw: bytes) -> ReadAhead | None:
        """Parse a mail, and route it once our rules are built. A large one is left to main, which has threads."""
        policy, now = self._policy, envelope.received_at
        if len(raw) > LARGE or self._trust is None:
            return None
        try:
            if self._rules and self._rules.version == policy.version:
                mail = prepare(envelope, raw, self._rules, self._trust, now)
            else:
                mail = parse(raw, self._trust.authserv_ids, policy.mailboxes.keys())
        except Exception:
            return None  # main meets the same error and parks it
        return ReadAhead(fingerprint(raw, now.date().isoformat()), policy.version, mail)

    def _take_policy(self, given: PolicyInForce) -> None:
        if given.version == self._policy.version:
            return
        self._policy = _policy(given.version, given.addresses)
        log.front_policy(policy=given.version)
        self._building = asyncio.create_task(self._build_rules(given))
        if self._listener:
            try:
                self._listener.renew_certificate(self._listener.listen)
            except ConfigError as refusal:  # main has read it a moment before
                log.policy_refused(problems=refusal.problems)
            self._place.supervisor.ready(f"policy {given.version}")

    async def _build_rules(self, given: PolicyInForce) -> None:
        """Build the policy that main has, to route mails for it. Until then, and when that fails, main routes them."""
        try:
            rules = await asyncio.to_thread(_build, given.sources)
        except ConfigError as refusal:  # what it looks up on this machine has changed since
            return log.policy_refused(problems=refusal.problems)
        if rules.version == given.version == self._policy.version:
            self._rules = rules
        return None


def _build(sources: Sources) -> Policy:
    from mailbot.config.load import load_sources

    policy = load_sources(sources, os.environ, datetime.now(UTC).date()).policy
    _ = policy.prefilter  # thousands of patterns take a second
    return policy


def _policy(version: str, addresses: tuple[str, ...]) -> Policy:
    """Return as much of a policy as the door asks for: its version, and which addresses are ours."""
    boxes = {address: Mailbox(address, "", "") for address in addresses}
    return Policy(version, boxes, (), {}, (), {}, {}, {})
