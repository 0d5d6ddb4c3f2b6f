"""The proofs against brute force: random small rule sets, a tiny vocabulary, all small mails there are."""

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
    """The rules that match some of the mails, told by the engine."""
    found: set[int] = set()
    for mail in MAILS:
        if len(found) == len(policy.rules):
            break
        found |= {match.rule_index for match in conditions.match_rules(policy.rules, mail)}
    return found


@given(st.lists(whens(), min_size=1, max_size=5), st.lists(st.booleans(), max_size=4).map(tuple))
def test_what_is_said_to_never_match_never_does_and_the_others_are_shown_to(asked, go_on):
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
            assert index in at.matching_rules(answer.mail)
            facts = answer.mail
            assert facts.language == language.guess(f"{facts.subject}\n{facts.text}")


@given(whens(), whens())
def test_a_condition_leaves_nothing_beside_itself_and_the_proof_needs_no_other(first, second):
    at = build_context(policy_of([first, second]), Budget())
    answer = at.search.find(at.formulas[1], (0, 1))
    assert not isinstance(answer, Example)
    if isinstance(answer, Impossible):
        assert answer.needed <= {0, 1}


@given(whens())
def test_a_formula_says_of_every_mail_what_its_condition_says(when):
    policy = policy_of([when])
    at = build_context(policy, Budget())
    for mail in MAILS[::19]:
        assert at.formulas[0].holds(mail) is (conditions.match_rules(policy.rules, mail)[0].rule_index == 0)


def test_what_is_beyond_the_search_is_open_and_not_dead():
    unreadable = build("body", "matches", r"\p{Greek}{2}")  # letters that the subset does not know
    policy = policy_of([AllOf((unreadable, NoneOf((build("body", "contains", "saldo"),))))])
    at = build_context(policy, Budget())
    [found] = find(at)
    assert found.severity is Severity.UNDECIDED
    assert at.dead == set()


def test_a_pattern_that_is_beyond_the_search_is_still_shadowed_by_itself():
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


def test_a_condition_that_cannot_be_taken_apart_stays_whole_and_is_never_turned_round():
    asked = build("hour", "outside_calendar", ["office"], CONTEXT)
    of = FormulaBuilder().build(asked)  # which knows of no calendar
    assert isinstance(of, Literal)
    assert of.atom.opaque
    assert [of.holds(mail) for mail in MAILS[:50]] == [
        bool(asked.test(mail.local_time)) for mail in MAILS[:50]
    ]
    assert negation(of) == Literal(of.atom, False)
