"""List what differs between the files of two policies, beyond the parts that an outline names."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mailbot.config.model import Sources
from mailbot.config.shipped import FILES
from mailbot.config.yaml import source

MACHINE = FILES[0]  # mailbot.yaml
# Keys whose changes an outline names one by one, with the word by which it does; "" for its nameless parts.
_NAMED = {
    "mailboxes": "mailbox",
    "teams": "team",
    "rules": "rule",
    "ladders": "ladder",
    "calendars": "calendar",
    "priorities": "priority",
    "causes": "cause",
    "levels": "levels",
    "authority": "limits of compensation",
    "answers": "limits of automatic answers",
}
_AT_ONCE = frozenset(
    {"mailboxes", "answers", "public_url", "forms", "shadow"}
)  # of mailbot.yaml; the rest is read at a start


def compare_sources(old: Sources, new: Sources, named: Collection[str]) -> list[str]:
    """List "template id/status.txt.j2 changed", "routing.yaml: tests changed", "teams.yaml: only comments changed".

    `named` are the changes that are listed already, from the outlines.
    """
    return [*_files(old.files, new.files, named), *_templates(old.templates, new.templates)]


def _files(old: Mapping[str, str], new: Mapping[str, str], named: Collection[str]) -> Iterator[str]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if name not in FILES:
            yield f"list {name} {_done(before, after)}"
            continue
        keys = _changed_keys(before or "", after or "")
        if not keys:
            yield f"{name}: only comments or layout changed"
        later = [key for key in keys if name == MACHINE and key not in _AT_ONCE]
        at_once = [key for key in keys if key not in later and not _is_named(key, named)]
        if wording := [key for key in at_once if key in _NAMED]:
            yield f"{name}: only the wording of {', '.join(wording)} changed"
        if others := [key for key in at_once if key not in _NAMED]:
            yield f"{name}: {', '.join(others)} changed"
        if later:
            yield f"{name}: {', '.join(later)} changed, in force from the next start on"


def _changed_keys(old: str, new: str) -> list[str]:
    before, after = _data(old), _data(new)
    return [key for key in dict.fromkeys((*before, *after)) if before.get(key) != after.get(key)]


def _data(text: str) -> dict[str, Any]:
    found, _ = source.parse(text.encode(), "")
    return found.data if isinstance(found.data, dict) else {}


def _is_named(key: str, named: Collection[str]) -> bool:
    word = _NAMED.get(key)
    return word is not None and any(each.startswith(word) for each in named)


def _templates(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield f"template {name} {_done(old.get(name), new.get(name))}"


def _done(before: str | None, after: str | None) -> str:
    return "added" if before is None else "removed" if after is None else "changed"
