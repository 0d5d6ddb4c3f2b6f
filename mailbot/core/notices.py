"""Mail we owe someone. One dataclass here and one template per language: `templates/<language>/<name>.*`.

`name` is the template's and the outbox row's kind. `ack` notices leave before `reply`, `reply` before `team`.
All values handed to a template are str, int or dict (see `mail.compose`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from mailbot.core.model import Attachment


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """We have your mail, this is its number. Carries nothing that the sender wrote, but for `subject`: ""
    unless the mailbox wants it and the sender is authenticated (see `answers.authenticated`)."""

    name: ClassVar[str] = "acknowledgement"
    lane: ClassVar[int] = 0

    number: str
    mailbox: str
    to: str
    language: str  # "" = both
    in_reply_to: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent wrote, to the customer, from the mailbox."""

    name: ClassVar[str] = "answer"
    lane: ClassVar[int] = 1

    number: str
    mailbox: str
    to: str
    language: str
    in_reply_to: str
    agent_name: str
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """To the customer, by rule: your matter is now with people of a higher level."""

    name: ClassVar[str] = "progress"
    lane: ClassVar[int] = 1

    number: str
    mailbox: str
    to: str
    language: str
    in_reply_to: str


@dataclass(frozen=True, slots=True)
class TeamNotice:
    """To one agent or manager: a ticket is new, was answered by the customer, escalated, or is due.

    `why` is one of "new", "customer_wrote", "unconfirmed", "escalated", "handed_over", "assigned",
    "reminder", "notify", "bounced", "undeliverable", "complained".
    The reply address carries a tag that is bound to `to`, so that an answer can act for nobody else.
    """

    name: ClassVar[str] = "team"
    lane: ClassVar[int] = 2

    number: str
    mailbox: str
    to: str
    language: str
    why: str
    because: str
    customer: str
    subject: str
    text: str
    category: str
    priority: str
    team: str
    level: str
    due_at: datetime | None  # the next deadline, if any


@dataclass(frozen=True, slots=True)
class AgentRefusal:
    """To an agent: the mail sent in your name did not act, and why."""

    name: ClassVar[str] = "refusal"
    lane: ClassVar[int] = 2

    number: str
    mailbox: str
    to: str
    language: str
    reason: str


@dataclass(frozen=True, slots=True)
class Bulletin:
    """About no ticket, to an admin or a manager: a refused reload, a weekly report. Its words are complete, it
    has no template; `html` is what stands inside of <body>, "" for none."""

    name: ClassVar[str] = "bulletin"
    lane: ClassVar[int] = 2
    number: ClassVar[str] = ""

    mailbox: str
    to: str
    language: str  # of the line below the text that says what an answer would do
    subject: str
    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()


# About a ticket, in the words of a template.
Notice = Acknowledgement | Answer | Progress | TeamNotice | AgentRefusal
