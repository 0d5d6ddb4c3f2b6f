"""How many connections a domain gets."""

from datetime import UTC, datetime

import pytest

from mailbot.delivery.shares import SLOW, Shares
from mailbot.store.outbox import Claimed

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def row(n: int, domain: str) -> Claimed:
    return Claimed(b"x", False, n, f"T-{n}", "team", 0, "", f"u@{domain}", domain, NOW, NOW, 0, 0)


def begin_all(shares: Shares, domain: str, first: int = 0, at: float = 0) -> int:
    """Begin mails to a domain as long as it may have more connections; return how many."""
    count = 0
    while shares.may_begin(domain, at):
        shares.begin(row(first + count, domain), at)
        count += 1
    return count


def answer(shares: Shares, domain: str, times: int, seconds: float = 0.01) -> None:
    for _ in range(times):
        shares.begin(row(-1, domain), 0)
        shares.answered(row(-1, domain), seconds)
        shares.end(row(-1, domain))


@pytest.mark.parametrize(
    ("connections", "unknown", "quick"), [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 1, 3), (8, 2, 6), (20, 5, 15)]
)
def test_a_domain_begins_with_a_quarter_and_grows_to_three_quarters(
    connections: int, unknown: int, quick: int
) -> None:
    assert begin_all(Shares(connections), "a.example") == unknown
    shares = Shares(connections)
    answer(shares, "a.example", 50)
    assert begin_all(shares, "a.example") == quick


def test_a_slow_reply_and_one_that_is_awaited_bring_a_domain_back_to_a_quarter() -> None:
    shares = Shares(20)
    answer(shares, "a.example", 50)
    answer(shares, "a.example", 1, SLOW)
    assert begin_all(shares, "a.example") == 5
    waiting = Shares(20)
    answer(waiting, "a.example", 50)
    for n in range(5):
        waiting.begin(row(n, "a.example"), 0)
    assert waiting.may_begin("a.example", SLOW - 0.1)
    assert not waiting.may_begin("a.example", SLOW)


def test_slow_domains_have_half_of_the_connections_together_and_leave_room_in_claims() -> None:
    shares = Shares(20)
    slow = [f"{n}.example" for n in range(8)]
    for domain in slow:
        answer(shares, domain, 1, SLOW)
    assert sum(begin_all(shares, domain, 100 * n) for n, domain in enumerate(slow)) == 10
    shares.take([row(n, slow[n % 8]) for n in range(10)], 0)
    assert all(shares.quotas(0)[domain] == 0 for domain in slow)
    assert shares.holds_back


def test_a_domain_is_claimed_again_when_half_of_its_share_is_free() -> None:
    shares = Shares(16)
    rows = [row(n, "a.example") for n in range(4)]
    shares.take(rows, 0)
    assert [shares.drop(each, 0) for each in rows] == [False, True, False, False]
