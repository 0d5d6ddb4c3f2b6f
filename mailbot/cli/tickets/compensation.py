"""`mailbot ticket compensate, approve, refuse`: money for a customer, asked for and decided on."""

import click

from mailbot.cli.service.ledger_text import outcome_json
from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import clean, clean_block, print_json
from mailbot.domain import commands
from mailbot.domain.compensation.requests import Signatory
from mailbot.domain.reasons import Refusal
from mailbot.domain.routing import money
from mailbot.domain.routing.money import Money
from mailbot.operations import ticket_commands as acting
from mailbot.operations.compensation import CompensationCommand, compensate

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


def _do(number: str, command: commands.Compensation, agent: str, in_json: bool) -> None:
    with open_store() as at:
        runtime, address = at.build_runtime(), agent.strip().lower()
        if address and address not in at.policy.agents:
            hint = ticket_lookup.suggest_name(address, at.policy.agents)
            fail(f"--agent {clean(address)}: no agent of any team has this address{hint}")
        wanted = CompensationCommand(
            ticket_lookup.require_number(at, number), command, Signatory(acting.operator(), address), now()
        )
        outcome = compensate(at.store, runtime, wanted)
        if outcome is None:
            fail(ticket_lookup.unknown_number_text(at, wanted.number))
        if isinstance(outcome, Refusal):
            fail(clean(str(outcome.reason), 1000) + ("" if address else _hint(command)))
        if in_json:
            print_json(
                {**result_text.decision_json(at, outcome.decision), "compensation": outcome_json(outcome)}
            )
        else:
            result_text.print_decision(at, outcome.decision, acting.due_next(outcome.decision, runtime))
    if outcome.state == "refused" and not isinstance(command, commands.Refuse):
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
    return clean(clean_block(because, 500), 500)
