"""The result of `simulate`: tables for people, a column for each policy, and JSON."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path as FilePath
from typing import Any
from zoneinfo import ZoneInfo

from mailbot.analysis.simulate.cases import Omissions
from mailbot.analysis.simulate.compare import Changed, Line, Path
from mailbot.analysis.simulate.figures import Figures
from mailbot.analysis.simulate.reproduction import Difference, NotModelled, Verdict
from mailbot.analysis.simulate.result import Result
from mailbot.cli.rules.advice_text import print_advice, print_promises
from mailbot.cli.shared.open_store import NamedPolicy
from mailbot.cli.shared.output import clean, echo, echo_wrapped, print_table, print_title
from mailbot.domain.policy import Policy
from mailbot.reports.figures.api import Period
from mailbot.views.formats import count_text, format_duration, format_short_time, format_time
from mailbot.views.json_form import to_json
from mailbot.views.wording import spaced

SHOWN = 20  # differences, people, groups of changes
NAME = 24  # characters of a policy's name over a column
ACTS = {"told": "notified", "asked": "asked to decide"}
BARS = "·▁▂▃▄▅▆▇█"

Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was simulated, and the result. `synthetic`: (number of tickets, seed), None for recorded ones."""

    period: Period
    policies: tuple[NamedPolicy, ...]
    result: Result
    left: Omissions
    synthetic: tuple[int, int] | None
    staff: Policy  # whose agents and labels the advice is about
    ladders_only: bool = False
    numbers: tuple[str, ...] = ()  # of tickets asked for

    @property
    def names(self) -> list[str]:
        return [named.name for named in self.policies]

    @property
    def short_names(self) -> list[str]:
        """Return the names without the folders above, where that leaves them different."""
        short = [clean(FilePath(name).name or name, NAME) for name in self.names]
        return short if len(set(short)) == len(short) else [clean(name, NAME) for name in self.names]

    @property
    def not_open(self) -> list[str]:
        """List the tickets asked for that were not open in the period."""
        found = {ticket.number for ticket in self.result.wanted}
        return [number for number in self.numbers if number not in found]

    @property
    def compares(self) -> bool:
        return len(self.policies) > 1


def headline(simulation: Simulation) -> str:
    period = simulation.period
    since, until = (format_short_time(at, period.zone) for at in (period.since, period.until))
    names = " -> ".join(_name_text(named) for named in simulation.policies)
    return f"{since} to {until} ({period.zone}): {names}"


def _name_text(named: NamedPolicy) -> str:
    name = clean(named.name, 60)
    return name if named.version in ("", named.name) else f"{name} ({named.version})"


def limits(simulation: Simulation) -> list[str]:
    """List what a simulation can't know, as far as it concerns this one."""
    texts, left = (
        [f"ticket {number} was not open in this time" for number in simulation.not_open],
        simulation.left,
    )
    if simulation.synthetic:
        texts.append(
            "these tickets, and the times of answers, are synthetic: no number of people would change them"
        )
    elif any(named.policy for named in simulation.policies):
        texts.append(
            "customers and agents act at their recorded moments: with other mails they might have acted "
            "otherwise, and an answer counts whoever would have had the ticket"
        )
        texts.append("addresses that were suppressed then would get automatic mail now")
    if any(each.shortages for each in simulation.result.advice):
        texts.append(
            "what more people would have kept is an estimate: every answer takes the usual time, and the promise "
            "that ends first is answered first"
        )
    if simulation.compares and simulation.ladders_only:
        texts.append("no rule was tested: each ticket keeps its team, level and priority")
    if left.unread:
        texts.append(f"{left.unread:,} tickets keep their recorded routing: their mail is gone")
    if left.unknown:
        versions = f" (policy {', '.join(sorted(left.versions))})" if left.versions else ""
        texts.append(
            f"{left.unknown:,} tickets are left out: the policy that decided them is not kept{versions}"
        )
    return texts


def simulation_json(simulation: Simulation) -> dict[str, Any]:
    result, period, compares = simulation.result, simulation.period, simulation.compares
    count = len(simulation.policies)
    synthetic = simulation.synthetic
    return {
        "period": {"from": period.since, "to": period.until, "zone": period.zone},
        "synthetic": {"tickets": synthetic[0], "seed": synthetic[1]} if synthetic else None,
        "policies": [
            {"named": named.name, "version": named.version or None, "figures": figures}
            for named, figures in zip(simulation.policies, result.figures, strict=True)
        ],
        "reproduced": None if result.verdict is None else not result.verdict.differences,
        "verdict": result.verdict,
        "same": result.same if compares else None,
        "changed": result.changed if compares else None,
        "advice": [{"kept": each.kept, "missed": each.missed, **to_json(each)} for each in result.advice],
        "moves": result.moves,
        "changed_tickets": result.otherwise,
        "tickets": [
            {"number": ticket.number, "lives": [ticket.old_lines, ticket.new_lines][:count]}
            for ticket in result.wanted
        ],
        "left_out": simulation.left.unknown,
        "not_routed_again": simulation.left.unread,
        "limits": limits(simulation),
    }


# --- for people ---------------------------------------------------------------------------------------------


def print_simulation(simulation: Simulation) -> None:
    result = simulation.result
    echo_wrapped(headline(simulation), bold=True)
    print_promises(simulation.short_names, result.advice)
    echo()
    print_advice(
        result.advice[-1], simulation.staff, simulation.short_names[-1] if simulation.compares else ""
    )
    _print_figures(simulation)
    _print_load(simulation)
    _print_people(simulation)
    if result.verdict:
        _print_verdict(result.verdict, simulation)
    if simulation.compares:
        _print_moves(result)
    for ticket in (*(result.otherwise if simulation.compares else ()), *result.wanted):
        _print_ticket(ticket, simulation)
    texts = limits(simulation)
    if texts:
        echo()
    for text in texts:
        echo_wrapped(f"Note: {text}.")


def _print_figures(simulation: Simulation) -> None:
    """Print the counts, a column for each policy and one for the difference."""
    figures, compares = simulation.result.figures, simulation.compares
    rows = [
        ("open tickets", [column.tickets for column in figures]),
        ("opened", [column.opened for column in figures]),
        ("closed", [column.closed for column in figures]),
        *_count_rows("target missed", _missed, figures),
        *_count_rows("escalated to", _escalated, figures),
        *_count_rows("step", _steps, figures),
        *_count_rows("notified", _notified, figures),
        ("mails to our people", [sum(person.mails for person in column.people) for column in figures]),
        ("commands without effect", [column.refused for column in figures]),
    ]
    cells = []
    for name, values in rows:
        difference = values[-1] - values[0]
        last = [f"{difference:+d}" if difference else "0"] if compares else []
        cells.append([name, *(f"{value:,}" for value in values), *last])
    heads = ["", *simulation.short_names]
    echo()
    print_table([*heads, "change"] if compares else heads, cells)


def _count_rows(
    label: str, count: Callable[[Figures], Counts], figures: Sequence[Figures]
) -> list[tuple[str, list[int]]]:
    columns = [count(column) for column in figures]
    names = dict.fromkeys(name for column in columns for name in column)
    return [(f"{label}: {name}", [column.get(name, 0) for column in columns]) for name in names]


def _missed(figures: Figures) -> Counts:
    return {f"{spaced(missed.target)}, {missed.priority}": missed.count for missed in figures.missed}


def _escalated(figures: Figures) -> Counts:
    counts: Counts = {}
    for raised in figures.raised:
        name = f"{raised.level}, {raised.how}"
        counts[name] = counts.get(name, 0) + raised.count
    return counts


def _steps(figures: Figures) -> Counts:
    return {f"{step.ladder} {step.step} ({spaced(step.target)})": step.count for step in figures.taken}


def _notified(figures: Figures) -> Counts:
    return {spaced(notice.why): notice.count for notice in figures.told}


def _print_load(simulation: Simulation) -> None:
    """Print the open tickets by the hour of the day: a bar for each level and policy."""
    zone, figures = simulation.period.zone, simulation.result.figures
    highest = max((value for column in figures for load in column.load for value in load.in_hand), default=0)
    rows = []
    for name, column in zip(simulation.short_names, figures, strict=True):
        for load in column.load:
            bar = "".join(
                BARS[round(value / highest * (len(BARS) - 1))] if highest else " " for value in load.in_hand
            )
            mean = f"{sum(load.in_hand) / 24:,.1f}"
            peak = f"{load.peak:,.1f} at {format_short_time(load.peak_at, zone)}" if load.peak_at else "-"
            rows.append((load.level, name, mean, f"|{bar}|", peak, f"{sum(load.came):,}"))
    levels = [load.level for load in figures[0].load] if figures else []
    rows.sort(key=lambda row: levels.index(row[0]))
    echo()
    print_title("Open tickets in our turn, by level and hour of the day")
    heads = ("level", "policy", "mean", "by hour, 00 to 23", "most in one hour", "came")
    print_table(heads, rows, spare=("most in one hour",))


def _print_people(simulation: Simulation) -> None:
    columns = [{person.address: person for person in figures.people} for figures in simulation.result.figures]
    addresses = dict.fromkeys(address for column in columns for address in column)
    mails = {
        address: max(column[address].mails for column in columns if address in column)
        for address in addresses
    }
    ranked = sorted(addresses, key=lambda address: (-mails[address], address))
    rows = []
    for address in ranked[:SHOWN]:
        people = [column.get(address) for column in columns]
        name = _with_names(address, simulation.staff)
        rows.append((name, *(f"{p.mails:,} ({p.by_ladder:,})" if p else "0" for p in people)))
    echo()
    print_table(("mails to (by ladders)", *simulation.short_names), rows)
    if len(ranked) > SHOWN:
        echo(f"and {len(ranked) - SHOWN:,} more: --json has all.")


def _print_verdict(verdict: Verdict, simulation: Simulation) -> None:
    zone = simulation.period.zone
    echo()
    if verdict.differences:
        count = f"{len(verdict.differences):,} differences from the record"
        echo_wrapped(f"{count}; {verdict.same:,} acts of the policies are the same:", fg="red")
        _print_differences(verdict.differences, simulation)
    else:
        acts = f"{verdict.same:,} acts of the policies, each at its moment"
        echo_wrapped(f"The record is reproduced: {acts}.")
    if verdict.told_otherwise:
        echo_wrapped(f"{len(verdict.told_otherwise):,} notices went to other people than on record:")
        _print_differences(verdict.told_otherwise, simulation)
    if verdict.not_modelled:
        _print_not_modelled(verdict.not_modelled, simulation.staff)
    if verdict.overtaken:
        count = f"{len(verdict.overtaken):,} deadlines were overtaken"
        echo_wrapped(f"{count}: the daemon was late, and something else came first.")
        for late in verdict.overtaken[:SHOWN]:
            times = f"due {format_time(late.due_at, zone)}, then {format_time(late.by_at, zone)}"
            echo_wrapped(f"  {late.number}  {late.what}, {times}", 17)
    if verdict.latest:
        echo(f"The latest step was taken {format_duration(verdict.latest)} after it was due.")


def _print_not_modelled(acts: Sequence[NotModelled], staff: Policy) -> None:
    """Print what is no difference: the simulation does not know what brought these acts about."""
    tickets = len({act.number for act in acts})
    echo_wrapped(
        f"Not modelled, and so not compared: {count_text(len(acts), 'act')} on {count_text(tickets, 'ticket')}."
    )
    reasons = Counter(act.because for act in acts)
    for because, count in reasons.most_common():
        first = next(act for act in acts if act.because == because)
        what = _with_names(clean(first.what), staff)
        echo_wrapped(f"  {count:,}  {because}, as on {first.number}: {what}", 5)


def _print_differences(differences: Sequence[Difference], simulation: Simulation) -> None:
    zone = simulation.period.zone
    for found in differences[:SHOWN]:
        late = found.due_at and found.due_at != found.at
        due = f", due {format_time(found.due_at, zone)}" if late else ""
        text = f"only {found.only}: {_with_names(clean(found.what), simulation.staff)}{due}"
        echo_wrapped(f"  {found.number}  {format_time(found.at, zone)}  {text}", 17)
    if len(differences) > SHOWN:
        echo(f"  {len(differences) - SHOWN:,} more: --json has all.")


def _print_moves(result: Result) -> None:
    echo()
    print_title(f"{result.changed:,} tickets change, {result.same:,} stay the same")
    for move in result.moves[:SHOWN]:
        echo_wrapped(f"  {move.count:>7,}  {_path_text(move.old)} -> {_path_text(move.new)}", 9)
    if len(result.moves) > SHOWN:
        echo(f"  {len(result.moves) - SHOWN:,} more paths: --json has all.")


def _path_text(path: Path) -> str:
    missed = f", missed {' and '.join(map(spaced, path.missed))}" if path.missed else ""
    return clean(f"{path.team} {path.priority}: {', '.join(path.levels)}{missed}")


def _print_ticket(ticket: Changed, simulation: Simulation) -> None:
    zone = ZoneInfo(simulation.period.zone)
    echo(f"\n{ticket.number}", bold=True)
    for name, lines in zip(simulation.short_names, (ticket.old_lines, ticket.new_lines), strict=False):
        echo(f"  {name}")
        day = None
        for at, group in groupby(lines, key=lambda line: line.at):
            local = at.astimezone(zone)
            if day != local.date():
                day = local.date()
                echo(f"    {local:%a %Y-%m-%d}")
            text = "; ".join(_line_text(line, simulation.staff) for line in group)
            echo_wrapped(f"      {local:%H:%M}  {text}", 7)


def _line_text(line: Line, staff: Policy) -> str:
    recipients = f" ({', '.join(line.whom)})" if line.whom else ""
    late = line.at - line.due_at if line.due_at else timedelta()
    delay = f", {format_duration(late)} late" if late >= timedelta(seconds=1) else ""
    return clean(_with_names(f"{ACTS.get(line.what, line.what)} {line.said}{recipients}{delay}", staff))


def _with_names(text: str, staff: Policy) -> str:
    """Replace the addresses of agents by their names."""
    for address, agent in staff.agents.items():
        text = text.replace(f"agent:{address}", agent.name).replace(address, agent.name)
    return text
