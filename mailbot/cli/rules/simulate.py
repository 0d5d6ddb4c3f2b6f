"""`mailbot simulate`: policies on a virtual clock, over recorded tickets or a synthetic load."""

import csv
import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import click

from mailbot.analysis.past_policies import PastPolicies
from mailbot.analysis.simulate import cases, read, synthetic
from mailbot.analysis.simulate.cases import Omissions, PolicyVersions
from mailbot.analysis.simulate.compare import lines
from mailbot.analysis.simulate.engine import Outcome
from mailbot.analysis.simulate.recorded_ticket import TicketScript
from mailbot.analysis.simulate.result import Options, run_scenarios
from mailbot.cli.rules import simulate_text
from mailbot.cli.rules.simulate_text import Simulation
from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.open_store import (
    LIVE,
    RECORDED,
    NamedPolicy,
    check_policy_names,
    fail,
    find_policy,
    load_directory,
    now,
    open_store,
)
from mailbot.cli.shared.options import parse_period, standard_options
from mailbot.cli.shared.output import escape_formula, print_json
from mailbot.cli.shared.progress import progress
from mailbot.cli.shared.ticket_lookup import find_ticket
from mailbot.domain.policy import Policy
from mailbot.reports.figures.api import Period
from mailbot.store.store import Store

PICTURES = (".svg", ".png")
CSV_HEADS = ("policy", "at", "ticket", "what", "said", "due_at", "team", "level", "priority", "whom")
Listener = Callable[[int, Outcome], None]


@dataclass(frozen=True, slots=True)
class Request:
    """The options of one run. `old` and `new` name policies."""

    since: str
    until: str | None
    new: str | None
    old: str | None
    limit: int
    numbers: tuple[str, ...]
    table: Path | None

    def options(self, levels: Sequence[str], staff: Policy, *, recorded: bool) -> Options:
        return Options(levels, self.limit, self.numbers, staff, recorded)

    def period(self, zone: str) -> Period:
        return parse_period(self.since, self.until, now(), zone, "--from --to")


def _check_picture(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    if value and value.suffix.lower() not in PICTURES:
        raise click.BadParameter(f"{value}: a name that ends in .svg or .png")
    return value


@click.command()
@click.option("--from", "since", default="30d", show_default=True, metavar="WHEN", help="A date, or 90d.")
@click.option("--to", "until", metavar="WHEN", help="The same; a date is its first moment. Default: now.")
@click.option(
    "--policy", "new", metavar="POLICY", help="A directory, `live`, or a version that was in force."
)
@click.option(
    "--against", "old", metavar="POLICY", help="The policy to compare with, or `recorded`. Default: `live`."
)
@click.option(
    "--ladders-only", is_flag=True, help="Keep team, level and priority of each ticket: no rule is tested."
)
@click.option("--synthetic", "count", metavar="N", type=click.IntRange(1), help="Use N synthetic tickets.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same synthetic tickets.")
@click.option("--ticket", "numbers", metavar="NUMBER", multiple=True, help="Show all that happens to it.")
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), callback=_check_picture, help=".svg or .png"
)
@click.option(
    "--csv",
    "table",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all that happens, a line each.",
)
@click.option(
    "--limit", type=click.IntRange(0), default=5, show_default=True, help="Show so many tickets one by one."
)
@standard_options
def simulate(
    since: str,
    until: str | None,
    new: str | None,
    old: str | None,
    ladders_only: bool,
    count: int | None,
    seed: int,
    numbers: tuple[str, ...],
    chart: Path | None,
    table: Path | None,
    limit: int,
    in_json: bool,
) -> None:
    """Simulate a policy on a virtual clock: promises kept, what to change, notices and load, by the daemon's engine.

    Without --policy, the policies that were in force run over what people did, with each step taken when the
    daemon took it. The result is compared with the record. Exit 1 when there is a difference; all are listed.

    With --policy, that one runs beside another, and both take each step when it is due. Customers and agents
    act at their recorded moments, although they might have acted otherwise.
    """
    request = Request(since, until, new, old, limit, numbers, table)
    with _few_collections():
        result = (
            _simulate_synthetic(request, count, seed) if count else _simulate_recorded(request, ladders_only)
        )
    if chart:
        _draw(result, chart)
    if in_json:
        print_json(simulate_text.simulation_json(result))
    else:
        simulate_text.print_simulation(result)
    if result.result.verdict and result.result.verdict.differences:
        raise click.exceptions.Exit(1)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Collect garbage less often: there are millions of values without a cycle, and the search takes 10 %."""
    usual = gc.get_threshold()
    gc.set_threshold(200_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


# --- over recorded tickets ----------------------------------------------------------------------------------


def _simulate_recorded(request: Request, ladders_only: bool) -> Simulation:
    check_policy_names(*filter(None, (request.old, request.new)))
    with open_store(decides=True) as opened:
        request = replace(
            request, numbers=tuple(find_ticket(opened, each).number for each in request.numbers)
        )
        period = _clip_to_record(request.period(opened.zone()), opened.store)
        policies = _find_policies(opened.store, request, period.since.date())
        versions, left = PolicyVersions(opened.store, PastPolicies(os.environ)), Omissions()
        variants = [cases.Variant(named.policy, by_rules=not ladders_only) for named in policies]
        total, feed = cases.recorded(opened.store, period, variants, versions, left)
        scenarios = [cases.scenario_of(variant, versions) for variant in variants]
        staff = policies[-1].policy or opened.policy
        options = request.options(_levels(policies) or staff.levels, staff, recorded=True)
        with _csv_writer(request.table, policies) as listener:
            result = run_scenarios(scenarios, progress(feed, total, "Simulating"), period, options, listener)
    return Simulation(period, tuple(policies), result, left, None, staff, ladders_only, request.numbers)


def _find_policies(store: Store, request: Request, today: date) -> list[NamedPolicy]:
    """Return the record alone, or the old policy and the new one, both with the holidays around `today`."""
    if request.old is None and request.new in (None, LIVE):
        return [find_policy(store, RECORDED)]
    return [find_policy(store, name or LIVE, today) for name in (request.old, request.new)]


def _clip_to_record(period: Period, store: Store) -> Period:
    """Cut the period at the end of the record: after it, the simulation would see no act of any person."""
    end = max(now(), store.read_now(read.newest) or now())
    if period.since >= end:
        fail("nothing is on record after --from")
    return Period(period.since, min(period.until, end), period.zone)


def _levels(policies: Sequence[NamedPolicy]) -> tuple[str, ...]:
    levels = (level for named in policies if named.policy for level in named.policy.levels)
    return tuple(dict.fromkeys(levels))


# --- over a synthetic load ----------------------------------------------------------------------------------


def _simulate_synthetic(request: Request, count: int, seed: int) -> Simulation:
    """Simulate a synthetic load. It needs a store only for policies that are named by version or `live`."""
    names = [name for name in (request.old, request.new) if name]
    if RECORDED in names:
        raise click.UsageError(f"synthetic tickets have no record: `{RECORDED}` can't be used")
    today = request.period("UTC").since.date()
    policies = [_find_policy(name, today) for name in names] or [_configured_policy(today)]
    period = request.period(policies[0].zone)
    staff = _policy(policies[-1])
    loads = synthetic.generate(_policy(policies[0]), period, count, seed)
    scenarios = [cases.scenario_of_policy(_policy(named)) for named in policies]

    def feed() -> Iterator[list[TicketScript]]:
        for script in progress(loads, count, "Simulating"):
            yield [script, *(synthetic.with_policy(script, _policy(named)) for named in policies[1:])]

    with _csv_writer(request.table, policies) as listener:
        options = request.options(_levels(policies), staff, recorded=False)
        result = run_scenarios(scenarios, feed(), period, options, listener)
    return Simulation(
        period, tuple(policies), result, Omissions(), (count, seed), staff, numbers=request.numbers
    )


def _policy(named: NamedPolicy) -> Policy:
    assert named.policy, "`recorded` was refused before"
    return named.policy


def _find_policy(name: str, today: date) -> NamedPolicy:
    if Path(name).is_dir():
        return load_directory(name, today)
    with open_store(decides=True) as opened:
        return find_policy(opened.store, name, today)


def _configured_policy(today: date) -> NamedPolicy:
    directory = config_directory(click.get_current_context())
    return replace(load_directory(str(directory), today), name="config")


# --- files --------------------------------------------------------------------------------------------------


@contextmanager
def _csv_writer(path: Path | None, policies: Sequence[NamedPolicy]) -> Iterator[Listener | None]:
    """Return a listener that writes a line for all that happens, None without a path."""
    if path is None:
        yield None
        return
    try:
        file = path.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{path} can't be written: {error.strerror}") from error
    with file:
        rows = csv.writer(file)
        rows.writerow(CSV_HEADS)

        def write(index: int, outcome: Outcome) -> None:
            for line in lines(outcome):
                event = (_utc(line.at), line.number, line.what, line.said, _utc(line.due_at))
                place = (line.team, line.level, line.priority, " ".join(line.whom))
                rows.writerow(map(escape_formula, (policies[index].name, *event, *place)))

        yield write


def _utc(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else ""


def _draw(result: Simulation, path: Path) -> None:
    from mailbot.analysis.simulate import charts

    chart = charts.poster(simulate_text.headline(result), result.names, result.result.figures)
    content = chart.png() if path.suffix.lower() == ".png" else chart.svg().encode()
    try:
        path.write_bytes(content)
    except OSError as error:
        raise click.UsageError(f"{path} can't be written: {error.strerror}") from error
