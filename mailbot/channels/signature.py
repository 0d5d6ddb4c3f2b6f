"""Check who calls, by a secret that both know: Standard Webhooks, a digest in a header, or a plain token."""

import hmac
from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256

from mailbot.domain.programs.standard_webhooks import sign

TOLERANCE = timedelta(minutes=5)  # between their clock and ours
PREFIX = "whsec_"
MOST_SIGNATURES = 10  # of one call


def keys_of(secrets: Sequence[str]) -> list[bytes]:
    """Return the keys of secrets: after "whsec_" it is base64. One that can't be read is no key."""
    keys = []
    for secret in secrets:
        with suppress(ValueError):
            is_base64 = secret.startswith(PREFIX)
            keys.append(
                b64decode(secret.removeprefix(PREFIX), validate=True) if is_base64 else secret.encode()
            )
    return [key for key in keys if key]


def is_standard(headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: datetime) -> bool:
    """Check the three headers of the Standard Webhooks. A call older than TOLERANCE counts for nothing."""
    identity, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (identity and moment.isascii() and moment.isdecimal() and len(moment) < 12):
        return False
    if abs(now.timestamp() - int(moment)) > TOLERANCE.total_seconds():
        return False
    given = headers.get("webhook-signature", "").split()[:MOST_SIGNATURES]
    wanted = [sign(identity, moment, body, key) for key in keys]
    return _any_equal(given, wanted)


def is_digest(given: str, body: bytes, keys: Sequence[bytes]) -> bool:
    """Check HMAC-SHA256 of the body in hexadecimal, also after "sha256=", as GitHub and Meta send it."""
    wanted = [hmac.digest(key, body, "sha256").hex() for key in keys]
    return _any_equal([given.removeprefix("sha256=").lower()], wanted)


def is_token(given: str, secrets: Sequence[str]) -> bool:
    """Check a plain secret, also after "Bearer ". Nothing is the same as an empty one."""
    return _any_equal([given.removeprefix("Bearer ")], [each for each in secrets if each])


def _any_equal(given: Sequence[str], wanted: Sequence[str]) -> bool:
    """Compare without telling by the time it takes how much is right."""
    pairs = ((_digest(one), _digest(other)) for one in given for other in wanted)
    return any(hmac.compare_digest(one, other) for one, other in pairs)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "replace")).digest()
