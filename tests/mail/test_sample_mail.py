"""Mails made up from a few words: they read back as what was meant, and no text is mistaken for a mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.policy import Policy
from mailbot.mail.compose.sample_mail import has_header, sample_attachment, write_mail
from mailbot.mail.parsing.envelope import build_envelope
from mailbot.mail.parsing.parse import parse
from tests.builders import BOX, NOW, policy

LINES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)


@given(LINES, LINES)
def test_a_mail_reads_back_as_it_was_meant(subject: str, body: str) -> None:
    mail = parse(write_mail("siti@pelanggan.example", BOX.address, subject, f"Halo,\n{body}"))
    assert (mail.sender, mail.subject, mail.text) == ("siti@pelanggan.example", subject, f"Halo,\n{body}")
    assert mail.automatic == ""


def test_a_value_with_line_ends_adds_no_header_field() -> None:
    raw = write_mail(
        "a@x.example", BOX.address, "x\r\nAuto-Submitted: auto-replied", "", [("X-A", "1\nX-B: 2")]
    )
    assert raw.count(b"\r\nX-B") == raw.count(b"\r\nAuto-Submitted") == 0


def test_a_header_of_a_test_decides_as_that_of_a_mail() -> None:
    raw = write_mail("a@x.example", BOX.address, "x", "y", [("Auto-Submitted", "auto-replied")])
    assert "uto-" in parse(raw).automatic


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (b"From: a@x.example\r\nSubject: x\r\n\r\nHalo", True),
        (b"Subject: x\n\nHalo", True),
        (b"\r\nReturn-Path: <a@x.example>\r\nReceived: from x\r\n by y\r\n\r\n", True),
        (b"Received: from x\r\n\tby y; date\r\nSubject: z\r\n\r\n", True),
        (b"From siti@x.example Mon Nov 23\nSubject: x\n\nHalo", True),
        (b"Halo admin: saldo saya terpotong", False),
        (b"Halo: saldo saya\nterpotong dua kali", False),
        (b"Saldo saya terpotong", False),
        (b"", False),
        (b"\xff\xfe\x00", False),
    ],
)
def test_a_text_is_no_mail(raw: bytes, answer: bool) -> None:
    assert has_header(raw) is answer


@given(st.binary(max_size=200))
def test_any_bytes_are_one_of_the_two(raw: bytes) -> None:
    assert has_header(raw) in (True, False)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Bukti Transfer.JPG", "image/jpeg"), ("a.pdf", "application/pdf"), ("x", "application/octet-stream")],
)
def test_a_file_of_which_only_the_name_is_known_has_a_likely_type(name: str, kind: str) -> None:
    assert (sample_attachment(name).name, sample_attachment(name).type) == (name, kind)


@pytest.mark.parametrize(
    ("header", "given", "sender", "recipient"),
    [
        (b"From: a@x.example\nTo: budi@y.example\n", {}, "a@x.example", BOX.address),
        (b"From: a@x.example\nReturn-Path: <b@x.example>\n", {}, "b@x.example", BOX.address),
        (b"From: a@x.example\nReturn-Path: <>\n", {}, "", BOX.address),
        (b"From: a@x.example\n", {"sender": "<>"}, "", BOX.address),
        (
            b"From: a@x.example\nCc: Support+x@dukungan.example\n",
            {},
            "a@x.example",
            "support+x@dukungan.example",
        ),
        (b"From: a@x.example\nCc: c@z.example\n", {"recipient": "x@y.example"}, "a@x.example", "x@y.example"),
    ],
)
def test_the_dialogue_is_told_from_the_mail(
    header: bytes, given: dict[str, str], sender: str, recipient: str
) -> None:
    rules: Policy = policy()
    raw = header + b"\nHalo"
    found = build_envelope(raw, rules, NOW, **given)  # type: ignore[arg-type]
    assert (found.sender, found.recipients) == (sender, (recipient,))
