"""`mailbot explain`: why a ticket is where it is, from its events; or where a mail would go, as a dry run."""

import os
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailbot.cli.rules import trace_text
from mailbot.cli.shared import ticket_text
from mailbot.cli.shared.event_json import deadlines_json, events_json, message_json
from mailbot.cli.shared.event_text import event_text
from mailbot.cli.shared.formats import format_time
from mailbot.cli.shared.json_form import print_json
from mailbot.cli.shared.ladder_text import print_deadlines
from mailbot.cli.shared.open_store import OpenStore, fail, open_store
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_title
from mailbot.cli.shared.record_json import ticket_json
from mailbot.cli.shared.ticket_lookup import find_ticket
from mailbot.cli.tickets.assumptions import Assumptions, assumption_options
from mailbot.domain import ticket_number
from mailbot.domain.model import Ticket
from mailbot.store import queries, tickets
from mailbot.store.lists import ticket_list

if TYPE_CHECKING:
    from mailbot.analysis.as_routed import AsRouted
    from mailbot.cli.tickets.dry_run import Context, TrialMail

LARGEST = 64 * 1024 * 1024  # bytes of a mail that are read


@click.command()
@click.argument("what", metavar="[MAIL.eml|-|NUMBER]", nargs=-1)
@click.option("--message", type=click.IntRange(1), metavar="ID", help="A message of a ticket, by its id.")
@click.option("--inbox", "inbox_id", type=click.IntRange(1), metavar="ID", help="A mail in the inbox.")
@click.option("--from", "sender", metavar="ADDRESS", help="Envelope sender. Default: Return-Path or From.")
@click.option("--to", "recipient", metavar="ADDRESS", help="Envelope recipient. Default: the mailbox in To.")
@click.option("--subject", metavar="TEXT", help="For a text without a header, which becomes a mail's body.")
@click.option("--peer", default="", metavar="IP", help="The client's address, for trusted networks.")
@click.option(
    "--at",
    "local_time",
    type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]),
    metavar="'2026-01-31 14:00'",
    help="When it would come in, by the clock of the first calendar. Default: now.",
)
@assumption_options
@standard_options
def explain(
    what: tuple[str, ...],
    message: int | None,
    inbox_id: int | None,
    sender: str | None,
    recipient: str | None,
    subject: str | None,
    peer: str,
    local_time: datetime | None,
    in_json: bool,
    **assumed: Any,
) -> None:
    """Explain a ticket or a mail: why the ticket is where it is, or what would follow from the mail.

    A mail is a file, - for standard input, or one in the store. The command shows how it is parsed, where
    it belongs, each rule that is tested, the condition that decided, and all that follows. It is a dry run
    of the daemon's own code and changes nothing. A ticket is explained from its recorded events.
    """
    typed = " ".join(what)
    if sum((bool(typed), message is not None, inbox_id is not None)) != 1:
        raise click.UsageError("give one of: MAIL.eml, - (standard input), NUMBER, --message ID, --inbox ID")
    assumptions = Assumptions(**assumed)
    if message is not None or inbox_id is not None:
        if assumptions:
            raise click.UsageError("assumptions go with MAIL.eml or -: stored mail has its own history")
        _explain_mail(None, None, message, inbox_id, in_json)
    elif typed == "-" or Path(typed).is_file():
        from mailbot.cli.tickets.dry_run import TrialMail

        raw = sys.stdin.buffer.read(LARGEST) if typed == "-" else _content(Path(typed))
        trial = TrialMail(raw, sender, recipient, peer, subject, assumptions=assumptions)
        _explain_mail(trial, local_time, None, None, in_json)
    elif ticket_number.normalise(typed) or "." not in typed:
        _explain_ticket(typed, in_json)
    else:
        fail(f"there is no file {clean(typed)}, and it is no ticket number")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        fail(f"{clean(path)} can't be read: {error.strerror}")


def _explain_mail(
    trial: "TrialMail | None",
    local_time: datetime | None,
    message: int | None,
    inbox_id: int | None,
    in_json: bool,
) -> None:
    """Explain `trial`, or the stored mail as if it came once more, by the policy of today."""
    from mailbot.cli.tickets import dry_run, explain_text

    with dry_run.open_context() as context:
        if trial is None:
            found = dry_run.find_stored(context, message, inbox_id)
            context, trial = fail(found) if isinstance(found, str) else found
        result = dry_run.dry_run(_at(context, local_time), trial)
        if in_json:
            print_json(explain_text.dry_run_json(result, context.policy))
        else:
            explain_text.print_dry_run(result, context.policy)


def _at(context: "Context", local_time: datetime | None) -> "Context":
    from mailbot.domain.policy_review.policy_tests import moment_of

    return replace(context, at=moment_of(local_time, context.policy)) if local_time else context


# --- a ticket, from its events ------------------------------------------------------------------------------


def _explain_ticket(typed: str, in_json: bool) -> None:
    from mailbot.analysis.as_routed import as_routed
    from mailbot.analysis.past_policies import PastPolicies

    with open_store() as opened:
        ticket = find_ticket(opened, typed)
        recorded = opened.store.read_now(tickets.events_of, ticket.number)
        routing = opened.store.read_now(
            as_routed, ticket.number, opened.with_rules(), PastPolicies(os.environ)
        )
        if in_json:
            print_json(_ticket_json(opened, ticket, recorded, routing))
        else:
            _print_ticket(opened, ticket, recorded, routing)


def _ticket_json(
    opened: OpenStore, ticket: Ticket, recorded: list[tickets.RecordedEvent], routing: "AsRouted"
) -> dict[str, Any]:
    """Return the explanation as JSON. Where `routing.rules` is empty, `routing.note` gives the reason."""
    number, read = ticket.number, opened.store.read_now
    rules = trace_text.rules_json(routing.tried)
    names = ("id", "at", "author", "direction", "home")
    return {
        "ticket": ticket_json(ticket, read(ticket_list.deadline, number)),
        "events": events_json(recorded, opened.zone(ticket.team)),
        "deadlines": deadlines_json(ticket, opened.policy),
        "routing": {"policy": routing.policy or None, "note": routing.note or None, "rules": rules},
        "links": read(queries.links_of, number),
        "messages": [message_json(message, *names) for message in _messages(opened, ticket)],
    }


def _messages(opened: OpenStore, ticket: Ticket) -> list[queries.MessageView]:
    return opened.store.read_now(lambda c: queries.messages_of(c, ticket.number, longest=0))


def _print_ticket(
    opened: OpenStore, ticket: Ticket, recorded: list[tickets.RecordedEvent], routing: "AsRouted"
) -> None:
    zone = opened.zone(ticket.team)
    assignee = f"assigned to {ticket.assignee}" if ticket.assignee else "assigned to no agent"
    cause = f", cause {ticket.cause}" if ticket.cause else ""
    rating = f", rated {ticket.satisfaction} of 5" if ticket.satisfaction else ""
    place = f"{ticket.status}, team {ticket.team}, level {ticket.level}, {assignee}{cause}{rating}"
    print_title(f"{ticket.number}  {clean(place)}")
    links = opened.store.read_now(queries.links_of, ticket.number)
    for relation, others in ticket_text.describe_links(links, ticket.number):
        echo(f"  {relation} {clean(others)}")
    policy = ""
    for row in recorded:
        if row.policy != policy:
            policy = row.policy
            echo(f"  by policy {clean(policy)}:", dim=True)
        echo(f"  {row.seq:>3}  {format_time(row.event.at, zone)}  {event_text(row.event, zone)}")
    echo()
    if routing.tried:
        trace_text.print_rules(routing.tried, routing.policy, routing.rules)
    if routing.note:
        echo(f"  Note: {clean(routing.note)}.", fg="yellow")
    echo()
    _print_matches(_messages(opened, ticket), zone)
    print_deadlines(ticket, opened.policy, zone)
    if opened.policy.version != policy:
        echo(f"\nThe files now hold policy {opened.policy.version}.", dim=True)


def _print_matches(messages: list[queries.MessageView], zone: str) -> None:
    print_title("Why its messages are here")
    for message in messages:
        because, others = ticket_text.describe_match(message.evidence)
        author = f"{clean(message.author)} (message {message.id})"
        echo(f"  {format_time(message.at, zone)}  {author}: {clean(because)}")
        for other in others:
            echo(f"       weighed: {clean(other)}")
    echo()
