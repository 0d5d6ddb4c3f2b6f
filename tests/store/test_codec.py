"""Values as JSON: what the versions before wrote with pydantic is read, and what this one writes they read."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mailbot.config import shipped
from mailbot.config.api import load
from mailbot.domain.events import EVENT_KINDS, ClocksSet, TicketAssigned, TicketRouted
from mailbot.domain.matching import Match
from mailbot.domain.model import Clock, Ticket
from mailbot.domain.policy import Ladder
from mailbot.domain.policy_review.policy_diff import Change
from mailbot.domain.reasons import Reason
from mailbot.reports.figures.ticket_facts import KINDS as REPORTED
from mailbot.reports.read import READ
from mailbot.store.codec import Codec, event_data, event_of
from mailbot.store.database import json_text
from mailbot.store.retention.last_run import LastRun
from tests.profile import sample

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
REASONS = st.recursive(
    st.builds(Reason, TEXTS, st.dictionaries(TEXTS, TEXTS | st.integers(-9, 9), max_size=2)),
    lambda inner: st.builds(
        Reason, TEXTS, st.dictionaries(TEXTS, inner | st.lists(inner, max_size=2).map(tuple), max_size=2)
    ),
    max_leaves=3,
)
st.register_type_strategy(
    datetime, st.datetimes(datetime.fromisoformat("1970-01-02"), timezones=st.just(UTC))
)
st.register_type_strategy(timedelta, st.timedeltas(timedelta(-9999), timedelta(99999)))
st.register_type_strategy(Decimal, st.decimals(-(10**15), 10**15, places=2))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(Mapping, st.dictionaries(TEXTS, TEXTS, max_size=2))
st.register_type_strategy(Reason, REASONS)
st.register_type_strategy(str, TEXTS)

KINDS = (*sample(list(EVENT_KINDS.values()), 6), Clock, Ticket, Match, Change, LastRun)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_both_ways_of_writing_are_read_by_both(kind: type[Any], data: st.DataObject) -> None:
    value, ours, pydantics = data.draw(st.from_type(kind)), Codec(kind), TypeAdapter(kind)
    stored = json.loads(json.dumps(ours.dump(value)))

    assert ours.load(stored) == value
    assert ours.load_text(ours.dump_text(value)) == value
    assert pydantics.validate_python(stored) == value
    assert ours.load(pydantics.dump_python(value, mode="json")) == value
    assert ours.load_text(pydantics.dump_json(value).decode()) == value


def test_ladders_are_read_from_both_ways_of_writing() -> None:
    for ladder in load(shipped.config(), os.environ).policy.ladders.values():
        content = json.loads(json.dumps(Codec(Ladder).dump(ladder)))
        assert Codec(Ladder).load(content) == TypeAdapter(Ladder).validate_python(content) == ladder
        assert Codec(Ladder).load(TypeAdapter(Ladder).dump_python(ladder, mode="json")) == ladder


@given(event=st.one_of(st.from_type(TicketRouted), st.from_type(ClocksSet), st.from_type(TicketAssigned)))
def test_an_event_comes_back_from_its_columns(event: Any) -> None:
    stored = json.loads(json.dumps(event_data(event)))

    assert not {"at", "by", "kind"} & stored.keys()
    assert event_of(event.kind, event.at, str(event.by), stored) == event


@pytest.mark.parametrize("kind", sample(sorted(REPORTED), 6))
@given(data=st.data())
def test_a_report_reads_an_event_as_the_general_codec_does(kind: str, data: st.DataObject) -> None:
    event = data.draw(st.from_type(EVENT_KINDS[kind]))
    stored = json.dumps(event_data(event))

    assert READ[kind](event.at, str(event.by), stored) == event
    assert READ[kind](event.at, str(event.by), stored) == event_of(
        kind, event.at, str(event.by), json.loads(stored)
    )


def test_a_report_reads_the_spans_of_old_versions() -> None:
    clock = {"target": "resolution", "span": "P1Y1DT1S", "spent": "PT0S", "running_since": None}
    (read,) = READ["clocks_set"](
        datetime(2026, 11, 28, tzinfo=UTC), "policy", json.dumps({"clocks": [clock]})
    ).clocks  # type: ignore[attr-defined]
    assert read.span == timedelta(days=366, seconds=1)


def test_fields_of_other_versions_are_defaults_or_left_out() -> None:
    at = datetime(2026, 11, 28, tzinfo=UTC)
    assert event_of("ticket_assigned", at, "policy", {"assignee": "a@x", "later": [1]}).assignee == "a@x"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="assignee"):
        event_of("ticket_assigned", at, "policy", {})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_the_text_of_a_column_is_read_by_this_version_and_those_before(value: Any) -> None:
    assert json.loads(json_text.dump(value)) == value
    assert json_text.load(json.dumps(value)) == json_text.load(json_text.dump(value)) == value


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": ["a\ud8ff"]}, [10**400]])
def test_text_that_only_python_reads_is_kept(value: Any) -> None:
    assert json_text.load(json_text.dump(value)) == json_text.load(json.dumps(value)) == value
