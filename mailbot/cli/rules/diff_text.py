"""The changes that `rules diff` and `rules shadow` found, for people and as JSON."""

from collections.abc import Sequence
from typing import Any

import click

from mailbot.cli.shared.formats import format_short_time
from mailbot.cli.shared.json_form import to_json
from mailbot.cli.shared.output import clean, echo
from mailbot.domain.policy_review.policy_diff import CAUGHT, UNCAUGHT, Change, Move, Value, moves

tickets_option = click.option(
    "--limit",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Show so many tickets to people one by one.",
)
KIND_TEXTS = {UNCAUGHT: "  newly uncaught: only the last rule takes it", CAUGHT: "  newly caught"}


def changes_json(changes: Sequence[Change]) -> dict[str, Any]:
    """Return the changes and their groups. Of these changed, some fell to the last rule, some left it."""
    return {**_counts(changes), "moves": moves(changes), "changes": to_json(changes)}


def _counts(changes: Sequence[Change]) -> dict[str, int]:
    kinds = [change.kind for change in changes]
    return {
        "changed": len(kinds),
        "newly_uncaught": kinds.count(UNCAUGHT),
        "newly_caught": kinds.count(CAUGHT),
    }


def print_counts(changes: Sequence[Change]) -> None:
    counts = _counts(changes)
    echo(f"  changed          {counts['changed']:>8,}", **({"fg": "yellow"} if changes else {}))
    for name, label in (("newly_uncaught", "newly uncaught"), ("newly_caught", "newly caught")):
        if counts[name]:
            echo(f"    {label:<14} {counts[name]:>8,}")


def print_changes(changes: Sequence[Change], zone: str, limit: int) -> None:
    """Print the changes in groups by their rules, then the first `limit` of them one by one."""
    if not changes:
        return
    echo()
    for move in moves(changes):
        _print_move(move)
    for change in changes[:limit]:
        print_change(change, zone)
    if len(changes) > limit:
        echo(f"\n{len(changes) - limit:,} more: --limit shows them, --json has all.", dim=True)


def _print_move(move: Move) -> None:
    rules = f"{clean(move.old_rule)} -> {clean(move.new_rule)}"
    if move.old_rule == move.new_rule:
        rules = f"{clean(move.old_rule)}, as before"
    echo(f"  {move.count:>7,}  {rules}{KIND_TEXTS.get(move.kind, '')}")
    if move.names:
        echo(f"           different: {', '.join(move.names)}", dim=True)
    echo(f"           as in {', '.join(map(clean, move.examples))}", dim=True)


def print_change(change: Change, zone: str) -> None:
    """Print one change: what is different, and the conditions that decided."""
    heading = f"{clean(change.name)}  {format_short_time(change.at, zone)}{KIND_TEXTS.get(change.kind, '')}"
    echo(f"\n{heading}", bold=True)
    for difference in change.differences:
        echo(f"  {difference.name:<10} {_value(difference.old)} -> {_value(difference.new)}")
    for label in ("old", "new"):
        # Each reason once: one condition mostly decides everything.
        reasons = dict.fromkeys(getattr(difference, f"{label}_because") for difference in change.differences)
        for reason in filter(None, reasons):
            echo(f"    {label}: {clean(reason)}", dim=True)


def _value(value: Value) -> str:
    text = value if isinstance(value, str) else ", ".join(value)
    return clean(text) or "-"
