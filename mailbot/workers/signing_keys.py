"""Keeps the keys of this node's tokens as the environment and the store have them, without a reload."""

from datetime import timedelta
from typing import Final

from mailbot import log
from mailbot.config.model import Settings
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.store.service import signing_secrets
from mailbot.store.service.signing_secrets import StoredSecrets, fingerprint
from mailbot.workers.runtime import Deps

EVERY = timedelta(seconds=20)  # a sixth of the time after which a new secret signs


def build_signer(settings: Settings, stored: StoredSecrets) -> TokenSigner:
    """Build the signer: it signs by MAILBOT_SECRET, else by the store's secret, and verifies by former ones too.

    Beside MAILBOT_SECRET, a stored secret counts only where a rotation has given it an end.
    """
    secrets = stored.secrets
    if settings.secret:
        signing, others = settings.secret, [each.value for each in secrets if each.until]
    else:
        signing = stored.signing.value
        others = [each.value for each in secrets if each.value != signing]
    return TokenSigner(signing, (*settings.previous_secrets, *others))


class SigningKeys:
    """The worker, on each node."""

    name: Final = "signing_keys"
    stop_stage: Final = "background"

    def __init__(self, deps: Deps, settings: Settings) -> None:
        self._store, self._runtime, self._settings = deps.store, deps.runtime, settings

    async def run_once(self) -> timedelta:
        stored = await self._store.read(signing_secrets.load)
        keys = self._runtime.snapshot.keys
        if stored and (found := build_signer(self._settings, stored)) != keys:
            self._runtime.replace_keys(found)
            log.signing_keys_replaced(signs=fingerprint(found.secret), verifies=1 + len(found.previous))
        return EVERY
