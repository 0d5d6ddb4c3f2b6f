"""What an analysis of the policy says, at its line and column in the files that the policy came from."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mailbot.analysis.lint.checks import Finding, Spot
from mailbot.config.model import Sources
from mailbot.config.yaml.lookup import texts
from mailbot.config.yaml.source import MAX_DEPTH, Place, Source, parse
from mailbot.errors import Problem


def problems(findings: Iterable[Finding], sources: Sources, directory: Path) -> list[Problem]:
    """Each finding as a problem, in the same order."""
    files: dict[str, Source] = {}
    return [_problem(each, files, sources, directory) for each in findings]


def _problem(finding: Finding, files: dict[str, Source], sources: Sources, directory: Path) -> Problem:
    name = f"{finding.spot.file}.yaml"
    if name not in files:
        files[name], _ = parse(sources.files.get(name, "").encode(), str(directory / name))
    return files[name].at_value(_place(files[name].data, finding.spot), finding.message, finding.hint)


def _place(data: object, spot: Spot) -> Place:
    """Of a text that is meant the first place below the path, else the path."""
    if not spot.item:
        return spot.path
    return next((place for place, text in _below(data, spot.path) if text == spot.item), spot.path)


def _below(data: Any, path: Place) -> Iterator[tuple[Place, str]]:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return
    for depth in range(MAX_DEPTH):
        for place, text in texts(data, *"*" * depth):
            yield (*path, *place), text
