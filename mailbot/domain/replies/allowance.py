"""Token buckets: may one more happen now? One moment per key is all there is to remember."""

from datetime import datetime

from mailbot.domain.policy import Rate


def take(until: datetime | None, rate: Rate, now: datetime) -> datetime | None:
    """Takes one token. The new moment to remember for the key when there was one, None when not.

    GCRA (ITU-T I.371), the token bucket without a counter: `until` is when the bucket will be full again,
    each token puts it off by period / count, and there is a token while that stays within one period. So a
    bucket starts full, gives `count` at once and then one every period / count: in any stretch of n periods
    fewer than (n + 1) x count + 1, and with a count of 1 never two within one period.
    """
    if rate.count < 1:
        return None
    if (
        until is None or until - now > 2 * rate.period
    ):  # the second: the clock was set back, nobody took so much
        until = now
    after = (
        max(until, now) + rate.period // rate.count
    )  # rounded down, or the last token would never be there
    return after if after - now <= rate.period else None
