"""`mailbot rules learn`: learn from the desk's tickets which words speak for a category."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from mailbot.analysis import learn as learning
from mailbot.analysis.corrections import settled_tickets
from mailbot.analysis.learn import Example, NotEnough
from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import parse_time, standard_options
from mailbot.cli.shared.output import clean, echo, echo_wrapped, print_json, print_table
from mailbot.domain.routing.learned import MIN_OF_CATEGORY, Learned, Model, encode
from mailbot.views.formats import count_text, format_size

FILE = "learned.json"
SHOWN = (0.8, 0.9, 0.95, 0.99)  # precisions
REST = 0.95


@click.command("learn")
@click.option("--since", metavar="WHEN", default="365d", show_default=True, help="Tickets opened since then.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Where to write what was learned. Default: {FILE} beside routing.yaml.",
)
@standard_options
@click.pass_context
def learn(ctx: click.Context, since: str, out: Path | None, in_json: bool) -> None:
    """Learn from tickets which words speak for a category, for rules with `learned`.

    It learns from the subject and the new text of the mail that opened each ticket. Their category is the one that
    people corrected it to, or that of a closed ticket which nobody corrected. Needs the extra `learn`.
    """
    if not learning.is_possible():
        fail(learning.NEEDS)
    with open_store() as opened:
        kept, corrected = _examples(opened, since)
    try:
        model = learning.learn(kept)
    except NotEnough as few:
        fail(f"too few tickets since {clean(since)}: {few}")
    path = out or config_directory(ctx) / FILE
    text = encode(model)
    _write(path, text)
    if in_json:
        print_json(
            {"file": str(path), "bytes": len(text.encode()), "corrected": corrected, **_to_json(model)}
        )
    else:
        _print(model, path, len(text.encode()), corrected)


def _examples(opened: OpenStore, since: str) -> tuple[list[Example], int]:
    """Read what there is to learn from, and how many of it people corrected."""
    policy = learning.without_guesses(opened.with_rules())
    found = settled_tickets(opened.store, parse_time(since, now(), opened.zone()))
    taken = [(learning.example_of(each, policy), each) for each in found if learning.teaches(each)]
    return [example for example, _ in taken], sum("category" in each.corrected for _, each in taken)


def _write(path: Path, text: str) -> None:
    """Write the file whole: a reload may read it at any moment."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text)
        part.replace(path)
    except OSError as error:
        fail(f"{clean(path)} can't be written: {error.strerror}")


def _to_json(model: Model) -> dict[str, Any]:
    categories = [
        {
            "category": name,
            "tickets": model.examples[name],
            "best_precision": each.best,
            "reached": each.reached,
        }
        for name, each in model.categories.items()
    ]
    return {"tickets": model.tickets, "categories": categories, "not_learned": _not_learned(model)}


def _not_learned(model: Model) -> dict[str, int]:
    return {name: count for name, count in model.examples.items() if name not in model.categories}


def _print(model: Model, path: Path, size: int, corrected: int) -> None:
    echo_wrapped(
        f"Learned from {count_text(model.tickets, 'ticket')}, of which people corrected {corrected:,}: "
        f"{clean(path)}, {format_size(size)}"
    )
    echo("How much a rule catches at the precision that it asks for:")
    heads = ("category", "tickets", *(f"{each:.2f}" for each in SHOWN), "best", "of the rest")
    print_table(heads, list(_rows(model)))
    echo_wrapped(
        f"of the rest: how many are right of the mail that no other rule takes, at {REST:.2f} or the best"
    )
    if few := _not_learned(model):
        named = ", ".join(f"{clean(name)} {count}" for name, count in few.items())
        echo_wrapped(f"Not learned, of {MIN_OF_CATEGORY} tickets that are needed: {named}")
    echo_wrapped(
        f"In routing.yaml: `learned: {path.name}`, and rules with `learned` just above the last one."
    )


def _rows(model: Model) -> Iterator[tuple[object, ...]]:
    for name, each in model.categories.items():
        shares = (_caught(each, precision) for precision in SHOWN)
        surest = each.threshold(min(REST, each.best))
        rest = f"{surest.right} of {surest.taken}" if surest else ""
        yield name, model.examples[name], *shares, f"{each.best:.3f}", rest


def _caught(learned: Learned, precision: float) -> str:
    reached = learned.threshold(precision)
    return f"{reached.caught:.0%}" if reached else "no"
