"""Define the kinds of field values, and what a test of a condition takes and returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from mailbot.domain.worktime import Calendar

if TYPE_CHECKING:
    from mailbot.domain.routing.learned import Model


class Kind(StrEnum):
    """The kind of a field's value: it decides which operators fit, and what a test gets."""

    TEXT = "text"  # tuple[Text, ...], and so are the next seven
    ADDRESS = "address"
    DOMAIN = "domain"
    LANGUAGE = "language"
    AUTHENTICATION = "authentication"
    AUTHOR = "author"
    CHANNEL = "channel"
    NAMES = "names"
    SIZE = "size"  # int, bytes
    COUNT = "count"  # int
    AMOUNT = "amount"  # tuple[Money, ...]
    TRUTH = "truth"  # bool
    MOMENT = "moment"  # datetime, local time of the default calendar
    LEARNED = "learned"  # tuple[Text, Text]: the subject and the new text


@dataclass(frozen=True)
class Hits:
    """The folded words and the patterns of all rules that may be in a mail, from one scan of it.

    What is not in here is surely not in the mail, so that no rule needs to look for it again.
    """

    words: frozenset[str]
    patterns: frozenset[str]

    @cached_property
    def all(self) -> frozenset[str]:
        return self.words | self.patterns


class Test(Protocol):
    """Return which of the admin's values matched; () for none. `hits` only saves work."""

    def __call__(self, value: Any, hits: Hits | None = None, /) -> tuple[object, ...]: ...


class Captures(Protocol):
    """Return what the named groups of a condition's patterns matched in a field, the first of each name."""

    def __call__(self, value: Any, /) -> tuple[tuple[str, str], ...]: ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A test made from an admin's values.

    It holds only where one of `words` is in the field's folded texts or one of `patterns` matches. Without
    both it may hold for any text.
    """

    test: Test
    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    captures: Captures | None = None


Prepare = Callable[[tuple[Any, ...], Kind, "Context"], Prepared]  # raises ValueError


@dataclass(frozen=True, slots=True)
class AddressList:
    """A file of addresses and domains, folded. A domain includes those below it."""

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """What conditions can refer to, by name. None: not known, so any name is accepted, and nothing is learned."""

    calendars: Mapping[str, Calendar] | None = field(default_factory=dict)
    lists: Mapping[str, AddressList] | None = field(default_factory=dict)
    learned: "Model | None" = None


NO_CONTEXT = Context()
