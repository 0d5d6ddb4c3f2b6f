"""Insert items into a list of a YAML file as text: comments and format stay as they are."""

import re
from collections.abc import Sequence

from mailbot.config.yaml.source import Source, parse

_DASH = re.compile(r" *(?=- +)")


def insert_items(text: str, key: str, items: Sequence[Sequence[str]], heading: str) -> str:
    """Put the items, each as lines without indentation, on top of the list `key` of the file.

    They come below the comment `heading`, which is written once. A missing list is added at the end of the file.
    Raises ValueError where the file is no YAML, or where the list is written in brackets.
    """
    source, problems = parse(text.encode(), "")
    if problems or not isinstance(source.data, dict):
        raise ValueError("the file can't be read as YAML")
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines()
    if key not in source.data:
        lines += ["", f"{key}:"]
    indent, at = _place(source, key, lines)
    title = f"{indent}# {heading}"
    if title in lines[at:]:
        at = lines.index(title, at) + 1
        new = []
    else:
        new = [title]
    for first, *others in items:
        new += ["", f"{indent}- {first}", *(f"{indent}  {line}" for line in others)]
    if at < len(lines) and lines[at].strip():
        new.append("")
    return end.join([*lines[:at], *new, *lines[at:], ""])


def _place(source: Source, key: str, lines: Sequence[str]) -> tuple[str, int]:
    """Return the indentation of the list's dashes, and the index of the line after its key."""
    assert isinstance(source.data, dict)
    if key not in source.data:
        return "  ", len(lines)
    at = source.keys[(key,)][0]
    if source.data[key] is None:
        return "  ", at
    line = source.values.get((key, 0), (at, 0))[0]
    dash = _DASH.match(lines[line - 1])
    if line == at or dash is None:
        raise ValueError(f"`{key}:` is written in brackets: write its items as lines that begin with `- `")
    return dash[0], at
