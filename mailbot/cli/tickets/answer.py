"""`mailbot ticket answer`: the answer of an agent whose mail was held, or who has no mail at hand."""

import sys

import click

from mailbot.cli.shared.open_store import now
from mailbot.cli.tickets.act import acting_options
from mailbot.cli.tickets.carry_out import carry_out
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import Decision
from mailbot.domain.reasons import Refusal
from mailbot.mail.parsing import charsets
from mailbot.operations.answers import AnswerCommand, send_answer
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime

ANSWER_LIMIT = 50_000  # characters


@click.command()
@click.argument("number")
@click.option("--text", help="The answer. Default: read it from standard input.")
@acting_options
def answer(number: str, text: str | None, agent: str | None, in_json: bool) -> None:
    """Send an answer to the customer of ticket NUMBER, in the name of the agent given by --as.

    The greeting and the signature are those of an answer by mail. Who takes part gets a copy.
    """
    typed = sys.stdin.read(2 * ANSWER_LIMIT) if text is None else text
    answered = charsets.clean(typed).strip()
    if not answered or len(answered) > ANSWER_LIMIT:
        raise click.UsageError(f"the answer has no text, or more than {ANSWER_LIMIT:,} characters")

    def decide(store: Store, runtime: Runtime, found: str, by: Actor) -> Decision | Refusal | None:
        return send_answer(store, runtime, AnswerCommand(found, answered, by, now()))

    carry_out(number, agent, decide, in_json=in_json)
