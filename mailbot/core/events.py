"""What happened to a ticket, in the past tense. Append-only: audit, explanation and figures read it.

Every event says when (`at`) and who (`by`: "customer", "agent:<address>", "policy", "operator"). Adding one
means a dataclass here and its entry in `lifecycle.TRANSITIONS`.
"""

from dataclasses import dataclass
from datetime import datetime

from mailbot.core.model import Clock, Target


@dataclass(frozen=True, slots=True)
class TicketOpened:
    at: datetime
    by: str
    mailbox: str
    customer: str
    subject: str
    language: str
    message_id: str
    follows: str = ""  # number of the closed ticket this one continues
    claims: str = ""  # number that a stranger named: shown to agents, no authority


@dataclass(frozen=True, slots=True)
class TicketRouted:
    at: datetime
    by: str
    rule: str
    because: str  # the condition that matched, for people
    category: str
    urgency: str
    complexity: str
    priority: str
    tags: tuple[str, ...]
    team: str
    level: str
    ladder: str


@dataclass(frozen=True, slots=True)
class TicketAssigned:
    at: datetime
    by: str
    assignee: str  # an agent's address


@dataclass(frozen=True, slots=True)
class TicketHandedOver:
    at: datetime
    by: str
    team: str
    because: str


@dataclass(frozen=True, slots=True)
class TicketEscalated:
    at: datetime
    by: str
    level: str
    because: str


@dataclass(frozen=True, slots=True)
class CustomerWrote:
    at: datetime
    by: str
    message_id: str
    evidence: str  # why the mail belongs here


@dataclass(frozen=True, slots=True)
class AutomaticMailReceived:
    """An auto-reply, a bounce, list mail: kept, but it changes nobody's turn."""

    at: datetime
    by: str
    message_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AgentAnswered:
    at: datetime
    by: str
    agent: str


@dataclass(frozen=True, slots=True)
class AgentMailHeld:
    """Mail that came in an agent's name without proof. Kept as a note, not acted upon."""

    at: datetime
    by: str
    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class NoteAdded:
    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class AcknowledgementOwed:
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class AcknowledgementSuppressed:
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClocksSet:
    """The clocks as they stand from now on, computed by `ladder` when the turn or the step changed."""

    at: datetime
    by: str
    clocks: tuple[Clock, ...]


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A ladder's step came due. What it led to follows as events of their own."""

    at: datetime
    by: str
    ladder: str
    step: int
    target: Target  # the clock that the step hangs on
    due_at: datetime
    because: str  # "first_response is due", "not confirmed in time"


@dataclass(frozen=True, slots=True)
class TargetMissed:
    at: datetime
    by: str
    target: Target
    due_at: datetime


@dataclass(frozen=True, slots=True)
class PeopleTold:
    """Somebody was reminded or notified about the ticket (mail to agents, managers or the customer)."""

    at: datetime
    by: str
    whom: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class TicketClosed:
    at: datetime
    by: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class TicketReopened:
    at: datetime
    by: str


Event = (
    TicketOpened
    | TicketRouted
    | TicketAssigned
    | TicketHandedOver
    | TicketEscalated
    | CustomerWrote
    | AutomaticMailReceived
    | AgentAnswered
    | AgentMailHeld
    | NoteAdded
    | AcknowledgementOwed
    | AcknowledgementSuppressed
    | ClocksSet
    | StepTaken
    | TargetMissed
    | PeopleTold
    | TicketClosed
    | TicketReopened
)
