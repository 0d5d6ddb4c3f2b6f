"""No cell, line or block that is shown moves a terminal, breaks a table or is computed by a spreadsheet."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.cli.shared.output import clean, clean_block, print_json, print_table

ANY = st.text(st.characters(exclude_categories=()), max_size=300)


@given(ANY)
def test_a_value_on_one_line_is_printable(text: str) -> None:
    shown = clean(text)
    assert shown.isprintable()
    assert len(shown) <= 200
    shown.encode()


@given(ANY)
def test_a_text_keeps_its_lines_and_no_control(text: str) -> None:
    assert all(line.isprintable() for line in clean_block(text).split("\n"))


@given(st.lists(st.lists(ANY, min_size=3, max_size=3), min_size=1, max_size=4))
def test_a_table_has_its_columns_and_rows_whatever_is_in_it(rows: list[list[str]]) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print_table(("a", "b", "c"), rows)
    *said, rest = out.getvalue().split("\n")
    assert (len(said), rest) == (len(rows) + 1, "")
    assert all(line.count("\t") == 2 for line in said)
    for cell in (cell for line in said for cell in line.split("\t")):
        assert cell == "" or (cell[0] not in "=@" and (cell[0] not in "+-" or cell[1:].isdecimal()))


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ('=cmd|"/c calc"!A1', '\'=cmd|"/c calc"!A1'),
        ("@SUM(1)", "'@SUM(1)"),
        ("+62811@toko.example", "'+62811@toko.example"),
        ("-1+1", "'-1+1"),
        ("\t=1", "'=1"),
        ("-5", "-5"),
        ("a=1", "a=1"),
    ],
)
def test_what_a_spreadsheet_would_compute_is_text(
    cell: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_table(("x",), [[cell]])
    assert capsys.readouterr().out == f"x\n{shown}\n"


def test_json_is_ascii_and_keeps_every_character(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"subject": "\x1b[2J\u202e\u00e9\x9b"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
