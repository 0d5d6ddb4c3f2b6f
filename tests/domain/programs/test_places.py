"""Places in JSON, and what a call says by a map of an admin."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.programs.call import CallMap, CallReader, FilesMap
from mailbot.domain.programs.places import read_document, read_place, read_template

CALL = {
    "event": "message",
    "order": {"id": 7},
    "buyer": {"id": "Budi-1", "a/b": "miring", "m~n": "gelombang", "": "kosong"},
    "items": [{"text": "satu"}, {"text": "dua"}],
}
MAP = CallMap("/buyer/id|lower", "/items/0/text", "/order/id", subject="Order {/order/id}")


def document(found: Any) -> Any:
    return read_document(json.dumps(found).encode())


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("/buyer/id", "Budi-1"),
        ("/buyer/id|lower", "budi-1"),
        ("/items/1/text", "dua"),
        ("/buyer/a~1b", "miring"),
        ("/buyer/m~0n", "gelombang"),
        ("/buyer/", "kosong"),
        ("Order {/order/id} of {/buyer/id}", "Order 7 of Budi-1"),
        ("{{{/order/id}}}", "{7}"),
        ("/items/01/text", ""),
        ("/items/-/text", ""),
        ("/items/9/text", ""),
        ("/buyer/id/0", ""),
        ("/nowhere/at/all", ""),
        ("no place", "no place"),
    ],
)
def test_a_text_is_filled_from_its_places(text: str, filled: str) -> None:
    assert read_template(text).fill(document(CALL)) == filled


@pytest.mark.parametrize("text", ["buyer", "/a~2", "/a~", "/a|upper", "/a|lower|lower"])
def test_what_is_no_place_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON Pointer") as refusal:
        read_place(text)
    assert "/buyer/id" in refusal.value.args[1]


@pytest.mark.parametrize("text", ["Order {/id", "Order }", "{id}", "{}", "{/a{/b}}"])
def test_a_template_with_a_lonely_brace_or_a_word_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"alone|Pointer"):
        read_template(text)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"7", b'"a"', b"{", b'{"a": NaN}', b'{"a": Infinity}', b"\xff{}", b"[" * 100_000]
)
def test_what_is_no_json_object_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="it is"):
        read_document(content)


def test_numbers_stay_as_they_are_written() -> None:
    found = read_document(b'{"a": 1.10, "b": 1e400, "c": 12345678901234567890}')
    assert found == {"a": "1.10", "b": "1e400", "c": "12345678901234567890"}


def test_half_a_character_becomes_a_question_mark() -> None:
    said = CallReader(MAP).read(document({**CALL, "items": [{"text": "rusak \ud800"}]}))
    assert said.text == "rusak ?"


def test_a_call_says_who_wrote_what() -> None:
    said = CallReader(MAP).read(document(CALL))
    assert (said.author, said.text, said.external_id, said.subject) == ("budi-1", "satu", "7", "Order 7")


@pytest.mark.parametrize(
    ("missing", "reason"),
    [("buyer", "`author` leads"), ("order", "`external_id` leads"), ("items", "`text` leads")],
)
def test_what_is_missing_is_named(missing: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CallReader(MAP).read(document({**CALL, missing: None}))


def test_a_list_in_the_place_of_a_text_is_refused() -> None:
    with pytest.raises(ValueError, match="/items/0/text is no text"):
        CallReader(MAP).read(document({**CALL, "items": [{"text": ["satu"]}]}))


def test_only_what_fits_each_condition_is_a_message() -> None:
    chosen = CallMap("/a", "/t", "/i", when={"/event": ("message", "reply"), "/urgent": ("true",)})
    reader = CallReader(chosen)
    assert reader.is_message(document({"event": "reply", "urgent": True}))
    assert not reader.is_message(document({"event": "reply", "urgent": False}))
    assert not reader.is_message(document({"event": ["message"], "urgent": True}))
    assert not reader.is_message(document({}))


def test_files_are_read_and_those_that_can_not_be_are_named() -> None:
    chosen = CallMap("/a", "/t", "/i", files=FilesMap("/files", "/data", "/name", "/type"))
    files = [
        {"name": "bukti.png", "type": "image/png", "data": "aGFp"},
        {"name": "rusak.png", "data": "???"},
        {"name": "lagi.png", "data": {"a": 1}},
    ]
    said = CallReader(chosen).read(document({"a": "x", "i": "1", "files": files}))
    assert [(each.name, each.type, each.content) for each in said.files] == [
        ("bukti.png", "image/png", b"hai")
    ]
    assert said.unread == ("rusak.png", "lagi.png")
    many = CallReader(chosen).read(document({"a": "x", "i": "1", "files": files[:1] * 30}))
    assert (len(many.files), len(many.unread)) == (20, 10)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(["a", "t", "i", "files", "event"])


@given(st.dictionaries(KEYS, values))
def test_whatever_a_call_holds_it_is_read_or_refused(found: dict[str, Any]) -> None:
    chosen = CallMap(
        "/a", "{/t} {/t/0}", "/i", files=FilesMap("/files", "/0", "/1", "/2"), when={"/event": ("1",)}
    )
    reader, given_call = CallReader(chosen), document(found)
    reader.is_message(given_call)
    try:
        said = reader.read(given_call)
    except ValueError:
        return
    assert said.author
    assert said.external_id
    said.text.encode()


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_bytes_come_they_are_an_object_or_refused(content: bytes) -> None:
    try:
        assert isinstance(read_document(content), dict)
    except ValueError:
        pass


@given(st.text(max_size=60))
def test_whatever_an_admin_writes_is_a_template_or_refused_with_a_hint(text: str) -> None:
    try:
        template = read_template(text)
    except ValueError as refusal:
        hints = refusal.args[1:]
    else:
        hints = ("fits",)
        with suppress(ValueError):  # a place that is no text in this document
            template.fill(CALL)
    assert len(hints) == 1
