"""Take WhatsApp's calls: only with a signature of the body as it came, made with the app's secret.

Theory of operation. Nothing of a call is parsed before its signature was verified. Then each message and each status
becomes an event of its own, by its own id: a batch that comes again, in another order or with more in it, adds only
what is new.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from mailbot.channels import signature
from mailbot.channels.loose import at, items_at, text_at
from mailbot.channels.seam import Call, Event, Reply
from mailbot.config.model import Whatsapp


def receive(settings: Whatsapp, call: Call) -> Reply:
    """Answer a call. GET is Meta's question whether this address is ours."""
    if call.method == "GET":
        return _challenge(settings.verify_token, call)
    given, keys = call.headers.get("x-hub-signature-256", ""), signature.keys_of([settings.app_secret])
    if not (given.startswith("sha256=") and signature.is_digest(given, call.body, keys)):
        return Reply(401, "the signature is missing or wrong")
    try:
        return Reply(200, "", tuple(_events(msgspec.json.decode(call.body))))
    except (ValueError, RecursionError):
        return Reply(200, "", (Event.named("", call.body),))  # kept for a person to see


def _challenge(token: str, call: Call) -> Reply:
    challenge = call.query.get("hub.challenge", "")
    is_meant = call.query.get("hub.mode") == "subscribe" and challenge.isascii() and len(challenge) < 200
    if not is_meant or not signature.is_token(call.query.get("hub.verify_token", ""), [token]):
        return Reply(403, "the verify token is missing or wrong")
    return Reply(200, challenge)


def _events(body: Any) -> Iterator[Event]:
    changes = [change for entry in items_at(body, "entry") for change in items_at(entry, "changes")]
    for value in (at(each, "value") for each in changes if text_at(each, "field") == "messages"):
        around = {"metadata": at(value, "metadata")}
        for each in items_at(value, "messages"):
            author = [who for who in items_at(value, "contacts") if at(who, "wa_id") == at(each, "from")]
            kept = msgspec.json.encode({**around, "contacts": author[:1], "message": each})
            yield Event.named(text_at(each, "id"), kept)
        for each in items_at(value, "statuses"):
            kept, name = msgspec.json.encode({**around, "status": each}), text_at(each, "id")
            yield Event.named(name and f"{name} {text_at(each, 'status')}", kept)
