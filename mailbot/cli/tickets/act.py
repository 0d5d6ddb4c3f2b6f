"""`mailbot ticket assign, escalate, close ...`: the verbs of the registry as commands of the shell."""

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mailbot.cli.shared.complete_stored import complete_number
from mailbot.cli.shared.completion import (
    complete_agent,
    complete_cause,
    complete_level,
    complete_macro,
    complete_team,
)
from mailbot.cli.shared.options import as_option, because_option, standard_options
from mailbot.cli.shared.output import clean_block
from mailbot.domain import commands
from mailbot.domain.commands.grammar import MONEY, Act
from mailbot.domain.commands.registry import BY_NAME, Below, Reading, Verb
from mailbot.domain.reasons import Refusal
from mailbot.mail.parsing import charsets

if TYPE_CHECKING:
    from mailbot.operations.ticket_commands import Read

BECAUSE, NOTE = 500, 50_000  # characters
# Verbs that are read as in a mail. The others have commands with options of their own.
GENERATED_VERBS = (
    *("take", "assign", "hand-over", "escalate", "working", "wait", "snooze", "close", "reopen"),
    *("tag", "unlink", "via", "release", "decide", "macro", "resolve", "detach", "undo", "send"),
)


# verb -> what its arguments are completed with
_COMPLETED = {
    "assign": complete_agent,
    "hand-over": complete_team,
    "escalate": complete_level,
    "close": complete_cause,
    "macro": complete_macro,
}


def acting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --as and the options that all commands take."""
    return as_option(standard_options(command))


text_option = click.option("--text", default="", help="What the customer gets as your answer.")
cause_option = click.option(
    "--cause",
    default="",
    metavar="CAUSE",
    shell_complete=complete_cause,
    help="The same as the argument CAUSE.",
)


def carry_out_act(
    number: str,
    act: "Act | Read",
    agent: str | None,
    *,
    in_json: bool,
    anyway: bool = False,
    money: bool = False,
) -> None:
    """Carry out commands; what that needs is imported only now, for help and completion do without it."""
    from mailbot.cli.tickets import carry_out

    carry_out.carry_out_act(number, act, agent, in_json=in_json, anyway=anyway, money=money)


anyway_option = click.option(
    "--anyway", is_flag=True, help="Send the answer although a colleague has just answered."
)


def _make(verb: Verb) -> click.Command:
    """Make the command of a verb: NUMBER and the words that stand after it in a mail."""

    def run(
        number: str,
        words: tuple[str, ...],
        because: str,
        agent: str | None,
        in_json: bool,
        text: str = "",
        cause: str = "",
        anyway: bool = False,
    ) -> None:
        kept, answer = block(because, BECAUSE), block(text, NOTE)
        words = words or (cause,)

        def read(reading: Reading) -> Act | Refusal:
            reading = Reading(reading.ticket, reading.by, reading.policy, reading.at, kept)
            found = verb.read(block(" ".join(map(_as_in_mail, words)), BECAUSE), reading)
            if isinstance(found, Refusal):
                return found
            return Act(found if isinstance(found, tuple) else (found,), answer)

        carry_out_act(number, read, agent, in_json=in_json, anyway=anyway, money=verb.name in MONEY)

    usage = verb.usage["en"] or "[WORDS]"
    command: Callable[..., Any] = acting_options(because_option(run))
    if verb.below is Below.ANSWER:
        command = text_option(anyway_option(command))
    if verb.name == "close":
        command = cause_option(command)
    words = click.argument("words", nargs=-1, metavar=usage, shell_complete=_COMPLETED.get(verb.name))
    command = click.argument("number", shell_complete=complete_number)(words(command))
    help_line = verb.help["en"]
    return click.command(verb.name, help=f"{help_line[0].upper()}{help_line[1:]}.")(command)


def _as_in_mail(word: str) -> str:
    """Put back the quotation marks that the shell took: amount="Rp 50.000"."""
    name, equals, value = word.partition("=")
    return f'{name}="{value}"' if equals and " " in value else word


GENERATED = {name: _make(BY_NAME[name]) for name in GENERATED_VERBS}


@click.command()
@click.argument("number", shell_complete=complete_number)
@click.argument("text", nargs=-1, required=True)
@acting_options
def note(number: str, text: tuple[str, ...], agent: str | None, in_json: bool) -> None:
    """Keep TEXT as an internal note on the ticket. `-` reads standard input. A note is never sent."""
    typed = sys.stdin.read(2 * NOTE) if text == ("-",) else " ".join(text)
    kept = block(typed, NOTE)
    if not kept:
        raise click.UsageError("the note is empty")
    carry_out_act(number, Act((commands.AddNote(kept),), below=Below.NOTE), agent, in_json=in_json)


@click.command()
@click.argument("number", shell_complete=complete_number)
@click.option("--text", help="The answer. Default: read it from standard input.")
@click.option(
    "--via", metavar="CHANNEL|ADDRESS", default="", help="Where it goes, and all answers from now on."
)
@anyway_option
@acting_options
def answer(number: str, text: str | None, via: str, anyway: bool, agent: str | None, in_json: bool) -> None:
    """Send an answer to the customer of ticket NUMBER, in the name of the agent given by --as.

    The greeting and the signature are those of an answer by mail. Who takes part gets a copy.
    """
    typed = sys.stdin.read(2 * NOTE) if text is None else text
    answered = charsets.clean(typed).strip()
    if not answered or len(answered) > NOTE:
        raise click.UsageError(f"the answer has no text, or more than {NOTE:,} characters")
    act = partial(read_verb, "via", via, text=answered) if via else Act((), answered)
    carry_out_act(number, act, agent, in_json=in_json, anyway=anyway)


def read_verb(name: str, words: str, reading: Reading, text: str = "") -> Act | Refusal:
    """Read a verb with its words, and the text of an answer, as in a mail."""
    found = BY_NAME[name].read(words, reading)
    if isinstance(found, Refusal):
        return found
    return Act(found if isinstance(found, tuple) else (found,), text)


def block(text: str, longest: int) -> str:
    return clean_block(text, longest).strip()
