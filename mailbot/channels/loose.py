"""Read JSON whose shape nobody promises: what is missing, or of another type, counts as empty."""

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
