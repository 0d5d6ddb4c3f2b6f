"""The figures of a run as the README shows them."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.bench.figures import shown
from tests.scenarios.harness import ROOT

KEPT = Path(__file__).with_name("figures.json")  # what the README shows
BEGIN, END = (
    "<!-- figures: python -m tests.bench --readme tests/bench/figures.json -->",
    "<!-- end of figures -->",
)
LOADS = ("new", "kept", "steady50", "steady200", "burst")
NAMES = {
    "postfix": "Postfix",
    "sqlite": "mailbot, SQLite",
    "sqlite-2": "mailbot, SQLite, 2 processes",
    "postgres": "mailbot, PostgreSQL",
    "postgres-2": "mailbot, PostgreSQL, 2 processes",
}

Column = Mapping[str, Any]


def rewrite(figures: Path, readme: Path = ROOT / "README.md") -> None:
    """Replace what stands between the two markers."""
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{section(json.loads(figures.read_text()))}\n{END}{after}")


def section(told: Mapping[str, Any]) -> str:
    return "\n".join([*_where(told), "", *_loads(told["parts"]), "", *_goals(told["goals"])])


def _where(told: Mapping[str, Any]) -> Iterator[str]:
    machine = told["machine"]
    yield (
        f"Measured on {machine['date']} with {machine['cores']} cores ({machine['processor']}) that the generator "
        f"shares, {machine['kernel']}."
    )
    yield f"An fsync takes {machine['fsync_ms']} ms there. Python {machine['python']}; SQLite {machine['sqlite']}."
    others = (
        text.split(" on ")[-1].split(",")[0]
        for name, text in machine["targets"].items()
        if "left" not in text
    )
    yield f"Beside it: {', '.join(sorted({each for each in others if not each.startswith('mailbot')}))}."
    columns = [column for part in told["parts"].values() for column in part["columns"].values()]
    faults = sum(sum(column["faults"].values()) for column in columns)
    yield f"Medians of the runs, smallest to largest in brackets. Mails lost, sent twice or misdirected: {faults}."


def _loads(parts: Mapping[str, Any]) -> Iterator[str]:
    yield "| | accepted/s | acknowledged/s | 250 p50 / p99 | acknowledgement p50 / p99 | CPU a mail | memory |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for part in (parts[name] for name in LOADS if name in parts):
        yield f"| **{part['title']}** | | | | | | |"
        yield from (_row(name, column) for name, column in part["columns"].items())


def _row(name: str, column: Column) -> str:
    cells = (
        _cell(column, "accepted (/s)"),
        _cell(column, "acknowledged (/s)", spread=True),
        _pair(column, "250"),
        _pair(column, "acknowledgement"),
        f"{_cell(column, 'CPU a mail (ms)', spread=True)} ms",
        f"{_cell(column, 'memory at most (MB)')} MB",
    )
    return f"| {NAMES.get(name, name)} | {' | '.join(cells)} |"


def _pair(column: Column, what: str) -> str:
    return f"{_cell(column, f'{what} p50 (ms)')} / {_cell(column, f'{what} p99 (ms)')} ms"


def _cell(column: Column, figure: str, *, spread: bool = False) -> str:
    """Return a median as text, "" where the figure means nothing for this load."""
    its = column["figures"].get(figure)
    if its is None:
        return ""
    between = f" ({shown(its['min'])} to {shown(its['max'])})" if spread and len(its["runs"]) > 1 else ""
    return f"{shown(its['median'])}{between}"


def _goals(goals: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "| goal | measured | reached |"
    yield "| --- | --- | --- |"
    for goal in goals:
        told = re.sub(r"^([\w-]+), ([\w -]+): ", r"\1, \2: ", goal["goal"])
        yield f"| {told} | {goal['shown']} | {'yes' if goal['met'] else 'no'} |"
