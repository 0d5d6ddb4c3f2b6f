"""Test how learned weights judge a mail, and the file that holds them."""

from math import isfinite
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.reasons import render
from mailbot.domain.routing import learned
from mailbot.domain.routing.conditions import Condition, RuleMatch, build, match_rules
from mailbot.domain.routing.field_types import Context
from mailbot.domain.routing.learned import Learned, Model, Reached, decode, encode, pieces_of, units_of
from mailbot.domain.routing.rule_reason import in_words
from mailbot.domain.routing.trace import _SingleRule
from tests.domain.routing.test_rule_reason import facts

FRAUD = Learned(
    -2.0,
    {"bukan saya": 20.0, "dikur": 6.0, "ikura": 6.0, "kuras": 6.0, "promo": -60.0},
    (Reached(0.8, 0.0, 0.9), Reached(0.9, 1.0, 0.7), Reached(0.97, 2.5, 0.2)),
)
MODEL = Model({"fraud": FRAUD}, {"fraud": 60, "press": 3}, 400)


def condition(
    at_least: str = "0.9 precision", category: str = "fraud", model: Model | None = MODEL
) -> Condition:
    return build("learned", "is", [category, at_least], Context(learned=model))


def matched(text: str, when: Condition | None = None) -> RuleMatch:
    return match_rules([_SingleRule(when or condition()), _SingleRule()], facts(subject="Halo", text=text))[0]


# --- judging ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Saldo dikuras, bukan saya!", True),
        ("saldo DIKURASS,\nbukan\nsaya", True),  # misspelt, in capitals, over lines
        ("bukan untuk saya", False),
        ("Saldo dikuras, bukan saya, tapi promo", False),
        ("", False),
    ],
)
def test_a_mail_is_judged_by_pieces_of_its_words_and_by_pairs(text: str, holds: bool) -> None:
    assert (matched(text).rule_index == 0) is holds


def test_the_surer_a_rule_wants_to_be_the_less_it_takes() -> None:
    texts = (
        "dikuras, bukan saya",
        "saldo dompet saya dikuras, bukan saya yang kirim",
        "saldo dikuras, tolong dicek ya",
    )
    taken = [
        sum(matched(text, condition(f"{each} precision")).rule_index == 0 for text in texts)
        for each in ("0.8", "0.9", "97%")
    ]
    assert taken == [3, 2, 1]


def test_the_reason_names_whole_words_of_the_mail_that_weighed_most() -> None:
    found = matched("Tolong kak, saldo saya dikurass! Bukan saya.")
    assert found.because == "learned: fraud, from 'dikurass bukan saya'"
    words = in_words(found.parts, facts())
    assert render(words, "en") == 'it reads like earlier tickets: "dikurass bukan saya"'
    assert render(words, "id") == 'mirip tiket lain: "dikurass bukan saya"'


def test_words_that_weigh_against_it_are_not_named() -> None:
    assert FRAUD.spans("promo", "promo dikuras promo") == ("dikuras",)
    assert FRAUD.spans("", "promo") == ()


def test_a_word_counts_once_however_often_it_is_written() -> None:
    assert FRAUD.score("", "dikuras " * 50) == FRAUD.score("", "dikuras dikuras")


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_has_a_score_and_its_own_words_as_spans(subject: str, text: str) -> None:
    assert isfinite(FRAUD.score(subject, text))
    assert all(len(unit) <= 61 and pieces_of(unit) for unit in units_of(subject, text))
    assert len(FRAUD.spans(subject, f"{text} bukan saya")) <= 3


def test_a_huge_mail_is_read_to_its_first_thousands_of_letters() -> None:
    assert len(units_of("", "abc def " * 1_000_000)) < 10


def test_numbers_are_all_alike() -> None:
    assert units_of("", "Rp 250000 dan 17") == units_of("", "rp 9 dan 88")


# --- the condition ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "precision"),
    [("0.95 precision", 0.95), ("95% precision", 0.95), ("0,9 precision", 0.9), ("99.5% precision", 0.995)],
)
def test_a_precision_is_a_share_or_a_percentage(written: str, precision: float) -> None:
    assert learned.read_precision(written) == precision


@pytest.mark.parametrize("written", ["0.95", "1.0 precision", "0.3 precision", "high", "950% precision", ""])
def test_what_is_no_precision_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"write it like 0\.95 precision"):
        learned.read_precision(written)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"at_least": "0.98 precision"}, "`fraud` was learned to a precision of 0.97 at most"),
        ({"category": "press"}, "`press` is not learned: 3 of 400 tickets are of it"),
        ({"category": "frod"}, "`frod` is not learned: 0 of 400 tickets are of it"),
        ({"model": Model()}, "nothing is learned yet"),
    ],
)
def test_what_was_not_learned_can_not_be_asked(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        condition(**asked)


def test_where_the_file_is_not_known_nothing_holds() -> None:
    assert matched("dikuras bukan saya", condition(model=None)).rule_index == 1


def test_the_text_of_a_condition_is_as_it_was_written() -> None:
    assert str(condition()) == "learned: fraud at 0.9 precision"


# --- the file ---------------------------------------------------------------------------------------------


def test_a_model_comes_back_from_its_file() -> None:
    assert decode(encode(MODEL)) == MODEL


@given(st.integers(0, len(encode(MODEL)) - 3))
def test_a_file_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(encode(MODEL)[:length])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format": 1', '"format": 2'),
        ('"start": -2.0', '"start": NaN'),
        ("6.0", '"6"'),
        ('"categories"', '"kinds"'),
        ('"caught"', '"found"'),
    ],
)
def test_a_file_with_another_content_is_refused(old: str, new: str) -> None:
    assert old in encode(MODEL)
    with pytest.raises(ValueError, match=r".+"):
        decode(encode(MODEL).replace(old, new))
