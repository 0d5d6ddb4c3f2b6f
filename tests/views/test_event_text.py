"""Every event has its sentence, whatever its fields hold."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain import events
from mailbot.domain.routing.money import Money
from mailbot.views.event_text import TEXTS, event_text, page_event_text
from mailbot.views.wording import PageWording
from tests.builders import NOW, policy

EVENTS = get_args(events.Event)
YEAR_2000, YEAR_2100 = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001  (Hypothesis adds the zone)
st.register_type_strategy(datetime, st.datetimes(YEAR_2000, YEAR_2100, timezones=st.just(UTC)))
st.register_type_strategy(Money, st.builds(Money, st.decimals(0, 10**9, places=2), st.just("IDR")))


def test_the_table_holds_every_event() -> None:
    assert set(TEXTS) == set(EVENTS)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_an_event_is_one_printable_line(kind: type[events.Event], data: st.DataObject) -> None:
    event = data.draw(st.from_type(kind))
    pages = (PageWording(policy(), language, "Asia/Jakarta", NOW) for language in ("id", "en"))
    texts = [event_text(event, "Asia/Jakarta"), *(page_event_text(event, words) for words in pages)]

    assert all(texts)
    assert all(text.isprintable() for text in texts)
    assert texts[0] != texts[1]
