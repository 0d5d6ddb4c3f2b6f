"""Where a mail goes: what rules can ask of it, how conditions combine, which rule wins, how urgent it is.

The loader, its error texts, the JSON Schema and the docs read FIELDS and OPERATORS; a new field or operator
is one entry in its table.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Protocol

import re2

from mailbot.domain.model import NO_HISTORY
from mailbot.domain.model import CustomerHistory as CustomerHistory
from mailbot.domain.routing import money
from mailbot.domain.routing.field_types import NO_CONTEXT, Captures, Found, Test
from mailbot.domain.routing.field_types import Context as Context
from mailbot.domain.routing.field_types import Kind as Kind
from mailbot.domain.routing.operators import OPERATORS as OPERATORS
from mailbot.domain.routing.operators import compiled_pattern, instead
from mailbot.domain.routing.text import Text
from mailbot.domain.worktime import DAY_NAMES

URGENCIES = ("low", "normal", "high", "critical")
COMPLEXITIES = ("low", "medium", "high")
PRIORITIES = ("low", "normal", "high", "urgent")

_PRIORITY = {  # urgency -> complexity -> priority
    "low": {"low": "low", "medium": "low", "high": "normal"},
    "normal": {"low": "normal", "medium": "normal", "high": "high"},
    "high": {"low": "high", "medium": "high", "high": "urgent"},
    "critical": {"low": "urgent", "medium": "urgent", "high": "urgent"},
}


def priority(urgency: str, complexity: str) -> str:
    """One of PRIORITIES for one of URGENCIES and one of COMPLEXITIES; KeyError for other words."""
    return _PRIORITY[urgency][complexity]


# --- what a rule is asked about ---------------------------------------------------------------------------


@dataclass(frozen=True)
class RoutingFacts:
    """What is known of a mail when it is routed. `local_time` is aware, in the default calendar's zone."""

    subject: str
    text: str
    sender: str
    mailbox: str  # its address
    language: str  # "id", "en", "" when unsure
    attachment_names: tuple[str, ...]
    attachment_types: tuple[str, ...]
    size: int  # bytes of the whole mail
    local_time: datetime
    sender_name: str = ""
    headers: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # by lower-case name
    customer_history: CustomerHistory = NO_HISTORY

    @cached_property
    def texts(self) -> Mapping[str, tuple[Text, ...]]:
        """The texts of each field, shared by all rules so that a large body is folded once a mail."""
        subject, body = Text(self.subject), Text(self.text)
        return {
            "subject": (subject,),
            "body": (body,),
            "text": (subject, body),
            "sender": (Text(self.sender),),
            "sender_domain": (Text(self.sender.rpartition("@")[2].rstrip(".")),),
            "sender_name": (Text(self.sender_name),),
            "recipient": (Text(self.mailbox),),
            "language": (Text(self.language),),
            "attachment_name": tuple(map(Text, self.attachment_names)),
            "attachment_type": tuple(map(Text, self.attachment_types)),
            "authentication": (Text(self.customer_history.authentication.value),),
        }

    @cached_property
    def amounts(self) -> tuple[money.Money, ...]:
        """The money that the subject or the text names."""
        return tuple(amount for text in self.texts["text"] for amount in money.find(text.plain))

    @cached_property
    def _headers(self) -> dict[str, tuple[Text, ...]]:
        return {}

    def header(self, name: str) -> tuple[Text, ...]:
        """All values of a header field, by its lower-case name, decoded when a rule asks first."""
        if name not in self._headers:
            self._headers[name] = tuple(map(Text, self.headers.get(name, ())))
        return self._headers[name]


Value = tuple[Text, ...] | tuple[money.Money, ...] | int | datetime


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: Kind
    doc: str
    get: Callable[[RoutingFacts], Value]


def _texts(name: str, kind: Kind, doc: str) -> Field:
    return Field(name, kind, doc, lambda facts: facts.texts[name])


FIELDS: Mapping[str, Field] = {
    each.name: each
    for each in (
        _texts("subject", Kind.TEXT, "the subject"),
        _texts("body", Kind.TEXT, "the text of the mail"),
        _texts("text", Kind.TEXT, "the subject or the text of the mail"),
        _texts("sender", Kind.ADDRESS, "the customer's address"),
        _texts("sender_domain", Kind.DOMAIN, "what stands after the @ in the customer's address"),
        _texts("sender_name", Kind.TEXT, "the name that stands beside the customer's address"),
        _texts("recipient", Kind.ADDRESS, "the address of the mailbox that was written to"),
        _texts("language", Kind.LANGUAGE, "the language of the mail: id, en or unsure"),
        _texts("attachment_name", Kind.NAMES, "the file name of any attachment"),
        _texts("attachment_type", Kind.NAMES, "the media type of any attachment, as in image/png"),
        Field(
            "attachments",
            Kind.COUNT,
            "how many attachments there are",
            lambda facts: len(facts.attachment_names),
        ),
        Field("size", Kind.SIZE, "the size of the whole mail", lambda facts: facts.size),
        Field(
            "amount",
            Kind.AMOUNT,
            "any amount of money that the subject or the text names",
            lambda facts: facts.amounts,
        ),
        Field(
            "hour",
            Kind.MOMENT,
            "when it came, by the default calendar's clock",
            lambda facts: facts.local_time,
        ),
        _texts("authentication", Kind.AUTHENTICATION, "is the sender proven: pass, fail or none"),
        Field(
            "known_customer",
            Kind.TRUTH,
            "the customer had a ticket before",
            lambda facts: facts.customer_history.known_customer,
        ),
        Field(
            "open_tickets",
            Kind.COUNT,
            "how many other open tickets the customer has",
            lambda facts: facts.customer_history.open_tickets,
        ),
        Field(
            "reopened",
            Kind.TRUTH,
            "it goes on with a ticket that was closed",
            lambda facts: facts.customer_history.reopened,
        ),
        Field(
            "escalated_before",
            Kind.TRUTH,
            "a ticket of the customer was escalated in 90 days",
            lambda facts: facts.customer_history.escalated_before,
        ),
    )
}
HEADER = "header."  # before the name of a header field: `header.x-priority`
LOOKED_UP = frozenset({"known_customer", "open_tickets", "escalated_before"})  # the store is asked for these

_HEADER = re2.compile(r"header\.[A-Za-z0-9][A-Za-z0-9_-]{0,75}")


def field_of(name: str) -> Field | None:
    """The field of that name: one of FIELDS, or any header as `header.<name>`."""
    return FIELDS.get(name) or (_header(name) if _HEADER.fullmatch(name) else None)


@lru_cache(maxsize=500)
def _header(name: str) -> Field:
    key = name.removeprefix(HEADER).lower()
    return Field(name, Kind.TEXT, f"the header {key}", lambda facts: facts.header(key))


# --- conditions -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """One question, made by `build`. `value` is what the admin wrote (a list as a tuple)."""

    field: str
    operator: str
    value: object
    test: Test = dataclasses.field(compare=False, repr=False)
    # Without one of these in the field it can't hold, see `kinds.Prepared`; () and () say nothing.
    words: tuple[str, ...] = dataclasses.field(default=(), compare=False, repr=False)
    patterns: tuple[str, ...] = dataclasses.field(default=(), compare=False, repr=False)
    captures: Captures | None = dataclasses.field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return _aloud(self, self.value if isinstance(self.value, tuple) else (self.value,))


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: "tuple[When, ...]"

    def __post_init__(self) -> None:
        _need_parts(self.parts, "all")

    def __str__(self) -> str:
        return _joined(self.parts, " and ")


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: "tuple[When, ...]"

    def __post_init__(self) -> None:
        _need_parts(self.parts, "any")

    def __str__(self) -> str:
        return _joined(self.parts, " or ")


@dataclass(frozen=True, slots=True)
class NoneOf:
    parts: "tuple[When, ...]"

    def __post_init__(self) -> None:
        _need_parts(self.parts, "none")

    def __str__(self) -> str:
        return f"not ({_joined(self.parts, ' or ')})"


When = Condition | AllOf | AnyOf | NoneOf


def asked(whens: Iterable[When]) -> Iterator[str]:
    """The names of the fields that these conditions ask about."""
    for when in whens:
        if isinstance(when, Condition):
            yield when.field
        else:
            yield from asked(when.parts)


def build(field: str, operator: str, value: object, context: Context = NO_CONTEXT) -> Condition:
    """The condition that `field: {operator: value}` in a rule stands for; `context` holds the calendars and
    lists that it can name. ValueError says what is wrong."""
    found = field_of(field)
    if found is None:
        raise ValueError(f"there is no field {field!r}{instead(field, FIELDS)}")
    if operator not in OPERATORS:
        raise ValueError(f"there is no operator {operator!r}{instead(operator, operators_of(field))}")
    kind, asked = found.kind, OPERATORS[operator]
    if kind not in asked.kinds:
        raise ValueError(f"{field} can't be asked {operator!r}; it knows {', '.join(operators_of(field))}")
    written = tuple(value) if isinstance(value, list) else value
    made = asked.prepare(asked.shape(kind).read(written), kind, context)
    return Condition(field, operator, written, made.test, made.words, made.patterns, made.captures)


def operators_of(field: str) -> tuple[str, ...]:
    """The names of the operators that fit a field; KeyError when there is no such field."""
    kind = (field_of(field) or FIELDS[field]).kind
    return tuple(name for name, operator in OPERATORS.items() if kind in operator.kinds)


def value_of(condition: Condition, facts: RoutingFacts) -> Value:
    """What a condition is tested on."""
    return (field_of(condition.field) or FIELDS[condition.field]).get(facts)


def _need_parts(parts: "Sequence[When]", word: str) -> None:
    if not parts:
        raise ValueError(f"{word}: needs at least one condition")


# --- which rule wins --------------------------------------------------------------------------------------


class RuleLike(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def when(self) -> When | None: ...
    @property
    def go_on(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule that matched and, for people, what made it match: "subject contains 'saldo terpotong'".

    `captures` is what its patterns' named groups found in the mail.
    """

    rule_index: int
    because: str
    captures: tuple[tuple[str, str], ...] = ()


Narrow = Callable[[RoutingFacts], tuple[Iterable[int], Found | None]]


def matches(rules: Sequence[RuleLike], facts: RoutingFacts, narrow: Narrow | None = None) -> list[RuleMatch]:
    """The rules whose condition holds, in order, up to the first that does not let the others go on.

    `narrow` is the `prefilter` of these rules: the same answer for less work. ValueError when no rule ends
    it: the last rule must be unconditional.
    """
    possible, found = narrow(facts) if narrow else (range(len(rules)), None)
    hits = []
    for index in possible:
        rule = rules[index]
        because = _because(rule.when, facts, found) if rule.when else "no other rule matched"
        if because:
            hits.append(
                RuleMatch(index, _cut(because, 500), _captures(rule.when, facts) if rule.when else ())
            )
            if not rule.go_on:
                return hits
    raise ValueError("no rule matched: the last rule must be unconditional")


def _captures(when: When, facts: RoutingFacts) -> tuple[tuple[str, str], ...]:
    """What the named groups of its patterns took along, the first of each name; not of those under `none`."""
    taken: dict[str, str] = {}
    for condition in _positive(when):
        if condition.captures:
            for name, value in condition.captures(value_of(condition, facts)):
                taken.setdefault(name, value)
    return tuple(taken.items())


def _positive(when: When) -> Iterator[Condition]:
    """The single conditions that it holds by, none that it holds without."""
    if isinstance(when, Condition):
        yield when
    elif not isinstance(when, NoneOf):
        for part in when.parts:
            yield from _positive(part)


class DetailLike(Protocol):
    @property
    def pattern(self) -> str: ...


def details(known: Mapping[str, DetailLike], facts: RoutingFacts) -> dict[str, str]:
    """Of the details with a pattern those that the mail names: the first of each."""
    found = {}
    for name, detail in known.items():
        if detail.pattern and (value := _detail(detail.pattern, facts)):
            found[name] = value
    return found


def _detail(pattern: str, facts: RoutingFacts) -> str:
    compiled = compiled_pattern(pattern)
    hits = (compiled.search(text.plain) for text in facts.texts["text"])
    hit = next((each for each in hits if each), None)
    found = next(filter(None, hit.groups()), "" if compiled.groups else hit[0]) if hit else ""
    return _cut(found.strip(), 200)


def explain(when: When, facts: RoutingFacts) -> list[tuple[str, bool, str]]:
    """Each single condition in order: its words, whether it holds taken alone, the value that it saw."""
    if isinstance(when, Condition):
        seen = value_of(when, facts)
        return [(str(when), bool(when.test(seen)), _shown(when.field, seen))]
    return [line for part in when.parts for line in explain(part, facts)]


def _because(when: When, facts: RoutingFacts, found: Found | None = None) -> str:
    """Why it holds; "" when it doesn't."""
    match when:
        case Condition():
            hits = when.test(value_of(when, facts), found)
            return _aloud(when, hits) if hits else ""
        case AllOf():
            reasons = []
            for part in when.parts:
                if not (reason := _because(part, facts, found)):
                    return ""
                reasons.append(reason)
            return " and ".join(reasons)
        case AnyOf():
            return next((reason for part in when.parts if (reason := _because(part, facts, found))), "")
        case NoneOf():
            return "" if any(_because(part, facts, found) for part in when.parts) else str(when)


# --- words for people -------------------------------------------------------------------------------------


def _aloud(condition: Condition, values: Collection[object]) -> str:
    joint = OPERATORS[condition.operator].joint
    asked = condition.operator.replace("_", " ")
    return f"{condition.field} {asked} {joint.join(map(_quoted, values))}"


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _joined(parts: "Sequence[When]", joint: str) -> str:
    return joint.join(f"({part})" if isinstance(part, AllOf | AnyOf) else str(part) for part in parts)


def _shown(field: str, value: Value) -> str:
    if isinstance(value, datetime):
        return f"{DAY_NAMES[value.weekday()]} {value:%H:%M}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value} bytes" if FIELDS[field].kind is Kind.SIZE else str(value)
    shown = (_cut(each.raw if isinstance(each, Text) else str(each), 80) for each in value)
    return " / ".join(filter(None, shown))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
