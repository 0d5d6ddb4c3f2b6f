"""What an agent reads about a ticket in every notice: the dialogue, its files, the people and other tickets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mailbot.domain.model import Authentication, Contact, Direction

TEXT_LIMIT = 4_000  # characters of one message
NEWEST = 6  # messages that are shown


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the dialogue. `at` is None where it is not known.

    - `author`: an address, or "agent:..." and the like of a note. `name` is what the mail says, unproven.
    - `text`: its new text. `cut`: characters left out at its end. `flags`: what could not be read.
    - `folded`: the rest of the mail: quotes, signatures.
    """

    direction: Direction
    author: str
    text: str
    at: datetime | None = None
    name: str = ""
    authentication: Authentication = Authentication.NONE
    flags: tuple[str, ...] = ()
    cut: int = 0
    folded: str = ""
    to: tuple[Contact, ...] = ()
    cc: tuple[Contact, ...] = ()
    reply_to: str = ""
    original_from: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the customer. `position` is its number on the ticket, from 1; `part` the encoded MIME part.

    An empty `part` means: not attached. `deleted_at`: when retention deleted its content. `message`: the id of its
    message.
    """

    position: int
    name: str
    type: str
    size: int
    digest: str
    at: datetime | None = None
    deleted_at: datetime | None = None
    part: bytes = field(repr=False, default=b"")
    message: int = 0


@dataclass(frozen=True, slots=True)
class TicketContext:
    """`entries` are the newest messages, newest first; `older` counts the others.

    `notified`: recipient -> Message-IDs of earlier notices about the ticket, oldest first, and when the last
    one was made.
    """

    entries: tuple[Entry, ...] = ()
    older: int = 0
    files: tuple[File, ...] = ()
    participants: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()  # named in mail without proof
    other_tickets: tuple[tuple[str, str], ...] = ()  # open ones of this customer: number, subject
    notified: Mapping[str, tuple[tuple[str, ...], datetime]] = field(default_factory=dict)

    def is_new(self, file: File, recipients: Iterable[str]) -> bool:
        """Check whether a file came after the last notice to one of these; a file of this mail always did."""
        last = (self.notified.get(address) for address in recipients)
        return file.at is None or any(each is None or file.at > each[1] for each in last)

    @property
    def from_customer(self) -> Entry | None:
        """Return the newest message that did not come from us."""
        return next((entry for entry in self.entries if entry.direction is Direction.IN), None)


NO_CONTEXT = TicketContext()


def contacts(pairs: Sequence[Sequence[str]]) -> tuple[Contact, ...]:
    return tuple(Contact(name, address) for name, address in pairs)
