"""A piped mail as SMTP would have brought it, and the envelope that no dialogue gave."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.channels.pipe import envelope, restore
from mailbot.channels.smtp.data import has_bare_newlines
from mailbot.domain.model import Envelope
from mailbot.errors import Refused
from tests.builders import NOW
from tests.channels.smtp_client import SUPPORT, policy

SALES = "sales@dukungan.example"
MAIL = b"From: <budi@pelanggan.example>\r\nSubject: Saldo\r\n\r\nHalo\r\n"

PIPED = [
    (MAIL, MAIL),
    (MAIL.replace(b"\r\n", b"\n"), MAIL),
    (b"From budi@pelanggan.example Mon Nov 23 10:00:00 2026\n" + MAIL.replace(b"\r\n", b"\n"), MAIL),
    (b"From budi@pelanggan.example  Mon Nov 23 10:00:00 2026\r\n" + MAIL, MAIL),
    (b"From - Mon\nFrom - Tue\nA: b\n\n", b"From - Tue\r\nA: b\r\n\r\n"),  # the one that the pipe wrote
    (b"From : budi@pelanggan.example\n\nx\n", b"From : budi@pelanggan.example\r\n\r\nx\r\n"),  # RFC 5322 4.5
    (b"From: a@b.example\n\nx", b"From: a@b.example\r\n\r\nx"),
    (b"A: b\r\n\r\nmixed\nends\rhere\r\n", b"A: b\r\n\r\nmixed\r\nends\r\nhere\r\n"),
    (b"A: b\n\n>From here on\nFrom there\n", b"A: b\r\n\r\n>From here on\r\nFrom there\r\n"),
    (b"\xff\x00\n.\n..\n", b"\xff\x00\r\n.\r\n..\r\n"),
    (b"From nothing else\n", b""),
    (b"From nowhere", b"From nowhere"),
    (b"", b""),
]


@pytest.mark.parametrize(("piped", "raw"), PIPED)
def test_the_pipes_traces_go_and_nothing_else(piped: bytes, raw: bytes) -> None:
    assert restore(piped) == raw


@given(st.binary(max_size=200))
def test_any_bytes_are_restored_once_and_for_all(piped: bytes) -> None:
    raw = restore(b"X: y\n" + piped)
    assert not has_bare_newlines(raw)
    assert restore(raw) == raw


def envelope_given(raw: bytes = MAIL, **changes: Any) -> Envelope:
    given: dict[str, Any] = {"sender": None, "recipients": (), "env": {}, **changes}
    return envelope(raw, policy=policy(SUPPORT, SALES), received_at=NOW, **given)


def with_fields(*fields: str) -> bytes:
    return "".join(f"{each}\r\n" for each in fields).encode() + MAIL


SENDERS = [
    ("budi@pelanggan.example", "budi@pelanggan.example"),
    (" <Budi@Pelanggan.example> ", "Budi@Pelanggan.example"),
    ("büdi@bücher.example", "büdi@bücher.example"),
    ("", ""),
    ("<>", ""),
    ("MAILER-DAEMON", ""),
    ("root", ""),
    ("two@a.example three@b.example", ""),
    ("budi@pelanggan.example> SIZE=1", ""),
    ("bu\ndi@pelanggan.example", ""),
    ("bu\udcffdi@pelanggan.example", ""),
    ("b" * 600 + "@pelanggan.example", ""),
]


@pytest.mark.parametrize(("said", "sender"), SENDERS)
def test_a_sender_is_taken_as_it_is_or_as_the_null_sender(said: str, sender: str) -> None:
    assert envelope_given(sender=said).sender == sender
    assert envelope_given(env={"SENDER": said}).sender == sender


def test_the_sender_is_the_option_then_the_environment_then_return_path_then_empty() -> None:
    raw = with_fields("Return-Path: <topmost@a.example>", "Return-Path: <below@a.example>")
    env = {"SENDER": "env@a.example"}
    assert envelope_given(raw, sender="option@a.example", env=env).sender == "option@a.example"
    assert envelope_given(raw, sender="", env=env).sender == ""
    assert envelope_given(raw, env=env).sender == "env@a.example"
    assert envelope_given(raw, env={"SENDER": ""}).sender == ""  # so Exim writes a bounce's
    assert envelope_given(raw).sender == "topmost@a.example"
    assert envelope_given(with_fields("Return-Path: <>", "Return-Path: <below@a.example>")).sender == ""
    assert envelope_given().sender == ""  # From is no envelope: a forged one would choose who gets the answer


GIVEN = [
    ([SUPPORT], (SUPPORT,)),
    (["Support+T.abc@DUKUNGAN.example"], ("support+t.abc@dukungan.example",)),
    ([f"<{SALES}>"], (SALES,)),
    (["postmaster@dukungan.example"], (SUPPORT,)),
    ([SUPPORT, SALES, SUPPORT], (SUPPORT, SALES)),
    ([SUPPORT, "nobody@dukungan.example"], (SUPPORT,)),
]


@pytest.mark.parametrize(("given", "recipients"), GIVEN)
def test_given_recipients_are_read_as_the_listener_reads_them(
    given: list[str], recipients: tuple[str, ...]
) -> None:
    assert envelope_given(recipients=given).recipients == recipients


@pytest.mark.parametrize(
    "given",
    [
        "nobody@dukungan.example",
        "support@elsewhere.example",
        "support",
        "",
        "a%b@dukungan.example",
        "\udcff@x",
    ],
)
def test_without_a_mailbox_among_the_given_recipients_the_mail_is_refused(given: str) -> None:
    raw = with_fields(f"Delivered-To: {SUPPORT}")
    with pytest.raises(Refused, match=r"550 5\.1\.1"):
        envelope_given(raw, recipients=[given], env={"RECIPIENT": SUPPORT})


HINTS = [
    ({"ORIGINAL_RECIPIENT": SALES, "RECIPIENT": SUPPORT}, (), (SALES,)),
    ({"ORIGINAL_RECIPIENT": "alias@host.example", "RECIPIENT": SALES}, (), (SALES,)),
    ({"RECIPIENT": SUPPORT}, (f"Delivered-To: {SALES}",), (SUPPORT,)),
    ({"RECIPIENT": "alias@host.example"}, (f"Delivered-To: {SALES}",), (SALES,)),
    ({}, (f"X-Original-To: {SALES}",), (SALES,)),
    ({}, ("Delivered-To: support+t.abc@dukungan.example",), ("support+t.abc@dukungan.example",)),
    ({}, ("Delivered-To: alias@host.example", f"To: {SALES}"), (SALES,)),
    ({}, (), (SUPPORT,)),
    ({"RECIPIENT": "alias@host.example"}, ("To: somebody@elsewhere.example",), (SUPPORT,)),
]


@pytest.mark.parametrize(("env", "fields", "recipients"), HINTS)
def test_without_given_recipients_hints_lead_to_a_mailbox_and_the_first_one_is_the_last_resort(
    env: dict[str, str], fields: tuple[str, ...], recipients: tuple[str, ...]
) -> None:
    assert envelope_given(with_fields(*fields), env=env).recipients == recipients


def test_there_is_no_peer_and_the_time_is_now() -> None:
    assert (envelope_given().peer, envelope_given().received_at) == ("", NOW)
