"""How `simulate` tells what would have been: tables for people, old beside new, and JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from mailbot.analysis.simulate.cases import Omissions
from mailbot.analysis.simulate.compare import Changed, Line, Path
from mailbot.analysis.simulate.figures import Figures
from mailbot.analysis.simulate.reproduction import Difference, Verdict
from mailbot.analysis.simulate.result import Result
from mailbot.cli.shared.output import (
    clean,
    echo,
    format_duration,
    format_short_time,
    format_time,
    print_json,
    print_table,
    print_title,
)
from mailbot.cli.shared.sides import NamedPolicy
from mailbot.reports.figures.api import Period

SHOWN = 20  # differences, persons, moves
BLOCKS = "·▁▂▃▄▅▆▇█"
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Told:
    """All there is to say. `made_up`: (how many tickets, seed), None for recorded ones."""

    period: Period
    sides: tuple[NamedPolicy, ...]
    result: Result
    left: Omissions
    made_up: tuple[int, int] | None
    ladders_only: bool = False

    @property
    def names(self) -> list[str]:
        return [side.name for side in self.sides]


def headline(told: Told) -> str:
    period = told.period
    named = " -> ".join(_named(side) for side in told.sides)
    return f"{format_short_time(period.since, period.zone)} to {format_short_time(period.until, period.zone)} ({period.zone}): {named}"


def _named(side: NamedPolicy) -> str:
    name = clean(side.name, 60)
    return name if side.version in ("", side.name) else f"{name} ({side.version})"


def limits(told: Told) -> list[str]:
    """What a simulation can't know, as far as it concerns this one."""
    said = []
    if told.made_up:
        said.append("these tickets, and when people answered, are made up")
    if any(side.policy for side in told.sides) and not told.made_up:
        said.append(
            "customers and agents act at their recorded moments: with other mails they might have acted "
            "otherwise, and an answer counts whoever would have had the ticket"
        )
        said.append("addresses that got no automatic mail then would be told now")
    if len(told.sides) > 1 and told.ladders_only:
        said.append("no rule was asked: each ticket keeps its team, level and priority")
    if told.left.unread:
        said.append(f"{told.left.unread:,} tickets keep their recorded routing: their mail is gone")
    if told.left.unknown:
        known = f" (policy {', '.join(sorted(told.left.versions))})" if told.left.versions else ""
        said.append(
            f"{told.left.unknown:,} tickets are left out: by what they were decided is not kept{known}"
        )
    return said


# --- JSON -------------------------------------------------------------------------------------------------


def as_shape(told: Told) -> None:
    result, verdict = told.result, told.result.verdict
    print_json(
        {
            "period": {"from": told.period.since, "to": told.period.until, "zone": told.period.zone},
            "synthetic": None
            if told.made_up is None
            else dict(zip(("tickets", "seed"), told.made_up, strict=True)),
            "policies": [
                {"named": side.name, "version": side.version or None, "figures": figures}
                for side, figures in zip(told.sides, result.figures, strict=True)
            ],
            "reproduced": None if verdict is None else not verdict.differences,
            "verdict": verdict,
            "same": result.same if len(told.sides) > 1 else None,
            "changed": result.changed if len(told.sides) > 1 else None,
            "moves": result.moves,
            "changed_tickets": result.otherwise,
            "tickets": [
                {"number": each.number, "lives": [each.old_lines, each.new_lines][: len(told.sides)]}
                for each in result.wanted
            ],
            "left_out": told.left.unknown,
            "not_routed_again": told.left.unread,
            "limits": limits(told),
        }
    )


# --- for people -------------------------------------------------------------------------------------------


def show(told: Told) -> None:
    print_title(headline(told))
    _figures(told)
    _load(told)
    _people(told)
    if told.result.verdict:
        _verdict(told.result.verdict, told.period.zone)
    _moves(told)
    several = len(told.sides) > 1
    for each in told.result.otherwise if several else ():
        _lives(each, told)
    for each in told.result.wanted:
        _lives(each, told)
    said = limits(told)
    if said:
        echo()
    for each_limit in said:
        echo(f"Mind: {each_limit}.", dim=True)


def _figures(told: Told) -> None:
    """What counts in lines, a column for each policy, and what is more or less."""
    figures = told.result.figures
    rows = [
        ("tickets under way", [each.tickets for each in figures]),
        ("opened", [each.opened for each in figures]),
        ("closed", [each.closed for each in figures]),
        *_counted("promise missed", [_missed(each) for each in figures]),
        *_counted("escalated to", [_raised(each) for each in figures]),
        *_counted("step", [_taken(each) for each in figures]),
        *_counted("told", [_told(each) for each in figures]),
        ("mails to our people", [sum(each.mails for each in every.people) for every in figures]),
        ("commands without effect", [each.refused for each in figures]),
    ]
    heads = ["", *(clean(name, 24) for name in told.names)]
    several = len(figures) > 1
    cells = [
        [name, *(f"{value:,}" for value in values), *_more(values, several=several)] for name, values in rows
    ]
    echo()
    print_table([*heads, "difference"] if several else heads, cells)


def _more(values: Sequence[int], *, several: bool) -> list[str]:
    return [f"{values[-1] - values[0]:+d}" if values[-1] != values[0] else "0"] if several else []


Counts = dict[str, int]


def _counted(what: str, counts: Sequence[Counts]) -> list[tuple[str, list[int]]]:
    names = dict.fromkeys(name for each in counts for name in each)
    return [(f"{what}: {name}", [each.get(name, 0) for each in counts]) for name in names]


def _missed(figures: Figures) -> Counts:
    return {f"{each.target.replace('_', ' ')}, {each.priority}": each.count for each in figures.missed}


def _raised(figures: Figures) -> Counts:
    found: Counts = {}
    for each in figures.raised:
        name = f"{each.level}, {each.how}"
        found[name] = found.get(name, 0) + each.count
    return found


def _taken(figures: Figures) -> Counts:
    return {
        f"{each.ladder} {each.step} ({each.target.replace('_', ' ')})": each.count for each in figures.taken
    }


def _told(figures: Figures) -> Counts:
    return {each.why.replace("_", " "): each.count for each in figures.told}


def _load(told: Told) -> None:
    """In hand by the hour of the day: a bar a level and policy."""
    zone, figures = told.period.zone, told.result.figures
    most = max((value for each in figures for load in each.load for value in load.in_hand), default=0)
    rows = []
    for name, each in zip(told.names, figures, strict=True):
        for load in each.load:
            bar = "".join(
                BLOCKS[round(value / most * (len(BLOCKS) - 1))] if most else " " for value in load.in_hand
            )
            mean = sum(load.in_hand) / 24
            peak = f"{load.peak:,.1f} at {format_short_time(load.peak_at, zone)}" if load.peak_at else "-"
            rows.append(
                (load.level, clean(name, 24), f"{mean:,.1f}", f"|{bar}|", peak, f"{sum(load.came):,}")
            )
    rows.sort(key=lambda row: [load.level for load in figures[0].load].index(row[0]) if figures else 0)
    echo()
    print_table(("level", "policy", "in hand, mean", "by hour, 00 to 23", "most in one hour", "came"), rows)


def _people(told: Told) -> None:
    counts = [{each.address: each for each in figures.people} for figures in told.result.figures]
    names = dict.fromkeys(address for each in counts for address in each)
    most = sorted(names, key=lambda who: (-max(each[who].mails for each in counts if who in each), who))
    rows = [
        (
            who,
            *(f"{each[who].mails:,} ({each[who].by_ladder:,})" if who in each else "0" for each in counts),
        )
        for who in most[:SHOWN]
    ]
    echo()
    print_table(("mails to (of them by ladders)", *(clean(name, 24) for name in told.names)), rows)
    if len(most) > SHOWN:
        echo(f"{len(most) - SHOWN:,} more people: --json has all.", dim=True)


def _verdict(verdict: Verdict, zone: str) -> None:
    echo()
    if verdict.differences:
        echo(
            f"{len(verdict.differences):,} differences from the record;"
            f" {verdict.same:,} acts of the policies are the same:",
            fg="red",
        )
        _differences(verdict.differences, zone)
    else:
        echo(
            f"The record is reproduced: {verdict.same:,} acts of the policies, each at its moment.",
            fg="green",
        )
    if verdict.told_otherwise:
        echo(
            f"{len(verdict.told_otherwise):,} times the same was told to others than on record:", fg="yellow"
        )
        _differences(verdict.told_otherwise, zone)
    if verdict.overtaken:
        echo(
            f"{len(verdict.overtaken):,} deadlines were overtaken: the daemon was late, and something else"
            " came first."
        )
        for each in verdict.overtaken[:SHOWN]:
            echo(
                f"  {each.number}  {each.what}, due {format_time(each.due_at, zone)}, then {format_time(each.by_at, zone)}",
                dim=True,
            )
    if verdict.latest:
        echo(f"The latest step was taken {format_duration(verdict.latest)} after it was due.", dim=True)


def _differences(found: Sequence[Difference], zone: str) -> None:
    for each in found[:SHOWN]:
        due = f", due {format_time(each.due_at, zone)}" if each.due_at and each.due_at != each.at else ""
        echo(f"  {each.number}  {format_time(each.at, zone)}  only {each.only}: {clean(each.what)}{due}")
    if len(found) > SHOWN:
        echo(f"  {len(found) - SHOWN:,} more: --json has all.", dim=True)


def _moves(told: Told) -> None:
    result = told.result
    if len(told.sides) < 2:
        return
    echo()
    print_title(f"{result.changed:,} tickets go another way, {result.same:,} the same")
    for move in result.moves[:SHOWN]:
        echo(f"  {move.count:>7,}  {_way(move.old)} -> {_way(move.new)}")
    if len(result.moves) > SHOWN:
        echo(f"  {len(result.moves) - SHOWN:,} more ways: --json has all.", dim=True)


def _way(way: Path) -> str:
    missed = f", missed {' and '.join(each.replace('_', ' ') for each in way.missed)}" if way.missed else ""
    return clean(f"{way.team} {way.priority}: {', '.join(way.levels)}{missed}")


def _lives(each: Changed, told: Told) -> None:
    zone = told.period.zone
    echo(f"\n{each.number}", bold=True)
    lives = (each.old_lines, each.new_lines)[: len(told.sides)]
    for name, script in zip(told.names, lives, strict=True):
        echo(f"  {clean(name, 60)}")
        for at, group in groupby(script, key=lambda one: one.at):
            said = "; ".join(_said(one) for one in group)
            echo(f"    {format_time(at, zone)}  {said}")


def _said(one: Line) -> str:
    whom = f" ({', '.join(one.whom)})" if one.whom else ""
    late = (
        f", {format_duration(one.at - one.due_at)} late"
        if one.due_at and one.at - one.due_at >= _SECOND
        else ""
    )
    return clean(f"{one.what} {one.said}{whom}{late}")
