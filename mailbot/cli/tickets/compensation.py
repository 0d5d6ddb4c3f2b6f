"""`mailbot ticket compensate, approve, refuse`: compensation for a customer, requested and decided."""

import click

from mailbot.cli.shared.complete_stored import complete_number
from mailbot.cli.shared.completion import complete_agent
from mailbot.cli.shared.open_store import now
from mailbot.cli.shared.options import because_option, standard_options
from mailbot.cli.shared.output import clean, clean_block
from mailbot.cli.tickets.carry_out import carry_out
from mailbot.domain import commands
from mailbot.domain.actor import Actor, ActorKind
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.reasons import Refusal
from mailbot.domain.routing import money
from mailbot.domain.routing.money import Money
from mailbot.operations.ticket_commands import TicketCommand, operator, run_command
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime

agent_option = click.option(
    "--agent",
    "--as",
    "agent",
    metavar="ADDRESS",
    shell_complete=complete_agent,
    help="The agent in whose name and with whose authority you act. Your login name is recorded too.",
)
request_option = click.option(
    "--request", type=click.IntRange(1), metavar="N", help="The request, where several are open."
)


@click.command("compensate")
@click.argument("number", shell_complete=complete_number)
@click.argument("amount", nargs=-1, required=True)
@because_option
@agent_option
@standard_options
def ask(number: str, amount: tuple[str, ...], because: str, agent: str | None, in_json: bool) -> None:
    """Request compensation of AMOUNT (Rp150.000, 150rb, 1,5 juta) for the ticket's customer.

    It is granted at once when --agent may decide alone, else those who may approve it get a mail. The
    customer is not notified. Exit 1 when a limit refuses it.
    """
    _run(number, commands.Compensate(_amount(" ".join(amount)), _text(because)), agent, in_json)


@click.command()
@click.argument("number", shell_complete=complete_number)
@request_option
@because_option
@agent_option
@standard_options
def approve(number: str, request: int | None, because: str, agent: str | None, in_json: bool) -> None:
    """Approve the ticket's open request for compensation with the authority of --agent.

    Every limit is checked again. Exit 1 when one refuses it, or --agent may not. A large amount needs two.
    """
    _run(number, commands.Approve(request, _text(because)), agent, in_json)


@click.command()
@click.argument("number", shell_complete=complete_number)
@request_option
@because_option
@agent_option
@standard_options
def refuse(number: str, request: int | None, because: str, agent: str | None, in_json: bool) -> None:
    """Refuse the ticket's open request for compensation as one who may approve it, or withdraw your own."""
    _run(number, commands.Refuse(request, _text(because)), agent, in_json)


def _run(number: str, command: commands.Compensation, agent: str | None, in_json: bool) -> None:
    def decide(store: Store, runtime: Runtime, found: str, by: Actor) -> Acted | Refusal | None:
        authority = by.name if by.kind is ActorKind.AGENT else ""
        request = TicketCommand(found, Act((command,)), operator(), now(), money=True, authority=authority)
        return run_command(store, runtime, request)

    needs_agent = not agent and not isinstance(command, commands.Compensate)
    hint = "--agent ADDRESS names the agent" if needs_agent else ""
    acted = carry_out(number, agent, decide, in_json=in_json, hint=hint)
    outcome = acted.compensation if isinstance(acted, Acted) else None
    if outcome and outcome.state == "refused" and not isinstance(command, commands.Refuse):
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
