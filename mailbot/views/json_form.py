"""Values as JSON: the one way in which `--json` shows dataclasses, times, spans and amounts.

The keys are a contract with programs that read them. A renamed field keeps its key by `rename`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from mailbot.domain.actor import Actor
from mailbot.domain.reasons import Reason
from mailbot.domain.routing.money import Money

PLAIN = frozenset({str, int, float, bool, type(None)})  # by far the most values, so they come first
NO_NAMES: Mapping[str, str] = {}


def to_json(
    value: Any, *, only: Sequence[str] = (), omit: Sequence[str] = (), rename: Mapping[str, str] = NO_NAMES
) -> Any:
    """Return `value` as JSON types: ISO 8601 times in UTC, spans in seconds, amounts of money as whole units.

    Of a dataclass, or of each one in a sequence, `only` picks attributes in that order. `omit` leaves fields
    out. `rename` maps attributes to keys. All three hold for that level alone.
    """
    if type(value) in PLAIN:
        return value
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case timedelta():
            return value.total_seconds()
        case Money():
            return int(value.amount)
        case Decimal() | Actor() | Reason():
            return str(value)
        case Mapping():
            return {str(key): to_json(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_json(item, only=only, omit=omit, rename=rename) for item in value]
        case _ if dataclasses.is_dataclass(value):
            names = only or [field.name for field in dataclasses.fields(value) if field.name not in omit]
            return {rename.get(name, name): to_json(getattr(value, name)) for name in names}
    return value
