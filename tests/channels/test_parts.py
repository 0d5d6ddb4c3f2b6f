"""How texts are cut for chats."""

from hypothesis import given
from hypothesis import strategies as st

from mailbot.channels.parts import split

WIDE = st.text(st.sampled_from("ab \n😀é"), max_size=80)


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(WIDE, st.integers(2, 20))
def test_no_part_is_too_long_and_no_letter_is_lost(text: str, most: int) -> None:
    parts = split(text, most)
    assert all(0 < units(each) <= most for each in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_text_that_fits_is_one_part() -> None:
    assert split(" Halo\n\nSiti ", 12) == ["Halo\n\nSiti"]
    assert split("a" * 12, 12) == ["a" * 12]
    assert split("😀" * 6, 12) == ["😀" * 6]


def test_it_is_cut_between_paragraphs_then_lines_then_words_then_anywhere() -> None:
    assert split("satu dua\n\ntiga empat", 12) == ["satu dua", "tiga empat"]
    assert split("satu dua\ntiga empat", 12) == ["satu dua", "tiga empat"]
    assert split("satu dua tiga empat", 12) == ["satu dua", "tiga empat"]
    assert split("abcdefghij" * 2, 12) == ["abcdefghijab", "cdefghij"]


def test_an_early_border_does_not_make_small_parts() -> None:
    assert split("a\n\n" + "b" * 20, 12) == ["a\n\nbbbbbbbbb", "b" * 11]


def test_a_text_without_letters_has_no_part() -> None:
    assert split(" \n ", 10) == []
