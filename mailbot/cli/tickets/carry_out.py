"""Carry out a command on one ticket and print the result: the frame of all commands that act on one."""

from collections.abc import Callable
from typing import Any

from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.output import clean, print_json
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.lifecycle import Decision
from mailbot.domain.reasons import Refusal
from mailbot.operations import daemons
from mailbot.operations.ticket_commands import Read, TicketCommand, due_next, run_command
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime

# (store, runtime, number, actor) -> what was recorded, a refusal, or None when there is no such ticket.
Decide = Callable[[Store, Runtime, str, Actor], Acted | Decision | Refusal | None]


def carry_out(
    number: str, agent: str | None, decide: Decide, *, in_json: bool, hint: str = ""
) -> Acted | Decision:
    """Decide in one transaction, print what happened and return it. Exit 1 when it is refused.

    `agent`: in the name of which agent, None for the operator. `hint`: a line below a refusal.
    """
    with open_store(decides=True) as opened:
        runtime = opened.build_runtime()
        actor = result_text.find_actor(opened, agent)
        found = ticket_lookup.require_number(opened, number)
        decided = decide(opened.store, runtime, found, actor)
        if decided is None:
            fail(ticket_lookup.unknown_number_text(opened, found))
        if isinstance(decided, Refusal):
            fail(clean(str(decided.reason), 1000) + (f"\n{hint}" if hint else ""))
        daemons.wake(opened.store)
        decision = decided.decision if isinstance(decided, Acted) else decided
        if in_json:
            print_json({**result_text.decision_json(opened, decision), **_money_json(decided)})
        else:
            result_text.print_decision(opened, decision, due_next(decision, runtime))
        return decided


def _money_json(decided: Acted | Decision) -> dict[str, Any]:
    from mailbot.views.ledger_json import outcome_json  # few commands are about money

    outcome = decided.compensation if isinstance(decided, Acted) else None
    return {"compensation": outcome_json(outcome)} if outcome else {}


def carry_out_act(
    number: str,
    act: Act | Read,
    agent: str | None,
    *,
    in_json: bool,
    anyway: bool = False,
    money: bool = False,
) -> None:
    """Do the same for commands of the registry. `anyway`: although a colleague has just answered.

    `money`: it may be about compensation, as what was held and is sent after all.
    """

    def decide(store: Store, runtime: Runtime, found: str, by: Actor) -> Acted | Refusal | None:
        return run_command(store, runtime, TicketCommand(found, act, by, now(), money=money, anyway=anyway))

    carry_out(number, agent, decide, in_json=in_json)
