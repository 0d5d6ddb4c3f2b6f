"""Test the YAML reader: the place of every key and value; any bytes give data or problems."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mailbot.config.yaml import source


def read(text: str) -> object:
    found, problems = source.parse(text.encode(), "x.yaml")
    assert problems == []
    return found.data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17:30", "17:30"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("2026-12-31", "2026-12-31"),
        ("08:00-12:00, 13:00-17:00", "08:00-12:00, 13:00-17:00"),
        ("1_000", "1_000"),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 17),
        ("-5", -5),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ('"true"', "true"),
        ("99999999999999999999", "99999999999999999999"),
        ("|\n  a\n  b", "a\nb\n"),
    ],
)
def test_a_scalar_follows_yaml_1_2_and_else_is_text(text: str, value: object) -> None:
    assert read(f"key: {text}\n") == {"key": value}


def test_keys_are_always_text() -> None:
    assert read("1: a\nNO: b\ntrue: c\n2026-12-31: d\n") == {
        "1": "a",
        "NO": "b",
        "true": "c",
        "2026-12-31": "d",
    }


def test_every_key_and_value_has_its_place() -> None:
    found, _ = source.parse(b"\xef\xbb\xbfa:\n  - b: [x, 'y']\n", "x.yaml")
    assert found.data == {"a": [{"b": ["x", "y"]}]}
    assert found.values[("a", 0, "b", 1)] == (2, 12)
    assert found.keys[("a", 0, "b")] == (2, 5)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: &x 1\n", 1, 4, "anchors (`&x`) are not allowed"),
        ("a: 1\nb: *x\n", 2, 4, "aliases (`*x`) are not allowed"),
        ("<<: {a: 1}\n", 1, 1, "merge keys (`<<`) are not allowed"),
        ("a: !!int '1'\n", 1, 4, "tags (words with `!`) are not allowed"),
        ("a: !mine 1\n", 1, 4, "tags (words with `!`) are not allowed"),
        ("%YAML 1.1\n---\na: NO\n", 1, 1, "directives (lines with `%`) are not allowed"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second document begins here"),
        ("a: 1\nb: 2\na: 3\n", 3, 1, "`a` is here twice"),
        ("[a]: 1\n", 1, 1, "a key must be text"),
        ("a:\n\tb: 1\n", 2, 1, "a tab is not allowed here: YAML needs spaces"),
        ("a: b: c\n", 1, 5, "a colon is not allowed here"),
        ("a: [1, 2\n", 2, 1, "a list that begins with `[` is not closed"),
        ("a: {b: 1\n", 2, 1, "a mapping that begins with `{` is not closed"),
        ("a: 'b\n", 2, 1, "the file ends inside a quoted text"),
        ("a: 1\n b: 2\n", 2, 3, "a colon is not allowed here"),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "this line does not fit the lines above it"),
        ('a: "\\s"\n', 1, 5, "an unknown escape"),
        ("a: @b\n", 1, 4, "this character can't begin a value"),
        ("a: 1\nb: \x07\n", 2, 4, "a control character is not allowed here: the file must be text"),
        ("a: 1\nb: x\u2028c: y\n", 2, 5, "a line ends here by a character that few editors show"),
        ("[" * 200, 1, 32, "is nested deeper than 30 levels"),
    ],
)
def test_what_is_not_allowed_in_a_file_is_refused_with_its_place(
    text: str, line: int, column: int, message: str
) -> None:
    _, problems = source.parse(text.encode(), "x.yaml")
    assert [(each.line, each.column, each.message) for each in problems] == [(line, column, message)]


def test_a_repeated_key_is_reported_once_whatever_its_value() -> None:
    found, problems = source.parse(b"a: {b: 1}\na: {b: 2}\n", "x.yaml")
    assert [each.message for each in problems] == ["`a` is here twice"]
    assert found.data == {"a": {"b": 1}}


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    _, problems = source.parse("a: 1\nb: grüße\n".encode("latin-1"), "x.yaml")
    assert [(each.line, each.column, each.message) for each in problems] == [(2, 6, "is not UTF-8")]


def test_too_large_and_missing_files_are_problems(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"#" * (source.MAX_BYTES + 1))
    assert [each.message for each in source.read(tmp_path / "large")[1]] == ["is larger than 1024 KB"]
    assert [each.message for each in source.read(tmp_path)[1]] == ["can't be read: is not a file"]


PIECES = [
    "a",
    ": ",
    "\n",
    "- ",
    "  ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    '"',
    "\\x",
    "&x ",
    "*x",
    "!t ",
    "|",
    "%",
    "---\n",
    "# ",
    "? ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join).map(str.encode) | st.binary(max_size=80))
def test_any_bytes_give_data_or_problems(raw: bytes) -> None:
    found, problems = source.parse(raw, "x.yaml")
    assert found.data is not None or problems
    for each in problems:
        assert str(each).startswith("x.yaml:")


UNLIKE = ("&x ", "*x", "!t ", "|", "%")  # refused, or read otherwise only where nothing follows


@given(st.lists(st.sampled_from([each for each in PIECES if each not in UNLIKE]), max_size=40).map("".join))
def test_what_is_accepted_is_divided_as_another_reader_of_yaml_1_2_divides_it(text: str) -> None:
    _, problems = source.parse(text.encode(), "x.yaml")
    if not problems:
        ours, others = (
            [(type(each).__name__, getattr(each, "value", "")) for each in events]
            for events in (
                yaml.parse(text, Loader=source._LOADER),
                YAML(typ="safe", pure=True).parse(text),
            )
        )
        assert ours == others


def test_secrets_are_masked_in_the_line_that_is_shown() -> None:
    text = "relay_password: 'hunter2\ntoken: hunter2\nstore: postgresql://a:hunter2@b/c\nx: \t\n"
    found, _ = source.parse(text.encode(), "x.yaml")
    for line in (1, 2, 3):
        shown = found.at((line, 1), "").excerpt
        assert shown
        assert "hunter2" not in shown
