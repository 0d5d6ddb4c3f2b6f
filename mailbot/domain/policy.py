"""Define the policy: everything that admins chose, frozen. `config.build` builds it from the YAML."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from mailbot.domain.model import Target
from mailbot.domain.routing.field_types import AddressList
from mailbot.domain.routing.money import Money
from mailbot.domain.web_forms.model import WebForm
from mailbot.domain.worktime import Calendar, Interval

if TYPE_CHECKING:  # rules and RE2: commands that only read do without
    from mailbot.domain.routing.conditions import When
    from mailbot.domain.routing.learned import Model
    from mailbot.domain.routing.prefilter import Prefilter


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: it starts with `count` tokens and gets one back every `period / count`."""

    count: int
    period: timedelta


@dataclass(frozen=True, slots=True)
class IncidentRule:
    """When many similar complaints become one incident, and who gets the page.

    `after`: so many people within the period. `team`: "" for the complaints' own. `level`: "" for that team's
    highest level below the top with an agent on duty.
    """

    after: Rate
    team: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things of tickets that are over are kept; None: for good."""

    raw_mail: timedelta | None = None  # the bytes of mails, received and sent
    attachments: timedelta | None = None  # files; the bytes of a mail with files go with them
    closed_tickets: timedelta | None = None  # since the end and the newest message
    attempts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address customers write to.

    `strangers`: what happens to a mail that names another customer's ticket. "new" opens a ticket of its own
    with a remark for the agent. "hold" opens one on which no clock runs until an agent accepts or rejects it.
    "thread" adds the mail to the ticket.

    `unauthenticated`: the automatic mail to a sender who did not pass authentication. "neutral": the usual
    acknowledgement. "held": none until an agent answers. "none": also no mail of progress later.
    `rich_acknowledgements`: show the subject in the acknowledgement to a sender who passed.
    `copies`: answers also go to the people who take part beside the customer.
    `after_answer`: whose turn it is after an answer. "by_question": the customer's where it asks for something.
    `close_after`: a ticket whose turn is the customer's is closed after so long; None: never.
    """

    address: str
    brand: str
    prefix: str  # of the ticket number, 2 to 10 capital letters
    language: str = ""  # of the first answer when the mail's own is unclear; "": bilingual
    strangers: str = "new"
    reopen_within: timedelta = timedelta(days=14)
    digits: int = 8
    unauthenticated: str = "neutral"
    rich_acknowledgements: bool = False
    copies: bool = True
    undo: timedelta = timedelta()  # how long an agent's mail to the customer waits; 0: not at all
    collision: timedelta = timedelta()  # how long after an answer another agent's is held; 0: never
    closing_word: bool = True  # the customer is notified of the end
    survey: bool = True  # and asked for a rating, where a person answered
    signature: Mapping[str, str] = field(default_factory=dict)  # of answers, by language
    after_answer: str = "by_question"  # or "customer", "ours"
    close_after: timedelta | None = None
    keep_signatures: bool = False  # what stands below "-- " in an agent's mail goes to the customer
    incident: IncidentRule | None = None  # None: many similar complaints stay single tickets
    retention: Retention = Retention()

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Agent:
    """A person who answers customers."""

    name: str
    address: str
    level: str
    languages: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    calendar: str = ""  # of the agent's own hours; "": the team's
    away: frozenset[date] = frozenset()  # days off, by the local date of the calendar
    notify: timedelta = timedelta()  # how long notices are collected for one mail; 0: each at once
    signature: Mapping[str, str] = field(default_factory=dict, hash=False)  # of answers, by language
    keep_signature: bool | None = None  # None: as the mailbox has it
    morning: timedelta | None = None  # time of day of the mail with the day's plan; None: no such mail


@dataclass(frozen=True, slots=True)
class Team:
    """Agents that rules route to. `assign` is one of ASSIGN, `public` the name for customers by language."""

    name: str
    calendar: str
    agents: tuple[Agent, ...]
    assign: str = "spread"
    public: Mapping[str, str] = field(default_factory=dict)


# How to choose among the agents on duty: evenly by the number's random digits; the longest without a new
# ticket; the fewest open tickets.
Assign = Literal["spread", "round_robin", "least_load"]
ASSIGN: tuple[Assign, ...] = get_args(Assign)


@dataclass(frozen=True, slots=True)
class Actions:
    """What a rule sets; None, "" or () sets nothing.

    Of several rules the first that sets a thing decides it; tags and details to ask for are joined: see
    `classify`.
    """

    category: str | None = None  # a path in the tree: "payment/double"
    urgency: str | None = None
    complexity: str | None = None
    tags: tuple[str, ...] = ()
    team: str = ""
    level: str | None = None
    priority: str | None = None
    ladder: str | None = None  # else the priority's
    assign: str = ""  # one of ASSIGN, else the team's
    skill: str = ""  # only agents with it, where there are any
    template: str = ""  # a variant of the acknowledgement: templates/<language>/acknowledgement.<template>.*
    ask_for: tuple[str, ...] = ()  # details that the acknowledgement asks for unless the mail named them


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of routing.yaml, at `line`. `when` is None in the last rule, which matches everything.

    With `go_on` the rules below are tested too.
    """

    name: str
    when: "When | None"
    then: Actions
    line: int = 0
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class Detail:
    """Information that we need, such as an order number. `labels` is its name for customers, by language.

    `pattern` (RE2, "" for none) finds it in a mail: the first group that matched, or the whole match of a
    pattern without groups.
    """

    name: str
    labels: Mapping[str, str]
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a matter came about, chosen at closing.

    `category`: tickets of it and below have it; "" for all. `silent`: the customer gets no closing word.
    """

    name: str
    category: str = ""
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """When a step is due: a share of a target's span plus an offset, in work time ("75% of resolution")."""

    target: Target
    share: float = 1.0
    offset: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a ladder; everything in it happens at once, in this order."""

    at: Moment
    remind: str = ""  # "assignee" or "team"
    escalate_to: str = ""  # a level
    # category -> level; it goes before `escalate_to`
    escalate_by_category: Mapping[str, str] = field(default_factory=dict)
    reassign: bool = False  # to another agent of the same team and level
    hand_over_to: str = ""  # a team
    notify: tuple[str, ...] = ()  # addresses
    tell_customer: bool = False
    acknowledge_within: timedelta | None = None
    ask_decision: str = ""  # a level whose agents are asked to decide
    question: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """Targets, and the steps on the way to them.

    `quiet`: hours of the day, in local time of the team's calendar, without reminders. `repeat`: after the
    last step the assignee is reminded at this interval of work time: an open ticket always has a next
    deadline. `news_before`: how long before the time that a customer was given passes they get a later one; None:
    a tenth of the promise, at most an hour; 0: never.
    """

    name: str
    targets: Mapping[Target, timedelta]
    steps: tuple[Step, ...]
    quiet: tuple[Interval, ...] = ()
    repeat: timedelta = timedelta(hours=24)
    news_before: timedelta | None = timedelta()

    @property
    def digest(self) -> str:
        """Return a digest of the whole ladder: a ticket keeps the ladder that it was given.

        It is stored, and never computed again from what was stored. So it may change with our code.
        """
        by_category = [dict(sorted(step.escalate_by_category.items())) for step in self.steps]
        pairs = zip(self.steps, by_category, strict=True)
        steps = [replace(step, escalate_by_category=levels) for step, levels in pairs]
        news = () if self.news_before == timedelta() else (self.news_before,)
        text = repr((self.name, sorted(self.targets.items()), steps, self.quiet, self.repeat, *news))
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Authority:
    """How much compensation may be granted, in one currency. A missing limit means no limit.

    `per_ticket` is the most that a level may grant one ticket in total (0 or no entry: nothing), by category
    (the longest path that fits), else under "". `two_persons_above`: above this total two must approve,
    each with the authority for it. `per_team` counts by calendar month, `per_agent_day` by day in the first
    calendar's zone. `decide_within`: work time of the ticket's team after which an undecided request is
    presented again.
    """

    per_ticket: Mapping[str, Mapping[str, Money]] = field(default_factory=dict)  # category -> level -> most
    per_customer: Money | None = None  # in any 90 days
    per_agent_day: Mapping[str, Money] = field(default_factory=dict)  # level -> most an agent grants a day
    per_team: Mapping[str, Money] = field(default_factory=dict)  # team -> budget of a month
    two_persons_above: Money | None = None
    decide_within: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """How many automatic answers are sent; all rates must allow one. Empty: no limit.

    `status`: answers to the question how far we are, by person, in place of `per_address`.
    `fastest_reply`: a reply of an agent that follows its notice sooner was written by a machine.
    """

    per_address: tuple[Rate, ...] = ()
    per_domain: tuple[Rate, ...] = ()
    overall: tuple[Rate, ...] = ()
    status: tuple[Rate, ...] = ()
    fastest_reply: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class WeeklyReport:
    """A report of the last seven days to these addresses, each week.

    `weekday` 0 is Monday; `at` is the time since midnight in the default calendar's zone.
    """

    to: tuple[str, ...]
    weekday: int
    at: timedelta
    language: str


class Computed(dict[Any, Any]):
    """Results by the values that they follow from, for a few hundred tickets: the tickets of a batch share most."""

    def add(self, key: object, result: object) -> None:
        if len(self) >= _MOST_COMPUTED:
            self.clear()
        self[key] = result


_MOST_COMPUTED = 500


@dataclass(frozen=True)
class Policy:
    """All choices of the admins, in one snapshot."""

    version: str  # digest of the files it came from; stored on each event
    mailboxes: Mapping[str, Mailbox]  # by address
    levels: tuple[str, ...]  # lowest first
    teams: Mapping[str, Team]
    rules: tuple[Rule, ...]
    ladders: Mapping[str, Ladder]
    ladder_of: Mapping[str, str]  # priority -> ladder
    calendars: Mapping[str, Calendar]
    answers: AnswerLimits = AnswerLimits()
    attach_up_to: int = 10_000_000  # bytes of a customer's files in one notice
    public_url: str = ""  # where customers reach the page of their ticket, "" where there is none
    shared_domains: frozenset[str] = frozenset()  # of many people (gmail.com): no limit per domain
    forms: frozenset[str] = frozenset()  # addresses whose proven mail is of the person in Reply-To
    list_ids: frozenset[str] = frozenset()  # List-Ids of our own lists and groups
    web_forms: Mapping[str, WebForm] = field(default_factory=dict)  # by name
    categories: tuple[str, ...] = ()  # the tree as paths, parents first; (): any word goes
    details: Mapping[str, Detail] = field(default_factory=dict)
    causes: Mapping[str, Cause] = field(default_factory=dict)  # by name
    authority: Authority = Authority()
    filed_per_hour: int = 0  # machines' mails that open a filed ticket, by mailbox; 0: no limit
    retention: Retention = Retention()  # of what belongs to no mailbox
    admins: tuple[str, ...] = ()  # addresses that are notified of refused reloads
    weekly: WeeklyReport | None = None
    past_ladders: Mapping[str, Ladder] = field(default_factory=dict)  # by digest: still in use by tickets
    level_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # for customers, by language
    lists: Mapping[str, AddressList] = field(default_factory=dict)  # what `listed_in` looks in, by name
    learned: "Model | None" = field(default=None, repr=False)  # what conditions with `learned` ask
    # For agents: kind (category, priority, team, level, rule, cause) -> key -> language -> text. See `labels`.
    labels: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    cache: "dict[str, tuple[tuple[Rule, ...], Mapping[str, Detail], Prefilter]]" = field(
        default_factory=dict, repr=False, compare=False
    )  # see `prefilter`

    @cached_property
    def asked_fields(self) -> frozenset[str]:
        """Return the fields in the conditions of the rules."""
        from mailbot.domain.routing.conditions import leaves_of

        return frozenset(leaf.field for leaf in leaves_of(rule.when for rule in self.rules if rule.when))

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Return the digest of each ladder by its name."""
        return {name: ladder.digest for name, ladder in self.ladders.items()}

    @cached_property
    def ladders_by_digest(self) -> Mapping[str, Ladder]:
        """Return the ladders of this policy and the past ones that tickets still use."""
        return {**self.past_ladders, **{self.digests[name]: each for name, each in self.ladders.items()}}

    @cached_property
    def computed(self) -> "Computed":
        """Return what was computed of clocks for the batch under way."""
        return Computed()

    @cached_property
    def agent_calendars(self) -> Mapping[str, Calendar]:
        """Return the calendar of each agent by address: the agent's own, else the team's."""
        return {
            agent.address: self.calendars[agent.calendar or team.calendar]
            for team in self.teams.values()
            for agent in team.agents
        }

    @cached_property
    def needs_loads(self) -> bool:
        """Check whether any team or rule assigns by the agents' loads."""
        ways = {team.assign for team in self.teams.values()} | {rule.then.assign for rule in self.rules}
        return not ways <= {"", "spread"}

    @property
    def prefilter(self) -> "Prefilter":
        """Return the prefilter of the rules.

        Thousands of patterns take a second, so policies that are made from this one with the same rules share
        it.
        """
        kept = self.cache.get("prefilter")
        if kept is None or kept[0] is not self.rules or kept[1] is not self.details:
            from mailbot.domain.routing import prefilter

            patterns = [each.pattern for each in self.details.values() if each.pattern]
            made = prefilter.build([rule.when for rule in self.rules], patterns)
            kept = self.cache["prefilter"] = self.rules, self.details, made
        return kept[2]

    @cached_property
    def agents(self) -> Mapping[str, Agent]:
        """Return every agent by address."""
        return {agent.address: agent for team in self.teams.values() for agent in team.agents}

    def mailbox_for(self, address: str) -> Mailbox | None:
        """Find the mailbox for mail to `address` (with any +tag), or None."""
        local, _, domain = address.lower().rpartition("@")
        return self.mailboxes.get(f"{local.partition('+')[0]}@{domain}")

    def calendar_of(self, team: str) -> Calendar:
        return self.calendars[self.teams[team].calendar]

    def zone_of(self, team: str = "") -> str:
        """Return the time zone of a team's calendar, or of the first calendar where there is no such team."""
        calendar = self.calendar_of(team) if team in self.teams else next(iter(self.calendars.values()))
        return calendar.zone
