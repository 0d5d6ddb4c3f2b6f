"""The bodies of commands: the fields of each verb, and how they become what the registry reads.

A verb takes its own fields, or `words`: what follows it in a mail. Both are read by `domain.commands.registry`, so
names, labels and moments are understood as agents write them.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from mailbot.domain import commands as c
from mailbot.domain import ladder, reasons
from mailbot.domain.commands.registry import MOST_WORDS, Reading, Verb
from mailbot.domain.reasons import Refusal
from mailbot.domain.routing import money

LONGEST = 50_000  # characters of an answer or a note
MOST_FILES = 20

Words = Annotated[
    str,
    Meta(
        max_length=MOST_WORDS,
        description="What stands after the verb in a mail, in place of the other fields.",
    ),
]
Because = Annotated[str, Meta(max_length=MOST_WORDS, description="The reason, for people who read it later.")]
Until = Annotated[
    str,
    Meta(
        max_length=60,
        description="A moment ahead: `2026-11-30T10:00+07:00`, or as agents write it: `besok 10.00`, `3 hours`.",
    ),
]
Name = Annotated[str, Meta(max_length=200)]
Word = Annotated[str, Meta(max_length=200, pattern=r"^[^\s,]+$")]
Id = Annotated[int, Meta(ge=1, le=2**53)]
Read = c.AnyCommand | tuple[c.AnyCommand, ...] | Refusal


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verb without arguments."""

    def as_words(self) -> str:
        """Return the verb's arguments as they stand in a mail."""
        return ""

    def read(self, verb: Verb, reading: Reading) -> Read:
        """Read the command, or refuse it."""
        return verb.read(getattr(self, "words", "") or self.as_words(), reading)

    @property
    def mixes(self) -> bool:
        """Check for `words` beside fields that they stand for."""
        apart = ("words", "because", "text", "anyway")
        given = {name for name in self.__struct_fields__ if getattr(self, name)}
        return "words" in given and not given <= set(apart)


class Spoken(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verb whose text goes to the customer as the agent's answer."""

    text: Annotated[str, Meta(max_length=LONGEST, description="What the customer gets as your answer.")] = ""
    anyway: Annotated[bool, Meta(description="Send it although a colleague has just answered.")] = False


class Take(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing but, perhaps, an answer."""


class Assign(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    agent: Annotated[Name, Meta(description="Address or name.")] = ""
    words: Words = ""

    def as_words(self) -> str:
        return self.agent


class HandOver(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    team: Annotated[Name, Meta(description="Key or label.")] = ""
    because: Because = ""
    words: Words = ""

    def as_words(self) -> str:
        return self.team


class Escalate(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    level: Annotated[Name, Meta(description="Key or label; without it the next one up.")] = ""
    because: Because = ""
    words: Words = ""

    def as_words(self) -> str:
        return self.level

    def read(self, verb: Verb, reading: Reading) -> Read:
        found = Spoken.read(self, verb, reading)
        if self.level and isinstance(found, c.Escalate) and not found.level:  # read as a reason
            return reasons.refuse("no_level", level=self.level, levels=", ".join(reading.policy.levels))
        return found


class Working(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    until: Until = ""
    words: Words = ""

    def read(self, verb: Verb, reading: Reading) -> Read:
        return verb.read(self.words or _local(self.until, reading), reading)


class Snooze(Working, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Until when; without it the ticket comes back at once."""


class Wait(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    whom: Annotated[Literal["customer", "third party", ""], Meta(description="Whose turn it is.")] = ""
    until: Until = ""
    because: Because = ""
    words: Words = ""

    def read(self, verb: Verb, reading: Reading) -> Read:
        return verb.read(self.words or f"{self.whom} {_local(self.until, reading)}".strip(), reading)


class Close(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    cause: Annotated[Name, Meta(description="Key or label of the cause.")] = ""
    because: Because = ""
    words: Words = ""

    def as_words(self) -> str:
        return self.cause


class Reopen(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    because: Because = ""
    words: Words = ""


class Priority(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    priority: Annotated[Name, Meta(description="Key or label.")] = ""
    words: Words = ""

    def as_words(self) -> str:
        return self.priority


class Category(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    category: Annotated[Name, Meta(description="Key or label.")] = ""
    words: Words = ""

    def as_words(self) -> str:
        return self.category


class Cause(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    cause: Annotated[Name, Meta(description="Key or label.")] = ""
    words: Words = ""

    def as_words(self) -> str:
        return self.cause


class Tag(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tags, or addresses of people who take part."""

    add: list[Word] = []
    remove: list[Word] = []
    words: Words = ""

    def as_words(self) -> str:
        return " ".join((*(f"+{each}" for each in self.add), *(f"-{each}" for each in self.remove)))


class Customer(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    address: Name = ""
    words: Words = ""

    def as_words(self) -> str:
        return self.address


class Via(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    to: Annotated[Name, Meta(description="A channel, such as `whatsapp`, or an address of the customer.")] = (
        ""
    )
    words: Words = ""

    def as_words(self) -> str:
        return self.to


class Compensate(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    amount: Annotated[
        str | int, Meta(description="150000, `Rp150.000`, `150rb`. Without a currency: Rupiah.")
    ] = ""
    because: Because = ""
    words: Words = ""

    def read(self, verb: Verb, reading: Reading) -> Read:
        if self.words:
            return verb.read(self.words, reading)
        typed = str(self.amount)
        try:
            digits = typed.replace(".", "").replace(",", "").isdigit()
            amount = money.read(f"Rp{typed}" if digits else typed)
        except ValueError:
            return reasons.refuse("amount_unclear", words=typed[:60])
        if not reading.because:
            return reasons.refuse("compensation_needs_why")
        return c.Compensate(amount, reading.because)


class Approve(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    request: Annotated[Id, Meta(description="Its number, where several are open.")] | None = None
    because: Because = ""
    words: Words = ""

    def as_words(self) -> str:
        return str(self.request or "")


class Decide(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    option: Name = ""
    because: Because = ""
    words: Words = ""

    def as_words(self) -> str:
        return self.option


class MacroCall(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name = ""
    arguments: dict[str, Annotated[str, Meta(max_length=MOST_WORDS)]] = {}
    words: Words = ""

    def read(self, verb: Verb, reading: Reading) -> Read:
        return verb.read(self.words, reading) if self.words else c.Macro(self.name.casefold(), self.arguments)


class Resolve(Close, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The text goes to all customers of the incident."""


class SentFile(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=500)]
    content: Annotated[bytes, Meta(description="In base64.")]


class AnswerText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST)]
    files: Annotated[list[SentFile], Meta(max_length=MOST_FILES)] = []
    anyway: Annotated[bool, Meta(description="Send it although a colleague has just answered.")] = False


class NoteText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST)]


OtherCustomer = Annotated[
    bool, Meta(description="Even for another customer's ticket: the words of one reach the other.")
]


class Merge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    into: Annotated[str, Meta(max_length=60, description="The ticket's number.")]
    other_customer: OtherCustomer = False


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """No fields."""


class Split(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    messages: Annotated[list[Id], Meta(min_length=1, max_length=1000, description="Ids of messages.")]


class MoveMessage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    message: Annotated[Id, Meta(description="Of this ticket.")]
    to: Annotated[str, Meta(max_length=60, description="The number of the other ticket.")]
    other_customer: OtherCustomer = False


# The verbs of the registry, but for `note`, which has text alone, and `accept`, which concerns two tickets.
OF_VERB: dict[str, type[Command]] = {
    "take": Take,
    "assign": Assign,
    "hand-over": HandOver,
    "escalate": Escalate,
    "working": Working,
    "wait": Wait,
    "snooze": Snooze,
    "close": Close,
    "reopen": Reopen,
    "priority": Priority,
    "category": Category,
    "cause": Cause,
    "tag": Tag,
    "customer": Customer,
    "link": Customer,
    "unlink": Customer,
    "via": Via,
    "participant": Tag,
    "compensate": Compensate,
    "approve": Approve,
    "refuse": Approve,
    "release": Command,
    "decide": Decide,
    "macro": MacroCall,
    "resolve": Resolve,
    "detach": Command,
    "undo": Command,
    "send": Command,
}


def _local(until: str, reading: Reading) -> str:
    """Return a moment with an offset in the zone of the ticket's team, any other as it was written."""
    try:
        at = datetime.fromisoformat(until)
    except ValueError:
        return until
    if at.tzinfo is None:
        return until
    zone = ladder.calendar_of(reading.ticket, reading.policy).zone
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def with_because(reading: Reading, body: Any) -> Reading:
    return replace(reading, because=getattr(body, "because", "").strip())
