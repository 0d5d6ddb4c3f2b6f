"""Which rules nearly matched, and what alone kept them from it."""

import pytest

from mailbot.domain.policy import Actions, Rule
from mailbot.domain.routing.conditions import AllOf, AnyOf, NoneOf, When, build
from mailbot.domain.routing.near_miss import near_misses
from mailbot.domain.routing.trace import RuleTrace, trace_condition
from tests.domain.routing.test_trace import FACTS

YES, ALSO = build("subject", "contains", "a"), build("body", "contains", "saya")
NO, NEITHER = build("subject", "contains", "z"), build("body", "contains", "q")


@pytest.mark.parametrize(
    ("when", "missing"),
    [
        (AllOf((YES, NO)), str(NO)),
        (AllOf((YES, ALSO, NoneOf((YES,)))), "none of these"),
        (AnyOf((NO, AllOf((ALSO, NEITHER)))), str(NEITHER)),
        (AllOf((YES, AnyOf((NO, NEITHER)))), "any of these"),
        (AllOf((YES, NO, NEITHER)), None),  # two are missing
        (AllOf((NO, NoneOf((NEITHER,)))), None),  # that an exclusion does not hold is no sign of it
        (NO, None),
        (AnyOf((NO, NEITHER)), None),
    ],
)
def test_a_rule_nearly_matched_when_one_condition_failed_and_another_fitted(
    when: When, missing: str | None
) -> None:
    trace = trace_condition(when, FACTS)
    rule = RuleTrace(Rule("x", when, Actions()), trace.holds, won=False, conditions=trace)
    assert [part.text for _, part in near_misses([rule])] == ([missing] if missing else [])


def test_a_rule_that_matched_did_not_miss() -> None:
    trace = trace_condition(AllOf((YES, ALSO)), FACTS)
    rule = RuleTrace(Rule("x", AllOf((YES, ALSO)), Actions()), trace.holds, won=True, conditions=trace)
    assert near_misses([rule]) == []
