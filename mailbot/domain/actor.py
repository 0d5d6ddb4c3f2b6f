"""Who did something: the customer, an agent, an operator, or a machine."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    OPERATOR = "operator"  # a person with a shell on the server
    POLICY = "policy"
    RELAY = "relay"  # the server that sends our mail on
    REPORT = "report"  # a bounce or a complaint
    IMPORT = "import"  # what was brought over from another desk


@dataclass(frozen=True, slots=True)
class Actor:
    """Its text form, "agent:ayu@example.com" or "policy", is what the store keeps.

    `name`: an agent's address, an operator's login name, the source of an import, "" for the others.
    """

    kind: ActorKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind.value

    @property
    def is_staff(self) -> bool:
        return self.kind in (ActorKind.AGENT, ActorKind.OPERATOR)

    @classmethod
    def agent(cls, address: str) -> "Actor":
        return cls(ActorKind.AGENT, address)

    @classmethod
    def operator(cls, name: str = "") -> "Actor":
        return cls(ActorKind.OPERATOR, name)

    @classmethod
    def parse(cls, text: str) -> "Actor":
        """Read the text form. Raises ValueError for an unknown kind."""
        kind, _, name = text.partition(":")
        return cls(ActorKind(kind), name)


CUSTOMER, POLICY = Actor(ActorKind.CUSTOMER), Actor(ActorKind.POLICY)
RELAY, REPORT = Actor(ActorKind.RELAY), Actor(ActorKind.REPORT)
