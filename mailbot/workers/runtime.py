"""What a reload swaps while the daemon runs: the policy and what is built from it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

from mailbot.config.model import Dkim, Trust
from mailbot.domain.model import Envelope, InboundMail
from mailbot.domain.policy import Ladder, Policy
from mailbot.mail.auth.sign import Signer
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import Keys
from mailbot.mail.compose.templates import Templates
from mailbot.workers.agent_loads import Rota


@dataclass(slots=True)
class Live:
    """The policy in force. Services read it anew for each piece of work; only `take` changes it."""

    policy: Policy
    composer: Composer
    keys: Keys
    trust: Trust
    rota: Rota = field(default_factory=Rota)

    _change: Lock = field(default_factory=Lock)

    def take(self, policy: Policy, templates: Templates) -> None:
        with self._change:
            self.policy, self.composer = policy, replace(self.composer, templates=templates, policy=policy)

    def learn(self, ladders: Mapping[str, Ladder]) -> None:
        """Ladders that another node's policy gave to tickets, by digest."""
        with self._change:
            self.policy = replace(self.policy, former={**self.policy.former, **ladders})


def signer(dkim: Dkim | None) -> Signer | None:
    """Who signs our mail; None when nobody is asked to, or the key is not here (in a shell)."""
    return Signer(dkim.domain, dkim.selector, dkim.headers, dkim.key) if dkim and dkim.key else None


Wake = Callable[[], None]
# (envelope, raw mail, the mail as read) -> the mail with what was found out about its sender. Never raises.
Authenticate = Callable[[Envelope, bytes, InboundMail], Awaitable[InboundMail]]
