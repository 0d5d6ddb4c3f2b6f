"""Sign messages as the Standard Webhooks specification 1.0 says: HMAC-SHA256 of "id.timestamp.body"."""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256


def message_id(webhook: str, ticket: str, seq: int, at: datetime) -> str:
    """Return the id of an event's message: the same for each attempt and each replay, another for each webhook."""
    named = f"{webhook}\n{ticket}\n{seq}\n{at.isoformat()}"
    return f"msg_{sha256(named.encode()).hexdigest()[:32]}"


def headers(identity: str, at: datetime, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """Return the three headers, with a signature by each secret. `at`: when it is sent, which receivers check."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((identity.encode(), timestamp.encode(), body))
    marks = (b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
    }
