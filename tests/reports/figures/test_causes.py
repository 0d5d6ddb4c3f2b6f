"""What is rising, held against G2 by hand, and the phrases of subjects."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.reports.figures.causes import LEAST, THRESHOLD, Cause, Counts, causes, g2
from mailbot.reports.figures.facts import Opened
from mailbot.reports.figures.subject_words import phrases
from tests.reports.figures.lives import at


def ticket(category: str = "payment", subject: str = "", *details: tuple[str, str]) -> Opened:
    return Opened(at(0), "t", f"rule of {category}", category, subject, details)


def counted(**categories: int) -> Counts:
    counts = Counts()
    for category, count in categories.items():
        for number in range(count):
            counts.add(str(number), ticket(category))
    return counts


def found(now: Counts, before: Counts, length: float = 7, length_before: float = 28) -> dict[str, Cause]:
    every = causes(now, before, length, length_before)
    return {each.name: each for each in every if each.kind != "rule"}


def test_g2_is_that_of_the_table_computed_by_hand() -> None:
    """Compare 20 of 100 with 10 of 200; the expected counts are 10, 20, 90 and 180."""
    by_hand = 2 * (
        20 * math.log(20 / 10) + 10 * math.log(10 / 20) + 80 * math.log(80 / 90) + 190 * math.log(190 / 180)
    )

    assert by_hand == pytest.approx(15.563, abs=0.001)
    assert g2(20, 100, 10, 200) == pytest.approx(by_hand)
    assert g2(10, 200, 20, 100) == pytest.approx(-by_hand)
    assert g2(10, 100, 20, 200) == pytest.approx(0, abs=1e-9)
    assert (g2(0, 100, 0, 200), g2(5, 5, 0, 0), g2(100, 100, 200, 200)) == (0, 0, 0)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_g2_has_the_sign_of_the_change_and_both_ways_the_same_size(a: int, b: int, c: int, d: int) -> None:
    value = g2(a, a + b, c, c + d)

    assert value == pytest.approx(-g2(c, c + d, a, a + b), abs=1e-6)
    if a + b and c + d and abs(value) > 1e-6:
        assert (value > 0) == (a * (c + d) > c * (a + b))


def test_what_rises_beyond_chance_is_marked_and_comes_first() -> None:
    shown = causes(counted(payment=40, delivery=60), counted(payment=40, delivery=360), 7, 28)

    assert (shown[0].name, shown[0].rising) == ("payment", True)
    assert shown[0].g2 >= THRESHOLD
    assert (shown[0].share, shown[0].share_before) == (0.4, 0.1)
    assert not shown[1].rising
    assert shown[1].g2 < 0


@pytest.mark.parametrize(
    ("now", "before", "why"),
    [
        (counted(payment=4, other=0), counted(other=400), "too few"),
        (counted(payment=12, other=88), counted(payment=40, other=360), "chance"),
        (counted(payment=20, other=20), counted(payment=80, other=920), "as many a day, less of the rest"),
        (counted(payment=50), Counts(), "nothing to compare with"),
    ],
)
def test_what_may_be_chance_or_is_no_more_than_before_is_not_marked(
    now: Counts, before: Counts, why: str
) -> None:
    assert not found(now, before)["payment"].rising, why


def test_details_and_phrases_count_once_a_ticket_and_are_shown_from_five_tickets_on() -> None:
    now = Counts()
    for number in range(LEAST):
        now.add(str(number), ticket("a", "Top-up gagal, top-up GAGAL!", ("bank", "BCA"), ("bank", "BCA")))
    now.add("x", ticket("a", "Kartu rusak", ("bank", "Mandiri")))
    shown = found(now, Counts())

    assert shown["bank: BCA"].count == LEAST
    assert shown["top-up gagal"].count == LEAST
    assert "gagal" not in shown  # it is part of the pair
    assert "bank: Mandiri" not in shown
    assert "kartu rusak" not in shown


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Re: Saldo saya belum masuk #123", {"saldo", "belum", "masuk", "saldo belum", "belum masuk"}),
        ("Mohon bantuan", {"bantuan"} - {"bantuan"}),
        ("Refund for order A-12345 please", {"refund", "order", "refund order"}),
        ("", set()),
        ("!!! 💥 ???", set()),
    ],
)
def test_phrases_are_what_a_subject_is_about(subject: str, expected: set[str]) -> None:
    assert phrases(subject) == expected


@given(st.text())
def test_phrases_of_any_text_are_short_printable_and_without_digits(subject: str) -> None:
    for phrase in phrases(subject):
        assert 3 <= len(phrase) <= 61
        assert phrase.isprintable()
        assert not any(map(str.isdigit, phrase))
