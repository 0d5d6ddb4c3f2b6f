"""Links to the customers' page of a ticket: list them, revoke them, mail one to its owner."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.events import LinksRevoked
from mailbot.domain.lifecycle import Decision, evolve
from mailbot.domain.matching import Match
from mailbot.domain.model import Ticket
from mailbot.domain.notices import StatusAnswer
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.page_readers import readers_of
from mailbot.domain.reasons import Refusal
from mailbot.domain.replies.auto_reply import status_rates
from mailbot.domain.replies.status_answer import Asking, answer_on_page
from mailbot.mail.compose.reply_tokens import page_url
from mailbot.operations.transaction import transact, transact_in_turn
from mailbot.store import rate_limits, suppressions, tickets
from mailbot.store.console import revoked_links
from mailbot.store.lists.ticket_rows import family
from mailbot.store.store import Store
from mailbot.workers import outbox_rows
from mailbot.workers.runtime import Runtime, Snapshot
from mailbot.workers.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Revocation:
    """Links to be revoked on a ticket: of one person, or of all with the `address` ""."""

    number: str
    address: str
    by: Actor
    now: datetime


def revoke(store: Store, runtime: Runtime, request: Revocation) -> Decision | Refusal | None:
    """Return what was recorded, or the refusal. None when there is no such ticket."""
    return transact(store, runtime, request.now, lambda transaction: _revoke(transaction, request))


async def revoke_in_turn(store: Store, runtime: Runtime, request: Revocation) -> Decision | Refusal | None:
    """Do the same inside the daemon, for the pages and the API."""
    return await transact_in_turn(
        store, runtime, request.now, lambda transaction: _revoke(transaction, request)
    )


def _revoke(transaction: Transaction, request: Revocation) -> Decision | Refusal | None:
    connection, number = transaction.connection, request.number
    ticket = transaction.load([number]).get(number)
    if ticket is None:
        return None
    people = readers(connection, ticket)
    if request.address:
        people = tuple(each for each in people if owner(each) == owner(request.address))
    if not people:
        return reasons.refuse("no_participant", address=request.address, ticket=number)
    for each in family(connection, number):  # links of tickets that were merged into it lead here
        revoked_links.revoke(connection, each, people, request.now)
    event = LinksRevoked(request.now, request.by, people)
    decision = Decision(evolve(ticket, event), (event,))
    transaction.record(transaction.change(ticket, decision))
    return decision


def links_of(connection: Connection, snapshot: Snapshot, ticket: Ticket) -> dict[str, str]:
    """Return the link of each person who may read the page, by address."""
    counts, url = revoked_links.load(connection, [ticket.number]), snapshot.policy.public_url
    return {
        each: page_url(url, snapshot.keys, ticket.number, each, counts.get((ticket.number, owner(each)), 0))
        for each in readers(connection, ticket)
    }


def readers(connection: Connection, ticket: Ticket) -> tuple[str, ...]:
    """Return the addresses of those who may read the ticket's page."""
    roles = tickets.roles_of_tickets(connection, [ticket.number]).get(ticket.number, {})
    return readers_of(ticket.customer, ticket.reply_to, roles)


def mail_link(transaction: Transaction, number: str, address: str) -> bool:
    """Mail how far we are, and the link, to an address that takes part in the ticket. Return whether it fits.

    Else the same is loaded and composed, and thrown away: the time that it takes reveals nothing about the ticket.
    """
    connection, snapshot, now = transaction.connection, transaction.snapshot, transaction.now
    loaded = transaction.load([number])
    while heirs := {each.merged_into or "" for each in loaded.values()} - loaded.keys() - {""}:
        loaded |= transaction.load(heirs)
    ticket = loaded.get(tickets.merge_target(number, loaded))
    named = ticket.number if ticket else number
    asking = Asking(
        Match(),
        tickets.roles_of_tickets(connection, [named]).get(named, {}),
        rate_limits.load(connection, {key for key, _ in status_rates(address, snapshot.policy)}),
        suppressions.load(connection, {address}, now),
    )
    answered = answer_on_page(ticket, address, asking, snapshot.policy, now) if ticket else None
    if ticket is None or answered is None:
        box = next(iter(snapshot.policy.mailboxes))
        nobody = StatusAnswer("TOKO-00000000-0", box, "nobody@invalid.example", "id", "", received_at=now)
        outbox_rows.build_row(nobody, snapshot, now, now, page_url=f"{snapshot.policy.public_url}/t/?k=")
        return False
    transaction.record(transaction.change(ticket, answered.decision))
    rate_limits.save(connection, answered.spent)
    return True
