"""Compare proofs with brute force: random small rule sets, a tiny vocabulary, all small mails."""

from hypothesis import given
from hypothesis import strategies as st

from mailbot.analysis.lint.checks import Budget, Severity
from mailbot.analysis.lint.dead_rules import find
from mailbot.analysis.lint.formulas import FormulaBuilder, Literal, negation
from mailbot.analysis.lint.rule_context import build_context
from mailbot.analysis.lint.search import Example, Impossible, Unknown
from mailbot.domain import language
from mailbot.domain.policy import Policy
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import AllOf, NoneOf, build
from tests.analysis.lint.universe import CONTEXT, MAILS, policy_of, whens


def reached(policy: Policy) -> set[int]:
    """Return the rules that the engine matches with some of the mails."""
    found: set[int] = set()
    for mail in MAILS:
        if len(found) == len(policy.rules):
            break
        found |= {match.rule_index for match in conditions.match_rules(policy.rules, mail)}
    return found


@given(st.lists(whens(), min_size=1, max_size=5), st.lists(st.booleans(), max_size=4).map(tuple))
def test_rules_reported_as_dead_never_match_and_all_others_do(asked, go_on):
    policy = policy_of(asked, go_on)
    at = build_context(policy, Budget())
    said = {each.spot.path[1]: each for each in find(at)}
    alive = reached(policy)
    for index in range(len(asked)):
        if index in at.dead:
            assert index not in alive
            assert said[index].severity is Severity.FAULT
        elif index not in said:  # then a mail was found, which the engine gives to this rule
            answer = at.search.find(at.formulas[index], at.final_rules(index))
            assert isinstance(answer, Example)
            matches = conditions.match_rules(at.rules, answer.mail, at.policy.prefilter)
            assert index in [match.rule_index for match in matches]
            facts = answer.mail
            assert facts.language == language.guess(f"{facts.subject}\n{facts.text}")


@given(whens(), whens())
def test_a_condition_without_itself_is_impossible_by_a_proof_of_one_rule(first, second):
    at = build_context(policy_of([first, second]), Budget())
    answer = at.search.find(at.formulas[1], (0, 1))
    assert not isinstance(answer, Example)
    if isinstance(answer, Impossible):
        assert answer.needed <= {0, 1}


@given(whens())
def test_a_formula_equals_its_condition_for_every_mail(when):
    policy = policy_of([when])
    at = build_context(policy, Budget())
    for mail in MAILS[::19]:
        assert at.formulas[0].holds(mail) is (conditions.match_rules(policy.rules, mail)[0].rule_index == 0)


def test_unsupported_patterns_are_undecided_and_not_dead():
    unreadable = build("body", "matches", r"\p{Greek}{2}")  # letters that the subset does not know
    policy = policy_of([AllOf((unreadable, NoneOf((build("body", "contains", "saldo"),))))])
    at = build_context(policy, Budget())
    [found] = find(at)
    assert found.severity is Severity.UNDECIDED
    assert at.dead == set()


def test_an_unsupported_pattern_is_still_shadowed_by_itself():
    unreadable = build("body", "matches", r"\p{Greek}{2}")
    at = build_context(policy_of([unreadable, unreadable]), Budget())
    assert [each.severity for each in find(at)] == [Severity.UNDECIDED, Severity.FAULT]


def test_a_search_ends_when_its_budget_does():
    asked = [
        build("text", "contains", [f"kata {number} {other}" for other in range(20)]) for number in range(5)
    ]
    at = build_context(policy_of([*asked, asked[0]]), Budget(steps=300))
    assert isinstance(at.search.find(at.formulas[5], at.final_rules(5)), Unknown)
    at = build_context(policy_of([*asked, asked[0]]), Budget(stop=lambda: True))
    assert isinstance(at.search.find(at.formulas[0]), Unknown)


def test_an_unknown_operator_stays_one_opaque_literal():
    asked = build("hour", "outside_calendar", ["office"], CONTEXT)
    of = FormulaBuilder().build(asked)  # which knows of no calendar
    assert isinstance(of, Literal)
    assert of.atom.opaque
    assert [of.holds(mail) for mail in MAILS[:50]] == [
        bool(asked.test(mail.local_time)) for mail in MAILS[:50]
    ]
    assert negation(of) == Literal(of.atom, False)
