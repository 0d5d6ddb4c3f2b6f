"""Answers to people of a program: signed JSON to the one address that the admin named."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from mailbot.channels import signature
from mailbot.channels.http_client import Answer, HttpClient, NoReply, NotSent, TooLarge
from mailbot.channels.seam import Outgoing, Result
from mailbot.config.model import Incoming
from mailbot.domain.model import AttemptOutcome
from mailbot.domain.programs import retry_after, standard_webhooks

LONGEST_ID = 200  # characters
OF_THE_MESSAGE = frozenset({400, 409, 410, 413, 415, 422})  # it will never be taken; other 4xx: our settings


class Sink:
    """Sends answers to one program."""

    def __init__(self, settings: Incoming, now: Callable[[], datetime]) -> None:
        self._url, self._keys, self._now = settings.send_url, signature.keys_of(settings.send_secrets), now
        self._client = HttpClient(settings.send_url)

    async def send(self, message: Outgoing) -> Result:
        """Send one answer. Its id is the same at each attempt, so that the program knows a repetition."""
        if not self._keys:
            return Result(AttemptOutcome.DEFERRED, "its secret is missing: see `mailbot check`", is_ours=True)
        identity = f"msg_{sha256(message.key.encode()).hexdigest()[:32]}"
        body = json.dumps(_body(message, identity), ensure_ascii=False).encode("utf-8", "replace")
        try:
            headers = {"Content-Type": "application/json", "Idempotency-Key": identity}
            headers |= standard_webhooks.headers(identity, self._now(), body, self._keys)
            answer = await self._client.ask("POST", self._url, content=body, headers=headers)
        except NotSent as error:
            return Result(AttemptOutcome.DEFERRED, str(error), is_ours=True)
        except (NoReply, TooLarge) as error:
            return Result(AttemptOutcome.UNKNOWN, str(error))
        return _result(answer, identity)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _body(message: Outgoing, identity: str) -> dict[str, object]:
    return {
        "id": identity,
        "to": message.to.partition(":")[2],
        "kind": message.kind,
        "ticket": message.number,
        "language": message.language,
        "subject": message.subject,
        "text": message.text,
        "files": [
            {"name": each.name, "type": each.type, "content": b64encode(each.content).decode()}
            for each in message.files
        ],
    }


def _result(answer: Answer, identity: str) -> Result:
    """Return what an HTTP status means for a message."""
    code = answer.status
    text = f"HTTP {code}"
    if 200 <= code < 300:
        return Result(AttemptOutcome.SENT, text, code, {1: _own_id(answer) or identity})
    if code in OF_THE_MESSAGE:
        return Result(AttemptOutcome.FAILED, f"{text}: it does not take this message", code)
    pause = retry_after.read(answer.headers.get("retry-after", ""))
    if code >= 500 and code != 503:
        return Result(AttemptOutcome.DEFERRED, text, code, retry_after=pause)
    return Result(AttemptOutcome.DEFERRED, text, code, retry_after=pause, is_ours=True)


def _own_id(answer: Answer) -> str:
    """Return what the program calls the message, "" where its reply does not say."""
    own = answer.json.get("id") if isinstance(answer.json, dict) else None
    return own if isinstance(own, str) and len(own) <= LONGEST_ID and own.isprintable() else ""
