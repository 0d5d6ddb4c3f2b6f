"""`mailbot simulate`: time on a virtual clock, over recorded tickets or a load that was made up."""

import csv
import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
from mailbot.cli.rules.simulate_text import Told
from mailbot.cli.shared import sides
from mailbot.cli.shared import since as typed
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import config_directory, config_option, json_option
from mailbot.cli.shared.output import escape_formula
from mailbot.cli.shared.progress import progress
from mailbot.cli.shared.sides import LIVE, RECORDED, NamedPolicy
from mailbot.domain.policy import Policy
from mailbot.reports.figures.api import Period
from mailbot.store.store import Store

PICTURES = (".svg", ".png")
Each = Callable[[int, Outcome], None]


def _picture(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    if value and value.suffix.lower() not in PICTURES:
        raise click.BadParameter(f"{value}: a name that ends in .svg or .png")
    return value


@click.command()
@click.option("--from", "since", default="30d", show_default=True, metavar="WHEN", help="A date, or 90d.")
@click.option("--to", "until", metavar="WHEN", help="The same; a date is its first moment. Else now.")
@click.option(
    "--policy", "new", metavar="POLICY", help="A directory, `live`, or a version that was in force."
)
@click.option("--against", "old", metavar="POLICY", help="What it stands beside, or `recorded`. Else `live`.")
@click.option(
    "--ladders-only", is_flag=True, help="Tickets keep their team, level, priority: no rule is asked."
)
@click.option(
    "--synthetic", "made_up", metavar="N", type=click.IntRange(1), help="N tickets that are made up."
)
@click.option("--seed", default=1, show_default=True, help="The same seed makes up the same tickets.")
@click.option("--ticket", "numbers", metavar="NUMBER", multiple=True, help="Show all that happens to it.")
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), callback=_picture, help=".svg or .png"
)
@click.option(
    "--csv", "table", type=click.Path(dir_okay=False, path_type=Path), help="All that happens, a line each."
)
@click.option(
    "--limit", type=click.IntRange(0), default=5, show_default=True, help="Tickets shown one by one."
)
@config_option
@json_option
def simulate(
    since: str,
    until: str | None,
    new: str | None,
    old: str | None,
    ladders_only: bool,
    made_up: int | None,
    seed: int,
    numbers: tuple[str, ...],
    chart: Path | None,
    table: Path | None,
    limit: int,
    in_json: bool,
) -> None:
    """Who would have been told what and when, which promises broken, who would have had how much: by the
    engine of the daemon, on a virtual clock.

    Without --policy, the policies that were in force are simulated on what people did, with each step taken
    when the daemon took it, and compared with the record: every difference is listed, exit 1 when there is
    any. With --policy, that one stands beside another; both take each step when it is due. What customers and
    agents did stays at its recorded moment: they might have acted otherwise.
    """
    with _few_collections():
        if made_up:
            told = _made_up(since, until, new, old, made_up, seed, Options((), limit, numbers), table)
        else:
            told = _over_store(since, until, new, old, ladders_only, Options((), limit, numbers), table)
    if chart:
        _draw(told, chart)
    simulate_text.as_shape(told) if in_json else simulate_text.show(told)
    if told.result.verdict and told.result.verdict.differences:
        raise click.exceptions.Exit(1)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Millions of values without a cycle among them: looking for one costs a tenth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(200_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


# --- over recorded tickets --------------------------------------------------------------------------------


def _over_store(
    since: str,
    until: str | None,
    new: str | None,
    old: str | None,
    ladders_only: bool,
    wanted: Options,
    table: Path | None,
) -> Told:
    with open_store() as at:
        period = _on_record(typed.parse_period(since, until, now(), at.zone(), "--from --to"), at.store)
        compared = _compared(at.store, new, old, period.since.date())
        versions, left = PolicyVersions(at.store, PastPolicies(os.environ)), Omissions()
        each_side = [cases.Variant(side.policy, by_rules=not ladders_only) for side in compared]
        total, feed = cases.recorded(at.store, period, each_side, versions, left)
        worlds = [cases.scenario_of(side, versions) for side in each_side]
        wanted = Options(_levels(compared) or at.policy.levels, wanted.limit, wanted.numbers)
        with _written(table, compared) as each:
            result = run_scenarios(worlds, progress(feed, total, "Simulating"), period, wanted, each)
    return Told(period, tuple(compared), result, left, None, ladders_only=ladders_only)


def _compared(store: Store, new: str | None, old: str | None, today: date) -> list[NamedPolicy]:
    """The record alone, or the old policy and the new one, both with the holidays around `today`."""
    if old is None and new in (None, LIVE):
        return [sides.find_policy(store, RECORDED)]
    return [sides.find_policy(store, old or LIVE, today), sides.find_policy(store, new or LIVE, today)]


def _on_record(period: Period, store: Store) -> Period:
    """Cut at the end of the record: what is to come would be told as if nobody ever did anything again."""
    end = max(now(), store.read_now(read.newest) or now())
    if period.since >= end:
        fail("nothing is on record after --from")
    return Period(period.since, min(period.until, end), period.zone)


def _levels(compared: Sequence[NamedPolicy]) -> tuple[str, ...]:
    named = (level for side in compared if side.policy for level in side.policy.levels)
    return tuple(dict.fromkeys(named))


# --- over a load that was made up -------------------------------------------------------------------------


def _made_up(
    since: str,
    until: str | None,
    new: str | None,
    old: str | None,
    count: int,
    seed: int,
    wanted: Options,
    table: Path | None,
) -> Told:
    """No store is needed where directories are named; without any name: the configuration's."""
    if RECORDED in (new, old):
        raise click.UsageError(f"of tickets that are made up nothing is `{RECORDED}`")
    today = typed.parse_period(since, until, now(), "UTC", "--from --to").since.date()
    compared = [_named(each, today) for each in (old, new) if each] or [_configured(today)]
    period = typed.parse_period(since, until, now(), compared[0].zone, "--from --to")
    loads = synthetic.load(_policy(compared[0]), period, count, seed)
    worlds = [cases.scenario_of_policy(_policy(side)) for side in compared]
    wanted = Options(_levels(compared), wanted.limit, wanted.numbers)

    def feed() -> Iterator[list[TicketScript]]:
        for script in progress(loads, count, "Simulating"):
            yield [script, *(synthetic.under(script, _policy(side)) for side in compared[1:])]

    with _written(table, compared) as each:
        result = run_scenarios(worlds, feed(), period, wanted, each)
    return Told(period, tuple(compared), result, Omissions(), (count, seed))


def _policy(side: NamedPolicy) -> Policy:
    assert side.policy, "looked at before"
    return side.policy


def _named(name: str, today: date) -> NamedPolicy:
    if Path(name).is_dir():
        return sides.load_directory(name, today)
    with open_store() as at:
        return sides.find_policy(at.store, name, today)


def _configured(today: date) -> NamedPolicy:
    return replace(
        sides.load_directory(str(config_directory(click.get_current_context())), today), name="config"
    )


# --- files ------------------------------------------------------------------------------------------------

HEADS = ("policy", "at", "ticket", "what", "said", "due_at", "team", "level", "priority", "whom")


@contextmanager
def _written(path: Path | None, compared: Sequence[NamedPolicy]) -> Iterator[Each | None]:
    """Something to hear of all that happens, that writes a line for each thing; None without a path."""
    if path is None:
        yield None
        return
    try:
        file = path.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{path} can't be written: {error.strerror}") from error
    with file:
        rows = csv.writer(file)
        rows.writerow(HEADS)

        def each(index: int, happened: Outcome) -> None:
            for line in lines(happened):
                due_at = _moment(line.due_at)
                said = (compared[index].name, _moment(line.at), line.number, line.what, line.said, due_at)
                rows.writerow(
                    map(escape_formula, (*said, line.team, line.level, line.priority, " ".join(line.whom)))
                )

        yield each


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else ""


def _draw(told: Told, path: Path) -> None:
    from mailbot.analysis.simulate import charts

    drawn = charts.poster(simulate_text.headline(told), told.names, told.result.figures)
    content = drawn.png() if path.suffix.lower() == ".png" else drawn.svg().encode()
    try:
        path.write_bytes(content)
    except OSError as error:
        raise click.UsageError(f"{path} can't be written: {error.strerror}") from error
