"""A form of a ticket's page under kill -9: sent again after the restart, it is carried out once."""

import asyncio
import random
import re
import signal
from html import unescape
from pathlib import Path

import httpx
import pytest

from tests.profile import NIGHTLY
from tests.scenarios.harness import DaemonProcess, complaint, eventually, free_port, send
from tests.scenarios.test_console import with_console
from tests.sink import SinkSmtp

KILLS = 20 if NIGHTLY else 4
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


async def log_in(daemon: DaemonProcess, browser: httpx.AsyncClient) -> None:
    """Log a manager in, who sees all tickets."""
    managers = re.findall(r"([\w.]+@[\w.]+), level: management", (daemon.config / "teams.yaml").read_text())
    _, out, _ = await daemon.command("console", "link", managers[0])
    found = re.search(r"http://\S+", out)
    assert found, out
    shown = await browser.get(found[0], follow_redirects=True)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', shown.text))
    await browser.post(str(shown.url).partition("?")[0], data=fields)


async def answer_fields(browser: httpx.AsyncClient, number: str, text: str) -> dict[str, str]:
    page = (await browser.get(f"/tickets/{number}")).text
    form = next(each for each in page.split("<form") if 'value="answer"' in each)
    return {**{name: unescape(value) for name, value in HIDDEN.findall(form)}, "text": text}


@pytest.mark.timeout(120)
async def test_an_answer_leaves_once_however_often_the_daemon_is_killed(tmp_path: Path) -> None:
    port, rng = free_port(), random.Random(1)
    browser = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)
    async with SinkSmtp() as sink, with_console(tmp_path, sink.port, port) as daemon, browser:
        await log_in(daemon, browser)
        for each in range(KILLS):
            await send(daemon.port, complaint(each), f"pelanggan{each}@pelanggan.example")
            rows = await eventually(lambda: daemon.rows("SELECT number FROM tickets ORDER BY opened_at"))
            number = rows[-1]["number"]
            form, path = await answer_fields(browser, number, f"Jawaban {each}"), f"/tickets/{number}/act"
            first = asyncio.create_task(browser.post(path, data=form))
            await asyncio.sleep(rng.uniform(0, 0.1))
            await daemon.stop(signal.SIGKILL)
            await asyncio.gather(first, return_exceptions=True)
            await daemon.start()
            again = await browser.post(path, data=form)
            assert again.status_code == 303, again.text
            shown = (await browser.get(again.headers["location"])).text
            assert "Sudah dilakukan" in shown
            answered = "SELECT 1 FROM messages WHERE ticket = ? AND direction = 'out'"
            assert len(daemon.rows(answered, number)) == 1
            mails = "SELECT 1 FROM outbox WHERE ticket = ? AND kind = 'answer'"
            assert len(daemon.rows(mails, number)) == 1
