"""Test the conditions of rules on a mail: which rules match, why, and how urgent the mail is.

The loader, its error texts, the JSON Schema and the docs read FIELDS and OPERATORS; a new field or operator
is one entry in its table.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import ClassVar, Protocol

import re2

from mailbot.domain.model import NO_HISTORY, CustomerHistory
from mailbot.domain.routing import money
from mailbot.domain.routing.account_change import asks_to_change_account
from mailbot.domain.routing.field_types import NO_CONTEXT, Captures, Context, Hits, Kind, Test
from mailbot.domain.routing.operators import OPERATORS, suggestion
from mailbot.domain.routing.text import Text
from mailbot.domain.routing.text_operators import compiled_pattern
from mailbot.domain.web_forms.given import NOTHING, Given
from mailbot.domain.worktime import DAY_NAMES

URGENCIES = ("low", "normal", "high", "critical")
COMPLEXITIES = ("low", "medium", "high")
URGENT = "urgent"  # the priority of which no notice waits
PRIORITIES = ("low", "normal", "high", URGENT)

_PRIORITY = {  # urgency -> complexity -> priority
    "low": {"low": "low", "medium": "low", "high": "normal"},
    "normal": {"low": "normal", "medium": "normal", "high": "high"},
    "high": {"low": "high", "medium": "high", "high": "urgent"},
    "critical": {"low": "urgent", "medium": "urgent", "high": "urgent"},
}


def priority(urgency: str, complexity: str) -> str:
    """Return one of PRIORITIES for one of URGENCIES and COMPLEXITIES; KeyError for other words."""
    return _PRIORITY[urgency][complexity]


# --- facts and fields -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RoutingFacts:
    """What rules are tested on. `local_time` is aware, in the default calendar's zone."""

    subject: str
    text: str
    sender: str
    mailbox: str  # its address
    language: str  # "id", "en", "" when unclear
    attachment_names: tuple[str, ...]
    attachment_types: tuple[str, ...]
    size: int  # bytes of the whole mail
    local_time: datetime
    sender_name: str = ""
    headers: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # by lower-case name
    new_body: str | None = None  # None: `text`
    footer: str = ""
    customer_history: CustomerHistory = NO_HISTORY
    given: Given = NOTHING  # by a form or a program

    @cached_property
    def texts(self) -> Mapping[str, tuple[Text, ...]]:
        """Return the texts of each field, shared by all rules so that a large body is folded once."""
        subject, body = Text(self.subject), Text(self.text)
        same = self.new_body is None or self.new_body == self.text
        new_body = body if same else Text(self.new_body or "")
        return {
            "subject": (subject,),
            "body": (body,),
            "text": (subject, body),
            "new_body": (new_body,),
            "new_text": (subject, new_body),
            "footer": (Text(self.footer),),
            "sender": (Text(self.sender),),
            "sender_domain": (
                Text(self.sender.rpartition("@")[2].rstrip(".") if "@" in self.sender else ""),
            ),
            "sender_name": (Text(self.sender_name),),
            "recipient": (Text(self.mailbox),),
            "language": (Text(self.language),),
            "attachment_name": tuple(map(Text, self.attachment_names)),
            "attachment_type": tuple(map(Text, self.attachment_types)),
            "authentication": (Text(self.customer_history.authentication.value),),
            "author": (Text(self.customer_history.author.value),),
            "channel": (Text(self.customer_history.channel),),
        }

    @property
    def attachment_count(self) -> int:
        return len(self.attachment_names)

    @cached_property
    def asks_to_change_account(self) -> bool:
        return asks_to_change_account(self.subject, self.text)

    @cached_property
    def amounts(self) -> tuple[money.Money, ...]:
        """Find the money in the subject and the text."""
        return tuple(amount for text in self.texts["text"] for amount in money.find(text.plain))

    @cached_property
    def _headers(self) -> dict[str, tuple[Text, ...]]:
        return {}

    def header(self, name: str) -> tuple[Text, ...]:
        """Return all values of a header field by its lower-case name; decoded on first use."""
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


def _history(name: str, kind: Kind, doc: str) -> Field:
    return Field(name, kind, doc, attrgetter(f"customer_history.{name}"))


def judged_texts(facts: RoutingFacts) -> tuple[Text, ...]:
    """Return what is learned from, and judged: the subject and the new text."""
    return facts.texts["new_text"]


LEARNED = "learned"  # this field is asked by `is` and `at_least` together

FIELDS: Mapping[str, Field] = {
    each.name: each
    for each in (
        _texts("subject", Kind.TEXT, "the subject"),
        _texts("body", Kind.TEXT, "the text of the mail"),
        _texts("text", Kind.TEXT, "the subject or the text of the mail"),
        _texts("new_body", Kind.TEXT, "what the writer wrote: no quote, forwarded mail, signature or footer"),
        _texts("new_text", Kind.TEXT, "the subject or what the writer wrote"),
        _texts("footer", Kind.TEXT, "the signature, contact data and small print below the text"),
        _texts("sender", Kind.ADDRESS, "the customer's address"),
        _texts("sender_domain", Kind.DOMAIN, "the part after the @ of the customer's address"),
        _texts("sender_name", Kind.TEXT, "the name beside the customer's address"),
        _texts("recipient", Kind.ADDRESS, "the address of the mailbox that was written to"),
        _texts("language", Kind.LANGUAGE, "the language of the mail: id, en or unsure"),
        _texts("attachment_name", Kind.NAMES, "the file name of any attachment"),
        _texts("attachment_type", Kind.NAMES, "the media type of any attachment, as in image/png"),
        Field("attachments", Kind.COUNT, "how many attachments there are", attrgetter("attachment_count")),
        Field("size", Kind.SIZE, "the size of the whole mail", attrgetter("size")),
        Field("amount", Kind.AMOUNT, "any amount of money in the subject or the text", attrgetter("amounts")),
        Field(
            "asks_to_change_account",
            Kind.TRUTH,
            "it asks to change an address, a phone or an account number",
            attrgetter("asks_to_change_account"),
        ),
        Field("hour", Kind.MOMENT, "when it came, by the default calendar's clock", attrgetter("local_time")),
        _texts("authentication", Kind.AUTHENTICATION, "is the sender proven: pass, fail or none"),
        _texts("author", Kind.AUTHOR, "who wrote it: person, machine, or report of a machine about a mail"),
        _texts(
            "channel", Kind.CHANNEL, "by which it came: mail, page, form, api, telegram, whatsapp, or yours"
        ),
        Field(LEARNED, Kind.LEARNED, "what earlier tickets of such words were about", judged_texts),
        _history("machine_may_answer", Kind.TRUTH, "nothing in it forbids an automatic answer"),
        _history("known_customer", Kind.TRUTH, "the customer had a ticket before"),
        _history("open_tickets", Kind.COUNT, "how many other open tickets the customer has"),
        _history("reopened", Kind.TRUTH, "it answers a ticket that was closed"),
        _history("escalated_before", Kind.TRUTH, "a ticket of the customer was escalated in 90 days"),
    )
}
HEADER = "header."  # before the name of a header field: `header.x-priority`
# Fields that need a query in the store.
STORE_FIELDS = frozenset({"known_customer", "open_tickets", "escalated_before"})

_HEADER = re2.compile(r"header\.[A-Za-z0-9][A-Za-z0-9_-]{0,75}")


def field_of(name: str) -> Field | None:
    """Find the field of that name: one of FIELDS, or any header as `header.<name>`."""
    return FIELDS.get(name) or (_header(name) if _HEADER.fullmatch(name) else None)


@lru_cache(maxsize=500)
def _header(name: str) -> Field:
    key = name.removeprefix(HEADER).lower()
    return Field(name, Kind.TEXT, f"the header {key}", lambda facts: facts.header(key))


# --- conditions -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """One field, operator and value, made by `build`. `value` is the admin's (a list as a tuple)."""

    field: str
    operator: str
    value: object
    test: Test = dataclasses.field(compare=False, repr=False)
    # One of these must be in the field, see `field_types.Prepared`; () and () mean no such need.
    words: tuple[str, ...] = dataclasses.field(default=(), compare=False, repr=False)
    patterns: tuple[str, ...] = dataclasses.field(default=(), compare=False, repr=False)
    captures: Captures | None = dataclasses.field(default=None, compare=False, repr=False)
    needs: frozenset[str] = dataclasses.field(
        default=frozenset(), compare=False, repr=False
    )  # words, patterns

    def matched(self, facts: RoutingFacts, hits: Hits | None) -> "tuple[MatchedPart, ...]":
        """Return the parts by which it holds; () when it does not.

        `hits`, what one scan found in the mail, saves most tests of most conditions.
        """
        if hits is not None and self.needs and self.needs.isdisjoint(hits.all):
            return ()
        values = self.test(value_of(self, facts), hits)
        return (MatchedPart(self, values),) if values else ()

    def __str__(self) -> str:
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        return f"learned: {values[0]} at {values[1]}" if self.field == LEARNED else _text(self, values)


@dataclass(frozen=True, slots=True)
class _Group:
    parts: "tuple[When, ...]"
    word: ClassVar[str]
    joiner: ClassVar[str]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError(f"{self.word}: needs at least one condition")

    def __str__(self) -> str:
        texts = (f"({part})" if isinstance(part, AllOf | AnyOf) else str(part) for part in self.parts)
        return self.joiner.join(texts)


class AllOf(_Group):
    __slots__ = ()
    word, joiner = "all", " and "

    def matched(self, facts: RoutingFacts, hits: Hits | None) -> "tuple[MatchedPart, ...]":
        found: tuple[MatchedPart, ...] = ()
        for part in self.parts:
            if not (parts := part.matched(facts, hits)):
                return ()
            found += parts
        return found


class AnyOf(_Group):
    __slots__ = ()
    word, joiner = "any", " or "

    def matched(self, facts: RoutingFacts, hits: Hits | None) -> "tuple[MatchedPart, ...]":
        for part in self.parts:
            if parts := part.matched(facts, hits):
                return parts
        return ()


class NoneOf(_Group):
    __slots__ = ()
    word, joiner = "none", " or "

    def matched(self, facts: RoutingFacts, hits: Hits | None) -> "tuple[MatchedPart, ...]":
        for part in self.parts:
            if part.matched(facts, hits):
                return ()
        return (MatchedPart(self),)

    def __str__(self) -> str:
        return f"not ({super().__str__()})"


When = Condition | AllOf | AnyOf | NoneOf


def leaves_of(whens: Iterable[When], *, outside_none: bool = False) -> Iterator[Condition]:
    """List the single conditions in these, without those under `none` when asked."""
    for when in whens:
        if isinstance(when, Condition):
            yield when
        elif not (outside_none and isinstance(when, NoneOf)):
            yield from leaves_of(when.parts, outside_none=outside_none)


def is_learned(when: When | None) -> bool:
    """Check whether any of the conditions is learned, so that it may be wrong."""
    return any(leaf.field == LEARNED for leaf in leaves_of([when] if when else []))


def build(field: str, operator: str, value: object, context: Context = NO_CONTEXT) -> Condition:
    """Build the condition of `field: {operator: value}` in a rule. ValueError says what is wrong.

    `context` holds the calendars and lists that it can refer to.
    """
    definition = field_of(field)
    if definition is None:
        raise ValueError(f"there is no field {field!r}{suggestion(field, FIELDS)}")
    known = operators_of(field)
    if operator not in OPERATORS:
        raise ValueError(f"there is no operator {operator!r}{suggestion(operator, known)}")
    kind, chosen = definition.kind, OPERATORS[operator]
    if kind not in chosen.kinds:
        raise ValueError(f"{field} can't be asked {operator!r}; it knows {', '.join(known)}")
    values = tuple(value) if isinstance(value, list) else value
    made = chosen.prepare(chosen.shape(kind).read(values), kind, context)
    needs = frozenset((*made.words, *made.patterns))
    return Condition(field, operator, values, made.test, made.words, made.patterns, made.captures, needs)


def operators_of(field: str) -> tuple[str, ...]:
    """List the operators that fit a field; KeyError when there is no such field."""
    kind = (field_of(field) or FIELDS[field]).kind
    return tuple(name for name, operator in OPERATORS.items() if kind in operator.kinds)


def value_of(condition: Condition, facts: RoutingFacts) -> Value:
    """Return the value that a condition is tested on."""
    return (field_of(condition.field) or FIELDS[condition.field]).get(facts)


# --- which rule wins --------------------------------------------------------------------------------------


class RuleLike(Protocol):
    """What `match_rules` needs of a rule."""

    @property
    def name(self) -> str: ...
    @property
    def when(self) -> When | None: ...
    @property
    def go_on(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class MatchedPart:
    """A condition and those of its values that matched, or a `none` of which nothing did."""

    when: Condition | NoneOf
    values: tuple[object, ...] = ()

    @property
    def condition(self) -> Condition | None:
        return self.when if isinstance(self.when, Condition) else None

    @property
    def kind(self) -> Kind | None:
        field = field_of(self.when.field) if isinstance(self.when, Condition) else None
        return field.kind if field else None

    def __str__(self) -> str:
        return _text(self.when, self.values) if isinstance(self.when, Condition) else str(self.when)


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule that matched, and why: "subject contains 'saldo terpotong'".

    `captures` is what the named groups of its patterns matched. `parts` are those that made it match.
    """

    rule_index: int
    because: str
    captures: tuple[tuple[str, str], ...] = ()
    parts: tuple[MatchedPart, ...] = dataclasses.field(default=(), compare=False, repr=False)


Narrowed = tuple[Iterable[int], Hits | None]  # the rules that may match, and what they may find
Narrow = Callable[[RoutingFacts], Narrowed]


def match_rules(
    rules: Sequence[RuleLike], facts: RoutingFacts, narrow: Narrow | None = None
) -> list[RuleMatch]:
    """List the rules that match, in order, up to the first without `go_on`.

    `narrow` is the `prefilter` of these rules: the same result for less work. ValueError when no rule is the
    last: one must be unconditional.
    """
    return match_narrowed(rules, facts, narrow(facts) if narrow else (range(len(rules)), None))


def match_narrowed(rules: Sequence[RuleLike], facts: RoutingFacts, narrowed: Narrowed) -> list[RuleMatch]:
    """Do as `match_rules` with what the prefilter found in the mail."""
    candidates, hits = narrowed
    matched = []
    for index in candidates:
        rule = rules[index]
        parts = rule.when.matched(facts, hits) if rule.when else ()
        if parts or not rule.when:
            because = " and ".join(map(str, parts)) or "no other rule matched"
            captures = _captures(rule.when, facts) if rule.when else ()
            matched.append(RuleMatch(index, _cut(because, 500), captures, parts))
            if not rule.go_on:
                return matched
    raise ValueError("no rule matched: the last rule must be unconditional")


def _captures(when: When, facts: RoutingFacts) -> tuple[tuple[str, str], ...]:
    """Return what the named groups matched, the first of each name; groups under `none` do not count."""
    found: dict[str, str] = {}
    for condition in leaves_of([when], outside_none=True):
        if condition.captures:
            for name, value in condition.captures(value_of(condition, facts)):
                found.setdefault(name, value)
    return tuple(found.items())


class DetailLike(Protocol):
    """What `find_details` needs of a detail."""

    @property
    def pattern(self) -> str: ...


def find_details(
    details: Mapping[str, DetailLike], facts: RoutingFacts, hits: Hits | None = None
) -> dict[str, str]:
    """Find the details with a pattern in the mail, the first value of each. `hits`: of their policy's prefilter."""
    possible = {
        name: each.pattern
        for name, each in details.items()
        if each.pattern and (hits is None or each.pattern in hits.patterns)
    }
    return {name: value for name, pattern in possible.items() if (value := _detail(pattern, facts))}


def _detail(pattern: str, facts: RoutingFacts) -> str:
    compiled = compiled_pattern(pattern)
    matches = (compiled.search(text.one_line) for text in facts.texts["text"])
    match = next((one for one in matches if one), None)
    value = next(filter(None, match.groups()), "" if compiled.groups else match[0]) if match else ""
    return _cut(value.strip(), 200)


def explain(condition: Condition, facts: RoutingFacts) -> tuple[str, bool, str]:
    """Return a condition's text, whether it holds taken alone, and the value that it was tested on."""
    value = value_of(condition, facts)
    return str(condition), bool(condition.test(value)), _value_text(condition.field, value)


# --- texts of conditions ----------------------------------------------------------------------------------


def _text(condition: Condition, values: Collection[object]) -> str:
    if condition.field == LEARNED:
        return _learned_text(*map(str, values))
    joiner = OPERATORS[condition.operator].joiner
    return f"{condition.field} {condition.operator.replace('_', ' ')} {joiner.join(map(_quoted, values))}"


def _learned_text(category: str, *words: str) -> str:
    return f"learned: {category}" + (f", from {', '.join(map(_quoted, words))}" if words else "")


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _value_text(field: str, value: Value) -> str:
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
