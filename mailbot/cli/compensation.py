"""`mailbot ticket compensate, approve, refuse` and `mailbot compensation`: who was promised what, by whom."""

from datetime import datetime

import click

from mailbot.cli import act as acting
from mailbot.cli import compensation_print, numbers, since, telling
from mailbot.cli.compensation_print import (
    budgets_shape,
    line_shape,
    request_shape,
    row,
    ruling_shape,
    statement_shape,
)
from mailbot.cli.opening import Desk, desk, no, now
from mailbot.cli.options import config_option, json_option
from mailbot.cli.say import as_json, block, clean, line, span, table
from mailbot.core import commands, money
from mailbot.core.authority import windows
from mailbot.core.compensation import Actor, Request
from mailbot.core.money import Money
from mailbot.core.statement import budgets, statement
from mailbot.services.compensation import Wanted, compensate
from mailbot.store import compensations

LIMIT = 100  # lines for people

agent_option = click.option(
    "--agent",
    "--as",
    "agent",
    default="",
    metavar="ADDRESS",
    help="The agent in whose name and with whose authority; that you did it is on record too.",
)
because_option = click.option("--because", default="", help="The reason, for those who read it.")
request_option = click.option(
    "--request", type=click.IntRange(1), metavar="N", help="Which one, where several are open."
)


# --- on a ticket ------------------------------------------------------------------------------------------


@click.command("compensate")
@click.argument("number")
@click.argument("amount", nargs=-1, required=True)
@because_option
@agent_option
@config_option
@json_option
def ask(number: str, amount: tuple[str, ...], because: str, agent: str, in_json: bool) -> None:
    """Ask for compensation of AMOUNT (Rp150.000, 150rb, 1,5 juta) for the ticket's customer.

    Granted at once where --agent may decide alone; else those who may are asked by mail. The customer is told
    nothing. Exit 1 when a limit refuses it.
    """
    _do(number, commands.Compensate(_amount(" ".join(amount)), _text(because)), agent, in_json)


@click.command()
@click.argument("number")
@request_option
@because_option
@agent_option
@config_option
@json_option
def approve(number: str, request: int | None, because: str, agent: str, in_json: bool) -> None:
    """Approve the ticket's open request for compensation with the authority of --agent.

    Every limit is looked at again: exit 1 when one refuses it, or --agent may not. A large amount needs two.
    """
    _do(number, commands.Approve(request, _text(because)), agent, in_json)


@click.command()
@click.argument("number")
@request_option
@because_option
@agent_option
@config_option
@json_option
def refuse(number: str, request: int | None, because: str, agent: str, in_json: bool) -> None:
    """Refuse the ticket's open request for compensation, as somebody who might approve it; or take back what
    you asked for yourself."""
    _do(number, commands.Refuse(request, _text(because)), agent, in_json)


COMMANDS = (ask, approve, refuse)


def _do(number: str, command: commands.Compensation, agent: str, in_json: bool) -> None:
    with desk() as at:
        live, address = at.live(), agent.strip().lower()
        if address and address not in at.policy.agents:
            hint = numbers.near(address, at.policy.agents)
            no(f"--agent {clean(address)}: no agent of any team has this address{hint}")
        wanted = Wanted(numbers.valid(at, number), command, Actor(acting.operator(), address), now())
        ruling = compensate(at.store, live, wanted)
        if ruling is None:
            no(numbers.unknown(at, wanted.number))
        if isinstance(ruling, str):
            no(clean(ruling, 1000) + ("" if address else _hint(command)))
        if in_json:
            as_json({**telling.decided(at, ruling.decision), "compensation": ruling_shape(ruling)})
        else:
            telling.tell(at, ruling.decision, acting.due_next(ruling.decision, live))
    if ruling.outcome == "refused" and not isinstance(command, commands.Refuse):
        raise click.exceptions.Exit(1)


def _hint(command: commands.Compensation) -> str:
    return "" if isinstance(command, commands.Compensate) else "\n--agent ADDRESS names the agent"


def _amount(typed: str) -> Money:
    """What was meant; without a currency it is Rupiah. Exit 2 when it is no amount."""
    rupiah = typed.strip().replace(".", "").replace(",", "").isdigit()
    try:
        return money.read(f"Rp{typed.strip()}" if rupiah else typed)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="AMOUNT") from error


def _text(because: str) -> str:
    return clean(block(because, 500), 500)


# --- the ledger -------------------------------------------------------------------------------------------


@click.group()
@config_option
def compensation() -> None:
    """What was asked, approved, granted and refused: lines, figures, is it whole?"""


since_option = click.option("--since", callback=since.moment, metavar="WHEN", help="30d, 12h, 2026-11-01.")
until_option = click.option("--until", callback=since.moment, metavar="WHEN", help="Before this moment.")


@compensation.command("list")
@click.option("--open", "only_open", is_flag=True, help="Requests that wait for a decision, oldest first.")
@since_option
@until_option
@config_option
@json_option
def list_(only_open: bool, since: datetime | None, until: datetime | None, in_json: bool) -> None:
    """The lines of the ledger, oldest first; for people the newest of them."""
    with desk() as at:
        if only_open:
            _list_open(at, at.store.read_now(compensations.open_requests), in_json)
            return
        found = at.store.read_now(compensations.entries, since, until)
        if in_json:
            as_json([line_shape(each) for each in found])
            return
        heads = ("line", "at", "what", "ticket", "amount", "by", "why")
        rows = [row(each, at.zone()) for each in found[-LIMIT:]]
        table(heads, rows, empty="Nobody asked for any compensation.")


def _list_open(at: Desk, found: list[Request], in_json: bool) -> None:
    if in_json:
        as_json([request_shape(each) for each in found])
        return
    rows = []
    for each in found:
        people = (each.agent or each.by, ", ".join(each.signed))
        rows.append((each.id, span(now() - each.at), each.ticket, each.amount, *people, each.because))
    heads = ("request", "waits for", "ticket", "amount", "asked by", "approved by", "why")
    table(heads, rows, empty="No request waits for a decision.")


@compensation.command("statement")
@since_option
@until_option
@config_option
@json_option
def statement_(since: datetime | None, until: datetime | None, in_json: bool) -> None:
    """What was granted by team, level, agent and category, what was refused by which limit, what is left of
    each team's budget; of this month unless you say otherwise."""
    with desk() as at:
        month = windows(at.policy, now()).month
        lines = at.store.read_now(compensations.entries, since or (None if until else month[0]), until)
        told = statement([each.entry for each in lines])
        this_month = at.store.read_now(compensations.entries, *month)
        left = budgets([each.entry for each in this_month], at.policy)
        waiting = at.store.read_now(compensations.open_requests)
        if in_json:
            open_ = [request_shape(each) for each in waiting]
            as_json({**statement_shape(told), "open": open_, "budgets": budgets_shape(left)})
            return
        compensation_print.tell(told, len(waiting))
        rows = [(each.team, each.budget, each.used, each.left) for each in left]
        table(("budget of the month", "in all", "used", "left"), rows)


@compensation.command()
@config_option
@json_option
def verify(in_json: bool) -> None:
    """Is the ledger whole? Each line's digest covers the one before it. Exit 1 with the first that is not."""
    with desk() as at:
        fault = at.store.read_now(compensations.first_fault)
        count = len(at.store.read_now(compensations.entries))
    if in_json:
        as_json({"sound": fault is None, "lines": count, "first_fault": fault})
    elif fault is None:
        line(f"{count} lines, each as it was written")
    if fault is not None:
        no(f"line {fault} is missing or was changed after it was written")
