"""Who works for a channel when its node dies."""

from datetime import UTC, datetime

from mailbot.store.channels import states
from mailbot.store.channels.states import Hold
from mailbot.store.service import nodes
from mailbot.store.service.nodes import Node
from mailbot.store.store import Store

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)


async def test_the_channel_of_a_dead_node_is_free_at_once(store: Store) -> None:
    for name in ("n1", "n2"):
        await store.write(nodes.register, Node(name, "host", 1, "channels", NOW, "p1"))
    assert await store.write(states.hold, Hold("chat", "n1"))
    assert not await store.write(states.hold, Hold("chat", "n2"))

    await store.write(nodes.mark_others_dead, "n2")
    assert await store.write(states.hold, Hold("chat", "n2"))
    assert not await store.write(states.hold, Hold("chat", "n1"))
