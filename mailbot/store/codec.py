"""Events and clocks to JSON and back. The dataclasses are the schema; pydantic does the conversion."""

from typing import Any

from pydantic import TypeAdapter

from mailbot.domain.events import EVENT_KINDS, Event
from mailbot.domain.matching import Verdict
from mailbot.domain.model import Clock
from mailbot.domain.policy import Ladder

_EVENTS: dict[str, TypeAdapter[Any]] = {kind: TypeAdapter(event) for kind, event in EVENT_KINDS.items()}
_CLOCKS: TypeAdapter[tuple[Clock, ...]] = TypeAdapter(tuple[Clock, ...])
_LADDER: TypeAdapter[Ladder] = TypeAdapter(Ladder)


def event_data(event: Event) -> dict[str, Any]:
    """What an event says besides when and who, as JSON values."""
    data: dict[str, Any] = _EVENTS[event.kind].dump_python(event, mode="json")
    del data["at"], data["by"]
    return data


def event_of(kind: str, at: Any, by: str, data: dict[str, Any]) -> Event:
    event: Event = _EVENTS[kind].validate_python({**data, "at": at, "by": by})
    return event


def clocks_data(clocks: tuple[Clock, ...]) -> Any:
    return _CLOCKS.dump_python(clocks, mode="json")


def clocks_of(data: Any) -> tuple[Clock, ...]:
    return _CLOCKS.validate_python(data)


def ladder_data(ladder: Ladder) -> Any:
    return _LADDER.dump_python(ladder, mode="json")


def ladder_of(data: Any) -> Ladder:
    return _LADDER.validate_python(data)


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """Why a mail belongs where it is, as it stands on the message and in --json."""
    names = ("kind", "named", "counted", "why")
    return {
        "because": verdict.because,
        "confidence": verdict.confidence,
        "claims": verdict.claims,
        "suggests": verdict.suggests,
        "followed": list(verdict.followed),
        "clues": [{name: getattr(clue, name) for name in names} for clue in verdict.weighed],
    }
