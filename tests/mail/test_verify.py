"""SPF, DKIM and DMARC give PASS, FAIL or NONE, with a DNS that answers, fails or is hostile."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mailbot.domain.model import Authentication, Envelope
from mailbot.mail.auth.dns_lookup import LookupFailed, TimeLimitReached
from mailbot.mail.auth.sign import Signer
from mailbot.mail.auth.verify import verify
from tests.mail.senders import BUDI, DOWN, HEADERS, MAIL, Zone, keyed, record, rsa, signed

PASS, FAIL, NONE = Authentication.PASS, Authentication.FAIL, Authentication.NONE
AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.9"
SPF = {"bank.example": "v=spf1 ip4:192.0.2.0/24 -all"}
REJECT = {"_dmarc.bank.example": "v=DMARC1; p=reject"}
QUARANTINE = {"_dmarc.bank.example": "v=DMARC1; p=quarantine"}
WATCH = {"_dmarc.bank.example": "v=DMARC1; p=none"}
KEY = keyed()


def verified(
    zone: dict[Any, Any],
    mail: bytes = MAIL,
    *,
    sender: str = BUDI,
    return_path: str = BUDI,
    peer: str = HERE,
    direct: bool = True,
) -> Authentication:
    envelope = Envelope(return_path, ("support@dukungan.example",), peer, AT)
    return verify(mail, sender, envelope, Zone(zone), direct=direct)


@pytest.mark.parametrize(
    ("zone", "mail", "peer", "expected"),
    [
        (SPF, MAIL, HERE, PASS),
        (SPF, MAIL, ELSEWHERE, NONE),
        (SPF | REJECT, MAIL, HERE, PASS),
        (SPF | REJECT, MAIL, ELSEWHERE, FAIL),
        (SPF | QUARANTINE, MAIL, ELSEWHERE, FAIL),
        (SPF | WATCH, MAIL, ELSEWHERE, NONE),
        (REJECT, MAIL, HERE, FAIL),
        ({}, MAIL, HERE, NONE),
        (KEY | REJECT, signed(), ELSEWHERE, PASS),
        (KEY, signed(), ELSEWHERE, PASS),
        (KEY | REJECT, signed().replace(b"kali", b"kala"), ELSEWHERE, FAIL),
        (KEY | SPF | REJECT, signed().replace(b"kali", b"kala"), HERE, PASS),
        (REJECT, signed(), ELSEWHERE, FAIL),
        ({"_dmarc.bank.example": "v=DMARC1; p=reject; pct=0"}, MAIL, HERE, NONE),
        ({"_dmarc.bank.example": "v=DMARC1; p=reject; t=y"}, MAIL, HERE, NONE),
        ({"_dmarc.bank.example": "v=DMARC1; p=reject; pct=50;;oops"}, MAIL, HERE, FAIL),
        ({"_dmarc.bank.example": "v=DMARC1;p=REJECT"}, MAIL, HERE, FAIL),
        ({"_dmarc.bank.example": "v=DMARC1; p=destroy"}, MAIL, HERE, NONE),
        ({"_dmarc.bank.example": "v=DMARC1; p=destroy; rua=mailto:a@b.example"}, MAIL, HERE, NONE),
        ({"_dmarc.bank.example": ["v=DMARC1; p=reject", "v=DMARC1; p=reject"]}, MAIL, HERE, NONE),
        ({"_dmarc.bank.example": ["site=x", "v=DMARC1; p=reject"]}, MAIL, HERE, FAIL),
        ({"_dmarc.bank.example": "p=reject; v=DMARC1"}, MAIL, HERE, NONE),
        ({"_dmarc.bank.example": "v=DMARC1; p=reject; rua=" + "x" * 60_000}, MAIL, HERE, NONE),
    ],
)
def test_mail_of_the_domain_itself(
    zone: dict[Any, Any], mail: bytes, peer: str, expected: Authentication
) -> None:
    assert verified(zone, mail, peer=peer) is expected


CHILD = "budi@mail.bank.example"
CHILD_MAIL = MAIL.replace(b"budi@bank.example", CHILD.encode())


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", PASS),
        ("; adkim=s", FAIL),
        ("; aspf=s", PASS),
        ("; sp=none", PASS),
        ("; sp=none; adkim=s", NONE),
    ],
)
def test_a_parent_domains_signature_counts_unless_alignment_is_strict(
    more: str, expected: Authentication
) -> None:
    zone = KEY | {"_dmarc.bank.example": f"v=DMARC1; p=reject{more}"}

    assert verified(zone, signed(CHILD_MAIL), sender=CHILD, return_path="", peer=ELSEWHERE) is expected


@pytest.mark.parametrize(("more", "expected"), [("", PASS), ("; aspf=s", FAIL), ("; adkim=s", PASS)])
def test_a_sender_below_the_domain_counts_unless_alignment_is_strict(
    more: str, expected: Authentication
) -> None:
    zone = {
        "bounce.bank.example": "v=spf1 ip4:192.0.2.7 -all",
        "_dmarc.bank.example": f"v=DMARC1; p=reject{more}",
    }

    assert verified(zone, return_path="x@bounce.bank.example") is expected


def test_sibling_domains_are_aligned_when_their_organisation_publishes_a_record() -> None:
    sister = {"s1._domainkey.news.bank.example": record(rsa())}
    mail = signed(CHILD_MAIL, domain="news.bank.example")

    assert verified(sister | REJECT, mail, sender=CHILD, return_path="", peer=ELSEWHERE) is PASS
    assert verified(sister, mail, sender=CHILD, return_path="", peer=ELSEWHERE) is NONE


def test_subdomains_of_a_shared_host_are_not_aligned() -> None:
    """Two customers of one host, which is not known to give names to anybody."""
    budi, evil = "budi@budi.host.example", "evil.host.example"
    mail = signed(MAIL.replace(b"budi@bank.example", budi.encode()), domain=evil)
    zone = {
        f"s1._domainkey.{evil}": record(rsa()),
        "_dmarc.budi.host.example": "v=DMARC1; p=reject",
        "_dmarc.evil.host.example": "v=DMARC1; p=none",
    }

    assert verified(zone, mail, sender=budi, return_path="", peer=ELSEWHERE) is FAIL
    owned = zone | {"_dmarc.host.example": "v=DMARC1; p=none; psd=y"}
    assert verified(owned, mail, sender=budi, return_path="", peer=ELSEWHERE) is FAIL


def test_domains_below_co_id_are_not_aligned() -> None:
    mail = signed(MAIL.replace(b"budi@bank.example", b"budi@bank.co.id"), domain="evil.co.id")
    zone = Zone({"s1._domainkey.evil.co.id": record(rsa()), "_dmarc.co.id": "v=DMARC1; p=none"})
    envelope = Envelope("x@evil.co.id", (), HERE, AT)

    assert verify(mail, "budi@bank.co.id", envelope, zone, direct=True) is NONE
    assert not [name for name in zone.asked if "evil" in name or name == "_dmarc.co.id"]


def test_the_policy_of_the_organisation_applies_to_its_subdomains() -> None:
    assert verified(REJECT, CHILD_MAIL, sender=CHILD) is FAIL
    assert verified({"_dmarc.bank.example": "v=DMARC1; p=none; sp=reject"}, CHILD_MAIL, sender=CHILD) is FAIL
    assert verified({"_dmarc.bank.example": "v=DMARC1; p=reject; sp=none"}, CHILD_MAIL, sender=CHILD) is NONE
    own = {"_dmarc.mail.bank.example": "v=DMARC1; p=none"}
    assert verified(REJECT | own, CHILD_MAIL, sender=CHILD) is NONE


def test_a_name_of_many_labels_needs_few_lookups() -> None:
    deep = "a@" + ".".join("x" * 40) + ".bank.example"
    zone = Zone({})
    verify(MAIL, deep, Envelope("", (), HERE, AT), zone, direct=True)

    assert len(zone.asked) <= 5


def test_other_domains_prove_nothing_and_are_not_looked_up() -> None:
    mail = signed(signed(), domain="evil.example", selector="slow")
    zone = Zone(
        KEY
        | REJECT
        | {"evil.example": TimeLimitReached(), "slow._domainkey.evil.example": TimeLimitReached()}
    )
    envelope = Envelope("x@evil.example", (), HERE, AT)

    assert verify(mail, BUDI, envelope, zone, direct=True) is PASS
    forged = verify(signed(domain="evil.example"), BUDI, envelope, zone, direct=True)
    assert forged is FAIL
    assert not [name for name in zone.asked if "evil" in name]


def test_five_signatures_are_verified_and_those_of_the_domain_itself_first() -> None:
    junk = b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=x%d.bank.example; s=s1; h=from:subject;\r\n"
        b" bh=%s; b=AAAA\r\n" % (n, _body_hash(signed()))
        for n in range(90)
    )
    zone = Zone(KEY | REJECT)
    envelope = Envelope("", (), HERE, AT)

    assert verify(junk + signed(), BUDI, envelope, zone, direct=True) is PASS
    assert zone.asked == ["s1._domainkey.bank.example"]
    zone.asked.clear()
    assert verify(junk + MAIL, BUDI, envelope, zone, direct=True) is FAIL
    assert len([name for name in zone.asked if "_domainkey" in name]) == 5


def _body_hash(mail: bytes) -> bytes:
    return mail.partition(b"bh=")[2].partition(b";")[0]


@pytest.mark.parametrize(
    ("broken", "mail"),
    [
        ({"_dmarc.bank.example": DOWN}, MAIL),
        (REJECT | {"bank.example": DOWN}, MAIL),
        (REJECT | {"s1._domainkey.bank.example": DOWN}, signed()),
    ],
)
def test_a_dns_that_does_not_answer_neither_passes_nor_fails(broken: dict[Any, Any], mail: bytes) -> None:
    assert verified(broken, mail) is NONE


def test_a_pass_of_the_domain_itself_needs_no_policy() -> None:
    assert verified(SPF | {"_dmarc.bank.example": DOWN}) is PASS


def test_a_pass_of_a_related_domain_needs_the_policy() -> None:
    zone = KEY | {"_dmarc.mail.bank.example": DOWN}

    assert verified(zone, signed(CHILD_MAIL), sender=CHILD, return_path="") is NONE


def test_behind_our_own_server_only_signatures_are_verified() -> None:
    assert verified(SPF | REJECT, direct=False) is NONE
    assert verified(SPF | KEY | REJECT, signed(), direct=False) is PASS


@pytest.mark.parametrize("return_path", ["", "x@elsewhere.example", "no address"])
def test_a_return_path_of_another_domain_proves_nothing(return_path: str) -> None:
    zone = SPF | REJECT | {"elsewhere.example": "v=spf1 +all"}

    assert verified(zone, return_path=return_path) is FAIL


def test_a_header_over_the_limit_does_not_hide_a_forgery() -> None:
    assert verified(KEY | REJECT, b"X: " + b"x" * 70_000 + b"\r\n" + signed(), peer=ELSEWHERE) is FAIL


def test_the_time_limit_is_raised() -> None:
    with pytest.raises(TimeLimitReached):
        verified({"bank.example": TimeLimitReached()})


@pytest.mark.parametrize(
    "sender", ["", "budi", "budi@localhost", "budi@" + "x" * 300 + ".example", "b@\udcff.id"]
)
def test_a_sender_without_a_domain_is_not_verified(sender: str) -> None:
    assert verified(SPF | REJECT, sender=sender) is NONE


def test_an_internationalised_domain_is_looked_up_in_ascii() -> None:
    zone = {"xn--bnk-qla.example": "v=spf1 ip4:192.0.2.7 -all"}

    assert verified(zone, sender="budi@bänk.example", return_path="budi@bänk.example") is PASS


def test_our_own_signature_verifies() -> None:
    mail = Signer("bank.example", "s1", HEADERS, rsa()).sign(MAIL, AT)

    assert verified(KEY | REJECT, mail, peer=ELSEWHERE) is PASS


def test_the_time_limit_is_no_failed_lookup() -> None:
    assert not issubclass(TimeLimitReached, LookupFailed)
