"""The DNS with its limits, against a server on loopback that answers well, badly, late, or not at all."""

import time
from collections.abc import Iterator

import pytest

from mailbot.mail.auth.dns_lookup import LookupFailed, TimeLimitReached
from mailbot.workers.resolver import MOST_QUERIES, Resolver
from tests.dns_server import GARBAGE, SERVFAIL, SILENT, DnsServer

ZONE: dict[str, str | list[str]] = {
    "bank.example": ["v=spf1 -all", 'with "quotes"', "A 192.0.2.7", "A 192.0.2.8", "AAAA 2001:db8::7"],
    "mx.example": ["MX 20 second.example.", "MX 10 first.example."],
    "7.2.0.192.in-addr.arpa": "PTR mail.bank.example.",
    "alias.example": "CNAME bank.example.",
    "loop.example": "CNAME loop.example.",
    "long.example": "v=spf1 " + "ip4:192.0.2.7 " * 300,
    "huge.example": ["x" * 1000] * 60,
    "empty.example": [],
    "broken.example": SERVFAIL,
    "silent.example": SILENT,
    "garbage.example": GARBAGE,
}


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer(ZONE) as running:
        yield running


@pytest.fixture
def resolver(server: DnsServer) -> Resolver:
    return Resolver(("127.0.0.1", server.port))


def soon() -> float:
    """Return a deadline for a question without an answer."""
    return time.monotonic() + 1.0


def later() -> float:
    """Return a deadline that a loaded machine keeps."""
    return time.monotonic() + 30.0


def test_records_come_as_text(resolver: Resolver) -> None:
    ask = resolver.until(later())

    assert ask("bank.example", "TXT") == ["v=spf1 -all", 'with "quotes"']
    assert ask("bank.example", "A") == ["192.0.2.7", "192.0.2.8"]
    assert ask("bank.example", "AAAA") == ["2001:db8::7"]
    assert ask("mx.example", "MX") == ["first.example", "second.example"]
    assert ask("7.2.0.192.in-addr.arpa", "PTR") == ["mail.bank.example"]
    assert ask("alias.example", "A") == ["192.0.2.7", "192.0.2.8"]
    assert ask("long.example", "TXT") == [ZONE["long.example"]]


@pytest.mark.parametrize(
    "name",
    [
        "nowhere.example",
        "empty.example",
        "a..example",
        ".",
        "",
        "x" * 64 + ".example",
        "x." * 200,
        "é.example",
        "back\\slash.example",
        "sp ace.example",
        "\x00.example",
    ],
)
def test_a_name_without_records_and_one_that_can_not_be_have_none(resolver: Resolver, name: str) -> None:
    assert resolver.until(later())(name, "TXT") == []


@pytest.mark.parametrize("name", ["broken.example", "loop.example"])
def test_a_server_that_fails_differs_from_an_empty_answer(resolver: Resolver, name: str) -> None:
    with pytest.raises(LookupFailed):
        resolver.until(later())(name, "TXT")


@pytest.mark.parametrize("name", ["silent.example", "garbage.example"])
def test_no_answer_ends_in_time(resolver: Resolver, name: str) -> None:
    started = time.monotonic()
    with pytest.raises((TimeLimitReached, LookupFailed)):
        resolver.until(soon())(name, "TXT")

    assert time.monotonic() - started < 2


def test_time_is_for_all_questions_together(resolver: Resolver, server: DnsServer) -> None:
    ask = resolver.until(soon())
    with pytest.raises(TimeLimitReached):
        ask("silent.example", "TXT")
    before = len(server.asked)
    with pytest.raises(TimeLimitReached):
        ask("bank.example", "TXT")

    assert len(server.asked) == before


def test_questions_are_counted(resolver: Resolver) -> None:
    ask = resolver.until(later())
    for number in range(MOST_QUERIES):
        ask(f"n{number}.example", "TXT")
    with pytest.raises(LookupFailed):
        ask("bank.example", "TXT")

    assert resolver.until(later())("bank.example", "TXT")


def test_answers_are_remembered_and_huge_ones_cut(resolver: Resolver, server: DnsServer) -> None:
    assert len(resolver.until(later())("huge.example", "TXT")) <= 50
    resolver.until(later())("bank.example", "TXT")
    before = len(server.asked)
    resolver.until(later())("bank.example", "TXT")

    assert len(server.asked) == before
