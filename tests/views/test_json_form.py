"""Values as JSON: types, and which fields of a dataclass get which key."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from mailbot.domain.actor import Actor
from mailbot.domain.model import Status
from mailbot.domain.routing.money import Money
from mailbot.views.json_form import to_json


@dataclass(frozen=True)
class Row:
    number: int
    strikes: int = 2


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (Status.NEW, "new"),
        (datetime(2026, 11, 21, 14, tzinfo=timezone(timedelta(hours=7))), "2026-11-21T07:00:00+00:00"),
        (timedelta(minutes=2), 120.0),
        (Money(Decimal("150000.50")), 150_000),
        (Actor.agent("ayu@staf.example"), "agent:ayu@staf.example"),
        ({1: (datetime(2026, 1, 1, tzinfo=UTC), None)}, {"1": ["2026-01-01T00:00:00+00:00", None]}),
        (frozenset({Row(1)}), [{"number": 1, "strikes": 2}]),
    ],
)
def test_each_type_has_one_form(value: Any, form: Any) -> None:
    assert to_json(value) == form


def test_fields_are_picked_left_out_and_renamed() -> None:
    rows = (Row(1), Row(3))
    assert to_json(rows, only=("number",)) == [{"number": 1}, {"number": 3}]
    assert to_json(rows[0], omit=("number",), rename={"strikes": "attempts"}) == {"attempts": 2}
    assert to_json(None, only=("number",)) is None
