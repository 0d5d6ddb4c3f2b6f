"""`mailbot ticket open`: a ticket for a customer who called or came by."""

import sys

import click

from mailbot.cli.shared import result_text
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.output import clean, echo, print_json
from mailbot.cli.tickets.act import NOTE, acting_options, block
from mailbot.domain.people.identities import read_identity
from mailbot.domain.reasons import Refusal
from mailbot.operations import daemons


@click.command("open")
@click.option("--customer", required=True, metavar="ADDRESS", help="Who the ticket is for.")
@click.option("--subject", default="", help="What it is about. Default: the first line of what was said.")
@click.option(
    "--said", default="", help="What the customer said; the rules route it by this. `-`: standard input."
)
@click.option("--name", default="", help="The customer's name.")
@click.option("--mailbox", default="", metavar="ADDRESS", help="Of which mailbox. Default: the first one.")
@click.option("--note", default="", help="A note for the team, never sent.")
@click.option("--answer", default="", help="What the customer gets at once, in the name of --as.")
@click.option("--acknowledge", is_flag=True, help="The customer gets the number by mail.")
@click.option("--take", is_flag=True, help="The ticket is that of --as.")
@acting_options
def open_(
    customer: str,
    subject: str,
    said: str,
    name: str,
    mailbox: str,
    note: str,
    answer: str,
    acknowledge: bool,
    take: bool,
    agent: str | None,
    in_json: bool,
) -> None:
    """Open a ticket for a customer who called, wrote elsewhere or came by.

    The rules choose category, team and level, as for a mail. No mail leaves unless --acknowledge or --answer says so.
    """
    from mailbot.operations.open_ticket import OpenTicketCommand, open_ticket
    from mailbot.store import tickets
    from mailbot.store.lists import ticket_list
    from mailbot.views.record_json import ticket_json

    with open_store(decides=True) as opened:
        request = OpenTicketCommand(
            customer=read_identity(customer) or customer.strip().lower(),
            subject=clean(subject, 200),
            by=result_text.find_actor(opened, agent),
            now=now(),
            said=block(sys.stdin.read(2 * NOTE) if said == "-" else said, NOTE),
            name=clean(name, 80),
            mailbox=mailbox.strip().lower(),
            note=block(note, NOTE),
            answer=block(answer, NOTE),
            acknowledge=acknowledge,
            take=take,
        )
        found = open_ticket(opened.store, opened.build_runtime(), request)
        if isinstance(found, Refusal):
            fail(clean(str(found.reason), 1000))
        daemons.wake(opened.store)
        if in_json:
            ticket = opened.store.read_now(tickets.load, [found])[found]
            print_json(ticket_json(ticket, opened.store.read_now(ticket_list.deadline, found)))
        else:
            echo(f"{found} is open: mailbot ticket show {found}")
