"""The policies that were in force, by version: what they were made of, since when, in outline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select, update

from mailbot.store.engine import or_skip
from mailbot.store.schema import policies


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """A policy that a node goes by from `at` on. `files` and `templates`: see `settings.Sources`."""

    version: str
    at: datetime
    outline: Mapping[str, Mapping[str, str]]  # see `core.changes.outline`
    files: Mapping[str, str]
    templates: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PolicySources:
    """What a policy was made of. A node first went by it at `first_at`, one took it last at `last_at`."""

    version: str
    first_at: datetime
    last_at: datetime
    files: Mapping[str, str]
    templates: Mapping[str, str]


def record_active(connection: Connection, items: Sequence[ActivePolicy]) -> list[None]:
    """Save the sources of each version, and record that it is in force now.

    What mailbot.yaml says of the machine is no part of the version: the newest text is kept.
    """
    for item in items:
        moments = {"first_at": item.at, "last_at": item.at}
        texts = {"outline": item.outline, "files": dict(item.files), "templates": dict(item.templates)}
        row = {"version": item.version, **moments, **texts}
        connection.execute(or_skip(connection, policies, "version"), row)
        newer = (policies.c.version == item.version, policies.c.last_at < item.at)
        connection.execute(update(policies).where(*newer).values(last_at=item.at, files=dict(item.files)))
    return [None] * len(items)


def load_sources(connection: Connection, version: str) -> PolicySources | None:
    """Load the sources of that version; None when no daemon ever used it."""
    return _load(connection, policies.c.version == version)


def load_newest(connection: Connection) -> PolicySources | None:
    """Load the policy in force: the one that a node took last. None before the first start of a daemon."""
    return _load(connection, policies.c.last_at == select(func.max(policies.c.last_at)).scalar_subquery())


@dataclass(frozen=True, slots=True)
class Version:
    """A policy that was in force, without what it was made of."""

    version: str
    first_at: datetime
    last_at: datetime


def list_versions(connection: Connection, limit: int) -> list[Version]:
    """List the policies that were in force, the one that a node took last first."""
    columns = [policies.c[name] for name in Version.__dataclass_fields__]
    rows = connection.execute(select(*columns).order_by(policies.c.last_at.desc()).limit(limit))
    return [Version(**row._mapping) for row in rows]


def load_outline(connection: Connection, version: str) -> dict[str, dict[str, str]] | None:
    """Load the outline of that version; None when no daemon ever used it."""
    return connection.scalar(select(policies.c.outline).where(policies.c.version == version))


_KEPT = tuple(policies.c[name] for name in PolicySources.__dataclass_fields__)


def _load(connection: Connection, condition: ColumnElement[bool]) -> PolicySources | None:
    row = connection.execute(select(*_KEPT).where(condition).limit(1)).one_or_none()
    return None if row is None else PolicySources(**row._mapping)
