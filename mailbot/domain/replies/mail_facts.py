"""What a decision about a mail needs, and what it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mailbot.domain.assignment import Loads
from mailbot.domain.closing.rating import Rating
from mailbot.domain.commands.carry_out import NO_FACTS, Acted, CommandFacts
from mailbot.domain.commands.grammar import Act
from mailbot.domain.incidents.window import CALM, Complaint, Storms
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.model import NO_HISTORY, CustomerHistory, Direction, Ticket
from mailbot.domain.people.participants import Roles
from mailbot.domain.reasons import Refusal
from mailbot.domain.replies import undeliverable
from mailbot.domain.replies.agent_mail import NO_AGENT_MAIL, AgentMail
from mailbot.domain.replies.without_token import Forwarded


@dataclass(frozen=True, slots=True)
class MailFacts:
    """What the decision needs besides the mail, loaded in the transaction that records it.

    - `number`: a new one, for a ticket that may be opened.
    - `proof`: how an agent's mail was shown to be the agent's, "" when it was not.
    - `reply`: what an agent's reply is checked with.
    - `act`: what the verbs on top of an agent's mail want, or why they can't be read; None without verbs.
    - `command_facts`: what they need. `tapped`: a one-tap link, the text of the mail does nothing.
    - `forwarded`: by whom this mail of a customer was forwarded to us.
    - `meant`: the customer of the ticket that the mail named, which may have been merged since.
    - `held_for`: the ticket that a stranger named, where the mailbox holds mails of strangers.
    - `language`: what this customer last wrote in.
    - `rate_limits`: key -> moment when that bucket is full again (see `auto_reply`).
    - `returned`: our mail that a report is proven to be about.
    - `suppressions`: which of the addresses concerned get no automatic mail.
    - `acknowledged_before`: the mail answers an acknowledgement that another person got from us.
    - `filed_full`: where a machine's mail about no ticket goes when enough were filed within the hour.
    - `customer_history`: what the store knows of the customer. `loads`: the open tickets of agents.
    - `roles`: of the people of the ticket. `senders_checked`: a mail without proof could have had one.
    - `rating`: of the ticket, where our key shows that the mail is one.
    - `storms`: what this node knows of many similar complaints.
    - `is_untouched`: nobody has acted on the chat that goes on, see `reroute`.
    - `hides_unproven`: `mail.visible` leaves out lines that only their form shows to be a quote.
    """

    number: str
    match: Match
    proof: str = ""
    reply: AgentMail = NO_AGENT_MAIL
    act: Act | Refusal | None = None
    command_facts: CommandFacts = NO_FACTS
    tapped: bool = False
    forwarded: Forwarded | None = None
    meant: str = ""
    held_for: Ticket | None = None
    language: str = ""
    rate_limits: Mapping[str, datetime] = field(default_factory=dict)
    returned: undeliverable.Sent | None = None
    suppressions: undeliverable.Suppressions = field(default_factory=dict)
    acknowledged_before: bool = False
    filed_full: Ticket | None = None
    customer_history: CustomerHistory = NO_HISTORY
    loads: Loads = field(default_factory=dict)
    roles: Roles = field(default_factory=dict)
    senders_checked: bool = False
    hides_unproven: bool = False
    is_untouched: bool = False
    rating: Rating | None = None
    storms: Storms = CALM


@dataclass(frozen=True, slots=True)
class MailDecision:
    """The decision, and `spent`: the rate limits that answering used up.

    `effects`: what a report leads to. `lifted`: suppressed addresses that this mail shows to be alive.
    `acted`: what the verbs of an agent's mail did. `complaint`: by what similar complaints are found, of a mail
    that opened a ticket.
    """

    decision: Decision
    direction: Direction
    spent: Mapping[str, datetime] = field(default_factory=dict)
    effects: undeliverable.Effects = undeliverable.NOTHING
    lifted: frozenset[str] = frozenset()
    acted: Acted | None = None
    complaint: Complaint | None = None
