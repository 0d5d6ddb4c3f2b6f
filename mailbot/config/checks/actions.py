"""What rules may set by name: the tree of categories, details to ask for, skills, variants of a template."""

import re
from collections.abc import Collection, Iterable, Iterator

from mailbot.config.yaml.lookup import Files, find, texts
from mailbot.config.yaml.scalars import close_to, shown
from mailbot.config.yaml.source import Place
from mailbot.errors import Problem

GENERAL = "general"  # what a matter is about when no rule says so; see `core.classify`
MAX_DEPTH = 4
VARIANT = re.compile(r"[^/]+/acknowledgement\.([^./]+)\.(?:subject|txt|html)\.j2")
_DETAIL = re.compile(r"[a-z][a-z0-9_]{0,39}")


def paths(tree: object) -> tuple[str, ...]:
    """{payment: {double: , failed: }, delivery: [late, lost]} -> payment, payment/double, ... Parents first.

    Passes over what is no tree: `check` says so where it stands."""
    return tuple(dict.fromkeys(path for path, _, _ in _branches(tree)))


def _branches(tree: object, place: Place = (), above: str = "") -> Iterator[tuple[str, Place, object]]:
    """(path, its place below `categories`, what stands under it)."""
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
    """Every name that leads nowhere. `templates`: the files there are, as "id/acknowledgement.vip.txt.j2"."""
    return [
        *_tree(files),
        *_categories(files),
        *_details(files),
        *_skills(files),
        *_variants(files, templates),
    ]


def _tree(files: Files) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, place, below in _branches(_named(files, "categories")):
        where, name = ("categories", *place), path.rpartition("/")[2]
        if not name.isprintable() or name != name.strip() or "/" in str(place[-1]) or not name:
            hint = "letters on one line; what stands below it is indented under it"
            yield files.routing.at_key(where, f"`{shown(name)}` is no name of a category", hint)
        elif path in seen:
            yield files.routing.at_key(where, f"`{shown(path)}` stands above already")
        elif path.count("/") >= MAX_DEPTH:
            yield files.routing.at_key(where, f"`{shown(path)}` lies deeper than {MAX_DEPTH} levels")
        elif below is not None and not _is_tree(below):
            message = f"categories should stand below `{shown(name)}`, not `{shown(below)}`"
            yield files.routing.at_value(where, message, "names with a colon behind each, or a list of names")
        seen.add(path)


def _is_tree(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and all(isinstance(name, str) for name in value)
    )


def _categories(files: Files) -> Iterator[Problem]:
    known = paths(_named(files, "categories"))
    if not known:
        return
    for place, name in texts(files.routing.data, "rules", "*", "then", "category"):
        if name not in known:
            message = f"there is no category `{shown(name)}`"
            yield files.routing.at_value(place, message, _closest(name, known))
    earlier = False
    for place, rule in find(files.routing.data, "rules", "*"):
        then = rule.get("then") if isinstance(rule, dict) else None
        if not isinstance(rule, dict) or not isinstance(then, dict):
            continue
        if rule.get("go_on") is True:
            earlier = earlier or "category" in then
        elif "category" not in then and GENERAL not in known and not earlier:
            message = f"without a category this is `{GENERAL}`, which is not in `categories`"
            yield files.routing.at_value((*place, "then"), message, f"name one, or add `{GENERAL}`")


def _closest(name: str, known: tuple[str, ...]) -> str:
    below = [path for path in known if path.rpartition("/")[2] == name]
    return f"did you mean `{below[0]}`?" if len(below) == 1 else close_to(name, known)


def _details(files: Files) -> Iterator[Problem]:
    source, given = files.routing, _named(files, "details")
    known = tuple(map(str, given)) if isinstance(given, dict) else ()
    for name in known:
        if not _DETAIL.fullmatch(name):
            hint = "small letters, digits and _: the name of a group in a pattern, (?P<order_number>...)"
            yield source.at_key(("details", name), f"`{shown(name)}` can't be a detail's name", hint)
    for place, name in _one_or_more(files, "ask_for"):
        if name not in known:
            hint = close_to(name, known) or "`details` says what there is to ask for"
            yield source.at_value(place, f"there is no detail `{shown(name)}`", hint)


def _skills(files: Files) -> Iterator[Problem]:
    """A skill that nobody has, or nobody of the rule's own team."""
    has: dict[str, set[str]] = {}
    for place, name in texts(files.teams.data, "teams", "*", "agents", "*", "skills", "*"):
        has.setdefault(name, set()).add(str(place[1]))
    for place, name in texts(files.routing.data, "rules", "*", "then", "skill"):
        team = _team_of(files, place)
        if name not in has:
            hint = close_to(name, tuple(has)) or "give it to an agent in teams.yaml: skills: [...]"
            yield files.routing.at_value(place, f"nobody has the skill `{shown(name)}`", hint)
        elif team and team not in has[name]:
            message = f"nobody of `{shown(team)}` has the skill `{shown(name)}`"
            yield files.routing.at_value(place, message, f"somebody of {', '.join(sorted(has[name]))} has")


def _team_of(files: Files, place: Place) -> str:
    rules = files.routing.data["rules"] if isinstance(files.routing.data, dict) else {}
    team = rules[place[1]]["then"].get("team")
    return team if isinstance(team, str) else ""


def _variants(files: Files, templates: Collection[str]) -> Iterator[Problem]:
    known = tuple(sorted({found[1] for name in templates if (found := VARIANT.fullmatch(name))}))
    for place, name in texts(files.routing.data, "rules", "*", "then", "template"):
        if name not in known and templates:
            hint = close_to(name, known) or (
                f"write templates/<language>/acknowledgement.{name}.subject.j2, .txt.j2 and .html.j2"
            )
            yield files.routing.at_value(place, f"there is no template `{shown(name)}`", hint)


def _one_or_more(files: Files, key: str) -> Iterable[tuple[Place, str]]:
    """The texts under a rule's `key`, written as one text or as a list."""
    data = files.routing.data
    return [*texts(data, "rules", "*", "then", key), *texts(data, "rules", "*", "then", key, "*")]


def _named(files: Files, key: str) -> object:
    return files.routing.data.get(key) if isinstance(files.routing.data, dict) else None
