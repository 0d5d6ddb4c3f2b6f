"""Define the shape of `mailbot.yaml`: the machine, the mailboxes, trusted hosts."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from mailbot.config.files.channels import ChannelsEntry
from mailbot.config.files.entry import Entry
from mailbot.config.files.forms import FormEntry
from mailbot.config.files.retention import RetentionEntry
from mailbot.config.files.signature import SignatureEntry
from mailbot.config.files.webhooks import WebhookEntry
from mailbot.config.model import MIB, ImapTls, RelayTls
from mailbot.config.store_place import STORE
from mailbot.config.yaml.types import (
    Address,
    After,
    Delay,
    DnsName,
    Domain,
    Endpoint,
    HeaderField,
    HeaderName,
    ImapUser,
    ListName,
    Lmtp,
    Loopback,
    MailboxLanguage,
    Name,
    Names,
    Net,
    OneRate,
    Prefix,
    PublicUrl,
    Rates,
    Size,
    Span,
    Store,
    WebAddress,
    WeekMoment,
    YesNo,
    some,
)
from mailbot.domain.policy import Rate


class Tls(Entry):
    """STARTTLS for hosts that deliver mail."""

    certificate: str = Field(description="PEM file with the chain; relative to this directory")
    key: str = Field(description="PEM file with the private key; relative to this directory")
    required: bool = Field(False, description="refuse mail that comes without TLS")


class ListenEntry(Entry):
    """The listeners, when there is more than SMTP; one that is left out does not run."""

    smtp: Endpoint | None = Field(None, description="host:port")
    lmtp: Lmtp | None = Field(
        None, description="host:port or the path of a local socket, for a mail server on this machine"
    )


def _smtp_or_mapping(value: object) -> object:
    return value if isinstance(value, dict) else {"smtp": value}


def _not_empty(value: ListenEntry) -> ListenEntry:
    if value.smtp is None and value.lmtp is None:
        raise ValueError("there is no listener", "smtp: 127.0.0.1:2525, or lmtp: 127.0.0.1:8024, or both")
    return value


class RelayEntry(Entry):
    """The mail server that takes our mail. Its password: MAILBOT_RELAY_PASSWORD or a systemd credential."""

    address: Endpoint = Field(("127.0.0.1", 25), description="host:port")
    tls: RelayTls = Field(
        "starttls", description="none, starttls (when offered), required, implicit (port 465)"
    )
    user: str = Field("", description="user to log in as; empty: no login")
    connections: int = Field(20, ge=1, le=100, description="connections kept open at most")


class IncidentEntry(Entry):
    """Many similar complaints (same category, same rising words) become one incident."""

    after: OneRate = Field(description="how many people complain alike within which time")
    team: str = Field("", description="whose agent gets the page; else the complaints' team")
    level: str = Field(
        "", description="of that agent; else the team's highest level below the top with somebody on duty"
    )


class MailboxEntry(Entry):
    """An address that customers write to."""

    address: Address = Field(description="the address; mail to address+anything belongs to it too")
    brand: Name = Field(description="the name customers know, in From and in the texts")
    prefix: Prefix = Field(description="of the ticket number: 2 to 10 capital letters")
    language: MailboxLanguage = Field(
        "id", description="of the first answer when the mail's language is unclear; both: one below the other"
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
        True, description="a sender who passed gets their own subject back: one conversation in mail programs"
    )
    after_answer: Literal["by_question", "customer", "ours"] = Field(
        "by_question",
        description="whose turn it is after an answer: the customer's where it asks something, always the "
        "customer's, or always ours until an agent says otherwise",
    )
    close_after: Span | None = Field(
        None, description="a ticket that waits for its customer for so long is closed; left out: never"
    )
    copies: YesNo = Field(True, description="answers also go to those who take part beside the customer")
    undo: Delay = Field(
        timedelta(minutes=2), description="an agent's mail waits for so long, and can be taken back; or no"
    )
    collision: Delay = Field(
        timedelta(minutes=10), description="an answer so soon after another agent's is held; or no"
    )
    closing_word: YesNo = Field(True, description="the customer is notified when a ticket is closed")
    survey: YesNo = Field(True, description="that mail asks for a rating, where a person has answered")
    signature: SignatureEntry | None = Field(
        None, description="below answers, by language; else the agent's name and the brand"
    )
    keep_signatures: bool = Field(
        False, description='what agents write below "-- ", and disclaimers, go to customers too'
    )
    incident: IncidentEntry | None = Field(
        None, description="many similar complaints become one incident; left out: they stay single tickets"
    )
    retention: RetentionEntry = Field(
        RetentionEntry(), description="how long things of this mailbox are kept, where it differs"
    )


class ImapEntry(Entry):
    """A folder that mail is fetched from. Passwords: MAILBOT_IMAP_PASSWORD or a systemd credential."""

    host: Domain = Field(description="the IMAP server")
    port: int | None = Field(None, ge=1, le=65535, description="else 993 with implicit TLS, 143 without")
    tls: ImapTls = Field("implicit", description="implicit, starttls (or nothing), none (on loopback only)")
    user: ImapUser = Field(description="user to log in as")
    folder: Name = Field("INBOX", description="which folder, as the server names it")
    mailbox: Address = Field(
        description="one of `mailboxes`: where the mail belongs when its header names none of them"
    )
    after: After = Field(
        ("seen", ""), description="once a mail is stored: seen, move to FOLDER, or delete it there"
    )
    every: Span = Field(timedelta(minutes=1), description="how often to look when the server has no IDLE")


class TrustEntry(Entry):
    """Which hosts are trusted about the sender of a mail."""

    authserv_ids: list[Domain] = Field([], description="hosts whose Authentication-Results header counts")
    agent_networks: list[Net] = Field([], description="networks that only agents can submit from")
    front_networks: list[Net] = Field(
        [], description="our own mail servers in front: no per-address caps for them"
    )
    proxy_networks: list[Net] = Field(
        [], description="proxies in front, which send a PROXY header of version 2; it is refused from others"
    )
    forms: list[Address] = Field(
        [], description="our web forms: where such a sender is proven, Reply-To is the customer"
    )
    lists: list[ListName] = Field(
        [],
        description="our own groups and mailing lists, by List-Id or address: the author they name is the customer",
    )
    verify: bool = Field(
        False, description="check SPF, DKIM and DMARC ourselves; for a mailbot on port 25 (extra `auth`)"
    )
    resolver: Endpoint | None = Field(
        None, description="host:port of the DNS server to ask; else the system's"
    )


class DkimEntry(Entry):
    """Signing what we send (extra `auth`). The key: MAILBOT_DKIM_KEY or a systemd credential."""

    domain: DnsName = Field(description="that signs: the mailboxes' domain, or one above it")
    selector: DnsName = Field(description="which of the domain's keys: SELECTOR._domainkey.DOMAIN in the DNS")
    headers: list[HeaderName] = Field([], description="fields to sign; else those that an answer always has")


class LimitsEntry(Entry):
    """Limits of the listeners."""

    size: Size = Field(25 * MIB, description="of one mail")
    sessions: int = Field(200, ge=1, le=10000, description="connections at once")
    sessions_per_address: int = Field(
        20, ge=1, le=10000, description="connections at once from one IP address"
    )
    recipients: int = Field(100, ge=1, le=1000, description="of one mail")
    mails_per_session: int = Field(100, ge=1, description="on one connection")
    in_flight: Size = Field(64 * MIB, description="memory for mails that are coming in, all together")
    mails_per_minute_per_address: int = Field(120, ge=1, description="from one IP address")
    filed_per_hour: int = Field(
        60,
        ge=1,
        description="machines' mails about no ticket that are filed in an hour, each on a ticket of its own; "
        "more join the newest of these",
    )
    minimum_rate: int = Field(
        500, ge=1, le=100000, description="bytes a second that a mail must come in with"
    )
    free_space: Size | None = Field(
        None, description="no mail is taken with less room on the disk; else max(1 GiB, 4 x size)"
    )


class AnswersEntry(Entry):
    """How many automatic answers are sent; above that the answer is suppressed, the ticket stays."""

    per_address: Rates = Field([], description="to one address")
    per_domain: Rates = Field([], description="to one domain that is not shared")
    overall: Rates = Field([], description="to everybody together")
    status: Rates = Field(
        [Rate(3, timedelta(minutes=10)), Rate(20, timedelta(days=1))],
        description="answers to one person who asks how far we are; above that a person reads the question",
    )
    fastest_reply: Span = Field(
        timedelta(seconds=3),
        description="an agent's reply that comes sooner after its notice is held: a machine wrote it",
    )
    shared_domains: list[Domain] = Field(
        [], description="domains of many people (gmail.com): no rate per domain there"
    )


class NoticesEntry(Entry):
    """What agents get by mail."""

    attach_up_to: Size = Field(
        10_000_000, description="of a customer's files, in one notice; 0 MB: they are only listed"
    )


class WeeklyEntry(Entry):
    """A report of the last seven days, by mail."""

    to: Annotated[Names, AfterValidator(some("name"))] = Field(description="agents, teams or addresses")
    at: WeekMoment = Field((0, timedelta(hours=8)), description="each week, by the first calendar's clock")
    language: Literal["id", "en"] = Field("en", description="of the report")


class ReportsEntry(Entry):
    """Reports that go out by themselves."""

    weekly: WeeklyEntry | None = Field(None, description="the figures of the week, to managers")


class OidcEntry(Entry):
    """Log-in by a provider that speaks OpenID Connect. Its secret: MAILBOT_OIDC_SECRET or a systemd credential."""

    issuer: WebAddress = Field(description="the provider's address; its configuration is found below it")
    client_id: Name = Field(description="as the provider knows us")


class ConsoleEntry(Entry):
    """The pages for agents, managers, admins and customers (extra `console`)."""

    listen: Loopback = Field(description="host:port on loopback, behind your web server")
    proxies: list[Net] = Field(
        default_factory=lambda: [ip_network("127.0.0.1/32"), ip_network("::1/128")],
        description="web servers in front, whose X-Forwarded-For and `user_header` count",
    )
    user_header: HeaderField | None = Field(
        None,
        description="header in which those web servers write the agent's address after their own log-in; "
        "left out: no such log-in",
    )
    oidc: OidcEntry | None = Field(None, description="log-in by OpenID Connect")


def _listen_or_mapping(value: object) -> object:
    return value if isinstance(value, dict) else {"listen": value}


class MailbotFile(Entry):
    """mailbot.yaml: the machine around the policy."""

    hostname: Domain | None = Field(None, description="our name in SMTP; else this machine's")
    listen: Annotated[
        ListenEntry,
        AfterValidator(_not_empty),
        BeforeValidator(_smtp_or_mapping, json_schema_input_type=Endpoint | ListenEntry),
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
    trust: TrustEntry = Field(TrustEntry(), description="trusted hosts and networks")
    monitor: Loopback | None = Field(None, description="host:port on loopback for /metrics and /healthz")
    console: (
        Annotated[
            ConsoleEntry, BeforeValidator(_listen_or_mapping, json_schema_input_type=Loopback | ConsoleEntry)
        ]
        | None
    ) = Field(None, description="host:port on loopback for the pages, or a mapping; left out: no pages")
    public_url: PublicUrl | None = Field(
        None, description="where people reach the pages; mails to customers link to their ticket there"
    )
    channels: ChannelsEntry = Field(ChannelsEntry(), description="chats by which customers write beside mail")
    forms: list[FormEntry] = Field([], description="web forms for customers, on the pages")
    webhooks: list[WebhookEntry] = Field(
        [], description="programs elsewhere that get a message for each event"
    )
    limits: LimitsEntry = Field(LimitsEntry(), description="limits of the listeners")
    answers: AnswersEntry = Field(AnswersEntry(), description="limits of automatic answers")
    notices: NoticesEntry = Field(NoticesEntry(), description="what agents get by mail")
    admins: list[Address] = Field([], description="who is notified by mail of a refused reload")
    shadow: str | None = Field(
        None,
        min_length=1,
        description="directory of a shadow policy: what it would do differently with each new ticket is "
        "recorded; relative to this directory",
    )
    retention: RetentionEntry = Field(
        RetentionEntry(), description="how long things are kept; left out: for good"
    )
    reports: ReportsEntry = Field(ReportsEntry(), description="reports that go out by themselves")
    log: Literal["json", "text"] | None = Field(None, description="form of the log; else JSON off a terminal")
