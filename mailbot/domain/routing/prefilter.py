"""Find which rules a mail can match at all, by one scan of its text for the words of all rules together.

Theory of operation. A rule that needs words or patterns can only hold where one of them is in the mail. The
words of all rules are one RE2 set, searched in one pass whose cost hardly grows with their number. Of
patterns, the literals that RE2 finds in them are searched in the same way (`re2.Filter`), and then those
patterns whose literals are there. Rules without any hit are skipped. The others, and those that need no
word, are tested as usual. So the result and its reason are the same with the prefilter and without.

A set that runs out of memory answers with nothing. Therefore every text gets a mark at its end that must be
found: it tells such a failure from a text without hits, and then every rule is tested.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import re2

from mailbot.domain.routing.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Field,
    NoneOf,
    RoutingFacts,
    When,
    field_of,
    leaves_of,
)
from mailbot.domain.routing.field_types import Hits
from mailbot.domain.routing.text import Text, options
from mailbot.domain.routing.text_operators import OPTIONS, search_set

MARK = "\0\1"  # not possible in YAML
WORDS_PER_SET = 20_000
PATTERNS_PER_SET = 4_000
BARE_PER_SET = 100  # patterns without a required literal: sets of these grow fast
_FEW = 8  # up to so many bare patterns it is cheaper to test each

Scan = Callable[[Sequence[Text]], frozenset[str] | None]  # what may be in the texts; None: unknown


@dataclass(frozen=True, slots=True)
class Prefilter:
    """The prefilter of a policy's rules, made by `build`. `always` are the rules that need no word."""

    rules: range
    always: frozenset[int]
    by_word: Mapping[str, tuple[int, ...]]
    by_pattern: Mapping[str, tuple[int, ...]]
    fields: tuple[Field, ...]  # that are scanned
    scan_words: Scan
    scan_patterns: Scan

    def __call__(self, facts: RoutingFacts) -> tuple[Iterable[int], Hits | None]:
        """Return the rules that must be tested, in order, and the hits for their tests."""
        texts = _texts(self.fields, facts)
        words, patterns = self.scan_words(texts), self.scan_patterns(texts)
        if words is None or patterns is None:
            return self.rules, None
        rules = set(self.always)
        for word in words:
            rules.update(self.by_word.get(word, ()))
        for pattern in patterns:
            rules.update(self.by_pattern.get(pattern, ()))
        return sorted(rules), Hits(words, patterns)


def build(whens: Sequence[When | None], details: Collection[str] = ()) -> Prefilter:
    """Build the prefilter of rules with these conditions, in their order (None: unconditional).

    `details`: patterns that are looked for in the text as well.
    """
    needs = [_needs(when) if when else None for when in whens]
    leaves = list(leaves_of(filter(None, whens)))
    return Prefilter(
        rules=range(len(whens)),
        always=frozenset(rule for rule, need in enumerate(needs) if need is None),
        by_word=_rules_by(need.words if need else () for need in needs),
        by_pattern=_rules_by(need.patterns if need else () for need in needs),
        fields=_fields(chain((leaf.field for leaf in leaves if leaf.needs), ["text"] if details else ())),
        scan_words=word_scan({word for leaf in leaves for word in leaf.words}),
        scan_patterns=pattern_scan({*details, *(pattern for leaf in leaves for pattern in leaf.patterns)}),
    )


def _needs(when: When) -> Hits | None:
    """Return the words and patterns one of which must be found; None when it can hold without any."""
    match when:
        case Condition():
            needs_any = bool(when.words or when.patterns)
            return Hits(frozenset(when.words), frozenset(when.patterns)) if needs_any else None
        case AllOf():
            needs = [need for part in when.parts if (need := _needs(part))]
            return min(needs, key=lambda need: len(need.words) + len(need.patterns), default=None)
        case AnyOf():
            parts = [_needs(part) for part in when.parts]
            known = [need for need in parts if need]
            if len(known) < len(parts):
                return None
            words = frozenset[str]().union(*(need.words for need in known))
            return Hits(words, frozenset[str]().union(*(need.patterns for need in known)))
        case NoneOf():
            return None


def _rules_by(needed: Iterable[Collection[str]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for rule, values in enumerate(needed):
        for value in values:
            found.setdefault(value, []).append(rule)
    return {value: tuple(rules) for value, rules in found.items()}


def _fields(fields: Iterable[str]) -> tuple[Field, ...]:
    """Return the fields without those that another of them holds."""
    names = set(fields)
    for whole, parts in (("text", {"subject", "body"}), ("new_text", {"subject", "new_body"})):
        names -= parts if whole in names else set()
    return tuple(field for name in sorted(names) if (field := field_of(name)))


def _texts(fields: Iterable[Field], facts: RoutingFacts) -> list[Text]:
    """Return the texts of these fields, each once: the new text mostly is the text."""
    found: dict[int, Text] = {}
    for field in fields:
        for text in field.get(facts):  # type: ignore[union-attr]  # with words or patterns it holds texts
            found[id(text)] = text  # type: ignore[assignment]
    return list(found.values())


# --- scans ------------------------------------------------------------------------------------------------


def word_scan(words: Collection[str], memory: int | None = None) -> Scan:
    """Make the scan for folded words in folded texts. `memory`: bytes that one set may take."""
    sets = [made for group in _groups(sorted(words), WORDS_PER_SET) for made in _word_sets(group, memory)]

    def scan(texts: Sequence[Text]) -> frozenset[str] | None:
        if not sets:
            return frozenset()
        # Words of other fields are included: each rule's own test looks at its own field.
        haystack = "\0".join([text.folded for text in texts]) + MARK
        found: list[str] = []
        for matcher, known in sets:
            hits = matcher.Match(haystack) or ()
            if 0 not in hits:
                return None
            found += [known[hit] for hit in hits if hit]
        return frozenset(found)

    return scan


def _word_sets(words: Sequence[str], memory: int | None) -> Iterator[tuple[Any, Sequence[str]]]:
    max_mem = memory or (16 << 20) + 100 * sum(map(len, words))
    known = (MARK, *words)
    made = search_set(known, options(literal=True, max_mem=max_mem))
    if made is not None or len(words) < 2:
        yield made or _UnknownSet(), known
        return
    for half in (words[: len(words) // 2], words[len(words) // 2 :]):
        yield from _word_sets(half, memory)


class _UnknownSet:
    """The replacement of a set that can't be made: its answer is unknown for every text."""

    def Match(self, text: str) -> None:
        return None


def pattern_scan(patterns: Collection[str]) -> Scan:
    """Make the scan for RE2 patterns that may be found in plain texts; none that is found is left out."""
    # Without a required literal: any text may match them.
    bare = _bare(sorted(patterns))
    scan_bare = _bare_scan(bare) if len(bare) > _FEW else None
    filtered = sorted(set(patterns) - set(bare)) if scan_bare else sorted(patterns)
    filters = [_filter_of(group) for group in _groups(filtered, PATTERNS_PER_SET)]

    def scan(texts: Sequence[Text]) -> frozenset[str] | None:
        haystack = "\0".join([text.one_line for text in texts]) + MARK if filters else ""
        found: list[str] = []
        for made, known in filters:
            # The literals alone: testing all these patterns costs ten times as much, and most are never asked.
            hits = made.Match(haystack, potential=True) or ()
            if 0 not in hits:
                return None
            found += [known[hit] for hit in hits if hit]
        if scan_bare is None:
            return frozenset(found)
        here = scan_bare(texts)
        return frozenset((*found, *(bare if here is None else here)))

    return scan


def _bare(patterns: Sequence[str]) -> list[str]:
    filters = [_filter_of(group) for group in _groups(patterns, PATTERNS_PER_SET)]
    return sorted(
        {known[hit] for made, known in filters for hit in made.Match("", potential=True) or () if hit}
    )


def _filter_of(patterns: Sequence[str]) -> tuple[Any, Sequence[str]]:
    known = (MARK, *patterns)
    made = re2.Filter()
    for each in known:
        made.Add(each, OPTIONS)
    made.Compile()
    return made, known


def _bare_scan(patterns: Sequence[str]) -> Scan:
    any_case = options(case_sensitive=False)
    groups = [(group, search_set(("", *group), any_case)) for group in _groups(patterns, BARE_PER_SET)]

    def scan(texts: Sequence[Text]) -> frozenset[str] | None:
        found: set[str] = set()
        for group, made in groups:
            for text in texts:  # one by one, because of ^ and $
                hits = (made.Match(text.one_line) if made else None) or ()
                if 0 not in hits:
                    found.update(group)
                    break
                found.update([group[hit - 1] for hit in hits if hit])
        return frozenset(found)

    return scan


def _groups(values: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (values[at : at + most] for at in range(0, len(values), most))
