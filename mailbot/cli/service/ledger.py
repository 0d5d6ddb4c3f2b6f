"""`mailbot compensation`: the ledger of all requests, approvals, grants and refusals."""

from datetime import datetime

import click

from mailbot.cli.service.ledger_text import HEADS, print_statement, row
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import LIMIT, config_option, parse_time, standard_options
from mailbot.cli.shared.output import echo, print_json, print_table
from mailbot.domain.compensation.authority import windows
from mailbot.domain.compensation.ledger_summary import budgets, statement
from mailbot.domain.compensation.requests import Request
from mailbot.store import compensations
from mailbot.views.formats import format_duration
from mailbot.views.json_form import to_json
from mailbot.views.ledger_json import line_json, request_json

since_option = click.option("--since", metavar="WHEN", help="30d, 12h, 2026-11-01.")
until_option = click.option("--until", metavar="WHEN", help="Before this time.")


@click.group()
@config_option
def compensation() -> None:
    """List what was requested, approved, granted and refused, sum it up, verify the ledger."""


@compensation.command("list")
@click.option("--open", "only_open", is_flag=True, help="Requests that wait for a decision, oldest first.")
@since_option
@until_option
@standard_options
def list_(only_open: bool, since: str | None, until: str | None, in_json: bool) -> None:
    """List the lines of the ledger, oldest first. People see the newest of them."""
    with open_store() as opened:
        if only_open:
            _list_open(opened.store.read_now(compensations.open_requests), in_json)
            return
        lines = opened.store.read_now(compensations.entries, _time(opened, since), _time(opened, until))
        zone = opened.zone()
    if in_json:
        print_json([line_json(line) for line in lines])
    else:
        print_table(HEADS, [row(line, zone) for line in lines[-LIMIT:]], empty="The ledger has no such line.")


def _time(opened: OpenStore, value: str | None) -> datetime | None:
    return parse_time(value, now(), opened.zone()) if value else None


def _list_open(requests: list[Request], in_json: bool) -> None:
    if in_json:
        print_json([request_json(request) for request in requests])
        return
    rows = []
    for request in requests:
        people = (request.agent or request.by, ", ".join(request.signed))
        waiting = format_duration(now() - request.at)
        rows.append((request.id, waiting, request.ticket, request.amount, *people, request.because))
    heads = ("request", "waits for", "ticket", "amount", "asked by", "approved by", "why")
    print_table(heads, rows, empty="No request waits for a decision.")


@compensation.command("statement")
@since_option
@until_option
@standard_options
def statement_(since: str | None, until: str | None, in_json: bool) -> None:
    """Sum up grants by team, level, agent and category, refusals by limit, and what is left of the budgets.

    Default: the current month.
    """
    with open_store() as opened:
        month = windows(opened.policy, now()).month
        begin = _time(opened, since) or (None if until else month[0])
        lines = opened.store.read_now(compensations.entries, begin, _time(opened, until))
        this_month = opened.store.read_now(compensations.entries, *month)
        waiting = opened.store.read_now(compensations.open_requests)
    summary = statement([line.entry for line in lines])
    left = budgets([line.entry for line in this_month], opened.policy)
    if in_json:
        open_requests = [request_json(request) for request in waiting]
        teams = {budget.team: to_json(budget, omit=("team",)) for budget in left}
        print_json({**to_json(summary), "open": open_requests, "budgets": teams})
        return
    print_statement(summary, len(waiting))
    rows = [(budget.team, budget.budget, budget.used, budget.left) for budget in left]
    print_table(("budget of the month", "in all", "used", "left"), rows)


@compensation.command()
@standard_options
def verify(in_json: bool) -> None:
    """Verify that no line was changed: each line's digest covers the one before it. Exit 1 when one was."""
    with open_store() as opened:
        fault = opened.store.read_now(compensations.first_fault)
        count = len(opened.store.read_now(compensations.entries))
    if in_json:
        print_json({"sound": fault is None, "lines": count, "first_fault": fault})
    elif fault is None:
        echo(f"{count} lines, each as it was written")
    if fault is not None:
        fail(f"line {fault} is missing or was changed after it was written")
