"""Test which conditions of a rule were decisive, and on what value."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.model import NO_HISTORY
from mailbot.domain.policy import Actions, Rule
from mailbot.domain.routing import conditions
from mailbot.domain.routing import trace as routing_trace
from mailbot.domain.routing.conditions import AllOf, AnyOf, NoneOf, When, build
from mailbot.domain.routing.routing_facts import routing_facts
from mailbot.domain.routing.trace import ConditionTrace
from tests.builders import BOX, NOW, mail, policy

FACTS = routing_facts(
    mail(subject="a b", visible="saya tunggu"), "budi@x.example", BOX.address, policy(), NOW, NO_HISTORY
)
YES, NO = build("subject", "contains", "a"), build("subject", "contains", "z")
ALSO, NEITHER = build("body", "contains", "saya"), build("body", "contains", ["q", "w"])


def words(found: ConditionTrace) -> list[str]:
    return [each.text for each in routing_trace.decisive(found)]


@pytest.mark.parametrize(
    ("when", "holds", "decided"),
    [
        (YES, True, [YES]),
        (NO, False, [NO]),
        (AllOf((YES, ALSO)), True, [YES, ALSO]),
        (AllOf((YES, NO, NEITHER)), False, [NO]),  # the first one that does not hold is enough
        (AnyOf((NO, YES, ALSO)), True, [YES]),
        (AnyOf((NO, NEITHER)), False, [NO, NEITHER]),
        (NoneOf((NO, NEITHER)), True, [NO, NEITHER]),
        (NoneOf((NO, YES)), False, [YES]),
        (AllOf((YES, AnyOf((NO, NEITHER)))), False, [NO, NEITHER]),
        (AnyOf((AllOf((YES, NO)), NoneOf((NO,)))), True, [NO]),
    ],
)
def test_decisive_conditions_are_marked(when: When, holds: bool, decided: list[When]) -> None:
    found = routing_trace.trace_condition(when, FACTS)
    assert (found.holds, words(found)) == (holds, [str(each) for each in decided])


def test_a_condition_has_its_value_and_the_matched_text() -> None:
    found = routing_trace.trace_condition(build("text", "contains", ["z", "tunggu"]), FACTS)
    assert (found.value, found.matched_text) == ("a b / saya tunggu", "text contains 'tunggu'")
    assert routing_trace.explain(found) == "text contains 'tunggu'"
    assert (
        routing_trace.explain(routing_trace.trace_condition(NO, FACTS))
        == "subject contains 'z' (it was 'a b')"
    )
    empty = routing_trace.trace_condition(build("attachment_name", "contains", "z"), FACTS)
    assert routing_trace.explain(empty) == "attachment_name contains 'z' (it was empty)"


def whens() -> st.SearchStrategy[When]:
    def group(parts: st.SearchStrategy[When]) -> st.SearchStrategy[When]:
        several: Any = st.lists(parts, min_size=1, max_size=3).map(tuple)
        return st.sampled_from((AllOf, AnyOf, NoneOf)).flatmap(lambda kind: several.map(kind))

    return st.recursive(st.sampled_from((YES, NO, ALSO, NEITHER)), group, max_leaves=12)


@given(whens())
def test_the_tree_agrees_with_the_routing_and_other_results_of_undecisive_parts_change_nothing(
    when: When,
) -> None:
    found = routing_trace.trace_condition(when, FACTS)
    rules = [Rule("asked", when, Actions()), Rule("rest", None, Actions())]
    assert found.holds is (conditions.match_rules(rules, FACTS)[0].rule_index == 0)
    assert routing_trace.decisive(found)
    for position, leaf in enumerate(_leaves(found)):
        if not leaf.decides:
            assert _turned(found, position) is found.holds


def _leaves(found: ConditionTrace) -> Iterator[ConditionTrace]:
    if not found.parts:
        yield found
    for part in found.parts:
        yield from _leaves(part)


def _turned(found: ConditionTrace, position: int) -> bool:
    """Compute the result with the leaf at `position` inverted."""
    leaves = iter(range(1000))

    def again(each: ConditionTrace) -> bool:
        if not each.parts:
            return each.holds is not (next(leaves) == position)
        values = [again(part) for part in each.parts]
        return {"all": all(values), "any": any(values), "none": not any(values)}[each.kind]

    return again(found)


def test_every_rule_is_traced_up_to_the_one_that_wins() -> None:
    rules = (
        Rule("no", NO, Actions(team="payments")),
        Rule("goes on", YES, Actions(tags=("x",)), go_on=True),
        Rule("wins", ALSO, Actions(team="frontline")),
        Rule("never asked", YES, Actions(team="frontline")),
        Rule("rest", None, Actions(team="frontline")),
    )
    tried = routing_trace.trace_rules(replace(policy(), rules=rules), FACTS)
    assert [(each.rule.name, each.matched, each.won) for each in tried] == [
        ("no", False, False),
        ("goes on", True, False),
        ("wins", True, True),
    ]
    last = routing_trace.trace_rules(replace(policy(), rules=rules[:1] + rules[-1:]), FACTS)[-1]
    assert (last.won, last.conditions) == (True, None)
