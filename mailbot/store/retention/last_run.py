"""What the last run deleted, kept for `mailbot retention` and `mailbot status`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mailbot.store.codec import Codec
from mailbot.store.engine import or_replace
from mailbot.store.retention.rules import Line
from mailbot.store.schema import installation

_KEY = "retention"


@dataclass(frozen=True, slots=True)
class LastRun:
    """`deleted`: what went; `ended_at`: when it was done with everything."""

    began_at: datetime
    ended_at: datetime
    deleted: Sequence[Line]


_JSON = Codec(LastRun)


def record(connection: Connection, items: Sequence[LastRun]) -> list[None]:
    rows = [{"key": _KEY, "value": _JSON.dump_text(item)} for item in items[-1:]]
    connection.execute(or_replace(connection, installation, "key"), rows)
    return [None] * len(items)


def load(connection: Connection) -> LastRun | None:
    """Return the newest run of any node; None before the first one."""
    value = connection.scalar(select(installation.c.value).where(installation.c.key == _KEY))
    return _JSON.load_text(value) if value else None
