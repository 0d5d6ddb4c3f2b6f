"""List what differs between two policies by name, for the admin who has just reloaded."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

from mailbot.domain.policy import Policy

Outline = Mapping[str, Mapping[str, str]]  # kind -> name -> digest of its content


def outline(policy: Policy) -> dict[str, dict[str, str]]:
    """Build the digests of a policy's parts: they show later that a part changed, not what it was."""
    named: Mapping[str, Mapping[str, object]] = {
        "mailbox": policy.mailboxes,
        "team": policy.teams,
        # The line of a rule in the file does not count, the order of the rules does.
        "rule": {rule.name: replace(rule, line=0) for rule in policy.rules},
        "ladder": policy.ladders,
        "calendar": policy.calendars,
        "priority": policy.ladder_of,
        "cause": policy.causes,
        "": {
            "order of the rules": [rule.name for rule in policy.rules],
            "levels": policy.levels,
            "limits of compensation": policy.authority,
            "limits of automatic answers": (policy.answers, sorted(policy.shared_domains)),
        },
    }
    return {kind: {name: _digest(value) for name, value in each.items()} for kind, each in named.items()}


def _digest(value: object) -> str:
    return hashlib.sha256(_text(value).encode("utf-8", "replace")).hexdigest()[:16]


def _text(value: object) -> str:
    """Return `repr`, with sets in order: theirs is another in each process."""
    if isinstance(value, frozenset | set):
        return f"{{{', '.join(sorted(map(_text, value)))}}}"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_text, value))})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key)}: {_text(each)}' for key, each in value.items())}}}"
    if is_dataclass(value) and not isinstance(value, type):
        shown = (f"{each.name}={_text(getattr(value, each.name))}" for each in fields(value) if each.repr)
        return f"{type(value).__name__}({', '.join(shown)})"
    return repr(value)


def compare_outlines(old: Outline, new: Outline) -> list[str]:
    """List "rule 'refund' changed", "team 'legal' added", ... in the order of the kinds."""
    changes = []
    for kind in dict.fromkeys((*old, *new)):
        before, after = old.get(kind, {}), new.get(kind, {})
        for name in dict.fromkeys((*before, *after)):
            if before.get(name) == after.get(name):
                continue
            what = f"{kind} {name!r}" if kind else name
            done = "changed" if name in before and name in after else "added" if name in after else "removed"
            changes.append(f"{what} {done}")
    rules = {name for outlined in (old, new) for name in outlined.get("rule", {})}
    moved = not any(f"rule {name!r} {done}" in changes for name in rules for done in ("added", "removed"))
    return [each for each in changes if moved or not each.startswith("order of the rules")]
