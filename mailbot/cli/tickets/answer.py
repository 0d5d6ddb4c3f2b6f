"""`mailbot ticket answer`: the answer of an agent whose mail was held, or who has no mail at hand."""

import sys

import click

from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.json_form import print_json
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.output import clean
from mailbot.cli.tickets.act import acting_options
from mailbot.domain.reasons import Refusal
from mailbot.mail.parsing import charsets
from mailbot.operations.answers import AnswerCommand, send_answer
from mailbot.operations.ticket_commands import due_next

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
    with open_store() as opened:
        runtime = opened.build_runtime()
        actor = result_text.find_actor(opened, agent)
        request = AnswerCommand(ticket_lookup.require_number(opened, number), answered, actor, now())
        decision = send_answer(opened.store, runtime, request)
        if decision is None:
            fail(ticket_lookup.unknown_number_text(opened, request.number))
        if isinstance(decision, Refusal):
            fail(clean(str(decision.reason), 1000))
        if in_json:
            print_json(result_text.decision_json(opened, decision))
        else:
            result_text.print_decision(opened, decision, due_next(decision, runtime))
