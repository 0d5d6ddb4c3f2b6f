"""`mailbot ticket assign, escalate, decide, close, note`: what agents do by mail, done from a shell."""

import sys
from collections.abc import Callable
from typing import Any

import click

from mailbot.cli.shared import ticket_lookup
from mailbot.cli.shared.open_store import OpenStore, now
from mailbot.cli.shared.options import as_option, because_option, standard_options
from mailbot.cli.shared.output import clean, clean_block
from mailbot.cli.tickets.carry_out import carry_out
from mailbot.domain import commands
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import Decision
from mailbot.domain.reasons import Refusal
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime

BECAUSE, NOTE = 500, 50_000  # characters


def acting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --as and the options that all commands take."""
    return as_option(standard_options(command))


@click.command()
@click.argument("number")
@click.argument("agent_address", metavar="AGENT")
@acting_options
def assign(number: str, agent_address: str, agent: str | None, in_json: bool) -> None:
    """Assign the ticket to AGENT (an address from teams.yaml), who gets a mail about it."""
    carry_out_command(number, commands.Assign(agent_address.strip().lower()), agent, in_json)


@click.command()
@click.argument("number")
@click.argument("level", default="")
@because_option
@acting_options
def escalate(number: str, level: str, because: str, agent: str | None, in_json: bool) -> None:
    """Raise the ticket to LEVEL. Default: the next one up. Its people there get a mail."""
    carry_out_command(number, commands.Escalate(level, _text(because, BECAUSE)), agent, in_json)


@click.command()
@click.argument("number")
@click.argument("option")
@because_option
@acting_options
def decide(number: str, option: str, because: str, agent: str | None, in_json: bool) -> None:
    """Answer the question that the ticket's ladder asked. `ticket show` names the values of OPTION."""
    carry_out_command(number, commands.Decide(clean(option), _text(because, BECAUSE)), agent, in_json)


@click.command()
@click.argument("number")
@because_option
@acting_options
def close(number: str, because: str, agent: str | None, in_json: bool) -> None:
    """Close the ticket. Its clocks stop. The customer's next mail within the window opens it again."""
    carry_out_command(number, commands.Close(_text(because, BECAUSE)), agent, in_json)


@click.command()
@click.argument("number")
@acting_options
def release(number: str, agent: str | None, in_json: bool) -> None:
    """Make a machine's mail that was filed an ordinary ticket. Its team gets a mail, its clocks begin."""
    carry_out_command(number, commands.Release(), agent, in_json)


@click.command()
@click.argument("number")
@click.argument("text", nargs=-1, required=True)
@acting_options
def note(number: str, text: tuple[str, ...], agent: str | None, in_json: bool) -> None:
    """Keep TEXT as an internal note on the ticket. `-` reads standard input. A note is never sent."""
    typed = sys.stdin.read(2 * NOTE) if text == ("-",) else " ".join(text)
    kept = _text(typed, NOTE)
    if not kept:
        raise click.UsageError("the note is empty")
    carry_out_command(number, commands.AddNote(kept), agent, in_json)


def _text(text: str, longest: int) -> str:
    return clean_block(text, longest).strip()


def carry_out_command(number: str, command: commands.Command, agent: str | None, in_json: bool) -> None:
    """Run a command of `domain.commands` and print the result."""

    def decide(store: Store, runtime: Runtime, found: str, by: Actor) -> Decision | Refusal | None:
        return run_command(store, runtime, TicketCommand(found, command, by, now()))

    def suggest(opened: OpenStore) -> str:
        if isinstance(command, commands.Assign):
            return ticket_lookup.suggest_name(command.agent, opened.policy.agents)
        return ""

    carry_out(number, agent, decide, suggest, in_json=in_json)
