"""`mailbot compensation`: the ledger of who was promised what, by whom."""

from datetime import datetime

import click

from mailbot.cli.service import ledger_text
from mailbot.cli.service.ledger_text import budgets_shape, line_shape, request_shape, row, statement_shape
from mailbot.cli.shared import since as typed
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import echo, format_duration, print_json, print_table
from mailbot.domain.compensation.authority import windows
from mailbot.domain.compensation.ledger_summary import budgets, statement
from mailbot.domain.compensation.requests import Request
from mailbot.store import compensations

LIMIT = 100  # lines for people


@click.group()
@config_option
def compensation() -> None:
    """What was asked, approved, granted and refused: lines, figures, is it whole?"""


since_option = click.option("--since", metavar="WHEN", help="30d, 12h, 2026-11-01.")
until_option = click.option("--until", metavar="WHEN", help="Before this moment.")


@compensation.command("list")
@click.option("--open", "only_open", is_flag=True, help="Requests that wait for a decision, oldest first.")
@since_option
@until_option
@config_option
@json_option
def list_(only_open: bool, since: str | None, until: str | None, in_json: bool) -> None:
    """The lines of the ledger, oldest first; for people the newest of them."""
    with open_store() as at:
        if only_open:
            _list_open(at, at.store.read_now(compensations.open_requests), in_json)
            return
        found = at.store.read_now(compensations.entries, _moment(at, since), _moment(at, until))
        if in_json:
            print_json([line_shape(each) for each in found])
            return
        heads = ("line", "at", "what", "ticket", "amount", "by", "why")
        rows = [row(each, at.zone()) for each in found[-LIMIT:]]
        print_table(heads, rows, empty="Nobody asked for any compensation.")


def _moment(at: OpenStore, value: str | None) -> datetime | None:
    return typed.parse_time(value, now(), at.zone()) if value else None


def _list_open(at: OpenStore, found: list[Request], in_json: bool) -> None:
    if in_json:
        print_json([request_shape(each) for each in found])
        return
    rows = []
    for each in found:
        people = (each.agent or each.by, ", ".join(each.signed))
        rows.append(
            (each.id, format_duration(now() - each.at), each.ticket, each.amount, *people, each.because)
        )
    heads = ("request", "waits for", "ticket", "amount", "asked by", "approved by", "why")
    print_table(heads, rows, empty="No request waits for a decision.")


@compensation.command("statement")
@since_option
@until_option
@config_option
@json_option
def statement_(since: str | None, until: str | None, in_json: bool) -> None:
    """What was granted by team, level, agent and category, what was refused by which limit, what is left of
    each team's budget; of this month unless you say otherwise."""
    with open_store() as at:
        month = windows(at.policy, now()).month
        begin = _moment(at, since) or (None if until else month[0])
        lines = at.store.read_now(compensations.entries, begin, _moment(at, until))
        told = statement([each.entry for each in lines])
        this_month = at.store.read_now(compensations.entries, *month)
        left = budgets([each.entry for each in this_month], at.policy)
        waiting = at.store.read_now(compensations.open_requests)
        if in_json:
            open_ = [request_shape(each) for each in waiting]
            print_json({**statement_shape(told), "open": open_, "budgets": budgets_shape(left)})
            return
        ledger_text.tell(told, len(waiting))
        rows = [(each.team, each.budget, each.used, each.left) for each in left]
        print_table(("budget of the month", "in all", "used", "left"), rows)


@compensation.command()
@config_option
@json_option
def verify(in_json: bool) -> None:
    """Is the ledger whole? Each line's digest covers the one before it. Exit 1 with the first that is not."""
    with open_store() as at:
        fault = at.store.read_now(compensations.first_fault)
        count = len(at.store.read_now(compensations.entries))
    if in_json:
        print_json({"sound": fault is None, "lines": count, "first_fault": fault})
    elif fault is None:
        echo(f"{count} lines, each as it was written")
    if fault is not None:
        fail(f"line {fault} is missing or was changed after it was written")
