"""Rows as the database keeps them: plain types, and values that both engines can keep and write alike."""

import hashlib
import re
from typing import Any

from sqlalchemy import Column, MetaData, Table, TypeDecorator

# What a SQLite text may hold and a PostgreSQL text may not.
_UNFIT = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(table: Table) -> Table:
    """Return the table with the types that the database keeps: times as numbers, choices as texts."""
    columns: list[Column[Any]] = []
    for column in table.columns:
        kept = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
        columns.append(Column(column.name, kept, primary_key=column.primary_key))
    return Table(table.name, MetaData(), *columns)


def fit(value: Any) -> Any:
    """Replace each character that PostgreSQL can't keep."""
    match value:
        case str():
            return _UNFIT.sub(_REPLACEMENT, value)
        case dict():
            return {fit(key): fit(item) for key, item in value.items()}
        case list():
            return [fit(item) for item in value]
    return value


def canonical(value: Any) -> Any:
    """Return what counts of a JSON value: PostgreSQL reads 2.0 as it likes, and keeps no order of keys."""
    kind = type(value)  # as `json` and msgspec make them; most are texts, and an export has millions
    if kind is dict:
        return {key: canonical(value[key]) for key in sorted(value)}
    if kind is list:
        return [canonical(item) for item in value]
    return int(value) if kind is float and value.is_integer() else value


def canonical_value(value: Any) -> Any:
    """Return what counts of a column's value; of bytes their SHA-256."""
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else canonical(value)
