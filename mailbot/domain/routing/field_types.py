"""What a field of a mail holds, what a test of it is and is told: the ground that the operators stand on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from mailbot.domain.worktime import Calendar


class Kind(StrEnum):
    """What sort of value a field holds: it decides which operators fit, and what a test is handed."""

    TEXT = "text"  # tuple[Text, ...], and so are the next five
    ADDRESS = "address"
    DOMAIN = "domain"
    LANGUAGE = "language"
    AUTHENTICATION = "authentication"
    NAMES = "names"
    SIZE = "size"  # int, bytes
    COUNT = "count"  # int
    AMOUNT = "amount"  # tuple[Money, ...]
    TRUTH = "truth"  # bool
    MOMENT = "moment"  # datetime, on the wall clock of the default calendar


@dataclass(frozen=True, slots=True)
class Found:
    """What one look at a mail showed that it may hold of all the rules' folded words and of their patterns.
    What is not in here does surely not stand in it, so that no rule needs to look for it again."""

    words: frozenset[str]
    patterns: frozenset[str]


class Test(Protocol):
    """Which of the admin's values matched; () when none did. `found` may only spare work."""

    def __call__(self, value: Any, found: Found | None = None, /) -> tuple[object, ...]: ...


class Captures(Protocol):
    """What the named groups of a condition's patterns took from a field, the first of each name."""

    def __call__(self, value: Any, /) -> tuple[tuple[str, str], ...]: ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A test made from what an admin wrote. Where it says yes, one of `words` stands in the field's folded
    texts or one of `patterns` is found in it; without both it says nothing about the text."""

    test: Test
    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    captures: Captures | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of addresses and domains, folded. A domain stands for those below it too."""

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """What conditions can name, by name. None: it can't be told what there is, so any name goes."""

    calendars: Mapping[str, Calendar] | None = field(default_factory=dict)
    lists: Mapping[str, Listed] | None = field(default_factory=dict)


NO_CONTEXT = Context()
