"""The changes that `rules diff` and `rules shadow` found, for people and as JSON."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from mailbot.cli.shared.output import clean, echo, echo_wrapped
from mailbot.domain import labels
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review.change_groups import Group, group_changes
from mailbot.domain.policy_review.policy_diff import CAUGHT, UNCAUGHT, Change, Value, moves
from mailbot.domain.routing.pattern_text import shorten_patterns
from mailbot.views.formats import count_text, format_short_time
from mailbot.views.json_form import to_json

GROUPS = 20  # that are shown without --all
CONDITIONS = 3  # of one group
SUBJECT = 60  # characters
KIND_TEXTS = {UNCAUGHT: "no rule but the last takes them now", CAUGHT: "a rule takes them now"}
COUNTS = (
    ("newly_uncaught", "fall to the last rule now"),
    ("newly_caught", "no longer fall to the last rule"),
)
NO_SUBJECTS: Mapping[str, str] = {}


def tickets_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that show tickets one by one."""
    limit = click.option(
        "--limit",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Show so many tickets to people one by one.",
    )
    return limit(
        click.option("--all", "everything", is_flag=True, help="Show every group and every ticket.")(command)
    )


def changes_json(changes: Sequence[Change]) -> dict[str, Any]:
    """Return the changes and their groups. Of these changed, some fell to the last rule, some left it."""
    return {
        **_counts(changes),
        "moves": moves(changes),
        "groups": group_changes(changes),
        "changes": to_json(changes),
    }


def _counts(changes: Sequence[Change]) -> dict[str, int]:
    kinds = [change.kind for change in changes]
    return {
        "changed": len(kinds),
        "newly_uncaught": kinds.count(UNCAUGHT),
        "newly_caught": kinds.count(CAUGHT),
    }


def print_counts(changes: Sequence[Change], total: int) -> None:
    counts = _counts(changes)
    parts = [f"{counts[name]:,} {text}" for name, text in COUNTS if counts[name]]
    echo(f"{counts['changed']:,} of {count_text(total, 'mail')} change{':' if parts else '.'}", bold=True)
    for part in parts:
        echo(f"  {part}")


def print_changes(
    changes: Sequence[Change],
    policy: Policy,
    zone: str,
    shown: int | None,
    subjects: Mapping[str, str] = NO_SUBJECTS,
) -> None:
    """Print the changes in groups of like mails, then the first `shown` of them one by one; None: all."""
    groups = group_changes(changes)
    for group in groups if shown is None else groups[:GROUPS]:
        _print_group(group, policy, subjects)
    if shown is not None and len(groups) > GROUPS:
        echo(f"\n{len(groups) - GROUPS:,} more groups: --all shows them.")
    for change in changes[:shown]:
        print_change(change, zone, subjects)
    if shown is not None and len(changes) > shown:
        echo("\n--all shows each mail with the conditions that decided.")


def _print_group(group: Group, policy: Policy, subjects: Mapping[str, str]) -> None:
    rules = f'"{clean(group.old_rule)}"'
    if group.old_rule != group.new_rule:
        rules += f' -> "{clean(group.new_rule)}"'
    echo()
    echo_wrapped(f"{count_text(group.count, 'mail')}, rule {rules}", bold=True)
    if group.kind in KIND_TEXTS:
        echo(f"  {KIND_TEXTS[group.kind]}")
    for each in group.placed:
        echo_wrapped(
            f"  {each.name:<9} {_named(policy, each.name, each.old)} -> {_named(policy, each.name, each.new)}",
            10,
        )
    if group.also:
        echo_wrapped(f"  {'also':<9} {', '.join(group.also)}", 10)
    if group.because:
        echo_wrapped(f"  {'because':<9} {_because_text(group)}", 10)
    for name in group.examples:
        echo_wrapped(f"  {'such as':<9} {_mail_text(name, subjects)}", 10)


def _named(policy: Policy, name: str, value: Value) -> str:
    """Return the label of a team, level, category or priority; a ladder has none."""
    if name == "ladder" or not isinstance(value, str) or not value:
        return _value(value)
    return clean(labels.label(policy, name, value, "en"))


def _because_text(group: Group) -> str:
    shown = [
        f"{clean(text)}{f' ({count:,})' if count != group.count else ''}" for text, count in group.because
    ]
    more = len(shown) - CONDITIONS
    return ", ".join(shown[:CONDITIONS]) + (f", {more:,} other conditions" if more > 0 else "")


def _mail_text(name: str, subjects: Mapping[str, str]) -> str:
    subject = clean(subjects.get(name, ""), SUBJECT)
    return f'{clean(name)}  "{subject}"' if subject else clean(name)


def print_change(change: Change, zone: str, subjects: Mapping[str, str] = NO_SUBJECTS) -> None:
    """Print one change: what is different, and the conditions that decided."""
    echo()
    echo_wrapped(f"{_mail_text(change.name, subjects)}  {format_short_time(change.at, zone)}", bold=True)
    if change.kind in KIND_TEXTS:
        echo(f"  {KIND_TEXTS[change.kind]}")
    for difference in change.differences:
        echo_wrapped(f"  {difference.name:<10} {_value(difference.old)} -> {_value(difference.new)}", 11)
    for label in ("old", "new"):
        # Each reason once: one condition mostly decides everything.
        reasons = dict.fromkeys(getattr(difference, f"{label}_because") for difference in change.differences)
        for reason in filter(None, reasons):
            echo_wrapped(f"    {label}: {clean(shorten_patterns(reason))}", 5)


def _value(value: Value) -> str:
    text = value if isinstance(value, str) else ", ".join(value)
    return clean(text) or "-"
