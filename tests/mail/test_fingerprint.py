"""A mail has one fingerprint on whatever route it comes, and another mail has another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.mail.parsing.fingerprint import fingerprint

MAIL = (
    b"From: budi@b.example\r\nMessage-ID: <1@b.example>\r\nDate: Fri, 20 Nov 2026 10:12:00 +0700\r\n"
    b"DKIM-Signature: v=1;\r\n\tb=abc\r\nSubject: Halo\r\n\r\nReceived: in the text\r\n"
)
TRACE = (
    b"Received: from a by b;\r\n\ttoday\r\n",
    b"Return-Path: <budi@b.example>\r\n",
    b"Delivered-To: support@dukungan.example\r\n",
    b"X-Original-To: support@dukungan.example\r\n",
    b"Envelope-To: support@dukungan.example\r\n",
    b"Authentication-Results: mx;\r\n spf=pass\r\n",
    b"RECEIVED-SPF: pass\r\n",
    b"X-Received: by 10.0.0.1\r\n",
    b"ARC-Seal: i=1;\r\n b=x\r\n",
    b"ARC-Authentication-Results: i=1\r\n",
    b"X-Spam-Status: No\r\n",
    b"X-Spam: no\r\n",
)


@pytest.mark.parametrize("trace", [*TRACE, b"".join(TRACE)])
def test_trace_fields_change_nothing(trace: bytes) -> None:
    assert fingerprint(trace + MAIL) == fingerprint(MAIL)
    assert fingerprint(MAIL.replace(b"Subject", trace + b"Subject")) == fingerprint(MAIL)


def test_line_ends_and_folding_change_nothing() -> None:
    assert fingerprint(MAIL.replace(b"\r\n", b"\n")) == fingerprint(MAIL)
    assert fingerprint(MAIL + b"\r\n") == fingerprint(MAIL)
    assert fingerprint(MAIL.replace(b"\r\n\tb=", b" b=")) == fingerprint(MAIL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<1@b", b"<2@b"),
        (b"Halo", b"Hola"),
        (b"in the text", b"in the Text"),
        (b"b=abc", b"b=abd"),
        (b"From: budi", b"From: siti"),
        (b"\r\n\r\nReceived", b"\r\nReceived"),
    ],
)
def test_any_other_difference_is_another_mail(old: bytes, new: bytes) -> None:
    assert fingerprint(MAIL.replace(old, new)) != fingerprint(MAIL)


def test_the_day_counts_only_for_a_mail_without_id_and_date() -> None:
    bare = b"From: cron@b.example\r\n\r\ndone\r\n"

    assert fingerprint(bare, day="2026-11-20") != fingerprint(bare, day="2026-11-21")
    assert fingerprint(bare, day="2026-11-20") == fingerprint(bare, day="2026-11-20")
    for line in (b"Date: today\r\n", b"Message-ID:\r\n <1@b>\r\n"):
        assert fingerprint(line + bare, day="2026-11-20") == fingerprint(line + bare, day="2026-11-21")


@given(st.binary(max_size=200))
def test_any_bytes_have_a_fingerprint(raw: bytes) -> None:
    assert len(fingerprint(raw)) == 64
