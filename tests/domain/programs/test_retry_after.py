"""How long another program asks us to wait."""

from datetime import timedelta

import pytest

from mailbot.domain.programs import retry_after


@pytest.mark.parametrize(
    ("header", "seconds"), [("120", 120), (" 5 ", 5), ("0", 1), ("86401", 86_400), ("999999999", 86_400)]
)
def test_seconds_are_read_up_to_a_day(header: str, seconds: int) -> None:
    assert retry_after.read(header) == timedelta(seconds=seconds)


@pytest.mark.parametrize("header", ["", "-1", "1.5", "soon", "Fri, 31 Dec 2027 23:59:59 GMT", "9" * 400, "١"])
def test_anything_else_says_nothing(header: str) -> None:
    assert retry_after.read(header) is None
