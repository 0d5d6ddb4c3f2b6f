"""`mailbot ticket move-message, merge, unmerge, split, accept, reject`: putting mail where it belongs."""

import click

from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import as_option, config_option, json_option
from mailbot.cli.shared.output import clean, echo, print_json
from mailbot.cli.tickets.act import carry_out
from mailbot.domain import commands
from mailbot.domain.merging.operations import Changes
from mailbot.domain.merging.rebuild import OUR_TURN
from mailbot.domain.model import OVER, Ticket
from mailbot.domain.reasons import Refusal
from mailbot.operations import ticket_commands as acting
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.store import queries

customer_option = click.option(
    "--other-customer",
    is_flag=True,
    help="Even when it is of another customer. Agents will read both as one matter, and every answer goes to "
    "the customer of the ticket it goes to: the words of one can reach the other.",
)


@click.command("move-message")
@click.argument("message", type=click.IntRange(1), metavar="MESSAGE_ID")
@click.argument("number")
@customer_option
@as_option
@config_option
@json_option
def move_message(message: int, number: str, other_customer: bool, agent: str | None, in_json: bool) -> None:
    """Move a message to ticket NUMBER; `ticket show` tells the ids. Undone by moving it back.

    Whose turn it is and the clocks of both tickets follow from the messages that they have then.
    """
    command = commands.MoveMessage(message, ticket_lookup.normalise_number(number), other_customer)
    _join("", command, agent, in_json, missing=f"there is no message {message} on any ticket")


@click.command()
@click.argument("number", metavar="FROM")
@click.argument("into")
@customer_option
@as_option
@config_option
@json_option
def merge(number: str, into: str, other_customer: bool, agent: str | None, in_json: bool) -> None:
    """Merge ticket FROM into ticket INTO, which keeps its own clocks. Undone by `unmerge FROM`.

    Its messages go over, its clocks end, and whatever is written to FROM from then on goes to INTO. Merged
    back into the ticket it was split from, a ticket undoes the split.
    """
    _join(number, commands.Merge(ticket_lookup.normalise_number(into), other_customer), agent, in_json)


@click.command()
@click.argument("number")
@as_option
@config_option
@json_option
def unmerge(number: str, agent: str | None, in_json: bool) -> None:
    """Make a merged ticket one of its own again, with the messages it brought. Its clocks run since its own
    opening, as if it had never been merged."""
    _join(number, commands.Unmerge(), agent, in_json)


@click.command()
@click.argument("number")
@click.argument("messages", type=click.IntRange(1), nargs=-1, required=True, metavar="MESSAGE_ID...")
@as_option
@config_option
@json_option
def split(number: str, messages: tuple[int, ...], agent: str | None, in_json: bool) -> None:
    """Split messages off ticket NUMBER into a ticket of their own, whose clocks run from the first of them.

    Undone by merging the new ticket into NUMBER.
    """
    _join(number, commands.Split(messages), agent, in_json)


@click.command()
@click.argument("number")
@as_option
@config_option
@json_option
def accept(number: str, agent: str | None, in_json: bool) -> None:
    """What ticket NUMBER claims is true: it is merged into the ticket that it names.

    Its sender takes part there from then on; answers still go to that ticket's customer. Undone by `unmerge`.
    """
    _join(number, commands.Accept(), agent, in_json)


@click.command()
@click.argument("number")
@as_option
@config_option
@json_option
def reject(number: str, agent: str | None, in_json: bool) -> None:
    """What is held is a matter of its own: its clocks run from now on, and its sender is told nothing."""
    carry_out(number, commands.Reject(), agent, in_json)


def _join(number: str, command: commands.Join, agent: str | None, in_json: bool, missing: str = "") -> None:
    with open_store() as at:
        runtime, spelled = at.build_runtime(), ticket_lookup.normalise_number(number)
        changes = join(
            at.store, runtime, MergeCommand(spelled, command, result_text.find_actor(at, agent), now())
        )
        if changes is None:
            fail(missing or ticket_lookup.unknown_number_text(at, spelled))
        if isinstance(changes, Refusal):
            fail(clean(str(changes.reason), 1000))
        if in_json:
            print_json({"tickets": [result_text.decision_json(at, each.decision) for each in changes]})
            return
        for each in changes:
            result_text.print_decision(at, each.decision, acting.due_next(each.decision, runtime))
        for remark in _remarks(at, command, changes):
            echo(f"Note: {clean(remark, 600)}", fg="yellow")


def _remarks(at: OpenStore, command: commands.Join, changes: Changes) -> list[str]:
    """What the person should know who has just done this."""
    first, second = (each.decision.ticket for each in changes)
    match command:
        case commands.Merge() if changes[0].before:
            return _older(changes[0].before, second)
        case commands.Unmerge():
            return _came_meanwhile(at, merged=second.number, heir=first.number)
    return []


def _older(merged: Ticket, heir: Ticket) -> list[str]:
    if merged.status not in OUR_TURN or merged.opened_at >= heir.opened_at or heir.status in OVER:
        return []
    return [
        f"{merged.number} was the older one, and its promises end; `unmerge` it and merge {heir.number} into "
        "it to keep them"
    ]


def _came_meanwhile(at: OpenStore, *, merged: str, heir: str) -> list[str]:
    shown = at.store.read_now(lambda each: queries.messages_of(each, heir, longest=0))
    ids = [each.id for each in shown if merged in each.evidence.get("followed", ())]
    if not ids:
        return []
    moves = "; ".join(f"mailbot ticket move-message {id_} {merged}" for id_ in ids[:10])
    return [f"{len(ids)} mail(s) to {merged} came while it was merged and stay on {heir}: {moves}"]
