"""`mailbot explain`: why a ticket is where it is, from its events; or where a mail would go, as a dry run."""

import os
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailbot.cli.rules import trace_text
from mailbot.cli.shared import result_text, ticket_lookup
from mailbot.cli.shared.event_text import event_text
from mailbot.cli.shared.json_form import deadlines_json, events_json, match_json, ticket_json
from mailbot.cli.shared.ladder_text import print_deadlines
from mailbot.cli.shared.open_store import OpenStore, fail, open_store
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import clean, echo, format_time, print_json, print_title
from mailbot.cli.tickets.assumptions import Assumed, assuming
from mailbot.domain import ticket_number
from mailbot.domain.model import Ticket
from mailbot.store import queries, tickets
from mailbot.store.codec import match_of

if TYPE_CHECKING:
    from mailbot.analysis.as_routed import AsRouted
    from mailbot.cli.tickets.dry_run import Posted

LARGEST = 64 * 1024 * 1024  # bytes of a mail that are read


@click.command()
@click.argument("what", metavar="[MAIL.eml|-|NUMBER]", nargs=-1)
@click.option("--message", type=click.IntRange(1), metavar="ID", help="A message of a ticket, by its id.")
@click.option("--inbox", "inbox_id", type=click.IntRange(1), metavar="ID", help="A mail in the inbox.")
@click.option("--from", "sender", metavar="ADDRESS", help="Sender of the envelope; else Return-Path or From.")
@click.option(
    "--to", "recipient", metavar="ADDRESS", help="Recipient of the envelope; else the mailbox in To."
)
@click.option("--subject", metavar="TEXT", help="Of a text that has no header: it is taken as a mail's body.")
@click.option("--peer", default="", metavar="IP", help="Where it would come from: for trusted networks.")
@click.option(
    "--at",
    "moment",
    type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]),
    metavar="'2026-01-31 14:00'",
    help="When it would come in, by the clock of the first calendar; else now.",
)
@assuming
@config_option
@json_option
def explain(
    what: tuple[str, ...],
    message: int | None,
    inbox_id: int | None,
    sender: str | None,
    recipient: str | None,
    subject: str | None,
    peer: str,
    moment: datetime | None,
    in_json: bool,
    **assumed: Any,
) -> None:
    """A mail (a file, - for standard input, or one in the store): how it is read, where it belongs, each rule
    that is tried and which condition said no, then all that follows. A dry run of the daemon's own code;
    nothing is changed. A ticket: why it is where it is, from its recorded events."""
    typed = " ".join(what)
    if sum((bool(typed), message is not None, inbox_id is not None)) != 1:
        raise click.UsageError("give one of: MAIL.eml, - (standard input), NUMBER, --message ID, --inbox ID")
    given = Assumed(**assumed)
    if given and (inbox_id is not None or message is not None):
        raise click.UsageError("what is known of a customer goes with MAIL.eml or -: stored mail has its own")
    if message is not None or inbox_id is not None:
        _stored(message, inbox_id, in_json)
    elif typed == "-":
        raw = sys.stdin.buffer.read(LARGEST)
        _mail(_posted(raw, sender, recipient, peer, subject, given), moment, in_json)
    elif Path(typed).is_file():
        raw = _content(Path(typed))
        _mail(_posted(raw, sender, recipient, peer, subject, given), moment, in_json)
    elif ticket_number.normalise(typed) or "." not in typed:
        _ticket(typed, in_json)
    else:
        fail(f"there is no file {clean(typed)}, and it is no ticket number")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        fail(f"{clean(path)} can't be read: {error.strerror}")


def _posted(
    raw: bytes, sender: str | None, recipient: str | None, peer: str, subject: str | None, given: Assumed
) -> "Posted":
    from mailbot.cli.tickets.dry_run import Posted

    return Posted(raw, sender, recipient, peer, subject, assumed=given)


def _mail(posted: "Posted", moment: datetime | None, in_json: bool) -> None:
    from mailbot.cli.tickets import dry_run, explain_text
    from mailbot.domain.policy_tests import moment_of

    with dry_run.place() as at:
        if moment:
            at = replace(at, at=moment_of(moment, at.policy))
        told = dry_run.dry_run(at, posted)
        if in_json:
            print_json(explain_text.shape(told, at.policy))
        else:
            explain_text.show(told, at.policy)


def _stored(message: int | None, inbox_id: int | None, in_json: bool) -> None:
    """A mail of the store, by the policy of today, as if it came once more at the moment when it came."""
    from mailbot.cli.tickets import dry_run, explain_text

    with dry_run.place() as at:
        found = dry_run.stored(at, message, inbox_id)
        if isinstance(found, str):
            fail(found)
        told = dry_run.dry_run(*found)
        if in_json:
            print_json(explain_text.shape(told, at.policy))
        else:
            explain_text.show(told, at.policy)


# --- a ticket, from its events ------------------------------------------------------------------------------


def _ticket(typed: str, in_json: bool) -> None:
    from mailbot.analysis.as_routed import as_routed
    from mailbot.analysis.past_policies import PastPolicies

    with open_store() as at:
        found = ticket_lookup.find_ticket(at, typed)
        recorded = at.store.read_now(tickets.events_of, found.number)
        past = PastPolicies(os.environ)
        routing = at.store.read_now(as_routed, found.number, at.policy, past)
        if in_json:
            print_json(_shape(at, found, recorded, routing))
        else:
            _tell(at, found, recorded, routing)


def _shape(
    at: OpenStore, found: Ticket, recorded: list[tickets.RecordedEvent], routing: "AsRouted"
) -> dict[str, Any]:
    """`routing.rules` is empty where `routing.note` says why they can't be shown."""
    armed = at.store.read_now(queries.deadline, found.number)
    rules = trace_text.shapes(routing.tried)
    return {
        "ticket": ticket_json(found, armed),
        "events": events_json(recorded, at.zone(found.team)),
        "deadlines": deadlines_json(found, at.policy),
        "routing": {"policy": routing.policy or None, "note": routing.note or None, "rules": rules},
        "links": at.store.read_now(queries.links_of, found.number),
        "messages": _evidence(at, found),
    }


def _evidence(at: OpenStore, found: Ticket) -> list[dict[str, object]]:
    """Of each message why it is here, and what else was weighed."""
    shown = at.store.read_now(lambda each: queries.messages_of(each, found.number, longest=0))
    names = ("id", "at", "author", "direction", "home")
    return [
        {**{name: getattr(each, name) for name in names}, "evidence": match_json(match_of(each.evidence))}
        for each in shown
    ]


def _why_here(at: OpenStore, found: Ticket, zone: str) -> None:
    print_title("Why its messages are here")
    for each in at.store.read_now(lambda c: queries.messages_of(c, found.number, longest=0)):
        because, others = result_text.describe_match(each.evidence)
        echo(f"  {format_time(each.at, zone)}  {clean(each.author)} (message {each.id}): {clean(because)}")
        for other in others:
            echo(f"       weighed: {clean(other)}")
    echo()


def _tell(at: OpenStore, found: Ticket, recorded: list[tickets.RecordedEvent], routing: "AsRouted") -> None:
    zone = at.zone(found.team)
    has_it = f"{found.assignee} has it" if found.assignee else "nobody has it"
    where = f"{found.status}, team {found.team}, level {found.level}, {has_it}"
    print_title(f"{found.number}  {clean(where)}")
    for what, others in result_text.describe_links(
        at.store.read_now(queries.links_of, found.number), found.number
    ):
        echo(f"  {what} {clean(others)}")
    policy = ""
    for each in recorded:
        if each.policy != policy:
            policy = each.policy
            echo(f"  by policy {clean(policy)}:", dim=True)
        echo(f"  {each.seq:>3}  {format_time(each.event.at, zone)}  {event_text(each.event, zone)}")
    echo()
    _why_there(routing)
    _why_here(at, found, zone)
    print_deadlines(found, at.policy, zone)
    if at.policy.version != policy:
        echo(f"\nThe files hold policy {at.policy.version} by now.", dim=True)


def _why_there(routing: "AsRouted") -> None:
    """The rules as they were tried when the ticket was opened."""
    if routing.tried:
        trace_text.show(routing.tried, routing.policy, routing.rules)
    if routing.note:
        echo(f"  Note: {clean(routing.note)}.", fg="yellow")
    echo()
