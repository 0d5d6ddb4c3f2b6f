"""What a figure is called above the list of its tickets."""

from collections.abc import Sequence

from mailbot.domain.model import Target
from mailbot.reports.figures.api import Report
from mailbot.reports.figures.keys import Key
from mailbot.reports.render.sections import age_names, clean, limit_name, named, target_name
from mailbot.reports.render.translations import say

# The first word of a key -> its name in `translations`, where they differ.
_NAMES = {
    "answers": "answers sent",
    "cause": "Causes",
    "confirmation": "confirmation by the new owner",
    "filed": "machines' mail filed",
    "first_response": "first response",
    "judged": "Categories that the rules got wrong",
    "mark": "Satisfaction",
    "marks": "Satisfaction",
    "next_response": "next response",
    "open": "open at the end",
}
_LEDGER = ("asked", "granted", "refused")


def figure_name(report: Report, key: Key, language: str = "en") -> str:
    """Return the name of a figure with what narrows it: "Closed: Payments team"."""
    first, *rest = key
    name = say(_NAMES.get(first, first), language)
    if first in _LEDGER:
        name = f"{say('Compensation', language)}, {name}"
    narrowed = ", ".join(filter(None, _parts(report, first, rest, language)))
    name = name[:1].upper() + name[1:]
    return clean(f"{name}: {narrowed}" if narrowed else name)


def _parts(report: Report, first: str, rest: Sequence[str], language: str) -> list[str]:
    def label(kind: str, key: str) -> str:
        return named(report, kind, key, language)

    match first, rest:
        case "kept" | "missed", [target, *priority]:
            names = [label("priority", each) for each in priority]
            return [say(target_name(Target(target)), language), *names]
        case "judged", [chosen, settled]:
            return [f"{label('category', chosen)} → {label('category', settled)}"]
        case "escalated", ["rule", rule, level, how]:
            how = say("by hand" if how == "manual" else how, language)
            return [label("rule", rule), label("level", level), how]
        case "open", ["age", team, place]:
            return [label("team", team), age_names(language)[int(place)]]
        case "refused", ["by", by]:
            return [limit_name(by, language)]
        case _, [kind, key, *_]:
            return [label(kind, key) or say("none given", language)]
    return list(rest)
