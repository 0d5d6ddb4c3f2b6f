"""Build what a command decides by, as the daemon does."""

import secrets
from datetime import UTC, datetime

from mailbot.config.api import Settings
from mailbot.domain.policy import Policy
from mailbot.mail.compose import late_templates
from mailbot.mail.compose.compose import Composer
from mailbot.store.service import signing_secrets
from mailbot.store.service.signing_secrets import Secret, StoredSecrets
from mailbot.workers.runtime import Runtime, Snapshot, signer
from mailbot.workers.signing_keys import build_signer

OTHER_SECRET = (
    "note: the daemon signs by a MAILBOT_SECRET that this shell does not have. Replies to mails from here will not be "
    "recognised.\nSet it as the service has it: `mailbot docs secrets`"
)


def lacks_secret(settings: Settings, stored: StoredSecrets) -> bool:
    """Check whether daemons sign by a secret of their environment that is not in ours."""
    own = signing_secrets.fingerprint(settings.secret) if settings.secret else ""
    return bool(stored.elsewhere) and own != stored.elsewhere


def build_runtime(settings: Settings, policy: Policy, stored: StoredSecrets | None) -> Runtime:
    """Build the runtime with the store's secrets. Without any, its reply tokens are never recognised."""
    unknown = StoredSecrets((Secret(secrets.token_bytes(32)),), datetime.now(UTC))
    keys = build_signer(settings, stored or unknown)
    composer = Composer(late_templates.load(settings.templates), keys, policy, signer=signer(settings.dkim))
    return Runtime(Snapshot(policy, composer, keys, settings.trust))
