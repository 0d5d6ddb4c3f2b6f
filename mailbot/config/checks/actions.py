"""Check what rules may set by name: categories, details to ask for, skills, variants of a template."""

import re
from collections.abc import Collection, Iterator

from mailbot.config.yaml.lookup import Files, find, texts
from mailbot.config.yaml.scalars import shown, suggest
from mailbot.config.yaml.source import Place
from mailbot.errors import Problem

GENERAL = "general"  # the category when no rule sets one; see `domain.classify`
MAX_DEPTH = 4
VARIANT = re.compile(r"[^/]+/acknowledgement\.([^./]+)\.(?:subject|txt|html)\.j2")
_DETAIL = re.compile(r"[a-z][a-z0-9_]{0,39}")


def paths(tree: object) -> tuple[str, ...]:
    """Return {payment: {double: , failed: }, delivery: [late]} as payment, payment/double, ...

    Parents come first. Skips what is no tree: `check` reports it with its place.
    """
    return tuple(dict.fromkeys(path for path, _, _ in _branches(tree)))


def known_categories(files: Files) -> tuple[str, ...]:
    """List the categories that a ticket can have, with all their parents; () when routing.yaml is unreadable.

    Without a tree these are the categories of the rules.
    """
    data = files.routing.data
    if not isinstance(data, dict):
        return ()
    given = paths(data.get("categories")) or [
        *(category for _, category in texts(data, "rules", "*", "then", "category")),
        GENERAL,
    ]
    parts = (category.split("/") for category in given)
    return tuple(dict.fromkeys("/".join(names[:n]) for names in parts for n in range(1, len(names) + 1)))


def _branches(tree: object, place: Place = (), above: str = "") -> Iterator[tuple[str, Place, object]]:
    """List (path, its place below `categories`, what is under it)."""
    for key, name, below in _children(tree):
        path = f"{above}/{name}" if above else name
        yield path, (*place, key), below
        yield from _branches(below, (*place, key), path)


def _children(tree: object) -> Iterator[tuple[str | int, str, object]]:
    if isinstance(tree, dict):
        yield from ((key, str(key), below) for key, below in tree.items())
    elif isinstance(tree, list):
        yield from ((index, name, None) for index, name in enumerate(tree) if isinstance(name, str))


def check(files: Files, templates: Collection[str]) -> list[Problem]:
    """List unknown names. `templates` are the existing files, as "id/acknowledgement.vip.txt.j2"."""
    return [
        *_tree(files),
        *_categories(files),
        *_details(files),
        *_skills(files),
        *_variants(files, templates),
    ]


def _tree(files: Files) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, place, below in _branches(_section(files, "categories")):
        where, name = ("categories", *place), path.rpartition("/")[2]
        if not name.isprintable() or name != name.strip() or "/" in str(place[-1]) or not name:
            hint = "letters on one line; categories below it are indented under it"
            yield files.routing.at_key(where, f"`{shown(name)}` is not a name of a category", hint)
        elif path in seen:
            yield files.routing.at_key(where, f"`{shown(path)}` is already above")
        elif path.count("/") >= MAX_DEPTH:
            yield files.routing.at_key(where, f"`{shown(path)}` is deeper than {MAX_DEPTH} levels")
        elif below is not None and not _is_tree(below):
            message = f"categories are needed below `{shown(name)}`, not `{shown(below)}`"
            yield files.routing.at_value(where, message, "names with a colon behind each, or a list of names")
        seen.add(path)


def _is_tree(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and all(isinstance(name, str) for name in value)
    )


def _categories(files: Files) -> Iterator[Problem]:
    known = paths(_section(files, "categories"))
    if not known:
        return
    for place, name in texts(files.routing.data, "rules", "*", "then", "category"):
        if name not in known:
            below = [path for path in known if path.rpartition("/")[2] == name]
            hint = f"did you mean `{below[0]}`?" if len(below) == 1 else suggest(name, known)
            yield files.routing.at_value(place, f"there is no category `{shown(name)}`", hint)
    set_earlier = False
    for place, rule in find(files.routing.data, "rules", "*"):
        then = rule.get("then") if isinstance(rule, dict) else None
        if not isinstance(rule, dict) or not isinstance(then, dict):
            continue
        if rule.get("go_on") is True:
            set_earlier = set_earlier or "category" in then
        elif "category" not in then and GENERAL not in known and not set_earlier:
            message = f"without a category this is `{GENERAL}`, which is not in `categories`"
            yield files.routing.at_value((*place, "then"), message, f"name one, or add `{GENERAL}`")


def _details(files: Files) -> Iterator[Problem]:
    source, details = files.routing, _section(files, "details")
    known = tuple(map(str, details)) if isinstance(details, dict) else ()
    for name in known:
        if not _DETAIL.fullmatch(name):
            hint = "small letters, digits and _: the name of a group in a pattern, (?P<order_number>...)"
            yield source.at_key(("details", name), f"`{shown(name)}` is not a detail's name", hint)
    pattern = ("rules", "*", "then", "ask_for")
    for place, name in (*texts(source.data, *pattern), *texts(source.data, *pattern, "*")):
        if name not in known:
            hint = suggest(name, known) or "`details` says what there is to ask for"
            yield source.at_value(place, f"there is no detail `{shown(name)}`", hint)


def _skills(files: Files) -> Iterator[Problem]:
    """Report a skill that no agent has, or no agent of the rule's own team."""
    teams: dict[str, set[str]] = {}
    for place, name in texts(files.teams.data, "teams", "*", "agents", "*", "skills", "*"):
        teams.setdefault(name, set()).add(str(place[1]))
    teams_of_rules = {
        place[1]: team for place, team in texts(files.routing.data, "rules", "*", "then", "team")
    }
    for place, name in texts(files.routing.data, "rules", "*", "then", "skill"):
        team = teams_of_rules.get(place[1], "")
        if name not in teams:
            hint = suggest(name, tuple(teams)) or "give it to an agent in teams.yaml: skills: [...]"
            yield files.routing.at_value(place, f"nobody has the skill `{shown(name)}`", hint)
        elif team and team not in teams[name]:
            message = f"nobody of `{shown(team)}` has the skill `{shown(name)}`"
            yield files.routing.at_value(place, message, f"somebody of {', '.join(sorted(teams[name]))} has")


def _variants(files: Files, templates: Collection[str]) -> Iterator[Problem]:
    known = tuple(sorted({found[1] for name in templates if (found := VARIANT.fullmatch(name))}))
    for place, name in texts(files.routing.data, "rules", "*", "then", "template"):
        if name not in known and templates:
            written = f"write templates/<language>/acknowledgement.{name}.subject.j2, .txt.j2 and .html.j2"
            hint = suggest(name, known) or written
            yield files.routing.at_value(place, f"there is no template `{shown(name)}`", hint)


def _section(files: Files, key: str) -> object:
    return files.routing.data.get(key) if isinstance(files.routing.data, dict) else None
