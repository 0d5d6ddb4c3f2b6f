"""Reports of servers are read, whatever their form; other mail is no report; nothing takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.mail.compose.reply_tokens import TokenSigner, find_tokens
from mailbot.mail.parsing.parse import parse
from mailbot.mail.reports import bounces
from mailbot.mail.reports.unstructured_bounces import find_status
from tests.mail.bombs import bombs
from tests.mail.bounce_samples import (
    BOUNCES,
    DAEMON,
    ID,
    NUMBER,
    OURS,
    RECIPIENT,
    Sample,
    plain,
    report,
    samples,
)

SAMPLES = samples()
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])


@each_sample
def test_a_report_names_the_failure_and_the_recipient(sample: Sample) -> None:
    found = parse(sample.raw, own_addresses={OURS}).report

    assert found
    first = found.recipients[0] if found.recipients else None
    assert (found.kind, first.address if first else "") == (sample.kind, sample.address)
    assert (first.status if first else "") == sample.status
    assert found.permanent == (sample.kind == "bounce" and sample.status.startswith("5"))
    if sample.reader:
        assert found.read_by == sample.reader


@each_sample
def test_our_tokens_are_found_anywhere_in_a_report(sample: Sample) -> None:
    raw = sample.raw.replace(f"To: {BOUNCES}".encode(), f"To: {OURS}".encode(), 1)
    found = parse(raw, own_addresses={OURS}).report

    assert found
    ours = (ID.strip("<>"), f"+b.{BOUNCES.partition('+b.')[2].partition('@')[0]}")
    assert bool(set(found.tokens) & set(ours)) == (sample.holds == "id")
    assert NUMBER in found.text or sample.holds != "number"


@each_sample
def test_a_report_is_never_answered(sample: Sample) -> None:
    assert parse(sample.raw).no_auto_reply


def test_there_are_enough_samples_of_every_kind() -> None:
    assert len(SAMPLES) >= 40
    assert {sample.kind for sample in SAMPLES} == {"bounce", "delay", "complaint", "receipt"}


def test_two_recipients_are_distinguished() -> None:
    sample = next(sample for sample in SAMPLES if sample.name == "no_empty_line_between_recipients")
    found = parse(sample.raw).report

    assert found
    assert [(each.address, each.status) for each in found.recipients] == [
        (RECIPIENT, "5.1.1"),
        ("siti@pelanggan.example", "5.2.2"),
    ]


def test_the_original_is_named_with_its_references() -> None:
    found = parse(SAMPLES[0].raw).report

    assert found
    assert (found.message_id, found.references) == (ID, ("<a@pelanggan.example>",))


def test_a_persons_mail_is_no_report_whatever_it_quotes() -> None:
    raw = plain(
        f"Budi <{RECIPIENT}>", "Fwd: failure notice", f"Kenapa?\n\n<{RECIPIENT}>:\n550 5.1.1 User unknown\n"
    )

    assert not parse(raw).no_auto_reply
    assert parse(raw).report is None


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Saya sedang cuti", f"Saya tidak di kantor. Hubungi siti@pelanggan.example. {RECIPIENT}"),
        ("Out of office", "I am away and will read your mail on Monday. This mailbox is not monitored."),
    ],
)
def test_an_out_of_office_reply_is_no_bounce(subject: str, text: str) -> None:
    raw = plain(f"Budi <{RECIPIENT}>", subject, text, "Auto-Submitted: auto-replied", "Return-Path: <>")
    mail = parse(raw)

    assert mail.no_auto_reply
    assert mail.report is None


def test_a_report_known_only_by_its_null_sender_is_read_on_request() -> None:
    raw = plain("Server <robot@isp.example>", "Undeliverable", f"could not be delivered to {RECIPIENT}")

    assert parse(raw).report is None
    found = bounces.read(raw)
    assert found
    assert found.recipients[0].address == RECIPIENT


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("550 5.1.1 unknown", "5.1.1"),
        ("550-5.7.26 This mail is unauthenticated", "5.7.26"),
        ("host 5.1.1.9 said: 550 no such user", "5.1.1"),
        ("452 4.2.2 over quota", "4.2.2"),
        ("554 blocked by Spamhaus", "5.7.1"),
        ("Host or domain name not found", "5.1.2"),
        ("552 message too large", "5.3.4"),
        ("retry time not reached for any host", "4.4.7"),
        ("421 try later", "4.0.0"),
        ("kotak surat penuh", "5.2.2"),
        ("pengguna tidak ditemukan", "5.1.1"),
        ("terima kasih", ""),
    ],
)
def test_a_diagnostic_has_a_status(text: str, status: str) -> None:
    assert find_status(text) == status


def test_tokens_are_found_in_any_text_and_verified_by_the_key_alone() -> None:
    signer = TokenSigner(b"a secret of sixteen bytes or more")
    message_id = signer.message_id(NUMBER, "abc123", "dukungan.example")
    token = signer.bounce_address(OURS, "def456").partition("@")[0]
    text = f"x{message_id.upper()}. SRS0=a=b=dukungan.example={token}@relay.example, {ID}"
    found = find_tokens(text, 10)

    assert [signer.nonce_in(token) for token in found] == ["abc123", "def456", None]


def test_a_large_mail_without_structure_is_no_report() -> None:
    raw = plain(DAEMON, "failure notice", f"could not be delivered to {RECIPIENT}\n" + "x\n" * 300_000)

    assert bounces.read(raw) is None


def _heavy() -> list[tuple[str, bytes]]:
    top = b"From: MAILER-DAEMON@x.example\nSubject: failure notice\n"
    lines = b"A message that you sent could not be delivered\nYour message\nfailed addresses follow:\n"
    status = top + b"Content-Type: message/delivery-status\n\n"
    found = [
        ("@", top + b"\n" + lines + (b"@a" * 2500 + b"\n") * 90),
        ("long line", top + b"\n" + lines + b"a" * 400_000),
        ("short lines", top + b"\n" + b"could not be delivered\n" * 20_000),
        ("recipients", status + b"Final-Recipient: rfc822; a@b.example\nAction: failed\n" * 20_000),
        ("commas", status + b"Final-Recipient: rfc822; " + b"," * 60_000),
        ("dashes", top + b"\n" + b"-" * 400_000),
        ("marks", top + b"\n" + b"+b.0123456789abcdef.abcdefghijklmnopqrstuvwxyz\n" * 9_000),
    ]
    person, daemon = b"From: Budi <budi@pelanggan.example>", b"From: MAILER-DAEMON@pelanggan.example"
    return found + [(name, raw.replace(person, daemon)) for name, raw in bombs()]


@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in _heavy()])
def test_a_bomb_in_the_form_of_a_bounce_takes_no_long_time(raw: bytes) -> None:
    started = time.process_time()
    parse(raw)

    assert time.process_time() - started < 4  # a parser without an end, not a slow machine


PIECES = st.sampled_from([
    b"\n", b"\n\n", b": ", b"; ", b"<", b">", b"@", b"\xff", b"\0", b"=?utf-8?q?", b"550 5.1.1 ", b"--x\n",
    b"Final-Recipient: rfc822; ", b"Action: failed", b"Status: 5.1.1", b"Diagnostic-Code: smtp; ",
    b"Feedback-Type: abuse", b"Disposition: x; displayed", b"could not be delivered", b"tidak terkirim",
    b"Content-Type: message/delivery-status\n\n", b"Message-ID: <a@b>", RECIPIENT.encode(), ID.encode(),
])  # fmt: skip


@given(st.lists(PIECES, max_size=30))
def test_any_fragments_of_a_report_can_be_read(pieces: list[bytes]) -> None:
    top = b"From: M\xc3\xa4iler-Daemon <mailer-daemon@x.example>\nSubject: failure notice\n"
    kind = b"Content-Type: multipart/report; boundary=x\n\n--x\n"
    found = bounces.read(top + kind + b"".join(pieces))

    assert found is None or all(each.address == each.address.lower() for each in found.recipients)


def test_a_report_without_recipients_is_read_by_its_text() -> None:
    found = parse(
        report("Reporting-MTA: dns; mx.example\n", text=f"could not be delivered to {RECIPIENT}")
    ).report

    assert found
    assert (found.read_by, found.recipients[0].address) == ("words", RECIPIENT)
