"""Any bytes become an InboundMail quickly, without characters that must not reach SQL or a terminal."""

import time
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.mail.parsing import header_fields, mime_tree
from mailbot.mail.parsing.parse import parse
from tests.fuzz.reading import reading
from tests.mail.bombs import bombs

FRAGMENTS = st.sampled_from([
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b":", b";", b",", b'"', b"<", b">", b"(", b")", b"=", b"--",
    b"From: ", b"Subject: ", b"Reply-To: ", b"In-Reply-To: <a@b>", b"Message-ID: <", b"budi@pelanggan.example",
    b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: multipart/alternative; boundary=c",
    b"Content-Type: text/html", b"Content-Type: message/rfc822", b"; charset=", b"utf-16", b"gb2312", b"hz",
    b"\r\n--b\r\n", b"\r\n--b--\r\n", b"\r\n--c\r\n", b"\r\n--c--\r\n", b"--b", b"--c",
    b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable", b"x-uuencode",
    b"Content-Disposition: attachment; filename*0*=utf-8''%00", b"; filename=../", b"begin 644 a\n", b"M",
    b"=?utf-8?q?=0A?=", b"=?utf-8?b?4oCo?=", b"=?gb2312?b?", b"?=", b"=E2=80=A8", b"&#0;", b"&#8232;",
    b"&#xD800;", b"<!--", b"-->", b"<div>", b"<style>", b"</style>", b"<blockquote>", b"<pre>", b"<br>", b"&amp",
    b"> a", b"On 1.1.2026 10:00 a@b wrote:", b"Pada menulis:", b"##- Balas di atas baris ini -##", b"-- ",
    b"Auto-Submitted: ", b"Authentication-Results: mx; dmarc=pass", b"List-Id: ", b"Return-Path: <>",
    b"\0", b"\x1b[31m", b"\xff\xfe", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\x80", b"\xf0\x9f\x99\x8f",
])  # fmt: skip


@given(st.binary(max_size=400) | st.lists(FRAGMENTS | st.binary(max_size=6), max_size=60).map(b"".join))
def test_any_bytes_and_any_fragments_of_mail_can_be_read(raw: bytes) -> None:
    reading(raw)


@pytest.mark.parametrize(("name", "raw"), [pytest.param(*bomb, id=bomb[0]) for bomb in bombs()])
def test_a_bomb_is_read_in_bounded_time(name: str, raw: bytes) -> None:
    started = time.process_time()
    mail = parse(raw)
    spent = time.process_time() - started

    assert (mail.sender, mail.subject) == ("budi@pelanggan.example", "Saldo saya")
    assert len(mail.text) <= 512 * 1024
    assert spent < 5  # without bounds: minutes


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("a header of 1 MB", "too-complex"),
        ("10,000 fields", "too-complex"),
        ("commas in Reply-To", "too-complex"),
        ("10,000 levels", "too-complex"),
        ("100,000 parts", "too-complex"),
        ("a million lines that look like boundaries", "too-complex"),
        ("20 MB of text", "text-cut"),
        ("html: 9.6 MB", "html-cut"),
        ("html: nested div", "html-cut"),
    ],
)
def test_unread_content_is_flagged(name: str, flag: str) -> None:
    assert flag in parse(dict(bombs())[name]).flags


def test_a_mail_over_the_limits_is_read_up_to_them() -> None:
    mail = parse(dict(bombs())["100,000 parts"])

    assert mail.text.startswith("a\n\na\n\na")
    assert len(mail.text) < 2_000


# The tree compared with that of the standard library, on mails that it wrote itself.

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60)


@st.composite
def _messages(draw: st.DrawFn, depth: int = 2) -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    kind = draw(st.sampled_from(("text", "attachments", "alternative", "embedded") if depth else ("text",)))
    message.set_content(draw(TEXT), cte=draw(st.sampled_from(("8bit", "base64", "quoted-printable"))))
    if kind == "alternative":
        message.add_alternative(f"<p>{draw(TEXT)}</p>", subtype="html")
    if kind in ("attachments", "embedded"):
        for data in draw(st.lists(st.binary(max_size=40), max_size=3)):
            message.add_attachment(data, maintype="application", subtype="x-thing", filename="a.bin")
    if kind == "embedded":
        message.add_attachment(draw(_messages(depth - 1)))
    return message


def _library_parts(message: EmailMessage) -> list[tuple[str, bytes | None]]:
    if message.get_content_maintype() == "multipart":
        return [leaf for part in message.get_payload() for leaf in _library_parts(part)]  # type: ignore[union-attr,arg-type]
    return [(message.get_content_type(), message.get_payload(decode=True))]  # type: ignore[list-item]


@given(_messages())
def test_the_tree_equals_that_of_the_standard_library(message: EmailMessage) -> None:
    raw = message.as_bytes()
    top, body = header_fields.read(raw, 0, len(raw))
    tree = mime_tree.read(raw, top, body, len(raw))
    read = [(part.type, part.content(raw)) for part in tree.parts]
    expected = _library_parts(message_from_bytes(raw))  # type: ignore[arg-type]

    assert [kind for kind, _ in read] == [kind for kind, _ in expected]
    for (_, content), (_, expected_content) in zip(read, expected, strict=True):
        assert expected_content is None or content.rstrip(b"\r\n") == expected_content.rstrip(b"\r\n")
