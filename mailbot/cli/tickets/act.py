"""`mailbot ticket assign, escalate, decide, close, note`: what agents do by mail, done from a shell."""

import sys
from collections.abc import Callable
from typing import Any

import click

from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.json_form import print_json
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import as_option, because_option, standard_options
from mailbot.cli.shared.output import clean, clean_block
from mailbot.domain import commands
from mailbot.domain.reasons import Refusal
from mailbot.operations.ticket_commands import TicketCommand, due_next, run_command

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
    carry_out(number, commands.Assign(agent_address.strip().lower()), agent, in_json)


@click.command()
@click.argument("number")
@click.argument("level", default="")
@because_option
@acting_options
def escalate(number: str, level: str, because: str, agent: str | None, in_json: bool) -> None:
    """Raise the ticket to LEVEL. Default: the next one up. Its people there get a mail."""
    carry_out(number, commands.Escalate(level, _text(because, BECAUSE)), agent, in_json)


@click.command()
@click.argument("number")
@click.argument("option")
@because_option
@acting_options
def decide(number: str, option: str, because: str, agent: str | None, in_json: bool) -> None:
    """Answer the question that the ticket's ladder asked. `ticket show` names the values of OPTION."""
    carry_out(number, commands.Decide(clean(option), _text(because, BECAUSE)), agent, in_json)


@click.command()
@click.argument("number")
@because_option
@acting_options
def close(number: str, because: str, agent: str | None, in_json: bool) -> None:
    """Close the ticket. Its clocks stop. The customer's next mail within the window opens it again."""
    carry_out(number, commands.Close(_text(because, BECAUSE)), agent, in_json)


@click.command()
@click.argument("number")
@acting_options
def release(number: str, agent: str | None, in_json: bool) -> None:
    """Make a machine's mail that was filed an ordinary ticket. Its team gets a mail, its clocks begin."""
    carry_out(number, commands.Release(), agent, in_json)


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
    carry_out(number, commands.AddNote(kept), agent, in_json)


def _text(text: str, longest: int) -> str:
    return clean_block(text, longest).strip()


def carry_out(number: str, command: commands.Command, agent: str | None, in_json: bool) -> None:
    """Run the command in one transaction and print the result. Exit 1 when it is refused."""
    with open_store() as opened:
        runtime = opened.build_runtime()
        actor = result_text.find_actor(opened, agent)
        request = TicketCommand(ticket_lookup.require_number(opened, number), command, actor, now())
        decision = run_command(opened.store, runtime, request)
        if decision is None:
            fail(ticket_lookup.unknown_number_text(opened, request.number))
        if isinstance(decision, Refusal):
            suggestion = ""
            if isinstance(command, commands.Assign):
                suggestion = ticket_lookup.suggest_name(command.agent, opened.policy.agents)
            fail(clean(str(decision.reason), 1000) + suggestion)
        if in_json:
            print_json(result_text.decision_json(opened, decision))
        else:
            result_text.print_decision(opened, decision, due_next(decision, runtime))
