"""Who may read a ticket on the customers' page, and which mails have the link to it.

Theory of operation. All who take part may. A link opens the page for the person that it was mailed to, as long as
that person takes part. An acknowledgement may go to another address than the customer's, for the return path is no
proof: then it has no link. Nor has one to a sender whose authentication failed, for the page shows what that sender
wrote.
"""

from mailbot.domain.model import Authentication, Ticket
from mailbot.domain.notices import Acknowledgement, ToCustomer, recipient_of
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.participants import Roles, taking_part


def readers_of(customer: str, reply_to: str, roles: Roles) -> tuple[str, ...]:
    """Return the addresses of those who may read the page, the customer's first, each person once.

    `customer` and `reply_to`: of the ticket.
    """
    listed = (customer, reply_to, *sorted(taking_part(roles)))
    people: dict[str, str] = {}
    for address in filter(None, listed):
        people.setdefault(owner(address), address)
    return tuple(people.values())


def is_customer(address: str, ticket: Ticket) -> bool:
    """Check whether an address is the customer's, in whatever spelling."""
    return owner(address) in (owner(ticket.customer), owner(ticket.answers_to))


def has_link(notice: ToCustomer, ticket: Ticket, authentication: Authentication) -> bool:
    """Check whether a mail may link to the page. `authentication`: of the mail that it answers."""
    if not isinstance(notice, Acknowledgement):
        return True
    return authentication is not Authentication.FAIL and is_customer(recipient_of(notice), ticket)
