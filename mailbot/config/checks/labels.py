"""Check what agents read instead of keys: labels of what exists, and which are missing."""

import re
from collections.abc import Iterator, Sequence

from mailbot.config.checks.actions import GENERAL, known_categories
from mailbot.config.yaml.lookup import Files, find, texts, unknown
from mailbot.config.yaml.scalars import shown
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.routing.conditions import PRIORITIES
from mailbot.errors import Problem

_LISTED = 6  # names in one warning
_OF_ALL_LANGUAGES = re.compile(r"[A-Z]{1,3}[0-9]{1,2}")  # L1: it needs no label
_EXAMPLE = "{id: Pembayaran ganda, en: Double payment}"


def check(files: Files) -> Iterator[Problem]:
    """Report labels of categories and priorities that do not exist."""
    for source, key, kind, known in (
        (files.routing, "category_labels", "category", known_categories(files)),
        (files.escalation, "priority_labels", "priority", PRIORITIES),
    ):
        for place, _ in find(source.data, key, "*"):
            if known and place[-1] not in known:
                yield source.at_key(place, *unknown(kind, place[-1], known))


def warnings(files: Files) -> Iterator[Problem]:
    """Name what agents would read as a key: one warning for each kind, at the first one's line."""
    rules = [(place, name) for place, name in texts(files.routing.data, "rules", "*", "name")]
    labelled = {place[1] for place, _ in find(files.routing.data, "rules", "*", "label")}
    hint = f"label: {_EXAMPLE}"
    yield from _missing(files.routing, "rule", [each for each in rules if each[0][1] not in labelled], hint)
    given = {place[-1] for place, _ in find(files.routing.data, "category_labels", "*")}
    yield from _missing(
        files.routing,
        "category",
        [each for each in _categories(files) if each[1] not in given | {GENERAL}],
        f"category_labels: {{payment/double: {_EXAMPLE}}}",
    )
    teams = [(place, str(place[-1])) for place, _ in find(files.teams.data, "teams", "*")]
    labelled = {place[1] for place, _ in find(files.teams.data, "teams", "*", "label")}
    yield from _missing(files.teams, "team", [each for each in teams if each[1] not in labelled], hint)
    given = {place[-1] for place, _ in find(files.teams.data, "level_labels", "*")}
    levels = [each for each in texts(files.teams.data, "levels", "*") if each[1] not in given]
    missing = [each for each in levels if not _OF_ALL_LANGUAGES.fullmatch(each[1])]
    example = next((name for _, name in missing), "")
    yield from _missing(files.teams, "level", missing, f"level_labels: {{{example}: {{id: ..., en: ...}}}}")


def _categories(files: Files) -> list[tuple[Place, str]]:
    """List the categories that rules set, each at the first rule that does."""
    found: dict[str, Place] = {}
    for place, name in texts(files.routing.data, "rules", "*", "then", "category"):
        found.setdefault(name, place)
    return [(place, name) for name, place in found.items()]


def _missing(source: Source, kind: str, named: Sequence[tuple[Place, str]], hint: str) -> Iterator[Problem]:
    if named:
        lines = [source.at_key(place, "").line for place, _ in named[:_LISTED]]
        listed = [f"`{shown(name)}` (line {line})" for line, (_, name) in zip(lines, named, strict=False)]
        more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
        message = f"agents read the key of a {kind} without a label: {', '.join(listed)}{more}"
        yield source.at_key(named[0][0], message, hint)
