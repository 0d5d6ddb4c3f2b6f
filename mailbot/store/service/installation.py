"""What is chosen or done once for an installation, by whichever node is first."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, delete, select, update

from mailbot.store.engine import or_replace, or_skip
from mailbot.store.schema import installation


def is_done(connection: Connection, occasion: str) -> bool:
    """Check whether any node did this."""
    found = connection.scalar(select(installation.c.key).where(installation.c.key == _key(occasion)))
    return found is not None


def _key(occasion: str) -> str:
    return f"once {hashlib.sha256(occasion.encode()).hexdigest()[:27]}"


def mark_first(connection: Connection, occasion: str, now: datetime) -> bool:
    """Record that this was done. True for the first node only; the unique key decides."""
    key = _key(occasion)
    value = f"{now.isoformat()} {occasion}"
    put = or_skip(connection, installation).returning(installation.c.key)
    return connection.scalar(put, {"key": key, "value": value}) is not None


def mark_day(connection: Connection, occasion: str, day: date, now: datetime) -> bool:
    """Record that this was done for a day. True for the first node only, and for no earlier day."""
    key, value = _key(occasion), f"{day.isoformat()} {now.isoformat()} {occasion}"
    put = or_skip(connection, installation).returning(installation.c.key)
    if connection.scalar(put, {"key": key, "value": value}) is not None:
        return True
    is_earlier = installation.c.value < day.isoformat()
    changed = update(installation).where(installation.c.key == key, is_earlier).values(value=value)
    return connection.execute(changed).rowcount == 1


def remove_marks(connection: Connection, items: Sequence[str]) -> list[None]:
    """Remove marks whose key begins so, so that it can be done again."""
    done = connection.execute(select(installation.c.key, installation.c.value))
    again = [key for key, value in done if value.partition(" ")[2].startswith(tuple(items))]
    connection.execute(delete(installation).where(installation.c.key.in_(again)))
    return [None] * len(items)


BACKUP = "backup"  # set in a backup alone: when it was made


def remove_backup_mark(connection: Connection) -> datetime | None:
    """Return when this store was made as a backup, once; None for one that is none, or has begun to work."""
    mark = delete(installation).where(installation.c.key == BACKUP).returning(installation.c.value)
    made_at = connection.scalar(mark)
    return datetime.fromisoformat(made_at) if made_at else None


_MOVED = "moved"


def mark_moved(connection: Connection, place: str, now: datetime) -> None:
    """Record that the store is at `place` from now on, so that no daemon starts on this one."""
    row = {"key": _MOVED, "value": f"{now:%Y-%m-%d %H:%M} UTC {place}"}
    connection.execute(or_replace(connection, installation, "key"), row)


def moved_reason(connection: Connection) -> str:
    """Return why this store is not used any more, and what to do; "" for one in use."""
    mark = connection.scalar(select(installation.c.value).where(installation.c.key == _MOVED))
    if not mark:
        return ""
    day, time, zone, place = mark.split(" ", 3)
    return (
        f"it was moved on {day} {time} {zone} to {place}: name that one as MAILBOT_STORE or `store`.\n"
        "To use this one again, without what came since: `mailbot db reopen`"
    )


def reopen(connection: Connection, items: Sequence[None]) -> list[bool]:
    """Let a store that was moved be used again. False where it was not moved."""
    removed = connection.execute(delete(installation).where(installation.c.key == _MOVED)).rowcount
    return [removed > 0] * len(items)
