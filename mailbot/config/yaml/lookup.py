"""The four files' data as it was read, before anybody has checked its shape: looking things up in it.

What has another shape than the one looked for is no match, never an error: no fault hides another.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mailbot.config.yaml.source import Place, Source


@dataclass(frozen=True, slots=True)
class Files:
    """`beside`: texts of the other files that routing.yaml names under `lists`, by the name written there;
    one that can't be read is missing."""

    mailbot: Source
    teams: Source
    routing: Source
    escalation: Source
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def four(self) -> tuple[Source, ...]:
        return self.mailbot, self.teams, self.routing, self.escalation


def find(data: object, *pattern: str) -> Iterator[tuple[Place, object]]:
    """All values at the pattern, with their places; "*" is any key or index."""
    if not pattern:
        yield (), data
        return
    head, *rest = pattern
    for key, value in _children(data):
        if head in ("*", key):
            for place, found in find(value, *rest):
                yield (key, *place), found


def texts(data: object, *pattern: str) -> Iterator[tuple[Place, str]]:
    return ((place, value) for place, value in find(data, *pattern) if isinstance(value, str))


def names(files: Files, kind: str) -> tuple[str, ...] | None:
    """The teams, levels, calendars or ladders there are; None when their file can't say."""
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


def names_of_people(files: Files) -> tuple[str, ...]:
    """The names that `notify` can hold, agents and teams, as they are written."""
    agents = (name for _, name in texts(files.teams.data, "teams", "*", "agents", "*", "name"))
    return (*(names(files, "team") or ()), *agents)


def notifiable(files: Files) -> dict[str, tuple[str, ...] | None] | None:
    """Addresses by casefolded name of an agent or a team; None for a name that two agents share."""
    if names(files, "team") is None:
        return None
    found: dict[str, tuple[str, ...] | None] = {}
    for _, agent in find(files.teams.data, "teams", "*", "agents", "*"):
        if isinstance(agent, dict):
            name, address = (
                str(agent.get("name")).strip().casefold(),
                str(agent.get("address")).strip().lower(),
            )
            found[name] = None if name in found else (address,)
    for place, team in find(files.teams.data, "teams", "*"):
        members = tuple(address.strip().lower() for _, address in texts(team, "agents", "*", "address"))
        found[str(place[-1]).casefold()] = members
    return found


def _children(data: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(data, dict):
        return data.items()
    return enumerate(data) if isinstance(data, list) else ()
