"""Events and clocks to JSON and back. The dataclasses are the schema; pydantic does the conversion."""

from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from mailbot.domain.actor import Actor
from mailbot.domain.events import EVENT_KINDS, Event
from mailbot.domain.matching import Match
from mailbot.domain.model import Clock
from mailbot.domain.policy import Ladder
from mailbot.domain.reasons import NO_REASON, Reason

CLOCKS: TypeAdapter[tuple[Clock, ...]] = TypeAdapter(tuple[Clock, ...])
LADDER: TypeAdapter[Ladder] = TypeAdapter(Ladder)
MATCH: TypeAdapter[Match] = TypeAdapter(Match)
REASON: TypeAdapter[Reason] = TypeAdapter(Reason)
_EVENTS: dict[str, TypeAdapter[Any]] = {kind: TypeAdapter(event) for kind, event in EVENT_KINDS.items()}
_COLUMNS = {"at", "by"}  # of an event: they have columns of their own
actor_of = lru_cache(maxsize=1024)(Actor.parse)


def event_data(event: Event) -> dict[str, Any]:
    """Convert an event to JSON values, without its time and actor."""
    data: dict[str, Any] = _EVENTS[event.kind].dump_python(event, mode="json", exclude=_COLUMNS)
    return data


def event_of(kind: str, at: Any, by: str, data: dict[str, Any]) -> Event:
    event: Event = _EVENTS[kind].validate_python({**data, "at": at, "by": actor_of(by)})
    return event


def reason_text(reason: Reason) -> str:
    """Return the JSON text of a reason for a text column, "" for no reason."""
    return REASON.dump_json(reason).decode() if reason else ""


def reason_of(text: str | None) -> Reason:
    """Read the JSON text of a reason; "" and None are no reason."""
    return REASON.validate_json(text) if text else NO_REASON


def match_data(match: Match) -> dict[str, Any]:
    """Return why a mail belongs where it is, as the message keeps it: JSON values."""
    data: dict[str, Any] = MATCH.dump_python(match, mode="json")
    names = ("reason", "confidence", "claims", "suggests", "mentions", "followed", "clues")
    return {name: data[name] for name in names}
