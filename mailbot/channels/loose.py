"""Read JSON whose shape nobody promises: what is missing, or of another type, counts as empty."""

from datetime import UTC, datetime
from typing import Any


def at(value: Any, *path: str | int) -> Any:
    """Return what stands at the end of a path of keys and places, None for nothing."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def text_at(value: Any, *path: str | int) -> str:
    """Return the text there, "" for anything else."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def items_at(value: Any, *path: str | int) -> list[Any]:
    """Return the list there, an empty one for anything else."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def number_at(value: Any, *path: str | int) -> float:
    """Return the number there, 0 for anything else."""
    found = at(value, *path)
    return found if isinstance(found, int | float) else 0


def moment_at(value: Any, *path: str | int) -> datetime | None:
    """Return the moment there, a text of seconds since 1970, None for anything else."""
    try:
        return datetime.fromtimestamp(int(text_at(value, *path)[:20]), UTC)
    except (ValueError, OverflowError, OSError):
        return None
