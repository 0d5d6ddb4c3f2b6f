"""`mailbot channels`, as used from a shell."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mailbot.store.channels import events, states
from mailbot.store.channels.states import ChannelError, Hold, Position
from mailbot.store.service import nodes
from mailbot.store.service.nodes import Node
from tests.cli.test_merge import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


async def _two_events(shell: Shell) -> None:
    """Let one event wait and one be parked."""
    await shell.store.write(states.hold, Hold("toko", "n1"))
    await shell.store.write(states.advance, Position("toko", "77"))
    await shell.store.write(states.record_error, ChannelError("toko", "401 Unauthorized"))
    for name in ("e1", "e2"):
        at = shell.desk.clock - timedelta(hours=2)
        await shell.store.write(events.keep, events.NewEvent("toko", name, b'{"odd\x1b": 1}', at))
    await shell.store.write(events.put_off, events.Later(2, "no text"))


async def test_a_channel_is_listed_with_what_waits_and_what_is_wrong(shell: Shell) -> None:
    assert shell.shown("channels", "list") == []
    await _two_events(shell)

    (listed,) = shell.shown("channels", "list")
    assert (listed["channel"], listed["waiting"], listed["parked"]) == ("toko", 1, 1)
    assert (listed["set_up"], listed["mailbox"], listed["error"]) == (False, None, "401 Unauthorized")
    assert "401 Unauthorized" in shell.run("channels", "list")


async def test_a_channel_whose_answers_do_not_leave_is_not_well(shell: Shell) -> None:
    await shell.store.write(states.hold, Hold("toko", "n1"))
    await shell.store.write(
        nodes.register,
        Node("n1", "elsewhere", 1, "delivery", shell.desk.clock, "v1", troubles=["toko: HTTP 503"]),
    )

    assert shell.shown("channels", "list")[0]["error"] == "HTTP 503"
    assert "HTTP 503" in shell.run("channels", "list")
    assert "HTTP 503" in shell.run("channels", "show", "toko")


async def test_a_channel_is_shown_with_who_works_for_it_and_its_events(shell: Shell) -> None:
    await _two_events(shell)

    shown = shell.shown("channels", "show", "toko")
    assert (shown["holder"], shown["position"]) == ("n1", "77")
    assert [(each["id"], each["state"], each["reason"]) for each in shown["events"]] == [
        (2, "parked", "no text"),
        (1, "new", None),
    ]
    assert "n1 until" in shell.run("channels", "show", "toko")
    assert "there are toko" in shell.run("channels", "show", "tokko", code=1)


async def test_an_event_is_shown_as_it_came_without_control_characters(shell: Shell) -> None:
    await _two_events(shell)

    assert shell.shown("channels", "event", 2)["content"] == '{"odd\x1b": 1}'
    text = shell.run("channels", "event", 2)
    assert "\x1b" not in text
    assert "no text" in text
    assert "there is no event 9" in shell.run("channels", "event", 9, code=1)


async def test_parked_events_are_read_again_or_dropped_and_others_refused(shell: Shell) -> None:
    await _two_events(shell)

    assert "not parked: 1" in shell.run("channels", "retry", 1, 2, code=1)
    assert shell.shown("channels", "event", 2)["state"] == "new"
    await shell.store.write(events.put_off, events.Later(2, "no text"))
    assert "event 2 is dropped" in shell.run("channels", "drop", 2, "--because", "uji coba")
    dropped = shell.shown("channels", "event", 2)
    assert dropped["state"] == "done"
    assert dropped["reason"].endswith(": uji coba")


async def test_status_counts_what_is_parked_and_says_what_was_not_read(shell: Shell) -> None:
    await _two_events(shell)

    shown = shell.run("status", code=1)
    assert "1 events of channels are parked" in shown
    assert "what came by a channel has waited" in shown
    assert "1 new, 1 parked" in shown
