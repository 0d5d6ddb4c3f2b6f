"""`mailbot ticket participant add, remove, list` and `mailbot ticket set`: the people of a ticket."""

import click

from mailbot.cli.shared import ticket_lookup
from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.complete_stored import complete_number
from mailbot.cli.shared.open_store import open_store
from mailbot.cli.shared.options import config_option, standard_options
from mailbot.cli.shared.output import print_json, print_table
from mailbot.cli.tickets.act import acting_options
from mailbot.cli.tickets.carry_out import carry_out_act
from mailbot.domain import commands
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import BY_NAME, Reading
from mailbot.domain.model import Role
from mailbot.domain.reasons import Refusal
from mailbot.store import queries

COMMANDS = {
    "add": ("tickets.people", "Add people: their replies thread, and they get copies of answers."),
    "remove": ("tickets.people", "Remove people. No mail that names them brings them back."),
    "list": ("tickets.people", "List the people of the ticket and what each is."),
}
ROLES = {
    Role.CUSTOMER: "customer",
    Role.PARTICIPANT: "takes part",
    Role.NAMED: "named in a mail, not confirmed",
    Role.REMOVED: "removed",
}
addresses_argument = click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)


@click.group(cls=LazyGroup, modules=COMMANDS)
@config_option
def participant() -> None:
    """Add, remove and list the people who take part in a ticket beside its customer."""


@click.command()
@click.argument("number", shell_complete=complete_number)
@addresses_argument
@acting_options
def add(number: str, addresses: tuple[str, ...], agent: str | None, in_json: bool) -> None:
    """Add people to ticket NUMBER: their replies go onto it, and they get copies of answers."""
    _carry_out(number, commands.AddParticipants(_lower(addresses)), agent, in_json)


@click.command()
@click.argument("number", shell_complete=complete_number)
@addresses_argument
@acting_options
def remove(number: str, addresses: tuple[str, ...], agent: str | None, in_json: bool) -> None:
    """Remove people from ticket NUMBER. No mail that names them brings them back, only `add` does."""
    _carry_out(number, commands.RemoveParticipants(_lower(addresses)), agent, in_json)


@click.command("list")
@click.argument("number", shell_complete=complete_number)
@standard_options
def list_people(number: str, in_json: bool) -> None:
    """List the people of ticket NUMBER and what each is."""
    with open_store() as opened:
        ticket = ticket_lookup.find_ticket(opened, number)
        people = opened.store.read_now(queries.participants_of, ticket.number)
        if in_json:
            print_json(people)
        else:
            rows = [(person.address, ROLES[person.role]) for person in people]
            print_table(("address", ""), rows)


@click.command("set")
@click.argument("number", shell_complete=complete_number)
@click.option("--priority", default="", help="The priority, by its key or label.")
@click.option("--category", default="", help="The category, by its key or label.")
@click.option("--cause", default="", help="Why the matter came about, also of a closed ticket.")
@click.option("--team", default="", help="Hand it over to this team.")
@click.option("--customer", metavar="ADDRESS", default="", help="To whom answers go from now on.")
@acting_options
def set_values(number: str, agent: str | None, in_json: bool, **values: str) -> None:
    """Correct what ticket NUMBER is: all that is given at once, or nothing.

    The former customer takes no part any more. `ticket participant add` lets them take part beside the new one.
    """
    given = {name: words.strip() for name, words in values.items() if words.strip()}
    if not given:
        raise click.UsageError("give at least one of --priority, --category, --cause, --team, --customer")

    def read(reading: Reading) -> Act | Refusal:
        found: list[commands.AnyCommand] = []
        for name, words in given.items():
            command = BY_NAME[_VERBS.get(name, name)].read(words, reading)
            if isinstance(command, Refusal):
                return command
            found += command if isinstance(command, tuple) else (command,)
        return Act(tuple(found))

    carry_out_act(number, read, agent, in_json=in_json)


_VERBS = {"team": "hand-over"}  # option -> verb, where they differ


def _lower(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address.strip().strip("<>").lower() for address in addresses))


def _carry_out(number: str, command: commands.People, agent: str | None, in_json: bool) -> None:
    carry_out_act(number, Act((command,)), agent, in_json=in_json)
