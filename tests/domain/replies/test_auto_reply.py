"""The token bucket, against a bucket that counts its tokens."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.policy import Rate
from mailbot.domain.replies.auto_reply import take_token

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE_IN_TEN = Rate(1, 10 * MINUTE)
FIVE_A_DAY = Rate(5, timedelta(days=1))


def allowed(rate: Rate, moments: list[datetime]) -> list[datetime]:
    """List the moments at which a reply was allowed."""
    until, taken = None, []
    for now in moments:
        after = take_token(until, rate, now)
        if after is not None:
            until, taken = after, [*taken, now]
    return taken


def counted(rate: Rate, moments: list[datetime]) -> list[datetime]:
    """Compute the same with a leaky bucket that drains at count per period."""
    level, seen, taken = Fraction(rate.count), moments[0], []
    for now in moments:
        dripped = Fraction(
            (now - seen) // timedelta.resolution * rate.count, rate.period // timedelta.resolution
        )
        level, seen = min(Fraction(rate.count), level + dripped), now
        if level >= 1:
            level, taken = level - 1, [*taken, now]
    return taken


def test_one_in_ten_minutes_is_never_two_in_ten_minutes():
    every_minute = [NOON + n * MINUTE for n in range(31)]
    assert allowed(ONE_IN_TEN, every_minute) == [NOON + n * MINUTE for n in (0, 10, 20, 30)]


def test_a_day_of_five_starts_with_five_at_once_and_a_sixth_when_one_has_dripped_back():
    assert len(allowed(FIVE_A_DAY, [NOON] * 9)) == 5
    later = [NOON] * 5 + [NOON + timedelta(hours=4, minutes=47), NOON + timedelta(hours=4, minutes=48)]
    assert allowed(FIVE_A_DAY, later) == [NOON] * 5 + later[-1:]


@pytest.mark.parametrize("count", [3, 6, 7, 11, 999])
def test_the_last_of_a_burst_is_there_though_the_period_cannot_be_divided_evenly(count):
    assert len(allowed(Rate(count, timedelta(seconds=1)), [NOON] * (count + 2))) == count


# Periods that divide evenly, so that rounding to a microsecond can't tip a token over.
rates = st.builds(
    lambda count, each: Rate(count, count * timedelta(seconds=each)), st.integers(1, 9), st.integers(1, 90)
)
gaps = st.lists(st.integers(0, 200), min_size=1, max_size=60)


@given(rates, gaps)
def test_it_allows_what_a_bucket_with_a_counter_allows(rate, gaps):
    moments = [NOON + timedelta(seconds=sum(gaps[: n + 1])) for n in range(len(gaps))]
    assert allowed(rate, moments) == counted(rate, moments)


@given(rates, gaps, st.integers(1, 4))
def test_no_stretch_of_some_periods_holds_more_than_those_periods_and_one_burst(rate, gaps, periods):
    moments = [NOON + timedelta(seconds=sum(gaps[: n + 1])) for n in range(len(gaps))]
    taken = allowed(rate, moments)
    for start in taken:
        assert (
            sum(start <= each < start + periods * rate.period for each in taken) <= (periods + 1) * rate.count
        )


def test_a_refusal_costs_nothing():
    until = take_token(None, ONE_IN_TEN, NOON)
    assert [take_token(until, ONE_IN_TEN, NOON + n * MINUTE) for n in range(10)] == [None] * 10
    assert take_token(until, ONE_IN_TEN, NOON + 10 * MINUTE) is not None


def test_a_clock_that_was_set_back_by_a_year_does_not_stop_replies_for_a_year():
    until = take_token(None, ONE_IN_TEN, NOON)
    assert take_token(until, ONE_IN_TEN, NOON - timedelta(days=365)) is not None


def test_a_clock_that_was_set_back_a_little_gives_nothing_away():
    until = take_token(None, ONE_IN_TEN, NOON)
    assert take_token(until, ONE_IN_TEN, NOON - 5 * MINUTE) is None


def test_a_rate_of_nothing_allows_nothing():
    assert take_token(None, Rate(0, MINUTE), NOON) is None
