"""`explain NUMBER` for people: why a ticket is where it is, from its recorded events."""

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from mailbot.cli.rules import trace_text
from mailbot.cli.shared import ticket_text
from mailbot.cli.shared.deadlines_text import print_deadlines
from mailbot.cli.shared.open_store import OpenStore
from mailbot.cli.shared.output import FACT, clean, echo, echo_wrapped, print_facts, print_title
from mailbot.cli.shared.wall_clock import Line
from mailbot.cli.tickets.pages.show_text import TicketPage
from mailbot.cli.tickets.pages.timeline import assignment, sentence
from mailbot.domain import events as e
from mailbot.domain.model import Ticket
from mailbot.store import queries
from mailbot.store.lists.ticket_rows import RecordedEvent

if TYPE_CHECKING:
    from mailbot.analysis.as_routed import AsRouted


def print_ticket(opened: OpenStore, ticket: Ticket) -> None:
    """Print where the ticket is and why, then each step of its way."""
    page = TicketPage(opened, ticket)
    _print_answer(page)
    page.print_timeline(explains=True)
    page.print_hint("each rule and condition, every event and all deadlines")


def _print_answer(page: TicketPage) -> None:
    ticket, names = page.ticket, page.names
    owner = names.of(ticket.assignee) or "no owner"
    category = names.label("category", ticket.category)
    title = f"{category} -> {names.place(ticket)}, {owner}, {ticket.priority} priority"
    echo_wrapped(f"{ticket.number}  {title}", len(ticket.number) + 2, bold=True)
    links = page.opened.store.read_now(queries.links_of, ticket.number)
    facts = [
        ("status", page.status()),
        ("reason", page.reason()),
        *(("also", text) for text in _also(page)),
        ("owner", _owner(page)),
        *ticket_text.describe_links(links, ticket.number),
        ("promise", page.promise()),
        ("next step", page.next_step()),
    ]
    print_facts(facts, red={"promise"} if page.is_late() else ())


def _also(page: TicketPage) -> list[str]:
    routed = page.routed()
    return [f'rule "{page.names.label("rule", name)}"' for name in routed.also] if routed else []


def _owner(page: TicketPage) -> str:
    assigned = [event for event in page.events if isinstance(event, e.TicketAssigned)]
    if not assigned or assigned[-1].assignee != page.ticket.assignee or not assigned[-1].reason:
        return ""
    return page.names.in_text(f"{assigned[-1].assignee}: {assignment(assigned[-1].reason)}")


def print_all(opened: OpenStore, ticket: Ticket, recorded: list[RecordedEvent], routing: "AsRouted") -> None:
    """Print the same with every event, rule, message and deadline."""
    page = TicketPage(opened, ticket)
    _print_answer(page)
    for policy, rows in groupby(recorded, key=attrgetter("policy")):
        echo(f"  by policy {clean(policy)}:")
        page.clock.print([Line(row.event.at, _event_text(row, page)) for row in rows])
    echo()
    if routing.tried:
        trace_text.print_rules(routing.tried, routing.policy, routing.rules)
    if routing.note:
        echo_wrapped(f"  Note: {clean(routing.note)}.")
    echo()
    _print_matches(page)
    print_deadlines(ticket, opened.policy, page.clock.zone)
    if opened.policy.version != recorded[-1].policy:
        echo(f"\nThe files now hold policy {opened.policy.version}.")


def _print_matches(page: TicketPage) -> None:
    print_title("Why its messages are here")
    page.clock.print([Line(message.at, _match_text(message, page)) for message in page.messages])
    echo()


def _event_text(row: RecordedEvent, page: TicketPage) -> str:
    return f"{row.seq:>3}  {sentence(row.event, page.names, page.clock.zone)}"


def _match_text(message: queries.MessageView, page: TicketPage) -> str:
    because, others = ticket_text.describe_match(message.evidence)
    weighed = f"; weighed: {'; '.join(others)}" if others else ""
    return clean(f"{page.names.of(message.author)} (message {message.id}): {because}{weighed}", FACT)
