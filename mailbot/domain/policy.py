"""Everything the admins chose, frozen: what `settings` builds from the YAML and the core decides by."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal, get_args

from mailbot.domain.model import Target
from mailbot.domain.routing import prefilter
from mailbot.domain.routing.conditions import When, fields_in
from mailbot.domain.routing.field_types import AddressList
from mailbot.domain.routing.money import Money
from mailbot.domain.routing.prefilter import Prefilter
from mailbot.domain.worktime import Calendar, Interval


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
    skills: tuple[str, ...] = ()
    calendar: str = ""  # the own hours; "": the team's
    away: frozenset[date] = frozenset()  # days off, by the local date of the calendar


@dataclass(frozen=True, slots=True)
class Team:
    """`assign` is how its tickets find an agent: see ASSIGN. `public` is what customers read, by language."""

    name: str
    calendar: str
    agents: tuple[Agent, ...]
    assign: str = "spread"
    public: Mapping[str, str] = field(default_factory=dict)


# Ways to choose among those who are on duty: evenly by the number's random digits; whoever got none for the
# longest time; whoever has the fewest open tickets.
Assign = Literal["spread", "round_robin", "least_load"]
ASSIGN: tuple[Assign, ...] = get_args(Assign)


@dataclass(frozen=True, slots=True)
class Actions:
    """What a rule sets; None, "" or () says nothing about it. The first rule that names a thing decides it,
    tags and details to ask for come together from all that matched: see `classify`."""

    category: str | None = None  # a path in the tree: "payment/double"
    urgency: str | None = None
    complexity: str | None = None
    tags: tuple[str, ...] = ()
    team: str = ""
    level: str | None = None
    priority: str | None = None
    ladder: str | None = None  # else the priority's
    assign: str = ""  # one of ASSIGN, else the team's way
    skill: str = ""  # only agents who have it, where any of them is there
    template: str = ""  # a variant of the acknowledgement: templates/<language>/acknowledgement.<template>.*
    ask_for: tuple[str, ...] = ()  # details that the acknowledgement asks for unless the mail named them


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` is None in the last rule, which takes everything. `line` is where it stands in routing.yaml.

    A rule with `go_on` sets what it names, and the rules below are asked all the same.
    """

    name: str
    when: When | None
    then: Actions
    line: int = 0
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class Detail:
    """Something that we need to know about a matter, as an order number. `labels` is what the customer reads,
    by language; `pattern` (RE2, "" for none) finds it in a mail: the first group of it that finds anything,
    all of the match where it has no groups."""

    name: str
    labels: Mapping[str, str]
    pattern: str = ""


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
    escalate_by_category: Mapping[str, str] = field(
        default_factory=dict
    )  # category -> level, above the other
    reassign: bool = False  # to somebody else of the same team and level
    hand_over_to: str = ""  # a team
    notify: tuple[str, ...] = ()  # addresses
    tell_customer: bool = False
    acknowledge_within: timedelta | None = None
    ask_decision: str = ""  # a level whose people are asked what shall be done
    question: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """`quiet`: hours of the day, on the wall clock of the team's calendar, in which nobody is reminded.
    `repeat`: when all steps are taken, who has the ticket is reminded again so often (work time), for ever:
    an open ticket always has a next deadline."""

    name: str
    targets: Mapping[Target, timedelta]
    steps: tuple[Step, ...]
    quiet: tuple[Interval, ...] = ()
    repeat: timedelta = timedelta(hours=24)

    @property
    def digest(self) -> str:
        """Of all that it says: a ticket climbs the ladder that it was given, whatever the files say later.

        It is stored and never worked out again from what was stored, so that it may change with our code.
        """
        by_category = [dict(sorted(step.escalate_by_category.items())) for step in self.steps]
        pairs = zip(self.steps, by_category, strict=True)
        steps = [replace(step, escalate_by_category=levels) for step, levels in pairs]
        said = repr((self.name, sorted(self.targets.items()), steps, self.quiet, self.repeat))
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Authority:
    """How much compensation may be granted, in one currency. A limit that is missing does not hold.

    `per_ticket` is what a level may bring one ticket to in all (0 or no entry: nothing); by category where
    one is named (the longest path that fits), else under "". `two_persons_above`: where a ticket would have
    more in all, two persons sign who each may decide. `per_team` counts by calendar month, `per_agent_day` by
    day of the first calendar's zone. `decide_within`: work time of the ticket's team after which a request
    that nobody decided is put before people again.
    """

    per_ticket: Mapping[str, Mapping[str, Money]] = field(default_factory=dict)  # category -> level -> most
    per_customer: Money | None = None  # in any 90 days
    per_agent_day: Mapping[str, Money] = field(default_factory=dict)  # level -> most an agent grants a day
    per_team: Mapping[str, Money] = field(default_factory=dict)  # team -> budget of a month
    two_persons_above: Money | None = None
    decide_within: timedelta = timedelta(hours=4)


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


@dataclass(frozen=True, slots=True)
class WeeklyReport:
    """A report of the last seven days, to these addresses, each week at a moment of the wall clock of the
    default calendar's zone: `weekday` 0 is Monday, `at` since midnight."""

    to: tuple[str, ...]
    weekday: int
    at: timedelta
    language: str


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
    categories: tuple[str, ...] = ()  # the tree as paths, parents first; (): any word goes
    details: Mapping[str, Detail] = field(default_factory=dict)
    authority: Authority = Authority()
    admins: tuple[str, ...] = ()  # addresses that hear of refused reloads
    weekly: WeeklyReport | None = None
    former: Mapping[str, Ladder] = field(default_factory=dict)  # by digest: what tickets climb all the same
    level_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # for customers, by language
    lists: Mapping[str, AddressList] = field(default_factory=dict)  # what `listed_in` looks in, by name
    memo: dict[str, tuple[tuple[Rule, ...], Prefilter]] = field(
        default_factory=dict, repr=False, compare=False
    )  # see `prefilter`

    @cached_property
    def asked(self) -> frozenset[str]:
        """The fields that any rule asks about."""
        return frozenset(fields_in(rule.when for rule in self.rules if rule.when))

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """The digest of each ladder, by its name."""
        return {name: ladder.digest for name, ladder in self.ladders.items()}

    @cached_property
    def ladders_by_digest(self) -> Mapping[str, Ladder]:
        """Those in the files and the former ones that tickets still climb."""
        return {**self.former, **{self.digests[name]: each for name, each in self.ladders.items()}}

    @cached_property
    def last_deadline(self) -> list[Any]:
        """One place for `ladder.next_deadline` to note what it was asked last: a memo, no state."""
        return [None]

    @cached_property
    def hours_of(self) -> Mapping[str, Calendar]:
        """When each agent works, by address: the own calendar, else the team's."""
        return {
            agent.address: self.calendars[agent.calendar or team.calendar]
            for team in self.teams.values()
            for agent in team.agents
        }

    @cached_property
    def weighs_loads(self) -> bool:
        """Does any way to find an agent ask who has how much?"""
        said = {team.assign for team in self.teams.values()} | {rule.then.assign for rule in self.rules}
        return not said <= {"", "spread"}

    @property
    def prefilter(self) -> Prefilter:
        """Which rules a mail can match at all. Thousands of patterns take a second, so that a policy that is
        made from this one with the same rules has the same."""
        kept = self.memo.get("prefilter")
        if kept is None or kept[0] is not self.rules:
            kept = self.memo["prefilter"] = self.rules, prefilter.build([rule.when for rule in self.rules])
        return kept[1]

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
