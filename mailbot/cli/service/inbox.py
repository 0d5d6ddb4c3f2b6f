"""`mailbot inbox`: mail that came in. What waits, what is parked and why."""

import click

from mailbot.cli.shared import options
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import because_option, config_option, limit_option, standard_options
from mailbot.cli.shared.output import clean, echo, print_block, print_facts, print_json, print_table
from mailbot.cli.shared.rows import (
    act,
    deleted_text,
    id_argument,
    ids_argument,
    parsed_mail,
    print_results,
    stuck_option,
    write_raw_mail,
)
from mailbot.domain.model import InboxState
from mailbot.store import inbox as store_inbox
from mailbot.store import queries
from mailbot.views.formats import format_duration, format_short_time, format_size, format_time
from mailbot.views.record_json import inbox_json

STATES = [state.value for state in InboxState]
NULL_SENDER = "<> (null sender)"


@click.group()
@config_option
def inbox() -> None:
    """Mail that came in: list, show, retry, drop."""


@inbox.command("list")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(STATES), help="May be given several times."
)
@click.option("--ticket", default="", metavar="NUMBER", help="On this ticket.")
@stuck_option
@limit_option
@standard_options
def list_(states: tuple[str, ...], ticket: str, stuck: bool, limit: int | None, in_json: bool) -> None:
    """List mails, the newest first."""
    from mailbot.cli.shared.ticket_lookup import normalise_number

    rows, number = options.row_limit(limit, in_json), normalise_number(ticket) if ticket else ""
    with open_store() as opened:
        mails = opened.store.read_now(
            lambda c: queries.list_inbox(c, states=states, number=number, stuck=stuck, limit=rows)
        )
        zone = opened.zone()
    if in_json:
        print_json([inbox_json(mail) for mail in mails])
        return
    print_table(
        ("id", "state", "received", "from", "to", "size", "ticket", "reason"),
        [_row(mail, zone) for mail in mails],
        empty="No such mail in the inbox.",
        spare=("size", "to"),
        limit=rows,
    )


def _row(mail: queries.InboxEntry, zone: str) -> tuple[object, ...]:
    sender, recipients = mail.sender or NULL_SENDER, ", ".join(mail.recipients)
    received = format_short_time(mail.received_at, zone)
    size = format_size(mail.size)
    return mail.id, mail.state, received, sender, recipients, size, mail.ticket, mail.reason


@inbox.command()
@id_argument
@click.option("--raw", is_flag=True, help="Write the mail to standard output, byte for byte.")
@standard_options
def show(mail_id: int, raw: bool, in_json: bool) -> None:
    """Show one mail: its envelope, its content, its ticket or why it is parked."""
    with open_store() as opened:
        entry = opened.store.read_now(queries.find_inbox_entry, mail_id) or fail(_missing(mail_id))
        content = opened.store.read_now(queries.raw_mail, mail_id)
        zone = opened.zone()
    if raw:
        write_raw_mail(content, _no_bytes(entry))
    elif in_json:
        from mailbot.cli.tickets.explain_json import mail_json

        mail = None if content is None else mail_json(parsed_mail(content), "flags")
        print_json({**inbox_json(entry), "mail": mail})
    else:
        _print(entry, content, zone)


@inbox.command()
@id_argument
@config_option
def raw(mail_id: int) -> None:
    """Write one mail to standard output, byte for byte as it came."""
    with open_store() as opened:
        entry = opened.store.read_now(queries.find_inbox_entry, mail_id) or fail(_missing(mail_id))
        write_raw_mail(opened.store.read_now(queries.raw_mail, mail_id), _no_bytes(entry))


def _missing(mail_id: int) -> str:
    return f"there is no mail {mail_id} in the inbox"


def _no_bytes(entry: queries.InboxEntry) -> str:
    return f"the bytes of mail {entry.id} {_bytes_text(entry)}"


def _bytes_text(entry: queries.InboxEntry, zone: str = "UTC") -> str:
    return f"were {deleted_text(entry.deleted_at, zone)}" if entry.deleted_at else "are missing"


def _print(entry: queries.InboxEntry, content: bytes | None, zone: str) -> None:
    echo(f"mail {entry.id}  {entry.state}", fg="red" if entry.state == InboxState.PARKED else None)
    attempts = f"{entry.attempts} of {store_inbox.MAX_ATTEMPTS}" if entry.attempts else ""
    facts = [
        ("why", entry.reason),
        ("ticket", entry.ticket),
        ("received", format_time(entry.received_at, zone)),
        ("waiting for", format_duration(now() - entry.received_at) if entry.state == InboxState.NEW else ""),
        ("from (envelope)", entry.sender or NULL_SENDER),
        ("to (envelope)", ", ".join(entry.recipients)),
        ("came from", entry.peer),
        ("size", f"{entry.size:,} bytes"),
        ("failed attempts", attempts),
        ("fingerprint", entry.fingerprint),
    ]
    print_facts(facts)
    if content is None:
        echo(f"  its bytes {_bytes_text(entry, zone)}", fg=None if entry.deleted_at else "red")
        return
    mail = parsed_mail(content)
    attachments = [f"{file.name} ({file.type}, {format_size(file.size)})" for file in mail.attachments]
    parsed = [
        ("From", mail.sender),
        ("Subject", mail.subject),
        ("Message-ID", mail.message_id),
        ("written by", f"a {mail.author}: {mail.author_reason}"),
        ("no automatic reply", mail.no_auto_reply),
        ("remarks", ", ".join(mail.flags)),
        ("attached", ", ".join(attachments)),
    ]
    print_facts(parsed)
    print_block(mail.visible, 2_000)
    if entry.state == InboxState.PARKED:
        echo(f"`mailbot inbox retry {entry.id}` tries again, `mailbot inbox drop {entry.id}` gives it up.")


@inbox.command()
@ids_argument
@standard_options
def retry(ids: tuple[int, ...], in_json: bool) -> None:
    """Process parked, dropped or stuck mails again. The daemon takes them within a second."""
    with open_store() as opened:
        done = [act(opened, "retry_inbox", mail_id) for mail_id in ids]
        find = queries.find_inbox_entry
        print_results(
            opened,
            find,
            ids,
            done,
            success="waits again",
            failure="is neither parked nor stuck",
            in_json=in_json,
        )


@inbox.command()
@ids_argument
@because_option
@standard_options
def drop(ids: tuple[int, ...], because: str, in_json: bool) -> None:
    """Give parked mails up. Their bytes are kept: `retry` brings them back."""
    with open_store() as opened:
        done = [act(opened, "drop_inbox", mail_id, clean(because, 300)) for mail_id in ids]
        find = queries.find_inbox_entry
        print_results(opened, find, ids, done, success="is dropped", failure="is not parked", in_json=in_json)
