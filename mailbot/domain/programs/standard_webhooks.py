"""Sign messages as the Standard Webhooks specification 1.0 says: HMAC-SHA256 of "id.timestamp.body".

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256


def message_id(webhook: str, ticket: str, seq: int, at: datetime) -> str:
    """Return the id of an event's message: the same for each attempt and each replay, another for each webhook."""
    named = f"{webhook}\n{ticket}\n{seq}\n{at.isoformat()}"
    return f"msg_{sha256(named.encode()).hexdigest()[:32]}"


def sign(identity: str, timestamp: str, body: bytes, secret: bytes) -> str:
    """Return the signature of a message. `timestamp`: seconds since 1970."""
    signed = b".".join((identity.encode(), timestamp.encode(), body))
    return f"v1,{b64encode(hmac.digest(secret, signed, 'sha256')).decode()}"


def headers(identity: str, at: datetime, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """Return the three headers, with a signature by each secret. `at`: when it is sent, which receivers check."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(sign(identity, timestamp, body, secret) for secret in secrets),
    }
