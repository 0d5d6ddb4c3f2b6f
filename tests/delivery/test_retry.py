"""When a mail and a relay are tried again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.delivery.retry import Breaker, Trouble, backoff, probe, waited


def test_back_off_grows_to_a_quarter_of_an_hour() -> None:
    middle = [backoff(attempts, 0.5).total_seconds() for attempts in range(1, 10)]
    assert middle == pytest.approx([2, 5, 15, 30, 60, 120, 300, 900, 900])


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_back_off_is_spread_by_a_fifth(attempts: int, random: float) -> None:
    share = backoff(attempts, random) / backoff(attempts, 0.5)
    assert 0.799 < share < 1.201


@given(st.integers(1, 600))
def test_the_time_waited_is_the_sum_of_the_back_offs_before(attempts: int) -> None:
    total = sum((backoff(each, 0.5) for each in range(1, attempts)), timedelta())
    assert abs(waited(attempts) - total) < timedelta(milliseconds=1)


def test_five_days_of_deferrals_are_some_five_hundred_attempts() -> None:
    assert waited(487) < timedelta(days=5) <= waited(488)


def test_the_relay_is_probed_after_1_2_4_and_at_most_30_seconds() -> None:
    assert [probe(failures) for failures in (1, 2, 3, 4, 5, 6, 7, 1000)] == [1, 2, 4, 8, 16, 30, 30, 30]


def test_trouble_on_many_connections_at_once_counts_once_and_is_reported_once() -> None:
    breaker = Breaker(probe)
    assert [breaker.trip(100.0, "gone") for _ in range(8)] == [True] + [False] * 7
    assert breaker.until == 101.0


def test_one_mail_at_a_time_is_tried_while_the_relay_is_down() -> None:
    breaker = Breaker(probe)
    breaker.trip(100.0, "gone")
    assert [breaker.allow_trial(at) for at in (100.0, 100.9, 101.0, 101.1)] == [False, False, True, False]
    assert breaker.trip(101.2, "gone") is False  # the trial failed: the next pause is longer
    assert breaker.until == pytest.approx(103.2)
    assert breaker.allow_trial(103.3) is True
    assert breaker.judge(250, at_dot=True) is True
    assert breaker.judge(250, at_dot=True) is False
    assert breaker.trip(200.0, "gone") is True
    assert breaker.until == 201.0  # earlier failures are forgotten


def test_a_trial_without_a_mail_does_not_make_the_next_mail_wait() -> None:
    breaker = Breaker(probe)
    breaker.trip(100.0, "gone")
    assert breaker.allow_trial(101.0)
    breaker.skip_trial()
    assert breaker.allow_trial(101.1)


@pytest.mark.parametrize(
    ("trouble", "over"),
    [
        (Trouble.DOWN, [True, True, True, True]),
        (Trouble.REFUSES, [False, False, True, True]),
        (Trouble.SILENT, [False, True, False, True]),
    ],
)
def test_only_a_reply_that_shows_the_trouble_is_over_closes_the_breaker(
    trouble: Trouble, over: list[bool]
) -> None:
    closed = []
    for code, at_dot in ((550, False), (550, True), (451, False), (250, True)):
        breaker = Breaker(probe)
        assert breaker.trip(100.0, "why", trouble)
        assert breaker.judge(code, at_dot=at_dot) is not breaker.is_open
        closed.append(not breaker.is_open)
    assert closed == over


def test_a_relay_that_gives_no_reply_is_tried_ever_more_seldom_as_each_trial_costs_a_copy() -> None:
    breaker, at, pauses = Breaker(probe), 100.0, []
    for _ in range(12):
        breaker.trip(at, "silent", Trouble.SILENT)
        pauses.append(breaker.until - at)
        at = breaker.until
        assert breaker.allow_trial(at)
    assert pauses[:4] == [1, 4, 12, 32]
    assert pauses[-1] == 300
