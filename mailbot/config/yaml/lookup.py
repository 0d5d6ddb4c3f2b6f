"""Look things up in the data of the four files before their shapes are checked.

Data of another shape than the one looked for is no match, never an error: no fault hides another.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mailbot.config.yaml.scalars import shown, suggest
from mailbot.config.yaml.source import Place, Source
from mailbot.errors import Problem


@dataclass(frozen=True, slots=True)
class Files:
    """The four files, and the texts of the readable `lists` files by their names in routing.yaml."""

    mailbot: Source
    teams: Source
    routing: Source
    escalation: Source
    list_files: Mapping[str, str] = field(default_factory=dict)

    @property
    def four(self) -> tuple[Source, ...]:
        return self.mailbot, self.teams, self.routing, self.escalation


def find(data: object, *pattern: str) -> Iterator[tuple[Place, object]]:
    """Find all values at the pattern, with their places; "*" is any key or index."""
    if not pattern:
        yield (), data
        return
    head, *rest = pattern
    for key, value in _children(data):
        if head in ("*", key):
            for place, found in find(value, *rest):
                yield (key, *place), found


def texts(data: object, *pattern: str) -> Iterator[tuple[Place, str]]:
    """Find the texts at the pattern, as `find` does."""
    return ((place, value) for place, value in find(data, *pattern) if isinstance(value, str))


def names(files: Files, kind: str) -> tuple[str, ...] | None:
    """List the teams, levels, calendars or ladders that exist; None when their file is unreadable."""
    file, pattern = {
        "team": (files.teams, ("teams", "*")),
        "level": (files.teams, ("levels", "*")),
        "calendar": (files.escalation, ("calendars", "*")),
        "ladder": (files.escalation, ("ladders", "*")),
    }[kind]
    if not isinstance(file.data, dict) or not isinstance(file.data.get(pattern[0]), dict | list):
        return None
    found = find(file.data, *pattern)
    return tuple(str(value if kind == "level" else place[-1]) for place, value in found)


def unknown(kind: str, name: object, known: Iterable[str]) -> tuple[str, str]:
    """Return message and hint for a name that does not exist."""
    return f"there is no {kind} `{shown(name)}`", suggest(str(name), tuple(known))


def duplicates(source: Source, what: str, *pattern: str) -> Iterator[Problem]:
    """Report each text at the pattern that occurred before, in any case; `what` completes the message."""
    first: dict[str, Place] = {}
    for place, text in texts(source.data, *pattern):
        before = first.setdefault(text.strip().casefold(), place)
        if before != place:
            hint = f"the first is on line {source.line_of(before)}"
            yield source.at_value(place, f"`{shown(text)}` {what}", hint)


def names_of_people(files: Files) -> tuple[str, ...]:
    """List what `notify` may name besides addresses: teams and agents, as they are written."""
    agents = (name for _, name in texts(files.teams.data, "teams", "*", "agents", "*", "name"))
    return (*(names(files, "team") or ()), *agents)


def notifiable(files: Files) -> dict[str, tuple[str, ...] | None] | None:
    """Return addresses by case-folded name of an agent or a team; None for a name that two agents share."""
    if names(files, "team") is None:
        return None
    found: dict[str, tuple[str, ...] | None] = {}
    for _, agent in find(files.teams.data, "teams", "*", "agents", "*"):
        if isinstance(agent, dict):
            name = str(agent.get("name")).strip().casefold()
            found[name] = None if name in found else (str(agent.get("address")).strip().lower(),)
    for place, team in find(files.teams.data, "teams", "*"):
        members = tuple(address.strip().lower() for _, address in texts(team, "agents", "*", "address"))
        found[str(place[-1]).casefold()] = members
    return found


def mailbox_addresses(files: Files) -> tuple[str, ...]:
    """List the addresses of our mailboxes in lower case."""
    found = texts(files.mailbot.data, "mailboxes", "*", "address")
    return tuple(address.strip().lower() for _, address in found)


def without_tag(address: str) -> str:
    """Return an address in lower case and without its +tag."""
    local, _, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _children(data: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(data, dict):
        return data.items()
    return enumerate(data) if isinstance(data, list) else ()
