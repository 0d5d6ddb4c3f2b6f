"""Outlines of the policies that were in force, by version: so that a reload can say what it changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from mailbot.store.schema import installation
from mailbot.store.upsert import or_skip


@dataclass(frozen=True, slots=True)
class Outlined:
    """A policy's version with its `core.changes.outline`."""

    version: str
    outline: Mapping[str, Mapping[str, str]]


def remember(connection: Connection, items: Sequence[Outlined]) -> list[None]:
    """Keeps each outline once."""
    rows = [{"key": _key(item.version), "value": json.dumps(item.outline)} for item in items]
    connection.execute(or_skip(connection, installation), rows)
    return [None] * len(items)


def recall(connection: Connection, version: str) -> dict[str, dict[str, str]] | None:
    """The outline of that version; None when no daemon ever went by it."""
    kept = connection.scalar(select(installation.c.value).where(installation.c.key == _key(version)))
    return json.loads(kept) if kept else None


def _key(version: str) -> str:
    return f"policy {version}"
