"""Test that the prefilter changes neither the result nor its reason."""

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.policy import Detail
from mailbot.domain.routing import prefilter
from mailbot.domain.routing.conditions import (
    AllOf,
    AnyOf,
    Condition,
    NoneOf,
    RoutingFacts,
    build,
    find_details,
    match_rules,
)
from mailbot.domain.routing.prefilter import pattern_scan, word_scan
from mailbot.domain.routing.text import Text, fold
from mailbot.domain.routing.text_operators import word_at
from tests.domain.routing.test_conditions import EVERYTHING_ELSE, Rule, facts

# Letters that fold into others, into two, or by RE2's tables alone; borders of words; what marks the ends.
ODD = "aAbBkK\u212as\u017fß\u1e9eıIiİσςΣéE\u0301 \ufb011２.-_\n\0\u01c5µμΩÅ漢\u200b"
odd = st.text(ODD, max_size=12)
values = st.lists(st.text(ODD, min_size=1, max_size=4).filter(fold), min_size=1, max_size=4)
FIELDS = st.sampled_from(
    [
        "subject",
        "body",
        "text",
        "new_text",
        "new_body",
        "footer",
        "attachment_name",
        "sender_name",
        "header.x-a",
    ]
)
WRITTEN = ("{}", r"\b{}", "^{}", "{}$", "{}+", "({}|{})", "[{}]x", "(?-i){}", "(?m)^{}$", "{}.*{}", r"\d+{}")
BARE = (
    "x?",
    "(?s).",
    r"\d",
    r"[a-f]{2}",
    r"\pL\pN",
    r"^\W",
    r"\s$",
    "[^a]",
    r"\pM",
    "(a|b)(c|.)",
    "^$",
    r"\x00",
)


def pattern(written: str, parts: list[str]) -> str:
    return written.format(*map(re2.escape, parts))


patterns = st.one_of(
    st.builds(pattern, st.sampled_from(WRITTEN), st.lists(st.text(ODD, min_size=1, max_size=3), min_size=2)),
    st.sampled_from(BARE),
)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    operator = draw(
        st.sampled_from(
            ["contains", "contains_all", "mentions", "matches", "is", "starts_with", "ends_with", "exists"]
        )
    )
    if operator == "exists":
        return build(draw(FIELDS), operator, draw(st.booleans()))
    if operator == "matches":
        return build(draw(FIELDS), operator, draw(st.lists(patterns.filter(fold), min_size=1, max_size=3)))
    return build(draw(FIELDS), operator, draw(values))


whens = st.recursive(
    conditions(),
    lambda inner: st.builds(
        lambda group, parts: group(tuple(parts)),
        st.sampled_from([AllOf, AnyOf, NoneOf]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
rules = st.lists(st.builds(Rule, st.just("asked"), whens, st.booleans()), max_size=12)
mails = st.builds(
    facts,
    subject=odd,
    text=odd,
    new_body=st.one_of(st.none(), odd),
    footer=odd,
    sender_name=odd,
    attachment_names=st.lists(odd, max_size=2).map(tuple),
    headers=odd.map(lambda value: {"x-a": (value,)}),
)


def both(asked: list[Rule], mail: RoutingFacts) -> None:
    made = prefilter.build([rule.when for rule in asked])
    assert match_rules(asked, mail, made) == match_rules(asked, mail)


@given(rules, st.lists(mails, min_size=1, max_size=4))
def test_narrowed_or_not_the_same_rules_match_for_the_same_reason(asked, seen):
    for mail in seen:
        both([*asked, EVERYTHING_ELSE], mail)


@given(st.lists(patterns, max_size=4, unique=True), rules, mails)
def test_narrowed_or_not_the_same_details_are_found(searched, asked, mail):
    details = {f"detail {n}": Detail(f"detail {n}", {}, each) for n, each in enumerate(searched)}
    made = prefilter.build([rule.when for rule in (*asked, EVERYTHING_ELSE)], searched)
    assert find_details(details, mail, made(mail)[1]) == find_details(details, mail)


@given(st.lists(st.sampled_from(BARE), min_size=9, unique=True), st.lists(odd.map(Text), max_size=3))
def test_patterns_without_literals_are_searched_in_one_pass(bare, texts):
    found = pattern_scan(bare)(texts)
    assert found == {each for each in bare if any(_holds(each, text) for text in texts)}


def _holds(pattern: str, text: Text) -> bool:
    return bool(build("subject", "matches", pattern).test((text,)))


def _many(operator: str, count: int) -> list[Rule]:
    made = [
        Rule(f"rule {n}", build("text", operator, [f"kata {n} di sini", f"word {n}!"])) for n in range(count)
    ]
    return [*made, EVERYTHING_ELSE]


@pytest.mark.parametrize("operator", ["contains", "mentions", "matches"])
def test_of_thousands_of_phrases_only_rules_with_hits_are_tested(operator):
    asked = _many(operator, 5_000 if operator != "matches" else 2_000)
    narrow = prefilter.build([rule.when for rule in asked])
    mail = facts(subject="Word 1711! x", text="Halo, ada KATA 17 di sini dan kata 23 di situ. " * 100)

    possible, found = narrow(mail)

    assert found is not None
    assert set(possible) == {17, 1711, len(asked) - 1}
    assert match_rules(asked, mail, narrow) == match_rules(asked, mail)
    assert match_rules(asked, facts(), narrow)[0].rule_index == len(asked) - 1


def test_a_megabyte_is_searched():
    asked = _many("contains", 2_000)
    narrow = prefilter.build([rule.when for rule in asked])
    mail = facts(text="Pesanan saya belum sampai, mohon dibantu ya. " * 23_000 + "kata 1999 di sini")

    assert list(narrow(mail)[0]) == [1999, 2000]
    assert match_rules(asked, mail, narrow)[0].because == "text contains 'kata 1999 di sini'"


def test_when_a_set_runs_out_of_memory_every_rule_is_tested():
    """Check that no hit is lost: RE2 then finds nothing in any text."""
    words = [f"kata {n} yang panjang sekali" for n in range(300)]
    texts = [Text(" ".join(words)), Text("nichts")]
    assert word_scan(words)(texts) == {*words}
    assert word_scan(words, memory=1_000)(texts) is None

    asked = [Rule(word, build("text", "contains", word)) for word in words] + [EVERYTHING_ELSE]
    narrow = prefilter.build([rule.when for rule in asked])
    starved = prefilter.Prefilter(
        **{name: getattr(narrow, name) for name in narrow.__slots__ if name != "scan_words"},
        scan_words=word_scan(words, memory=1_000),
    )
    mail = facts(text="ada kata 7 yang panjang sekali")
    assert starved(mail) == (range(301), None)
    assert match_rules(asked, mail, starved) == match_rules(asked, mail, narrow) == match_rules(asked, mail)


def test_rules_that_need_no_word_are_always_tested():
    asked = [
        Rule("big", build("size", "over", "1 MB")),
        Rule("word", build("text", "contains", "kerbau")),
        Rule("either", AnyOf((build("text", "contains", "kerbau"), build("size", "over", "9 MB")))),
        Rule("both", AllOf((build("size", "over", "1 MB"), build("text", "contains", "kerbau")))),
        Rule("not", NoneOf((build("text", "contains", "kerbau"),))),
        EVERYTHING_ELSE,
    ]
    assert list(prefilter.build([rule.when for rule in asked])(facts())[0]) == [0, 2, 4, 5]


def test_a_word_of_one_field_is_not_taken_for_another_fields():
    both([Rule("subject", build("subject", "contains", "saldo ovo")), EVERYTHING_ELSE], facts())
    both([Rule("sender", build("sender_domain", "under", "bank.co.id")), EVERYTHING_ELSE], facts())


@given(st.text("ab .1é漢", max_size=400), st.text("ab1é漢", min_size=1, max_size=3))
def test_a_whole_word_is_found_where_re2_finds_it(text, word):
    match = re2.search(rf"(?:^|[^\pL\pN])({re2.escape(word)})(?:[^\pL\pN]|$)", text)
    assert word_at(text, word) == (match.start(1) if match else -1)


@pytest.mark.parametrize("text", ["a" * 500_000, "ab" * 250_000, "xa" * 250_000 + " a"])
def test_a_text_made_of_one_word_is_searched_in_one_pass(text):
    assert word_at(text, "a") == (len(text) - 1 if text.endswith(" a") else -1)
