"""What happened to a ticket, in the past tense. Append-only: audit, explanation and figures read it.

Every event has its time (`at`, aware UTC) and its actor (`by`). Adding an event means a dataclass here with
its `kind`, its row in `lifecycle.TRANSITIONS` and its text in `cli.shared.event_text`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, get_args

from mailbot.domain.actor import Actor
from mailbot.domain.model import Clock, CustomerHistory, NoticeKind, Role, Status, Target, Ticket, Turn
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.routing.money import Money


@dataclass(frozen=True, slots=True)
class Recorded:
    at: datetime
    by: Actor


@dataclass(frozen=True, slots=True)
class TicketOpened(Recorded):
    kind: ClassVar[str] = "ticket_opened"
    mailbox: str
    customer: str
    subject: str
    language: str
    message_id: str
    follows: str = ""  # number of the closed ticket this one continues
    claims: str = ""  # number that a stranger named: shown to agents, no authority
    suggests: str = ""  # an own open ticket that a mistyped number may have meant: shown to agents
    held_for: str = ""  # the same as `claims`, where the mailbox holds strangers' mail
    split_from: str = ""
    reply_to: str = ""  # where answers go, in the customer's organisation
    since: datetime | None = None  # when the matter began, where that was before it got this number
    mentions: str = ""  # number of another's ticket in the text: shown to agents, no authority
    proven: bool = False  # the customer is known to have written the mail
    channel: str = "mail"  # by which it came


@dataclass(frozen=True, slots=True)
class TicketRouted(Recorded):
    kind: ClassVar[str] = "ticket_routed"
    rule: str
    reason: Reason  # the condition that matched
    category: str
    urgency: str
    complexity: str
    priority: str
    tags: tuple[str, ...]
    team: str
    level: str
    ladder: str
    also: tuple[str, ...] = ()  # rules that matched before and let the others go on
    details: tuple[tuple[str, str], ...] = ()  # found in the mail, sorted by name
    ask_for: tuple[str, ...] = ()  # details that the acknowledgement asks for
    template: str = ""  # the variant of the acknowledgement
    ladder_digest: str = ""
    assign: str = ""  # how it finds an agent, where the rules choose
    skill: str = ""  # that its agent should have
    customer_history: CustomerHistory | None = None  # what else the rules used; None: routed without rules


@dataclass(frozen=True, slots=True)
class TicketAssigned(Recorded):
    kind: ClassVar[str] = "ticket_assigned"
    assignee: str  # an agent's address
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class TicketHandedOver(Recorded):
    kind: ClassVar[str] = "ticket_handed_over"
    team: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class TicketEscalated(Recorded):
    kind: ClassVar[str] = "ticket_escalated"
    level: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class CustomerWrote(Recorded):
    kind: ClassVar[str] = "customer_wrote"
    message_id: str
    reason: Reason  # why the mail belongs here
    language: str = ""  # that the customer writes in from now on, "" where it stays as it is


@dataclass(frozen=True, slots=True)
class AutomaticMailReceived(Recorded):
    """An auto-reply, a bounce, list mail: kept, but it does not change the turn."""

    kind: ClassVar[str] = "automatic_mail_received"
    message_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class ThanksReceived(Recorded):
    """The customer wrote nothing but thanks: kept, but it does not change the turn and is no answer."""

    kind: ClassVar[str] = "thanks_received"
    message_id: str


@dataclass(frozen=True, slots=True)
class CopyReceived(Recorded):
    """The same mail came once more, by another way: kept, and nothing else."""

    kind: ClassVar[str] = "copy_received"
    message_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class DetailsReceived(Recorded):
    """A later mail names details that the ticket lacked."""

    kind: ClassVar[str] = "details_received"
    details: tuple[tuple[str, str], ...]  # sorted by name


@dataclass(frozen=True, slots=True)
class DeliveryBounced(Recorded):
    """A report came about mail that we sent. `proven`: our key shows which mail; else it is a claim."""

    kind: ClassVar[str] = "delivery_bounced"
    recipient: str
    status: str  # RFC 3463, "" when there is none
    permanent: bool
    report: str  # "bounce", "complaint"
    proven: bool


@dataclass(frozen=True, slots=True)
class DeliveryFailed(Recorded):
    """The relay refused our mail for good, or it was tried for too long."""

    kind: ClassVar[str] = "delivery_failed"
    notice: str  # what mail it was: "acknowledgement", "answer", "team", ...
    recipient: str
    code: int | None
    reply: str


@dataclass(frozen=True, slots=True)
class AgentAnswered(Recorded):
    """`turn`: who has to act next, and why. Answers before version 0004 left it to the customer."""

    kind: ClassVar[str] = "agent_answered"
    agent: str
    turn: Turn = Turn.CUSTOMER
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class AgentMailHeld(Recorded):
    """Mail that came in an agent's name without proof. Kept as a note, not acted upon."""

    kind: ClassVar[str] = "agent_mail_held"
    agent: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class NoteAdded(Recorded):
    kind: ClassVar[str] = "note_added"
    text: str


@dataclass(frozen=True, slots=True)
class AcknowledgementEnqueued(Recorded):
    kind: ClassVar[str] = "acknowledgement_enqueued"
    promised_at: datetime | None = None  # the time that it names


@dataclass(frozen=True, slots=True)
class AcknowledgementSuppressed(Recorded):
    kind: ClassVar[str] = "acknowledgement_suppressed"
    reason: Reason


@dataclass(frozen=True, slots=True)
class ProgressSuppressed(Recorded):
    """No notice of progress went to the customer: the address gets no automatic mail."""

    kind: ClassVar[str] = "progress_suppressed"
    reason: Reason


@dataclass(frozen=True, slots=True)
class ClosingWordSuppressed(Recorded):
    """The customer was not notified that the ticket is closed."""

    kind: ClassVar[str] = "closing_word_suppressed"
    reason: Reason


@dataclass(frozen=True, slots=True)
class ClocksSet(Recorded):
    """The clocks from now on, computed by `ladder` when the turn or the step changed."""

    kind: ClassVar[str] = "clocks_set"
    clocks: tuple[Clock, ...]


@dataclass(frozen=True, slots=True)
class StepTaken(Recorded):
    """A step of the ladder came due. Its effects follow as events of their own."""

    kind: ClassVar[str] = "step_taken"
    ladder: str
    step: int
    target: Target  # the clock that the step hangs on
    due_at: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class TargetMissed(Recorded):
    kind: ClassVar[str] = "target_missed"
    target: Target
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ReminderDue(Recorded):
    """A reminder that no step asked for, because nothing else would happen to the ticket."""

    kind: ClassVar[str] = "reminder_due"
    target: Target  # REPEAT, FOLLOW_UP; CONFIRMATION, DECISION: in vain, and no step comes after that one
    due_at: datetime


@dataclass(frozen=True, slots=True)
class DecisionRequested(Recorded):
    """The people of a level were asked to decide; the clock of the DECISION runs until they do."""

    kind: ClassVar[str] = "decision_requested"
    level: str
    question: str
    options: tuple[str, ...]
    recipients: tuple[str, ...]  # addresses


@dataclass(frozen=True, slots=True)
class DecisionMade(Recorded):
    kind: ClassVar[str] = "decision_made"
    option: str
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class LadderChanged(Recorded):
    """An admin had open tickets computed again after a change of the policy: their ladder from now on.

    `clocks`: with the steps that count as taken.
    """

    kind: ClassVar[str] = "ladder_changed"
    ladder: str
    ladder_digest: str
    clocks: tuple[Clock, ...]


@dataclass(frozen=True, slots=True)
class PeopleNotified(Recorded):
    """Mail about the ticket went to agents, managers or the customer."""

    kind: ClassVar[str] = "people_notified"
    recipients: tuple[str, ...]
    why: NoticeKind
    reason: Reason = NO_REASON  # of progress alone
    promised_at: datetime | None = None  # the time that a mail to the customer names


@dataclass(frozen=True, slots=True)
class TicketClosed(Recorded):
    kind: ClassVar[str] = "ticket_closed"
    reason: Reason = NO_REASON
    cause: str = ""  # one of the policy's causes, "" where none was given


@dataclass(frozen=True, slots=True)
class TicketReopened(Recorded):
    kind: ClassVar[str] = "ticket_reopened"
    reason: Reason = NO_REASON  # where a person reopened it


@dataclass(frozen=True, slots=True)
class TurnSet(Recorded):
    """Who has to act next, by a person's word or because a wait ended. `until`: when it comes back to us."""

    kind: ClassVar[str] = "turn_set"
    turn: Turn
    until: datetime | None = None
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class NewsPromised(Recorded):
    """An agent promised the customer news by a time."""

    kind: ClassVar[str] = "news_promised"
    until: datetime
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class TicketCorrected(Recorded):
    """A person corrected what the rules had chosen. `values`: (name of the ticket's field, new value)."""

    kind: ClassVar[str] = "ticket_corrected"
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TagsChanged(Recorded):
    kind: ClassVar[str] = "tags_changed"
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LegalHoldPlaced(Recorded):
    """Nothing of the ticket is deleted until the hold is released."""

    kind: ClassVar[str] = "legal_hold_placed"
    reason: Reason


@dataclass(frozen=True, slots=True)
class LegalHoldReleased(Recorded):
    kind: ClassVar[str] = "legal_hold_released"
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class TicketSnoozed(Recorded):
    """Left out of worklists until then; None: back at once."""

    kind: ClassVar[str] = "ticket_snoozed"
    until: datetime | None


@dataclass(frozen=True, slots=True)
class StatusAsked(Recorded):
    """A participant asked how far we are: answered by machine, nothing else changed.

    `message_id`: of their mail, "" where they asked on the page for a link.
    """

    kind: ClassVar[str] = "status_asked"
    message_id: str
    promised_at: datetime | None = None  # the time that the answer names


@dataclass(frozen=True, slots=True)
class ActUndone(Recorded):
    """An agent took the newest act back in time: what it had changed and nobody since is as before.

    - `restored`: the ticket from here on; `fields`: what of it the event sets.
    - `act`: its id. `first`, `last`: the places of its events on the ticket, from 1.
    - `roles`: what people are again. `requests`: for money, of that act: they stay.
    """

    kind: ClassVar[str] = "act_undone"
    restored: Ticket
    act: str
    first: int
    last: int
    fields: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()  # recipients of the mails that did not leave
    roles: tuple[tuple[str, Role], ...] = ()
    requests: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentOpened(Recorded):
    """Many similar complaints came within minutes: this ticket stands for all. `words`: what rose."""

    kind: ClassVar[str] = "incident_opened"
    words: tuple[str, ...]
    count: int  # complaints that opened it


@dataclass(frozen=True, slots=True)
class IncidentJoined(Recorded):
    """The ticket is one complaint of an incident. None: it is a matter of its own again."""

    kind: ClassVar[str] = "incident_joined"
    incident: str | None
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class IncidentResolved(Recorded):
    """The incident is over; its customers get `text` once."""

    kind: ClassVar[str] = "incident_resolved"
    text: str


@dataclass(frozen=True, slots=True)
class SurveyEnqueued(Recorded):
    """The customer was asked for a rating."""

    kind: ClassVar[str] = "survey_enqueued"


@dataclass(frozen=True, slots=True)
class SatisfactionRated(Recorded):
    """The customer's rating of how the matter was handled."""

    kind: ClassVar[str] = "satisfaction_rated"
    score: int  # 1 to 5
    words: str = ""


@dataclass(frozen=True, slots=True)
class TicketFiled(Recorded):
    """A machine's mail about no ticket of ours: no clock runs and nobody is notified until it is released."""

    kind: ClassVar[str] = "ticket_filed"
    reason: Reason


@dataclass(frozen=True, slots=True)
class TicketReleased(Recorded):
    """A held ticket is a matter of its own, or a filed one concerns us after all."""

    kind: ClassVar[str] = "ticket_released"


@dataclass(frozen=True, slots=True)
class MessageMoved(Recorded):
    """Recorded on both tickets: `to` on the one it left, `origin` on the one it came to.

    `pending`: it was not answered yet, so it is our turn wherever it goes. `joined`: who takes part
    because of it.
    """

    kind: ClassVar[str] = "message_moved"
    message: int
    to: str = ""
    origin: str = ""
    pending: bool = False
    joined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketMerged(Recorded):
    """Recorded on the ticket that ends; `messages` went over. `other_customer`: the option was given."""

    kind: ClassVar[str] = "ticket_merged"
    into: str
    messages: tuple[int, ...]
    other_customer: bool = False


@dataclass(frozen=True, slots=True)
class MergeReceived(Recorded):
    """Recorded on the ticket that another was merged into."""

    kind: ClassVar[str] = "merge_received"
    other: str
    messages: tuple[int, ...]
    pending: bool
    joined: tuple[str, ...] = ()
    accepted: bool = False  # an agent found that a stranger's claim is true


@dataclass(frozen=True, slots=True)
class TicketUnmerged(Recorded):
    kind: ClassVar[str] = "ticket_unmerged"
    into: str  # which it was merged into
    messages: tuple[int, ...]  # that came back


@dataclass(frozen=True, slots=True)
class MergeReverted(Recorded):
    """Recorded on the ticket that another had been merged into."""

    kind: ClassVar[str] = "merge_reverted"
    other: str
    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TicketSplit(Recorded):
    """Recorded on the ticket that `messages` left for one of their own."""

    kind: ClassVar[str] = "ticket_split"
    into: str
    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TicketRebuilt(Recorded):
    """Turn and clocks, rebuilt from the messages that are on the ticket now."""

    kind: ClassVar[str] = "ticket_rebuilt"
    status: Status
    first_response_at: datetime | None
    closed_at: datetime | None
    last_message_id: str
    clocks: tuple[Clock, ...]
    turn: Turn | None = None  # None: what the status says, before version 0004
    unanswered: bool | None = None
    turn_until: datetime | None = None
    turn_why: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class ParticipantsAdded(Recorded):
    """People were named in a mail, or an agent added them. `role`: PARTICIPANT, or NAMED without proof."""

    kind: ClassVar[str] = "participants_added"
    addresses: tuple[str, ...]
    role: Role
    reason: Reason
    message_id: str = ""  # of the mail that named them


@dataclass(frozen=True, slots=True)
class ParticipantsRemoved(Recorded):
    """An agent removed people: no mail that names them brings them back."""

    kind: ClassVar[str] = "participants_removed"
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinksRevoked(Recorded):
    """The links of these people to the customers' page of the ticket open nothing any more."""

    kind: ClassVar[str] = "links_revoked"
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerChanged(Recorded):
    """Answers go to `customer` from now on; `former` takes no part any more."""

    kind: ClassVar[str] = "customer_changed"
    customer: str
    former: str


@dataclass(frozen=True, slots=True)
class IdentityLinked(Recorded):
    """`address` and `other` are of one person: both are the customer of what either of them opens."""

    kind: ClassVar[str] = "identity_linked"
    address: str
    other: str


@dataclass(frozen=True, slots=True)
class IdentityUnlinked(Recorded):
    """The link between the two was taken back: what it had joined is two persons again."""

    kind: ClassVar[str] = "identity_unlinked"
    address: str
    other: str


@dataclass(frozen=True, slots=True)
class AnswersMoved(Recorded):
    """Answers go to another identity of the customer from now on."""

    kind: ClassVar[str] = "answers_moved"
    to: str
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class CompensationRequested(Recorded):
    """`request` is its number, that of its line in the ledger; `agent`: in whose name, "" for an operator."""

    kind: ClassVar[str] = "compensation_requested"
    request: int
    amount: Money
    agent: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class ApprovalRequested(Recorded):
    """The people of `level` were asked by mail to decide. `on_duty`: they are there now, else no one is."""

    kind: ClassVar[str] = "approval_requested"
    request: int
    level: str
    recipients: tuple[str, ...]
    on_duty: bool


@dataclass(frozen=True, slots=True)
class CompensationApproved(Recorded):
    """One signature; the money is granted when as many as are needed hold at once."""

    kind: ClassVar[str] = "compensation_approved"
    request: int
    agent: str
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class CompensationGranted(Recorded):
    kind: ClassVar[str] = "compensation_granted"
    request: int
    amount: Money
    agents: tuple[str, ...]  # who signed


@dataclass(frozen=True, slots=True)
class CompensationRefused(Recorded):
    """`limit`: the one that refused (by the policy), "" where a person did, `agent`."""

    kind: ClassVar[str] = "compensation_refused"
    request: int
    agent: str
    reason: Reason = NO_REASON
    limit: str = ""


Routing = TicketOpened | TicketRouted | TicketAssigned | TicketHandedOver | TicketEscalated
Received = CustomerWrote | AutomaticMailReceived | ThanksReceived | CopyReceived | DetailsReceived
Undelivered = DeliveryBounced | DeliveryFailed
Written = AgentAnswered | AgentMailHeld | NoteAdded
Suppressed = AcknowledgementSuppressed | ProgressSuppressed | ClosingWordSuppressed
Notified = AcknowledgementEnqueued | Suppressed | PeopleNotified
Due = ClocksSet | StepTaken | TargetMissed | ReminderDue | DecisionRequested | DecisionMade | LadderChanged
Ended = TicketClosed | TicketReopened | SurveyEnqueued | SatisfactionRated | TicketFiled | TicketReleased
Turns = TurnSet | NewsPromised | TicketSnoozed | StatusAsked | ActUndone
Corrected = TicketCorrected | TagsChanged | LegalHoldPlaced | LegalHoldReleased
Incidents = IncidentOpened | IncidentJoined | IncidentResolved
Merging = TicketMerged | MergeReceived | TicketUnmerged | MergeReverted
Moving = MessageMoved | TicketSplit | TicketRebuilt
Identities = IdentityLinked | IdentityUnlinked | AnswersMoved
People = ParticipantsAdded | ParticipantsRemoved | LinksRevoked | CustomerChanged | Identities
Decided = CompensationApproved | CompensationGranted | CompensationRefused
Compensation = CompensationRequested | ApprovalRequested | Decided
Event = (
    Routing
    | Received
    | Undelivered
    | Written
    | Notified
    | Due
    | Ended
    | Turns
    | Corrected
    | Incidents
    | Merging
    | Moving
    | People
    | Compensation
)

EVENT_KINDS: dict[str, type[Event]] = {event.kind: event for event in get_args(Event)}


def links_of(event: Event) -> list[tuple[str, str]]:
    """Return (kind, number) of the other tickets that an event links its own to."""
    match event:
        case TicketOpened():
            kinds = ("follows", "claims", "suggests", "mentions", "held_for", "split_from")
            return [(kind, getattr(event, kind)) for kind in kinds if getattr(event, kind)]
        case TicketMerged(into=into):
            return [("merged_into", into)]
    return []


def roles_of(event: Event) -> dict[str, Role]:
    """Return what addresses are on the ticket from this event on; others stay what they are."""
    match event:
        case ParticipantsAdded(addresses=addresses, role=role):
            return dict.fromkeys(addresses, role)
        case ParticipantsRemoved(addresses=addresses):
            return dict.fromkeys(addresses, Role.REMOVED)
        case CustomerChanged(customer=customer, former=former):
            return {former: Role.NAMED, customer: Role.CUSTOMER}
        case ActUndone(roles=roles):
            return dict(roles)
    return {}
