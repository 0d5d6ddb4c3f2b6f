"""Gives each finding of the policy analysis its line and column in the files of the policy."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mailbot.analysis.lint.checks import Finding, Spot
from mailbot.config.model import Sources
from mailbot.config.yaml.lookup import texts
from mailbot.config.yaml.source import MAX_DEPTH, Place, Source, parse
from mailbot.errors import Problem


def locate(findings: Iterable[Finding], sources: Sources, directory: Path) -> list[Problem]:
    """Return each finding as a problem, in the same order."""
    files: dict[str, Source] = {}
    return [_problem(finding, files, sources, directory) for finding in findings]


def _problem(finding: Finding, files: dict[str, Source], sources: Sources, directory: Path) -> Problem:
    name = f"{finding.spot.file}.yaml"
    if name not in files:
        files[name], _ = parse(sources.files.get(name, "").encode(), str(directory / name))
    return files[name].at_value(_place(files[name].data, finding.spot), finding.message, finding.hint)


def _place(data: object, spot: Spot) -> Place:
    """Return the first place below the path of the text that is meant, else the path."""
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
