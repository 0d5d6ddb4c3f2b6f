"""Clients that send like a real mail server, and the account of what became of each mail (P1, P2, P3)."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable

from tests.scenarios.harness import DaemonProcess, complaint, send
from tests.sink import SinkSmtp


async def client(
    port: Callable[[], int], todo: list[int], accepted: Counter[int], pause: float = 0.0
) -> None:
    """Send mails until none is left: one without a 250 is sent again. `port` names the daemon for each try."""
    while todo:
        number = todo.pop()
        sender = f"pelanggan{number}@pelanggan.example"
        try:
            reply = await send(port(), complaint(number), sender)
        except OSError:
            reply = "hung up"
        if reply.startswith("250"):
            accepted[number] += 1
        else:
            assert not reply.startswith("5"), reply  # promise P4
            todo.insert(0, number)
            await asyncio.sleep(0.02)
        await asyncio.sleep(pause)


def check(daemon: DaemonProcess, sink: SinkSmtp, accepted: Counter[int], mails: int) -> None:
    """Demand that each accepted mail is one message on one ticket, and that each copy is accounted for."""
    tickets = Counter(row["message_id"] for row in daemon.rows("SELECT message_id FROM messages"))
    assert len(accepted) == mails
    assert tickets == {f"<m{n}.pelanggan{n}@pelanggan.example>": 1 for n in range(mails)}
    assert daemon.rows("SELECT count(*) n FROM tickets") == [{"n": mails}]
    assert daemon.rows("SELECT 1 FROM inbox WHERE state != 'done'") == []

    copies: dict[str, list[bytes]] = {}
    for mail in sink.taken:
        (message_id,) = re.findall(rb"(?mi)^Message-ID: *(\S+)", mail.content)
        copies.setdefault(message_id.decode(), []).append(mail.content)
    owed = daemon.rows("SELECT message_id, kind, unknown FROM outbox")
    assert sum(row["kind"] == "acknowledgement" for row in owed) == mails
    for row in owed:
        got = copies.pop(row["message_id"])
        assert len(got) <= 1 + row["unknown"]  # a second copy only where the dot was left open
        assert len(set(got)) == 1  # and byte for byte the same
    assert copies == {}
