"""What is chosen once for an installation and shared by its nodes: the secret behind our keyed marks."""

import secrets
from collections.abc import Sequence

from sqlalchemy import Connection, select

from mailbot.store.schema import installation
from mailbot.store.upsert import or_skip


def secret(connection: Connection, items: Sequence[None]) -> list[bytes]:
    """The installation's secret, made at the first call; one given by the environment stands above it."""
    fresh = {"key": "secret", "value": secrets.token_hex(32)}
    connection.execute(or_skip(connection, installation), [fresh])
    value = connection.scalar(select(installation.c.value).where(installation.c.key == "secret"))
    return [bytes.fromhex(value or "")] * len(items)
