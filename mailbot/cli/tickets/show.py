"""`mailbot ticket show, raw, list`: one ticket as a whole, lists of tickets."""

from collections.abc import Sequence

import click

from mailbot.cli.shared import options
from mailbot.cli.shared.names import Names
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import as_option, config_option, limit_option, page_option, standard_options
from mailbot.cli.shared.output import clean, print_json, print_table
from mailbot.cli.shared.rows import deleted_text, write_raw_mail
from mailbot.cli.shared.ticket_lookup import find_ticket, normalise_number, number_argument
from mailbot.cli.shared.wall_clock import WallClock
from mailbot.domain import ladder
from mailbot.domain.model import OVER, Status, Ticket
from mailbot.domain.people.identities import read_identity
from mailbot.store import queries
from mailbot.store.lists import customer_names, ticket_list
from mailbot.views.record_json import ticket_json

HEADS = ("number", "status", "promise", "priority", "team", "level", "agent", "customer", "subject")
SPARE = ("priority", "team", "level", "agent")  # left out of a narrow terminal
STATUSES = [status.value for status in Status]


@click.command()
@number_argument
@click.option("--all", "everything", is_flag=True, help="Whole messages, every event, deadlines, our mails.")
@standard_options
def show(number: tuple[str, ...], everything: bool, in_json: bool) -> None:
    """Show the ticket: what is promised, who has it and why, what happened. NUMBER in any spelling.

    --all adds whole messages with their ids, every event, all deadlines and our mails.
    """
    with open_store() as opened:
        ticket = find_ticket(opened, number)
        if in_json:
            from mailbot.views.ticket_json import whole_ticket_json

            zone = opened.zone(ticket.team)
            print_json(opened.store.read_now(whole_ticket_json, ticket, opened.policy, zone))
        elif everything:
            from mailbot.cli.tickets.pages import show_all_text

            show_all_text.show(opened, ticket)
        else:
            from mailbot.cli.tickets.pages import show_text

            show_text.show(opened, ticket)


@click.command()
@number_argument
@click.option(
    "--message",
    "message_id",
    type=click.IntRange(1),
    metavar="N",
    help="The id of a message in `ticket show`. Default: the oldest mail.",
)
@config_option
def raw(number: tuple[str, ...], message_id: int | None) -> None:
    """Write a mail on the ticket to standard output, byte for byte as it came."""
    with open_store() as opened:
        name = find_ticket(opened, number).number
        messages = opened.store.read_now(lambda c: queries.messages_of(c, name, longest=1))
        chosen = [message for message in messages if message_id in (None, message.id)]
        inbox_id = next((message.inbox_id for message in chosen if message.inbox_id is not None), None)
        if message_id and not chosen:
            fail(f"{name} has no such message")
        if inbox_id is None:
            fail(f"{name}: it did not come as mail")
        entry = opened.store.read_now(queries.find_inbox_entry, inbox_id)
        gone = deleted_text(entry.deleted_at if entry else None)
        missing = f"{name}: the bytes of this mail " + (f"were {gone}" if gone else "are missing")
        write_raw_mail(opened.store.read_now(queries.raw_mail, inbox_id), missing)


@click.command("list")
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="May be given several times."
)
@click.option("--open", "only_open", is_flag=True, help="All but the closed and merged ones.")
@click.option(
    "--automatic", is_flag=True, help="Only machines' mail that was filed, about no ticket of ours."
)
@click.option("--overdue", is_flag=True, help="Those with a deadline in the past.")
@click.option("--mine", is_flag=True, help="What is yours to do: the earliest promise first. Needs --as.")
@click.option(
    "--work", is_flag=True, help="What is to be done, by all or by --team: the earliest promise first."
)
@click.option(
    "--all", "everything", is_flag=True, help="With --mine or --work: also snoozed, or the customer's turn."
)
@click.option("--team", default="", help="Of this team.")
@click.option("--level", default="", help="At this level.")
@click.option("--priority", default="", help="low, normal, high or urgent.")
@click.option("--agent", "assignee", default="", metavar="ADDRESS", help="Assigned to this agent.")
@click.option("--customer", default="", metavar="ADDRESS", help="Of this customer, by all identities.")
@click.option("--channel", default="", help="Opened by this channel: mail, form, whatsapp, telegram.")
@click.option("--incident", default="", metavar="NUMBER", help="This incident and its complaints.")
@click.option("--legal-hold", is_flag=True, help="Only those under a legal hold.")
@as_option
@limit_option
@page_option
@standard_options
def list_(
    statuses: tuple[str, ...],
    only_open: bool,
    automatic: bool,
    overdue: bool,
    mine: bool,
    work: bool,
    everything: bool,
    team: str,
    level: str,
    priority: str,
    assignee: str,
    customer: str,
    channel: str,
    incident: str,
    legal_hold: bool,
    agent: str | None,
    limit: int | None,
    page: int,
    in_json: bool,
) -> None:
    """List tickets, the newest first; machines' mail that was filed only with --automatic.

    The complaints of an incident are listed with --incident and --customer alone.
    """
    if mine or work:
        from mailbot.cli.tickets.worklist import print_worklist

        print_worklist(agent, team, limit, mine=mine, everything=everything, in_json=in_json)
        return
    wanted = ticket_list.TicketFilter(
        statuses=_statuses(statuses, only_open=only_open, automatic=automatic),
        team=team,
        level=level,
        priority=priority,
        assignee=assignee.lower(),
        customer=read_identity(customer) or customer.lower(),
        channel=channel.lower(),
        incident=normalise_number(incident) if incident else "",
        held=legal_hold,
        folded=not (customer or incident or legal_hold),
        overdue_at=now() if overdue else None,
        limit=options.row_limit(limit, in_json),
        page=page,
    )
    _list(wanted, "there is no such ticket", in_json)


def _statuses(named: tuple[str, ...], *, only_open: bool, automatic: bool) -> Sequence[str]:
    if automatic:
        return [Status.FILED]
    if only_open:
        return [status for status in STATUSES if status not in OVER]
    return named or [status for status in STATUSES if status != Status.FILED]


def _list(wanted: ticket_list.TicketFilter, empty: str, in_json: bool) -> None:
    with open_store() as opened:
        found = opened.store.read_now(ticket_list.list_tickets, wanted)
        if in_json:
            print_json([ticket_json(listed.ticket, listed.deadline) for listed in found])
            return
        print_table(HEADS, rows(opened, found), empty=empty, spare=SPARE, limit=wanted.limit)


def rows(opened: OpenStore, found: Sequence[ticket_list.ListedTicket]) -> list[tuple[object, ...]]:
    """Return the columns of tickets in a list."""
    numbers = [listed.ticket.number for listed in found]
    names = Names(opened.policy, opened.store.read_now(customer_names.of_tickets, numbers))
    return [_row(listed.ticket, opened, names) for listed in found]


def _row(ticket: Ticket, opened: OpenStore, names: Names) -> tuple[object, ...]:
    clock = WallClock(opened.zone(ticket.team), now())
    promised_at = None if ticket.status in OVER else ladder.promised_at(ticket, opened.policy)
    return (
        ticket.number,
        ticket.status,
        clock.promise(promised_at) if promised_at else "",
        ticket.priority,
        names.label("team", ticket.team),
        names.label("level", ticket.level),
        names.of(ticket.assignee),
        names.of(ticket.customer),
        clean(ticket.subject, 60),
    )
