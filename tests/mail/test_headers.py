"""Encoded words, parameters and addresses are read as the RFCs define and as mail programs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.model import Contact
from mailbot.mail.parsing import addresses, encoded_words, header_fields
from mailbot.mail.parsing.header_fields import VALUES_LIMIT
from mailbot.mail.parsing.parse import parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Halo", "Halo"),
        ("=?utf-8?q?Halo_dunia?=", "Halo dunia"),
        ("=?UTF-8?B?SGFsbw==?=", "Halo"),
        ("a =?utf-8?q?b?= =?utf-8?q?c?= d", "a bc d"),
        ("=?utf-8?q?b?==?utf-8?q?c?=", "bc"),
        ("=?utf-8?q?=E2=80?= =?utf-8?q?=93?=", "\u2013"),
        ("=?utf-8?b?4oA=?= =?utf-8?q?=93?=", "\u2013"),
        ("=?iso-8859-1?q?caf=E9?= =?utf-8?q?=C3=A9?=", "caf\u00e9\u00e9"),
        ("=?utf-8*en?q?Halo?=", "Halo"),
        ("=?utf-8?q?=E2=80?= =?UTF8?q?=93?=", "\u2013"),
        ("=?iso-8859-1?q?Gr\u00f6\u00dfe_=FC?=", "Gr\u00f6\u00dfe \u00fc"),
        ("=?gb2312?q?\u00e9=D6=D0?=", "\u00e9\u4e2d"),
        ("=?iso-8859-1?b?w7w=?=", "\u00fc"),
        ("=?utf-8?q?Di_mana??=", "Di mana?"),
        ("=?utf-8?q?a b?=", "a b"),
        ("=?x-unknown?q?a=FC?=", "a\u00fc"),
        ("=?utf-8?b?SGFsbw?=", "Halo"),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
        ("=?=?=", "=?=?="),
        ("2 =? 3 ?= 4", "2 =? 3 ?= 4"),
    ],
)
def test_encoded_words_are_decoded(value: str, expected: str) -> None:
    assert encoded_words.decode(value) == expected


def test_a_line_break_in_an_encoded_subject_stays_in_the_subject() -> None:
    mail = parse(b"From: a@b.example\nSubject: =?UTF-8?Q?=0A?=Bcc: x@y.example =?utf-8?q?=0D=0A?=\n\n")

    assert mail.subject == "Bcc: x@y.example"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x; a=b; C=d", {"a": "b", "c": "d"}),
        ('x; a="b; c=d"; e=f', {"a": "b; c=d", "e": "f"}),
        ('x; a="say \\"hi\\" \\\\ there"', {"a": 'say "hi" \\ there'}),
        ('x; a="C:\\Temp\\b"', {"a": "C:\\Temp\\b"}),
        ("x; a=my file.pdf", {"a": "my file.pdf"}),
        ("x; a*=utf-8''%E2%80%93", {"a": "\u2013"}),
        ("x; a*=UTF-8'id'b%20c", {"a": "b c"}),
        ("x; a*0=b; a*1=c", {"a": "bc"}),
        ("x; a*1=c; a*0=b", {"a": "bc"}),
        ("x; a*0*=utf-8''%E2%80; a*1*=%93; a*2=.pdf", {"a": "\u2013.pdf"}),
        ("x; a*0=b; a*2=d", {"a": "b"}),
        ("x; a*1=b", {"a": ""}),
        ("x; a=plain; a*=utf-8''%C3%A9", {"a": "\u00e9"}),
        ("x; a=1; a=2", {"a": "1"}),
        ('x; a="open', {"a": "open"}),
        ("x; ; =; a", {}),
        ("x", {}),
    ],
)
def test_parameters_are_parsed(value: str, expected: dict[str, str]) -> None:
    assert encoded_words.parse_parameters(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("budi@b.example", [("", "budi@b.example")]),
        ("Budi <Budi@B.Example>", [("Budi", "budi@b.example")]),
        ('"Santoso, Budi" <budi@b.example>', [("Santoso, Budi", "budi@b.example")]),
        ("budi@b.example (Budi Santoso)", [("", "budi@b.example")]),
        ("Budi (dari (Toko)) <budi@b.example>", [("Budi", "budi@b.example")]),
        ('"ceo@bank.example" <budi@b.example>', [("ceo@bank.example", "budi@b.example")]),
        (
            "=?utf-8?q?ceo=40bank=2Eexample=3E=2C?= <budi@b.example>",
            [("ceo@bank.example>,", "budi@b.example")],
        ),
        (
            "=?utf-8?q?Budi_=3Cceo=40bank=2Eexample=3E?= <budi@b.example>",
            [("Budi <ceo@bank.example>", "budi@b.example")],
        ),
        ("a@b.example, c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        ("<a@b.example,c@d.example>", []),
        ("Tim: a@b.example, C <c@d.example>;", [("", "a@b.example"), ("C", "c@d.example")]),
        ("undisclosed-recipients:;", []),
        ("<@x.example,@y.example:budi@b.example>", [("", "budi@b.example")]),
        ("<@x.example:budi@b.example>", [("", "budi@b.example")]),
        ("<<budi@b.example>>", [("", "budi@b.example")]),
        (" budi . s @ b . example ", [("", "budi.s@b.example")]),
        ("Budi <budi @b.example>", [("Budi", "budi@b.example")]),
        ("Budi <bu di@b.example>", [("Budi", "")]),
        ("<a@b.example> c@d.example", []),
        ("<a@b.example> <c@d.example>", []),
        ("a@b@c.example", [("a@b@c.example", "")]),
        ("Budi", [("Budi", "")]),
        ("<>", []),
        ("", []),
        (",,,", []),
        ("a@-b.example", [("a@-b.example", "")]),
        ("a@b..example", [("a@b..example", "")]),
        ("a@[127.0.0.1]", [("a@[127.0.0.1]", "")]),
        ("dewi@pos.\u00e9xample", [("", "dewi@pos.\u00e9xample")]),
        ("a\x00b@c.example", [("ab@c.example", "")]),
    ],
)
def test_addresses_are_parsed_from_a_field(value: str, expected: list[tuple[str, str]]) -> None:
    assert [(entry.name, entry.address) for entry in addresses.parse_addresses(value)] == expected


@pytest.mark.parametrize(
    "value",
    [
        "image/png; name=a.png",
        "=?utf-8?q?image/png=3B_name=3Da=2Epng?=",
        "=?us-ascii?q?image/png?=; name=a.png",
        'image/png; name="=?utf-8?b?YS5wbmc=?="',
    ],
)
def test_a_content_type_may_hold_encoded_words(value: str) -> None:
    kind, parameters = encoded_words.parse_content_type(value)

    assert (kind, encoded_words.decode(parameters["name"])) == ("image/png", "a.png")


@given(st.text(max_size=40).map(lambda name: name.replace("\x00", "")), st.booleans())
def test_a_quoted_name_never_becomes_an_address(name: str, spaced: bool) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    value = f'"{quoted}"{" " if spaced else ""}<budi@b.example>'

    assert [entry.address for entry in addresses.parse_addresses(value)] == ["budi@b.example"]


def test_an_address_that_is_too_long_is_only_a_name() -> None:
    assert addresses.parse_addresses("x" * 5000 + "@b.example") == (Contact("x" * 150, ""),)


@pytest.mark.parametrize(
    ("block", "rows"),
    [
        (b"A: b\r\nC: d\r\n\r\n", [("a", "b"), ("c", "d")]),
        (b"A: b\r\n c\r\n\td\r\n\r\n", [("a", "b c\td")]),
        (b"A:b\nA :c\n\n", [("a", "b"), ("a", "c")]),
        (b"A: b\nnot a field\nSubject: d\n\n", [("a", "b"), ("subject", "d")]),
        (b"A: b\nnot a field\n\n", [("a", "b")]),
        (b"\nA: b\n\n", []),
        (b" A: b\n\n", []),
        (b"A: b", [("a", "b")]),
        (b"", []),
    ],
)
def test_fields_are_split_and_unfolded(block: bytes, rows: list[tuple[str, str]]) -> None:
    assert list(header_fields.read(block, 0, len(block))[0].rows) == rows


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"A: b\r\n\r\nHalo", b"Halo"),
        (b"A: b\n\nHalo", b"Halo"),
        (b"A: b\n\r\nHalo", b"Halo"),
        (b"\r\nHalo", b"Halo"),
        (b"A: b\nHalo dunia\nX", b"Halo dunia\nX"),
        (b"Halo dunia", b"Halo dunia"),
        (b"From a@b Mon\nA: b\n\nHalo", b"Halo"),
        (b"A: b\n", b""),
    ],
)
def test_the_body_begins_after_the_blank_line(raw: bytes, body: bytes) -> None:
    assert raw[header_fields.read(raw, 0, len(raw))[1] :] == body


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("<a@b>", ("<a@b>",)),
        ("<a@b> <c@d>\n <a@b>", ("<a@b>", "<c@d>")),
        ("a@b", ("<a@b>",)),
        ('"Budi" wrote <a@b>', ("<a@b>",)),
        ("Your message of today", ()),
        ("<a b>", ()),
        ("", ()),
    ],
)
def test_message_ids_are_read_with_their_brackets(header: str, expected: tuple[str, ...]) -> None:
    assert parse(f"In-Reply-To: {header}\nFrom: a@b.example\n\n".encode()).in_reply_to == expected


def test_of_many_references_the_first_and_the_newest_are_kept() -> None:
    ids = " ".join(f"<{number}@b>" for number in range(200))
    found = parse(f"References: {ids}\n\n".encode()).references

    assert (found[0], found[1], found[-1], len(found)) == ("<0@b>", "<151@b>", "<199@b>", 50)


def test_rules_read_any_header_decoded() -> None:
    raw = (
        b"From: a@b.example\r\nX-Priority: =?utf-8?q?sehr_wichtig_=C3=A9?=\r\n =?utf-8?q?!?=\r\n"
        b"X-Tag: 1\r\nx-tag: 2\x00\x07\r\nX-Long: " + b"y" * 9000 + b"\r\n\r\nHalo"
    )
    headers = parse(raw + b"\r\n" * 3).headers

    assert headers["x-priority"] == ("sehr wichtig é!",)
    assert headers["x-tag"] == ("1", "2")
    assert len(headers["x-long"][0]) == header_fields.VALUE_LIMIT
    assert "x-none" not in headers
    assert list(headers) == ["from", "x-priority", "x-tag", "x-long"]


@given(st.binary(max_size=200))
def test_headers_of_any_bytes_can_be_read(raw: bytes) -> None:
    headers = parse(b"X-A: " + raw + b"\r\n\r\n").headers
    for values in headers.values():
        assert len(values) <= VALUES_LIMIT
        assert not {"\n", "\r", "\0"} & set("".join(values))
        "".join(values).encode()
