"""Outlines of the policies that were in force, by version: so that a reload can say what it changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from mailbot.store.schema import installation


@dataclass(frozen=True, slots=True)
class Outlined:
    """A policy's version with its `core.changes.outline`."""

    version: str
    outline: Mapping[str, Mapping[str, str]]


def remember(connection: Connection, items: Sequence[Outlined]) -> list[None]:
    """Keeps each outline once."""
    dialect_insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    rows = [{"key": _key(item.version), "value": json.dumps(item.outline)} for item in items]
    connection.execute(dialect_insert(installation).on_conflict_do_nothing(), rows)
    return [None] * len(items)


def recall(connection: Connection, version: str) -> dict[str, dict[str, str]] | None:
    """The outline of that version; None when no daemon ever went by it."""
    kept = connection.scalar(select(installation.c.value).where(installation.c.key == _key(version)))
    return json.loads(kept) if kept else None


def _key(version: str) -> str:
    return f"policy {version}"
