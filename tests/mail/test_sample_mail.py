"""Sample mails are parsed to the intended values, and no text is mistaken for a mail."""

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.analysis.lint.checks import Budget
from mailbot.analysis.lint.rule_context import build_context
from mailbot.analysis.lint.search import Example
from mailbot.domain.policy import Policy
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import RoutingFacts
from mailbot.domain.routing.routing_facts import routing_facts
from mailbot.mail.compose.sample_mail import (
    LARGEST_EXAMPLE,
    has_header,
    sample_attachment,
    write_example,
    write_mail,
)
from mailbot.mail.parsing.parse import parse
from tests.analysis.lint.rule_sets import SETS, policy_of, read
from tests.builders import BOX

LINES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)


@given(LINES, LINES)
def test_a_sample_mail_is_parsed_to_its_values(subject: str, body: str) -> None:
    mail = parse(write_mail("siti@pelanggan.example", BOX.address, subject, f"Halo,\n{body}"))
    assert (mail.sender, mail.subject, mail.text) == ("siti@pelanggan.example", subject, f"Halo,\n{body}")
    assert not mail.no_auto_reply


def test_a_value_with_line_ends_adds_no_header_field() -> None:
    raw = write_mail(
        "a@x.example", BOX.address, "x\r\nAuto-Submitted: auto-replied", "", [("X-A", "1\nX-B: 2")]
    )
    assert raw.count(b"\r\nX-B") == raw.count(b"\r\nAuto-Submitted") == 0


def test_a_header_of_a_policy_test_counts_like_that_of_a_mail() -> None:
    raw = write_mail("a@x.example", BOX.address, "x", "y", [("Auto-Submitted", "auto-replied")])
    assert parse(raw).no_auto_reply


@pytest.mark.parametrize(
    ("raw", "expected"),
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
def test_a_text_is_distinguished_from_a_mail(raw: bytes, expected: bool) -> None:
    assert has_header(raw) is expected


@given(st.binary(max_size=200))
def test_any_bytes_are_a_mail_or_a_text(raw: bytes) -> None:
    assert has_header(raw) in (True, False)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Bukti Transfer.JPG", "image/jpeg"), ("a.pdf", "application/pdf"), ("x", "application/octet-stream")],
)
def test_a_sample_attachment_has_a_type_by_its_extension(name: str, kind: str) -> None:
    assert (sample_attachment(name).name, sample_attachment(name).type) == (name, kind)


def parsed(facts: RoutingFacts, policy: Policy) -> RoutingFacts:
    """Parse the example of a mail. One above LARGEST_EXAMPLE is smaller, and `explain --size` assumes its size."""
    mail = parse(write_example(facts))
    if facts.size > LARGEST_EXAMPLE:
        assert mail.size == LARGEST_EXAMPLE
        mail = replace(mail, size=facts.size)
    at = facts.local_time.astimezone(UTC)
    return routing_facts(mail, mail.sender, facts.mailbox, policy, at, facts.customer_history)


@pytest.mark.parametrize("path", sorted(SETS.glob("*.yaml")), ids=lambda path: path.stem)
def test_rules_match_an_example_as_they_match_its_facts(path):
    policy = policy_of(read(path))
    at = build_context(policy, Budget())
    for index, rule in enumerate(policy.rules):
        answer = at.search.find(at.formulas[index], at.final_rules(index))
        assert isinstance(answer, Example), rule.name
        matches = conditions.match_rules(policy.rules, answer.mail)
        assert conditions.match_rules(policy.rules, parsed(answer.mail, policy)) == matches, rule.name


def example(**changes: object) -> tuple[RoutingFacts, RoutingFacts]:
    """Return the changed facts of an example, and those that its mail is parsed to."""
    policy = policy_of(read(SETS / "bank.yaml"))
    at = build_context(policy, Budget())
    answer = at.search.find(at.formulas[1])
    assert isinstance(answer, Example)
    facts = replace(answer.mail, **changes)  # type: ignore[arg-type]
    return facts, parsed(facts, policy)


@pytest.mark.parametrize("size", [2_000, 9_999, LARGEST_EXAMPLE, 10**15])
@pytest.mark.parametrize("names", [(), ("foto.jpg", "surat.pdf")])
def test_an_example_has_the_required_size(size: int, names: tuple[str, ...]) -> None:
    types = ("image/jpeg", "application/pdf")[: len(names)]
    facts, read_back = example(size=size, attachment_names=names, attachment_types=types)
    assert read_back.size == size
    assert (read_back.attachment_names, read_back.attachment_types) == (names, types)
    assert read_back.text.strip() == facts.text.strip()


@pytest.mark.parametrize("size", [120, 200, 450])
def test_a_small_example_has_a_minimal_header(size: int) -> None:
    facts, read_back = example(size=size, attachment_names=(), attachment_types=())
    assert abs(read_back.size - size) <= 12  # the padding field itself has 12 bytes
    assert (read_back.subject, read_back.text.strip()) == (facts.subject, facts.text.strip())
