"""Check the causes of routing.yaml: their categories exist, and no two of them read alike."""

from collections.abc import Iterator

from mailbot.config.checks.actions import known_categories
from mailbot.config.yaml.lookup import Files, find, texts, unknown
from mailbot.config.yaml.scalars import shown
from mailbot.config.yaml.source import Place
from mailbot.domain.closing.causes import plain
from mailbot.errors import Problem


def check(files: Files) -> Iterator[Problem]:
    """Report unknown categories, and names and labels by which an agent could mean two causes."""
    source, known = files.routing, known_categories(files)
    for place, name in texts(source.data, "causes", "*", "category"):
        if known and name not in known:
            yield source.at_value(place, *unknown("category", name, known))
    first: dict[str, Place] = {}
    for place, _ in find(source.data, "causes", "*"):
        first.setdefault(plain(str(place[-1])), place)
    for language in ("id", "en"):
        for place, text in texts(source.data, "causes", "*", language):
            before = first.setdefault(plain(text), place)
            if before[1] != place[1]:
                hint = f"the other is `{shown(before[1])}` on line {source.line_of(before)}"
                yield source.at_value(place, f"`{shown(text)}` would mean two causes", hint)
