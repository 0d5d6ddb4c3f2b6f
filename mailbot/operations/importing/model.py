"""Tickets of another desk as its readers yield them, before they have a number of ours.

A reader is a function `read(path, context) -> Iterator[ImportedTicket]`. It yields one ticket after another and never
holds them all. What it can't read goes to `context.problems` with its place, and the reader goes on. It raises
`Unreadable` only where nothing of the export can be read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from mailbot.domain.model import Direction, Role

MOST_PROBLEMS = 1000  # that are kept with their place; the others are only counted


class ImportedStatus(StrEnum):
    """The state of a ticket at the other desk. The newest message decides whose turn an open one is."""

    OPEN = "open"
    WAITING = "waiting"  # for the customer or a third party, until `waits_until` where that is known
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file of a message. `type`: a MIME type, "" where the export has none."""

    name: str
    type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImportedMessage:
    """A mail or a note of a ticket.

    - `external_id`: its id at the other desk, the same in each export. No other message of this source has it.
    - `at`: aware UTC. `author`: an address; "" where the export names only `author_name`.
    - `text`: plain text. `message_id`, `references`: with angle brackets, the newest reference last.
    - `to`, `cc`: (name, address).
    - `raw`: the whole mail where the export has it. Then subject, text, Message-ID and files are read from it, and
      what stands in the other fields counts only where the mail has nothing.
    """

    external_id: str
    at: datetime
    direction: Direction
    author: str
    author_name: str
    subject: str
    text: str = field(repr=False)
    message_id: str = ""
    references: tuple[str, ...] = ()
    to: tuple[tuple[str, str], ...] = ()
    cc: tuple[tuple[str, str], ...] = ()
    files: tuple[ImportedFile, ...] = ()
    raw: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class ImportedTicket:
    """One customer matter of the other desk.

    - `external_id`: its id at the other desk. No other ticket of this source has it.
    - `numbers`: exactly as the desk writes them into subjects: "Ticket#2019001234", "[#123]". Several where others were
      merged into it.
    - `mailbox`: the address of ours that it belongs to; "" or an unknown one: that of the command.
    - `customer`: an address. `people`: who else takes part, with what they are.
    - `messages`: at least one, in any order.
    - `team`, `agent`, `priority`, `category`, `language`: hints, which count where the policy knows them.
    - `place`: where it stands in the export, for problems: "tickets.json:12".
    """

    external_id: str
    numbers: tuple[str, ...]
    mailbox: str
    customer: str
    customer_name: str
    subject: str
    opened_at: datetime
    messages: tuple[ImportedMessage, ...]
    status: ImportedStatus = ImportedStatus.OPEN
    closed_at: datetime | None = None  # None for a closed one: with its newest message
    waits_until: datetime | None = None
    language: str = ""
    team: str = ""
    agent: str = ""  # an address
    priority: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    rating: int | None = None  # 1 to 5
    rated_at: datetime | None = None
    people: Mapping[str, Role] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read: `place` ("tickets.json:12", "archive.mbox, mail 7"), and why, for a person."""

    place: str
    text: str


@dataclass(slots=True)
class Problems:
    """The problems of a run. The first are kept, all are counted."""

    first: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, place: str, text: str) -> None:
        self.count += 1
        if len(self.first) < MOST_PROBLEMS:
            self.first.append(Problem(place, text))


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a reader may need to know of this desk.

    `agents`: addresses of the policy's agents. `mailboxes`: addresses of ours. `mailbox`: the one for tickets whose own
    is unknown. `open_since`: for exports without a state, of when a message makes its ticket an open one.
    """

    mailbox: str
    mailboxes: frozenset[str]
    agents: frozenset[str]
    open_since: datetime | None = None
    problems: Problems = field(default_factory=Problems)

    def is_ours(self, address: str) -> bool:
        """Check for an address (lower case) of a mailbox or an agent of ours."""
        return address in self.mailboxes or address in self.agents


Read = Callable[[Path, ReadContext], Iterator[ImportedTicket]]


class Unreadable(Exception):
    """Nothing of an export can be read. The text says where, what was expected, and what to do."""
