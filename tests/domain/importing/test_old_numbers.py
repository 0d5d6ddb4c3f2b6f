"""Numbers of another desk are read in the exact form in which it wrote them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.importing.old_numbers import MOST, find, key
from mailbot.domain.matching import Clues, match_ticket

BUDI, ASING = "budi@pelanggan.example", "asing@lain.example"
A, B = "TOKO-48217390-8", "TOKO-11111111-1"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Re: [Ticket#2019001234] Paket hilang", ("[TICKET#2019001234]", "TICKET#2019001234")),
        ("Bls: ticket#2019001234 masih rusak", ("TICKET#2019001234",)),
        ("Re: [#12] Saldo", ("[#12]",)),
        ("[Ｔicket#１２３]", ("[TICKET#123]", "TICKET#123")),
        ("[shop.example  #41]", ("[SHOP.EXAMPLE #41]",)),
        ("Re: [TOKO-48217390-8]", ("TOKO-48217390-8",)),
        ("pesanan #12 dan nomor 2019001234", ()),
        ("", ()),
    ],
)
def test_an_old_number_counts_only_as_its_desk_wrote_it(text: str, named: tuple[str, ...]) -> None:
    assert find(text) == named


@given(st.sampled_from(["Ticket#{}", "[#{}]", "[toko #{}]"]), st.integers(1, 10**12), st.text(max_size=30))
def test_a_number_is_found_by_its_key_wherever_it_stands(form: str, number: int, around: str) -> None:
    written = form.format(number)
    assert key(written) in find(f"{around.replace('#', '')} {written} x")


@given(st.text("[]#Ticket 12-\n", max_size=3000))
def test_any_text_is_read_and_gives_few_numbers(text: str) -> None:
    assert len(find(text)) <= MOST


def test_an_old_number_needs_a_sender_who_takes_part() -> None:
    people = {A: {BUDI}, B: {"siti@pelanggan.example"}}
    match = match_ticket(Clues(BUDI, aliased=(B, A)), {}, people)
    assert (match.number, str(match.reason)) == (A, "number of the former desk, sender takes part")
    stranger = match_ticket(Clues(ASING, aliased=(A,)), {}, people)
    assert (stranger.number, stranger.claims, stranger.mentions) == ("", "", A)


def test_our_own_number_goes_before_an_old_one() -> None:
    both = {A: {BUDI}, B: {BUDI}}
    assert match_ticket(Clues(BUDI, written=(B,), aliased=(A,)), {}, both).number == B
    assert match_ticket(Clues(BUDI, quoted=(B,), aliased=(A,)), {}, both).number == A
