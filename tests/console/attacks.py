"""What attacks on the console share: every route of the application, found by walking it, and who tries them."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from mailbot.console.guards import SAFE, Audience
from mailbot.store.schema import metadata, sessions
from tests.builders import RINA, SARI
from tests.console.office import Office

ADMIN = "ops@tim.example"  # an admin who is no agent
STRANGER = "left@tim.example"  # logged in once, not in the policy any more
PEOPLE = {"nobody": "", "agent": RINA.address, "manager": SARI.address, "admin": ADMIN, "stranger": STRANGER}
# Whom each audience lets in.
MAY = {
    Audience.STAFF: {"agent", "manager", "admin"},
    Audience.AGENTS: {"agent", "manager"},
    Audience.MANAGERS: {"manager", "admin"},
    Audience.ADMINS: {"admin"},
}


@dataclass(frozen=True)
class Target:
    """A route with a method. `path` still has its parameters in braces."""

    method: str
    path: str
    audience: Audience

    def filled(self, **values: object) -> str:
        """Return the path with these parameters, 1 for those not named."""
        parts = self.path.split("{")
        names = [part.partition("}") for part in parts[1:]]
        return parts[0] + "".join(
            str(values.get(name.partition(":")[0], 1)) + rest for name, _, rest in names
        )

    @property
    def parameters(self) -> set[str]:
        return {part.partition("}")[0].partition(":")[0] for part in self.path.split("{")[1:]}


def targets(app: ASGIApp) -> Iterator[Target]:
    """Walk the application. What is no route of a guard is the folder of files that everybody may read."""
    for route in app.routes:  # type: ignore[attr-defined]
        if isinstance(route, Mount):
            assert route.path == "/static"
            continue
        assert isinstance(route, Route), route
        for method in sorted((route.methods or set()) - {"HEAD"}):
            yield Target(method, route.path, route.endpoint.audience)  # type: ignore[attr-defined]


def changing(app: ASGIApp) -> list[Target]:
    """Return the targets that change something."""
    return [target for target in targets(app) if target.method not in SAFE]


def contents(office: Office) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of the store, but for when sessions were seen."""

    def read(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
        tables = (table for table in metadata.sorted_tables if table is not sessions)
        rows = {table.name: [tuple(row) for row in connection.execute(select(table))] for table in tables}
        return rows | {"sessions": [tuple(row) for row in connection.execute(select(sessions.c.digest))]}

    return office.store.read_now(read)
