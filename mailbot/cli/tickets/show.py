"""`mailbot ticket show, raw, list, search`: the case at once, lists."""

import click

from mailbot.cli.service.ledger_text import line_shape
from mailbot.cli.shared import ticket_lookup
from mailbot.cli.shared.json_form import deadlines_json, events_json, outbox_json, ticket_json
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import clean, echo, on_terminal, print_json, print_table
from mailbot.cli.shared.rows import write_raw_mail
from mailbot.cli.tickets import show_text
from mailbot.domain.model import OVER, Status, Ticket
from mailbot.store import compensations, queries, tickets

LIMIT = 100  # tickets in a list for people
EVERYTHING = 100_000
STATUSES = [status.value for status in Status]

number_argument = click.argument("number", nargs=-1, required=True)


@click.command()
@number_argument
@config_option
@json_option
def show(number: tuple[str, ...], in_json: bool) -> None:
    """The case at once: facts, messages, what happened, what comes due. NUMBER in any spelling."""
    with open_store() as at:
        found = ticket_lookup.find_ticket(at, number)
        _show_json(at, found) if in_json else show_text.show(at, found)


def _show_json(at: OpenStore, found: Ticket) -> None:
    number, read = found.number, at.store.read_now
    print_json(
        {
            **ticket_json(found, read(queries.deadline, number)),
            "participants": read(queries.participants_of, number),
            "links": read(queries.links_of, number),
            "messages": read(lambda each: queries.messages_of(each, number, longest=1_000_000)),
            "events": events_json(read(tickets.events_of, number), at.zone(found.team)),
            "deadlines": deadlines_json(found, at.policy),
            "compensation": [line_shape(each) for each in read(compensations.of_ticket, number)],
            "outbox": [outbox_json(each) for each in show_text.mails_of(at, number)],
        }
    )


@click.command()
@number_argument
@click.option(
    "--message",
    "wanted",
    type=click.IntRange(1),
    metavar="N",
    help="Which one, as `ticket show` numbers them; else the oldest mail.",
)
@config_option
def raw(number: tuple[str, ...], wanted: int | None) -> None:
    """A mail on the ticket byte for byte as it came, to standard output."""
    with open_store() as at:
        name = ticket_lookup.find_ticket(at, number).number
        messages = at.store.read_now(lambda each: queries.messages_of(each, name, longest=1))
        chosen = [each for each in messages if wanted in (None, each.id)]
        inbox_id = next((each.inbox_id for each in chosen if each.inbox_id is not None), None)
        if inbox_id is None:
            fail(
                f"{name} has no such message" if wanted and not chosen else f"{name}: it did not come as mail"
            )
        write_raw_mail(at.store.read_now(queries.raw_mail, inbox_id), "its bytes are missing")


@click.command("list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(STATUSES),
    help="May be given again.",
)
@click.option("--open", "only_open", is_flag=True, help="All but the closed and merged ones.")
@click.option("--overdue", is_flag=True, help="Those whose deadline has come and was not taken.")
@click.option("--team", default="", help="Of this team.")
@click.option("--level", default="", help="At this level.")
@click.option("--priority", default="", help="low, normal, high or urgent.")
@click.option("--agent", default="", metavar="ADDRESS", help="Whom this agent has.")
@click.option("--customer", default="", metavar="ADDRESS", help="Of this customer.")
@click.option("--limit", type=click.IntRange(1, EVERYTHING), help=f"At most so many; {LIMIT} for people.")
@config_option
@json_option
def list_(
    statuses: tuple[str, ...],
    only_open: bool,
    overdue: bool,
    team: str,
    level: str,
    priority: str,
    agent: str,
    customer: str,
    limit: int | None,
    in_json: bool,
) -> None:
    """Tickets, the newest first."""
    live = [status for status in STATUSES if status not in OVER]
    wanted = queries.TicketFilter(
        statuses=live if only_open else statuses,
        team=team,
        level=level,
        priority=priority,
        assignee=agent.lower(),
        customer=customer.lower(),
        overdue_at=now() if overdue else None,
        limit=limit or (EVERYTHING if in_json else LIMIT),
    )
    with open_store() as at:
        _list(at, wanted, "there is no such ticket", in_json)


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, EVERYTHING), help=f"At most so many; {LIMIT} for people.")
@config_option
@json_option
def search(words: tuple[str, ...], limit: int | None, in_json: bool) -> None:
    """Tickets on which every one of WORDS stands: in number, customer, subject or any message."""
    each = tuple(word for words_ in words for word in clean(words_).split())[:20]
    if not each:
        raise click.UsageError("give at least one word to look for")
    with open_store() as at:
        wanted = queries.TicketFilter(words=each, limit=limit or (EVERYTHING if in_json else LIMIT))
        found = _list(at, wanted, f"no ticket says {clean(' '.join(each))!r}", in_json)
    if not found:
        raise click.exceptions.Exit(1)


def _list(at: OpenStore, wanted: queries.TicketFilter, empty: str, in_json: bool) -> int:
    found = at.store.read_now(queries.list_tickets, wanted)
    if in_json:
        print_json([ticket_json(each.ticket, each.deadline) for each in found])
        return len(found)
    zone = at.zone()
    heads = ("number", "status", "priority", "team", "level", "agent", "due", "customer", "subject")
    print_table(
        heads,
        [show_text.row(each, zone) for each in found],
        empty=empty,
        spare=("priority", "level", "agent"),
    )
    if len(found) == wanted.limit and on_terminal():
        echo(f"The newest {len(found)}; --limit shows more.", dim=True)
    return len(found)
