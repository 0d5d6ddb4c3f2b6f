"""Everything the admins chose, frozen: what `settings` builds from the YAML and the core decides by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from mailbot.core.model import Target
from mailbot.core.routing import When
from mailbot.core.worktime import Calendar


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address customers write to.

    `strangers`: what happens to a mail that names a ticket of somebody else. "new" opens a ticket of its own
    with a remark for the agent, "hold" one on which no clock runs until an agent accepts or rejects it,
    "thread" appends it all the same.

    `unauthenticated`: what a sender may get by itself who did not pass authentication. "neutral": the
    acknowledgement, like everybody; "held": nothing until an agent answers; "none": no word of progress later
    either. `rich_acknowledgements`: who passed reads the own subject again in the acknowledgement.
    """

    address: str
    brand: str
    prefix: str  # of the ticket number, 2 to 10 capital letters
    language: str = ""  # of the first answer when the mail itself leaves us unsure; "" = bilingual
    strangers: str = "new"
    reopen_within: timedelta = timedelta(days=14)
    digits: int = 8
    unauthenticated: str = "neutral"
    rich_acknowledgements: bool = False

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Agent:
    name: str
    address: str
    level: str
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Team:
    name: str
    calendar: str
    agents: tuple[Agent, ...]


@dataclass(frozen=True, slots=True)
class Actions:
    """What a rule sets. None leaves it to the defaults."""

    category: str = "general"
    urgency: str = "normal"
    complexity: str = "medium"
    tags: tuple[str, ...] = ()
    team: str = ""
    level: str | None = None
    priority: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` is None in the last rule, which takes everything. `line` is where it stands in routing.yaml."""

    name: str
    when: When | None
    then: Actions
    line: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """When a step is due: a share of a target's span plus an offset, both work time ("75% of resolution")."""

    target: Target
    share: float = 1.0
    offset: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a ladder; everything it names happens at once, in this order."""

    at: Moment
    remind: str = ""  # "assignee" or "team"
    escalate_to: str = ""  # a level
    hand_over_to: str = ""  # a team
    notify: tuple[str, ...] = ()  # addresses
    tell_customer: bool = False
    acknowledge_within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    name: str
    targets: Mapping[Target, timedelta]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: it starts with `count` tokens and gets one back every `period / count`."""

    count: int
    period: timedelta


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """How many automatic answers may leave; every one of the rates must agree. Empty: no limit."""

    per_address: tuple[Rate, ...] = ()
    per_domain: tuple[Rate, ...] = ()
    overall: tuple[Rate, ...] = ()


@dataclass(frozen=True)
class Policy:
    version: str  # digest of the files it came from; stored on each event
    mailboxes: Mapping[str, Mailbox]  # by address
    levels: tuple[str, ...]  # lowest first
    teams: Mapping[str, Team]
    rules: tuple[Rule, ...]
    ladders: Mapping[str, Ladder]
    ladder_of: Mapping[str, str]  # priority -> ladder
    calendars: Mapping[str, Calendar]
    answers: AnswerLimits = AnswerLimits()
    shared_domains: frozenset[str] = frozenset()  # many people's (gmail.com): no limit per domain there

    @cached_property
    def agents(self) -> Mapping[str, Agent]:
        """Every agent by address."""
        return {agent.address: agent for team in self.teams.values() for agent in team.agents}

    def mailbox_for(self, address: str) -> Mailbox | None:
        """The mailbox that takes mail for `address` (any +tag), or None."""
        local, _, domain = address.lower().rpartition("@")
        return self.mailboxes.get(f"{local.partition('+')[0]}@{domain}")

    def calendar_of(self, team: str) -> Calendar:
        return self.calendars[self.teams[team].calendar]
