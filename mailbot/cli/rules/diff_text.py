"""How `rules diff` and `rules shadow` tell what goes another way: for people, and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from mailbot.analysis.replay import Replayed
from mailbot.cli.shared.output import clean, echo, format_short_time, print_json, print_title
from mailbot.domain.policy_diff import CAUGHT, UNCAUGHT, Change, Move, Value, moves

limit_option = click.option(
    "--limit",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Tickets shown to people one by one.",
)
_SAID = {UNCAUGHT: "newly uncaught: no rule but the last takes it", CAUGHT: "newly caught"}


@dataclass(frozen=True, slots=True)
class Told:
    """All there is to say. `missing`: split-off tickets, mail that is gone, files that can't be read."""

    old: str
    old_version: str
    new: str
    new_version: str
    found: Replayed
    missing: int
    most: str
    exceeded: bool


def as_shape(told: Told) -> None:
    found = told.found
    print_json(
        {
            "old": {"named": told.old, "version": told.old_version or None},
            "new": {"named": told.new, "version": told.new_version or None},
            "mails": found.total,
            "unchanged": found.same,
            **counts(found.changes),
            "not_replayed": told.missing,
            "max_changed": told.most,
            "exceeded": told.exceeded,
            "moves": moves(found.changes),
            "changes": found.changes,
            "drifted": found.drifted,
        }
    )


def counts(changes: Sequence[Change]) -> dict[str, int]:
    """How many changed in any way, and how many of them fell to the last rule, or left it."""
    kinds = [change.kind for change in changes]
    return {
        "changed": len(kinds),
        "newly_uncaught": kinds.count(UNCAUGHT),
        "newly_caught": kinds.count(CAUGHT),
    }


def show(told: Told, zone: str, limit: int) -> None:
    found = told.found
    print_title(f"{_named(told.old, told.old_version)} -> {_named(told.new, told.new_version)}")
    echo(f"  mails            {found.total:>8,}")
    echo(f"  unchanged        {found.same:>8,}")
    tell_counts(found.changes)
    if told.missing:
        why = "split off by hand, or the mail is gone or can't be read"
        echo(f"  not replayed     {told.missing:>8,}  ({why})", dim=True)
    tell_changes(found.changes, zone, limit)
    _tell_drift(found.drifted, zone)
    if told.exceeded:
        echo(f"\nMore mails go another way than --max-changed {told.most} allows.", fg="red")


def tell_counts(changes: Sequence[Change]) -> None:
    counted = counts(changes)
    echo(f"  changed          {counted['changed']:>8,}", **({"fg": "yellow"} if changes else {}))
    for name, words in (("newly_uncaught", "newly uncaught"), ("newly_caught", "newly caught")):
        if counted[name]:
            echo(f"    {words:<14} {counted[name]:>8,}")


def tell_changes(changes: Sequence[Change], zone: str, limit: int) -> None:
    """The changes in groups by their rules, then the first `limit` of them one by one."""
    if not changes:
        return
    echo()
    for move in moves(changes):
        _tell_move(move)
    for change in changes[:limit]:
        _tell_change(change, zone)
    if len(changes) > limit:
        echo(f"\n{len(changes) - limit:,} more: --limit shows them, --json has all.", dim=True)


def _tell_move(move: Move) -> None:
    said = f"  {_SAID[move.kind]}" if move.kind in _SAID else ""
    stays = f"{clean(move.old_rule)}, as before" if move.old_rule == move.new_rule else ""
    echo(f"  {move.count:>7,}  {stays or f'{clean(move.old_rule)} -> {clean(move.new_rule)}'}{said}")
    if move.names:
        echo(f"           otherwise: {', '.join(move.names)}", dim=True)
    echo(f"           as in {', '.join(map(clean, move.examples))}", dim=True)


def _tell_change(change: Change, zone: str) -> None:
    said = f"  {_SAID[change.kind]}" if change.kind in _SAID else ""
    echo(f"\n{clean(change.name)}  {format_short_time(change.at, zone)}{said}", bold=True)
    for each in change.differences:
        echo(f"  {each.name:<10} {_value(each.old)} -> {_value(each.new)}")
    for words, because in (
        ("old", _because(change, "old_because")),
        ("new", _because(change, "new_because")),
    ):
        for reason in because:
            echo(f"    {words}: {clean(reason)}", dim=True)


def _because(change: Change, side: str) -> list[str]:
    """What decided, each reason once: one condition mostly decides everything."""
    return [each for each in dict.fromkeys(getattr(every, side) for every in change.differences) if each]


def _tell_drift(drifted: Sequence[Change], zone: str) -> None:
    if not drifted:
        return
    echo(
        f"\n{len(drifted):,} mails were routed otherwise, by the same policy, when they came: mailbot decides"
        " otherwise than it did then, or has a fault. Recorded -> asked again:",
        fg="red",
    )
    for change in drifted[:5]:
        _tell_change(change, zone)


def _named(named: str, version: str) -> str:
    return clean(named) if named == version or not version else f"{clean(named)} ({version})"


def _value(value: Value) -> str:
    text = value if isinstance(value, str) else ", ".join(value)
    return clean(text) or "-"
