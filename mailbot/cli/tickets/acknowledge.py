"""`mailbot ticket acknowledge`: the customer whose mail an agent forwarded learns the number."""

import click

from mailbot.cli.shared.complete_stored import complete_number
from mailbot.cli.shared.open_store import now
from mailbot.cli.tickets.act import acting_options
from mailbot.cli.tickets.carry_out import carry_out
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import Decision
from mailbot.domain.reasons import Refusal
from mailbot.operations.acknowledge import AcknowledgeCommand
from mailbot.operations.acknowledge import acknowledge as send
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime


@click.command()
@click.argument("number", shell_complete=complete_number)
@acting_options
def acknowledge(number: str, agent: str | None, in_json: bool) -> None:
    """Send the acknowledgement of ticket NUMBER, which an agent opened or forwarded, to its customer."""

    def decide(store: Store, runtime: Runtime, found: str, by: Actor) -> Decision | Refusal | None:
        return send(store, runtime, AcknowledgeCommand(found, by, now()))

    carry_out(number, agent, decide, in_json=in_json)
