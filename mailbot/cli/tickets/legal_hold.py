"""`mailbot ticket legal-hold`: a ticket that retention may not touch."""

import click

from mailbot.cli.shared.complete_stored import complete_number
from mailbot.cli.shared.open_store import now
from mailbot.cli.tickets.act import BECAUSE, acting_options
from mailbot.cli.tickets.carry_out import carry_out
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import Decision
from mailbot.domain.reasons import Refusal
from mailbot.operations.legal_hold import HoldCommand, hold
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime


@click.command("legal-hold")
@click.argument("number", shell_complete=complete_number)
@click.option("--reason", "--because", default="", help="Who ordered it and why; needed to place a hold.")
@click.option("--release", is_flag=True, help="Release the hold: retention goes on with the ticket.")
@acting_options
def legal_hold(number: str, reason: str, release: bool, agent: str | None, in_json: bool) -> None:
    """Keep ticket NUMBER and all that was ever filed on it: nothing of it is deleted.

    The hold reaches the tickets merged with it, those that its messages were moved to, and the complaints of its
    incident. `mailbot ticket list --legal-hold` lists the holds.
    """
    words = reason.strip()[:BECAUSE]
    if not words and not release:
        raise click.UsageError("say who ordered the hold and why: --reason TEXT")

    def decide(store: Store, runtime: Runtime, found: str, by: Actor) -> Decision | Refusal | None:
        return hold(store, runtime, HoldCommand(found, not release, words, by, now()))

    carry_out(number, agent, decide, in_json=in_json)
