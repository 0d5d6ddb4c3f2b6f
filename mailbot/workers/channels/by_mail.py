"""Find what an answer that a chat refused needs to go by mail: the customer's linked address, and what was written.

Theory of operation. The frozen message has the words of the chat's template around those of the agent. So the text is
that of the ticket's longest answer which stands in it: a shorter one may stand there by chance. Where none does,
nothing is mailed, and the agent is told.
"""

from sqlalchemy import Connection

from mailbot.domain.model import Ticket
from mailbot.domain.notices import Answer
from mailbot.domain.people import persons
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.identities import is_identity
from mailbot.domain.replies.undeliverable import ByMail, Sent
from mailbot.store.channels import identities, refused_answers
from mailbot.workers.channels.outgoing import files_in, text_in


def find(connection: Connection, ticket: Ticket, sent: Sent) -> ByMail | None:
    """Return how the answer goes by mail. None: it is none, or no address of the customer is linked to the chat."""
    if sent.kind != Answer.name or not is_identity(sent.recipient):
        return None
    known = identities.load(connection, (ticket.customer,))
    person = {owner(ticket.customer): ticket.customer, **persons.of_person(known, ticket.customer)}
    addresses = sorted(written for written in person.values() if not is_identity(written))
    if owner(sent.recipient) not in person or not addresses:
        return None
    if (refused := refused_answers.load(connection, sent.id, ticket.number)) is None:
        return None
    words = _words(text_in(refused.content))
    written = [each for each in refused.written if each[1].strip() and _words(each[1]) in words]
    agent, text = max(written, key=lambda each: len(_words(each[1])), default=("", ""))
    to = ticket.customer if ticket.customer in addresses else addresses[0]
    return ByMail(to, agent, text, files_in(refused.content)) if text else None


def _words(text: str) -> str:
    """Return a text without its line breaks, which the template of the chat may set otherwise."""
    return " ".join(text.split())
