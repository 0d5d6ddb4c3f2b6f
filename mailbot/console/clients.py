"""How much one client may send: counted in this process, so that a flood costs the store nothing."""

from datetime import datetime

from mailbot.domain.policy import Rate
from mailbot.domain.replies.auto_reply import take_token

MOST_KEYS = 4096  # beyond it, those that have recovered are removed


class ClientLimits:
    """Token buckets by any key, as for mail."""

    def __init__(self) -> None:
        self._full_at: dict[str, datetime] = {}

    def take(self, key: str, rate: Rate, now: datetime) -> bool:
        """Count once more. False when the rate is used up."""
        if len(self._full_at) >= MOST_KEYS:
            self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        full_at = take_token(self._full_at.get(key), rate, now)
        if full_at is not None:
            self._full_at[key] = full_at
        return full_at is not None
