"""Values of the domain to JSON and back. The dataclasses are the schema; msgspec does the conversion."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from mailbot.domain.actor import Actor
from mailbot.domain.model import Clock
from mailbot.domain.reasons import NO_REASON, Reason

if TYPE_CHECKING:  # a list of tickets reads no events, and these modules take a tenth of a second
    from mailbot.domain.events import Event
    from mailbot.domain.matching import Match

V = TypeVar("V")


class Codec(Generic[V]):
    """Converts values of one type. What it reads may lack fields with a default and have unknown ones.

    `load` and `load_text` raise ValueError for what does not fit the type.
    """

    def __init__(self, kind: type[V]) -> None:
        self._kind = kind

    def dump(self, value: V) -> Any:
        """Return JSON values."""
        return msgspec.to_builtins(value)

    def load(self, data: Any) -> V:
        try:
            return msgspec.convert(data, self._kind)
        except ValueError:
            return msgspec.convert(without_years(data), self._kind)

    def dump_text(self, value: V) -> str:
        return msgspec.json.encode(value).decode()

    def load_text(self, text: str) -> V:
        try:
            return msgspec.json.decode(text, type=self._kind)
        except ValueError:
            return msgspec.convert(without_years(msgspec.json.decode(text)), self._kind)


# Versions up to schema 0005 wrote 366 days as "P1Y1D".
_YEARS = re.compile(r"(-?P)([0-9]+)Y(?:([0-9]+)D)?(T[0-9HMS.]+)?")


def without_years(data: Any) -> Any:
    """Write the years in spans as days."""
    if isinstance(data, str) and (found := _YEARS.fullmatch(data)):
        sign, years, days, rest = found.groups("")
        return f"{sign}{int(years) * 365 + int(days or 0)}D{rest}"
    if isinstance(data, Mapping):
        return {key: without_years(value) for key, value in data.items()}
    return list(map(without_years, data)) if isinstance(data, list | tuple) else data


CLOCKS: Codec[tuple[Clock, ...]] = Codec(tuple[Clock, ...])
REASON = Codec(Reason)
actor_of = lru_cache(maxsize=1024)(Actor.parse)


def event_data(event: "Event") -> dict[str, Any]:
    """Convert an event to JSON values, without its time and actor, which have columns of their own."""
    data: dict[str, Any] = msgspec.to_builtins(event)
    del data["at"], data["by"]
    return data


def event_of(kind: str, at: Any, by: str, data: dict[str, Any]) -> "Event":
    """Read an event. Raises ValueError for data that is none of this kind."""
    from mailbot.domain.events import EVENT_KINDS

    event: type[Event] = EVENT_KINDS[kind]
    whole = {**data, "at": at, "by": actor_of(by)}
    try:
        return msgspec.convert(whole, event)
    except ValueError:
        return msgspec.convert(without_years(whole), event)


def reason_text(reason: Reason) -> str:
    """Return the JSON text of a reason for a text column, "" for no reason."""
    return REASON.dump_text(reason) if reason else ""


def reason_of(text: str | None) -> Reason:
    """Read the JSON text of a reason; "" and None are no reason."""
    return REASON.load_text(text) if text else NO_REASON


def match_data(match: "Match") -> dict[str, Any]:
    """Return why a mail belongs where it is, as the message keeps it: JSON values."""
    data: dict[str, Any] = msgspec.to_builtins(match)
    names = ("reason", "confidence", "claims", "suggests", "mentions", "followed", "clues")
    return {name: data[name] for name in names}


def match_of(data: Mapping[str, Any]) -> "Match":
    """Read what `match_data` made. Raises ValueError."""
    from mailbot.domain.matching import Match

    return msgspec.convert(data, Match)
