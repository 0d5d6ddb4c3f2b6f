"""`mailbot outbox`: mail that mailbot sends. What waits, what failed and why, what was suppressed."""

from collections.abc import Sequence
from datetime import datetime

import click

from mailbot.cli.shared import options
from mailbot.cli.shared.complete_stored import complete_mail_id
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import (
    because_option,
    config_option,
    limit_option,
    parse_time,
    standard_options,
)
from mailbot.cli.shared.output import (
    clean,
    echo,
    print_block,
    print_facts,
    print_json,
    print_table,
    print_title,
)
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
from mailbot.domain.model import UNDER_WAY_STATES, WAITING_STATES, OutboxState
from mailbot.operations import daemons
from mailbot.store import outbox_queries, queries
from mailbot.views.formats import count_text, format_short_time, format_time
from mailbot.views.record_json import outbox_json

STATES = [state.value for state in OutboxState]
UNFINISHED = (*WAITING_STATES, *UNDER_WAY_STATES)


@click.group()
@config_option
def outbox() -> None:
    """Mail that mailbot sends: list, show, retry, drop."""


@outbox.command("list")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(STATES), help="May be given several times."
)
@click.option("--waiting", is_flag=True, help=f"Those without an outcome: {', '.join(UNFINISHED)}.")
@click.option("--ticket", default="", metavar="NUMBER", help="Of this ticket.")
@stuck_option
@limit_option
@standard_options
def list_(
    states: tuple[str, ...], waiting: bool, ticket: str, stuck: bool, limit: int | None, in_json: bool
) -> None:
    """List mails, the newest first."""
    from mailbot.cli.shared.ticket_lookup import normalise_number

    rows, number = options.row_limit(limit, in_json), normalise_number(ticket) if ticket else ""
    states = (*states, *UNFINISHED) if waiting else states
    with open_store() as opened:
        mails = opened.store.read_now(
            lambda c: outbox_queries.list_entries(c, states=states, ticket=number, stuck=stuck, limit=rows)
        )
        zone = opened.zone()
    if in_json:
        print_json([outbox_json(mail) for mail in mails])
        return
    print_table(
        ("id", "ticket", "kind", "to", "state", "tries", "unknown", "when", "why"),
        [_row(mail, zone) for mail in mails],
        empty="No such mail in the outbox.",
        spare=("tries", "unknown"),
        limit=rows,
    )


def _row(mail: outbox_queries.Entry, zone: str) -> tuple[object, ...]:
    at = format_short_time(mail.settled_at or mail.due_at, zone)
    attempts = (mail.attempts, mail.unknown or "")
    return (
        mail.id,
        mail.ticket,
        mail.kind,
        mail.recipient,
        mail.state,
        *attempts,
        at,
        str(mail.reason) or ("its agent can take it back" if mail.undo_until else _answer(mail)),
    )


def _answer(mail: outbox_queries.Entry) -> str:
    return f"{mail.code or ''} {mail.reply}" if mail.reply else ""


@outbox.command()
@id_argument
@click.option("--raw", is_flag=True, help="Write the mail to standard output, byte for byte.")
@standard_options
def show(mail_id: int, raw: bool, in_json: bool) -> None:
    """Show one mail: its state, every attempt with the relay's answer, its text."""
    with open_store() as opened:
        entry = opened.store.read_now(outbox_queries.find_entry, mail_id)
        if entry is None:
            fail(f"there is no mail {mail_id} in the outbox")
        content = opened.store.read_now(queries.frozen_mail, mail_id)
        attempts = opened.store.read_now(outbox_queries.attempts_of, mail_id)
        zone = opened.zone()
    if raw:
        gone = deleted_text(entry.deleted_at)
        never = f"mail {mail_id} was never composed: it was suppressed"
        write_raw_mail(content, f"the bytes of mail {mail_id} were {gone}" if gone else never)
    elif in_json:
        subject = parsed_mail(content).subject if content else None
        print_json({**outbox_json(entry), "subject": subject, "tries": attempts})
    else:
        _print(entry, content, attempts, zone)


def _print(
    entry: outbox_queries.Entry, content: bytes | None, attempts: Sequence[outbox_queries.Attempt], zone: str
) -> None:
    echo(f"mail {entry.id}  {entry.state}  {entry.kind} to {clean(entry.recipient)}")
    unknown = f"{entry.unknown} (the connection died after the final dot)" if entry.unknown else ""
    facts = [
        ("ticket", entry.ticket),
        ("why", entry.reason),
        ("enqueued", format_time(entry.requested_at, zone)),
        ("can be taken back until", format_time(entry.undo_until, zone)),
        ("next try", format_time(entry.due_at, zone) if entry.state in WAITING_STATES else ""),
        ("settled", format_time(entry.settled_at, zone)),
        ("last answer", _answer(entry)),
        ("unknown", unknown),
        ("Message-ID", entry.message_id),
        ("its bytes", deleted_text(entry.deleted_at, zone)),
    ]
    print_facts(facts)
    if attempts:
        print_title("Attempts")
        rows = [(format_time(a.at, zone), a.outcome, a.code, a.reply, a.node) for a in attempts]
        print_table(("at", "outcome", "code", "answer", "node"), rows)
    if content:
        mail = parsed_mail(content)
        print_title(clean(mail.subject))
        print_block(mail.text, 4_000)
    if entry.state in (OutboxState.FAILED, OutboxState.DEFERRED):
        echo(f"`mailbot outbox retry {entry.id}` tries now, `mailbot outbox drop {entry.id}` gives it up.")


@outbox.command()
@click.argument("ids", metavar="[ID...]", type=click.IntRange(1), nargs=-1, shell_complete=complete_mail_id)
@click.option(
    "--failed", is_flag=True, help="All that failed since TIME, as after a relay that refused everybody."
)
@click.option("--since", metavar="TIME", help="For --failed: a span, a date, or a date with a time.")
@click.option("--domain", default="", help="For --failed: only to recipients of this domain.")
@click.option("--dry-run", is_flag=True, help="For --failed: only count them.")
@standard_options
def retry(
    ids: tuple[int, ...], failed: bool, since: str | None, domain: str, dry_run: bool, in_json: bool
) -> None:
    """Try failed and deferred mails now, as if for the first time. Stuck ones come free.

    With --failed, the recipients also get automatic mail again, where its failure had ended that.
    """
    if failed != bool(since) or failed == bool(ids) or ((domain or dry_run) and not failed):
        raise click.UsageError("give IDs, or --failed with --since TIME")
    with open_store() as opened:
        if since:
            return _retry_failed(opened, parse_time(since, now(), opened.zone()), domain, dry_run, in_json)
        done = [act(opened, "retry_outbox", mail_id) for mail_id in ids]
        daemons.wake(opened.store)
        print_results(
            opened,
            outbox_queries.find_entry,
            ids,
            done,
            success="is due now",
            failure="is neither failed, deferred nor stuck",
            in_json=in_json,
        )
    return None


def _retry_failed(opened: OpenStore, since: datetime, domain: str, dry_run: bool, in_json: bool) -> None:
    from mailbot.store import outbox as store_outbox

    wanted = store_outbox.RetryFailed(since, domain.lower(), now(), only_count=dry_run)
    count, lifted = opened.store.write_now(store_outbox.retry_failed, wanted)
    daemons.wake(opened.store)
    if in_json:
        print_json({"retried": 0 if dry_run else count, "found": count, "suppressions_lifted": lifted})
        return
    echo(f"{count_text(count, 'mail')} {'would be' if dry_run else 'is' if count == 1 else 'are'} due now")
    if lifted:
        echo(f"{count_text(lifted, 'address')} can get automatic mail again")


@outbox.command()
@ids_argument
@because_option
@standard_options
def drop(ids: tuple[int, ...], because: str, in_json: bool) -> None:
    """Never send these mails: they are suppressed, with the reason."""
    with open_store() as opened:
        done = [act(opened, "drop_outbox", mail_id, clean(because, 150)) for mail_id in ids]
        find = outbox_queries.find_entry
        print_results(
            opened, find, ids, done, success="will not be sent", failure="can't be dropped", in_json=in_json
        )
