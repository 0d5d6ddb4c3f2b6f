"""The envelope of a mail without an SMTP session is read from its header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.mail.parsing.envelope import RECIPIENT_LIMIT, build_envelope, sender_and_recipients
from tests.builders import BOX, NOW, policy

TOKO, BILLS = BOX.address, "tagihan@dukungan.example"
TAGGED = "support+t.toko482173906.abc@dukungan.example"
OWN = {TOKO, BILLS}


def is_own(address: str) -> bool:
    local, _, domain = address.partition("@")
    return f"{local.partition('+')[0]}@{domain}" in OWN


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        ("Return-Path: <budi@pelanggan.example>\nFrom: Siti <siti@lain.example>", "budi@pelanggan.example"),
        ("Return-Path: budi@pelanggan.example", "budi@pelanggan.example"),
        ("Return-Path: <>\nFrom: Siti <siti@lain.example>", ""),
        ("Return-Path:\nFrom: Siti <siti@lain.example>", ""),
        ("Return-Path: <root>\nFrom: root <root@mesin.example>", ""),
        ("Return-Path: <a@first.example>\nReturn-Path: <b@forged.example>", "a@first.example"),
        ("From: Siti <Siti@Lain.example>", "siti@lain.example"),
        ("From: =?utf-8?q?evil=40x=2Eexample?= <siti@lain.example>", "siti@lain.example"),
        ("From: a@x.example, b@x.example", ""),
        ("From: a@x.example\nFrom: b@x.example", ""),
        ("Subject: tanpa pengirim", ""),
    ],
)
def test_the_sender_is_the_return_path_else_the_author(header: str, sender: str) -> None:
    assert sender_and_recipients(f"{header}\n\nhalo\n".encode(), is_own)[0] == sender


@pytest.mark.parametrize(
    ("header", "recipients"),
    [
        (f"To: {TOKO}", (TOKO,)),
        (f"To: Toko <{TOKO.upper()}>", (TOKO,)),
        (f"To: {TAGGED}", (TAGGED,)),
        (f"To: {TAGGED}\nDelivered-To: {TOKO}", (TOKO, TAGGED)),
        (f"Delivered-To: desk@gmail.example\nTo: {BILLS}\nCc: x@y.example, {TOKO}", (BILLS, TOKO)),
        (f"X-Original-To: {BILLS}\nTo: undisclosed-recipients:;", (BILLS,)),
        (f"Envelope-To: {BILLS}\nTo: {BILLS}", (BILLS,)),
        (f"Bcc: {TOKO}\nReply-To: {TOKO}", ()),
        (f"To: {TOKO}.evil.example, x{TOKO}", ()),
        ("To: teman@lain.example", ()),
        ("Subject: x", ()),
    ],
)
def test_the_recipients_are_our_addresses_in_the_header(header: str, recipients: tuple[str, ...]) -> None:
    assert (
        sender_and_recipients(f"From: a@b.example\n{header}\n\nTo: {BILLS}\n".encode(), is_own)[1]
        == recipients
    )


def test_the_number_of_recipients_is_limited() -> None:
    many = "".join(f"To: support+{number}@dukungan.example\r\n" for number in range(900))
    assert len(sender_and_recipients(many.encode() + b"\r\n", is_own)[1]) == RECIPIENT_LIMIT


@given(st.binary(max_size=400) | st.from_regex(rb"(?i)(return-path|from|to|delivered-to): .{0,60}\n\n.*"))
def test_any_bytes_have_an_envelope(raw: bytes) -> None:
    sender, recipients = sender_and_recipients(raw, policy().mailbox_for)
    assert sender == "" or "@" in sender
    assert set(recipients) <= {TOKO}


@pytest.mark.parametrize(
    ("header", "values", "sender", "recipient"),
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
def test_given_values_replace_those_of_the_header(
    header: bytes, values: dict[str, str], sender: str, recipient: str
) -> None:
    envelope = build_envelope(header + b"\nHalo", policy(), NOW, **values)  # type: ignore[arg-type]
    assert (envelope.sender, envelope.recipients) == (sender, (recipient,))
