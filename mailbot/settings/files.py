"""The four YAML files as pydantic models: which keys there are, what may stand under each.

The JSON Schemas for editors come from here. What names mean across files is checked in `references`.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from mailbot.core.policy import Assign
from mailbot.settings import hours
from mailbot.settings.authority import AuthorityEntry
from mailbot.settings.fields import (
    Address,
    After,
    At,
    Away,
    Categories,
    Complexity,
    Country,
    Dates,
    Day,
    DnsName,
    Domain,
    Endpoint,
    HeaderField,
    HeaderName,
    Hours,
    ImapUser,
    Language,
    Levels,
    Line,
    ListFile,
    Lmtp,
    Loopback,
    Name,
    Names,
    Net,
    Pattern,
    PeriodWeek,
    Prefix,
    Priority,
    Public,
    Quiet,
    Rates,
    Size,
    Span,
    Spoken,
    Store,
    TemplateName,
    Urgency,
    WallClock,
    Week,
    WeekMoment,
    Zone,
    some,
)
from mailbot.settings.model import MIB, ImapTls, RelayTls
from mailbot.settings.places import STORE


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


# --- mailbot.yaml ---


class Tls(_Entry):
    """STARTTLS for those who bring mail."""

    certificate: str = Field(description="PEM file with the chain; relative to this directory")
    key: str = Field(description="PEM file with the private key; relative to this directory")
    required: bool = Field(False, description="refuse mail that comes without TLS")


class ListenEntry(_Entry):
    """The ways in, when SMTP alone won't do; what is left out is not served."""

    smtp: Endpoint | None = Field(None, description="host:port")
    lmtp: Lmtp | None = Field(
        None, description="host:port or the path of a local socket, for a mail server beside us"
    )


def _ways(value: object) -> object:
    return value if isinstance(value, dict) else {"smtp": value}


def _some_way(value: ListenEntry) -> ListenEntry:
    if value.smtp is None and value.lmtp is None:
        raise ValueError("mail has no way in", "smtp: 127.0.0.1:2525, or lmtp: 127.0.0.1:8024, or both")
    return value


class RelayEntry(_Entry):
    """The mail server that takes our mail. Its password: MAILBOT_RELAY_PASSWORD or a systemd credential."""

    address: Endpoint = Field(("127.0.0.1", 25), description="host:port")
    tls: RelayTls = Field(
        "starttls", description="none, starttls (when offered), required, implicit (port 465)"
    )
    user: str = Field("", description="user to log in as; empty: no login")
    connections: int = Field(20, ge=1, le=100, description="connections kept open at most")


class MailboxEntry(_Entry):
    """An address that customers write to."""

    address: Address = Field(description="the address; mail to address+anything belongs to it too")
    brand: Name = Field(description="the name customers know: stands in From and in the texts")
    prefix: Prefix = Field(description="of the ticket number: 2 to 10 capital letters")
    language: Language | None = Field(
        None, description="of the first answer when the mail leaves us unsure; else both"
    )
    strangers: Literal["new", "hold", "thread"] = Field(
        "new",
        description="mail that names another's ticket: new ticket, hold for an agent to accept, or thread",
    )
    reopen_within: Span = Field(timedelta(days=14), description="a reply reopens a closed ticket for so long")
    digits: int = Field(8, ge=8, le=12, description="random digits of the number")
    unauthenticated: Literal["neutral", "held", "none"] = Field(
        "neutral",
        description="who did not pass SPF, DKIM or DMARC gets: the neutral acknowledgement; held: nothing "
        "until an agent answers; none: no word of progress later either",
    )
    rich_acknowledgements: bool = Field(
        False, description="who passed reads the own subject again in the acknowledgement"
    )


class ImapEntry(_Entry):
    """A folder that mail is fetched from. Passwords: MAILBOT_IMAP_PASSWORD or a systemd credential."""

    host: Domain = Field(description="the IMAP server")
    port: int | None = Field(None, ge=1, le=65535, description="else 993 with implicit TLS, 143 without")
    tls: ImapTls = Field("implicit", description="implicit, starttls (or nothing), none (on loopback only)")
    user: ImapUser = Field(description="user to log in as")
    folder: Name = Field("INBOX", description="which folder, as the server names it")
    mailbox: Address = Field(
        description="one of `mailboxes`: whose the mail is when its header names none of ours"
    )
    after: After = Field(
        ("seen", ""), description="once a mail is stored: seen, move to FOLDER, or delete it there"
    )
    every: Span = Field(timedelta(minutes=1), description="how often to look when the server has no IDLE")


class TrustEntry(_Entry):
    """Whom we believe about who sent a mail."""

    authserv_ids: list[Domain] = Field([], description="hosts whose Authentication-Results header counts")
    agent_networks: list[Net] = Field([], description="networks that only agents can submit from")
    front_networks: list[Net] = Field(
        [], description="our own mail servers in front: no per-address caps for them"
    )
    proxy_networks: list[Net] = Field(
        [], description="proxies in front, which begin with a PROXY header of version 2; nobody else may"
    )
    verify: bool = Field(
        False, description="check SPF, DKIM and DMARC ourselves; for a mailbot on port 25 (extra `auth`)"
    )
    resolver: Endpoint | None = Field(
        None, description="host:port of the DNS server to ask; else the system's"
    )


class DkimEntry(_Entry):
    """Signing what we send (extra `auth`). The key: MAILBOT_DKIM_KEY or a systemd credential."""

    domain: DnsName = Field(description="that signs: the mailboxes' own, or one above it")
    selector: DnsName = Field(description="which of the domain's keys: SELECTOR._domainkey.DOMAIN in the DNS")
    headers: list[HeaderName] = Field([], description="fields to sign; else what says who writes to whom")


class LimitsEntry(_Entry):
    """Caps at the door."""

    size: Size = Field(25 * MIB, description="of one mail")
    sessions: int = Field(200, ge=1, le=10000, description="connections at once")
    sessions_per_address: int = Field(
        20, ge=1, le=10000, description="connections at once from one IP address"
    )
    recipients: int = Field(100, ge=1, le=1000, description="of one mail")
    mails_per_session: int = Field(100, ge=1, description="on one connection")
    in_flight: Size = Field(64 * MIB, description="memory for mails that are coming in, all together")
    mails_per_minute_per_address: int = Field(120, ge=1, description="from one IP address")
    minimum_rate: int = Field(
        500, ge=1, le=100000, description="bytes a second that a mail must come in with"
    )
    free_space: Size | None = Field(
        None, description="no mail is taken with less room on the disk; else max(1 GiB, 4 x size)"
    )


class AnswersEntry(_Entry):
    """How many automatic answers may leave; over that the ticket is kept and the answer suppressed."""

    per_address: Rates = Field([], description="to one address")
    per_domain: Rates = Field([], description="to one domain that is not shared")
    overall: Rates = Field([], description="to everybody together")
    shared_domains: list[Domain] = Field(
        [], description="domains of many people (gmail.com): no rate per domain there"
    )


class WeeklyEntry(_Entry):
    """A report of the last seven days, by mail."""

    to: Annotated[Names, AfterValidator(some("name"))] = Field(description="agents, teams or addresses")
    at: WeekMoment = Field((0, timedelta(hours=8)), description="each week, by the first calendar's clock")
    language: Literal["id", "en"] = Field("en", description="of the report")


class ReportsEntry(_Entry):
    """Reports that go out by themselves."""

    weekly: WeeklyEntry | None = Field(None, description="the figures of the week, to managers")


class MailbotFile(_Entry):
    """mailbot.yaml: the machine around the policy."""

    hostname: Domain | None = Field(None, description="our name in SMTP; else this machine's")
    listen: Annotated[
        ListenEntry,
        AfterValidator(_some_way),
        BeforeValidator(_ways, json_schema_input_type=Endpoint | ListenEntry),
    ] = Field(
        default_factory=lambda: ListenEntry.model_validate({"smtp": "127.0.0.1:2525"}),
        description="where mail comes in: host:port for SMTP, or `smtp:` and `lmtp:`",
    )
    tls: Tls | None = Field(None, description="certificate for STARTTLS")
    store: Store = Field(
        STORE,
        description="SQLite file, or postgresql://host/name; a password belongs in MAILBOT_STORE",
    )
    relay: RelayEntry = Field(RelayEntry(), description="where mail goes out")
    mailboxes: Annotated[list[MailboxEntry], AfterValidator(some("mailbox"))] = Field(
        description="addresses customers write to"
    )
    imap: list[ImapEntry] = Field([], description="folders that mail is fetched from")
    dkim: DkimEntry | None = Field(
        None, description="signing what we send; left out: the relay does, or nobody"
    )
    trust: TrustEntry = Field(TrustEntry(), description="whom we believe")
    monitor: Loopback | None = Field(None, description="host:port on loopback for /metrics and /healthz")
    limits: LimitsEntry = Field(LimitsEntry(), description="caps at the door")
    answers: AnswersEntry = Field(AnswersEntry(), description="how many automatic answers may leave")
    admins: list[Address] = Field([], description="who hears by mail of a reload that was refused")
    shadow: str | None = Field(
        None,
        min_length=1,
        description="directory of a policy that only looks on: what it would do otherwise with each new "
        "ticket is recorded; relative to this directory",
    )
    reports: ReportsEntry = Field(ReportsEntry(), description="reports that go out by themselves")
    log: Literal["json", "text"] | None = Field(None, description="form of the log; else JSON off a terminal")


# --- teams.yaml ---


class AgentEntry(_Entry):
    """Somebody who answers customers."""

    name: Name = Field(description="as it is shown to people")
    address: Address = Field(description="where tickets are sent to, and answers come from")
    level: Name = Field(description="one of `levels`")
    languages: list[Language] = Field([], description="that this person answers in")
    skills: list[Name] = Field([], description="words of your own: a rule's `skill` looks for them")
    calendar: Name | None = Field(
        None, description="own hours: one of `calendars` in escalation.yaml; else the team's"
    )
    away: Away = Field([], description="days off: dates, or 2026-12-24 to 2027-01-02")


class PublicEntry(_Entry):
    """What customers read instead of a name of ours."""

    id: Public = Field(description="in Indonesian: tim pembayaran kami")
    en: Public = Field(description="in English: our payments team")


class TeamEntry(_Entry):
    """People whom rules route to."""

    calendar: Name = Field(description="when this team works: one of `calendars` in escalation.yaml")
    assign: Assign = Field(
        "spread",
        description="who of those on duty gets a ticket: spread evenly, round_robin, or least_load (who has "
        "the fewest that wait for us)",
    )
    public_name: PublicEntry | None = Field(
        None, description="what customers read when their matter is with this team"
    )
    agents: Annotated[list[AgentEntry], AfterValidator(some("agent"))] = Field(description="who is in it")


class TeamsFile(_Entry):
    """teams.yaml: who answers."""

    levels: Annotated[list[Name], AfterValidator(some("level"))] = Field(
        description="lowest first, up to management"
    )
    teams: Annotated[dict[Name, TeamEntry], AfterValidator(some("team"))] = Field(description="by name")
    public_levels: dict[Name, PublicEntry] = Field(
        {}, description="what customers read when their matter is at this level"
    )
    authority: AuthorityEntry = Field(
        AuthorityEntry(), description="who may grant how much compensation; left out: nobody anything"
    )


# --- routing.yaml ---


class ActionsEntry(_Entry):
    """What a rule sets."""

    category: Name | None = Field(None, description="what the matter is about; else general")
    urgency: Urgency | None = Field(None, description="how soon it hurts; else normal")
    complexity: Complexity | None = Field(None, description="how hard it is; else medium")
    tags: list[Name] = Field([], description="words to find it by")
    team: Name | None = Field(None, description="who gets it; only a rule with `go_on` may leave it open")
    level: Name | None = Field(None, description="where it starts; else the lowest level")
    priority: Priority | None = Field(None, description="else it follows from urgency and complexity")
    ladder: Name | None = Field(None, description="one of `ladders` in escalation.yaml; else the priority's")
    assign: Assign | None = Field(None, description="how it finds an agent; else the team's way")
    skill: Name | None = Field(None, description="only to who has it, where anybody there has")
    template: TemplateName | None = Field(
        None, description="a variant of the acknowledgement: acknowledgement.<template>.txt.j2 and so on"
    )
    ask_for: Names = Field(
        [], description="`details` that the acknowledgement asks for unless they are there"
    )


class DetailEntry(_Entry):
    """Something that we need to know: found in the mail by its pattern, else asked for."""

    id: Name = Field(description="what the customer reads in Indonesian: nomor pesanan")
    en: Name = Field(description="what the customer reads in English: order number")
    pattern: Pattern | None = Field(
        None, description="RE2; the detail is what a group of it finds, the first that does, else all of it"
    )


class RuleEntry(_Entry):
    """One rule: the first whose `when` holds decides."""

    name: Name = Field(description="shown on the ticket as the reason; no two rules share it")
    when: Any = Field(None, description="conditions; the last rule has none and takes everything")
    then: ActionsEntry = Field(description="what it sets")
    go_on: bool = Field(False, description="the rules below are asked too; what this one sets stays set")


class LetterEntry(_Entry):
    """The mail of a test: `file`, or what it says."""

    file: str = Field("", description="a mail as it came (.eml), relative to this directory")
    sender: Address | None = Field(None, alias="from", description="the customer's address")
    recipient: Address | None = Field(None, alias="to", description="one of our mailboxes; else the first")
    subject: str = Field("", description="its subject")
    body: str = Field("", description="its text")
    language: Spoken | None = Field(None, description="id, en or unsure; else told by its words")
    attachments: Names = Field([], description="file names; the type goes by the ending")
    headers: dict[HeaderField, str] = Field({}, description="further header fields")
    size: Size | None = Field(None, description="of the whole mail; else as large as it is")
    at: WallClock | None = Field(
        None, description="when it comes, by the first calendar's clock; else Monday 2026-11-23 10:00"
    )
    known_customer: bool = Field(False, description="this customer had a ticket before")
    open_tickets: int = Field(0, ge=0, description="how many tickets of this customer are open")
    reopened: bool = Field(False, description="it goes on with a ticket that was closed long ago")
    escalated_before: bool = Field(False, description="a ticket of this customer was escalated lately")
    authentication: Literal["pass", "fail", "none"] = Field("none", description="of its sender")


def _letter(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


def _some_letter(value: LetterEntry) -> LetterEntry:
    inside = [
        name for name in ("sender", "subject", "body", "attachments", "headers") if getattr(value, name)
    ]
    if value.file and inside:
        raise ValueError("a mail is a `file` or what stands here, not both", "leave one of them out")
    if not value.file and value.sender is None:
        raise ValueError("this mail has no sender", "from: siti@pelanggan.example, or file: mail.eml")
    return value


class ExpectEntry(_Entry):
    """What must come out; what is left out may be anything."""

    rule: Name | None = Field(None, description="this rule matches: it decides, or lets the others go on")
    not_rule: Names = Field([], description="none of these rules matches")
    category: Name | None = Field(None, description="what the matter is about")
    urgency: Urgency | None = Field(None, description="how soon it hurts")
    complexity: Complexity | None = Field(None, description="how hard it is")
    priority: Priority | None = Field(None, description="what follows from both, or was set")
    tags: Names = Field([], description="all of these are on it, others may be")
    team: Name | None = Field(None, description="who gets it")
    level: Name | None = Field(None, description="where it starts")
    ladder: Name | None = Field(None, description="which ladder it climbs")
    agent: Name | None = Field(None, description="who has it: a name, an address, or nobody")
    template: Name | None = Field(None, description="the variant of the acknowledgement")
    details: dict[Name, str] = Field({}, description="what is found in the mail, by name")
    ask_for: Names = Field([], description="all of these details are asked for")
    deadlines: dict[str, WallClock] = Field(
        {}, description="first_response, 75% of resolution, ... and when, by the clock of the team's calendar"
    )


def _some_expectation(value: ExpectEntry) -> ExpectEntry:
    if not value.model_fields_set:
        raise ValueError("this test expects nothing", "team: payments, priority: high, ...")
    return value


class TestEntry(_Entry):
    """A mail and what it must lead to."""

    name: Name = Field(description="shown when it fails; no two tests share it")
    mail: Annotated[
        LetterEntry,
        AfterValidator(_some_letter),
        BeforeValidator(_letter, json_schema_input_type=str | LetterEntry),
    ] = Field(description="the mail, or a file that holds it")
    expect: Annotated[ExpectEntry, AfterValidator(_some_expectation)] = Field(
        description="what must come out of it"
    )


class RoutingFile(_Entry):
    """routing.yaml: where a new ticket goes."""

    categories: Categories = Field(
        (), description="what a matter can be about; when it is here, rules can name nothing else"
    )
    details: dict[Name, DetailEntry] = Field({}, description="what rules can ask customers for, by name")
    lists: dict[Name, ListFile] = Field(
        {}, description="files of addresses and domains, one a line, that rules ask with `listed_in`"
    )

    rules: Annotated[list[RuleEntry], AfterValidator(some("rule"))] = Field(
        description="in order: the first that matches wins"
    )
    tests: list[TestEntry] = Field(
        [], description="mails and what they must lead to; a policy that fails one is never taken"
    )


# --- escalation.yaml ---


class HolidaysEntry(_Entry):
    """The days off of a country."""

    country: Country = Field(description="ID is Indonesia")
    collective_leave: bool = Field(False, description="cuti bersama is off too")


class PeriodEntry(_Entry):
    """A stretch of dates with hours of its own, such as Ramadan. Holidays in it stay closed."""

    name: Name = Field(description="for people: Ramadan 2027")
    first: Day = Field(alias="from", description="its first date")
    last: Day = Field(alias="to", description="its last date")
    hours: PeriodWeek = Field(description="by weekday; a day that is not named keeps its usual hours")


def _forward(value: PeriodEntry) -> PeriodEntry:
    hours.stretch(value.first, value.last)
    return value


class CalendarEntry(_Entry):
    """When people work."""

    zone: Zone = Field("Asia/Jakarta", description="time zone of the hours")
    hours: Week = Field(description="by weekday, or always")
    holidays: HolidaysEntry | None = Field(None, description="days off by country")
    periods: list[Annotated[PeriodEntry, AfterValidator(_forward)]] = Field(
        [], description="stretches of dates with other hours; below holidays and `dates`"
    )
    dates: dict[Dates, Hours] = Field(
        {}, description="hours of single dates, above weekdays and holidays; or closed"
    )


class TargetsEntry(_Entry):
    """What is promised, in work time of the team's calendar."""

    first_response: Span | None = Field(None, description="until the first answer of a person")
    next_response: Span | None = Field(
        None, description="until the answer to each further mail of the customer"
    )
    resolution: Span | None = Field(
        None, description="until the matter is closed; waiting for the customer does not count"
    )
    follow_up: Span | None = Field(
        None,
        description="while we wait for the customer: until the owner is to ask again or to close, and again "
        "after as long; else 40 h",
    )


class StepEntry(_Entry):
    """One rung: all it names happens at `at`."""

    at: At = Field(description="when")
    remind: Literal["assignee", "team"] | None = Field(None, description="who is reminded")
    escalate_to: Levels | None = Field(None, description="a level, or one by category")
    reassign: bool = Field(False, description="to somebody else of the same team and level")
    hand_over_to: Name | None = Field(None, description="a team")
    notify: Names = Field([], description="agents, teams or addresses")
    tell_customer: bool = Field(False, description="a mail of progress to the customer")
    ask_decision: Name | None = Field(None, description="a level whose people are asked what shall be done")
    question: Line | None = Field(None, description="what they are asked")
    options: list[Name] = Field(["yes", "no"], description="what they can answer")
    acknowledge_within: Span | None = Field(
        None, description="the new owner says so, or it is decided, by then, else the next step at once"
    )


class LadderEntry(_Entry):
    """Targets and what happens on the way to them."""

    targets: TargetsEntry = Field(description="what is promised")
    steps: list[StepEntry] = Field([], description="in the order they come due")
    quiet_hours: Quiet = Field(
        (),
        description="by the clock of the team's calendar: what only reminds or notifies waits for their end; "
        "escalations don't",
    )
    repeat: Span = Field(
        timedelta(hours=24), description="when all steps are taken: how often who has it is reminded"
    )


class EscalationFile(_Entry):
    """escalation.yaml: what is promised and what happens when time runs out."""

    calendars: Annotated[dict[Name, CalendarEntry], AfterValidator(some("calendar"))] = Field(
        description="by name"
    )
    ladders: Annotated[dict[Name, LadderEntry], AfterValidator(some("ladder"))] = Field(description="by name")
    priorities: dict[str, Name] = Field(description="which ladder a priority climbs")
