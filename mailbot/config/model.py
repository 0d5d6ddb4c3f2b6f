"""Define what the operator chose about the machine around the policy: addresses, paths, limits."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from mailbot.domain.policy import Policy
from mailbot.domain.programs.call import CallMap
from mailbot.errors import Problem

if TYPE_CHECKING:  # the extra `auth` may be missing, and policy_tests imports every decision
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from mailbot.domain.policy_review.policy_tests import PolicyTest

PrivateKey: TypeAlias = "RSAPrivateKey | Ed25519PrivateKey"
Network = IPv4Network | IPv6Network
SocketAddress = tuple[str, int] | Path  # host and port, or a local socket
RelayTls = Literal["none", "starttls", "required", "implicit"]
ImapTls = Literal["implicit", "starttls", "none"]
AfterStored = Literal["seen", "move", "delete"]
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Listen:
    """Where mail comes in: SMTP at host and port (None: no SMTP), LMTP at `lmtp`.

    With a certificate STARTTLS is offered, with `require_tls` it is required.
    """

    host: str
    port: int | None
    certificate: Path | None = None
    key: Path | None = None
    require_tls: bool = False
    lmtp: SocketAddress | None = None


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail goes out.

    `tls`: "none", "starttls" (when offered), "required" (STARTTLS or no mail), "implicit" (TLS from the first
    byte, port 465).
    """

    host: str
    port: int
    tls: RelayTls = "starttls"
    user: str = ""
    password: str = ""
    connections: int = 20

    def __repr__(self) -> str:  # without the password: it could get into logs and tracebacks
        return f"Relay({self.host}:{self.port}, tls={self.tls!r}, user={self.user!r})"


@dataclass(frozen=True, slots=True)
class Trust:
    """Which hosts and networks are trusted.

    `authserv_ids`: hosts whose Authentication-Results count. `agent_networks`: where only agents submit mail.
    `front_networks`: our own mail servers. `proxy_networks`: proxies that send PROXY headers. `verify`: check
    SPF, DKIM and DMARC ourselves where none of those hosts has. `resolver`: the DNS server, None for the
    system's.
    """

    authserv_ids: tuple[str, ...] = ()
    agent_networks: tuple[Network, ...] = ()
    front_networks: tuple[Network, ...] = ()
    proxy_networks: tuple[Network, ...] = ()
    verify: bool = False
    resolver: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Dkim:
    """How our own mail is signed. `headers`: fields to sign, in lower case. `key` None: it is missing."""

    domain: str
    selector: str
    headers: tuple[str, ...]
    key: "PrivateKey | None" = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """A folder that mail is fetched from. `tls`: "implicit" (port 993), "starttls" (or no mail), "none".

    `mailbox` is the mailbox that the mail is for when its header names none of ours. `after` is what happens
    to a mail once it is stored. `every` is how often to poll a server without IDLE.
    """

    host: str
    port: int
    user: str
    mailbox: str
    tls: ImapTls = "implicit"
    folder: str = "INBOX"
    after: AfterStored = "seen"
    move_to: str = ""
    every: timedelta = timedelta(minutes=1)
    password: str = ""

    @property
    def name(self) -> str:
        """Return account and folder for messages."""
        return f"{self.user} on {self.host}, {self.folder}"

    def __repr__(self) -> str:
        return f"ImapAccount({self.name}, port={self.port}, tls={self.tls!r})"


@dataclass(frozen=True, slots=True)
class Monitor:
    """Where /metrics and /healthz are served: loopback only."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Oidc:
    """Log-in by OpenID Connect: the provider, and how it knows us."""

    issuer: str
    client_id: str
    secret: str = ""

    def __repr__(self) -> str:  # without the secret
        return f"Oidc({self.issuer!r}, {self.client_id!r})"


@dataclass(frozen=True, slots=True)
class Console:
    """Where the pages are served: loopback only.

    - `proxies`: networks of web servers whose X-Forwarded-For and `user_header` count.
    - `user_header`: has who logged in there, "" for no such log-in.
    - `public_url`: where people reach the pages; "": at host and port.
    """

    host: str
    port: int
    proxies: tuple[str, ...] = ()
    user_header: str = ""
    oidc: Oidc | None = None
    public_url: str = ""

    @property
    def url(self) -> str:
        """Return where people reach the pages, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Telegram:
    """A Telegram bot. `mailbox`: whose tickets its messages open. `webhook`: Telegram calls us, with `secret`."""

    mailbox: str
    webhook: bool = False
    api: str = "https://api.telegram.org"
    token: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class WhatsappTemplate:
    """An approved message for customers who wrote long ago. `languages`: ours to WhatsApp's code."""

    name: str
    languages: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Whatsapp:
    """A number at the WhatsApp Cloud API. `app_secret` signs its calls, `verify_token` is for setting it up."""

    mailbox: str
    phone_number_id: str
    api: str = "https://graph.facebook.com/v21.0"
    template: WhatsappTemplate | None = None
    token: str = field(default="", repr=False)
    app_secret: str = field(default="", repr=False)
    verify_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A program that sends what people wrote, as signed JSON. `map` says where what stands in it.

    - `signature`: "standard", "hmac" or "token"; the last two stand in the field `header`.
    - `vouched`: addresses of mail in it are proven. `send_url`: where answers go, "" for nowhere but mail.
    - `secrets` of its calls, `send_secrets` of ours: each counts, the newest first.
    """

    name: str
    mailbox: str
    signature: str
    header: str
    map: CallMap
    vouched: bool = False
    send_url: str = field(default="", repr=False)  # some programs have a secret in its path
    secrets: tuple[str, ...] = field(default=(), repr=False)
    send_secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Channels:
    """The chats and programs by which customers write beside mail; None where one is not set up."""

    telegram: Telegram | None = None
    whatsapp: Whatsapp | None = None
    incoming: tuple[Incoming, ...] = ()

    @property
    def mailboxes(self) -> Mapping[str, str]:
        """Return whose tickets the messages of each channel open, by the channel's name."""
        chats = {"telegram": self.telegram, "whatsapp": self.whatsapp}
        found = {name: chosen.mailbox for name, chosen in chats.items() if chosen}
        return found | {each.name: each.mailbox for each in self.incoming}


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that gets a signed message for each event.

    - `events`: names of `domain.webhooks.event_types`, empty for all; `teams`: whose tickets, empty for all.
    - `notes`: with the text of internal notes. `allow_networks`: private networks that it may be in.
    - `secrets`: each makes a signature, the newest first; empty where none is here, as in a shell.
    """

    name: str
    url: str = field(repr=False)  # some receivers have a secret in its path
    events: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    notes: bool = False
    allow_networks: tuple[str, ...] = ()
    secrets: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the listener. Sizes in bytes, `minimum_rate` in bytes a second.

    `rates` False (MAILBOT_LIMITS=off): no limits per peer, only those that protect this machine.
    """

    size: int = 25 * MIB
    sessions: int = 200
    sessions_per_address: int = 20
    recipients: int = 100
    mails_per_session: int = 100
    in_flight: int = 64 * MIB
    mails_per_minute_per_address: int = 120
    minimum_rate: int = 500
    free_space: int | None = None  # None: max(1 GiB, 4 x size)
    rates: bool = True

    def without_rates(self) -> "Limits":
        endless = dict.fromkeys(
            ("sessions_per_address", "mails_per_session", "mails_per_minute_per_address"), sys.maxsize
        )
        return replace(self, **endless, rates=False)

    @property
    def space_needed(self) -> int:
        """Return the bytes that must be free on the store's disk before a mail is accepted."""
        return max(1024 * MIB, 4 * self.size) if self.free_space is None else self.free_space


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that stay the same while the daemon runs."""

    directory: Path
    templates: Path
    hostname: str
    listen: Listen
    store: str  # SQLAlchemy URL
    relay: Relay
    trust: Trust
    monitor: Monitor | None
    limits: Limits
    log: Literal["json", "text", ""]  # "": JSON off a terminal
    secret: bytes | None  # None: the daemon keeps a random one in its store
    previous_secrets: tuple[bytes, ...] = ()  # they verify, and sign nothing
    imap: tuple[ImapAccount, ...] = ()
    dkim: Dkim | None = None
    shadow: Path | None = None  # directory of the shadow policy
    console: Console | None = None
    channels: Channels = Channels()
    webhooks: tuple[Webhook, ...] = ()

    def __repr__(self) -> str:  # neither the secret nor a password in the store's URL
        return f"Settings({str(self.directory)!r})"


@dataclass(frozen=True, slots=True)
class Sources:
    """What a policy was built from, so that it can be built again after the files have changed.

    `files` are texts by their name in the directory: the four, and those that `lists` and `learned` name.
    `templates` are digests by "language/name". There is no secret in any of them.
    """

    files: Mapping[str, str]
    templates: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """What the YAML says by itself: `settings` without the environment, the store that it names, the conditions
    of the rules as they are written, the files of `lists` by name, that of `learned` ("": none)."""

    settings: Settings
    store: str
    conditions: tuple[object, ...]
    lists: Mapping[str, str]
    learned: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration without problems; `warnings` are shown to the admin.

    `unlabelled`: warnings about missing labels, for `mailbot check` alone: no mail is lost without a label.
    """

    settings: Settings
    policy: Policy
    warnings: tuple[Problem, ...] = ()
    sources: Sources = Sources({}, {})
    tests: "tuple[PolicyTest, ...]" = ()  # of routing.yaml; not run yet
    unlabelled: tuple[Problem, ...] = ()
    written: Written | None = None

    @property
    def store(self) -> str:
        """Return the store's URL."""
        return self.settings.store

    def with_rules(self) -> "Loaded":
        return self

    def zone(self, team: str = "") -> str:
        """Return the time zone of a team's calendar, or of the first calendar when there is no such team."""
        return self.policy.zone_of(team)
