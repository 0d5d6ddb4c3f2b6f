"""How often a token may be used."""

from datetime import datetime, timedelta

PER_MINUTE = 600


class Allowance:
    """So many requests a minute for each token, on this node: a bucket that refills steadily."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._most = per_minute
        self._each = timedelta(minutes=1) / per_minute
        self._full_at: dict[int, datetime] = {}  # when the token's bucket is full again

    def take(self, token: int, now: datetime) -> timedelta:
        """Count a request, and return no time; where there are too many, how long to wait."""
        full_at = max(self._full_at.get(token, now), now) + self._each
        wait = full_at - now - self._most * self._each
        if wait > timedelta():
            return wait
        self._full_at[token] = full_at
        return timedelta()
