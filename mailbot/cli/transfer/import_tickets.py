"""`mailbot import`: tickets and mails of another desk, without a mail or a notice to anybody."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import parse_time, standard_options
from mailbot.cli.shared.output import clean, echo, print_facts, print_json
from mailbot.cli.shared.ticket_lookup import suggest_name
from mailbot.cli.transfer.restore import restore_export
from mailbot.operations.importing.formats import FORMATS
from mailbot.operations.importing.model import Problems, ReadContext, Unreadable
from mailbot.views.formats import count_text, format_duration
from mailbot.views.json_form import to_json

if TYPE_CHECKING:  # --help must not load what decides
    from mailbot.operations.importing.batch import Counts
    from mailbot.operations.importing.run import Progress, Survey

SHOWN = 10  # problems, customers and clashes that people see
OWN = "jsonl"  # an export of mailbot: it makes a store, the others add to one
LONGEST_NAME = 64  # characters of a source, by its column


@click.command("import")
@click.argument("format_", metavar="FORMAT", type=click.Choice(sorted({*FORMATS, OWN})))
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--source", default="", help="The name of the other desk. Default: FORMAT. A second run needs the same."
)
@click.option(
    "--mailbox", default="", metavar="ADDRESS", help="For tickets of no mailbox of ours. Default: the first."
)
@click.option(
    "--agent", "agents", multiple=True, metavar="ADDRESS", help="Who was an agent there and is none here."
)
@click.option(
    "--open-since", metavar="WHEN", help="mbox, maildir: threads with a mail since then are open (14d)."
)
@click.option("--dry-run", is_flag=True, help="Read everything, write nothing, show what would happen.")
@standard_options
def import_(
    format_: str,
    path: Path,
    source: str,
    mailbox: str,
    agents: tuple[str, ...],
    open_since: str | None,
    dry_run: bool,
    in_json: bool,
) -> None:
    """Import the tickets of another desk from PATH. Nobody gets a mail of it.

    FORMAT says what PATH is; `mailbot docs import` has a section for each. The same command again changes nothing, and
    a newer export adds what is new. Replies to the old mails, or with an old number, find their tickets.

    jsonl is a file of `mailbot export`: an empty store gets all of it, with the same numbers, while no daemon runs.
    """
    if format_ == OWN:
        if source or mailbox or agents or open_since:
            raise click.UsageError("jsonl restores a store as it was: only --dry-run and --json go with it")
        restore_export(path, dry_run=dry_run, in_json=in_json)
        return
    with open_store(decides=True) as opened:
        moment = now()
        context = ReadContext(
            mailbox=_mailbox(opened, mailbox),
            mailboxes=frozenset(opened.policy.mailboxes),
            agents=frozenset({*opened.policy.agents, *(each.strip().lower() for each in agents)}),
            open_since=parse_time(open_since, moment, opened.zone()) if open_since else None,
            problems=Problems(),
        )
        name = clean(source, LONGEST_NAME).strip() or format_
        try:
            counts, survey = _run(opened, format_, path, context, name, moment, dry_run=dry_run)
        except Unreadable as reason:
            fail(str(reason))
        seconds = (now() - moment).total_seconds()
    if in_json:
        _print_json(counts, survey, context, name, seconds)
    else:
        _print(counts, survey, context, seconds)


def _mailbox(opened: OpenStore, wanted: str) -> str:
    """Return the mailbox for tickets of none of ours. Exit 1 for one that does not exist."""
    known = opened.policy.mailboxes
    address = wanted.strip().lower() or next(iter(known))
    return (
        address if address in known else fail(f"no mailbox is {clean(wanted)}{suggest_name(address, known)}")
    )


def _run(
    opened: OpenStore,
    format_: str,
    path: Path,
    context: ReadContext,
    source: str,
    moment: datetime,
    *,
    dry_run: bool,
) -> "tuple[Counts, Survey | None]":
    from mailbot.operations.importing import run
    from mailbot.operations.importing.history import Import

    found = FORMATS[format_].reader()(path, context)
    with _watch() as progress:
        if dry_run:
            this = Import(source, opened.policy, moment)
            return run.look(opened.store, found, this, context, progress)
        runtime = opened.build_runtime()
        this = Import(source, runtime.policy, moment)
        return run.carry_out(opened.store, runtime, found, this, context, progress), None


@contextmanager
def _watch() -> "Iterator[Progress]":
    """Show on a terminal how far it is; nobody knows how much there is before it was read."""
    if not sys.stderr.isatty():
        yield lambda counts: None
        return
    from rich.console import Console

    with Console(stderr=True).status("reading") as status:
        yield lambda counts: status.update(
            f"{counts.new + counts.grown + counts.same:,} tickets, {counts.messages:,} new messages"
        )


# --- the result ---------------------------------------------------------------------------------------------


def _print_json(
    counts: "Counts", survey: "Survey | None", context: ReadContext, source: str, seconds: float
) -> None:
    problems = context.problems
    shown = {"problems": problems.count, "first_problems": [to_json(each) for each in problems.first]}
    planned = {}
    if survey:
        first = [
            {"address": address, "tickets": count} for address, count in survey.customers.most_common(100)
        ]
        planned = {
            "customers": len(survey.customers),
            "known_customers": survey.known,
            "first_customers": first,
            "clashes": survey.clashes,
        }
    head = {"source": source, "dry_run": survey is not None, "seconds": round(seconds, 1)}
    print_json({**head, **to_json(counts), **planned, **shown})


def _print(counts: "Counts", survey: "Survey | None", context: ReadContext, seconds: float) -> None:
    would = "would be " if survey else ""
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.by_status.items()))
    boxes = [(box, count_text(count, "ticket")) for box, count in sorted(counts.by_mailbox.items())]
    echo(f"{count_text(counts.new, 'ticket')} {would}imported{f' ({states})' if states else ''}.")
    facts = [
        ("messages", f"{counts.messages:,}"),
        *boxes,
        ("grown", f"{count_text(counts.grown, 'known ticket')} with something new" if counts.grown else ""),
        ("unchanged", count_text(counts.same, "known ticket") if counts.same else ""),
        (
            "deleted",
            f"{count_text(counts.gone, 'ticket')} that retention deleted here" if counts.gone else "",
        ),
        (
            "left out",
            f"{count_text(counts.here, 'message')} that came here by another way" if counts.here else "",
        ),
        ("took", format_duration(timedelta(seconds=round(seconds)))),
    ]
    print_facts(facts)
    if survey:
        _print_survey(survey)
    _print_problems(context.problems)
    if survey:
        echo("Nothing was written: leave out --dry-run to do it.")
    elif not (counts.new or counts.grown):
        echo("Nothing was changed: all of it is here already.")


def _print_survey(survey: "Survey") -> None:
    customers = survey.customers
    echo(f"{count_text(len(customers), 'customer')}, of whom {survey.known:,} had a ticket here before:")
    for address, count in customers.most_common(SHOWN):
        echo(f"  {clean(address)}: {count_text(count, 'ticket')}")
    if len(customers) > SHOWN:
        echo("  ...")
    if survey.clashes:
        first = ", ".join(clean(each, 60) for each in survey.clashes[:SHOWN])
        echo(
            f"{count_text(len(survey.clashes), 'number')} of several tickets, where the sender decides: {first}"
        )


def _print_problems(problems: Problems) -> None:
    if not problems.count:
        return
    echo(f"{count_text(problems.count, 'problem')}: what is named here was left out.", fg="red")
    for each in problems.first[:SHOWN]:
        echo(f"  {clean(each.place, 200)}: {clean(each.text, 300)}")
    if problems.count > SHOWN:
        echo("  ... --json lists the first 1,000")
