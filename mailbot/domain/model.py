"""The values of the domain: mail, tickets, clocks, reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from mailbot.domain.reasons import NO_REASON, Reason


class Status(StrEnum):
    """Where a ticket is in its life. Whose turn it is while it lives: `Turn`."""

    NEW = "new"  # not answered yet
    OPEN = "open"  # our turn, after the first answer
    WAITING = "waiting"  # the turn is the customer's or a third party's
    CLOSED = "closed"
    MERGED = "merged"  # its messages and mail belong to another ticket now
    FILED = "filed"  # a machine's mail about no ticket of ours: no clocks, no notice, until it is released


class Turn(StrEnum):
    """Who has to act next."""

    OURS = "ours"
    CUSTOMER = "customer"
    THIRD_PARTY = "third_party"  # a bank, a courier, a seller: its wait has an end


OVER = frozenset({Status.CLOSED, Status.MERGED, Status.FILED})


class Target(StrEnum):
    """What a policy promises about a ticket; each has a clock."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"
    CONFIRMATION = "confirmation"  # the new owner after an escalation confirms to have it
    DECISION = "decision"  # the people of a level were asked what shall be done
    FOLLOW_UP = "follow_up"  # we wait for the customer: when to ask again, or to close
    THIRD_PARTY = "third_party"  # until when a third party was to act; then the turn is ours again
    PROMISE = "promise"  # until when an agent promised the customer news
    REPEAT = "repeat"  # nothing else will come: the owner is reminded, again and again


class NoticeKind(StrEnum):
    """What a ticket's people are notified of; templates and events name it `why`."""

    NEW = "new"
    CUSTOMER_WROTE = "customer_wrote"
    UNCONFIRMED = "unconfirmed"  # held: to be accepted or rejected
    ESCALATED = "escalated"
    HANDED_OVER = "handed_over"
    ASSIGNED = "assigned"
    REMINDER = "reminder"
    FOLLOW_UP = "follow_up"
    DECIDED = "decided"
    NOTIFY = "notify"  # a step wants them to know
    BOUNCED = "bounced"
    UNDELIVERABLE = "undeliverable"
    SENT_BY_MAIL = "sent_by_mail"  # an answer that a chat refused
    COMPLAINED = "complained"
    COMPENSATION = "compensation"  # how a request ended
    PROGRESS = "progress"  # to the customer
    CLOSED = "closed"  # to the customer: the closing word
    TURN_CAME_BACK = "turn_came_back"  # a wait for a third party ended, or a snoozed ticket came back
    LOW_SCORE = "low_score"  # the customer rated it low: the level above reads it
    INCIDENT = "incident"  # many similar complaints: to the person on duty


class InboxState(StrEnum):
    NEW = "new"  # no decision yet
    DONE = "done"  # it is on a ticket, or an operator dropped it
    PARKED = "parked"  # it could not be handled: an operator decides


class OutboxState(StrEnum):
    DUE = "due"
    SENDING = "sending"  # a node holds it
    DOT = "dot"  # the final dot of DATA may have left: the relay may have the mail
    SENT = "sent"
    DEFERRED = "deferred"  # tried, and to be tried again
    FAILED = "failed"
    SUPPRESSED = "suppressed"  # it never leaves


WAITING_STATES = (OutboxState.DUE, OutboxState.DEFERRED)
UNDER_WAY_STATES = (OutboxState.SENDING, OutboxState.DOT)


class ActState(StrEnum):
    """What became of an agent's act. See `acts`."""

    DONE = "done"
    UNDONE = "undone"
    HELD = "held"  # an answer that was kept back: its author may send it after all
    SENT = "sent"  # held first, then sent by its author's word


class AttemptOutcome(StrEnum):
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNKNOWN = "unknown"  # the connection died after the final dot left
    BOUNCED = "bounced"  # a report came back later
    COMPLAINED = "complained"


class DeadlineState(StrEnum):
    ARMED = "armed"
    PARKED = "parked"  # our code failed on it: the next decision on the ticket sets a new one


class Direction(StrEnum):
    """Where a message goes: from the customer, to the customer, or a note that stays internal."""

    IN = "in"
    OUT = "out"
    NOTE = "note"


class Role(StrEnum):
    """What an address is on a ticket."""

    CUSTOMER = "customer"
    PARTICIPANT = "participant"  # their replies thread, and they get copies of answers
    NAMED = "named"  # in a mail without proof: agents see it, it gives nothing
    REMOVED = "removed"  # by an agent: only an agent brings it back


TAKES_PART = frozenset({Role.CUSTOMER, Role.PARTICIPANT})


@dataclass(frozen=True, slots=True)
class Clock:
    """One target running on one ticket. Spans are work time of the team's calendar.

    `spent` is the work time used before `running_since`, which is None while the clock is paused. `fired`
    holds the indexes of the ladder's steps already taken in this run of the clock; of a CONFIRMATION and a
    DECISION it is the one step that they hang on.
    """

    target: Target
    span: timedelta
    spent: timedelta
    running_since: datetime | None
    fired: tuple[int, ...] = ()
    ends_at: datetime | None = None  # a moment that a person named, in place of `span`


@dataclass(frozen=True)
class Ticket:
    """One customer matter. The row in the store is this value; it is only changed by `lifecycle.evolve`.

    Without slots: `evolve` copies it by its dictionary, at a fifth of the cost.
    """

    number: str
    mailbox: str
    customer: str
    subject: str
    language: str  # "id", "en", or "" while we are unsure
    opened_at: datetime
    status: Status = Status.NEW
    category: str = ""
    urgency: str = ""
    complexity: str = ""
    priority: str = ""
    tags: tuple[str, ...] = ()
    team: str = ""
    level: str = ""
    assignee: str | None = None  # an agent's address
    assigned_at: datetime | None = None
    assign: str = ""  # how it finds an agent, where its rule chooses; else by its team's way
    skill: str = ""  # that its agent should have
    ladder: str = ""
    ladder_digest: str = ""  # of its content when it was chosen; "": whatever it is now
    rule: str = ""
    clocks: tuple[Clock, ...] = ()
    first_response_at: datetime | None = None
    closed_at: datetime | None = None
    last_message_id: str = ""  # of the customer's newest mail: our answer's In-Reply-To
    merged_into: str | None = None
    # A stranger's: the ticket it claims to be about; no clock runs until an agent decides.
    held_for: str | None = None
    details: tuple[tuple[str, str], ...] = ()  # in the mail: ("order_number", "INV-2291"), sorted by name
    escalated: int = 0  # how often its level was raised
    reopened: int = 0
    satisfaction: int | None = None  # the customer's mark, 1 to 5
    events: int = 0  # how many events made this ticket what it is
    reply_to: str = ""  # where mail to the customer goes, in the customer's organisation; "": to `customer`
    turn: Turn = Turn.OURS
    turn_until: datetime | None = None  # when it comes back to us by itself
    turn_why: Reason = NO_REASON
    unanswered: bool = True  # the customer's newest mail has no answer yet
    answered_at: datetime | None = None  # the newest answer
    answered_by: str = ""  # its agent's address
    informed_until: datetime | None = (
        None  # by when the customer expects news, by what we wrote; None: nothing
    )
    informed_of: str = ""  # team, level and time of our newest mail of progress, a line each
    proven: bool = False  # the customer is known to have written the mail that opened it
    cause: str = ""  # why the matter came about, chosen at closing
    snoozed_until: datetime | None = None  # left out of worklists until then
    incident: str | None = None  # number of the incident that this ticket is one complaint of
    channel: str = "mail"  # by which it was opened

    @property
    def answers_to(self) -> str:
        """Return where mail to the customer goes."""
        return self.reply_to or self.customer

    @property
    def is_incident(self) -> bool:
        """Check for a ticket that stands for many complaints: its incident is itself."""
        return self.incident == self.number

    @property
    def is_complaint(self) -> bool:
        """Check for a complaint of an incident: the incident's people are notified in its place."""
        return self.incident is not None and self.incident != self.number


@dataclass(frozen=True, slots=True)
class Post:
    """A message on a ticket without its text: what decisions about moving it need."""

    id: int
    ticket: str
    home: str  # the ticket it was first stored on
    at: datetime
    # "customer"; "answer" that leaves the turn to the customer, "working" that leaves it ours; "" for neither
    turn: str
    direction: Direction
    author: str
    message_id: str
    subject: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the text. `name` is safe to show, `type` was found by looking at the content.

    A picture inside the text has a `content_id`, and the text has "[image: NAME]" at its place.
    """

    name: str
    type: str
    size: int
    digest: str  # sha256 of the content, hexadecimal: its key in the store
    content: bytes = field(repr=False, default=b"")
    content_id: str = ""  # without angle brackets


PERSON_BY_DEFAULT = Reason("person_by_default")


class Author(StrEnum):
    """Who wrote a mail. What a machine may answer is another question: `InboundMail.no_auto_reply`."""

    PERSON = "person"
    MACHINE = "machine"  # an absence note, a robot
    REPORT = "report"  # about a mail: a bounce, a receipt, a complaint, the reply to an invitation


@dataclass(frozen=True, slots=True)
class Contact:
    """An address in a header field, in lower case ("" when it is not valid), and a name safe to show."""

    name: str
    address: str


class Authentication(StrEnum):
    """The result of a host that we trust for the sender named in From."""

    PASS = "pass"  # aligned with the From domain
    FAIL = "fail"
    NONE = "none"  # no result from a trusted host


@dataclass(frozen=True, slots=True)
class CustomerHistory:
    """What rules may use that the mail itself does not hold, as it was when the mail was routed.

    Recorded on TicketRouted, so that a replay decides on the same facts. `looked_up`: the store was read.
    Else no rule needs it, and `known_customer`, `open_tickets` and `escalated_before` mean nothing.
    """

    known_customer: bool = False  # had a ticket before this one
    open_tickets: int = 0  # of this customer, this one not counted
    reopened: bool = False  # it goes on with a ticket that was closed
    escalated_before: bool = False  # one of the customer's tickets was, in the last 90 days
    authentication: Authentication = Authentication.NONE
    author: Author = Author.PERSON
    machine_may_answer: bool = True
    channel: str = "mail"
    looked_up: bool = False


NO_HISTORY = CustomerHistory()


@dataclass(frozen=True, slots=True)
class Envelope:
    """The envelope of the SMTP session."""

    sender: str  # "" is the null sender
    recipients: tuple[str, ...]  # as accepted: a mailbox of ours, a +tag perhaps
    peer: str  # IP address of the client
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """What a report states about one address. `status` is an enhanced code (RFC 3463), "" when unknown."""

    address: str  # in lower case
    action: str  # "failed", "delayed", "delivered", "relayed", "expanded", "displayed", ...
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A machine's report about a mail. Nothing in it is proven: anyone can write one.

    - `kind`: "bounce" (given up), "delay" (still tried), "complaint" (the reader calls it abuse), or
      "receipt" (delivered, displayed, or anything else that is only recorded).
    - `permanent`: another attempt would fail too. `read_by`: the reader that understood the report.
    - `message_id` and `references`: those of the original mail.
    - `tokens`: everything that looks like our Message-ID or bounce address, the original's first.
    - `text`: where a ticket number may be found.
    """

    kind: str
    recipients: tuple[Failure, ...]
    permanent: bool
    read_by: str
    message_id: str = ""
    references: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    text: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """What a front process found out about a mail: its fingerprint, and how it reads by a version of the policy."""

    fingerprint: str
    policy: str
    mail: "InboundMail"


@dataclass(frozen=True, slots=True)
class InboundMail:
    """A mail as read by `mail.parse`, not yet on a ticket. Every text is safe for SQL and bounded.

    - `sender` is the single address of From in lower case, "" when there is none or several (`flags` names
      which).
    - `no_auto_reply`: why no machine may answer it, no reason when one may. It says nothing about the author.
    - `author`, `author_reason`: who wrote it, and by what sign.
    - `text` is the whole body; `visible` the part that the sender wrote this time (never empty unless text
      is). `new_body` is that part without forwarded mail and without `footer` (signature, small print); None:
      not separated, so all that is visible.
    - `reply_to` is where answers go, only within the sender's organisation. `reply_to_named` is the first
      address of Reply-To wherever it leads, `original_from` the author that a mailing list names when it
      writes its own address into From (X-Original-From, X-Original-Sender). Neither is proven.
    """

    sender: str
    sender_name: str
    subject: str
    text: str
    visible: str
    message_id: str  # with angle brackets; "" when missing
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    reply_to: str
    no_auto_reply: Reason
    authentication: Authentication
    attachments: tuple[Attachment, ...]
    flags: tuple[str, ...]  # "no-sender", "several-senders", "too-complex", "html-cut", ...
    size: int
    language: str  # "id", "en" or ""
    report: Report | None = None  # read only where no machine may answer
    author: Author = Author.PERSON
    author_reason: Reason = PERSON_BY_DEFAULT
    to: tuple[Contact, ...] = ()
    cc: tuple[Contact, ...] = ()
    reply_to_named: str = ""
    original_from: Contact | None = None
    new_body: str | None = None
    footer: str = ""
    channel: str = "mail"  # by which it came; a mail server's mail by "mail"
    # Header fields by lower-case name, all values of each, top first; computed on first use.
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    routed: object = field(default=None, repr=False, compare=False)  # early, see `domain.routing.routed`
