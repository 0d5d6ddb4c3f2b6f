"""Commands about the people of a ticket: participants, customer."""

from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.commands import People, SetCustomer
from mailbot.domain.lifecycle import Decision
from mailbot.domain.people.changes import on_people
from mailbot.domain.reasons import Refusal
from mailbot.mail.compose.mime_writer import is_ascii_address
from mailbot.operations.transaction import Transaction, transact
from mailbot.store import compensations, tickets
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime


@dataclass(frozen=True, slots=True)
class PeopleCommand:
    """One command; its addresses are in lower case."""

    number: str
    command: People
    by: Actor
    now: datetime

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.command.customer,) if isinstance(self.command, SetCustomer) else self.command.addresses


def change_people(store: Store, runtime: Runtime, request: PeopleCommand) -> Decision | Refusal | None:
    """Return the decision, recorded, or the refusal. None when there is no such ticket."""
    return transact(store, runtime, request.now, lambda transaction: _decide(transaction, request))


def _decide(transaction: Transaction, request: PeopleCommand) -> Decision | Refusal | None:
    connection, number, command = transaction.connection, request.number, request.command
    ticket = transaction.load([number]).get(number)
    if ticket is None:
        return None
    for address in request.addresses:
        if not is_ascii_address(address):  # no mail of ours could go there
            return reasons.refuse("no_address", address=address)
    roles = tickets.roles_of_tickets(connection, [number]).get(number, {})
    pending = compensations.open_requests(connection) if isinstance(command, SetCustomer) else ()
    open_here = [each.id for each in pending if each.ticket == number]
    policy = transaction.snapshot.policy
    decision = on_people(ticket, command, roles, request.by, policy, request.now, open_requests=open_here)
    if isinstance(decision, Decision):
        transaction.record(transaction.change(ticket, decision))
    return decision
