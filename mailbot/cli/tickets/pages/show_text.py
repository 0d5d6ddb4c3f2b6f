"""A ticket for people: how it stands, then what happened to it; all about it with `--all`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mailbot.cli.shared import ticket_text
from mailbot.cli.shared.names import Names
from mailbot.cli.shared.open_store import OpenStore, now
from mailbot.cli.shared.output import clean, echo_wrapped, print_facts
from mailbot.cli.shared.promise_text import next_step, promise_text, step_line
from mailbot.cli.shared.wall_clock import WallClock
from mailbot.cli.tickets.pages.timeline import Timeline
from mailbot.domain import events as e
from mailbot.domain.actor import ActorKind
from mailbot.domain.labels import in_words
from mailbot.domain.ladder import promises
from mailbot.domain.language import NAMES as language_names
from mailbot.domain.model import (
    OVER,
    Authentication,
    DeadlineState,
    Direction,
    OutboxState,
    Role,
    Ticket,
    Turn,
)
from mailbot.domain.people.identities import MAIL, channel_label, label
from mailbot.domain.reason_texts import TERMS
from mailbot.store import outbox_queries, queries, tickets
from mailbot.store.lists import ticket_list, ticket_rows
from mailbot.store.retention import legal_holds
from mailbot.views.event_text import actor_text
from mailbot.views.ladder_text import question_text

EXCERPT = 500  # characters of a message that are loaded for its line
PROOF = {
    Authentication.PASS: "verified",
    Authentication.FAIL: "FORGED",
    Authentication.NONE: "not verified",
}


class TicketPage:
    """All that the page of one ticket is made of."""

    def __init__(self, opened: OpenStore, ticket: Ticket, longest: int = EXCERPT) -> None:
        read, number = opened.store.read_now, ticket.number
        self.opened, self.ticket, self.policy = opened, ticket, opened.policy
        self.messages = read(lambda c: queries.messages_of(c, number, longest=longest))
        self.recorded = read(ticket_rows.events_of, number)
        self.events = [row.event for row in self.recorded]
        self.names = Names(opened.policy, contacts(self.messages))
        self.promises = promises(ticket, opened.policy) if ticket.status not in OVER else []
        self.next = next_step(ticket, opened.policy) if ticket.status not in OVER else None
        self.clock = WallClock(opened.zone(ticket.team), now()).showing(self._moments())

    def _moments(self) -> list[datetime]:
        ahead = [at for at, _ in self.promises] + ([self.next.due_at] if self.next else [])
        return [*ahead, *(event.at for event in self.events), *(each.at for each in self.messages)]

    def print_heading(self) -> None:
        """Print the number, the subject, how it stands and who has it."""
        ticket, names = self.ticket, self.names
        ticket_text.print_heading(ticket)
        state = f"{self.status()}, {ticket.priority}, {names.label('category', ticket.category)}"
        owner = names.of(ticket.assignee) or "no owner"
        echo_wrapped(f"  {state}   {'owner ' * bool(ticket.assignee)}{owner}, {names.place(ticket)}")

    def status(self) -> str:
        """Return where the ticket is in its life."""
        return f"{self.ticket.status}{', held until an agent decides' * bool(self.ticket.held_for)}"

    def print_timeline(self, *, explains: bool = False) -> None:
        Timeline(self.names, self.clock, self.events, self.messages, explains).print()

    def print_hint(self, more: str) -> None:
        """Print which clock the times are by, and what `--all` adds."""
        echo_wrapped(
            f"  Times are {self.clock.now.astimezone(ZoneInfo(self.clock.zone)):%Z}. --all shows {more}."
        )

    def promise(self) -> str:
        return promise_text(self.promises, self.clock)

    def is_late(self) -> bool:
        return bool(self.promises and self.promises[0][0] <= self.clock.now)

    def next_step(self) -> str:
        return step_line(self.next, self.ticket, self.policy, self.names, self.clock) if self.next else ""

    def routed(self) -> e.TicketRouted | None:
        """Return the newest routing: a ticket may be routed again."""
        routed = (event for event in reversed(self.events) if isinstance(event, e.TicketRouted))
        return next(routed, None)

    def reason(self) -> str:
        """Return why the ticket is where it is: its rule, and what raised it."""
        routed = self.routed()
        rule = self.names.rule_reason(routed.rule, routed.reason) if routed else ""
        return "; ".join(filter(None, (rule, self._raised())))

    def _raised(self) -> str:
        raised = [event for event in self.events if isinstance(event, e.TicketEscalated)]
        if not raised:
            return ""
        event, level = raised[-1], self.names.label("level", raised[-1].level)
        if event.by.kind is ActorKind.POLICY:
            return f"{'late' if event.reason.code == 'target_due' else event.reason}, therefore {level}"
        return f"raised to {level} by {self.names.of(event.by.name) or event.by.kind}"


def show(opened: OpenStore, ticket: Ticket) -> None:
    """Print how the ticket stands, and what happened to it."""
    page = TicketPage(opened, ticket)
    page.print_heading()
    print_status(page)
    page.print_timeline()
    page.print_hint("whole messages, every event and our mails")


def contacts(messages: Iterable[queries.MessageView]) -> list[tuple[str, str]]:
    """List (address, name) of the people whom the messages name, authors first."""
    authors, others = [], []
    for message in messages:
        if message.direction is Direction.IN:
            authors.append((message.author, str(message.addresses.get("name", ""))))
            named = (*message.addresses.get("to", ()), *message.addresses.get("cc", ()))
            others += [(address, name) for name, address in named]
    return [*authors, *others]


def print_status(page: TicketPage, *more: tuple[str, object]) -> None:
    """Print what is promised, what comes next, for whom and why, and `more` facts."""
    late = {"promise"} if page.is_late() else set()
    print_facts([*status(page), *more], red={*late, "failed", "parked"})


def status(page: TicketPage) -> list[tuple[str, object]]:
    """List the facts of how the ticket stands; those without a value are not shown."""
    ticket, read = page.ticket, page.opened.store.read_now
    participants = read(queries.participants_of, ticket.number)
    deadline = read(ticket_list.deadline, ticket.number)
    parked = deadline and deadline.state == DeadlineState.PARKED
    return [
        ("promise", page.promise()),
        ("next step", page.next_step()),
        ("parked", f"our code failed on its deadline: {deadline.reason}" if deadline and parked else ""),
        ("to decide", question_text(ticket, page.policy)),
        ("turn", turn_text(ticket, page.clock) if ticket.turn is not Turn.OURS else ""),
        ("closed", _closed_text(page)),
        ("failed", _failed_text(page)),
        *ticket_text.describe_links(read(queries.links_of, ticket.number), ticket.number),
        *_incident(page),
        ("customer", _customer(page)),
        ("came by", channel_label(ticket.channel) if ticket.channel != MAIL else ""),
        ("answers to", label(ticket.reply_to)),
        ("linked", ", ".join(label(each) for each in read(tickets.people_of, ticket.number)[1].values())),
        ("also takes part", _people(page, participants, Role.PARTICIPANT)),
        ("not confirmed", _people(page, participants, Role.NAMED)),
        ("removed", _people(page, participants, Role.REMOVED)),
        ("known", ", ".join(f"{in_words(name)} {value}" for name, value in ticket.details)),
        ("legal hold", _hold_text(read(legal_holds.find, ticket.number), page)),
        ("reason", page.reason()),
    ]


def _customer(page: TicketPage) -> str:
    ticket, name = page.ticket, page.names.of(page.ticket.customer)
    if not ticket.customer:
        return ""
    first = next((each for each in page.messages if each.author == ticket.customer), None)
    address = label(ticket.customer)
    shown = f"{name} <{address}>" if name != address else name
    proof = PROOF[first.authentication] if first else ""
    return ", ".join(filter(None, (shown, language_names.get(ticket.language, ticket.language), proof)))


def turn_text(ticket: Ticket, clock: WallClock) -> str:
    """Return who has to act, until when, and why; "" once the ticket is over."""
    if ticket.status in OVER:
        return ""
    until = f" until {clock.moment(ticket.turn_until)}" if ticket.turn_until else ""
    why = f" ({ticket.turn_why})" if ticket.turn_why else ""
    return f"{TERMS['turn'][ticket.turn][0]}{until}{why}"


def _closed_text(page: TicketPage) -> str:
    ticket = page.ticket
    if ticket.closed_at is None:
        return ""
    cause = f", cause: {page.names.label('cause', ticket.cause)}" if ticket.cause else ""
    rating = f", rated {ticket.satisfaction} of 5" if ticket.satisfaction else ""
    return f"{page.clock.moment(ticket.closed_at)}{cause}{rating}"


def _failed_text(page: TicketPage) -> str:
    mails: Sequence[Any] = page.opened.store.read_now(
        lambda c: outbox_queries.list_entries(
            c, ticket=page.ticket.number, states=[OutboxState.FAILED], limit=10
        )
    )
    texts = (f"{each.kind} to {page.names.of(each.recipient)}: {each.reply or each.reason}" for each in mails)
    return "; ".join(texts)


def _incident(page: TicketPage) -> list[tuple[str, object]]:
    """Return what a complaint belongs to, or how many belong to an incident."""
    if page.ticket.is_incident:
        from mailbot.store import incidents

        return [("complaints", page.opened.store.read_now(incidents.count, page.ticket.number))]
    return [("complaint of", page.ticket.incident or "")]


def _people(page: TicketPage, participants: list[queries.Participant], role: Role) -> str:
    return page.names.all_of(person.address for person in participants if person.role is role)


def _hold_text(hold: legal_holds.LegalHold | None, page: TicketPage) -> str:
    if hold is None:
        return ""
    by = page.names.in_text(clean(actor_text(hold.by)))
    return f"since {page.clock.moment(hold.at)} by {by}: {hold.reason}"
