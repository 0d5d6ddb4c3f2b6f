"""What a reload swaps while the daemon runs: the policy and what is built from it."""

from collections.abc import Callable
from dataclasses import dataclass

from mailbot.core.policy import Policy
from mailbot.mail.compose import Composer
from mailbot.mail.tags import Keys
from mailbot.mail.templates import Templates
from mailbot.settings.model import Trust


@dataclass(slots=True)
class Live:
    """The policy in force. Services read it anew for each piece of work; only `take` changes it."""

    policy: Policy
    composer: Composer
    keys: Keys
    trust: Trust

    def take(self, policy: Policy, templates: Templates) -> None:
        self.policy, self.composer = policy, Composer(templates, self.keys, policy)


Wake = Callable[[], None]
