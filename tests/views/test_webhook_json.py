"""The messages that webhooks get fit the schema that is published for them."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.config.model import Webhook
from mailbot.domain import events as e
from mailbot.domain.actor import POLICY
from mailbot.domain.lifecycle import opened
from mailbot.domain.reasons import NO_REASON, written
from mailbot.domain.routing.money import Money
from mailbot.domain.webhooks.event_types import NAMES, TYPES, VERSION
from mailbot.store.lists.ticket_rows import RecordedEvent
from mailbot.views import webhook_json, webhook_schema
from mailbot.views.record_json import ticket_json
from tests.builders import EKO, NOW, NUMBER
from tests.webhook_events_page import EXAMPLES, PAGE, page

PUBLISHED = Path(__file__).parents[2] / "docs" / "channels" / "webhooks" / f"v{VERSION}" / "message.json"
TICKET = opened(NUMBER, e.TicketOpened(NOW, POLICY, "a@b.example", "c@d.example", "Halo", "id", "<1@x>"))
YEAR_2000, YEAR_2100 = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001  (Hypothesis adds the zone)
REASONS = st.builds(written, st.text()) | st.just(NO_REASON)
st.register_type_strategy(datetime, st.datetimes(YEAR_2000, YEAR_2100, timezones=st.just(UTC)))
st.register_type_strategy(Money, st.builds(Money, st.decimals(0, 10**9, places=2), st.just("IDR")))


def message(event: Any, *, notes: bool = False) -> bytes:
    row = RecordedEvent(3, "v1", event)
    data = {"ticket": ticket_json(TICKET), "event": webhook_json.event_json(row, "UTC", notes=notes)}
    return webhook_json.body(TYPES[type(event)], event.at, data)


@pytest.mark.parametrize("kind", TYPES, ids=TYPES.values())
@given(data=st.data())
def test_a_message_has_the_fields_of_its_schema_and_no_others(
    kind: type[e.Event], data: st.DataObject
) -> None:
    known = {"reason": REASONS, "restored": st.just(TICKET)}
    chosen = {field.name: known[field.name] for field in fields(kind) if field.name in known}
    sent = message(data.draw(st.builds(kind, **chosen)))

    msgspec.json.decode(sent, type=webhook_schema.message_type(kind))  # raises for an unknown field too
    assert json.loads(sent)["type"] == TYPES[kind]


def test_the_published_schema_is_that_of_the_code() -> None:
    """`mailbot webhooks schema` prints it. A field that goes, or means something else, needs another version."""
    assert PUBLISHED.read_text() == webhook_schema.schema_text(webhook_schema.schema())


def test_the_page_of_events_is_that_of_the_code() -> None:
    assert PAGE.read_text() == page()  # else: make commands
    assert [type(event) for event, _ in EXAMPLES] == list(TYPES)


def test_every_reference_in_the_schema_leads_somewhere() -> None:
    found = json.loads(PUBLISHED.read_text())
    references = {part.split('"')[0] for part in PUBLISHED.read_text().split("#/$defs/")[1:]}

    assert references <= found["$defs"].keys()
    assert len(found["oneOf"]) == len(NAMES)


def test_the_schema_of_one_type_is_a_part_of_that_of_all() -> None:
    one, every = webhook_schema.schema("ticket.closed"), webhook_schema.schema()

    assert one["$defs"].items() <= every["$defs"].items()
    assert len(one["oneOf"]) == 1
    with pytest.raises(KeyError):
        webhook_schema.schema("ticket.painted")


SECRET_WORDS = "the customer is a competitor of ours"


def test_the_text_of_an_internal_note_is_sent_only_where_it_is_asked_for() -> None:
    note = e.NoteAdded(NOW, EKO, SECRET_WORDS)

    assert SECRET_WORDS not in message(note).decode()
    assert message(note, notes=True).decode().count(SECRET_WORDS) == 2


@given(st.text(min_size=8).filter(str.strip))
def test_no_text_of_a_note_slips_through(text: str) -> None:
    quiet, other = (e.NoteAdded(NOW, EKO, each) for each in (text, "another"))

    assert message(quiet) == message(other)


def test_what_an_undone_act_restores_is_not_sent() -> None:
    undone = e.ActUndone(NOW, EKO, replace(TICKET, subject=SECRET_WORDS), "act", 1, 2)

    assert SECRET_WORDS not in message(undone).decode()


def test_a_webhook_is_shown_without_what_is_secret_of_it() -> None:
    shown = repr(Webhook("a", "https://x.example/T0KEN", secrets=(b"S3CRET" * 5,)))

    assert "T0KEN" not in shown
    assert "S3CRET" not in shown
