"""`mailbot ticket acknowledge`: the customer whose mail an agent forwarded learns the number."""

import click

from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.json_form import print_json
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.output import clean
from mailbot.cli.tickets.act import acting_options
from mailbot.domain.reasons import Refusal
from mailbot.operations.acknowledge import AcknowledgeCommand
from mailbot.operations.acknowledge import acknowledge as send
from mailbot.operations.ticket_commands import due_next


@click.command()
@click.argument("number")
@acting_options
def acknowledge(number: str, agent: str | None, in_json: bool) -> None:
    """Send the acknowledgement of ticket NUMBER, which an agent's forwarded mail opened, to its customer."""
    with open_store() as opened:
        runtime = opened.build_runtime()
        actor = result_text.find_actor(opened, agent)
        request = AcknowledgeCommand(ticket_lookup.require_number(opened, number), actor, now())
        decision = send(opened.store, runtime, request)
        if decision is None:
            fail(ticket_lookup.unknown_number_text(opened, request.number))
        if isinstance(decision, Refusal):
            fail(clean(str(decision.reason), 1000))
        if in_json:
            print_json(result_text.decision_json(opened, decision))
        else:
            result_text.print_decision(opened, decision, due_next(decision, runtime))
