"""Ticket numbers are written strictly, read leniently, and never found in other text."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import damm as oracle

from mailbot.domain import ticket_number
from mailbot.domain.ticket_number import FoundNumbers, bracketed, damm, find, make, normalise

NUMBER = "TOKO-48217390-8"
OTHER = make("DUIT", "123456789012")
OURS = ("TOKO", "DUIT")

prefixes = st.text(string.ascii_uppercase, min_size=2, max_size=10)
digits = st.text(string.digits, min_size=8, max_size=12)
numbers = st.builds(make, prefixes, digits)

HYPHENS = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d_\u00ad"
FULL_WIDTH = str.maketrans({chr(n): chr(n + 0xFEE0) for n in range(0x21, 0x7F)})


@st.composite
def spellings(draw: st.DrawFn, number: str) -> str:
    """Generate a spelling in which a person may copy a number from a mail."""
    prefix, body, check = number.split("-")
    gap = st.sampled_from(["", " ", "  ", *HYPHENS, " - ", "\u00a0", "\r\n ", "\u200b"])
    text = prefix + draw(gap) + body + draw(gap) + check
    text = draw(st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))(text)
    text = text.translate(FULL_WIDTH) if draw(st.booleans()) else text
    left, right = draw(st.sampled_from(["[]", "()", "##", "  ", "\u3010\u3011", "\u00ab\u00bb"]))
    return f"{left}{text}{right}"


# --- the check digit --------------------------------------------------------------------------------------


@given(st.text(string.digits, min_size=1, max_size=30))
def test_the_check_digit_is_the_one_of_python_stdnum(text):
    assert damm(text) == oracle.calc_check_digit(text)


@given(digits, st.data())
def test_a_wrong_digit_and_two_swapped_ones_are_always_detected(text, data):
    whole = text + damm(text)
    place = data.draw(st.integers(0, len(whole) - 1))
    wrong = data.draw(st.sampled_from([each for each in string.digits if each != whole[place]]))
    assert normalise("TOKO" + whole[:place] + wrong + whole[place + 1 :]) is None
    swapped = whole[: place - 1] + whole[place] + whole[place - 1] + whole[place + 1 :] if place else whole
    assert swapped == whole or normalise("TOKO" + swapped) is None


# --- building a number ------------------------------------------------------------------------------------


def test_a_number_is_made_of_prefix_digits_and_check_digit():
    assert make("TOKO", "48217390") == NUMBER
    assert bracketed(NUMBER) == "[TOKO-48217390-8]"


@pytest.mark.parametrize("prefix", ["T", "ABCDEFGHIJK", "toko", "TÖKO", "T0KO", ""])
def test_a_prefix_is_two_to_ten_capital_letters(prefix):
    with pytest.raises(ValueError, match="no ticket number"):
        make(prefix, "48217390")


@pytest.mark.parametrize("text", ["4821739", "1234567890123", "4821739x", "", "４８２１７３９０", "4821-739"])
def test_the_digits_are_eight_to_twelve_ascii_ones(text):
    with pytest.raises(ValueError, match="no ticket number"):
        make("TOKO", text)


# --- reading a whole text ---------------------------------------------------------------------------------


@given(numbers.flatmap(lambda number: st.tuples(st.just(number), spellings(number))))
def test_every_spelling_of_a_number_is_read_as_that_number(case):
    number, text = case
    assert normalise(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "toko 48217390 8",
        "TOKO482173908",
        "[TOKO-48217390-8]",
        "#toko-4821-7390-8",
        "ＴＯＫＯ－４８２１７３９０－８",
    ],
)
def test_spacing_and_case_of_a_typed_number_do_not_matter(text):
    assert normalise(text) == NUMBER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "TOKO",
        "48217390-8",
        "TOKO-48217390",
        "TOKO-48217390-7",
        "T-48217390-8",
        "TOKO-48217390-8 halo",
        "8" * 101,
    ],
)
def test_a_text_that_is_not_only_a_number_is_not_normalised(text):
    assert normalise(text) is None


# --- finding in a subject ---------------------------------------------------------------------------------


@given(
    st.sampled_from([NUMBER, OTHER]).flatmap(lambda number: st.tuples(st.just(number), spellings(number))),
    st.sampled_from(["", "Re: ", "RE: Fwd: ", "Bls: ", "Balasan: ", "Saldo saya ", "Nomor tiket:"]),
    st.sampled_from(["", " saldo terpotong", ", masih belum", " (urgent)", "."]),
)
def test_a_number_is_found_in_a_subject_in_every_spelling(case, before, after):
    number, text = case
    assert find(before + text + after, OURS) == FoundNumbers((number,))


@pytest.mark.parametrize("at", range(6, 13))
def test_a_number_that_was_folded_between_two_digits_is_found(at):
    assert find(f"Re: [{NUMBER[:at]} {NUMBER[at:]}] halo", OURS).valid == (NUMBER,)


@given(st.lists(numbers, max_size=8, unique=True), st.sampled_from([" ", ", ", "][", "; "]))
def test_several_numbers_are_found_in_order_each_once(several, between):
    text = between.join(several + several)
    assert find(text, {number.split("-")[0] for number in several}).valid == tuple(several)


@pytest.mark.parametrize(
    "subject",
    [
        "Telepon saya 0812-3456-7890",
        "INV/20250101/123456789",
        "INV/20250101/MPL/1234567890",
        "JP1234567890 resi",
        "48217390-8",
        "+62 812 3456 7890 TOKO",
        "TOKO",
        "TOKO 2026",
        "XTOKO-48217390-8",
        "TOKOX-48217390-8",
        "TOKO-48217390-81",
        "TOKO-148217390-8-" + "1" * 100,
        "HTTPS://toko.example/48217390-8",
    ],
)
def test_phone_invoice_and_order_numbers_are_no_ticket_numbers(subject):
    assert find(subject, OURS).valid == ()


def test_only_configured_prefixes_count():
    assert find(NUMBER, ["DUIT"]) == FoundNumbers()
    assert find(NUMBER, []) == FoundNumbers()
    assert find(NUMBER, ["toko"]) == FoundNumbers((NUMBER,))


@given(st.text(string.digits + "-/. +", max_size=40))
def test_digits_alone_are_never_a_number(text):
    assert find(text, OURS) == FoundNumbers()


@pytest.mark.parametrize(
    ("subject", "mistyped"),
    [
        ("TOKO-48217390-7", "TOKO-48217390-7"),
        ("toko 48271390 8", "TOKO-48271390-8"),
        ("[TOKO-48217390]", "TOKO-48217390"),
        ("TOKO-4821739-8", "TOKO-4821739-8"),
        ("TOKO482173907", "TOKO-48217390-7"),
    ],
)
def test_a_mistyped_number_is_recognised(subject, mistyped):
    assert find(subject, OURS) == FoundNumbers((), (mistyped,))


@pytest.mark.parametrize("body", ["4821739", "4821739012345"])
def test_a_number_with_too_few_or_too_many_digits_is_mistyped(body):
    number = f"TOKO-{body}-{damm(body)}"
    assert find(number, OURS) == FoundNumbers((), (number,))
    assert normalise(number) is None


def test_a_count_after_an_unhyphenated_number_does_not_hide_it():
    assert find("TOKO482173908 2 hari belum masuk", OURS).valid == (NUMBER,)


def test_ten_of_each_sort_are_enough():
    good = [make("TOKO", f"{n:08d}") for n in range(30)]
    bad = [f"TOKO-{n:08d}-{(int(damm(f'{n:08d}')) + 1) % 10}" for n in range(30)]
    found = find(" ".join(each for pair in zip(good, bad, strict=True) for each in pair), OURS)
    assert (list(found.valid), list(found.mistyped)) == (good[:10], bad[:10])


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "[TOKO-",
        "1",
        "TOKO",
        "TOKO-4821739",
        "TOKO-48217390-7 ",
        f"{NUMBER} ",
        "-—_",
        "ＴＯＫＯ－４",
        "\u0316\u0300",
    ],
)
def test_a_hostile_subject_is_read_to_its_end(unit):
    """Read 100 KB of each: backtracking or sorting by insertion would reach the time limit of the suite."""
    subject = (unit * 100_000)[:100_000]
    assert find(f"{subject} {OTHER}", OURS).mistyped is not None
    assert normalise(subject) is None


@given(st.text())
def test_any_text_can_be_searched(text):
    assert find(text, OURS).valid == ()
    assert normalise(text) is None


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("TOKO-48217391-8", True),  # a wrong digit
        ("TOKO-48217390-7", True),  # a wrong check digit
        ("TOKO-48217390", True),  # none at all
        ("TOKO-4821739-8", True),  # a digit too few
        ("TOKO-482173990-8", True),  # a digit too many
        ("TOKO-48271390-8", True),  # two swapped
        ("TOKO-48217398-0", True),  # two swapped across the hyphen
        ("TOKO-48217390-8", False),  # the number itself is no slip
        ("TOKO-48217301-8", False),
        ("TOKO-84271390-8", False),
        ("BANK-48217391-8", False),
    ],
)
def test_one_slip_between_two_numbers_is_recognised(typed: str, near: bool) -> None:
    assert ticket_number.is_one_slip_apart(typed, "TOKO-48217390-8") is near


@given(st.text("0123456789", min_size=9, max_size=9), st.integers(0, 7), st.integers(1, 9))
def test_every_single_wrong_digit_and_every_swap_is_one_slip(digits: str, at: int, by: int) -> None:
    number = f"TOKO-{digits[:8]}-{digits[8]}"
    wrong = digits[:at] + str((int(digits[at]) + by) % 10) + digits[at + 1 :]
    swapped = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]

    assert ticket_number.is_one_slip_apart(f"TOKO-{wrong[:8]}-{wrong[8]}", number)
    assert ticket_number.is_one_slip_apart(f"TOKO-{swapped[:8]}-{swapped[8]}", number) == (swapped != digits)
    assert ticket_number.is_one_slip_apart(f"TOKO-{digits[:at]}{digits[at + 1 :]}", number)
