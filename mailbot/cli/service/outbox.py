"""`mailbot outbox`: mail that we owe. What waits, what failed and why, what was never sent."""

from collections.abc import Callable

import click

from mailbot.cli.shared.json_form import outbox_json
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import (
    clean,
    clean_block,
    echo,
    format_short_time,
    format_time,
    on_terminal,
    print_facts,
    print_json,
    print_table,
    print_title,
)
from mailbot.cli.shared.rows import ids_argument, print_results, write_raw_mail
from mailbot.domain import reasons
from mailbot.domain.states import UNDER_WAY, WAITING, OutboxState
from mailbot.mail.parsing.parse import parse
from mailbot.store import outbox as store_outbox
from mailbot.store import outbox_queries, queries

LIMIT = 100  # mails in a list for people
EVERYTHING = 100_000
STATES = tuple(OutboxState)


@click.group()
@config_option
def outbox() -> None:
    """Mail that we owe: list, show, retry, drop."""


@outbox.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="May be given again.")
@click.option("--waiting", is_flag=True, help="What is not settled: due, deferred, sending, dot.")
@click.option("--ticket", default="", metavar="NUMBER", help="Of this ticket.")
@click.option("--limit", type=click.IntRange(1, EVERYTHING), help=f"At most so many; {LIMIT} for people.")
@config_option
@json_option
def list_(states: tuple[str, ...], waiting: bool, ticket: str, limit: int | None, in_json: bool) -> None:
    """Mails, the newest first."""
    from mailbot.cli.shared.ticket_lookup import normalise_number

    most = limit or (EVERYTHING if in_json else LIMIT)
    wanted = (*states, *WAITING, *UNDER_WAY) if waiting else states
    number = normalise_number(ticket) if ticket else ""
    with open_store() as at:
        found = at.store.read_now(
            lambda each: outbox_queries.list_entries(each, states=wanted, ticket=number, limit=most)
        )
        if in_json:
            print_json([outbox_json(each) for each in found])
            return
        rows = [_row(each, at.zone()) for each in found]
    heads = ("id", "ticket", "kind", "to", "state", "tries", "unknown", "when", "why")
    print_table(heads, rows, empty="No such mail in the outbox.", spare=("tries", "unknown"))
    if len(found) == most and on_terminal():
        echo(f"The newest {most}; --limit shows more.", dim=True)


def _row(each: outbox_queries.Entry, zone: str) -> tuple[object, ...]:
    moment = format_short_time(each.settled_at or each.due_at, zone)
    why = each.reason or (f"{each.code or ''} {each.reply}" if each.reply else "")
    unknown = each.unknown or ""
    return each.id, each.ticket, each.kind, each.recipient, each.state, each.attempts, unknown, moment, why


@outbox.command()
@click.argument("outbox_id", metavar="ID", type=click.IntRange(1))
@click.option("--raw", is_flag=True, help="The mail itself, byte for byte, to standard output.")
@config_option
@json_option
def show(outbox_id: int, raw: bool, in_json: bool) -> None:
    """One mail: its state, every attempt with the relay's answer, what it says."""
    with open_store() as at:
        entry = at.store.read_now(outbox_queries.find_entry, outbox_id)
        if entry is None:
            fail(f"there is no mail {outbox_id} in the outbox")
        content = at.store.read_now(queries.frozen_mail, outbox_id)
        tries = at.store.read_now(outbox_queries.attempts_of, outbox_id)
        if raw:
            write_raw_mail(content, f"mail {outbox_id} was never written: it was suppressed")
        elif in_json:
            subject = parse(content).subject if content else None
            print_json({**outbox_json(entry), "subject": subject, "tries": tries})
        else:
            _show(at, entry, content, tries)


def _show(
    at: OpenStore, entry: outbox_queries.Entry, content: bytes | None, tries: list[outbox_queries.Attempt]
) -> None:
    zone = at.zone()
    echo(f"mail {entry.id}  {entry.state}  {entry.kind} to {clean(entry.recipient)}")
    print_facts(
        [
            ("ticket", entry.ticket),
            ("why", entry.reason),
            ("owed since", format_time(entry.requested_at, zone)),
            ("next try", format_time(entry.due_at, zone) if entry.state in WAITING else ""),
            ("settled", format_time(entry.settled_at, zone)),
            ("last answer", f"{entry.code or ''} {entry.reply}" if entry.reply else ""),
            (
                "unknown",
                f"{entry.unknown} (the connection died after the final dot)" if entry.unknown else "",
            ),
            ("Message-ID", entry.message_id),
        ]
    )
    if tries:
        print_title("Attempts")
        rows = [
            (format_time(each.at, zone), each.outcome, each.code, each.reply, each.node) for each in tries
        ]
        print_table(("at", "outcome", "code", "answer", "node"), rows)
    if content:
        mail = parse(content)
        print_title(clean(mail.subject))
        for row in clean_block(mail.text, 4_000).split("\n"):
            echo(f"    | {row}".rstrip())
    if entry.state in (OutboxState.FAILED, OutboxState.DEFERRED):
        echo(f"`mailbot outbox retry {entry.id}` tries now, `mailbot outbox drop {entry.id}` gives it up.")


@outbox.command()
@ids_argument
@config_option
@json_option
def retry(ids: tuple[int, ...], in_json: bool) -> None:
    """Try failed and deferred mails now, as if for the first time."""
    with open_store() as at:
        done = [at.store.write_now(store_outbox.retry, store_outbox.Retry(each, now())) for each in ids]
        print_results(_state(at), ids, done, "is due now", "has neither failed nor been put off", in_json)


@outbox.command()
@ids_argument
@click.option("--because", default="", help="The reason, kept with it.")
@config_option
@json_option
def drop(ids: tuple[int, ...], because: str, in_json: bool) -> None:
    """Never send these mails: they count as suppressed, with the reason."""
    from mailbot.operations.ticket_commands import operator

    actor = str(operator())
    reason = reasons.of("dropped", actor=actor)
    if because:
        reason = reasons.of("dropped_because", actor=actor, text=clean(because, 150))
    with open_store() as at:
        done = [
            at.store.write_now(store_outbox.drop, store_outbox.Dropped(each, reason, now())) for each in ids
        ]
        print_results(_state(at), ids, done, "will not be sent", "can't be dropped", in_json)


def _state(at: OpenStore) -> Callable[[int], str | None]:
    def state(mail_id: int) -> str | None:
        entry = at.store.read_now(outbox_queries.find_entry, mail_id)
        return entry.state if entry else None

    return state
