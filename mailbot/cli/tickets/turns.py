"""`mailbot ticket turns`: tickets of an earlier version that would be ours by the rule of now."""

from collections.abc import Iterator

import click

from mailbot.cli.shared.open_store import OpenStore, now, open_store
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_json, print_table
from mailbot.operations.former_turns import BATCH, FormerTurn, apply_turns, former_turns
from mailbot.operations.ticket_commands import operator
from mailbot.views.formats import count_text, format_duration, format_short_time
from mailbot.views.json_form import to_json

_WORDS = 60  # characters of an answer
_FIELDS = ("number", "answered_at", "words", "turn", "promised_at")


@click.command()
@click.option(
    "--apply", "applies", is_flag=True, help="Make the listed tickets ours; without it nothing changes."
)
@standard_options
def turns(applies: bool, in_json: bool) -> None:
    """List tickets that wait for their customer though their newest answer asks nothing.

    Before schema 0004 each answer gave the turn to the customer, and the promise to solve the matter stood still.
    With --apply their turn is ours, and that promise runs on from where it stopped. Nobody gets a mail.
    """
    with open_store(decides=applies) as opened:
        found = list(_find(opened))
        done = _apply(opened, found) if applies else 0
        if in_json:
            print_json(to_json(found, only=_FIELDS))
            return
        zone, at = opened.zone(), now()
        rows = [
            (
                each.number,
                format_duration(at - each.answered_at),
                each.turn.value,
                format_short_time(each.promised_at, zone) or "none",
                clean(each.words, _WORDS),
            )
            for each in found
        ]
        print_table(("number", "answered ago", "new turn", "new promise", "newest answer"), rows)
        listed = count_text(len(found), "open ticket")
        echo(f"{done:,} of {listed} changed" if applies else f"{listed} would change: --apply")


def _find(opened: OpenStore) -> Iterator[FormerTurn]:
    last, at = "", now()
    while True:
        found, last = opened.store.read_now(former_turns, last, opened.policy, at)
        yield from found
        if not last:
            return


def _apply(opened: OpenStore, found: list[FormerTurn]) -> int:
    runtime, by = opened.build_runtime(), operator()
    numbers = [each.number for each in found]
    batches = (tuple(numbers[start : start + BATCH]) for start in range(0, len(numbers), BATCH))
    return sum(apply_turns(opened.store, runtime, batch, by, now()) for batch in batches)
