"""What counts as a rating, and what its comment asks for."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.closing.rating import read_rating

NAMES = "Eko TokoDompet Siti"
AGAIN = "2\n\nmasih rusak"


@pytest.mark.parametrize(
    ("text", "score"),
    [
        *((text, 5) for text in ("5", " 5. ", "(5)", "[5]", "*5*", '"5"', "５", "5️⃣", "5!", "5 ya kak")),
        *((text, 5) for text in ("5/5", "5 dari 5", "5 out of 5", "bintang 5", "5 bintang", "bintang lima")),
        *(
            (text, 5)
            for text in (
                "lima",
                "Five.",
                "five stars",
                "⭐⭐⭐⭐⭐",
                "Nilai: 5",
                "saya beri 5",
                "5\n\nSalam,\nSiti",
            )
        ),
        *(
            (text, 4)
            for text in ("4/5", "★★★★☆", "I give it a 4", "rating saya 4", "Terima kasih, Eko.\n\n4")
        ),
        ("3", 3),
        (AGAIN, 2),
    ],
)
def test_figures_words_and_stars_are_ratings(text: str, score: int) -> None:
    found = read_rating(text, NAMES)

    assert found
    assert (found.score, found.asks) == (score, text == AGAIN)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "0",
            "6",
            "10",
            "55",
            "-5",
            "4,5",
            "5.5",
            "3/10",
            "10/10",
            "5:30",
            "3-5 hari",
            "1,000,000",
            "5%",
        ),
        *(
            "2 hari saya menunggu",
            "2 juta belum masuk",
            "1 pesanan belum sampai",
            "5 Elm Street",
            "5 tapi rusak",
        ),
        *("1. uang belum kembali\n2. barang rusak", "1) uang", "1\n2\n3", "[1] [2] [3] [4] [5]", "5\n4"),
        *(
            "satu hal lagi, uang saya belum",
            "dua barang rusak",
            "uang belum kembali\n5",
            "Jl. Mawar 5",
            "INV-5",
        ),
    ],
)
def test_other_numbers_are_no_ratings(text: str) -> None:
    assert read_rating(text, NAMES) is None


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("5, terima kasih banyak", False),
        ("5 pelayanan sangat memuaskan", False),
        ("5, semoga makin jaya", False),
        ("1, pelayanan lambat sekali", False),
        ("1 buruk", False),
        ("5, tapi uang saya belum kembali", True),
        ("4, kapan barang dikirim?", True),
        ("2, uang saya belum kembali", True),
        ("2 - uang belum kembali", True),
        ("3: kurir membuang paket di jalan", True),
        ("1!! saldo kosong", True),
    ],
)
def test_a_comment_asks_for_something_unless_it_is_thanks_praise_or_blame(text: str, asks: bool) -> None:
    found = read_rating(text, NAMES)

    assert found
    assert found.asks is asks


def test_words_may_follow_at_once_where_our_key_shows_that_it_is_a_rating() -> None:
    found = read_rating("2 uang saya belum kembali", keyed=True)

    assert found
    assert (found.score, found.comment, found.asks) == (2, "uang saya belum kembali", True)
    assert read_rating("4,5", keyed=True) is None


@given(st.text(max_size=300), st.booleans())
def test_any_text_is_read_and_a_score_is_one_of_five(text: str, keyed: bool) -> None:
    found = read_rating(text, keyed=keyed)

    assert found is None or (1 <= found.score <= 5 and len(found.comment) <= len(text))


WORDS = ("uang", "Cafe\u0301", "ﬁlm", "rusak", "belum", "５", "terima kasih", "\n", "?")


@given(st.integers(1, 5), st.lists(st.sampled_from(WORDS), min_size=1))
def test_no_word_behind_a_score_is_lost(score: int, words: list[str]) -> None:
    comment = " ".join(words)
    found = read_rating(f"{score}, ada {comment}")

    if found:
        kept, given = (
            unicodedata.normalize("NFKC", text).casefold().split() for text in (found.comment, comment)
        )
        assert kept == ["ada", *given]


def test_a_mail_of_many_lines_is_no_rating() -> None:
    assert read_rating("5" + "\nterima kasih" * 59)
    assert read_rating("5" + "\nterima kasih" * 60) is None
