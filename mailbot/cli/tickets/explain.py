"""`mailbot explain`: why a ticket is where it is, from its events; or where a mail would go, as a dry run."""

import os
import sys
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailbot.cli.rules import trace_text
from mailbot.cli.shared.open_store import OpenStore, fail, open_store
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo_wrapped, print_json
from mailbot.cli.shared.ticket_lookup import find_ticket
from mailbot.cli.tickets.assumptions import assumption_options
from mailbot.domain import ticket_number
from mailbot.domain.model import Ticket
from mailbot.store import queries
from mailbot.store.lists import ticket_list, ticket_rows
from mailbot.views.assumptions import Assumptions
from mailbot.views.event_json import deadlines_json, events_json, message_json
from mailbot.views.record_json import ticket_json

if TYPE_CHECKING:
    from mailbot.analysis.as_routed import AsRouted
    from mailbot.domain.policy import Policy
    from mailbot.views.dry_run import Context, DryRun, TrialMail

LARGEST = 64 * 1024 * 1024  # bytes of a mail that are read


class Form(Enum):
    """How much of an explanation is printed."""

    SHORT = auto()
    ALL = auto()
    JSON = auto()


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
@click.option("--all", "everything", is_flag=True, help="Each rule, condition and step.")
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
    everything: bool,
    in_json: bool,
    **assumed: Any,
) -> None:
    """Explain a ticket or a mail: why the ticket is where it is, or what would follow from the mail.

    A mail is a file, - for standard input, or one in the store. The command shows where it goes and why, which
    rules nearly matched, and what follows; with --all how it is parsed and each rule that is tested. It is a dry run
    of the daemon's own code and changes nothing. A ticket is explained from its recorded events.
    """
    typed = " ".join(what)
    if sum((bool(typed), message is not None, inbox_id is not None)) != 1:
        raise click.UsageError("give one of: MAIL.eml, - (standard input), NUMBER, --message ID, --inbox ID")
    assumptions = Assumptions(**assumed)
    form = Form.JSON if in_json else Form.ALL if everything else Form.SHORT
    if message is not None or inbox_id is not None:
        if assumptions:
            raise click.UsageError("assumptions go with MAIL.eml or -: stored mail has its own history")
        _explain_mail(None, None, message, inbox_id, form)
    elif typed == "-" or Path(typed).is_file():
        from mailbot.views.dry_run import TrialMail

        raw = sys.stdin.buffer.read(LARGEST) if typed == "-" else _content(Path(typed))
        trial = TrialMail(raw, sender, recipient, peer, subject, assumptions=assumptions)
        _explain_mail(trial, local_time, None, None, form)
    elif ticket_number.normalise(typed) or "." not in typed:
        _explain_ticket(typed, form)
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
    form: Form,
) -> None:
    """Explain `trial`, or the stored mail as if it came once more, by the policy of today."""
    from mailbot.cli.tickets import trial as trials

    with trials.open_context() as context:
        if trial is None:
            found = trials.find_stored(context, message, inbox_id)
            context, trial = fail(found) if isinstance(found, str) else found
        result = trials.run(_at(context, local_time), trial)
        if form is Form.JSON:
            from mailbot.cli.tickets.explain_json import dry_run_json

            print_json(dry_run_json(result, context.policy))
        else:
            _print_mail(result, context.policy, form)


def _print_mail(result: "DryRun", policy: "Policy", form: Form) -> None:
    from mailbot.cli.tickets.pages.explain_text import print_answer

    print_answer(result, policy)
    if form is Form.ALL:
        from mailbot.cli.tickets.pages.explain_all_text import print_all

        print_all(result, policy)
    else:
        echo_wrapped("  Nothing was changed. --all shows each rule and every step.")


def _at(context: "Context", local_time: datetime | None) -> "Context":
    from mailbot.domain.policy_review.policy_tests import moment_of

    return replace(context, at=moment_of(local_time, context.policy)) if local_time else context


# --- a ticket, from its events ------------------------------------------------------------------------------


def _explain_ticket(typed: str, form: Form) -> None:
    with open_store() as opened:
        ticket = find_ticket(opened, typed)
        if form is Form.SHORT:
            from mailbot.cli.tickets.pages.explain_ticket_text import print_ticket

            print_ticket(opened, ticket)
            return
        recorded = opened.store.read_now(ticket_rows.events_of, ticket.number)
        routing = _as_routed(opened, ticket)
        if form is Form.JSON:
            print_json(_ticket_json(opened, ticket, recorded, routing))
        else:
            from mailbot.cli.tickets.pages.explain_ticket_text import print_all

            print_all(opened, ticket, recorded, routing)


def _as_routed(opened: OpenStore, ticket: Ticket) -> "AsRouted":
    """Trace the rules by which the ticket was routed, which takes parsing its mail again."""
    from mailbot.analysis.as_routed import as_routed
    from mailbot.analysis.past_policies import PastPolicies

    past = PastPolicies(os.environ)
    return opened.store.read_now(as_routed, ticket.number, opened.with_rules(), past)


def _ticket_json(
    opened: OpenStore, ticket: Ticket, recorded: list[ticket_rows.RecordedEvent], routing: "AsRouted"
) -> dict[str, Any]:
    """Return the explanation as JSON. Where `routing.rules` is empty, `routing.note` gives the reason."""
    number, read = ticket.number, opened.store.read_now
    messages = read(lambda c: queries.messages_of(c, number, longest=0))
    rules = trace_text.rules_json(routing.tried)
    names = ("id", "at", "author", "direction", "home")
    return {
        "ticket": ticket_json(ticket, read(ticket_list.deadline, number)),
        "events": events_json(recorded, opened.zone(ticket.team)),
        "deadlines": deadlines_json(ticket, opened.policy),
        "routing": {"policy": routing.policy or None, "note": routing.note or None, "rules": rules},
        "links": read(queries.links_of, number),
        "messages": [message_json(message, *names) for message in messages],
    }
