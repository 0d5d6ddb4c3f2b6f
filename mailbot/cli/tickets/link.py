"""`mailbot ticket link`: link an identity to the customer; or the links to the customers' page, and their end."""

from functools import partial

import click

from mailbot.cli.shared import ticket_lookup
from mailbot.cli.shared.complete_stored import complete_number
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.output import clean, echo, print_json
from mailbot.cli.tickets.act import acting_options, carry_out_act, read_verb
from mailbot.cli.tickets.carry_out import carry_out
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import Decision
from mailbot.domain.people.addresses import owner
from mailbot.domain.reasons import Refusal
from mailbot.operations.customer_links import Revocation, links_of, revoke
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime


@click.command("link")
@click.argument("number", shell_complete=complete_number)
@click.argument("address", required=False, default="")
@click.option(
    "--customer", metavar="ADDRESS", default="", help="Only this person's; else of all who take part."
)
@click.option("--revoke", "revokes", is_flag=True, help="The links sent so far open nothing any more.")
@acting_options
def link(number: str, address: str, customer: str, revokes: bool, agent: str | None, in_json: bool) -> None:
    """Link ADDRESS to the customer of ticket NUMBER: both are the same person from now on.

    ADDRESS is one of mail, or somebody in a chat: `whatsapp:+628112233`. Undo: `unlink`.

    Without ADDRESS it prints the links by which the people of the ticket read it on a page, or revokes them.

    Whoever has a link reads the page, so hand it only to the person that it belongs to. After `--revoke` each of
    them gets another link with the next mail.
    """
    if address and (customer or revokes):
        raise click.UsageError("give ADDRESS alone: --customer and --revoke are about links to the page")
    if address:
        return carry_out_act(number, partial(read_verb, "link", address), agent, in_json=in_json)
    customer = customer.strip().strip("<>").lower()
    if revokes:
        return _revoke(number, customer, agent, in_json=in_json)
    with open_store(decides=True) as opened:
        if not opened.policy.public_url:
            fail("customers have no pages: set `public_url` in mailbot.yaml")
        ticket = ticket_lookup.find_ticket(opened, number)
        found = opened.store.read_now(links_of, opened.build_runtime().snapshot, ticket)
    shown = {each: url for each, url in found.items() if not customer or owner(each) == owner(customer)}
    if not shown:
        fail(f"{clean(customer) or 'nobody'} takes no part in {ticket.number}")
    if in_json:
        return print_json([{"address": each, "url": url} for each, url in shown.items()])
    for each, url in shown.items():
        echo(f"{clean(each)}  {url}")
    return None


def _revoke(number: str, customer: str, agent: str | None, *, in_json: bool) -> None:
    def decide(store: Store, runtime: Runtime, found: str, by: Actor) -> Decision | Refusal | None:
        return revoke(store, runtime, Revocation(found, customer, by, now()))

    carry_out(number, agent, decide, in_json=in_json)
