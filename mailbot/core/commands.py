"""What a person may tell mailbot to do with a ticket."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assign:
    agent: str  # address


@dataclass(frozen=True, slots=True)
class Escalate:
    level: str = ""  # "" is the next one up
    because: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    because: str = ""


@dataclass(frozen=True, slots=True)
class AddNote:
    text: str


Command = Assign | Escalate | Close | AddNote
