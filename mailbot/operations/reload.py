"""A reload takes the configuration as its files are now, all or nothing. Whatever happens, a policy is in
force.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from mailbot import log
from mailbot.config.api import load_policy
from mailbot.config.model import Listen, Loaded, Sources
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review.policy_outline import outline
from mailbot.errors import ConfigError
from mailbot.operations.validate_policy import Validated, validate_with_analysis
from mailbot.store import ladders, policies
from mailbot.store.service import installation, nodes
from mailbot.store.store import Store
from mailbot.workers import admin_mail
from mailbot.workers.runtime import Deps
from mailbot.workers.shadow import Shadow


async def with_former_ladders(store: Store, policy: Policy) -> Policy:
    """Keep this policy's ladders for later ones, and return it with the ladders of earlier ones.

    A ticket follows the ladder that it was given, however the files change.
    """
    await asyncio.to_thread(lambda: policy.prefilter)  # before the first mail asks for it
    await store.write(ladders.save, policy)
    return replace(policy, past_ladders=await store.read(ladders.load))


async def record_policy(store: Store, loaded: Loaded) -> None:
    """Store the files of the policy in force, so that it can be built again. Before the first event by it."""
    policy, sources = loaded.policy, loaded.sources
    now = datetime.now(UTC)
    item = policies.ActivePolicy(policy.version, now, outline(policy), sources.files, sources.templates)
    await store.write(policies.record_active, item)


class Reloader:
    """Replaces the policy of one node. `loaded` is the configuration in force, `shadow` its shadow worker.

    `renew_certificate` reads the listener's certificate again, or raises ConfigError.
    """

    def __init__(
        self,
        deps: Deps,
        loaded: Loaded,
        env: Mapping[str, str],
        node: str,
        shadow: Shadow | None,
        renew_certificate: Callable[[Listen], None] = lambda listen: None,
    ) -> None:
        self._renew_certificate = renew_certificate
        self._deps, self._store, self._runtime = deps, deps.store, deps.runtime
        self._loaded, self._env, self._node, self._shadow = loaded, env, node, shadow

    @property
    def sources(self) -> Sources:
        """Return what the policy in force was built from."""
        return self._loaded.sources

    async def reload(self) -> str:
        """Put the files in force, or keep the old policy and notify the admins. Return why, "" when taken."""
        old = self._runtime.policy.version
        try:
            validated = await asyncio.to_thread(self._validate)
            self._renew_certificate(validated.loaded.settings.listen)
        except ConfigError as refusal:
            log.policy_refused(problems=refusal.problems)
            await self._notify_admins(refusal)
            await record_policy(self._store, self._loaded)
            return str(refusal)
        loaded = validated.loaded
        await record_policy(self._store, loaded)
        policy = await with_former_ladders(self._store, loaded.policy)
        self._runtime.replace(policy, validated.templates)
        self._loaded = loaded
        await self.load_shadow_policy()
        log.policy_reloaded(old=old, new=loaded.policy.version)
        await self.forget_refusals()
        return ""

    async def record_result(self, error: str) -> None:
        """Record for `mailbot reload`, which waits for it, what came of the reload."""
        version = self._runtime.policy.version
        reloaded = nodes.ReloadResult(self._node, datetime.now(UTC), version, error or None)
        await self._store.write(nodes.record_reload, reloaded)

    async def forget_refusals(self) -> None:
        """Let the next refusal be mailed to the admins, even one that they were mailed about before."""
        await self._store.write(installation.remove_marks, admin_mail.REFUSED)

    async def load_shadow_policy(self) -> None:
        """Load the shadow policy from its files. A fault there is a warning, and mail goes on without it."""
        directory = self._loaded.settings.shadow
        if self._shadow is None:
            return
        policy = None
        if directory:
            today = datetime.now(UTC).date()
            try:
                policy = (await asyncio.to_thread(load_policy, directory, self._env, today=today)).policy
                log.shadow_policy_loaded(policy=policy.version)
            except ConfigError as refusal:
                log.shadow_policy_refused(problems=refusal.problems)
        self._shadow.replace_policy(policy)

    def _validate(self) -> Validated:
        directory = self._loaded.settings.directory
        return validate_with_analysis(directory, self._env, datetime.now(UTC).date())

    async def _notify_admins(self, refusal: ConfigError) -> None:
        host, snapshot = socket.gethostname(), self._runtime.snapshot
        mail = admin_mail.reload_refused(refusal.problems, host, snapshot, datetime.now(UTC))
        first: bool = bool(mail.bulletins) and await self._store.write(admin_mail.enqueue_once, mail)
        if first:
            log.admins_notified(admins=len(mail.bulletins))
            self._deps.wake_delivery()
