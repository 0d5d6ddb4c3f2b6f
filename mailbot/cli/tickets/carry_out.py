"""Carry out a command on one ticket and print the result: the frame of all commands that act on one."""

from collections.abc import Callable

from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.json_form import print_json
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.output import clean
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.lifecycle import Decision
from mailbot.domain.reasons import Refusal
from mailbot.operations.ticket_commands import Read, TicketCommand, due_next, run_command
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime

# (store, runtime, number, actor) -> the recorded decision, a refusal, or None when there is no such ticket.
Decide = Callable[[Store, Runtime, str, Actor], Decision | Refusal | None]


def carry_out(number: str, agent: str | None, decide: Decide, *, in_json: bool) -> None:
    """Decide in one transaction and print what happened. Exit 1 when it is refused.

    `agent`: in the name of which agent, None for the operator.
    """
    with open_store() as opened:
        runtime = opened.build_runtime()
        actor = result_text.find_actor(opened, agent)
        found = ticket_lookup.require_number(opened, number)
        decision = decide(opened.store, runtime, found, actor)
        if decision is None:
            fail(ticket_lookup.unknown_number_text(opened, found))
        if isinstance(decision, Refusal):
            fail(clean(str(decision.reason), 1000))
        if in_json:
            print_json(result_text.decision_json(opened, decision))
        else:
            result_text.print_decision(opened, decision, due_next(decision, runtime))


def carry_out_act(number: str, act: Act | Read, agent: str | None, *, in_json: bool) -> None:
    """Do the same for commands of the registry."""

    def decide(store: Store, runtime: Runtime, found: str, by: Actor) -> Decision | Refusal | None:
        acted = run_command(store, runtime, TicketCommand(found, act, by, now()))
        return acted.decision if isinstance(acted, Acted) else acted

    carry_out(number, agent, decide, in_json=in_json)
