"""What is chosen once for an installation and shared by its nodes: the secret behind our keyed marks."""

import secrets
from collections.abc import Sequence

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from mailbot.store.schema import installation


def secret(connection: Connection, items: Sequence[None]) -> list[bytes]:
    """The installation's secret, made at the first call; one given by the environment stands above it."""
    dialect_insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    connection.execute(
        dialect_insert(installation).on_conflict_do_nothing(),
        [{"key": "secret", "value": secrets.token_hex(32)}],
    )
    value = connection.scalar(select(installation.c.value).where(installation.c.key == "secret"))
    return [bytes.fromhex(value or "")] * len(items)
