"""After a link was cut: answers to other tickets that went to an identity of somebody else go to the customer again."""

from collections.abc import Iterable

from mailbot.domain.events import Event, IdentityUnlinked
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.linking import settle_answers
from mailbot.domain.people.persons import is_linked
from mailbot.store.channels import identities
from mailbot.workers.transaction import Transaction


def settle(transaction: Transaction, events: Iterable[Event]) -> None:
    """Record this on each such ticket, in the transaction that has recorded these events. Raises Outdated."""
    for event in events:
        if isinstance(event, IdentityUnlinked):
            _settle(transaction, event)


def _settle(transaction: Transaction, cut: IdentityUnlinked) -> None:
    connection, parted = transaction.connection, (cut.address, cut.other)
    known = identities.load(connection, parted)
    people = {*known, *map(owner, parted)}
    wrong = {
        number
        for number, customer, reply_to in identities.answered_elsewhere(connection, people)
        if owner(reply_to) in people - {owner(customer)} and not is_linked(known, customer, reply_to)
    }
    for ticket in transaction.load(wrong).values():
        builder = DecisionBuilder(ticket)
        settle_answers(builder, known, transaction.now, was_linked=True)
        transaction.record(transaction.change(ticket, builder.decision()))
