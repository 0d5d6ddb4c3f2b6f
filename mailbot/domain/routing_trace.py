"""Why a rule took a mail or left it: its conditions as a tree, with those marked that decided.

Of `all` that holds every part decides, of one that doesn't the first that says no; of `any` the other way
round; of `none` that holds every part (each said no), else the first that said yes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mailbot.domain.policy import Policy, Rule
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import AllOf, AnyOf, Condition, NoneOf, RoutingFacts, When

LONGEST = 90  # characters of a condition's words in one line of text


@dataclass(frozen=True, slots=True)
class Reason:
    """One condition ("condition"), or a group of them ("all", "any", "none").

    `words` reads it aloud, `saw` is the value that it looked at, `hit` what of the admin's values was found.
    `decides`: without it the whole would have come out otherwise.
    """

    kind: str
    words: str
    holds: bool
    decides: bool = False
    saw: str = ""
    hit: str = ""
    parts: tuple["Reason", ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule that was asked. `won`: it had the last word; who matched and did not win let the others go on.
    `tree` is None for a rule without conditions, which takes everything."""

    rule: Rule
    matched: bool
    won: bool
    tree: Reason | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A single condition as a rule, so that it is asked just as it is in its own rule."""

    when: When | None = None
    name: str = ""
    go_on: bool = False


def tried(policy: Policy, facts: RoutingFacts) -> list[Tried]:
    """The rules in order, up to and with the one that won."""
    hits = [match.rule_index for match in conditions.matches(policy.rules, facts, policy.prefilter)]
    return [
        Tried(rule, index in hits, index == hits[-1], reason(rule.when, facts) if rule.when else None)
        for index, rule in enumerate(policy.rules[: hits[-1] + 1])
    ]


def reason(when: When, facts: RoutingFacts) -> Reason:
    """The conditions as they came out for this mail, what decided marked from the top down."""
    return _marked(_read(when, facts))


def deciding(found: Reason) -> list[Reason]:
    """The single conditions that decided, in order."""
    return [each for each in _leaves(found) if each.decides]


def sentence(found: Reason) -> str:
    """What decided, with the values looked at, in one line: "subject contains 'x' (it was 'y')"."""
    decided = deciding(found)
    said = [
        each.hit if each.holds else f"{_cut(each.words, LONGEST)} (it was {_quoted(each.saw)})"
        for each in decided[:3]
    ]
    more = f", and {len(decided) - 3} more" if len(decided) > 3 else ""
    return "; ".join(said) + more


def _read(when: When, facts: RoutingFacts) -> Reason:
    if isinstance(when, Condition):
        [(words, holds, saw)] = conditions.explain(when, facts)
        hit = conditions.matches([_Asked(when), _Asked()], facts)[0].because if holds else ""
        return Reason("condition", words, holds, saw=saw, hit=hit)
    parts = tuple(_read(part, facts) for part in when.parts)
    values = [part.holds for part in parts]
    match when:
        case AllOf():
            return Reason("all", "all of these", all(values), parts=parts)
        case AnyOf():
            return Reason("any", "any of these", any(values), parts=parts)
        case NoneOf():
            return Reason("none", "none of these", not any(values), parts=parts)


def _marked(found: Reason) -> Reason:
    if not found.parts:
        return replace(found, decides=True)
    said_yes = {"all": found.holds, "any": found.holds, "none": not found.holds}[found.kind]
    every = said_yes if found.kind == "all" else not said_yes
    first = next((n for n, part in enumerate(found.parts) if part.holds is said_yes), 0)
    parts = tuple(_marked(part) if every or n == first else part for n, part in enumerate(found.parts))
    return replace(found, decides=True, parts=parts)


def _leaves(found: Reason) -> Iterator[Reason]:
    if not found.parts:
        yield found
    for part in found.parts:
        yield from _leaves(part)


def _quoted(text: str) -> str:
    return f"'{_cut(text, 60)}'" if text else "empty"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
