"""Complete names of the configuration in a shell: agents, teams, levels, causes, macros.

Each reads one block of one file. No rule is loaded and no store opened, because a shell waits for the answer.
"""

from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from mailbot.cli.shared.config_place import config_directory

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(names: Callable[[Path], Iterator[tuple[str, str]]]) -> Complete:
    """Return the callback for an argument. A file that can't be read completes nothing."""

    def complete(ctx: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
        try:
            found = list(names(config_directory(ctx)))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return []
        return [CompletionItem(name, help=text) for name, text in found if name.startswith(begun)]

    return complete


def _block(directory: Path, file: str, key: str) -> Any:
    """Return the value of one top-level key, reading nothing but its lines."""
    from mailbot.config.yaml import source

    lines = (directory / file).read_text(encoding="utf-8").splitlines()
    first = next((n for n, line in enumerate(lines) if line.startswith(f"{key}:")), len(lines))
    block = takewhile(lambda line: not line or line[0] in " #", lines[first + 1 :])
    read, _ = source.parse("\n".join((*lines[first : first + 1], *block)).encode(), file)
    return read.data.get(key, {}) if isinstance(read.data, dict) else {}


def _agents(directory: Path) -> Iterator[tuple[str, str]]:
    for team in _block(directory, "teams.yaml", "teams").values():
        for agent in team.get("agents", ()):
            yield agent["address"], agent.get("name", "")


def _teams(directory: Path) -> Iterator[tuple[str, str]]:
    for name in _block(directory, "teams.yaml", "teams"):
        yield name, ""


def _levels(directory: Path) -> Iterator[tuple[str, str]]:
    for name in _block(directory, "teams.yaml", "levels"):
        yield name, ""


def _causes(directory: Path) -> Iterator[tuple[str, str]]:
    for name, labels in _block(directory, "routing.yaml", "causes").items():
        yield name, labels.get("en", "") if isinstance(labels, dict) else ""


def _macros(directory: Path) -> Iterator[tuple[str, str]]:
    from mailbot.config.shipped import templates_for

    names = {path.name.split(".")[0] for path in (templates_for(directory) / "macros").glob("*.txt.j2")}
    for name in sorted(names):
        yield name, ""


complete_agent, complete_team, complete_level = map(_completing, (_agents, _teams, _levels))
complete_cause, complete_macro = map(_completing, (_causes, _macros))
