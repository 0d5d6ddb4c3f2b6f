"""Every event has a kind of its own, the name under which the store keeps it."""

import re
from typing import get_args

from mailbot.domain.events import EVENT_KINDS, Event


def test_every_event_has_a_kind_of_its_own() -> None:
    assert len(EVENT_KINDS) == len(get_args(Event))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", kind) for kind in EVENT_KINDS)
    assert all("kind" in vars(event) for event in get_args(Event))
