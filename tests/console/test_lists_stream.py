"""News of changes: who hears what, when a stream ends, how soon an open list shows a new mail."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from mailbot.console.lists import feed, stream
from mailbot.console.lists.feed import MOST, Listener
from mailbot.domain.commands import AddNote, HandOver
from mailbot.domain.people.access import find_viewer
from mailbot.store.console import sessions
from tests.builders import DEWI, RINA, SARI, policy
from tests.console.office import Office, Served
from tests.console.test_lists_pages import PAYMENT, act

PATIENCE = 5.0


class Stream:
    """An open stream of `/events` without a socket: httpx collects what an application sends until it ends."""

    def __init__(self, office: Office, address: str) -> None:
        self._sent: asyncio.Queue[str] = asyncio.Queue()
        self._gone = asyncio.Event()
        self.status = 0
        secret = office.begin_session(address)
        cookie = f"mailbot={secret}".encode()
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/events",
            "query_string": b"",
            "headers": [(b"cookie", cookie)],
        }
        self.digest = sessions.digest_of(secret)
        self.task = asyncio.create_task(office.app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif body := message.get("body", b"").decode():
            self._sent.put_nowait(body)

    async def next(self, patience: float = PATIENCE) -> str:
        """Return the next message but the heartbeats."""
        async with asyncio.timeout(patience):
            while (message := await self._sent.get()).startswith(":"):
                pass
        return message

    async def close(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, PATIENCE)


@asynccontextmanager
async def streams(office: Office, *addresses: str) -> AsyncIterator[list[Stream]]:
    """Open streams that listen: the first look at the store is over."""
    opened = [Stream(office, address) for address in addresses]
    for each in opened:
        assert (await each.next()).startswith("retry:")
    await asyncio.sleep(2 * feed.EVERY)
    try:
        yield opened
    finally:
        for each in opened:
            await each.close()


def changed(*numbers: str) -> str:
    return f"event: changed\ndata: {' '.join(numbers)}\n\n"


async def test_each_stream_names_only_the_tickets_that_its_person_may_see(office: Office) -> None:
    async with streams(office, RINA.address, DEWI.address, SARI.address) as (rina, dewi, sari):
        ticket = await office.receive(**PAYMENT)
        assert await dewi.next() == await sari.next() == changed(ticket.number)
        with pytest.raises(TimeoutError):
            await rina.next(3 * feed.EVERY)


async def test_who_loses_a_ticket_hears_that_lists_changed_without_its_number(office: Office) -> None:
    ticket = await office.receive()
    with office.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tickets SET assignee = NULL")
    async with streams(office, RINA.address, DEWI.address) as (rina, dewi):
        await act(office, ticket.number, RINA.address, HandOver("payments"))
        assert await rina.next() == changed()
        assert await dewi.next() == changed(ticket.number)
        await act(office, ticket.number, DEWI.address, AddNote("catatan"))
        assert await dewi.next() == changed(ticket.number)
        with pytest.raises(TimeoutError):
            await rina.next(3 * feed.EVERY)


async def test_a_change_whose_time_is_a_little_past_is_heard_once(office: Office) -> None:
    async with streams(office, RINA.address) as (rina,):
        office.intake.clock -= timedelta(seconds=10)
        ticket = await office.receive()
        office.intake.clock += timedelta(seconds=10)
        assert await rina.next() == changed(ticket.number)
        with pytest.raises(TimeoutError):
            await rina.next(3 * feed.EVERY)


async def test_the_oldest_stream_of_a_person_with_too_many_ends(office: Office) -> None:
    async with streams(office, *[RINA.address] * (MOST + 1), DEWI.address) as (*own, dewi):
        ended = [each for each in own if each.task.done()]
        assert len(ended) == 1
        assert "event: over" in await ended[0].next()
        assert not dewi.task.done()


async def test_a_stream_ends_with_its_session_and_with_the_daemon(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.3)
    async with streams(office, RINA.address, DEWI.address) as (rina, dewi):
        office.store.write_now(sessions.end, rina.digest)
        assert "event: over" in await rina.next()
        office.desk.leaving.set()
        await asyncio.wait_for(dewi.task, PATIENCE)


async def test_nobody_looks_at_the_store_while_nobody_listens(office: Office) -> None:
    async with streams(office, RINA.address):
        assert office.desk.feed._task is not None
    await asyncio.sleep(2 * feed.EVERY)
    assert office.desk.feed._task is None


def test_news_that_come_together_are_one_message() -> None:
    viewer = find_viewer(RINA.address, policy())
    assert viewer
    listener = Listener(viewer)
    for number in ("B", "A", "B"):
        listener.hear(number, {"note_added"}, "frontline", None)
    listener.hear("C", {"note_added"}, "payments", None)
    assert listener.take() == "A B"
    assert not listener.woken.is_set()


def test_an_open_list_shows_a_new_mail_by_itself(open_page: Any, served: Served) -> None:
    page = open_page("/tickets/team")
    page.get_by_text("Tidak ada tiket di sini").wait_for()
    page.wait_for_timeout(1_000)
    took = []
    for n in range(5):
        began = time.monotonic()
        ticket = served.receive(sender=f"siti{n}@pelanggan.example")
        page.locator(f"a[href='/tickets/{ticket.number}']").wait_for()
        took.append(time.monotonic() - began)
    print(f"a mail was seen after {sorted(took)[2]:.2f} s, at most {max(took):.2f} s")
