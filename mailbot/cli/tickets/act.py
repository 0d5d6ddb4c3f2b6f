"""`mailbot ticket assign, escalate, decide, close, note`: what agents do by mail, done from a shell."""

import sys

import click

from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import as_option, config_option, json_option
from mailbot.cli.shared.output import clean, clean_block, print_json
from mailbot.domain import commands
from mailbot.domain.reasons import Refusal
from mailbot.operations import ticket_commands as acting


@click.command()
@click.argument("number")
@click.argument("agent_address", metavar="AGENT")
@as_option
@config_option
@json_option
def assign(number: str, agent_address: str, agent: str | None, in_json: bool) -> None:
    """Give the ticket to AGENT (an address from teams.yaml), who gets a mail about it."""
    carry_out(number, commands.Assign(agent_address.strip().lower()), agent, in_json)


@click.command()
@click.argument("number")
@click.argument("level", default="")
@click.option("--because", default="", help="The reason, for those who read it.")
@as_option
@config_option
@json_option
def escalate(number: str, level: str, because: str, agent: str | None, in_json: bool) -> None:
    """Raise the ticket to LEVEL, by default the next one up; its people there get a mail."""
    carry_out(number, commands.Escalate(level, _text(because, 500)), agent, in_json)


@click.command()
@click.argument("number")
@click.argument("option")
@click.option("--because", default="", help="The reason, for those who read it.")
@as_option
@config_option
@json_option
def decide(number: str, option: str, because: str, agent: str | None, in_json: bool) -> None:
    """Answer what the ticket's ladder asked: OPTION is one of those that `ticket show` names."""
    carry_out(number, commands.Decide(clean(option), _text(because, 500)), agent, in_json)


@click.command()
@click.argument("number")
@click.option("--because", default="", help="The reason, for those who read it.")
@as_option
@config_option
@json_option
def close(number: str, because: str, agent: str | None, in_json: bool) -> None:
    """Close the ticket; its clocks stop. The customer's next mail within the window opens it again."""
    carry_out(number, commands.Close(_text(because, 500)), agent, in_json)


@click.command()
@click.argument("number")
@click.argument("text", nargs=-1, required=True)
@as_option
@config_option
@json_option
def note(number: str, text: tuple[str, ...], agent: str | None, in_json: bool) -> None:
    """Keep TEXT (- reads standard input) on the ticket. A note never leaves the house."""
    said = sys.stdin.read(100_000) if text == ("-",) else " ".join(text)
    kept = _text(said, 50_000)
    if not kept:
        raise click.UsageError("the note is empty")
    carry_out(number, commands.AddNote(kept), agent, in_json)


def _text(text: str, longest: int) -> str:
    return clean_block(text, longest).strip()


def carry_out(number: str, command: commands.Command, agent: str | None, in_json: bool) -> None:
    with open_store() as at:
        runtime = at.build_runtime()
        wanted = acting.TicketCommand(
            ticket_lookup.require_number(at, number), command, result_text.find_actor(at, agent), now()
        )
        decision = acting.run_command(at.store, runtime, wanted)
        if decision is None:
            fail(ticket_lookup.unknown_number_text(at, wanted.number))
        if isinstance(decision, Refusal):
            fail(_with_hint(decision, command, at))
        if in_json:
            print_json(result_text.decision_json(at, decision))
        else:
            result_text.print_decision(at, decision, acting.due_next(decision, runtime))


def _with_hint(refusal: Refusal, command: commands.Command, at: OpenStore) -> str:
    text = clean(str(refusal.reason), 1000)
    if isinstance(command, commands.Assign):
        return f"{text}{ticket_lookup.suggest_name(command.agent, at.policy.agents)}"
    return text
