"""Only what a trusted host wrote on top counts, and only for the domain in From."""

import pytest

from mailbot.domain.model import Authentication
from mailbot.mail.auth import authentication_results
from mailbot.mail.auth.domains import aligned, registered_domain
from mailbot.mail.parsing import header_fields

PASS, FAIL, NONE = Authentication.PASS, Authentication.FAIL, Authentication.NONE
FROM = "budi@bank.co.id"


def _verdict(
    *lines: str, sender: str = FROM, ids: tuple[str, ...] = ("mx.dukungan.example",)
) -> Authentication:
    raw = "".join(f"{line}\n" for line in (*lines, f"From: <{sender}>", "")).encode()
    header, _ = header_fields.read(raw, 0, len(raw))
    return authentication_results.evaluate(header, sender, ids)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("dmarc=pass header.from=bank.co.id", PASS),
        ("dmarc=pass (p=REJECT sp=NONE dis=NONE) header.from=bank.co.id", PASS),
        ("DMARC=PASS header.From=Bank.CO.ID", PASS),
        ("dmarc = pass header.from = bank.co.id", PASS),
        ("dmarc=pass", PASS),
        ("dmarc=pass header.from=jahat.example", NONE),
        ("dmarc=fail (p=none) header.from=bank.co.id", FAIL),
        ("dmarc=fail header.from=bank.co.id; dkim=pass header.d=bank.co.id", FAIL),
        ("dkim=pass header.d=bank.co.id; dmarc=fail header.from=bank.co.id", FAIL),
        ("dmarc=fail header.from=jahat.example", NONE),
        ("dmarc=none header.from=bank.co.id", NONE),
        ("dmarc=temperror header.from=bank.co.id", NONE),
        ("dkim=pass header.d=bank.co.id header.s=s1 header.b=abc", PASS),
        ("dkim=pass (2048-bit key) header.i=@bank.co.id", PASS),
        ("dkim=pass header.i=budi@mail.bank.co.id", PASS),
        ('dkim=pass reason="good; really" header.d=bank.co.id', PASS),
        ("dkim/1=pass header.d=bank.co.id", PASS),
        ("dkim=pass header.d=mail.bank.co.id", PASS),
        ("dkim=pass header.d=co.id", NONE),
        ("dkim=pass header.d=id", NONE),
        ("dkim=pass header.d=jahatbank.co.id", NONE),
        ("dkim=pass header.d=jahat.example", NONE),
        ("dkim=pass header.d=jahat.example header.i=@bank.co.id", NONE),
        ("dkim=fail header.d=bank.co.id", NONE),
        ("dkim=pass header.d=jahat.example; dkim=pass header.d=bank.co.id", PASS),
        ("spf=pass (mx: domain of x@bank.co.id designates 1.2.3.4) smtp.mailfrom=budi@bank.co.id", PASS),
        ("spf=pass smtp.mailfrom=bounces.bank.co.id", PASS),
        ('spf=pass smtp.mailfrom="bu di"@bank.co.id', PASS),
        ("spf=pass smtp.mailfrom=prvs=0123=budi@bank.co.id", PASS),
        ("spf=pass smtp.helo=bank.co.id", NONE),
        ("spf=pass smtp.mailfrom=jahat.example", NONE),
        ("spf=softfail smtp.mailfrom=bank.co.id", NONE),
        ("iprev=pass policy.iprev=1.2.3.4", NONE),
        ("none", NONE),
        ("", NONE),
        # What the sender can put into a comment or a quoted string is no result.
        ("spf=pass (dmarc=pass header.from=bank.co.id) smtp.mailfrom=jahat.example", NONE),
        ("spf=pass (a \\) ; dmarc=pass header.from=bank.co.id) smtp.mailfrom=jahat.example", NONE),
        ("spf=pass (a (b) ; dmarc=pass header.from=bank.co.id) smtp.mailfrom=jahat.example", NONE),
        ('spf=pass smtp.mailfrom="x; dmarc=pass header.from=bank.co.id"@jahat.example', NONE),
        ("spf=pass smtp.mailfrom=dmarc=pass@jahat.example", NONE),
    ],
)
def test_a_result_vouches_for_its_own_domain_alone(results: str, expected: Authentication) -> None:
    assert _verdict(f"Authentication-Results: mx.dukungan.example; {results}") is expected
    assert _verdict(f"Authentication-Results: (our) MX.dukungan.example 1 ;\n\t{results}") is expected


GOOD = "dmarc=pass header.from=bank.co.id"


@pytest.mark.parametrize(
    "authserv_id", ["mx.jahat.example", "mx.dukungan.example.jahat.example", "dukungan.example"]
)
def test_what_a_foreign_host_wrote_counts_for_nothing(authserv_id: str) -> None:
    assert _verdict(f"Authentication-Results: {authserv_id}; {GOOD}") is NONE


def test_without_a_configured_host_nothing_counts() -> None:
    assert _verdict(f"Authentication-Results: mx.dukungan.example; {GOOD}", ids=()) is NONE
    assert _verdict(f"Authentication-Results: {GOOD}") is NONE


def test_what_stands_below_the_next_received_line_came_with_the_mail() -> None:
    ours = "Authentication-Results: mx.dukungan.example; spf=none smtp.mailfrom=jahat.example"
    forged = f"Authentication-Results: mx.dukungan.example; {GOOD}"

    assert _verdict(ours, "Received: from jahat by mx", forged) is NONE
    assert _verdict(forged, "Received: from x by mx", ours) is PASS


def test_what_stands_below_a_foreign_one_is_not_of_the_run() -> None:
    ours = "Authentication-Results: mx.dukungan.example; spf=none"
    foreign = "Authentication-Results: mx.jahat.example; none"

    assert _verdict(ours, foreign, f"Authentication-Results: mx.dukungan.example; {GOOD}") is NONE


def test_several_fields_of_one_host_are_one_run() -> None:
    spf = "Authentication-Results: mx.dukungan.example; spf=fail smtp.mailfrom=x.example"
    dkim = "Authentication-Results: mx.dukungan.example; dkim=pass header.d=bank.co.id"

    assert (
        _verdict("Received: from front by inner", spf, "DKIM-Filter: x", dkim, "Received: from x by mx")
        is PASS
    )


def test_a_failure_in_the_run_beats_a_pass() -> None:
    failed = "Authentication-Results: mx.dukungan.example; dmarc=fail header.from=bank.co.id"

    assert _verdict(f"Authentication-Results: mx.dukungan.example; {GOOD}", failed) is FAIL


def test_nobody_vouches_for_a_mail_without_a_sender() -> None:
    header, _ = header_fields.read(f"Authentication-Results: mx; {GOOD}\n\n".encode(), 0, 200)

    assert authentication_results.evaluate(header, "", ("mx",)) is NONE


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("bank.co.id", "bank.co.id", True),
        ("mail.bank.co.id", "bank.co.id", True),
        ("bank.co.id", "a.b.bank.co.id", True),
        ("co.id", "bank.co.id", False),
        ("go.id", "pajak.go.id", False),
        ("co.uk", "bank.co.uk", False),
        ("com", "bank.com", False),
        ("github.io", "budi.github.io", False),
        ("a.bank.com", "b.bank.com", False),
        ("xbank.com", "bank.com", False),
        ("", "bank.com", False),
        ("bank.com.", "BANK.com", True),
    ],
)
def test_domains_are_aligned_within_what_one_owner_registered(one: str, other: str, expected: bool) -> None:
    assert aligned(one, other) is expected
    assert aligned(other, one) is expected


def test_an_organisation_is_what_one_owner_registered() -> None:
    names = (
        "mail.bank.co.id",
        "bank.co.id",
        "a.b.bank.com",
        "bank.com",
        "budi.github.io",
        "x.web.id",
        "localhost",
    )

    assert [registered_domain(name) for name in names] == [
        *("bank.co.id", "bank.co.id", "bank.com", "bank.com", "budi.github.io", "x.web.id", "localhost")
    ]
