"""What a reload replaces while the daemon runs, and the frozen snapshot of it that one transaction uses.

Theory of operation. A reload may come between the decision about a ticket and its record. So each transaction
takes `Runtime.snapshot` once, at its beginning, and passes it down: to the decision, the texts of its mails,
the next deadline and the policy version that its events name.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.config.model import Dkim, Trust
from mailbot.domain.model import Envelope, InboundMail, Ticket
from mailbot.domain.policy import Policy
from mailbot.mail.auth.sign import Signer
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.templates import Templates
from mailbot.metrics import Metrics
from mailbot.store import ladders
from mailbot.store.store import Store
from mailbot.workers.agent_loads import AgentLoads
from mailbot.workers.inbound.old_numbers import OldNumbers
from mailbot.workers.incidents.watch import StormWatch


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one transaction decides by.

    `agent_loads`, `storms` and `old_numbers` are the node's own and outlive a reload.
    """

    policy: Policy
    composer: Composer
    keys: TokenSigner
    trust: Trust
    agent_loads: AgentLoads = field(default_factory=AgentLoads)
    storms: StormWatch = field(default_factory=StormWatch)
    old_numbers: OldNumbers = field(default_factory=OldNumbers)


class Runtime:
    """The snapshot in force on this node. Only `replace` and `replace_keys` change it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @property
    def policy(self) -> Policy:
        return self.snapshot.policy

    def replace(self, policy: Policy, templates: Templates) -> None:
        """Put another policy in force. Transactions under way keep the snapshot that they took."""
        composer = replace(self.snapshot.composer, templates=templates, policy=policy)
        self.snapshot = replace(self.snapshot, policy=policy, composer=composer)

    def replace_keys(self, keys: TokenSigner) -> None:
        """Sign and verify by other keys from the next transaction on."""
        composer = replace(self.snapshot.composer, tokens=keys)
        self.snapshot = replace(self.snapshot, composer=composer, keys=keys)


@dataclass(frozen=True, slots=True)
class Deps:
    """What workers work with. `wake_delivery` is called after each commit that enqueues mail."""

    store: Store
    runtime: Runtime
    now: Callable[[], datetime]
    metrics: Metrics
    wake_delivery: Callable[[], None]


def load_missing_ladders(connection: Connection, snapshot: Snapshot, tickets: Iterable[Ticket]) -> Snapshot:
    """Return the snapshot with the ladders that these tickets follow and its policy does not know.

    Another node may have given them by a newer policy. Needed before anything is decided about the tickets:
    the indexes of steps taken mean nothing on another ladder.
    """
    digests = {ticket.ladder_digest for ticket in tickets} - {""}
    policy = snapshot.policy
    if missing := digests - policy.ladders_by_digest.keys():
        past = {**policy.past_ladders, **ladders.load(connection, missing)}
        return replace(snapshot, policy=replace(policy, past_ladders=past))
    return snapshot


def signer(dkim: Dkim | None) -> Signer | None:
    """Return the signer of our mail. None when none is set up, or the key is not here (in a shell)."""
    return Signer(dkim.domain, dkim.selector, dkim.headers, dkim.key) if dkim and dkim.key else None


# (envelope, raw mail, parsed mail) -> the mail with what was found out about its sender. Never raises.
CheckSender = Callable[[Envelope, bytes, InboundMail], Awaitable[InboundMail]]
