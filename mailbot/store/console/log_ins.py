"""Log-ins under way: a mailed link, or a provider's answer that is awaited. Each is used once."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update

from mailbot.store.schema import log_ins

LASTS = timedelta(minutes=10)
ANY_BROWSER = ""  # for a link that the shell made


@dataclass(frozen=True, slots=True)
class LogIn:
    """A row. `digest`: of the link's key, or the provider's state. `browser`: digest of what the asking one keeps.

    `data`: where a link leads, or what the provider's answer is checked by.
    """

    digest: str
    browser: str
    address: str
    data: str
    ends_at: datetime
    used_at: datetime | None = None

    def is_for(self, browser: str) -> bool:
        """Check whether this browser may use it."""
        return self.browser in (ANY_BROWSER, browser)


def add(connection: Connection, items: Sequence[LogIn]) -> list[None]:
    """Add log-ins: a write operation of the store."""
    connection.execute(insert(log_ins), [asdict(item) for item in items])
    return [None] * len(items)


def find(connection: Connection, digest: str) -> LogIn | None:
    """Return the log-in with this digest, used or over as it may be."""
    row = connection.execute(select(log_ins).where(log_ins.c.digest == digest)).one_or_none()
    return LogIn(**row._mapping) if row else None


def use(connection: Connection, digest: str, browser: str, now: datetime) -> LogIn | None:
    """Use a log-in, and return it. None where it is used, over, unknown or another browser's.

    One statement decides: of two requests at the same time one finds it unused.
    """
    fresh = (log_ins.c.used_at.is_(None), log_ins.c.ends_at > now)
    fits = or_(log_ins.c.browser == ANY_BROWSER, log_ins.c.browser == browser)
    found = connection.execute(
        update(log_ins).where(log_ins.c.digest == digest, fits, *fresh).values(used_at=now)
    )
    return find(connection, digest) if found.rowcount else None


def remove_expired(connection: Connection, now: datetime) -> int:
    """Remove log-ins that are over. Used ones stay until then, so that their page can explain it."""
    return connection.execute(delete(log_ins).where(log_ins.c.ends_at <= now)).rowcount
