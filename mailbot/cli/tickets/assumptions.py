"""Options of `explain` for what no mail holds: the customer's history, the sender's authentication."""

from collections.abc import Callable
from typing import Any

import click

from mailbot.domain.model import NO_HISTORY, Authentication, Author, CustomerHistory

FLAGS = {
    "known_customer": ("--known-customer", "--new-customer"),
    "reopened": ("--reopened", "--not-reopened"),
    "escalated_before": ("--escalated-before", "--never-escalated"),
    "machine_may_answer": ("--machine-may-answer", "--no-machine-may-answer"),
}
_OPTIONS = (
    click.option("--known-customer/--new-customer", default=None, help="Had the customer a ticket before?"),
    click.option(
        "--open-tickets", type=click.IntRange(0), metavar="N", help="Other open tickets of the customer."
    ),
    click.option("--reopened/--not-reopened", default=None, help="Does it continue a closed ticket?"),
    click.option(
        "--escalated-before/--never-escalated",
        default=None,
        help="Was a ticket of the customer escalated recently?",
    ),
    click.option(
        "--authentication",
        type=click.Choice([value.value for value in Authentication]),
        help="Of the sender.",
    ),
    click.option("--size", type=click.IntRange(1), metavar="BYTES", help="Of the mail; else the file's own."),
    click.option("--author", type=click.Choice([value.value for value in Author]), help="Who wrote it."),
    click.option(
        "--machine-may-answer/--no-machine-may-answer",
        default=None,
        help="May it be answered automatically?",
    ),
)


def assumption_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options. Their values come as the fields of `Assumptions`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def as_arguments(history: CustomerHistory, used: frozenset[str]) -> list[str]:
    """Return the options of `explain` for this history: the fields that rules use, and unusual values."""
    arguments = []
    for name, (yes, no) in FLAGS.items():
        if name in used or getattr(history, name) != getattr(NO_HISTORY, name):
            arguments.append(yes if getattr(history, name) else no)
    if "open_tickets" in used or history.open_tickets:
        arguments += ["--open-tickets", str(history.open_tickets)]
    if "authentication" in used or history.authentication is not NO_HISTORY.authentication:
        arguments += ["--authentication", history.authentication.value]
    if "author" in used or history.author is not NO_HISTORY.author:
        arguments += ["--author", history.author.value]
    return arguments
