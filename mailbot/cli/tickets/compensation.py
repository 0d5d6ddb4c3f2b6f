"""`mailbot ticket compensate, approve, refuse`: compensation for a customer, requested and decided."""

import click

from mailbot.cli.service.ledger_text import outcome_json
from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.json_form import print_json
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import because_option, standard_options
from mailbot.cli.shared.output import clean, clean_block
from mailbot.domain import commands
from mailbot.domain.compensation.requests import Signatory
from mailbot.domain.reasons import Refusal
from mailbot.domain.routing import money
from mailbot.domain.routing.money import Money
from mailbot.operations.compensation import CompensationCommand, compensate
from mailbot.operations.ticket_commands import due_next, operator

agent_option = click.option(
    "--agent",
    "--as",
    "agent",
    default="",
    metavar="ADDRESS",
    help="The agent in whose name and with whose authority you act. Your login name is recorded too.",
)
request_option = click.option(
    "--request", type=click.IntRange(1), metavar="N", help="The request, where several are open."
)


@click.command("compensate")
@click.argument("number")
@click.argument("amount", nargs=-1, required=True)
@because_option
@agent_option
@standard_options
def ask(number: str, amount: tuple[str, ...], because: str, agent: str, in_json: bool) -> None:
    """Request compensation of AMOUNT (Rp150.000, 150rb, 1,5 juta) for the ticket's customer.

    It is granted at once when --agent may decide alone, else those who may approve it get a mail. The
    customer is not notified. Exit 1 when a limit refuses it.
    """
    _run(number, commands.Compensate(_amount(" ".join(amount)), _text(because)), agent, in_json)


@click.command()
@click.argument("number")
@request_option
@because_option
@agent_option
@standard_options
def approve(number: str, request: int | None, because: str, agent: str, in_json: bool) -> None:
    """Approve the ticket's open request for compensation with the authority of --agent.

    Every limit is checked again. Exit 1 when one refuses it, or --agent may not. A large amount needs two.
    """
    _run(number, commands.Approve(request, _text(because)), agent, in_json)


@click.command()
@click.argument("number")
@request_option
@because_option
@agent_option
@standard_options
def refuse(number: str, request: int | None, because: str, agent: str, in_json: bool) -> None:
    """Refuse the ticket's open request for compensation as one who may approve it, or withdraw your own."""
    _run(number, commands.Refuse(request, _text(because)), agent, in_json)


def _run(number: str, command: commands.Compensation, agent: str, in_json: bool) -> None:
    with open_store() as opened:
        runtime, address = opened.build_runtime(), ticket_lookup.check_agent(opened, "--agent", agent)
        number = ticket_lookup.require_number(opened, number)
        request = CompensationCommand(number, command, Signatory(operator(), address), now())
        outcome = compensate(opened.store, runtime, request)
        if outcome is None:
            fail(ticket_lookup.unknown_number_text(opened, number))
        if isinstance(outcome, Refusal):
            needs_agent = not address and not isinstance(command, commands.Compensate)
            fail(
                clean(str(outcome.reason), 1000)
                + ("\n--agent ADDRESS names the agent" if needs_agent else "")
            )
        if in_json:
            decision = result_text.decision_json(opened, outcome.decision)
            print_json({**decision, "compensation": outcome_json(outcome)})
        else:
            result_text.print_decision(opened, outcome.decision, due_next(outcome.decision, runtime))
    if outcome.state == "refused" and not isinstance(command, commands.Refuse):
        raise click.exceptions.Exit(1)


def _amount(typed: str) -> Money:
    """Read an amount. Without a currency it is Rupiah. Exit 2 when it is no amount."""
    digits = typed.strip().replace(".", "").replace(",", "").isdigit()
    try:
        return money.read(f"Rp{typed.strip()}" if digits else typed)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="AMOUNT") from error


def _text(because: str) -> str:
    return clean(clean_block(because, 500), 500)
