"""Mail that we send by ourselves: one dataclass here, one template per language
(`templates/<language>/<name>.*`).

`name` is the template's and the outbox row's kind. `ack` notices leave before `reply`, `reply` before `team`.
Templates get a field under its own name: a reason as a sentence in the reader's language, a moment as local
time (see `mail.compose.template_values`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from mailbot.domain.commands.results import Result
from mailbot.domain.model import Attachment, NoticeKind
from mailbot.domain.people.context import NO_CONTEXT, TicketContext
from mailbot.domain.reasons import NO_REASON, Reason


@dataclass(frozen=True, slots=True)
class HelpLine:
    """One verb. `written`: "#assign AGENT". `example`: "#assign Rina", the same as `written` without arguments."""

    written: str
    text: str
    example: str


@dataclass(frozen=True, slots=True)
class TicketNotice:
    number: str
    mailbox: str
    to: str
    language: str  # of an acknowledgement: "" = both


@dataclass(frozen=True, slots=True)
class Acknowledgement(TicketNotice):
    """To the customer: we have your mail, this is its number. It repeats nothing that the sender wrote.

    - `subject`: the exception, where the mailbox wants it and the sender is authenticated; else "".
    - `needed`: labels, by language, of the details that we still need.
    - `template`: the variant that the rule chose, "" for the plain one.
    - `promised_at`: when the customer is to have an answer at the latest; None where no promise runs.
    - `customer_name`: only of an authenticated sender.
    """

    name: ClassVar[str] = "acknowledgement"
    lane: ClassVar[int] = 0
    in_reply_to: str
    subject: str = ""
    needed: tuple[Mapping[str, str], ...] = ()
    template: str = ""
    promised_at: datetime | None = None
    customer_name: str = ""


@dataclass(frozen=True, slots=True)
class Answer(TicketNotice):
    """What an agent wrote, to the customer, from the mailbox.

    - `cc`: who takes part beside the customer. `copy_to`: the one of them that this copy goes to, "" for the
      customer's own.
    - `references`: Message-IDs of the conversation, oldest first, so that mail programs group it.
    - `subject`: the customer's, without "Re:" and without our number.
    - `signature`: the agent's or the mailbox's, "" for the name and the brand alone.
    - `promised_at`: by when the customer gets news again, where the text does not say it.
    """

    name: ClassVar[str] = "answer"
    lane: ClassVar[int] = 1
    in_reply_to: str
    agent_name: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    cc: tuple[str, ...] = ()
    copy_to: str = ""
    references: tuple[str, ...] = ()
    subject: str = ""
    signature: str = ""
    promised_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress(TicketNotice):
    """To the customer: the matter is not settled yet, who has it now, and by when we send news.

    - `subject`: of the conversation, as in an answer; "" where it may be a forger's.
    - `team` and `level`: their names for customers, by language; empty where the policy gives none.
    """

    name: ClassVar[str] = "progress"
    lane: ClassVar[int] = 1
    in_reply_to: str
    subject: str = ""
    team: Mapping[str, str] = field(default_factory=dict)
    level: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Closing(TicketNotice):
    """To the customer: the matter is settled, how to reopen it, and perhaps a survey.

    - `subject`: the customer's, where a person has answered; else "".
    - `text` and what comes with it: the agent's answer that closed the ticket, as in `Answer`.
    - `reopens_until`: until when a reply reopens the ticket. `survey`: 1 where a rating is asked for.
    """

    name: ClassVar[str] = "closing"
    lane: ClassVar[int] = 1
    in_reply_to: str
    subject: str = ""
    text: str = ""
    agent_name: str = ""
    attachments: tuple[Attachment, ...] = ()
    references: tuple[str, ...] = ()
    signature: str = ""
    reopens_until: datetime | None = None
    survey: int = 0


@dataclass(frozen=True, slots=True)
class TeamNotice(TicketNotice):
    """To one agent or manager: a ticket is new, was answered by the customer, escalated, or is due.

    The reply address carries a token bound to `to`, so that no other sender can act by it.

    - `text`: what brought it, such as the words of a mail server. The dialogue is in `context`.
    - `owner`: who has the ticket, "" for the team. `promised_at`: when the customer's promise ends.
    - `next_steps`: what happens by itself, when, and the level or team it leads to.
    - `known` and `missing`: details by their labels.
    """

    name: ClassVar[str] = "team"
    lane: ClassVar[int] = 2
    why: NoticeKind
    because: Reason
    customer: str
    subject: str
    text: str
    category: str
    priority: str
    team: str
    level: str
    due_at: datetime | None  # the next deadline, if any
    confirm_by: datetime | None = None  # the reader is to act by then, else the next step comes at once
    owner: str = ""
    promised_at: datetime | None = None
    next_steps: tuple[tuple[datetime, Reason], ...] = ()
    spoken: str = ""  # the customer's language
    known: tuple[tuple[Mapping[str, str], str], ...] = ()
    missing: tuple[Mapping[str, str], ...] = ()
    hold_until: datetime | None = None  # it leaves then, unless another notice takes its place before
    answers_to: str = ""  # where answers go, of the customer's identities
    context: TicketContext = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class Question(TicketNotice):
    """To the people of a level: a ticket waits for their decision.

    `options` as one text; `first` of them as an example. The reply address takes decisions alone.
    """

    name: ClassVar[str] = "question"
    lane: ClassVar[int] = 2
    question: str
    options: str
    first: str
    because: Reason
    customer: str
    subject: str
    category: str
    priority: str
    team: str
    level: str
    until: datetime | None
    choices: tuple[str, ...] = ()  # the options, one by one
    context: TicketContext = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class AgentRefusal(TicketNotice):
    """To an agent: the mail sent in your name was not carried out, and why."""

    name: ClassVar[str] = "refusal"
    lane: ClassVar[int] = 2
    reason: Reason
    subject: str = ""
    context: TicketContext = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class Receipt(TicketNotice):
    """To an agent whose mail had commands: done, or refused and why; what the customer reads, what comes next.

    - `refused`: why nothing was done, no reason where all was. `done`: what each command did.
    - `text`: what the customer reads of the agent's, "" for nothing. `also_sent`: our mails beside it.
    - `turn` and `turn_until`: who has to act next. `promised_at`: when the customer's promise ends.
    - `undo_until`: until when the agent can take it back, None where that is not possible.
    """

    name: ClassVar[str] = "receipt"
    lane: ClassVar[int] = 1
    subject: str
    team: str = ""
    refused: Reason = NO_REASON
    done: tuple[Result, ...] = ()
    text: str = ""
    also_sent: Reason = NO_REASON
    turn: Reason = NO_REASON
    turn_until: datetime | None = None
    promised_at: datetime | None = None
    next_steps: tuple[tuple[datetime, Reason], ...] = ()
    undo_until: datetime | None = None
    context: TicketContext = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class AnswerHeld(TicketNotice):
    """To the author of a mail that a colleague's work has overtaken, and to that colleague: it was held.

    - `reason`: who answered, or who has the ticket. `author`: the name of who wrote what was held.
    - `own`: 1 for the author, who may send it after all until `until`; 0 for the colleague.
    - `text`: what was held.
    """

    name: ClassVar[str] = "answer_held"
    lane: ClassVar[int] = 2
    reason: Reason
    author: str
    own: int
    text: str
    subject: str = ""
    team: str = ""
    until: datetime | None = None
    context: TicketContext = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class AgentHelp(TicketNotice):
    """To an agent: what works by mail.

    - `asked`: 1 where the agent asked for help, 0 where the mail opened no ticket.
    - `number`: the ticket, or where that mail is filed. `subject`: the ticket's, or the mail's.
    - `verbs`: those that apply, in the reader's language.
    """

    name: ClassVar[str] = "agent_help"
    lane: ClassVar[int] = 1
    subject: str
    asked: int = 0
    verbs: tuple[HelpLine, ...] = ()
    context: TicketContext = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class CompensationWanted(TicketNotice):
    """To a person who may decide on a request for compensation. The reply address takes decisions alone.

    Amounts are as people read them, "" for nothing. `signed`: who approved before. `two_persons`: 1 where two
    must approve.
    """

    name: ClassVar[str] = "compensation_wanted"
    lane: ClassVar[int] = 2
    request: str  # its number
    amount: str
    who: str  # asks
    asker: str  # their address, "" for an operator
    because: str
    customer: str
    subject: str
    category: str
    team: str
    on_ticket: str  # what the ticket got before
    in_90_days: str  # what the customer got
    signed: str
    two_persons: int
    context: TicketContext = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class CompensationDecided(TicketNotice):
    """To the asker for compensation: "granted" or "refused" (`outcome`), by which person ("": a limit), and
    why.
    """

    name: ClassVar[str] = "compensation_decided"
    lane: ClassVar[int] = 2
    request: str
    outcome: str
    amount: str
    who: str
    because: Reason
    customer: str
    subject: str
    team: str
    context: TicketContext = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class WorkEntry:
    """A ticket in a list by mail. `heading`: of its group. `at`: the moment that it is about.

    `because`: what comes next, or what is to be decided. `reply_to`: the reader's reply address for the ticket.
    """

    number: str
    mailbox: str
    subject: str
    customer: str
    heading: Reason
    at: datetime | None = None
    because: Reason = NO_REASON
    excerpt: str = ""  # of the customer's newest message
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class AgentWorklist(TicketNotice):
    """To an agent, about several tickets (`number` is ""): the plan of the day, or what was handed over.

    `older`: how many more there are.
    """

    name: ClassVar[str] = "worklist"
    lane: ClassVar[int] = 2
    title: Reason
    entries: tuple[WorkEntry, ...]
    older: int = 0


@dataclass(frozen=True, slots=True)
class Bulletin:
    """About no ticket, to an admin or a manager: a refused reload, a weekly report.

    It has no template: the text is complete. `html`: the inside of <body>, "" for none.
    """

    name: ClassVar[str] = "bulletin"
    lane: ClassVar[int] = 2
    number: ClassVar[str] = ""

    mailbox: str
    to: str
    language: str  # of the line below the text about answers to it
    subject: str
    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class LogInMail(Bulletin):
    """To an agent or an admin who wants to log in, and waits for it."""

    name: ClassVar[str] = "log_in"
    lane: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class ChatGreeting(Bulletin):
    """To somebody who opened a chat with us, and wrote nothing yet."""

    name: ClassVar[str] = "greeting"
    lane: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class ConfirmationMail(Bulletin):
    """To an address that somebody wrote into a web form: nothing else goes there before it is confirmed."""

    name: ClassVar[str] = "confirm_form"
    lane: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class StatusAnswer(TicketNotice):
    """To a participant who asked how far we are. It names no agent, no rule and no note.

    - `subject` and `references`: of the conversation, as in an answer; "" where the subject may be a forger's.
    - `phase`: one of PHASES. `team` and `level`: their names for customers, by language.
    - `until`: when a wait for the customer or a third party ends. `reopen_by`: until when a reply reopens it.
    - `promised_at`: by when we send news. `missed_at`: a promise that we did not keep.
    """

    name: ClassVar[str] = "status"
    lane: ClassVar[int] = 0
    in_reply_to: str
    references: tuple[str, ...] = ()
    subject: str = ""
    phase: str = "ours"
    team: Mapping[str, str] = field(default_factory=dict)
    level: Mapping[str, str] = field(default_factory=dict)
    received_at: datetime | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    reopen_by: datetime | None = None
    until: datetime | None = None
    promised_at: datetime | None = None
    missed_at: datetime | None = None


PHASES = ("ours", "customer", "third_party", "closed")

ToCustomer = Acknowledgement | Answer | Progress | Closing | StatusAnswer
Notice = (
    ToCustomer
    | TeamNotice
    | Question
    | AgentRefusal
    | Receipt
    | AnswerHeld
    | AgentHelp
    | CompensationWanted
    | CompensationDecided
    | AgentWorklist
)


# By an answer to these people decide among themselves: no text in it may reach a customer.
FOR_COLLEAGUES = frozenset({Question.name, CompensationWanted.name, CompensationDecided.name})


def recipient_of(notice: Notice | Bulletin) -> str:
    """Return the one address that the mail goes to. A copy of an answer still has the customer in To."""
    return (notice.copy_to if isinstance(notice, Answer) else "") or notice.to
