"""Commands of agents and operators about tickets, as values. `registry` has their words, `carry_out` their effect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mailbot.domain.model import Turn
from mailbot.domain.routing.money import Money


@dataclass(frozen=True, slots=True)
class Assign:
    agent: str  # address


@dataclass(frozen=True, slots=True)
class Escalate:
    level: str = ""  # "" is the next one up
    because: str = ""


@dataclass(frozen=True, slots=True)
class HandOver:
    team: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class WorkOn:
    """The turn stays ours; `until`: the customer is promised news by then.

    `in_text`: the answer in the same mail names the time itself.
    """

    until: datetime | None = None
    in_text: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """The turn is the customer's, or a third party's until that time."""

    turn: Turn
    until: datetime | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Snooze:
    """Leave the ticket out of worklists until then; None: back at once."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Close:
    because: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Reopen:
    because: str = ""


@dataclass(frozen=True, slots=True)
class Correct:
    """Set what the rules had chosen wrongly; "" leaves it."""

    priority: str = ""
    category: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Macro:
    """Put a checked text into the answer. `text`: as it was rendered, "" before that."""

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict, hash=False)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    """Take the newest act of this agent back while its mail has not left."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send after all what was held because of a colleague's work."""


@dataclass(frozen=True, slots=True)
class Help:
    """List the verbs."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """The incident is over: every complaint of it is answered once, with the text that comes along."""

    cause: str = ""


@dataclass(frozen=True, slots=True)
class LeaveIncident:
    """The ticket is no complaint of an incident, but a matter of its own."""


@dataclass(frozen=True, slots=True)
class AddNote:
    text: str


@dataclass(frozen=True, slots=True)
class Reject:
    """What was held for another ticket becomes a matter of its own."""


@dataclass(frozen=True, slots=True)
class Release:
    """A machine's mail that was filed concerns us after all: its clocks begin, its team is notified."""


@dataclass(frozen=True, slots=True)
class Decide:
    """Answer the question of a ladder with one of its options."""

    option: str
    because: str = ""


Command = (
    Assign
    | Escalate
    | HandOver
    | WorkOn
    | Wait
    | Snooze
    | Close
    | Reopen
    | Correct
    | Tag
    | AddNote
    | Reject
    | Release
    | Decide
)


# --- about people: see `people` ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AddParticipants:
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveParticipants:
    """No mail that names them brings them back."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetCustomer:
    customer: str  # address


@dataclass(frozen=True, slots=True)
class LinkIdentity:
    """The address, or the identity in a chat, is the same person as the ticket's customer."""

    address: str


@dataclass(frozen=True, slots=True)
class UnlinkIdentity:
    """Take such a link back."""

    address: str


@dataclass(frozen=True, slots=True)
class AnswerVia:
    """Answers go there from now on. `to`: a channel, or an identity of the customer."""

    to: str


Identities = LinkIdentity | UnlinkIdentity | AnswerVia
People = AddParticipants | RemoveParticipants | SetCustomer


# --- about two tickets: see `merging` -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MoveMessage:
    """`other_customer`: even when the author takes no part in that ticket."""

    message: int
    to: str
    other_customer: bool = False


@dataclass(frozen=True, slots=True)
class Merge:
    into: str
    other_customer: bool = False


@dataclass(frozen=True, slots=True)
class Unmerge:
    pass


@dataclass(frozen=True, slots=True)
class Split:
    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Accept:
    """The ticket's claim to be about another is true: it goes there, its sender takes part there."""


Join = MoveMessage | Merge | Unmerge | Split | Accept


# --- compensation: see `compensation` ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compensate:
    amount: Money
    because: str = ""


@dataclass(frozen=True, slots=True)
class Approve:
    """`request`: its number; None where only one is open on the ticket."""

    request: int | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """By who may approve it; by who asked, it is taken back."""

    request: int | None = None
    because: str = ""


Compensation = Compensate | Approve | Refuse


# What a verb can stand for.
AnyCommand = (
    Command
    | People
    | Identities
    | Accept
    | Compensation
    | Macro
    | Undo
    | Send
    | Help
    | Resolve
    | LeaveIncident
)
