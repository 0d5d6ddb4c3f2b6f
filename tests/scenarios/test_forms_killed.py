"""A web form and a shop's message under kill -9: sent again after the restart, each is one ticket."""

import asyncio
import random
import re
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from email import message_from_bytes, policy
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.profile import NIGHTLY
from tests.scenarios.harness import DaemonProcess, eventually, free_port
from tests.scenarios.test_console import with_console
from tests.sink import SinkSmtp

KILLS = 20 if NIGHTLY else 2
KEY = re.compile('name="key" value="([^"]+)"')
FORM = """
public_url: http://127.0.0.1:{port}
forms:
  - name: kontak
    mailbox: {mailbox}
"""


def with_form(folder: Path, relay: int, port: int) -> DaemonProcess:
    daemon = with_console(folder, relay, port)
    path = daemon.config / "mailbot.yaml"
    mailbox = re.findall(r"address: ([\w.]+@[\w.]+)", path.read_text())[0]
    with path.open("a") as file:
        file.write(FORM.format(port=port, mailbox=mailbox))
    return daemon


class Killer:
    """Sends something, kills the daemon meanwhile, and sends the same again after the restart."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._daemon, self._rng = daemon, random.Random(1)

    async def twice(self, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        first = asyncio.ensure_future(send())
        await asyncio.sleep(self._rng.uniform(0, 0.06))
        await self._daemon.stop(signal.SIGKILL)
        await asyncio.gather(first, return_exceptions=True)
        await self._daemon.start()
        return await send()


def key_in(answer: httpx.Response) -> str:
    found = KEY.search(answer.text)
    assert found, answer.text
    return unescape(found[1])


def links(sink: SinkSmtp, address: str) -> list[str]:
    """Return the links that were mailed to this address, oldest first."""
    mails = [mail.content for mail in sink.mails if mail.recipients == (address,)]
    texts = [message_from_bytes(each, policy=policy.default).get_body(("plain",)) for each in mails]
    return [
        link for text in texts if text for link in re.findall(r"http://\S+/confirm\?\S+", text.get_content())
    ]


@pytest.mark.timeout(600)
async def test_a_form_is_one_ticket_however_often_the_daemon_is_killed(tmp_path: Path) -> None:
    port = free_port()
    browser = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)
    async with SinkSmtp() as sink, with_form(tmp_path, sink.port, port) as daemon, browser:
        killer = Killer(daemon)
        for each in range(KILLS):
            address = f"pelanggan{each}@pelanggan.example"
            fields = {"address": address, "message": f"Barang nomor {each} rusak.", "key": ""}
            fields["key"] = key_in(await browser.get("/forms/kontak"))
            await asyncio.sleep(3.1)  # the page must have been open for 3 seconds, by the daemon's own clock
            sent = await killer.twice(lambda fields=fields: browser.post("/forms/kontak", data=fields))
            assert sent.status_code == 303, sent.text
            # A kill after the dot makes a second copy of the mail, with the same link.
            (link,) = set(await eventually(lambda address=address: links(sink, address)))
            path, _, query = link.partition("?")
            key = {"key": query.rpartition("=")[2]}
            pressed = await killer.twice(lambda path=path, key=key: browser.post(path, data=key))
            assert pressed.status_code == 200, pressed.text
            assert daemon.rows("SELECT 1 FROM unconfirmed_posts") == []
        rows = await eventually(lambda: _of(daemon.rows("SELECT customer FROM tickets"), KILLS))
        wanted = Counter(f"pelanggan{n}@pelanggan.example" for n in range(KILLS))
        assert Counter(row["customer"] for row in rows) == wanted


@pytest.mark.timeout(600)
async def test_a_shops_message_is_one_ticket_however_often_the_daemon_is_killed(tmp_path: Path) -> None:
    port = free_port()
    shop = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)
    async with SinkSmtp() as sink, with_form(tmp_path, sink.port, port) as daemon, shop:
        agents = re.findall(r"[\w.]+@[\w.]+", (daemon.config / "teams.yaml").read_text())
        words = ("token", "create", "--as", agents[-1], "--name", "toko", "--verb", "message", "--no-read")
        _, out, _ = await daemon.command(*words)
        token = re.search(r"mb_[\w-]+", out)
        assert token, out
        shop.headers["Authorization"] = f"Bearer {token[0]}"
        killer = Killer(daemon)
        for each in range(KILLS):
            body = {
                "from": f"p{each}@pelanggan.example",
                "text": f"Pesanan {each} belum sampai.",
                "external_id": str(each),
            }
            kept = await killer.twice(lambda body=body: shop.post("/api/v1/messages", json=body))
            assert kept.status_code == 201, kept.text
        rows = await eventually(lambda: _of(daemon.rows("SELECT customer FROM tickets"), KILLS))
        wanted = Counter(f"p{n}@pelanggan.example" for n in range(KILLS))
        assert Counter(row["customer"] for row in rows) == wanted


def _of(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return rows if len(rows) >= count else []
