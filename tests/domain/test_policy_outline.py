"""The digests by which a reload names what changed."""

from dataclasses import replace
from typing import Any

from mailbot.domain.policy import Team
from mailbot.domain.policy_review.policy_outline import compare_outlines, outline
from tests.builders import RINA, policy


def _with_days_off(*days: Any) -> dict[str, dict[str, str]]:
    return outline(policy(teams={"desk": Team("desk", "always", (replace(RINA, away=frozenset(days)),))}))


def test_the_order_of_a_set_is_no_change() -> None:
    first, second = (
        _with_days_off(0, 8),
        _with_days_off(8, 0),
    )  # they meet in the same place of the hash table
    assert repr(frozenset((0, 8))) != repr(frozenset((8, 0)))
    assert compare_outlines(first, second) == []


def test_another_day_off_is_a_change_of_the_team() -> None:
    assert compare_outlines(_with_days_off(0, 8), _with_days_off(0, 9)) == ["team 'desk' changed"]
