"""Load what a ticket's page shows in one read. Each query goes by an index, however many tickets there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from mailbot.domain import events as e
from mailbot.domain.model import Ticket
from mailbot.domain.people.context import File
from mailbot.store import compensations, conversation, incidents, outbox_queries, queries
from mailbot.store.lists import dialogue, ticket_list, ticket_rows
from mailbot.store.lists.dialogue import PageMessage
from mailbot.store.retention import legal_holds

if TYPE_CHECKING:
    from mailbot.store.lists.ticket_list import TicketDeadline

E = TypeVar("E", bound=e.Recorded)

NEWEST = 30  # messages on a page
MAILS = 300  # newest of our mails that are looked at
OTHERS = 10  # tickets of the same customer
# Events that decide where the ticket is, and why.
_DECISIVE = (e.TicketRouted, e.TicketAssigned, e.TicketEscalated, e.TicketHandedOver, e.TicketClosed)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """`messages`: newest first; `older`: there are more. `files`: of all messages. `mails`: our own, newest first.

    `held`: which mails of agents were kept back.
    """

    messages: Sequence[PageMessage] = ()
    older: bool = False
    files: Sequence[File] = ()
    mails: Sequence[outbox_queries.Entry] = ()
    held: Sequence[e.AgentMailHeld] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts beside the dialogue. `near`: tickets that this one is linked to, by number."""

    decisive: Sequence[e.Event]
    people: Sequence[queries.Participant]
    links: Sequence[queries.Link]
    near: dict[str, Ticket] = field(default_factory=dict)
    others: Sequence[Ticket] = ()
    lines: Sequence[compensations.Line] = ()
    hold: legal_holds.LegalHold | None = None
    complaints: int = 0
    deadline: "TicketDeadline | None" = None

    def last(self, kind: type[E]) -> E | None:
        """Return the newest event of a kind."""
        return next((event for event in reversed(self.decisive) if isinstance(event, kind)), None)


def load_dialogue(connection: Connection, ticket: Ticket, before: int | None) -> Dialogue:
    """Load the newest messages, or those before the message `before`."""
    found = dialogue.newest(connection, ticket.number, NEWEST + 1, before)
    return dialogue_of(connection, ticket.number, found[:NEWEST], older=len(found) > NEWEST)


def dialogue_of(
    connection: Connection, number: str, messages: Sequence[PageMessage], *, older: bool = False
) -> Dialogue:
    """Load what belongs to these messages of a ticket."""
    return Dialogue(
        messages,
        older,
        conversation.files_of(connection, [number]).get(number, []),
        outbox_queries.list_entries(connection, ticket=number, limit=MAILS),
        dialogue.events_of_kinds(connection, number, e.AgentMailHeld),
    )


def load_facts(connection: Connection, ticket: Ticket) -> Facts:
    number = ticket.number
    links = queries.links_of(connection, number)
    near = {link.other if link.ticket == number else link.ticket for link in links}
    near |= {ticket.incident} - {None, number} if ticket.incident else set()
    has_lines = ticket_rows.has_compensation(connection, number)
    return Facts(
        decisive=dialogue.events_of_kinds(connection, number, *_DECISIVE),
        people=queries.participants_of(connection, number),
        links=links,
        near={name: listed.ticket for name, listed in ticket_list.listed(connection, near).items()},
        others=_others(connection, ticket),
        lines=compensations.of_ticket(connection, number) if has_lines else (),
        hold=legal_holds.find(connection, number),
        complaints=incidents.count(connection, number) if ticket.is_incident else 0,
        deadline=ticket_list.deadline(connection, number),
    )


def _others(connection: Connection, ticket: Ticket) -> list[Ticket]:
    """List the newest other tickets of the same customer."""
    if not ticket.customer:
        return []
    wanted = ticket_list.TicketFilter(customer=ticket.customer, limit=OTHERS + 1)
    found = ticket_list.list_tickets(connection, wanted)
    return [each.ticket for each in found if each.ticket.number != ticket.number][:OTHERS]


def load_page(connection: Connection, ticket: Ticket, before: int | None = None) -> tuple[Dialogue, Facts]:
    """Load all of the page."""
    return load_dialogue(connection, ticket, before), load_facts(connection, ticket)
