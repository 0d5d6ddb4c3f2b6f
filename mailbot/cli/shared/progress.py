"""A bar on standard error while long work goes on, on a terminal alone."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

I = TypeVar("I")  # noqa: E741  (an item)


def progress(items: Iterable[I], total: int, what: str) -> Iterator[I]:
    """`items`, counted while they pass. What is left out on the way does not hold the bar below its end."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        for item in items:
            yield item
            shown.advance(task)
        shown.update(task, completed=total)
