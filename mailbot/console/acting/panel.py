"""What the acting part of a ticket's page shows: what this person can do now, what is begun, who else is there."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from starlette.requests import Request

from mailbot.console.acting import joins, shown
from mailbot.console.acting.answer_form import AnswerForm, answer_form
from mailbot.console.acting.fields import Place
from mailbot.console.acting.keys import fresh_key
from mailbot.console.acting.shown import Shown
from mailbot.console.acting.verbs import Offer, Trial, VerbForm, offer
from mailbot.console.desk import Desk
from mailbot.console.render import Reader
from mailbot.console.respond import reader_of
from mailbot.domain.acts.holds import name_of
from mailbot.domain.commands.carry_out import CommandFacts
from mailbot.domain.compensation import requests
from mailbot.domain.compensation.authority import windows
from mailbot.domain.model import Ticket
from mailbot.domain.people.access import Viewer
from mailbot.domain.people.linking import LinkFacts
from mailbot.domain.people.persons import of_person
from mailbot.store import compensations, tickets
from mailbot.store.agents import acts
from mailbot.store.channels import identities
from mailbot.store.console import drafts, forms, presence
from mailbot.workers.runtime import Snapshot, load_missing_ladders


@dataclass(frozen=True, slots=True)
class Colleague:
    """Another agent at the ticket."""

    name: str
    writes: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """The part of a ticket's page where people act.

    - `once`: the key of its forms. `done`: what came of the form before, None for none.
    - `undo_until`: until when this person's newest act can be taken back, None where it can't.
    - `answer`: the form of an answer, None where this person answers no customers.
    - `note`: what is begun of a note. `others`: who else has the page open.
    """

    number: str
    once: str
    done: Shown | None
    undo_until: datetime | None
    answer: AnswerForm | None
    note: str
    offer: Offer
    joins: tuple[VerbForm, ...]
    others: tuple[Colleague, ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """Who looks at which ticket, with what it is decided by. `done`: the key of a form that was carried out."""

    ticket: Ticket
    viewer: Viewer
    reader: Reader
    snapshot: Snapshot
    done: str = ""
    again: bool = False


async def panel_values(request: Request, desk: Desk, viewer: Viewer, ticket: Ticket) -> dict[str, object]:
    """Return what `pages/acting/panel.html` reads: `acting`."""
    given = request.query_params
    snapshot = desk.deps.runtime.snapshot
    done, again = given.get("done", ""), bool(given.get("again"))
    asking = Asking(ticket, viewer, reader_of(request, viewer), snapshot, done, again)
    return {"acting": await desk.read(load_panel, asking)}


def load_panel(connection: Connection, asking: Asking) -> Panel:
    """Load what the panel shows, and try what works."""
    ticket, viewer, reader = asking.ticket, asking.viewer, asking.reader
    trial = load_trial(connection, asking)
    begun = drafts.on_ticket(connection, ticket.number, viewer.address)
    return Panel(
        number=ticket.number,
        once=fresh_key(),
        done=_done(connection, asking),
        undo_until=_undo_until(connection, asking),
        answer=answer_form(connection, trial, asking.snapshot, begun.get(False)) if viewer.agent else None,
        note=begun[True].text if True in begun else "",
        offer=offer(trial),
        joins=joins.load_forms(connection, trial.place),
        others=others(connection, ticket.number, viewer, reader),
    )


def load_trial(connection: Connection, asking: Asking) -> Trial:
    """Load what the domain decides by."""
    ticket, by, now = asking.ticket, asking.viewer.actor, asking.reader.now
    snapshot = load_missing_ladders(connection, asking.snapshot, [ticket])
    policy, number = snapshot.policy, ticket.number
    ledger = requests.Facts(1)
    if policy.authority.per_ticket and compensations.open_requests(connection):
        ledger = compensations.facts(connection, ticket, windows(policy, now))
    known = identities.load(connection, [ticket.customer]) if ticket.customer else {}
    facts = CommandFacts(
        links=LinkFacts(known),
        roles=tickets.roles_of_tickets(connection, [number]).get(number, {}),
        loads=snapshot.agent_loads.loads,
        ledger=ledger,
    )
    held = acts.held_mail(connection, number, by.name, now) is not None
    reader = asking.reader
    linked = tuple(sorted(of_person(known, ticket.customer).values()))
    place = Place(Reader(reader.language, reader.zone, policy, now), ticket, linked)
    return Trial(place, by, facts, ledger.requests, held)


def others(connection: Connection, number: str, viewer: Viewer, reader: Reader) -> tuple[Colleague, ...]:
    """Return who else has the page of the ticket open."""
    found = presence.others(connection, number, viewer.address, reader.now)
    return tuple(Colleague(name_of(each.agent, reader.policy), each.writes) for each in found)


def _done(connection: Connection, asking: Asking) -> Shown | None:
    form = forms.find(connection, asking.done, asking.viewer.actor) if asking.done else None
    return shown.of(form, asking.reader, again=asking.again) if form else None


def _undo_until(connection: Connection, asking: Asking) -> datetime | None:
    act = acts.newest(connection, asking.ticket.number, asking.viewer.address)
    return act.until if act and act.until > asking.reader.now else None
