"""What the messages of another desk's ticket say of its people, where the desk itself does not."""

from collections.abc import Iterable, Mapping, Sequence

from mailbot.domain.model import Direction, Role
from mailbot.mail.parsing.addresses import parse_addresses
from mailbot.operations.importing.model import ImportedMessage, ReadContext


def contacts(value: str) -> tuple[tuple[str, str], ...]:
    """Return (name, address) of each address in a header field or a list."""
    return tuple((each.name, each.address) for each in parse_addresses(value))


def full_name(*parts: str) -> str:
    """Join first and last name."""
    return " ".join(filter(None, (part.strip() for part in parts)))


def mailbox_of(messages: Iterable[ImportedMessage], context: ReadContext) -> str:
    """Return the mailbox of ours that customers wrote to, "" where they name none."""
    written = (each for each in messages if each.direction is Direction.IN)
    addresses = (address for each in written for _, address in (*each.to, *each.cc))
    return next((address for address in addresses if address in context.mailboxes), "")


def first_sender(messages: Iterable[ImportedMessage]) -> str:
    """Return the address of the first customer who wrote, "" for none."""
    return next((each.author for each in messages if each.direction is Direction.IN and each.author), "")


def copied(messages: Sequence[ImportedMessage], others: Iterable[str] = ()) -> Mapping[str, Role]:
    """Return who takes part: `others`, and whom agents put into Cc. Whom a customer named is only named."""
    found: dict[str, Role] = {}
    for each in messages:
        role = Role.PARTICIPANT if each.direction is Direction.OUT else Role.NAMED
        for _, address in each.cc if each.direction is not Direction.NOTE else ():
            if address and found.get(address) is not Role.PARTICIPANT:
                found[address] = role
    return found | {other: Role.PARTICIPANT for other in others if other}
