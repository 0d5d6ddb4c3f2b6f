"""Find values that only the text or only the HTML of a mail uses: its readers would know different facts."""

from collections.abc import Iterator
from pathlib import Path

import jinja2
from jinja2 import nodes

from mailbot.errors import Problem
from mailbot.mail.compose.template_sandbox import new_environment
from mailbot.mail.compose.template_values import LANGUAGES

# They place and colour what is shown, and hold no fact of their own.
# `buttons` do by a tap what the text says in words.
_OF_THE_LOOK = frozenset({"preheader", "state", "again", "link", "buttons"})
_FORMS = ("_short", "_left", "_day")  # of a moment: any of them tells it


def find_differences(directory: Path) -> Iterator[Problem]:
    """Yield a remark at each value that the other form of the mail lacks. The templates have been loaded."""
    environment = new_environment()
    for language in LANGUAGES:
        for html in sorted((directory / language).glob("[!.]*.html.j2")):
            text = html.with_name(html.name.replace(".html.j2", ".txt.j2"))
            shown = {path: _used(environment, path) for path in (text, html)}
            for path, other in ((text, html), (html, text)):
                for value in sorted(shown[path].keys() - shown[other].keys()):
                    yield _remark(path, other, value, shown[path][value])


def _used(environment: jinja2.Environment, path: Path) -> dict[str, int]:
    """Return the values that a template prints, loops over or asks for, each with its first line."""
    tree = environment.parse(path.read_text("utf-8"))
    loops = {
        loop.target.name: loop.iter.name
        for loop in tree.find_all(nodes.For)
        if isinstance(loop.target, nodes.Name) and isinstance(loop.iter, nodes.Name)
    }
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"} | {"loop"}
    used: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name not in own | _OF_THE_LOOK:
            used.setdefault(_moment(name.name), name.lineno)
    for part in tree.find_all(nodes.Getattr):
        if part.attr in _OF_THE_LOOK:
            continue
        if isinstance(part.node, nodes.Name) and loops.get(part.node.name, "buttons") not in _OF_THE_LOOK:
            used.setdefault(f"{loops[part.node.name]}: {part.attr}", part.lineno)
    return used


def _moment(name: str) -> str:
    for form in _FORMS:
        name = name.removesuffix(form)
    return name


def _remark(path: Path, other: Path, value: str, line: int) -> Problem:
    source = path.read_text("utf-8").splitlines()[line - 1]
    column = source.find(value.rpartition(" ")[2]) + 1
    return Problem(
        str(path),
        line,
        max(column, 1),
        f"{other.name} has no {value!r}",
        "text and HTML should hold the same facts: some mail programs show only one of them",
        source[:200],
    )
