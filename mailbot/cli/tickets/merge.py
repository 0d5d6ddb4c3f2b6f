"""`mailbot ticket move-message, merge, unmerge, split, accept, reject`: put mail on the right ticket."""

import click

from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.complete_stored import complete_number
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.output import clean, echo, print_json
from mailbot.cli.shared.ticket_lookup import normalise_number
from mailbot.cli.tickets.act import acting_options
from mailbot.cli.tickets.carry_out import carry_out_act
from mailbot.domain import commands
from mailbot.domain.commands.grammar import Act
from mailbot.domain.merging.operations import Changes
from mailbot.domain.merging.rebuild import OUR_TURN
from mailbot.domain.model import OVER, Ticket
from mailbot.domain.reasons import Refusal
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.operations.ticket_commands import due_next
from mailbot.store import queries

customer_option = click.option(
    "--other-customer",
    is_flag=True,
    help="Do it even for another customer's ticket. Agents then read both as one matter, and every answer "
    "goes to the customer of the target ticket: the words of one can reach the other.",
)


@click.command("move-message")
@click.argument("message", type=click.IntRange(1), metavar="MESSAGE_ID")
@click.argument("number", shell_complete=complete_number)
@customer_option
@acting_options
def move_message(message: int, number: str, other_customer: bool, agent: str | None, in_json: bool) -> None:
    """Move a message to ticket NUMBER. `ticket show` lists the ids. Undo: move it back.

    The turn and the clocks of both tickets follow from the messages that they have then.
    """
    command = commands.MoveMessage(message, normalise_number(number), other_customer)
    _join("", command, agent, in_json, missing=f"there is no message {message} on any ticket")


@click.command()
@click.argument("number", shell_complete=complete_number, metavar="FROM")
@click.argument("into", shell_complete=complete_number)
@customer_option
@acting_options
def merge(number: str, into: str, other_customer: bool, agent: str | None, in_json: bool) -> None:
    """Merge ticket FROM into ticket INTO, which keeps its own clocks. Undo: `unmerge FROM`.

    The messages of FROM move to INTO, its clocks end, and later mail to FROM goes to INTO. To merge a ticket
    into the one it was split from undoes the split.
    """
    _join(number, commands.Merge(normalise_number(into), other_customer), agent, in_json)


@click.command()
@click.argument("number", shell_complete=complete_number)
@acting_options
def unmerge(number: str, agent: str | None, in_json: bool) -> None:
    """Make a merged ticket a separate one again, with the messages it brought.

    Its clocks run from its own opening, as if it had never been merged.
    """
    _join(number, commands.Unmerge(), agent, in_json)


@click.command()
@click.argument("number", shell_complete=complete_number)
@click.argument("messages", type=click.IntRange(1), nargs=-1, required=True, metavar="MESSAGE_ID...")
@acting_options
def split(number: str, messages: tuple[int, ...], agent: str | None, in_json: bool) -> None:
    """Split messages off ticket NUMBER into a new ticket, whose clocks run from the first of them.

    Undo: merge the new ticket into NUMBER.
    """
    _join(number, commands.Split(messages), agent, in_json)


@click.command()
@click.argument("number", shell_complete=complete_number)
@acting_options
def accept(number: str, agent: str | None, in_json: bool) -> None:
    """Accept the claim of ticket NUMBER: merge it into the ticket that it names.

    Its sender becomes a participant there: answers go to that ticket's customer with a copy to the sender.
    Undo: `unmerge`.
    """
    _join(number, commands.Accept(), agent, in_json)


@click.command()
@click.argument("number", shell_complete=complete_number)
@acting_options
def reject(number: str, agent: str | None, in_json: bool) -> None:
    """Reject the claim of a held ticket: it stays separate, its clocks start, its sender gets no mail."""
    carry_out_act(number, Act((commands.Reject(),)), agent, in_json=in_json)


def _join(number: str, command: commands.Join, agent: str | None, in_json: bool, missing: str = "") -> None:
    with open_store(decides=True) as opened:
        runtime, number = opened.build_runtime(), normalise_number(number)
        request = MergeCommand(number, command, result_text.find_actor(opened, agent), now())
        changes = join(opened.store, runtime, request)
        if changes is None:
            fail(missing or ticket_lookup.unknown_number_text(opened, number))
        if isinstance(changes, Refusal):
            fail(clean(str(changes.reason), 1000))
        if in_json:
            tickets = [result_text.decision_json(opened, change.decision) for change in changes]
            print_json({"tickets": tickets})
            return
        for change in changes:
            result_text.print_decision(opened, change.decision, due_next(change.decision, runtime))
        for remark in _remarks(opened, command, changes):
            echo(f"Note: {clean(remark, 600)}")


def _remarks(opened: OpenStore, command: commands.Join, changes: Changes) -> list[str]:
    """List what the person should know after this command."""
    first, second = (change.decision.ticket for change in changes)
    match command:
        case commands.Merge() if changes[0].before:
            return _warn_older(changes[0].before, second)
        case commands.Unmerge():
            return _list_later_mail(opened, merged=second.number, target=first.number)
    return []


def _warn_older(merged: Ticket, target: Ticket) -> list[str]:
    if merged.status not in OUR_TURN or merged.opened_at >= target.opened_at or target.status in OVER:
        return []
    return [
        f"{merged.number} was the older one, and its deadlines end. To keep them, `unmerge` it and merge "
        f"{target.number} into it"
    ]


def _list_later_mail(opened: OpenStore, *, merged: str, target: str) -> list[str]:
    """Name the messages that came to a ticket while it was merged: they stay on the target."""
    messages = opened.store.read_now(lambda c: queries.messages_of(c, target, longest=0))
    ids = [message.id for message in messages if merged in message.evidence.get("followed", ())]
    if not ids:
        return []
    moves = "; ".join(f"mailbot ticket move-message {message_id} {merged}" for message_id in ids[:10])
    return [f"{len(ids)} mail(s) to {merged} came while it was merged and stay on {target}: {moves}"]
