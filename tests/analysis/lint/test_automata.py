"""The automaton of a literal gives the engine's answer for every text."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mailbot.analysis.lint.budget import Budget, Undecided
from mailbot.analysis.lint.formulas import FormulaBuilder, Literal
from mailbot.analysis.lint.ranges import Empty
from mailbot.analysis.lint.text.automata import automaton_of
from mailbot.analysis.lint.text.regex import UnsupportedPattern, compile_pattern
from mailbot.analysis.lint.text.solver import TextForm, failing, solve
from mailbot.domain.routing.conditions import build
from mailbot.domain.routing.text import fold
from mailbot.domain.routing.text_operators import compiled_pattern

LETTERS = st.text(alphabet="ab1 .-_\né", max_size=9)
SINGLE = st.sampled_from(
    (
        *("a", "b", "1", r"\.", "-", "é", " ", ".", "A", r"\Qa.b\E", r"\x61", r"\x{e9}"),
        *(r"\d", r"\w", r"\s", r"\W", r"\S", r"\D", r"\pL", r"\PL", r"\p{N}"),
        *("[ab]", "[^a]", "[a-c1]", "[[:alpha:]]", r"[^\d\s]", "[.-]", "[]a]"),
    )
)
ASSERTED = st.sampled_from(["^", "$", r"\b", r"\B", r"\A", r"\z", "(?m)^", "(?m:$)", "(?s:.)"])
COUNTS = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}", "*?", "+?"])


def _patterns() -> st.SearchStrategy[str]:
    def wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.lists(inner, min_size=1, max_size=3).map("".join),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
            st.builds(lambda part, count: f"({part}){count}", inner, COUNTS),
            inner.map(lambda part: f"(?P<order_number>{part})"),
        )

    return st.recursive(st.one_of(SINGLE, SINGLE, ASSERTED), wider, max_leaves=6)


def literal(field: str, operator: str, value: str) -> Literal:
    found = FormulaBuilder().build(build(field, operator, value))
    assert isinstance(found, Literal)
    return found


def followed(one: Literal, text: str) -> bool:
    by = automaton_of(one)
    state = by.start
    for letter in text if by.reads_plain else fold(text):
        state = by.step(state, letter)
    return by.final(state)


@given(_patterns(), st.lists(LETTERS, min_size=1, max_size=4))
@example("a|", ["", "b"])
@example(r"(?:^|[^a])b$", ["b", "ab", "1b"])
@example(r"\bab\b", ["ab", "éab", "1ab", "ab.", "a\nab"])
@example("x{,2}", ["x{,2}", "xx"])
@example(r"\B", ["1é1", "1", "é"])
@example(r"1\B", ["1é1", "11"])
def test_the_automaton_of_a_pattern_agrees_with_re2(pattern: str, texts: list[str]) -> None:
    try:
        compiled = compiled_pattern(pattern)
        one = literal("body", "matches", pattern)
    except ValueError:
        assume(False)
    for text in texts:
        assert followed(one, text) is bool(compiled.search(text)), text


@given(
    st.sampled_from(["contains", "mentions", "is", "starts_with", "ends_with"]),
    st.text(alphabet="ab1 -é", min_size=1, max_size=4),
    st.lists(LETTERS, min_size=1, max_size=4),
)
def test_the_automaton_of_a_phrase_agrees_with_the_engine(
    operator: str, phrase: str, texts: list[str]
) -> None:
    assume(fold(phrase))
    one = literal("body", operator, phrase)
    for text in texts:
        assert followed(one, text) == (failing([one], text) == []), text


@given(
    st.sampled_from(["contains", "is", "starts_with", "ends_with", "under"]),
    st.sampled_from(["b.id", "id", "a.b.id", "bb.id", "b"]),
    st.sampled_from(["a@b.id", "a@a.b.id", "b.id@id", "b@bb.id", "", "a@b", "b.id"]),
)
def test_a_domain_is_the_text_behind_the_last_at(operator: str, domain: str, sender: str) -> None:
    one = literal("sender_domain", operator, domain)
    assert followed(one, sender) == (failing([one], sender) == [])


@pytest.mark.parametrize(
    "pattern",
    [r"\p{Greek}", "(?-i)A", r"a{900}", r"\C", "[[:foo:]]", "(?i-i:a)", r"[\D1]", "((((a{99}){99})))"],
)
def test_patterns_beyond_the_subset_are_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedPattern):
        compile_pattern(pattern)


def test_a_letter_that_folding_changes_is_undecided() -> None:
    with pytest.raises(Undecided):
        automaton_of(literal("body", "matches", "straße"))


VOCABULARY = ("ab", "b a", "a", "bab", "aa", "b")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["contains", "mentions", "starts_with", "ends_with", "matches"]),
            st.sampled_from(VOCABULARY),
            st.booleans(),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_text_is_found_wherever_there_is_a_short_one(asked: list[tuple[str, str, bool]]) -> None:
    literals = [Literal(literal("body", operator, item).atom, sign) for operator, item, sign in asked]
    short = [text for text in SHORT if not failing(literals, text)]
    try:
        found = _solved(literals)
    except Empty:
        assert not short
    else:
        assert not failing(literals, found)


def _solved(literals: list[Literal]) -> str:
    budget = Budget()
    budget.start_question()
    return solve(literals, TextForm(), budget)


def _short() -> list[str]:
    texts = [""]
    for _ in range(5):
        texts += [text + letter for text in texts for letter in "ab "]
    return sorted({fold(text) for text in texts})


SHORT = _short()
