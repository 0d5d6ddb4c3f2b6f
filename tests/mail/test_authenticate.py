"""Authentication-Results count only on top, from a trusted host, and for the domain in From."""

import pytest

from mailbot.domain.model import Authentication
from mailbot.domain.people.addresses import aligned, registered_domain
from mailbot.mail.auth import authentication_results
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
        # Text that a sender can put into a comment or a quoted string is no result.
        ("spf=pass (dmarc=pass header.from=bank.co.id) smtp.mailfrom=jahat.example", NONE),
        ("spf=pass (a \\) ; dmarc=pass header.from=bank.co.id) smtp.mailfrom=jahat.example", NONE),
        ("spf=pass (a (b) ; dmarc=pass header.from=bank.co.id) smtp.mailfrom=jahat.example", NONE),
        ('spf=pass smtp.mailfrom="x; dmarc=pass header.from=bank.co.id"@jahat.example', NONE),
        ("spf=pass smtp.mailfrom=dmarc=pass@jahat.example", NONE),
    ],
)
def test_a_result_counts_only_for_its_own_domain(results: str, expected: Authentication) -> None:
    assert _verdict(f"Authentication-Results: mx.dukungan.example; {results}") is expected
    assert _verdict(f"Authentication-Results: (our) MX.dukungan.example 1 ;\n\t{results}") is expected


GOOD = "dmarc=pass header.from=bank.co.id"


TRUSTED = "Authentication-Results: mx.dukungan.example;"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param((f"Authentication-Results: mx.jahat.example; {GOOD}",), NONE, id="foreign host"),
        pytest.param(
            (f"Authentication-Results: mx.dukungan.example.jahat.example; {GOOD}",), NONE, id="longer name"
        ),
        pytest.param((f"Authentication-Results: dukungan.example; {GOOD}",), NONE, id="shorter name"),
        pytest.param((f"Authentication-Results: {GOOD}",), NONE, id="no host"),
        pytest.param(
            (
                f"{TRUSTED} spf=none smtp.mailfrom=jahat.example",
                "Received: from jahat by mx",
                f"{TRUSTED} {GOOD}",
            ),
            NONE,
            id="below the next Received",
        ),
        pytest.param(
            (f"{TRUSTED} {GOOD}", "Received: from x by mx", f"{TRUSTED} spf=none"),
            PASS,
            id="above a Received",
        ),
        pytest.param(
            (f"{TRUSTED} spf=none", "Authentication-Results: mx.jahat.example; none", f"{TRUSTED} {GOOD}"),
            NONE,
            id="below a foreign field",
        ),
        pytest.param(
            (
                "Received: from front by inner",
                f"{TRUSTED} spf=fail smtp.mailfrom=x.example",
                "DKIM-Filter: x",
                f"{TRUSTED} dkim=pass header.d=bank.co.id",
                "Received: from x by mx",
            ),
            PASS,
            id="two fields in one run",
        ),
        pytest.param(
            (f"{TRUSTED} {GOOD}", f"{TRUSTED} dmarc=fail header.from=bank.co.id"), FAIL, id="a failure wins"
        ),
    ],
)
def test_only_the_topmost_run_of_the_trusted_host_counts(
    lines: tuple[str, ...], expected: Authentication
) -> None:
    assert _verdict(*lines) is expected


def test_without_a_configured_host_nothing_counts() -> None:
    assert _verdict(f"{TRUSTED} {GOOD}", ids=()) is NONE


def test_a_mail_without_a_sender_never_passes() -> None:
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
def test_domains_of_one_owner_are_aligned(one: str, other: str, expected: bool) -> None:
    assert aligned(one, other) is expected
    assert aligned(other, one) is expected


@pytest.mark.parametrize(
    ("domain", "registered"),
    [
        ("mail.bank.co.id", "bank.co.id"),
        ("bank.co.id", "bank.co.id"),
        ("a.b.bank.com", "bank.com"),
        ("bank.com", "bank.com"),
        ("budi.github.io", "budi.github.io"),
        ("x.web.id", "x.web.id"),
        ("localhost", "localhost"),
    ],
)
def test_the_registered_domain_belongs_to_one_owner(domain: str, registered: str) -> None:
    assert registered_domain(domain) == registered
