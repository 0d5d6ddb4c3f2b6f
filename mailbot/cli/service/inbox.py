"""`mailbot inbox`: mail that came in and was kept. What waits, what is parked and why."""

from collections.abc import Callable

import click

from mailbot.cli.shared.json_form import inbox_json
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import (
    clean,
    clean_block,
    echo,
    format_duration,
    format_short_time,
    format_size,
    format_time,
    on_terminal,
    print_facts,
    print_json,
    print_table,
)
from mailbot.cli.shared.rows import ids_argument, print_results, write_raw_mail
from mailbot.domain.states import InboxState
from mailbot.mail.parsing.parse import parse
from mailbot.store import inbox as store_inbox
from mailbot.store import queries

LIMIT = 100  # mails in a list for people
EVERYTHING = 100_000
STATES = tuple(InboxState)
COLOURS = {InboxState.NEW: "yellow", InboxState.DONE: "green", InboxState.PARKED: "red"}


@click.group()
@config_option
def inbox() -> None:
    """Mail that came in: list, show, retry, drop."""


@inbox.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="May be given again.")
@click.option("--ticket", default="", metavar="NUMBER", help="On this ticket.")
@click.option("--limit", type=click.IntRange(1, EVERYTHING), help=f"At most so many; {LIMIT} for people.")
@config_option
@json_option
def list_(states: tuple[str, ...], ticket: str, limit: int | None, in_json: bool) -> None:
    """Mails, the newest first."""
    from mailbot.cli.shared.ticket_lookup import normalise_number

    most = limit or (EVERYTHING if in_json else LIMIT)
    number = normalise_number(ticket) if ticket else ""
    with open_store() as at:
        found = at.store.read_now(
            lambda each: queries.list_inbox(each, states=states, number=number, limit=most)
        )
        if in_json:
            print_json([inbox_json(each) for each in found])
            return
        rows = [_row(each, at.zone()) for each in found]
    heads = ("id", "state", "received", "from", "to", "size", "ticket", "reason")
    print_table(heads, rows, empty="No such mail in the inbox.", spare=("size", "to"))
    if len(found) == most and on_terminal():
        echo(f"The newest {most}; --limit shows more.", dim=True)


def _row(each: queries.InboxEntry, zone: str) -> tuple[object, ...]:
    sender, to = each.sender or "<> (null sender)", ", ".join(each.recipients)
    received = format_short_time(each.received_at, zone)
    return each.id, each.state, received, sender, to, format_size(each.size), each.ticket, each.reason


@inbox.command()
@click.argument("inbox_id", metavar="ID", type=click.IntRange(1))
@click.option("--raw", is_flag=True, help="The mail itself, byte for byte, to standard output.")
@config_option
@json_option
def show(inbox_id: int, raw: bool, in_json: bool) -> None:
    """One mail: how it came, how it reads, where it went or why it is parked."""
    with open_store() as at:
        entry = at.store.read_now(queries.find_inbox_entry, inbox_id) or fail(
            f"there is no mail {inbox_id} in the inbox"
        )
        content = at.store.read_now(queries.raw_mail, inbox_id)
        if raw:
            write_raw_mail(content, f"the bytes of mail {inbox_id} are missing")
        elif in_json:
            print_json({**inbox_json(entry), "mail": _read_shape(content)})
        else:
            _show(at, entry, content)


@inbox.command()
@click.argument("inbox_id", metavar="ID", type=click.IntRange(1))
@config_option
def raw(inbox_id: int) -> None:
    """One mail byte for byte as it came, to standard output."""
    with open_store() as at:
        write_raw_mail(
            at.store.read_now(queries.raw_mail, inbox_id), f"there is no mail {inbox_id} in the inbox"
        )


def _read_shape(content: bytes | None) -> dict[str, object] | None:
    """How the mail reads; null when its bytes are missing."""
    if content is None:
        return None
    mail = parse(content)
    names = ("sender", "sender_name", "subject", "message_id", "language", "automatic", "flags")
    shape: dict[str, object] = {name: getattr(mail, name) for name in names}
    shape["visible"] = mail.visible[:100_000]
    parts = ("name", "type", "size", "digest")
    shape["attachments"] = [{name: getattr(each, name) for name in parts} for each in mail.attachments]
    return shape


def _show(at: OpenStore, entry: queries.InboxEntry, content: bytes | None) -> None:
    echo(f"mail {entry.id}  {entry.state}", fg=COLOURS[entry.state])
    print_facts(
        [
            ("why", entry.reason),
            ("ticket", entry.ticket),
            ("received", format_time(entry.received_at, at.zone())),
            (
                "waits since",
                format_duration(now() - entry.received_at) if entry.state == InboxState.NEW else "",
            ),
            ("from (envelope)", entry.sender or "<> (null sender)"),
            ("to (envelope)", ", ".join(entry.recipients)),
            ("came from", entry.peer),
            ("size", f"{entry.size:,} bytes"),
            ("attempts", f"{entry.attempts} of {store_inbox.MAX_ATTEMPTS}" if entry.attempts else ""),
            ("fingerprint", entry.fingerprint),
        ]
    )
    if content is None:
        echo("  its bytes are missing", fg="red")
        return
    mail = parse(content)
    names = ", ".join(f"{each.name} ({each.type}, {format_size(each.size)})" for each in mail.attachments)
    remarks = ", ".join(mail.flags)
    print_facts(
        [
            *(("From", mail.sender), ("Subject", mail.subject), ("Message-ID", mail.message_id)),
            *(("automatic", mail.automatic), ("remarks", remarks), ("attached", names)),
        ]
    )
    for row in clean_block(mail.visible, 2_000).split("\n"):
        echo(f"    | {row}".rstrip())
    if entry.state == InboxState.PARKED:
        echo(f"`mailbot inbox retry {entry.id}` tries again, `mailbot inbox drop {entry.id}` gives it up.")


@inbox.command()
@ids_argument
@config_option
@json_option
def retry(ids: tuple[int, ...], in_json: bool) -> None:
    """Put parked (or dropped) mails back in line; the daemon takes them within a second."""
    with open_store() as at:
        done = [at.store.write_now(store_inbox.retry, each) for each in ids]
        print_results(_state(at), ids, done, "waits again", "is not parked", in_json)


@inbox.command()
@ids_argument
@click.option("--because", default="", help="The reason, kept with it.")
@config_option
@json_option
def drop(ids: tuple[int, ...], because: str, in_json: bool) -> None:
    """Give parked mails up. Their bytes are kept: `retry` brings them back."""
    from mailbot.operations.ticket_commands import operator

    reason = f"dropped by {operator()}" + (f": {clean(because, 300)}" if because else "")
    with open_store() as at:
        done = [at.store.write_now(store_inbox.drop, store_inbox.Dropped(each, reason)) for each in ids]
        print_results(_state(at), ids, done, "is dropped", "is not parked", in_json)


def _state(at: OpenStore) -> Callable[[int], str | None]:
    def state(mail_id: int) -> str | None:
        entry = at.store.read_now(queries.find_inbox_entry, mail_id)
        return entry.state if entry else None

    return state
