"""DKIM signatures of dkimpy count, and none that covers less than it seems to."""

import base64
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailbot.mail.auth import canonical, dkim
from mailbot.mail.auth.dns_lookup import LookupFailed
from mailbot.mail.auth.sign import Signer
from tests.mail.senders import DOWN, HEADERS, MAIL, Zone, ed25519, keyed, record, rsa, signed

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def counts(mail: bytes, zone: dict[Any, Any] | None = None, at: datetime = AT) -> bool:
    parts = canonical.split(mail)
    if parts is None:
        return False
    lookup = Zone(keyed() if zone is None else zone)
    return any(dkim.verify(signature, parts, lookup, at) for signature in dkim.find_signatures(parts))


@pytest.mark.parametrize("head", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
def test_a_signature_of_dkimpy_counts_in_every_form(head: bytes, body: bytes) -> None:
    mail = signed(forms=(head, body))

    assert counts(mail)
    assert counts(mail.replace(b"\r\n", b"\n"))
    assert not counts(mail.replace(b"dua", b"dua", 1).replace(b"dua kali", b"tiga kali"))
    assert not counts(mail.replace(b"Subject: Saldo", b"Subject: Saldp"))


def test_relaxed_forms_survive_changes_of_relays() -> None:
    mail = signed().replace(b"Subject: Saldo", b"subject:\tSaldo ")

    assert counts(mail.replace(b"Saldo saya  ter", b"Saldo saya\t ter"))


@pytest.mark.parametrize("key", [rsa(), ed25519()])
def test_both_kinds_of_keys_count(key: Any) -> None:
    mail = Signer("bank.example", "s1", HEADERS, key).sign(MAIL, AT)

    assert counts(mail, {"s1._domainkey.bank.example": record(key)})
    assert not counts(mail, {"s1._domainkey.bank.example": record(ed25519() if key is rsa() else rsa())})


def test_the_example_of_rfc_8463_counts() -> None:
    mail = (
        b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
        b" d=football.example.com; i=@football.example.com;\r\n"
        b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
        b" subject : date : message-id : from : subject : date;\r\n"
        b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        b" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
        b" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
        b"From: Joe SixPack <joe@football.example.com>\r\n"
        b"To: Suzie Q <suzie@shopping.example.net>\r\n"
        b"Subject: Is dinner ready?\r\n"
        b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"
        b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    )
    key = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

    assert counts(mail, {"brisbane._domainkey.football.example.com": key})


@pytest.mark.parametrize(
    ("more", "allowed"),
    [
        ("; s=email", True),
        ("; s=*", True),
        ("; s=tlsrpt", False),
        ("; t=s", True),
        ("; t=y", False),
        ("; h=sha256", True),
        ("; h=sha1", False),
        ("; n=a note", True),
    ],
)
def test_the_limits_of_a_key_are_respected(more: str, allowed: bool) -> None:
    assert counts(signed(), {"s1._domainkey.bank.example": record(rsa(), more)}) is allowed


def test_a_key_without_subdomains_is_respected() -> None:
    mail = signed().replace(b"i=@bank.example", b"i=@x.bank.example")

    assert not counts(mail, {"s1._domainkey.bank.example": record(rsa(), "; t=s")})


@pytest.mark.parametrize(
    "text",
    [
        [],
        "v=DKIM1; k=rsa; p=",
        "v=DKIM2; " + record(rsa()).partition("; ")[2],
        "v=DKIM1; k=rsa; p=!!!",
        "v=DKIM1; k=ed25519; p=AAAA",
        "v=DKIM1; k=rsa; p=AAAA",
        "v=DKIM1",
        "p=" + "A" * 65_000,
        "é",
        record(rsa()) + "; n=" + "x" * 4096,
        record(rsa(), "; p=x"),
    ],
)
def test_an_invalid_key_verifies_nothing(text: Any) -> None:
    assert not counts(signed(), {"s1._domainkey.bank.example": text})


def test_a_key_among_other_texts_is_found() -> None:
    assert counts(signed(), {"s1._domainkey.bank.example": ["v=spf1 -all", "hello", record(rsa())]})


def test_a_short_key_does_not_count_and_the_shortest_allowed_does() -> None:
    name = "s1._domainkey.bank.example"
    assert counts(signed(bits=1024), {name: record(rsa(1024))})
    assert not counts(signed(bits=1024), {name: record(rsa(2048))})


@pytest.mark.parametrize(
    ("modulus", "exponent"),
    [
        ((1 << 8192) - 1, 65537),
        ((1 << 16384) - 1, (1 << 16384) - 3),
        (rsa().public_key().public_numbers().n, (1 << 16384) - 3),
    ],
    ids=["modulus", "both", "exponent"],
)
def test_an_enormous_key_takes_no_time(modulus: int, exponent: int) -> None:
    started = time.perf_counter()

    assert not counts(signed(), {"s1._domainkey.bank.example": f"v=DKIM1; p={_der(modulus, exponent)}"})
    assert time.perf_counter() - started < 1


def _der(n: int, e: int) -> str:
    """Encode an RSAPublicKey of PKCS #1, which DKIM allows too."""

    def integer(value: int) -> bytes:
        octets = value.to_bytes(value.bit_length() // 8 + 1, "big")
        return b"\x02" + length(len(octets)) + octets

    def length(size: int) -> bytes:
        return bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")

    both = integer(n) + integer(e)
    return base64.b64encode(b"\x30" + length(len(both)) + both).decode()


def test_a_key_in_the_form_of_pkcs_1_counts() -> None:
    numbers = rsa().public_key().public_numbers()

    assert counts(signed(), {"s1._domainkey.bank.example": f"k=rsa; p={_der(numbers.n, numbers.e)}"})


def test_an_expired_signature_does_not_count() -> None:
    mail = Signer("bank.example", "s1", HEADERS, rsa()).sign(MAIL, AT)
    parts = canonical.split(mail)
    assert parts
    (signature,) = dkim.find_signatures(parts)
    dated = replace(signature, expires=int((AT + timedelta(days=1)).timestamp()))
    assert dkim.verify(dated, parts, Zone(keyed()), AT)
    assert not dkim.verify(dated, parts, Zone(keyed()), AT + timedelta(days=2))


def test_a_signature_over_part_of_the_body_does_not_count() -> None:
    mail = signed(length=True)
    assert b" l=" in mail

    assert not counts(mail)
    assert not counts(mail + b"Transfer it all to me.\r\n")


def test_a_second_from_or_subject_on_top_of_a_signed_mail_breaks_it() -> None:
    mail = signed()

    assert counts(mail)
    assert not counts(b"From: raja@bank.example\r\n" + mail)
    assert not counts(b"Subject: Kirim uang\r\n" + mail)
    assert not counts(b"subject : Kirim uang\r\n" + mail)
    assert counts(b"Received: from x by y\r\nX-Spam-Status: No\r\n" + mail)


@pytest.mark.parametrize("left_out", ["from", "subject"])
def test_a_signature_without_from_or_subject_does_not_count(left_out: str) -> None:
    mail = Signer("bank.example", "s1", HEADERS, rsa()).sign(MAIL, AT)
    weaker = Signer("bank.example", "s1", tuple(h for h in HEADERS if h != left_out), rsa()).sign(MAIL, AT)

    assert counts(mail)
    assert not counts(weaker)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"v=1;", b"v=2;"),
        (b"a=rsa-sha256", b"a=rsa-sha1"),
        (b"a=rsa-sha256", b"a=ed25519-sha256"),
        (b"d=bank.example", b"d=other.example"),
        (b"d=bank.example", b"d=bank.example; d=bank.example"),
        (b"s=s1", b"s=s1..x"),
        (b"s=s1", b"s=*"),
        (b"s=s1", b"s="),
        (b"c=relaxed/relaxed", b"c=relaxed/loose"),
        (b"c=relaxed/relaxed", b"c=simple/relaxed"),
        (b"t=", b"x=yesterday; t="),
        (b"t=", b"q=http; t="),
        (b"t=", b"i=@evil.example; t="),
        (b"bh=", b"bh=!"),
        (b"d=bank.example;", b""),
    ],
)
def test_a_changed_signature_field_does_not_count(old: bytes, new: bytes) -> None:
    mail = Signer("bank.example", "s1", HEADERS, rsa()).sign(MAIL, AT)
    assert old in mail

    assert not counts(mail.replace(old, new, 1))


def test_a_failed_lookup_is_raised() -> None:
    with pytest.raises(LookupFailed):
        counts(signed(), {"s1._domainkey.bank.example": DOWN})
