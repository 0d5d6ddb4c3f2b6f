"""What is wrong with a webhook, for operators."""

from datetime import timedelta

from mailbot.delivery import retry
from mailbot.store.webhooks.states import Webhook

BY_ITSELF = "mailbot"  # in `disabled_by`, where no person did it
GIVEN_UP_AFTER = timedelta(days=5)
LONG = timedelta(hours=1)  # of failures: worth a word


def trouble_of(webhook: Webhook) -> str:
    """Return what is wrong and what to do in one line, "" while all is well or where a person disabled it."""
    cure = f"`mailbot webhooks list`, then `mailbot webhooks enable {webhook.name}`"
    if webhook.disabled_at:
        if webhook.disabled_by != BY_ITSELF:
            return ""
        since = f"since {webhook.disabled_at:%Y-%m-%d %H:%M} UTC"
        return f"the webhook {webhook.name} is disabled {since} ({webhook.error}): {cure}"
    if retry.waited(webhook.failures) < LONG:
        return ""
    return (
        f"the webhook {webhook.name} has failed {webhook.failures} times in a row ({webhook.error}): {cure}"
    )
