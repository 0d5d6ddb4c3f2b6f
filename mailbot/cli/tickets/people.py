"""`mailbot ticket participant add, remove, list` and `mailbot ticket set`: the people of a ticket."""

import click

from mailbot.cli.shared import ticket_lookup
from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.json_form import print_json
from mailbot.cli.shared.open_store import now, open_store
from mailbot.cli.shared.options import config_option, standard_options
from mailbot.cli.shared.output import print_table
from mailbot.cli.tickets.act import acting_options
from mailbot.cli.tickets.carry_out import carry_out
from mailbot.domain import commands
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Role
from mailbot.domain.reasons import Refusal
from mailbot.operations.people import PeopleCommand, change_people
from mailbot.store import queries
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime

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
@click.argument("number")
@addresses_argument
@acting_options
def add(number: str, addresses: tuple[str, ...], agent: str | None, in_json: bool) -> None:
    """Add people to ticket NUMBER: their replies go onto it, and they get copies of answers."""
    _carry_out(number, commands.AddParticipants(_lower(addresses)), agent, in_json)


@click.command()
@click.argument("number")
@addresses_argument
@acting_options
def remove(number: str, addresses: tuple[str, ...], agent: str | None, in_json: bool) -> None:
    """Remove people from ticket NUMBER. No mail that names them brings them back, only `add` does."""
    _carry_out(number, commands.RemoveParticipants(_lower(addresses)), agent, in_json)


@click.command("list")
@click.argument("number")
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
@click.argument("number")
@click.option("--customer", metavar="ADDRESS", required=True, help="To whom answers go from now on.")
@acting_options
def set_values(number: str, customer: str, agent: str | None, in_json: bool) -> None:
    """Correct ticket NUMBER: its customer.

    The former customer takes no part any more. `ticket participant add` lets them take part beside the new one.
    """
    _carry_out(number, commands.SetCustomer(_lower((customer,))[0]), agent, in_json)


def _lower(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address.strip().strip("<>").lower() for address in addresses))


def _carry_out(number: str, command: commands.People, agent: str | None, in_json: bool) -> None:
    def decide(store: Store, runtime: Runtime, found: str, by: Actor) -> Decision | Refusal | None:
        return change_people(store, runtime, PeopleCommand(found, command, by, now()))

    carry_out(number, agent, decide, in_json=in_json)
